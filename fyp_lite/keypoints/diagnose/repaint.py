"""Read the joints from OpenPose's drawings, so that they can be drawn again in our palette.

OpenPose (18 joints, as ControlNet's preprocessors draw them) gives every joint a dot of a colour of
its own: 18 hues, 20 degrees apart. Limbs have the same hues at 0.6 of the brightness. So a dot says
which joint it is, and the limb between two dots says that they belong to one person.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from fyp_lite.keypoints.formats import FROM_OPENPOSE
from fyp_lite.keypoints.rainbow import HUE_STEP, LIMBS
from fyp_lite.skeleton import hue_and_brightness

DOT_LEVEL = 204  # brightest channel of a dot's pixels is above, of a limb's pixels below
DIM_LEVEL = 80  # of a limb's pixels, above black and blurred edges
MIN_DOT = 5  # pixels; and a smaller share of the usual dot is a speck of compression
SPECK = 0.25
MIN_LIMB = 0.35  # share of the way between two dots that has their limb's colour
MIN_JOINTS = 4  # fewer dots that hang together are nobody
NEAR = 0.5  # of the frame's short side: dots further apart are never linked


class Dot(NamedTuple):
    """A joint's spot: OpenPose's number of the joint, its middle and radius in pixels."""

    joint: int
    x: float
    y: float
    radius: float


def read_openpose(frames: np.ndarray) -> np.ndarray:
    """Joints of OpenPose drawings.

    Args:
        frames: `[f, h, w, 3]` uint8 RGB, drawn on black.

    Returns:
        `[f, people, 17, 3]` float32 in COCO-17 order and pixels, people from left to right in every
        frame; confidence 1, or 0 where a dot is hidden.
    """
    found = [_read_frame(frame) for frame in frames]
    keypoints = np.zeros((len(frames), max(map(len, found), default=0), 17, 3), np.float32)
    for into, people in zip(keypoints, found, strict=True):
        into[: len(people)] = people
    return keypoints


def _read_frame(frame: np.ndarray) -> np.ndarray:
    hue, brightest = (plane[0] for plane in hue_and_brightness(frame[None]))
    colour = np.where(brightest > DIM_LEVEL, np.round(hue / HUE_STEP).astype(int) % 18, -1)
    dots = _dots(np.where(brightest > DOT_LEVEL, colour, -1))
    people = [group for group in _groups(dots, colour) if len(group) >= MIN_JOINTS]
    joints = np.zeros((len(people), 18, 3), np.float32)
    for into, group in zip(joints, people, strict=True):
        for dot in group:
            into[dot.joint] = dot.x, dot.y, 1
    middles = joints[..., 0].sum(axis=1) / np.maximum(joints[..., 2].sum(axis=1), 1)
    return joints[np.argsort(middles)][:, FROM_OPENPOSE]


def _dots(colour: np.ndarray) -> list[Dot]:
    """The middle of every spot of one colour; `colour` `[h, w]` is -1 outside of the dots."""
    found, areas = [], []
    for joint in range(18):
        rows, columns = np.nonzero(colour == joint)
        if len(rows) < MIN_DOT:
            continue
        top, left = rows.min(), columns.min()
        spots = np.zeros((rows.max() - top + 1, columns.max() - left + 1), np.uint8)
        spots[rows - top, columns - left] = 1
        _, _, facts, middles = cv2.connectedComponentsWithStats(spots)
        for area, (x, y) in zip(facts[1:, cv2.CC_STAT_AREA], middles[1:], strict=True):
            found.append(Dot(joint, x + left + 0.5, y + top + 0.5, np.sqrt(area / np.pi)))
            areas.append(area)
    least = max(MIN_DOT, SPECK * np.median(areas)) if areas else 0
    return [dot for dot, area in zip(found, areas, strict=True) if area >= least]


def _groups(dots: list[Dot], colour: np.ndarray) -> list[list[Dot]]:
    """Dots that belong to one person: the best drawn limbs are followed first.

    Two groups with a joint in common are two people. What no limb links goes to the only person.
    """
    of = {dot: [dot] for dot in dots}  # every dot's group; grown groups are shared
    for share, a, b in sorted(_links(dots, colour), key=lambda link: -link[0]):
        one, other = of[a], of[b]
        if share < MIN_LIMB or one is other:
            continue
        if {dot.joint for dot in one}.isdisjoint(dot.joint for dot in other):
            one += other
            of |= dict.fromkeys(other, one)
    groups = list({id(group): group for group in of.values()}.values())
    people = [group for group in groups if len(group) >= MIN_JOINTS]
    if len(people) == 1:
        for dot in (dot for group in groups if group is not people[0] for dot in group):
            if dot.joint not in {known.joint for known in people[0]}:
                people[0].append(dot)
    return people


def _links(dots: list[Dot], colour: np.ndarray) -> list[tuple[float, Dot, Dot]]:
    """Every two dots that a limb could link, with the share of the way that has its colour.

    Dots that touch hide the limb between them: that counts as just enough.
    """
    links = []
    most = NEAR * min(colour.shape)
    for number, (first, second) in enumerate(LIMBS):
        for a in (dot for dot in dots if dot.joint == first):
            for b in (dot for dot in dots if dot.joint == second):
                length = np.hypot(a.x - b.x, a.y - b.y)
                hidden = (a.radius + b.radius + 2) / max(length, 1)
                if hidden > 0.8:
                    links.append((MIN_LIMB, a, b))
                elif length <= most:
                    ends = (a.radius + 1) / length, 1 - (b.radius + 1) / length
                    way = np.linspace(*ends, 12)[:, None]
                    points = (way * (b.x, b.y) + (1 - way) * (a.x, a.y)).astype(int)
                    share = (colour[points[:, 1], points[:, 0]] == number).mean()
                    links.append((float(share), a, b))
    return links
