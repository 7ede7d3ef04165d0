"""Clips: read frames of a video by number, choose them, crop and resize them.

`open_video` gives a `Clip`, which reads frames from a decoder; `Clip.prepare` takes its settings to
the frames that a model reads, `Clip.preview` to what a panel shows. `opening` opens whatever else
can be a clip.

Only small frames are kept: those of a large video as reduced copies, and they are read again where
all their pixels are needed. So memory grows neither with a clip's size and length nor with the
number of clips.
"""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fyp_lite.files.decoding import Decoder, check_frames, open_decoder
from fyp_lite.files.writing import ClipError, file_path
from fyp_lite.kept import give_back, keep, kept, take_turn
from fyp_lite.lazy import LazyFrames
from fyp_lite.settings import REFERENCE_SIZE, ClipSettings

MAX_PIXELS = 8192 * 8192
MAX_FRAMES = 100_000
MIN_KEPT = 16  # reference pixels that a crop must leave on either axis
TRIM_BYTES = 128 * 2**20  # of large frames that are decoded until freed memory is given back
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
        self._decoder, self._decoding = decoder, 0
        self._decoded = 0  # bytes since memory was given back
        self.kept: OrderedDict[int, np.ndarray] = OrderedDict()  # see `fyp_lite.kept`
        first = next(iter(decoder.decode(0, 0)))
        self.height, self.width = first.shape[:2]
        # Source pixels per pixel of a reduced frame, whose short side is at least the reference's.
        self._factor = max(1, min(self.height, self.width) // REFERENCE_SIZE)
        keep(self, 0, self._reduced(first))

    def read(self, indices: Iterable[int]) -> np.ndarray:
        """Frames by number, in the order asked for: `[f, h, w, 3]` uint8 RGB.

        Raises ClipError for a number outside 0 to num_frames - 1 and for a frame that cannot be
        decoded.
        """
        return self._collect([int(index) for index in indices], small=False)

    def read_small(self, indices: Iterable[int]) -> np.ndarray:
        """As `read`, for looking: of a short side of 1024 or more, reduced by a whole factor.

        The short side stays at least 512. Recently read frames and those between them are kept.
        """
        return self._collect([int(index) for index in indices], small=True)

    @property
    def frames(self) -> LazyFrames:
        """All frames, `[f, h, w, 3]` uint8 RGB, each read when it is asked for."""
        return LazyFrames(self.num_frames, lambda number: self.read([number])[0])

    def stream(self) -> Iterator[np.ndarray]:
        """All frames in order, each `[h, w, 3]` uint8 RGB; none is kept, so memory stays flat.

        Raises ClipError for a frame that cannot be decoded.
        """
        for number, frame in enumerate(self._decode(0, self.num_frames - 1)):
            self._check_size(number, frame)
            yield frame

    def prepare(self, settings: ClipSettings, size: int) -> PreparedClip:
        """The frames that `settings` choose, cropped and resized to `size` x `size` pixels.

        Keypoints are drawn after they are cropped, so their lines are as wide in every crop.
        Skeletons that the square would cut off are padded with black (`ClipSettings.pad`).

        Raises ClipError as `choose_frames` and `crop_box` do.
        """
        return self._prepare(settings, size, small=False)

    def preview(self, settings: ClipSettings, size: int) -> PreparedClip:
        """As `prepare`, for looking: of a large video, reduced frames where those are enough."""
        return self._prepare(settings, size, small=True)

    def _prepare(self, settings: ClipSettings, size: int, small: bool) -> PreparedClip:
        indices = choose_frames(self, settings)
        box = find_box(self, settings)
        frames = self.crop(indices, box, size, small=small)
        black_outside(frames, box, kept_area(self.height, self.width, settings))
        return PreparedClip(
            frames, self.fps / settings.frame_stride, indices, box, (self.height, self.width)
        )

    def crop(
        self, indices: list[int], box: CropBox, size: int, *, small: bool = False
    ) -> np.ndarray:
        """Frames by number, `box` cut out of each and resized: `[f, size, size, 3]` uint8.

        `small` takes reduced frames (see `read_small`) where they have pixels enough.
        """
        small = small and box.right - box.left >= size * self._factor
        if small:
            height, width = (side // self._factor for side in (self.height, self.width))
            across, down = width / self.width, height / self.height
            box = CropBox(box.left * across, box.top * down, box.right * across, box.bottom * down)
        out = np.empty((len(indices), size, size, 3), np.uint8)
        for rows, frame in self._frames(indices, small):
            out[rows] = _resized(frame, box, size)
        return out

    def cuts(self, numbers: list[int], kept: CropBox, square: CropBox) -> bool:
        """Whether these frames show skeletons on black that are inside `kept`, but reach out of
        `square` by more than the width of a line."""
        from fyp_lite.skeleton import BLACK_LEVEL, DRAWN_LEVEL, LINE_WIDTH, MIN_BLACK

        short = min(self.height, self.width)
        step = max(1, short // REFERENCE_SIZE)
        y, x = np.mgrid[0 : self.height : step, 0 : self.width : step] + 0.5
        beyond = (kept.left <= x) & (x < kept.right) & (kept.top <= y) & (y < kept.bottom)
        line = short * LINE_WIDTH
        beyond &= (
            (x < square.left - line)
            | (x >= square.right + line)
            | (y < square.top - line)
            | (y >= square.bottom + line)
        )
        if not beyond.any():
            return False
        black, drawn = [], False
        for number in numbers:
            brightest = self.read([number])[0, ::step, ::step].max(axis=-1)
            black.append((brightest < BLACK_LEVEL).mean())
            drawn |= bool((brightest[beyond] > DRAWN_LEVEL).any())
        return drawn and float(np.mean(black)) >= MIN_BLACK  # raw frames show people everywhere

    def _collect(self, numbers: list[int], small: bool) -> np.ndarray:
        factor = self._factor if small else 1
        out = np.empty((len(numbers), self.height // factor, self.width // factor, 3), np.uint8)
        for rows, frame in self._frames(numbers, small):
            out[rows] = frame
        return out

    def _frames(self, numbers: list[int], small: bool) -> Iterator[tuple[list[int], np.ndarray]]:
        """Each of these frames once, as (its places in `numbers`, frame), in any order."""
        self._check(numbers)
        places: dict[int, list[int]] = {}
        for place, number in enumerate(numbers):
            places.setdefault(number, []).append(place)
        found = kept(self, places) if small or self._factor == 1 else {}
        for number, frame in found.items():
            yield places[number], frame
        for first, last in _runs(sorted(places.keys() - found.keys())):
            for number, frame in enumerate(self._decode(first, last), first):
                self._check_size(number, frame)
                if small or self._factor == 1:
                    frame = self._reduced(frame)
                    keep(self, number, frame)
                if number in places:
                    yield places[number], frame

    def _decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        take_turn(self)
        self._decoding += 1
        try:
            for frame in self._decoder.decode(first, last):
                yield frame
                if self._factor > 1:
                    self._decoded += frame.nbytes
                    if self._decoded > TRIM_BYTES:
                        self._decoded = 0
                        give_back()
        finally:
            self._decoding -= 1

    def _reduced(self, frame: np.ndarray) -> np.ndarray:
        if self._factor == 1:
            return frame
        import cv2

        size = frame.shape[1] // self._factor, frame.shape[0] // self._factor
        return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)

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

    def rest(self) -> None:
        """Close the file until the next read, unless it is being read now."""
        if not self._decoding:
            self._decoder.close()

    def close(self) -> None:
        """Let go of the file and of the kept frames. A later read opens the file again."""
        self.rest()
        self.kept.clear()
        give_back()

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


def find_box(clip: Clip, settings: ClipSettings) -> CropBox:
    """The square that `settings` take from the frames that they choose of a clip.

    Raises ClipError as `choose_frames` and `crop_box` do.
    """
    numbers = choose_frames(clip, settings)
    return choose_box(clip.height, clip.width, settings, lambda *boxes: clip.cuts(numbers, *boxes))


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
    return np.stack([_resized(frame, box, size) for frame in frames])


def _resized(frame: np.ndarray, box: CropBox, size: int) -> np.ndarray:
    from PIL import Image

    whole, inside = add_black(frame, box)
    picture = Image.fromarray(whole)
    return np.asarray(
        picture.resize((size, size), Image.Resampling.BILINEAR, inside, reducing_gap=2.0)
    )
