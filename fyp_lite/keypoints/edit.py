"""Repair keypoints: move, place or hide a joint, drop a person, mirror, retime, fill frames.

Pure functions. Each takes keypoints `[f, people, 17, 3]` float32 of (x, y, confidence) in pixels,
where confidence 0 means missing, and returns new ones. Frames, people and joints count from 0;
a number outside raises KeypointsError with the numbers that there are.

`reach` spreads a change over that many frames before and after the chosen one.
"""

from __future__ import annotations

import math

import numpy as np

from fyp_lite.keypoints.clip import KeypointsError
from fyp_lite.skeleton import JOINTS, PARTNERS

MIN_SPEED, MAX_SPEED = 0.1, 10.0


def nudge(
    keypoints: np.ndarray,
    frame: int,
    person: int,
    joint: int,
    dx: float,
    dy: float,
    *,
    reach: int = 0,
) -> np.ndarray:
    """Move a joint by (dx, dy) pixels, in the frames within `reach` less and less.

    The share falls from 1 at `frame` to 0 behind the reach, as a cosine: so nothing jumps. Frames
    in which the joint is missing stay as they are.

    Raises:
        KeypointsError: also where the joint is missing in `frame` itself, or the way is not finite.
    """
    _check(keypoints, frame, person, joint, reach)
    if not (math.isfinite(dx) and math.isfinite(dy)):
        raise KeypointsError(f"the way is ({dx}, {dy}) pixels: give two finite numbers.")
    if keypoints[frame, person, joint, 2] <= 0:
        raise KeypointsError(
            f"{_name(joint)} of person {person} is missing in frame {frame}, so there is nothing "
            "to nudge: place it first."
        )
    numbers = np.arange(len(keypoints))
    away = np.minimum(np.abs(numbers - frame) / (reach + 1), 1)
    share = (1 + np.cos(np.pi * away)) / 2 * (keypoints[:, person, joint, 2] > 0)
    moved = keypoints.copy()
    moved[:, person, joint, :2] += share[:, None] * np.array([dx, dy])
    return moved


def place(
    keypoints: np.ndarray, frame: int, person: int, joint: int, x: float, y: float
) -> np.ndarray:
    """Put a joint at (x, y) in one frame, with confidence 1; it may have been missing.

    Raises:
        KeypointsError: also where the place is not finite.
    """
    _check(keypoints, frame, person, joint)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise KeypointsError(f"the place is ({x}, {y}): give two finite numbers.")
    placed = keypoints.copy()
    placed[frame, person, joint] = x, y, 1
    return placed


def hide(
    keypoints: np.ndarray, frame: int, person: int, joint: int, *, reach: int = 0
) -> np.ndarray:
    """Make a joint missing in the frames within `reach`: no limb to it is drawn there."""
    _check(keypoints, frame, person, joint, reach)
    hidden = keypoints.copy()
    hidden[_within(frame, reach), person, joint] = 0
    return hidden


def swap_sides(keypoints: np.ndarray, frame: int, person: int, *, reach: int = 0) -> np.ndarray:
    """Exchange a person's left and right in the frames within `reach`."""
    _check(keypoints, frame, person, 0, reach)
    swapped, frames = keypoints.copy(), _within(frame, reach)
    swapped[frames, person] = keypoints[frames, person][:, PARTNERS]
    return swapped


def delete_person(keypoints: np.ndarray, person: int) -> np.ndarray:
    """The same without one person: `[f, people - 1, 17, 3]`."""
    _check(keypoints, 0, person, 0)
    return np.delete(keypoints, person, axis=1)


def mirror(keypoints: np.ndarray, width: int) -> np.ndarray:
    """The dance in a mirror: x is flipped in a frame of `width` pixels, left becomes right."""
    mirrored = keypoints[:, :, PARTNERS].copy()
    mirrored[..., 0] = np.where(mirrored[..., 2] > 0, width - mirrored[..., 0], 0)
    return mirrored


def retime(keypoints: np.ndarray, speed: float) -> np.ndarray:
    """The same motion `speed` times as fast at the same frame rate, from 0.1 to 10.

    Frames in between are interpolated along straight lines; a joint is there where it is seen in
    both neighbours. First and last frame stay, the last one as far as the speed hits it.
    """
    if not MIN_SPEED <= speed <= MAX_SPEED:  # also refuses NaN
        raise KeypointsError(
            f"the speed is {speed:g}, but it must be from {MIN_SPEED:g} to {MAX_SPEED:g}: "
            "2 is twice as fast, 0.5 half as fast."
        )
    last = len(keypoints) - 1
    times = np.arange(math.floor(last / speed + 1e-6) + 1) * speed
    return _at(keypoints, np.minimum(times, last))


def trim(keypoints: np.ndarray, first: int, last: int) -> np.ndarray:
    """The frames from `first` to `last`, both among them."""
    for frame in (first, last):
        _check(keypoints, frame)
    if last < first:
        raise KeypointsError(
            f"the last frame, {last}, lies before the first one, {first}: exchange them."
        )
    return keypoints[first : last + 1].copy()


def fill_frames(keypoints: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Interpolate whole frames from the nearest good ones before and after.

    Args:
        missing: `[f]` bool, True for the frames to replace. Those before the first good frame and
            after the last one become copies of it.

    Raises:
        KeypointsError: no frame is good.
    """
    good = np.flatnonzero(~np.asarray(missing, bool))
    if len(good) == 0:
        raise KeypointsError("every frame is missing, so there is nothing to fill them from.")
    where = np.interp(np.arange(len(keypoints)), good, np.arange(len(good)))
    return _at(keypoints[good], where)


def _at(keypoints: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Keypoints at `times` in frames, 0 to f - 1, each between its two neighbours."""
    early = np.floor(times).astype(int)
    late = np.minimum(early + 1, len(keypoints) - 1)
    share = (times - early)[:, None, None, None].astype(np.float32)
    late = np.where(share[:, 0, 0, 0] > 0, late, early)
    before, after = keypoints[early], keypoints[late]
    between = (1 - share) * before + share * after
    between[..., 2] = np.minimum(before[..., 2], after[..., 2])
    between[between[..., 2] <= 0] = 0
    return between


def _within(frame: int, reach: int) -> slice:
    return slice(max(0, frame - reach), frame + reach + 1)


def _name(joint: int) -> str:
    return JOINTS[joint].replace("_", " ")


def _check(
    keypoints: np.ndarray, frame: int, person: int = 0, joint: int = 0, reach: int = 0
) -> None:
    kinds = zip(("frame", "person", "joint"), (frame, person, joint), keypoints.shape, strict=False)
    for kind, number, count in kinds:
        if not 0 <= number < count:
            raise KeypointsError(
                f"there is no {kind} {number}: they are numbered 0 to {count - 1}."
            )
    if reach < 0:
        raise KeypointsError(f"reach is {reach}, but it must be at least 0: 0 is one frame alone.")
