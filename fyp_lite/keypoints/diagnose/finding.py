"""What the doctor's checks share: a finding, and what one pass over the frames tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from fyp_lite.lazy_frames import Frames
from fyp_lite.settings import REFERENCE_SIZE
from fyp_lite.skeleton import DRAWN_LEVEL

SAMPLE = 16  # frames that colours and sizes are judged by
SMALL = 160  # pixels, the sides of the pictures that changes from frame to frame are measured in

Repair = Callable[[Frames], Frames]


@dataclass(frozen=True)
class Finding:
    """One trouble of a clip.

    name: "empty", "raw", "background", "colours", "swapped", "thin lines", "small", "cut off" or
        "missing frames". sentence: what is wrong, measured. fix: what to do about it.
    repair: does that, `[f, h, w, 3]` uint8 to the same (other sizes and fewer frames may come
        out); lazily where the frames are lazy. None where only the reader can.
    """

    name: str
    sentence: str
    fix: str
    repair: Repair | None = None


class Look:
    """What one pass over all frames tells. The frames are read one at a time and not kept.

    frames: what was looked at. fps: its rate.
    drawn: `[f]` bool, something is drawn in it.
    change: `[f - 1]`, mean difference of each frame to the next, in levels.
    touched: `[f, 4]` uint8, the brightest channel at the top, bottom, left and right edge.
    ink: `[h, w]` uint8, the brightest channel of each pixel in any frame.
    """

    def __init__(self, frames: Frames, fps: float) -> None:
        self.frames, self.fps = frames, fps
        self.height: int = frames.shape[1]
        self.width: int = frames.shape[2]
        self.ink = np.zeros((self.height, self.width), np.uint8)
        # Made beforehand: small arrays that come to lie between large frames keep the memory of
        # the frames from being used again.
        self.drawn = np.zeros(len(frames), bool)
        self.change = np.zeros(len(frames) - 1)
        self.touched = np.zeros((len(frames), 4), np.uint8)
        small = np.zeros((2, SMALL, SMALL, 3), np.uint8)
        for number, frame in enumerate(frames):
            ink = brightest(frame)
            np.maximum(self.ink, ink, out=self.ink)
            self.drawn[number] = ink.max() > DRAWN_LEVEL
            edges = ink[0], ink[-1], ink[:, 0], ink[:, -1]
            self.touched[number] = [edge.max() for edge in edges]
            now, before = small[number % 2], small[(number + 1) % 2]
            cv2.resize(frame, (SMALL, SMALL), dst=now, interpolation=cv2.INTER_AREA)
            if number:
                self.change[number - 1] = cv2.absdiff(before, now).mean()

    @property
    def sample(self) -> Frames:
        """Up to 16 frames in which something is drawn, evenly chosen; else of all frames."""
        numbers = np.flatnonzero(self.drawn) if self.drawn.any() else np.arange(len(self.drawn))
        return self.frames[
            numbers[np.linspace(0, len(numbers) - 1, min(SAMPLE, len(numbers))).astype(int)]
        ]

    @cached_property
    def pixels(self) -> np.ndarray:
        """`[n, h, w, 3]`: of the sample, every second pixel of 1024 lines, and so on."""
        step = max(1, min(self.height, self.width) // REFERENCE_SIZE)
        return np.stack([frame[::step, ::step].copy() for frame in self.sample])  # not the frame


def brightest(frame: np.ndarray) -> np.ndarray:
    """The brightest channel of each pixel: `[..., 3]` to `[...]`; much quicker than `max`."""
    return np.maximum(np.maximum(frame[..., 0], frame[..., 1]), frame[..., 2])
