"""Which frames of a clip, and which part of them: numbers and boxes, crops and their black."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from fyp_lite.files.decoding import check_frames
from fyp_lite.files.writing import ClipError
from fyp_lite.settings import REFERENCE_SIZE, ClipSettings

MIN_KEPT = 16  # reference pixels that a crop must leave on either axis


class CropBox(NamedTuple):
    """A square in source pixels, as floats: edges count from the frame's top left corner, and lie
    outside the frame where black is added."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class PreparedClip:
    """The frames that a clip's settings choose, cropped and resized.

    frames: `[f, size, size, 3]` uint8 RGB. fps: of these frames, source fps / stride, so that
    they play in real time. indices: their source frame numbers. box: the crop in source pixels.
    source_size: (height, width) of the source. padded: whether black was added.
    """

    frames: np.ndarray
    fps: float
    indices: list[int]
    box: CropBox
    source_size: tuple[int, int]

    @property
    def padded(self) -> bool:
        height, width = self.source_size
        left, top, right, bottom = self.box
        return left < 0 or top < 0 or right > width or bottom > height


class Counted(Protocol):
    """What of a clip decides which frames there are."""

    path: Path
    num_frames: int


def choose_frames(clip: Counted | int, settings: ClipSettings) -> list[int]:
    """Source frame numbers that `settings` choose from a clip, or from a clip of this many frames.

    Raises ClipError where the clip is too short, with the largest values that fit, each with the
    others kept.
    """
    count = clip if isinstance(clip, int) else clip.num_frames
    start, stride, num = settings.start_frame, settings.frame_stride, settings.num_frames
    need = start + (num - 1) * stride + 1
    if need <= count:
        return settings.frame_indices()
    room = count - 1 - start  # frames after the first chosen one; negative: it is past the end
    most_start = count - 1 - (num - 1) * stride
    fits = []
    if most_start >= 0:
        fits.append(f"start_frame at most {most_start}")
    if num > 1 and room >= num - 1:
        fits.append(f"frame_stride at most {room // (num - 1)}")
    if room >= 0:
        fits.append(f"num_frames at most {room // stride + 1}")
    fix = ", or ".join(fits) if fits else "no single change fits, lower several of them"
    name = "the clip" if isinstance(clip, int) else clip.path.name
    raise ClipError(
        f"{name} has {count} {'frame' if count == 1 else 'frames'}, but start_frame {start}, "
        f"frame_stride {stride} and num_frames {num} need {need}: {fix}."
    )


def crop_box(height: int, width: int, settings: ClipSettings) -> CropBox:
    """The square that `settings` cut from a frame of `height` x `width` source pixels.

    Trims the four sides, by pixels of the reference frame (short side 512), then takes the
    largest centred square of what is left. Raises ClipError where less than 16 reference pixels
    would be left on an axis.
    """
    if min(height, width) < 1:
        raise ClipError(
            f"a frame of {width} x {height} pixels has nothing to crop: it needs 1 x 1."
        )
    unit = min(height, width) / REFERENCE_SIZE  # source pixels per reference pixel
    left, right = settings.crop_left, settings.crop_right
    top, bottom = settings.crop_top, settings.crop_bottom
    for full, a, b, names in (
        (width / unit, left, right, ("crop_left", "crop_right")),
        (height / unit, top, bottom, ("crop_top", "crop_bottom")),
    ):
        if full - a - b < MIN_KEPT:
            raise ClipError(
                f"{names[0]} {a} and {names[1]} {b} leave {max(0, full - a - b):.0f} of "
                f"{full:.0f} reference pixels, and {MIN_KEPT} must stay: together they may be "
                f"at most {math.floor(full - MIN_KEPT)}."
            )
    across, down = width - (left + right) * unit, height - (top + bottom) * unit
    side = min(across, down)
    x, y = left * unit + (across - side) / 2, top * unit + (down - side) / 2
    return CropBox(x, y, min(x + side, float(width)), min(y + side, float(height)))


def padded_box(height: int, width: int, settings: ClipSettings) -> CropBox:
    """The square around all that the crops leave, with black where it goes beyond the frame.

    Only the longer side of the frame is kept whole in this way: where crops have made it the
    shorter one, and in square frames, this is `crop_box`.
    """
    square, kept = crop_box(height, width, settings), kept_area(height, width, settings)
    across, down = kept.right - kept.left, kept.bottom - kept.top
    if not (down > across and height > width) and not (across > down and width > height):
        return square
    side = max(across, down)
    x, y = kept.left + (across - side) / 2, kept.top + (down - side) / 2
    return CropBox(x, y, x + side, y + side)


def kept_area(height: int, width: int, settings: ClipSettings) -> CropBox:
    """What is left of a frame, square or not, when its four sides are trimmed."""
    unit = min(height, width) / REFERENCE_SIZE
    return CropBox(
        settings.crop_left * unit,
        settings.crop_top * unit,
        width - settings.crop_right * unit,
        height - settings.crop_bottom * unit,
    )


def choose_box(
    height: int, width: int, settings: ClipSettings, cuts: Callable[[CropBox, CropBox], bool]
) -> CropBox:
    """`crop_box`, or `padded_box` where `settings.pad` is "auto" and the square cuts people off.

    `cuts(kept, square)` says whether somebody is inside `kept`, what the crops leave of a frame,
    but not inside `square`. Raises ClipError as `crop_box` does.
    """
    square, padded = crop_box(height, width, settings), padded_box(height, width, settings)
    if settings.pad == "none" or padded == square:
        return square
    return padded if cuts(kept_area(height, width, settings), square) else square


def cuts_joints(keypoints: np.ndarray, kept: CropBox, square: CropBox) -> bool:
    """Whether a joint of `keypoints` `[..., 3]` is inside `kept`, but not inside `square`."""
    from fyp_lite.skeleton import MIN_CONFIDENCE

    x, y, sure = keypoints[..., 0], keypoints[..., 1], keypoints[..., 2] >= MIN_CONFIDENCE
    inside = [
        (box.left <= x) & (x < box.right) & (box.top <= y) & (y < box.bottom)
        for box in (kept, square)
    ]
    return bool((sure & inside[0] & ~inside[1]).any())


def add_black(frame: np.ndarray, box: CropBox) -> tuple[np.ndarray, CropBox]:
    """`frame` `[h, w, 3]` with black around it so that it holds `box`, and the box in it."""
    height, width = frame.shape[:2]
    left, top = math.ceil(max(0, -box.left)), math.ceil(max(0, -box.top))
    right, bottom = math.ceil(max(0, box.right - width)), math.ceil(max(0, box.bottom - height))
    if not (left or top or right or bottom):
        return frame, box
    moved = CropBox(box.left + left, box.top + top, box.right + left, box.bottom + top)
    return np.pad(frame, ((top, bottom), (left, right), (0, 0))), moved


def black_outside(frames: np.ndarray, box: CropBox, kept: CropBox) -> None:
    """Black out, in frames that show `box`, what is outside `kept`: what was trimmed stays away,
    also where black is added on that side."""
    size = frames.shape[1]
    scale = size / (box.right - box.left)
    left, right = (max(0, round((x - box.left) * scale)) for x in (kept.left, kept.right))
    top, bottom = (max(0, round((y - box.top) * scale)) for y in (kept.top, kept.bottom))
    for part in (frames[:, :top], frames[:, bottom:], frames[:, :, :left], frames[:, :, right:]):
        part[:] = 0


def crop_and_resize(frames: np.ndarray, box: CropBox, size: int) -> np.ndarray:
    """Cut `box` out of `frames` `[f, h, w, 3]` uint8 and resize: `[f, size, size, 3]` uint8.

    What of the box lies outside the frame is black. Antialiased, by a triangle filter: it cannot
    ring, so black stays black. A box of four times `size` or more is averaged by a whole factor, to
    at least twice `size`, first: several times as fast, and lines change by about 1 of 255.
    """
    check_frames(frames)
    return np.stack([cut_out(frame, box, size) for frame in frames])


def cut_out(frame: np.ndarray, box: CropBox, size: int) -> np.ndarray:
    """`crop_and_resize` of one frame `[h, w, 3]`: `[size, size, 3]`."""
    from PIL import Image

    whole, inside = add_black(frame, box)
    picture = Image.fromarray(whole)
    return np.asarray(
        picture.resize((size, size), Image.Resampling.BILINEAR, inside, reducing_gap=2.0)
    )
