"""What the doctor's checks share: a finding, and which frames they look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fyp_lite.skeleton import DRAWN_LEVEL

SAMPLE = 16  # frames that colours and sizes are judged by

Repair = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Finding:
    """One trouble of a clip.

    name: "empty", "raw", "background", "colours", "swapped", "thin lines", "small", "cut off" or
        "missing frames". sentence: what is wrong, measured. fix: what to do about it.
    repair: does that, `[f, h, w, 3]` uint8 to the same (other sizes and fewer frames may come
        out); None where only the reader can.
    """

    name: str
    sentence: str
    fix: str
    repair: Repair | None = None


def drawn(frames: np.ndarray) -> np.ndarray:
    """`[f]` bool: something is drawn in it."""
    return np.array([bool((frame > DRAWN_LEVEL).any()) for frame in frames])


def sample(frames: np.ndarray) -> np.ndarray:
    """Up to 16 frames in which something is drawn, evenly chosen; else of all frames."""
    shown = np.flatnonzero(drawn(frames))
    numbers = shown if len(shown) else np.arange(len(frames))
    return frames[numbers[np.linspace(0, len(numbers) - 1, min(SAMPLE, len(numbers))).astype(int)]]
