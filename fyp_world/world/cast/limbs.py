"""Arms and legs: tapered tubes from joint to joint, dressed in bands, with hands and feet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fyp_world.world.canvas import skia
from fyp_world.world.cast.frame import ANKLES, ELBOWS, HIPS, KNEES, SHOULDERS, WRISTS, Body
from fyp_world.world.cast.pen import (
    HEM,
    RAGS,
    Colour,
    Pen,
    capsule,
    edge,
    ellipse,
    hull,
    polygon,
    shade,
    stretch,
)

Palette = Mapping[str, Colour]


@dataclass(frozen=True)
class Band:
    """A stretch of a limb in one colour: 0 shoulder or hip, 1 elbow or knee, 2 wrist or ankle."""

    start: float
    stop: float
    colour: str  # a name in the character's palette
    swell: float = 1.0  # thickness against the bare limb
    torn: bool = False  # a ragged hem


@dataclass(frozen=True)
class Limb:
    """How an arm or a leg looks."""

    bands: tuple[Band, ...]  # the first one covers the whole limb
    radii: tuple[float, float, float]  # at shoulder, elbow, wrist, in heights
    end: str = "skin"  # colour of the hand or the shoe
    end_size: float = 1.0


@dataclass(frozen=True)
class LimbPose:
    """Three joints of one limb and how it relates to the torso."""

    a: complex
    b: complex
    c: complex
    depth: float  # for the order of drawing; larger = nearer
    far: bool  # on the side turned away from the camera


def arm_poses(body: Body) -> list[LimbPose]:
    poses = []
    for shoulder, elbow, wrist in zip(SHOULDERS, ELBOWS, WRISTS, strict=True):
        depth = 0.2 * body.depth[shoulder] + 0.35 * body.depth[elbow] + 0.45 * body.depth[wrist]
        # A hanging arm in front or back view lies over the torso's edge.
        depth += 0.03 * body.height
        far = body.depth[shoulder] < -0.05 * body.height
        poses.append(_limb_pose(body, shoulder, elbow, wrist, depth, far))
    return poses


def leg_poses(body: Body) -> list[LimbPose]:
    """Legs lie under the torso, so that clothes cover their tops, unless a knee comes near."""
    poses = []
    for hip, knee, ankle in zip(HIPS, KNEES, ANKLES, strict=True):
        ahead = 0.7 * body.depth[knee] + 0.3 * body.depth[ankle] - body.depth[hip]
        raised = ahead > 0.13 * body.height
        order = 0.002 * (body.depth[hip] + body.depth[knee] + body.depth[ankle])
        depth = ahead if raised else order - 0.01 * body.height
        far = body.depth[hip] < -0.03 * body.height
        poses.append(_limb_pose(body, hip, knee, ankle, depth, far))
    return poses


def _limb_pose(body: Body, a: int, b: int, c: int, depth: float, far: bool) -> LimbPose:
    return LimbPose(body.points[a], body.points[b], body.points[c], depth, far)


def draw_leg(pen: Pen, pose: LimbPose, limb: Limb, palette: Palette, body: Body) -> None:
    """Leg and foot, the nearer of the two on top."""
    if body.front < -0.3:
        draw_foot(pen, pose, limb, palette, body)
        draw_limb(pen, pose, limb, palette, body.height)
    else:
        draw_limb(pen, pose, limb, palette, body.height)
        draw_foot(pen, pose, limb, palette, body)


def draw_arm(pen: Pen, pose: LimbPose, limb: Limb, palette: Palette, body: Body) -> None:
    draw_hand(pen, pose, limb, palette, body)
    draw_limb(pen, pose, limb, palette, body.height)


def draw_limb(pen: Pen, pose: LimbPose, limb: Limb, palette: Palette, height: float) -> None:
    """All outlines first, then the fills, so that no line crosses the elbow or the knee."""
    for band in limb.bands:
        colour = _distance(palette[band.colour], pose)
        tubes = _tubes(pose, limb, band, height)
        for tube in tubes:
            pen.flat(tube.grown(pen.line), edge(colour))
        for tube in tubes:
            pen.flat(tube.path, shade(colour))
        for tube in tubes:
            pen.flat(tube.lit(pen.light), colour)


def _distance(colour: Colour, pose: LimbPose) -> Colour:
    return shade(colour) if pose.far else colour


@dataclass(frozen=True)
class _Tube:
    """One straight piece of a limb."""

    path: skia.Path
    middle: complex
    along: complex  # unit vector
    length: float
    radius: float

    def grown(self, line: float) -> skia.Path:
        by_along = 1 + 2 * line / (self.length + 2 * self.radius)
        return stretch(self.path, self.middle, self.along, by_along, 1 + line / self.radius)

    def lit(self, light: complex) -> skia.Path:
        """A thinner copy at the lit side, which touches the edge from within."""
        across = self.along * 1j
        lit_edge = across * (across * light.conjugate()).real * self.radius
        return stretch(self.path, self.middle + lit_edge, self.along, 1.0, 0.72)


def _tubes(pose: LimbPose, limb: Limb, band: Band, height: float) -> list[_Tube]:
    """The band's part of the upper and of the lower half of the limb."""
    tubes = []
    hem = RAGS if band.torn else HEM
    joints = (pose.a, pose.b, pose.c)
    for half in (0, 1):
        start, stop = max(band.start - half, 0.0), min(band.stop - half, 1.0)
        if stop <= start:
            continue
        a, b = joints[half], joints[half + 1]
        ra, rb = (r * height * band.swell for r in limb.radii[half : half + 2])
        a, b = a + (b - a) * start, a + (b - a) * stop
        ra, rb = ra + (rb - ra) * start, ra + (rb - ra) * stop
        path = capsule(a, b, ra, rb, HEM if start > 0 else None, hem if stop < 1 else None)
        length = abs(b - a)
        along = (b - a) / length if length > 1e-6 else 1 + 0j
        tubes.append(_Tube(path, (a + b) / 2, along, length, (ra + rb) / 2))
    return tubes


def draw_hand(pen: Pen, pose: LimbPose, limb: Limb, palette: Palette, body: Body) -> None:
    """A mitten with a thumb towards the body's middle, or upwards on a level arm."""
    size = 0.046 * body.height * limb.end_size
    along = pose.c - pose.b
    along = along / abs(along) if abs(along) > 1e-6 else 1j
    palm = pose.c + along * size * 0.55
    side = along * 1j
    inward = body.at(0.6) - palm
    inward = inward / max(abs(inward), 1e-6) - 0.6j
    if side.real * inward.real + side.imag * inward.imag < 0:
        side = -side
    colour = _distance(palette[limb.end], pose)
    thumb = capsule(palm, palm + side * size + along * size * 0.35, size * 0.36, size * 0.3)
    mitten = ellipse(palm, size * 1.12, size * 0.95, math.atan2(along.imag, along.real))
    pen.outline(thumb, colour)
    pen.shape(mitten, colour)
    pen.flat(thumb, colour)


def draw_foot(pen: Pen, pose: LimbPose, limb: Limb, palette: Palette, body: Body) -> None:
    """A shoe square to the shin that points where the body points."""
    size = 0.046 * body.height * limb.end_size
    down = pose.c - pose.b
    down = down / abs(down) if abs(down) > 1e-6 else 1j
    sideways, towards = math.sin(body.yaw), math.cos(body.yaw)
    toe = down * -1j * sideways  # the shin turned a quarter, as far as it is seen from the side
    # Seen from the front a shoe points a little outwards.
    outward = pose.a - body.pelvis
    outward = 0.3 * outward / max(abs(outward), 1e-6) * max(towards, 0.0)
    heel = pose.c + down * size * (0.05 - 0.1 * towards)
    tip = pose.c + down * size * (0.15 + 0.3 * towards) + toe * size * 1.45 + outward * size
    colour = _distance(palette[limb.end], pose)
    pen.shape(polygon(hull([(heel, size * 0.86), (tip, size * 0.8)])), colour)
