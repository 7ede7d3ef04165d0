"""Does the motion go on from frame to frame? The finding about frames that are missing."""

from __future__ import annotations

from functools import partial

import numpy as np

from fyp_lite.keypoints.diagnose.finding import Finding, Look
from fyp_lite.keypoints.diagnose.lines import MIN_WHOLE, longest_run
from fyp_lite.keypoints.edit import fill_frames
from fyp_lite.lazy_frames import Frames, changed
from fyp_lite.skeleton import draw_skeletons
from fyp_lite.skeleton_reader import read_skeletons

LONGEST_GAP = 0.5  # seconds: filling more would invent the motion
STILL, MOVING = 0.01, 0.3  # of the usual change: a repeated frame, and what surrounds it
MIN_CHANGE = 0.02  # levels per frame, the usual change of a clip that moves at all
REGULAR = 0.2  # share of repeated frames above which they are the clip's own, slower rate


def check_timing(look: Look) -> Finding | None:
    """Frames that are black, or repeated where the motion should go on."""
    blank = ~look.drawn
    repeated = _repeated(look.change) & ~blank
    missing = blank | repeated
    if not missing.any():
        return None
    first, last = longest_run(~_long_runs(missing, LONGEST_GAP * look.fps))
    fills = last - first + 1 >= MIN_WHOLE
    kinds = {"black": blank.sum(), "a repetition of the one before": repeated.sum()}
    counts = [f"{n} of {len(blank)} frames are {kind}" for kind, n in kinds.items() if n]
    kept = "" if (first, last) == (0, len(blank) - 1) else f" Frames {first} to {last} are kept."
    return Finding(
        "missing frames",
        f"{' and '.join(counts)}: the motion jumps. The first is frame {int(missing.argmax())}.",
        f"Read their neighbours and draw what lies between them.{kept}"
        if fills
        else f"Choose another clip: gaps of more than {LONGEST_GAP:g} s leave no 8 frames whole.",
        partial(_fill, missing=missing, first=first, last=last) if fills else None,
    )


def _fill(frames: Frames, missing: np.ndarray, first: int, last: int) -> Frames:
    """Frames `first` to `last`, the missing ones drawn between their neighbours."""
    frames, missing = frames[first : last + 1], missing[first : last + 1]
    beside = np.flatnonzero(missing | np.roll(missing, 1) | np.roll(missing, -1))
    read = [read_skeletons(frame[None])[0] for frame in frames[beside]]
    keypoints = np.zeros((len(frames), max(map(len, read)), 17, 3), np.float32)
    for number, people in zip(beside, read, strict=True):
        keypoints[number, : len(people)] = people
    keypoints = fill_frames(keypoints, missing)

    def filled(number: int, frame: np.ndarray) -> np.ndarray:
        if not missing[number]:
            return frame
        return draw_skeletons(keypoints[number][None], *frame.shape[:2])[0]

    return changed(frames, filled)


def _repeated(changes: np.ndarray) -> np.ndarray:
    """`[f]` bool: the same picture as the one before, in the middle of a motion.

    A held pose slows down before and speeds up after. Where every second or third frame moves, the
    clip has a slower rate of its own and has lost nothing.
    """
    change = np.array([np.inf, *changes, 0])
    usual = float(np.quantile(change[1:-1], 0.7)) if len(changes) > 1 else 0.0
    still = change[:-1] < STILL * usual
    if still.mean() > REGULAR or usual < MIN_CHANGE:
        return np.zeros(len(still), bool)
    for first, after in _runs(still):
        still[first:after] = min(change[first - 1], change[after]) > MOVING * usual
    return still


def _long_runs(flags: np.ndarray, most: float) -> np.ndarray:
    """`[f]` bool: in a stretch of True that is longer than `most`, or that begins or ends all."""
    long = np.zeros(len(flags), bool)
    for first, after in _runs(flags):
        long[first:after] = after - first > most or first == 0 or after == len(flags)
    return long


def _runs(flags: np.ndarray) -> np.ndarray:
    """`[n, 2]`: where each stretch of True begins, and the number after its last one."""
    edges = np.diff(np.concatenate([[0], flags.astype(int), [0]]))
    return np.flatnonzero(edges).reshape(-1, 2)
