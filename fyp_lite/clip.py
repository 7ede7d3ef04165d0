"""Clips: read frames of a video by number, choose them, crop and resize them.

`open_video` gives a `Clip`, which caches the frames that a decoder hands out; `Clip.prepare` takes
its settings to the frames that a model reads. `opening` opens whatever else can be a clip.
"""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fyp_lite.files.decoding import Decoder, check_frames, open_decoder
from fyp_lite.files.writing import ClipError, file_path
from fyp_lite.settings import REFERENCE_SIZE, ClipSettings

MAX_PIXELS = 8192 * 8192
MAX_FRAMES = 100_000
MIN_KEPT = 16  # reference pixels that a crop must leave on either axis
CACHE_BYTES = 512 * 2**20
FRAMES_AT_ONCE = 16  # of the source at most, in memory while they are resized
# A gap up to this many frames is decoded anyway: kept as well, it makes the next slider move free.
_GAP = 4


class Clip:
    """An open video whose frames are read by number; made by `open_clip`, closed by `close` or
    `with`.

    path, num_frames (exact), fps (average, of the source), height and width (upright, pixels).
    detector: what found the people of the raw video at `path`, whose skeletons these frames are;
    None where the frames are those of the file.
    keypoints: what the frames are drawn from, `[f, people, 17, 3]`; None where they are decoded.
    """

    detector: str | None = None
    keypoints: np.ndarray | None = None

    def __init__(self, path: Path, decoder: Decoder, num_frames: int, fps: float) -> None:
        self.path, self.num_frames, self.fps = path, num_frames, fps
        self._decoder = decoder
        self._cache: OrderedDict[int, np.ndarray] = OrderedDict()
        first = next(iter(decoder.decode(0, 0)))
        self.height, self.width = first.shape[:2]
        self._keep(0, first)

    def read(self, indices: Iterable[int]) -> np.ndarray:
        """Frames by number, in the order asked for: `[f, h, w, 3]` uint8 RGB.

        Recently read frames and those between them are kept, up to CACHE_BYTES. Raises ClipError
        for a number outside 0 to num_frames - 1 and for a frame that cannot be decoded.
        """
        frames = self._fetch([int(index) for index in indices])
        out = np.empty((len(frames), self.height, self.width, 3), np.uint8)
        for row, frame in zip(out, frames, strict=True):
            row[:] = frame
        return out

    def stream(self) -> Iterator[np.ndarray]:
        """All frames in order, each `[h, w, 3]` uint8 RGB; none is kept, so memory stays flat.

        Raises ClipError for a frame that cannot be decoded.
        """
        for number, frame in enumerate(self._decoder.decode(0, self.num_frames - 1)):
            self._check_size(number, frame)
            yield frame

    def prepare(self, settings: ClipSettings, size: int) -> PreparedClip:
        """The frames that `settings` choose, cropped and resized to `size` x `size` pixels.

        Keypoints are drawn after they are cropped, so their lines are as wide in every crop.

        Raises ClipError as `choose_frames` and `crop_box` do.
        """
        indices = choose_frames(self, settings)
        box = crop_box(self.height, self.width, settings)
        frames = self.crop(indices, box, size)
        return PreparedClip(
            frames, self.fps / settings.frame_stride, indices, box, (self.height, self.width)
        )

    def crop(self, indices: list[int], box: CropBox, size: int) -> np.ndarray:
        """Frames by number, `box` cut out of each and resized: `[f, size, size, 3]` uint8."""
        fit = max(1, min(FRAMES_AT_ONCE, CACHE_BYTES // (3 * self.height * self.width)))
        parts = [indices[i : i + fit] for i in range(0, len(indices), fit)]
        return np.concatenate([_resized(self._fetch(part), box, size) for part in parts])

    def _fetch(self, numbers: list[int]) -> list[np.ndarray]:
        """The kept frames themselves, without the copy that `read` makes."""
        self._check(numbers)
        found = {number: self._cache[number] for number in numbers if number in self._cache}
        missing = sorted(set(numbers) - set(found))
        for first, last in _runs(missing):
            for number, frame in enumerate(self._decoder.decode(first, last), first):
                self._check_size(number, frame)
                self._keep(number, frame)
                found[number] = frame
        for number in set(numbers) & set(self._cache):
            self._cache.move_to_end(number)
        return [found[number] for number in numbers]

    def _check(self, numbers: list[int]) -> None:
        for number in numbers:
            if not 0 <= number < self.num_frames:
                raise ClipError(
                    f"{self.path.name} has no frame {number}: its {self.num_frames} frames are "
                    f"numbered 0 to {self.num_frames - 1}."
                )

    def _check_size(self, number: int, frame: np.ndarray) -> None:
        if frame.shape != (self.height, self.width, 3):
            raise ClipError(
                f"{self.path.name} changes its size at frame {number}, from {self.width} x "
                f"{self.height} to {frame.shape[1]} x {frame.shape[0]}: convert it first."
            )

    def _keep(self, number: int, frame: np.ndarray) -> None:
        self._cache[number] = frame
        if len(self._cache) * frame.nbytes > CACHE_BYTES:
            self._cache.popitem(last=False)

    def close(self) -> None:
        """Let go of the file and of the kept frames."""
        self._decoder.close()
        self._cache.clear()

    def __enter__(self) -> Clip:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Rising numbers as (first, last) stretches, small gaps closed."""
    start = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] - numbers[i - 1] > _GAP:
            yield numbers[start], numbers[i - 1]
            start = i


def open_video(
    path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS, max_frames: int = MAX_FRAMES
) -> Clip:
    """Open a video file; its frame count is exact and its frames come upright.

    Raises ClipError, one sentence, for a file that is missing, empty, no video, cut off, damaged,
    or larger than `max_pixels` per frame or `max_frames`.
    """
    path = file_path(path)
    decoder = open_decoder(path, (max_pixels, max_frames))
    return Clip(path, decoder, decoder.num_frames, decoder.fps)


# ---------------------------------------------------------------------------- choose and crop


class CropBox(NamedTuple):
    """A square in source pixels, as floats: edges count from the frame's top left corner."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class PreparedClip:
    """The frames that a clip's settings choose, cropped and resized.

    frames: `[f, size, size, 3]` uint8 RGB. fps: of these frames, source fps / stride, so that
    they play in real time. indices: their source frame numbers. box: the crop in source pixels.
    source_size: (height, width) of the source.
    """

    frames: np.ndarray
    fps: float
    indices: list[int]
    box: CropBox
    source_size: tuple[int, int]


def choose_frames(clip: Clip | int, settings: ClipSettings) -> list[int]:
    """Source frame numbers that `settings` choose from a clip, or from a clip of so many frames.

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


def crop_and_resize(frames: np.ndarray, box: CropBox, size: int) -> np.ndarray:
    """Cut `box` out of `frames` `[f, h, w, 3]` uint8 and resize: `[f, size, size, 3]` uint8.

    Antialiased, by a triangle filter: it cannot ring, so black stays black. A box of four
    times `size` or more is averaged by a whole factor, to at least twice `size`, first: several
    times as fast, and lines change by about 1 of 255.
    """
    check_frames(frames)
    return _resized(list(frames), box, size)


def _resized(frames: list[np.ndarray], box: CropBox, size: int) -> np.ndarray:
    from PIL import Image

    out = np.empty((len(frames), size, size, 3), np.uint8)
    for row, frame in zip(out, frames, strict=True):
        picture = Image.fromarray(frame)
        row[:] = np.asarray(
            picture.resize((size, size), Image.Resampling.BILINEAR, box, reducing_gap=2.0)
        )
    return out
