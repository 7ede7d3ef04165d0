"""Read the joints from OpenPose's drawings, so that they can be drawn again in our palette.

OpenPose (18 joints, as ControlNet's preprocessors draw them) gives every joint a dot of a colour of
its own: 18 hues, 20 degrees apart. Limbs have the same hues at 0.6 of the brightness. So a dot says
which joint it is, and the limb between two dots says that they belong to one person. DWPose draws
faces in white and hands in blue over it: what is pale or larger than a dot is none, and a
covered joint is where its limb ends.
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
SPECK, PATCH = 0.25, 3.0  # a larger share than that is no dot but a hand
MIN_SATURATION = 0.5  # faces are white
MIN_LIMB = 0.35  # share of the way between two dots that has their limb's colour
# Of LIMBS: those of arms and legs, and from the neck to the nose, eyes and ears, short ones.
LIMBS_BELOW, LIMBS_OF_HEAD = range(12), range(12, 17)
MAX_STRAY = 0.3  # body sizes from the joint beside it: what is further away is a speck
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
    drawn = (brightest > DIM_LEVEL) & (frame.min(axis=-1) < (1 - MIN_SATURATION) * brightest)
    colour = np.where(drawn, np.round(hue / HUE_STEP).astype(int) % 18, -1)
    dots = _dots(np.where(brightest > DOT_LEVEL, colour, -1))
    people = [group for group in _groups(dots, colour) if len(group) >= MIN_JOINTS]
    limbs = np.where(brightest <= DOT_LEVEL, colour, -1)
    for group in people:
        _add_hidden(group, limbs, LIMBS_BELOW)
        if len(people) == 1:  # what no limb links goes to the only person
            _add_strays(group, [dot for dot in dots if dot not in group])
        _add_hidden(group, limbs, LIMBS_OF_HEAD)
    joints = np.zeros((len(people), 18, 3), np.float32)
    for into, group in zip(joints, people, strict=True):
        for dot in group:
            into[dot.joint] = dot.x, dot.y, 1
    middles = joints[..., 0].sum(axis=1) / np.maximum(joints[..., 2].sum(axis=1), 1)
    return joints[np.argsort(middles)][:, FROM_OPENPOSE]


def _dots(colour: np.ndarray) -> list[Dot]:
    """The middle of every spot of one colour; `colour` `[h, w]` is -1 outside of the dots."""
    found, areas, usual = [], [], []
    for joint in range(18):
        rows, columns = np.nonzero(colour == joint)
        if len(rows) < MIN_DOT:
            continue
        top, left = rows.min(), columns.min()
        spots = np.zeros((rows.max() - top + 1, columns.max() - left + 1), np.uint8)
        spots[rows - top, columns - left] = 1
        _, _, facts, middles = cv2.connectedComponentsWithStats(spots)
        usual.append(facts[1:, cv2.CC_STAT_AREA].max())
        for area, (x, y) in zip(facts[1:, cv2.CC_STAT_AREA], middles[1:], strict=True):
            found.append(Dot(joint, x + left + 0.5, y + top + 0.5, np.sqrt(area / np.pi)))
            areas.append(area)
    size = np.median(usual) if usual else 0  # of a dot: most joints have no larger spot
    least, most = max(MIN_DOT, SPECK * size), PATCH * size
    return [dot for dot, area in zip(found, areas, strict=True) if least <= area <= most]


def _groups(dots: list[Dot], colour: np.ndarray) -> list[list[Dot]]:
    """Dots that belong to one person: the best drawn limbs are followed first.

    Two groups with a joint in common are two people.
    """
    of = {dot: [dot] for dot in dots}  # every dot's group; grown groups are shared
    for share, a, b in sorted(_links(dots, colour), key=lambda link: -link[0]):
        one, other = of[a], of[b]
        if share < MIN_LIMB or one is other:
            continue
        if {dot.joint for dot in one}.isdisjoint(dot.joint for dot in other):
            one += other
            of |= dict.fromkeys(other, one)
    return list({id(group): group for group in of.values()}.values())


def _add_strays(group: list[Dot], strays: list[Dot]) -> None:
    """Add dots of joints that are missing, where they lie near a joint that a limb leads to."""
    known = {dot.joint: dot for dot in group}
    places = np.array([(dot.x, dot.y) for dot in group])
    most = MAX_STRAY * np.ptp(places, axis=0).max()
    for dot in strays:
        if dot.joint in known:
            continue
        limbs = [limb for limb in LIMBS if dot.joint in limb]
        beside = [known[joint] for limb in limbs for joint in limb if joint in known]
        near = (np.hypot(dot.x - other.x, dot.y - other.y) <= most for other in beside)
        if not beside or any(near):
            known[dot.joint] = dot
            group.append(dot)


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


def _add_hidden(group: list[Dot], limbs: np.ndarray, numbers: range) -> None:
    """Add joints whose dots are hidden, where a limb from a known joint ends; `limbs` `[h, w]` has
    the numbers of the limbs that are seen."""
    known = {dot.joint: dot for dot in group}
    for number in numbers:
        first, second = LIMBS[number]
        for here, there in ((first, second), (second, first)):
            if here in known and there not in known:
                end = _end_of_limb(known[here], limbs == number, there)
                if end is not None:
                    known[there] = end
                    group.append(end)


def _end_of_limb(start: Dot, limb: np.ndarray, joint: int) -> Dot | None:
    """The far end of the limb, `[h, w]` bool, that begins at `start`."""
    count, parts = cv2.connectedComponents(limb.astype(np.uint8))
    farthest, end = 0.0, None
    for part in range(1, count):
        rows, columns = np.nonzero(parts == part)
        away = np.hypot(columns + 0.5 - start.x, rows + 0.5 - start.y)
        begins = away.min() <= 2 * start.radius <= away.max()
        if begins and farthest < away.max() <= NEAR * min(limb.shape):
            tip = away > away.max() - start.radius
            x, y = columns[tip].mean() + 0.5, rows[tip].mean() + 0.5
            farthest, end = away.max(), Dot(joint, x, y, start.radius)
    return end
