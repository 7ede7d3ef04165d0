"""A head as a ball of radius 1: features sit on its surface and slide round as it turns.

Inside `HeadPen` x is to the head's right in the picture and y is down; the chin is at y = 1.
A feature at `azimuth` radians is that far to the subject's left of the nose.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence

from fyp_world.world.canvas import skia
from fyp_world.world.cast.frame import Head
from fyp_world.world.cast.pen import LIGHT, WHITE, Colour, Pen, ellipse, mix, polygon, shade

PUPIL = (38, 28, 40)


class HeadPen(Pen):
    """A pen in the head's own frame; enter it with `with`."""

    def __init__(
        self, canvas: skia.Canvas, head: Head, radius: float, line: float, eyes: float
    ) -> None:
        super().__init__(canvas, line / radius, LIGHT * head.right.conjugate())
        self.head = head
        self.radius = radius
        self.eyes = eyes  # scale of the eyes
        self.yaw = head.yaw
        self.front = math.cos(head.yaw)
        self.side = math.sin(head.yaw)
        self.lift = -0.35 * head.pitch * max(self.front, 0.0)

    def __enter__(self) -> HeadPen:
        self.canvas.save()
        self.canvas.translate(self.head.centre.real, self.head.centre.imag)
        self.canvas.rotate(math.degrees(cmath.phase(self.head.right)))
        self.canvas.scale(self.radius, self.radius)
        return self

    def __exit__(self, *_: object) -> None:
        self.canvas.restore()

    def on(self, azimuth: float, y: float) -> tuple[complex, float]:
        """A point of the ball's surface, and how much it faces the camera (-1…1)."""
        y = max(-1.0, min(1.0, y + self.lift))
        ring = math.sqrt(1 - min(y * y, 1.0))
        angle = self.yaw + azimuth
        return complex(ring * math.sin(angle), y), math.cos(angle)

    def ball(self, colour: Colour, rx: float = 1.0, ry: float = 1.0, y: float = 0.0) -> None:
        self.shape(ellipse(complex(0, y), rx, ry), colour)

    def spot(
        self, azimuth: float, y: float, rx: float, ry: float, colour: Colour, turn: float = 0.0
    ) -> None:
        """An ellipse painted on the ball, narrower towards its edge."""
        centre, facing = self.on(azimuth, y)
        if facing > 0.08:
            self.flat(ellipse(centre, rx * (0.3 + 0.7 * facing), ry, turn), colour)

    def patch_path(
        self, azimuth: float, half: float, top: float, bottom: float, square: float = 0.6
    ) -> skia.Path | None:
        """A rounded patch on the ball; `square` 1 is an ellipse, towards 0 a rectangle."""
        middle = math.remainder(self.yaw + azimuth, math.tau)
        if abs(middle) - half > math.pi / 2 - 0.1:
            return None
        points = []
        for i in range(32):
            t = math.tau * i / 32
            c, s = math.cos(t), math.sin(t)
            angle = middle + half * math.copysign(abs(c) ** square, c)
            angle = max(-math.pi / 2, min(math.pi / 2, angle))
            y = (top + bottom) / 2 + (bottom - top) / 2 * math.copysign(abs(s) ** square, s)
            y = max(-1.0, min(1.0, y + self.lift))
            points.append(complex(math.sqrt(1 - y * y) * math.sin(angle), y))
        return polygon(points)

    def patch(
        self,
        azimuth: float,
        half: float,
        top: float,
        bottom: float,
        colour: Colour,
        square: float = 0.6,
    ) -> None:
        path = self.patch_path(azimuth, half, top, bottom, square)
        if path is not None:
            self.shaded(path, colour)

    def dome(self, colour: Colour, y: float, swell: float = 1.06, curve: float = 0.16) -> None:
        """A cap over everything above `y`: a hat's crown, hair, a helmet."""
        wide = math.sqrt(max(1 - y * y, 0.0)) * swell
        start = math.degrees(math.asin(max(-1.0, min(1.0, y / swell))))
        oval = skia.Rect(-swell, -swell, swell, swell)
        path = skia.Path()
        path.arcTo(oval, 180 - start, 180 + 2 * start, True)
        path.quadTo(0, y + curve * 2, -wide, y)
        path.close()
        self.shape(path, colour)

    def brim(self, colour: Colour, y: float, reach: float, thick: float) -> None:
        """A round brim at height `y`."""
        self.shape(ellipse(complex(0, y), reach, thick), colour)

    def peak(self, colour: Colour, y: float, reach: float = 0.5) -> None:
        """The peak of a cap, at the front only; sideways it sticks out."""
        if self.front < -0.5 and abs(self.side) < 0.85:
            return
        x = self.side * (0.62 + reach * 0.5)
        wide = 0.3 + 0.52 * max(self.front, 0.0) + 0.18 * abs(self.side)
        low = y + 0.1 + 0.12 * max(self.front, 0.0)
        self.shape(ellipse(complex(x, low), wide, 0.17, 0.16 * self.side), colour)

    def eye_pair(
        self,
        y: float = 0.06,
        apart: float = 0.42,
        rx: float = 0.22,
        ry: float = 0.29,
        white: Colour | None = WHITE,
        iris: Colour = PUPIL,
    ) -> None:
        """Eyes with pupils; `white` None leaves dark button eyes."""
        for azimuth in (-apart, apart):
            centre, facing = self.on(azimuth, y)
            if facing < 0.12:
                continue
            wide, tall = rx * self.eyes * (0.35 + 0.65 * facing), ry * self.eyes
            pupil = 1.0
            if white:
                self.flat(ellipse(centre, wide, tall), white)
                pupil = 0.62
                centre += complex(0.25 * wide * self.side, 0.06 * tall)
            self.flat(ellipse(centre, wide * pupil, tall * pupil), iris)
            spark = centre + complex(-0.32 * wide * pupil, -0.38 * tall * pupil)
            self.flat(ellipse(spark, 0.42 * wide * pupil, 0.36 * tall * pupil), WHITE)

    def slanted_eyes(self, colour: Colour, y: float = 0.0, tall: float = 0.17) -> None:
        """Mask eyes: almond shapes that rise outwards."""
        for sign in (-1, 1):
            corners = ((0.14, 0.08), (0.36, tall * 0.9), (0.68, -0.02), (0.62, -tall))
            seen = [self.on(sign * a, y + dy) for a, dy in corners]
            if min(facing for _, facing in seen) > 0.0:
                self.flat(polygon([p for p, _ in seen]), colour)

    def brows(
        self, colour: Colour, y: float = -0.25, slant: float = 0.0, thick: float = 0.1
    ) -> None:
        """Eyebrows; a positive slant frowns."""
        for sign in (-1, 1):
            ends = [self.on(sign * 0.22, y + slant), self.on(sign * 0.66, y - slant)]
            if min(facing for _, facing in ends) > 0.05:
                self.line_through([p for p, _ in ends], colour, thick)

    def nose(self, colour: Colour, y: float = 0.3, size: float = 0.14) -> None:
        """A ball that pokes out of the profile."""
        if self.front > -0.25:
            centre = complex(self.side * 1.0, y + self.lift)
            self.flat(ellipse(centre, size, size * 0.9), colour)

    def smile(
        self,
        colour: Colour,
        y: float = 0.5,
        half: float = 0.4,
        dip: float = 0.16,
        thick: float = 0.09,
    ) -> None:
        points = []
        for i in range(7):
            azimuth = half * (i / 3 - 1)
            point, facing = self.on(azimuth, y + dip * (1 - (i / 3 - 1) ** 2))
            if facing > 0.05:
                points.append(point)
        if len(points) > 1:
            self.line_through(points, colour, thick)

    def line_through(self, points: Sequence[complex], colour: Colour, thick: float) -> None:
        path = skia.Path()
        path.moveTo(points[0].real, points[0].imag)
        for p in points[1:]:
            path.lineTo(p.real, p.imag)
        self.stroke(path, colour, thick)

    def ear_pair(
        self, azimuth: float, y: float, rx: float, ry: float, colour: Colour, inner: Colour | None
    ) -> None:
        """Round ears, to be drawn before the ball that covers their roots."""
        for sign in (-1, 1):
            angle = self.yaw + sign * azimuth
            centre = complex(math.sin(angle) * 0.86, y)
            self.shape(ellipse(centre, rx, ry), colour)
            if inner and math.cos(angle) > -0.35:
                self.flat(ellipse(centre + 0.04j, rx * 0.55, ry * 0.55), inner)

    def point_pair(
        self, azimuth: float, y: float, tall: float, wide: float, colour: Colour, out: float = 0.15
    ) -> None:
        """Pointed ears or horns, to be drawn before the ball."""
        for sign in (-1, 1):
            x = math.sin(self.yaw + sign * azimuth) * 0.72
            lean = math.copysign(out, x) if abs(x) > 0.12 else 0.0
            corners = [complex(x - wide, y), complex(x + wide, y), complex(x + lean, y - tall)]
            self.shape(polygon(corners), colour)

    def human_face(self, skin: Colour, lips: Colour | None = None) -> None:
        """Eyes, nose and a smile."""
        self.eye_pair()
        self.nose(shade(skin, 0.2))
        self.smile(lips or mix(shade(skin, 0.45), (170, 40, 50), 0.4))
