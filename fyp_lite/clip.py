"""Clips: frames of a video by number.

`open_video` gives a `Clip`, which reads frames from a decoder; `Clip.prepare` takes its settings to
the frames that a model reads, `Clip.preview` to what a panel shows. `opening` opens whatever else
can be a clip.

Only small frames are kept: those of a large video as reduced copies, and they are read again where
all their pixels are needed. So memory grows neither with a clip's size and length nor with the
number of clips.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from fyp_lite.cropping import (
    CropBox,
    PreparedClip,
    black_outside,
    choose_box,
    choose_frames,
    cut_out,
    kept_area,
)
from fyp_lite.files.decoding import Decoder, open_decoder
from fyp_lite.files.writing import ClipError, file_path
from fyp_lite.frame_cache import give_back, keep, kept, take_turn
from fyp_lite.lazy_frames import LazyFrames
from fyp_lite.settings import REFERENCE_SIZE, ClipSettings

MAX_PIXELS = 8192 * 8192
MAX_FRAMES = 100_000
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
    notes: what another program's keypoints did not hold or what is left out of them, in sentences.
    """

    detector: str | None = None
    keypoints: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, decoder: Decoder, num_frames: int, fps: float) -> None:
        self.path, self.num_frames, self.fps = path, num_frames, fps
        self._decoder, self._decoding = decoder, 0
        self._decoded = 0  # bytes since memory was given back
        self.kept: OrderedDict[int, np.ndarray] = OrderedDict()  # see `fyp_lite.frame_cache`
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
            out[rows] = cut_out(frame, box, size)
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


def find_box(clip: Clip, settings: ClipSettings) -> CropBox:
    """The square that `settings` take from the frames that they choose of a clip.

    Raises ClipError as `choose_frames` and `crop_box` do.
    """
    numbers = choose_frames(clip, settings)
    return choose_box(clip.height, clip.width, settings, lambda *boxes: clip.cuts(numbers, *boxes))
