"""Colours and shaded shapes: the drawing style that all characters share.

Points are complex numbers, x to the right and y down as in the picture, so that a turn is a
multiplication.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Sequence

import numpy as np

from fyp_world.world.canvas import skia

Colour = tuple[int, int, int]

INK = (28, 20, 44)
WHITE = (250, 250, 252)
LIGHT = complex(-0.55, -0.83)  # from where the light comes, in picture coordinates


@functools.cache
def mix(a: Colour, b: Colour, amount: float) -> Colour:
    """`a` moved towards `b` by `amount` in 0…1."""
    red, green, blue = (round(x + (y - x) * amount) for x, y in zip(a, b, strict=True))
    return red, green, blue


def shade(colour: Colour, amount: float = 0.22) -> Colour:
    """The colour in cool shadow."""
    return mix(colour, INK, amount)


def tint(colour: Colour, amount: float = 0.25) -> Colour:
    """The colour in full light."""
    return mix(colour, (255, 252, 240), amount)


@functools.cache
def edge(colour: Colour) -> Colour:
    """The outline of a shape: its own colour, darker; lighter where it is nearly black."""
    return tint(colour, 0.2) if max(colour) < 80 else shade(colour, 0.62)


def skia_colour(colour: Colour) -> int:
    return skia.Color(*colour)


def polygon(points: Sequence[complex]) -> skia.Path:
    return skia.Path.Polygon([skia.Point(p.real, p.imag) for p in points], True)


def blob(points: Sequence[complex]) -> skia.Path:
    """A smooth closed curve that passes near the points."""
    path = skia.Path()
    start = (points[-1] + points[0]) / 2
    path.moveTo(start.real, start.imag)
    for here, after in zip(points, [*points[1:], points[0]], strict=True):
        end = (here + after) / 2
        path.quadTo(here.real, here.imag, end.real, end.imag)
    path.close()
    return path


def ellipse(centre: complex, rx: float, ry: float, turn: float = 0.0) -> skia.Path:
    """An ellipse, turned clockwise by `turn` radians."""
    path = skia.Path.Oval(skia.Rect(-rx, -ry, rx, ry))
    matrix = skia.Matrix().setRotate(math.degrees(turn))
    matrix.postTranslate(centre.real, centre.imag)
    path.transform(matrix)
    return path


def capsule(
    a: complex,
    b: complex,
    ra: float,
    rb: float,
    end_a: Sequence[complex] | None = None,
    end_b: Sequence[complex] | None = None,
) -> skia.Path:
    """A limb piece from `a` to `b` with radii `ra`, `rb`; ends are round unless shaped."""
    along = (b - a) / abs(b - a) if abs(b - a) > 1e-6 else 1 + 0j
    return polygon(
        [a + ra * along * turn for turn in end_a or _ROUND_END]
        + [b - rb * along * turn for turn in end_b or _ROUND_END]
    )


_ROUND_END = [cmath.exp(1j * math.pi * (0.5 + i / 7)) for i in range(8)]
# A sleeve's hem and a ragged one.
HEM = [complex(0.22 * z.real, z.imag) for z in (_ROUND_END[i] for i in (0, 2, 5, 7))]
RAGS = [complex(-0.5 * (i % 2), 1 - i / 3) for i in range(7)]


def stretch(
    path: skia.Path, middle: complex, along: complex, by_along: float, by_across: float
) -> skia.Path:
    """A copy scaled about `middle`, along the unit vector `along` and across it."""
    c, s = along.real, along.imag
    xx = by_along * c * c + by_across * s * s
    xy = (by_along - by_across) * c * s
    yy = by_along * s * s + by_across * c * c
    x, y = middle.real, middle.imag
    matrix = skia.Matrix()
    matrix.setAll(xx, xy, x - xx * x - xy * y, xy, yy, y - xy * x - yy * y, 0, 0, 1)
    copy = skia.Path(path)
    copy.transform(matrix)
    return copy


def hull(circles: Sequence[tuple[complex, float]]) -> list[complex]:
    """The convex outline around circles (centre, radius): the outermost point in each direction."""
    centres = np.array([centre for centre, _ in circles])
    radii = np.array([radius for _, radius in circles])
    reach = np.outer(_ROUND.real, centres.real) + np.outer(_ROUND.imag, centres.imag) + radii
    best = reach.argmax(axis=1)
    return (centres[best] + radii[best] * _ROUND).tolist()


_ROUND = np.exp(2j * np.pi * np.arange(40) / 40)


class Pen:
    """Draws flat and shaded shapes with an outline, in the units of the canvas as it stands."""

    def __init__(self, canvas: skia.Canvas, line: float, light: complex = LIGHT) -> None:
        self.canvas = canvas
        self.line = line  # outline width
        self.light = light
        self._fill = skia.Paint(AntiAlias=True)
        self._gradient = skia.Paint(AntiAlias=True)
        self._stroke = skia.Paint(
            AntiAlias=True,
            Style=skia.Paint.kStroke_Style,
            StrokeCap=skia.Paint.kRound_Cap,
            StrokeJoin=skia.Paint.kRound_Join,
        )

    def outline(self, path: skia.Path, colour: Colour) -> None:
        """A line around the shape in a tone of its own colour; drawn before the fill."""
        self.stroke(path, edge(colour), 2 * self.line)

    def stroke(self, path: skia.Path, colour: Colour, width: float) -> None:
        self._stroke.setColor(skia_colour(colour))
        self._stroke.setStrokeWidth(width)
        self.canvas.drawPath(path, self._stroke)

    def flat(self, path: skia.Path, colour: Colour) -> None:
        self._fill.setColor(skia_colour(colour))
        self.canvas.drawPath(path, self._fill)

    def shaded(self, path: skia.Path, colour: Colour) -> None:
        """Fill in two tones: the shape in shadow, and on it a smaller lit copy.

        Shrunk towards a point inside, a convex shape stays within itself, so nothing is clipped
        (gradients and clips cost most of the drawing time).
        """
        self.flat(path, shade(colour))
        box = path.getBounds()
        middle = complex(box.centerX(), box.centerY())
        middle += self.light * 0.4 * min(box.width(), box.height())
        self.flat(stretch(path, middle, 1 + 0j, 0.84, 0.84), colour)

    def shape(self, path: skia.Path, colour: Colour) -> None:
        """Outline and shaded fill."""
        self.outline(path, colour)
        self.shaded(path, colour)

    def glow(self, centre: complex, radius: float, colour: Colour) -> None:
        """A soft light that fades out at the radius."""
        self._gradient.setShader(
            skia.GradientShader.MakeRadial(
                skia.Point(centre.real, centre.imag),
                radius,
                [skia.Color(*colour, 230), skia.Color(*colour, 0)],
            )
        )
        self.canvas.drawPath(ellipse(centre, radius, radius), self._gradient)
