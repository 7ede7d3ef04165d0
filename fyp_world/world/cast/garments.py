"""What hangs from a body: skirts, capes, packs, tails, long hair and beards."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fyp_world.world.canvas import skia
from fyp_world.world.cast.frame import ANKLES, HIPS, KNEES, Body
from fyp_world.world.cast.limbs import Palette
from fyp_world.world.cast.pen import Colour, Pen, blob, edge, hull, polygon, shade


@dataclass(frozen=True)
class Skirt:
    """A skirt or robe that follows the legs down to `length` (1 knee, 2 ankle)."""

    length: float
    flare: float  # radius of the hem around each leg, in heights
    colour: str
    hem: str | None = None

    def draw(self, pen: Pen, body: Body, palette: Palette) -> None:
        h = body.height
        waist = 0.035 + 0.02 * abs(body.front)
        circles = [(body.at(0.36, side * waist), 0.035 * h) for side in (-1, 1)]
        ends = []
        for hip, knee, ankle in zip(HIPS, KNEES, ANKLES, strict=True):
            a, b, c = (body.points[i] for i in (hip, knee, ankle))
            end = a + (b - a) * min(self.length, 1.0) + (c - b) * max(self.length - 1.0, 0.0)
            along = (end - a) / abs(end - a) if abs(end - a) > 1e-6 else 1j
            ends.append(end)
            circles += [(end + along * 1j * self.flare * h * side, 0.012 * h) for side in (-1, 1)]
            circles.append((end + along * 0.022 * h, 0.02 * h))
            if self.length > 1.0:
                circles.append((b, 0.06 * h))
        path = polygon(hull(circles))
        pen.shape(path, palette[self.colour])
        if self.hem:
            self._draw_hem(pen, body, path, ends, palette[self.hem])

    def _draw_hem(
        self, pen: Pen, body: Body, path: skia.Path, ends: list[complex], colour: Colour
    ) -> None:
        """A trim along the lower edge, from the hem of one leg to that of the other."""
        left, right = sorted(ends, key=lambda end: (end * body.right.conjugate()).real)
        side = right - left
        side = side / abs(side) if abs(side) > 0.05 * body.height else body.right
        line = skia.Path()
        for move, point in (
            (line.moveTo, left - side * body.height),
            (line.lineTo, right + side * body.height),
        ):
            move(point.real, point.imag)
        pen.canvas.save()
        pen.canvas.clipPath(path, doAntiAlias=True)
        pen.stroke(line, colour, 0.055 * body.height)
        pen.canvas.restore()


@dataclass(frozen=True)
class Cape:
    """Cloth that hangs from the shoulders at the back, down to `length` heights."""

    length: float
    flare: float
    colour: str
    points: int = 0  # scallops of the hem

    def draw(self, pen: Pen, body: Body, palette: Palette) -> None:
        h = body.height
        down = -body.up + 0.6j
        down = down / abs(down) if abs(down) > 0.2 else 1j
        side = down * -1j
        back = -math.sin(body.yaw)
        wide = 0.55 + 0.45 * abs(body.front)
        neck = body.at(1.08) + body.right * back * 0.05 * h
        top = [neck - body.right * 0.11 * h * wide, neck + body.right * 0.11 * h * wide]
        hem = body.at(0.9) + down * self.length * h + body.right * back * 0.16 * h
        spread = side * self.flare * h * wide
        shape = skia.Path()
        shape.moveTo(top[0].real, top[0].imag)
        shape.lineTo(top[1].real, top[1].imag)
        bulge = (top[1] + hem + spread) / 2 + (body.right * back * 0.04 + side * 0.02) * h
        shape.quadTo(bulge.real, bulge.imag, (hem + spread).real, (hem + spread).imag)
        self._draw_edge(shape, hem, spread, down * 0.05 * h)
        bulge = (top[0] + hem - spread) / 2 + (body.right * back * 0.04 - side * 0.02) * h
        shape.quadTo(bulge.real, bulge.imag, top[0].real, top[0].imag)
        # The inside, seen from the front, lies in shadow.
        colour = palette[self.colour]
        pen.shape(shape, shade(colour, 0.2) if body.front > 0.2 else colour)

    def _draw_edge(self, shape: skia.Path, hem: complex, spread: complex, drop: complex) -> None:
        count = max(self.points, 1)
        lift = -drop * 1.2 if self.points else drop
        for i in range(count):
            middle = hem + spread * (1 - (2 * i + 1) / count) + lift
            end = hem + spread * (1 - 2 * (i + 1) / count)
            shape.quadTo(middle.real, middle.imag, end.real, end.imag)


@dataclass(frozen=True)
class Pack:
    """A block on the back: a backpack, seen beside the torso from the side."""

    width: float
    colour: str

    def draw(self, pen: Pen, body: Body, palette: Palette) -> None:
        h = body.height
        centre = body.at(0.6, -math.sin(body.yaw) * 0.1)
        half = (0.05 + (self.width - 0.05) * abs(body.front)) * h
        path = _box(centre, body.right, half, 0.15 * h)
        pen.shape(path, palette[self.colour])
        if body.front < -0.2:
            pen.flat(_box(centre, body.right, half * 0.55, 0.035 * h), shade(palette[self.colour]))


def _box(centre: complex, right: complex, half: float, tall: float) -> skia.Path:
    up = right * -1j
    corners = [(-1, 1), (0, 1.06), (1, 1), (1.05, 0), (1, -1), (0, -1.06), (-1, -1), (-1.05, 0)]
    return blob([centre + right * half * x * 1.1 + up * tall * y * 1.1 for x, y in corners])


@dataclass(frozen=True)
class Tail:
    """A tail from the lower back."""

    length: float
    width: float
    colour: str

    def draw(self, pen: Pen, body: Body, palette: Palette) -> None:
        h = body.height
        back = -math.sin(body.yaw) or -1.0
        aside = back if abs(back) > 0.3 else math.copysign(0.3 + 0.5 * self.length, back)
        root = body.at(0.02, back * 0.05)
        bend = root + (body.right * aside * self.length * 0.9 - body.up * 0.03) * h
        tip = root + (body.right * aside * self.length * 0.9 + body.up * self.length) * h
        path = skia.Path()
        path.moveTo(root.real, root.imag)
        path.quadTo(bend.real, bend.imag, tip.real, tip.imag)
        colour = palette[self.colour]
        pen.stroke(path, edge(colour), (self.width + 0.022) * h)
        pen.stroke(path, colour, self.width * h)


@dataclass(frozen=True)
class Mane:
    """Long hair at the back of the head, or (`front`) a long beard, in heights."""

    length: float
    width: float
    colour: str
    front: bool = False

    def draw(self, pen: Pen, body: Body, palette: Palette) -> None:
        h = body.height
        head = body.head
        shift = math.sin(head.yaw) * (1.0 if self.front else -1.0)
        down = -head.up + 0.8j
        down = down / abs(down) if abs(down) > 0.2 else 1j
        side = down * -1j
        facing = math.cos(head.yaw)
        wide = self.width * (0.72 + 0.28 * abs(facing)) * h
        root = head.centre + head.right * shift * 0.06 * h
        if self.front:
            root += down * 0.075 * h
        tip = root + down * self.length * h + side * shift * 0.02 * h
        middle = root + down * self.length * 0.5 * h
        end = 0.35 if self.front else 0.85
        outline = [root + side * wide * 0.8, middle + side * wide, tip + side * wide * end]
        mirror = [tip - side * wide * end, middle - side * wide, root - side * wide * 0.8]
        pen.shape(blob([*outline, *mirror]), palette[self.colour])
