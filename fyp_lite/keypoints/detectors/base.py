"""The interface of a detector of people, and what all detectors share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fyp_lite.skeleton import MIN_CONFIDENCE


class Backend(Protocol):
    """A detector for one clip: create a new one per clip; it may keep state between frames."""

    name: str

    def detect(self, frame: np.ndarray) -> np.ndarray:
        """Find people in the clip's next frame.

        Args:
            frame: `[h, w, 3]` uint8 RGB.

        Returns:
            `[people, 17, 3]` float32 (x, y, confidence in 0...1) in COCO-17 order and the frame's
            pixels, in any order of people; `[0, 17, 3]` where nobody is found. A joint that is
            not seen is all zeros.
        """
        ...

    def close(self) -> None:
        """Let go of the networks; `detect` cannot be called again."""
        ...


@dataclass(frozen=True)
class BackendReport:
    """Whether a backend can be used here. note: one sentence on what it is and its licence, or on
    what is missing and how to get it."""

    name: str
    ready: bool
    note: str


def keep_seen(people: np.ndarray, height: int, width: int) -> np.ndarray:
    """`[people, 17, 3]` with every joint zeroed that was guessed rather than seen: one outside the
    frame, or less sure than `MIN_CONFIDENCE`. People without any joint left are dropped."""
    x, y, confidence = people[..., 0], people[..., 1], people[..., 2]
    inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    seen = inside & (confidence >= MIN_CONFIDENCE)
    people = np.where(seen[..., None], people, 0).astype(np.float32)
    return people[seen.any(axis=1)]
