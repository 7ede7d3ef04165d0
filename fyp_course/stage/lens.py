"""The crop lens by hand: a frame with a crop box that can be dragged and resized."""

from __future__ import annotations

import numpy as np
import traitlets

from fyp_course.stage.display import Live
from fyp_course.stage.film import encode_film
from fyp_course.stage.front_end import CSS, module
from fyp_lite.cropping import MIN_KEPT
from fyp_lite.settings import REFERENCE_SIZE, ClipSettings
from fyp_lite.video import strip

STILL_HEIGHT = 320  # pixels


class LensStage(Live):
    """The source frame with its crop, on a scale of 512, beside what the model sees of it.

    Drag the box, its edges or its corners. Where the crops leave too little, or an edge is dragged
    beyond the picture, that part is drawn as wrong.

    Args:
        frame: `[h, w, 3]` uint8 RGB, whole.
        settings: where the box starts.

    Attributes:
        crop_left, crop_right, crop_top, crop_bottom: as in `ClipSettings`, pixels of the frame
            resized to a short side of 512; a drag or a key changes them, and setting them moves
            the box. Link them to sliders with `ipywidgets.link`.
    """

    _esm = module("dom", "film", "grip", "lens")
    _css = CSS

    crop_left = traitlets.Int(0, min=0).tag(sync=True)
    crop_right = traitlets.Int(0, min=0).tag(sync=True)
    crop_top = traitlets.Int(0, min=0).tag(sync=True)
    crop_bottom = traitlets.Int(0, min=0).tag(sync=True)
    film = traitlets.Dict().tag(sync=True)
    scale = traitlets.Int(REFERENCE_SIZE).tag(sync=True)
    least = traitlets.Int(MIN_KEPT).tag(sync=True)  # reference pixels that must stay on an axis

    def __init__(self, frame: np.ndarray, settings: ClipSettings | None = None) -> None:
        settings = settings or ClipSettings()
        super().__init__(
            crop_left=settings.crop_left,
            crop_right=settings.crop_right,
            crop_top=settings.crop_top,
            crop_bottom=settings.crop_bottom,
        )
        self.show_frame(frame)

    def show_frame(self, frame: np.ndarray) -> None:
        """Show another frame of the same clip, `[h, w, 3]` uint8 RGB; the box stays."""
        self.film = encode_film({"frame": np.asarray(frame)[None]})
        self._frame = frame

    def still_picture(self) -> np.ndarray:
        """The whole frame, at most 320 pixels high."""
        return strip(self._frame[None], min(len(self._frame), STILL_HEIGHT))

    def described(self) -> str:
        """What is cut off, in words."""
        sides = ("left", "right", "top", "bottom")
        cut = ", ".join(f"{side} {getattr(self, f'crop_{side}')}" for side in sides)
        return f"Crop lens, of a short side of {self.scale}: {cut}."
