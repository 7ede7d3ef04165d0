"""Where the parts of a body are in the picture: axes, directions and lengths from its joints."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fyp_world.world.figure import Figure

SHOULDERS, ELBOWS, WRISTS = (5, 6), (7, 8), (9, 10)
HIPS, KNEES, ANKLES = (11, 12), (13, 14), (15, 16)


@dataclass(frozen=True)
class Head:
    """The head's own frame: a ball at `centre` that looks to `yaw` (0 towards the camera)."""

    centre: complex
    up: complex  # unit vector in the picture
    yaw: float  # radians; +pi/2 looks along `right`, which is `up` turned clockwise
    pitch: float  # how far the face points up, -1…1
    depth: float

    @property
    def right(self) -> complex:
        return self.up * 1j


@dataclass(frozen=True)
class Body:
    """A figure measured for drawing; points and vectors are complex numbers in pixels."""

    height: float
    points: tuple[complex, ...]  # 17 joints
    depth: tuple[float, ...]  # 17, larger = nearer
    neck: complex
    pelvis: complex
    up: complex  # unit vector, pelvis to neck
    yaw: float  # torso direction in its own frame: 0 to the camera, +pi/2 along `right`
    head: Head

    @property
    def right(self) -> complex:
        return self.up * 1j

    @property
    def front(self) -> float:
        """1 when the torso faces the camera, -1 when it shows its back."""
        return math.cos(self.yaw)

    def at(self, along: float, across: float = 0.0) -> complex:
        """The point `along` the spine (0 pelvis, 1 neck), `across` in heights to the right."""
        return self.pelvis + (self.neck - self.pelvis) * along + self.right * across * self.height


def measure(figure: Figure) -> Body:
    """Read a figure into a `Body`; zero lengths fall back to an upright body."""
    points = tuple(complex(x, y) for x, y in figure.joints.tolist())
    depth = tuple(figure.depth.tolist())
    height = figure.height
    neck = (points[5] + points[6]) / 2
    pelvis = (points[11] + points[12]) / 2
    up = _unit(neck - pelvis, -1j, 0.02 * height)
    # The subject's left side as a vector; turning it to the front gives the direction.
    left = points[5] - points[6] + points[11] - points[12]
    left_depth = depth[5] - depth[6] + depth[11] - depth[12]
    yaw = _direction(_dot(left, up * 1j), -left_depth, figure.yaw, 0.05 * height)
    return Body(height, points, depth, neck, pelvis, up, yaw, _measure_head(figure, neck))


def _measure_head(figure: Figure, neck: complex) -> Head:
    points = [complex(x, y) for x, y in figure.joints[:5].tolist()]
    depth = figure.depth[:5].tolist()
    centre = (points[3] + points[4]) / 2
    middle_depth = (depth[3] + depth[4]) / 2
    up = _unit(centre - neck, -1j, 0.02 * figure.height)
    nose = points[0] - centre
    ahead = depth[0] - middle_depth
    lateral = _dot(nose, up * 1j)
    reach = max(math.hypot(abs(nose), ahead), 1e-6)
    yaw = _direction(ahead, lateral, figure.head_yaw, 0.02 * figure.height)
    # The nose sits a little below the ears when the head is held straight.
    pitch = max(-0.6, min(0.6, _dot(nose, up) / reach + 0.15))
    return Head(centre, up, yaw, pitch, middle_depth)


def _direction(cos: float, sin: float, fallback: float, least: float) -> float:
    return math.atan2(sin, cos) if math.hypot(sin, cos) > least else fallback


def _unit(vector: complex, fallback: complex, least: float) -> complex:
    return vector / abs(vector) if abs(vector) > least else fallback


def _dot(a: complex, b: complex) -> float:
    return a.real * b.real + a.imag * b.imag
