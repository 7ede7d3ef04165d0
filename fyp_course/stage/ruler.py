"""The frame ruler by hand: a clip along a line of frame numbers, with marks that can be dragged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import traitlets

from fyp_course.stage.display import Live
from fyp_course.stage.film import encode_film
from fyp_course.stage.front_end import CSS, module
from fyp_lite.settings import ClipSettings
from fyp_lite.video import MAX_STILLS, contact_sheet

THUMBNAIL = 112  # pixels, the long side of a frame on the strip
SPREAD = 32  # frames that are spread over the strip
MAX_CELLS = 16  # chosen frames that are drawn large; all of them have their mark
KEPT = 256  # thumbnails that are remembered


class RulerStage(Live):
    """The whole clip as a film strip; drag the marks to choose start, stride and number of frames.

    The marks may go past the end of the clip: what is missing there is drawn as wrong.

    Args:
        read: gives frames `[n, h, w, 3]` uint8 RGB by their numbers, such as `Clip.read`.
        clip_frames: how many frames the clip has.
        settings: where the marks start.

    Attributes:
        start_frame, frame_stride, num_frames: as in `ClipSettings`; a drag or a key changes them,
            and setting them moves the marks. Link them to sliders with `ipywidgets.link`.
        max_frames: as far as the mark for `num_frames` can be dragged.
    """

    _esm = module("dom", "film", "grip", "ruler")
    _css = CSS

    start_frame = traitlets.Int(0, min=0).tag(sync=True)
    frame_stride = traitlets.Int(3, min=1).tag(sync=True)
    num_frames = traitlets.Int(8, min=1).tag(sync=True)
    max_frames = traitlets.Int(24, min=1).tag(sync=True)
    clip_frames = traitlets.Int(1, min=1).tag(sync=True)
    strip = traitlets.Dict().tag(sync=True)  # frames all over the clip
    chosen = traitlets.Dict().tag(sync=True)  # the chosen ones that are drawn large

    def __init__(
        self,
        read: Callable[[list[int]], np.ndarray],
        clip_frames: int,
        settings: ClipSettings | None = None,
    ) -> None:
        settings = settings or ClipSettings()
        self._read, self._thumbnails = read, dict[int, np.ndarray]()
        super().__init__(
            start_frame=settings.start_frame,
            frame_stride=settings.frame_stride,
            num_frames=settings.num_frames,
            max_frames=max(24, settings.num_frames),
            clip_frames=clip_frames,
        )
        spread = np.linspace(0, clip_frames - 1, min(clip_frames, SPREAD)).round().astype(int)
        self.strip = self._film(spread.tolist())
        self._choose()
        self.observe(self._choose, ["start_frame", "frame_stride", "num_frames"])

    def _choose(self, _change: object = None) -> None:
        """Send the chosen frames that the clip has and that are drawn large."""
        shown = np.linspace(0, self.num_frames - 1, min(self.num_frames, MAX_CELLS)) + 0.5
        numbers = [self.start_frame + int(i) * self.frame_stride for i in shown]  # as ruler.js
        self.chosen = self._film([number for number in numbers if number < self.clip_frames])

    def still_picture(self) -> np.ndarray:
        """At most eight of the chosen frames, or of all where the clip has none of them."""
        numbers = self.chosen["numbers"] or self.strip["numbers"]
        some = numbers[:: -(-len(numbers) // MAX_STILLS)]
        return contact_sheet(np.stack([self._thumbnail(number) for number in some]))

    def described(self) -> str:
        """Which frames are chosen, in words."""
        last = self.start_frame + (self.num_frames - 1) * self.frame_stride
        past = f", but the clip ends at {self.clip_frames - 1}" if last >= self.clip_frames else ""
        return (
            f"Frame ruler: {self.num_frames} of {self.clip_frames} frames, {self.start_frame} to "
            f"{last} with stride {self.frame_stride}{past}."
        )

    def _film(self, numbers: list[int]) -> dict[str, Any]:
        if not numbers:
            return {"numbers": []}
        frames = np.stack([self._thumbnail(number) for number in numbers])
        return encode_film({"clip": frames}) | {"numbers": numbers}

    def _thumbnail(self, number: int) -> np.ndarray:
        if number not in self._thumbnails:
            frame = self._read([number])[0]
            scale = THUMBNAIL / max(frame.shape[:2])
            height, width = (max(1, round(side * scale)) for side in frame.shape[:2])
            while len(self._thumbnails) >= KEPT:
                self._thumbnails.pop(next(iter(self._thumbnails)))
            self._thumbnails[number] = cv2.resize(
                frame, (width, height), interpolation=cv2.INTER_AREA
            )
        return self._thumbnails[number]
