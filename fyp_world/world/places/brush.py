"""Light, sky and simple shapes: the drawing style that all scenes share.

Everything is in units of a 256-pixel picture, x right, y down. Small detail is left out on purpose:
an autoencoder that halves the picture three times keeps shapes of about 4 pixels and more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fyp_world.world.canvas import skia

Colour = tuple[int, int, int]
Point = tuple[float, float]

SIZE = 256.0
LIT_WINDOW = (255, 214, 120)


@dataclass(frozen=True)
class Light:
    """What a time of day does to colours."""

    sky: tuple[Colour, Colour, Colour]  # top, middle, at the horizon
    gain: tuple[float, float, float]  # what surfaces reflect of red, green, blue
    veil: Colour  # mixed into every surface
    veil_share: float
    cloud: Colour
    shine: Colour  # reflections, rays, highlights on water


LIGHTS = {
    "day": Light(
        ((56, 138, 222), (124, 190, 242), (222, 241, 250)),
        (1.0, 1.0, 1.0),
        (255, 255, 255),
        0.0,
        (255, 255, 255),
        (255, 255, 255),
    ),
    "sunset": Light(
        ((88, 58, 146), (236, 104, 112), (255, 200, 112)),
        (0.97, 0.77, 0.68),
        (184, 80, 128),
        0.18,
        (255, 150, 128),
        (255, 214, 120),
    ),
    "night": Light(
        ((12, 18, 54), (28, 42, 98), (64, 84, 146)),
        (0.3, 0.43, 0.74),
        (18, 30, 92),
        0.14,
        (62, 78, 134),
        (176, 200, 240),
    ),
}


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` moved towards `b` by `share` in 0…1."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def polygon(points: Sequence[Point]) -> skia.Path:
    return skia.Path.Polygon([skia.Point(x, y) for x, y in points], True)


def smooth(points: Sequence[Point], *, closed: bool = True) -> skia.Path:
    """A soft curve near the points; an open one starts and ends on the outer ones."""
    path = skia.Path()
    if closed:
        ring = [*points, points[0]]
        path.moveTo((points[-1][0] + points[0][0]) / 2, (points[-1][1] + points[0][1]) / 2)
    else:
        ring = list(points)
        path.moveTo(*points[0])
    for (x, y), (nx, ny) in pairwise(ring):
        path.quadTo(x, y, (x + nx) / 2, (y + ny) / 2)
    if closed:
        path.close()
    else:
        path.lineTo(*points[-1])
    return path


def oval(x: float, y: float, rx: float, ry: float) -> skia.Path:
    return skia.Path.Oval(skia.Rect(x - rx, y - ry, x + rx, y + ry))


def box(x0: float, y0: float, x1: float, y1: float, corner: float = 0.0) -> skia.Path:
    return skia.Path.RRect(skia.Rect(x0, y0, x1, y1), corner, corner)


class Brush:
    """Paints one scene at one time of day; `rng` varies the layout."""

    def __init__(self, canvas: skia.Canvas, time: str, rng: np.random.Generator) -> None:
        self.canvas = canvas
        self.time = time
        self.light = LIGHTS[time]
        self.rng = rng
        self._star_rng = rng.spawn(1)[0]  # apart, so that night leaves the layout as it is
        self.side = -1 if rng.random() < 0.5 else 1  # where the sun and the main object stand
        self._flat = skia.Paint(AntiAlias=True)
        self._shaded = skia.Paint(AntiAlias=True)

    # --- numbers and colours

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def beside(self, distance: float) -> float:
        """x at a distance from the middle, on the scene's main side; negative for the other."""
        return SIZE / 2 + self.side * distance

    def tone(self, colour: Colour, far: float = 0.0) -> Colour:
        """A surface's colour in this light, `far` (0…1) away in the haze."""
        light = self.light
        red, green, blue = (round(c * g) for c, g in zip(colour, light.gain, strict=True))
        return mix(mix((red, green, blue), light.veil, light.veil_share), light.sky[2], far)

    def water(self, colour: Colour, mirrored: float) -> Colour:
        """Water: its own colour and that of the sky at a height of 0 (top) or 1 (horizon)."""
        top, middle, low = self.light.sky
        sky = (
            mix(top, middle, 2 * mirrored) if mirrored < 0.5 else mix(middle, low, 2 * mirrored - 1)
        )
        return mix(self.tone(colour), sky, {"day": 0.1, "sunset": 0.62, "night": 0.25}[self.time])

    def lamp(self, dark: Colour) -> Colour:
        """A window or lamp: lit at night, otherwise a surface like any other."""
        return LIT_WINDOW if self.time == "night" else self.tone(dark)

    # --- shapes; colours are painted as given

    def fill(self, path: skia.Path, colour: Colour, alpha: float = 1.0) -> None:
        self._flat.setColor(skia.Color(*colour, round(255 * alpha)))
        self.canvas.drawPath(path, self._flat)

    def fade(
        self, path: skia.Path, a: Colour, b: Colour, *, sideways: bool = False, alpha: float = 1.0
    ) -> None:
        """Fill from colour `a` at the top (or left) of the shape to `b` at its other end."""
        r = path.getBounds()
        end = (r.right(), r.top()) if sideways else (r.left(), r.bottom())
        self._shaded.setColor(skia.Color(0, 0, 0, round(255 * alpha)))
        self._shaded.setShader(
            skia.GradientShader.MakeLinear(
                [skia.Point(r.left(), r.top()), skia.Point(*end)],
                [skia.Color(*a), skia.Color(*b)],
            )
        )
        self.canvas.drawPath(path, self._shaded)

    def line(self, path: skia.Path, colour: Colour, width: float, alpha: float = 1.0) -> None:
        paint = skia.Paint(
            AntiAlias=True,
            Style=skia.Paint.kStroke_Style,
            StrokeWidth=width,
            StrokeCap=skia.Paint.kRound_Cap,
            StrokeJoin=skia.Paint.kRound_Join,
            Color=skia.Color(*colour, round(255 * alpha)),
        )
        self.canvas.drawPath(path, paint)

    def glow(self, x: float, y: float, radius: float, colour: Colour, alpha: float) -> None:
        """A soft light that fades out at the radius."""
        self._shaded.setColor(skia.Color(0, 0, 0, 255))
        self._shaded.setShader(
            skia.GradientShader.MakeRadial(
                skia.Point(x, y),
                radius,
                [skia.Color(*colour, round(255 * alpha)), skia.Color(*colour, 0)],
            )
        )
        self.canvas.drawPath(oval(x, y, radius, radius), self._shaded)

    def solid(self, path: skia.Path, colour: Colour, depth: float = 0.3) -> None:
        """A rounded thing: lit on the sun's side, in shade on the other."""
        lit, dark = mix(colour, self.light.shine, 0.16), mix(colour, (24, 18, 60), depth)
        self.fade(path, *((lit, dark) if self.side < 0 else (dark, lit)), sideways=True)

    def backdrop(self, top: Colour, bottom: Colour) -> None:
        self.fade(box(0, 0, SIZE, SIZE), top, bottom)

    def ground(self, y: float, far: Colour, near: Colour) -> None:
        """Level ground from the horizon to the lower edge."""
        self.fade(box(0, y, SIZE, SIZE), far, near)

    def ridge(self, y: float, rise: float, bumps: int) -> skia.Path:
        """Rolling hills: a soft line around `y`, closed along the lower edge."""
        step = SIZE / bumps
        shift = self.between(-0.5, 0.0) * step
        heights = y + rise * np.where(np.arange(bumps + 3) % 2, -1.0, 1.0)
        heights += self.rng.uniform(-0.5, 0.5, bumps + 3) * rise
        points = [((i - 1) * step + shift, float(h)) for i, h in enumerate(heights)]
        path = smooth(points, closed=False)
        path.lineTo(SIZE + step, SIZE)
        path.lineTo(-2 * step, SIZE)
        path.close()
        return path

    # --- sky

    def sky(self, horizon: float, *, clouds: int = 3, low_sun: float = 16.0) -> float:
        """Sky down to the horizon with what belongs to the time; x of the sun or moon.

        The setting sun stands `low_sun` above the horizon.
        """
        top, middle, low = self.light.sky
        self._shaded.setColor(skia.Color(0, 0, 0, 255))
        self._shaded.setShader(
            skia.GradientShader.MakeLinear(
                [skia.Point(0, 0), skia.Point(0, horizon)],
                [skia.Color(*top), skia.Color(*middle), skia.Color(*low)],
                [0.0, 0.55, 1.0],
            )
        )
        self.canvas.drawPath(box(0, 0, SIZE, horizon + 2), self._shaded)
        offset, height = self.between(58, 92), self.between(24, 38)
        x, y = self.beside(offset), horizon - low_sun if self.time == "sunset" else height
        if self.time == "night":
            self.stars(26, horizon * 0.8, clear=(x, y))
        self._sun(x, y)
        for i in range(clouds):  # they spread over the sky beside the sun, so as not to hide it
            away = (i + self.between(0.3, 1.0)) / clouds
            self._cloud(x - self.side * (48 + 170 * away), self.between(0.14, 0.58) * horizon)
        return x

    def mist(self) -> None:
        """A pale haze in the middle, so that dark figures stand out from a dark scene."""
        self.glow(SIZE / 2, 0.56 * SIZE, 0.56 * SIZE, (128, 156, 220), 0.36)

    def _sun(self, x: float, y: float) -> None:
        if self.time == "day":
            self.glow(x, y, 56, (255, 244, 190), 0.7)
            self.fill(oval(x, y, 15, 15), (255, 236, 130))
        elif self.time == "sunset":
            self.glow(x, y, 120, (255, 206, 110), 0.85)
            self.fade(oval(x, y, 27, 27), (255, 240, 160), (255, 150, 80))
        else:
            self.glow(x, y, 60, (190, 206, 255), 0.45)
            moon = skia.Op(oval(x, y, 16, 16), oval(x + 8, y - 4, 13, 13), skia.kDifference_PathOp)
            self.fill(moon, (250, 244, 210))

    def stars(self, count: int, bottom: float, clear: Point = (-99.0, -99.0)) -> None:
        """Stars down to `bottom`, none near the point `clear`."""
        low, high = (3, 3, 1.3), (SIZE - 3, bottom, 2.2)
        for x, y, r in self._star_rng.uniform(low, high, (count, 3)):
            if math.dist((x, y), clear) > 24:
                self.fill(oval(x, y, r, r), (255, 250, 224), 0.5 + r / 4.5)

    def _cloud(self, x: float, y: float) -> None:
        size = self.between(0.75, 1.25)
        path = box(x - 28 * size, y - 6 * size, x + 28 * size, y + 7 * size, 6.5 * size)
        puffs = ((-11, -6, 11), (5, -10, 14), (17, -3, 8))
        for dx, dy, r in puffs:
            bump = oval(x + dx * size, y + dy * size, r * size, r * size)
            path = skia.Op(path, bump, skia.kUnion_PathOp)
        under = mix(self.light.cloud, self.light.sky[1], 0.55)
        self.fade(path, self.light.cloud, under, alpha=0.9 if self.time != "night" else 0.6)

    # --- things that several scenes share

    def leafy_tree(self, x: float, base: float, height: float, far: float = 0.0) -> None:
        """A round tree of the given height standing on `base`."""
        h = height
        trunk = [(-0.05, 0.0), (-0.035, -0.5), (0.035, -0.5), (0.055, 0.0)]
        self.fill(oval(x, base, 0.2 * h, 0.035 * h), (16, 22, 30), 0.22)
        self.fill(
            polygon([(x + a * h, base + b * h) for a, b in trunk]), self.tone((118, 78, 50), far)
        )
        leaves = (64, 150, 66) if self.chance(0.6) else (96, 170, 60)
        for dx, dy, r, dark in (
            (-0.15, -0.5, 0.19, 0.22),
            (0.16, -0.53, 0.19, 0.22),
            (0, -0.72, 0.27, 0),
        ):
            colour = mix(self.tone(leaves, far), (10, 40, 50), dark)
            self.solid(oval(x + dx * h, base + dy * h, r * h, r * h), colour, 0.24)

    def conifer(
        self, x: float, base: float, height: float, colour: Colour, *, snow: bool = False
    ) -> None:
        """A fir of three tiers; `colour` as painted."""
        h, w = height, 0.24 * height
        self.fill(
            box(x - 0.035 * h, base - 0.16 * h, x + 0.035 * h, base), mix(colour, (40, 24, 20), 0.6)
        )
        for low, high, half in ((0.1, 0.55, 1.0), (0.33, 0.78, 0.78), (0.56, 1.0, 0.54)):
            tip, left, right = (
                (x, base - high * h),
                (x - half * w, base - low * h),
                (x + half * w, base - low * h),
            )
            self.fill(polygon([tip, left, right]), colour)
            shady = right if self.side < 0 else left
            self.fill(polygon([tip, (x, base - low * h), shady]), (8, 16, 44), 0.2)
            if snow:
                edge = base - (high - 0.62 * (high - low)) * h
                cap = [tip, (x - 0.62 * half * w, edge), (x - 0.2 * half * w, edge - 0.06 * h)]
                cap += [(x + 0.15 * half * w, edge + 0.02 * h), (x + 0.62 * half * w, edge)]
                self.fill(polygon(cap), self.tone((246, 250, 255)))

    def rock(self, x: float, y: float, r: float, colour: Colour) -> None:
        points = [(-1, 0.25), (-0.75, -0.45), (-0.1, -0.8), (0.6, -0.5), (1, 0.25)]
        self.fill(oval(x, y + 0.2 * r, 1.15 * r, 0.28 * r), (10, 12, 34), 0.25)
        self.solid(polygon([(x + a * r, y + b * r) for a, b in points]), colour, 0.4)

    def shimmer(self, x: float, top: float, bottom: float) -> None:
        """The light's path on water below the sun or moon at `x`."""
        for i, y in enumerate(np.linspace(top + 3, bottom, 7)):
            half = (5 + 3.2 * i) * (0.75 + 0.5 * math.sin(2.4 * i) ** 2)
            self.fill(oval(x, float(y), half, 1.6 + 0.35 * i), self.light.shine, 0.55)
