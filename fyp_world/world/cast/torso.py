"""The torso and what is painted on it: belts, buttons, shirt fronts, bellies."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import Protocol

from fyp_world.world.canvas import skia
from fyp_world.world.cast.frame import HIPS, Body
from fyp_world.world.cast.limbs import Palette
from fyp_world.world.cast.pen import Pen, ellipse, hull, polygon

DEEP, WIDE = 0.07, 0.125  # half depth and half width of a chest, in heights


@dataclass(frozen=True)
class Build:
    """The bulk of a torso, in heights; `belly` is the radius of a round tummy."""

    shoulder: float = 0.062
    hip: float = 0.062
    spread: float = 0.68  # how far out the shoulders' roundings sit
    belly: float = 0.0
    hip_spread: float = 0.6
    box: float = 0.0  # half depth of a box-shaped torso


SLIM = Build()


def torso_path(body: Body, build: Build) -> skia.Path:
    """A smooth hull around shoulders and hips; never thinner than a chest is deep."""
    h = body.height
    rows = (
        (body.neck, (5, 6), build.spread, build.shoulder),
        (body.pelvis, HIPS, build.hip_spread, build.hip),
    )
    circles = [
        (middle + (body.points[i] - middle) * spread, radius * h)
        for middle, joints, spread, radius in rows
        for i in joints
    ]
    if build.box:
        shift = body.right * build.box * math.sin(body.yaw) * h
        circles = [(c + s * shift, radius) for c, radius in circles for s in (-1, 1)]
    if build.belly:
        lean = math.sin(body.yaw) * 0.02
        circles.append((body.at(0.36, lean), build.belly * h))
    return polygon(hull(circles))


class Wear(Protocol):
    """Something that a body wears; on the torso it is clipped to the torso's shape."""

    def draw(self, pen: Pen, body: Body, palette: Palette) -> None: ...


@dataclass(frozen=True)
class Stripe:
    """A ring around the torso at `along` (0 pelvis, 1 neck), `width` in heights."""

    along: float
    width: float
    colour: str

    def draw(self, pen: Pen, body: Body, palette: Palette) -> None:
        # Rings bulge downwards: that makes the torso look round.
        path = skia.Path()
        left, right = body.at(self.along, -0.25), body.at(self.along, 0.25)
        low = body.at(self.along - 0.12)
        path.moveTo(left.real, left.imag)
        path.quadTo(low.real, low.imag, right.real, right.imag)
        pen.stroke(path, palette[self.colour], self.width * body.height)


@dataclass(frozen=True)
class Trousers:
    """Everything below `along` in the trousers' colour."""

    along: float
    colour: str

    def draw(self, pen: Pen, body: Body, palette: Palette) -> None:
        corners = [
            body.at(self.along, -0.3),
            body.at(self.along - 0.1),
            body.at(self.along, 0.3),
            body.at(-1.5, 0.3),
            body.at(-1.5, -0.3),
        ]
        pen.shaded(polygon(corners), palette[self.colour])


@dataclass(frozen=True)
class Spot:
    """A round thing at `azimuth` (radians to the subject's left of the chest's middle)."""

    azimuth: float
    along: float
    rx: float
    ry: float
    colour: str
    glow: bool = False

    def draw(self, pen: Pen, body: Body, palette: Palette) -> None:
        across, facing = on_chest(body, self.azimuth)
        if facing < 0.1:
            return
        h = body.height
        centre = body.at(self.along, across)
        turn = cmath.phase(body.right)
        path = ellipse(centre, self.rx * h * max(facing, 0.35), self.ry * h, turn)
        if self.glow:
            pen.glow(centre, self.rx * h * 2.2, palette[self.colour])
        else:
            pen.outline(path, palette[self.colour])
        pen.flat(path, palette[self.colour])


@dataclass(frozen=True)
class Panel:
    """A stretch of the chest around an azimuth: a shirt front, a belly, an open coat."""

    azimuth: float
    half: float  # half its angle, in radians
    top: float
    bottom: float
    colour: str
    square: float = 0.15  # 1 is an ellipse, towards 0 a rectangle

    def draw(self, pen: Pen, body: Body, palette: Palette) -> None:
        middle = math.remainder(body.yaw + self.azimuth, math.tau)
        if abs(middle) - self.half > math.pi / 2 - 0.05:
            return
        points = []
        for i in range(24):
            c, s = math.cos(math.tau * i / 24), math.sin(math.tau * i / 24)
            angle = middle + self.half * math.copysign(abs(c) ** self.square, c)
            seen = max(-math.pi / 2, min(math.pi / 2, angle))
            across, _ = on_chest(body, seen - body.yaw)
            if seen != angle:  # past the edge of what is seen: cover the torso's rounding as well
                across += math.copysign(0.1, seen) * (1 - abs(s))
            way = math.copysign(abs(s) ** self.square, s)
            along = (self.top + self.bottom) / 2 + (self.top - self.bottom) / 2 * way
            points.append(body.at(along, across))
        pen.flat(polygon(points), palette[self.colour])


def on_chest(body: Body, azimuth: float) -> tuple[float, float]:
    """Where a chest point is seen: heights to the right of the spine; how much it faces us."""
    x, z = WIDE * math.sin(azimuth), DEEP * math.cos(azimuth)
    across = x * math.cos(body.yaw) + z * math.sin(body.yaw)
    return across, math.cos(azimuth + body.yaw)
