"""Clips: read frames of a video by number, choose them, crop and resize them.

`open_clip` gives a `Clip`, which reads frames from a decoder; `prepare_clip` takes a clip and its
settings to the frames that a model reads, `preview_clip` to what a panel shows.

Only small frames are kept: those of a large video are kept as reduced copies, and read again where
all their pixels are needed. So memory does not grow with the size of a clip, with its length or
with the number of clips that were opened.
"""

from __future__ import annotations

import ctypes
import math
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fyp_lite.decoding import (
    AvDecoder,
    ClipError,
    Decoder,
    DecordDecoder,
    PillowDecoder,
    check_file,
    check_frames,
    file_path,
    scan,
)
from fyp_lite.lazy import LazyFrames
from fyp_lite.settings import REFERENCE_SIZE, ClipSettings

if TYPE_CHECKING:
    from fyp_lite.keypoints.file import KeypointClip

MAX_PIXELS = 8192 * 8192
MAX_FRAMES = 100_000
MIN_KEPT = 16  # reference pixels that a crop must leave on either axis
CACHE_BYTES = 64 * 2**20  # of frames that all open clips together keep
TRIM_BYTES = 128 * 2**20  # of large frames that are decoded until freed memory is given back
MOST_DECODERS = 2  # open at a time; a clip that was used before those opens its file again
DECORD_PIXELS = 1920 * 1088  # of 4K frames decord holds 330 MB, PyAV 70
# A gap up to this many frames is decoded anyway: kept as well, it makes the next slider move free.
_GAP = 4
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*")  # JPEG, PNG, BMP, TIFF


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
        self._cache: OrderedDict[int, np.ndarray] = OrderedDict()
        first = next(iter(decoder.decode(0, 0)))
        self.height, self.width = first.shape[:2]
        # Source pixels per pixel of a reduced frame, whose short side is at least the reference's.
        self._factor = max(1, min(self.height, self.width) // REFERENCE_SIZE)
        self._keep(0, self._reduced(first))

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
        kept = self._kept(places) if small or self._factor == 1 else {}
        for number, frame in kept.items():
            yield places[number], frame
        for first, last in _runs(sorted(places.keys() - kept.keys())):
            for number, frame in enumerate(self._decode(first, last), first):
                self._check_size(number, frame)
                if small or self._factor == 1:
                    frame = self._reduced(frame)
                    self._keep(number, frame)
                if number in places:
                    yield places[number], frame

    def _decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        with _turn:
            _take_turn(self)
            self._decoding += 1
        try:
            for frame in self._decoder.decode(first, last):
                yield frame
                if self._factor > 1:
                    self._decoded += frame.nbytes
                    if self._decoded > TRIM_BYTES:
                        self._decoded = 0
                        _give_back()
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

    def _keep(self, number: int, frame: np.ndarray) -> None:
        with _turn:
            self._cache[number] = frame
            _make_room(self)

    def _kept(self, numbers: Iterable[int]) -> dict[int, np.ndarray]:
        with _turn:
            found = {number: self._cache[number] for number in numbers if number in self._cache}
            for number in found:
                self._cache.move_to_end(number)
        return found

    def rest(self) -> None:
        """Close the file until the next read, unless it is being read now."""
        if not self._decoding:
            self._decoder.close()

    def close(self) -> None:
        """Let go of the file and of the kept frames. A later read opens the file again."""
        self.rest()
        self._cache.clear()
        _give_back()

    def __enter__(self) -> Clip:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


# Open clips, the last used one last. Panels, which live as long as their kernel, hold theirs.
_used: list[weakref.ref[Clip]] = []
_turn = threading.RLock()  # JupyterLab's first clicks may be handled in two threads


def _take_turn(clip: Clip) -> None:
    """`clip` is going to be decoded: those that were used long before close their files."""
    others = [other for ref in _used if (other := ref()) is not None and other is not clip]
    _used[:] = [weakref.ref(each) for each in (*others, clip)]
    for other in others[: 1 - MOST_DECODERS]:
        other.rest()


def _make_room(user: Clip) -> None:
    """Forget frames, first of the clips that were used before `user`, until few enough are left."""
    others = [clip for ref in _used if (clip := ref()) is not None and clip is not user]
    excess = -CACHE_BYTES
    for clip in (*others, user):
        frame = next(iter(clip._cache.values()), None)
        excess += 0 if frame is None else frame.nbytes * len(clip._cache)
    for clip in (*others, user):
        while excess > 0 and clip._cache:
            excess -= clip._cache.popitem(last=False)[1].nbytes


def _give_back() -> None:
    """Return freed memory to the system: glibc keeps what frames of some megabytes leave behind."""
    with suppress(OSError, AttributeError):  # another system's C library needs no asking
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Rising numbers as (first, last) stretches, small gaps closed."""
    start = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] - numbers[i - 1] > _GAP:
            yield numbers[start], numbers[i - 1]
            start = i


def open_clip(
    source: str | os.PathLike[str] | KeypointClip,
    *,
    max_pixels: int = MAX_PIXELS,
    max_frames: int = MAX_FRAMES,
) -> Clip:
    """Open a video file; its frame count is exact and its frames come upright.

    Keypoints, or a keypoint file (.json), are opened as the skeleton video that they draw.

    Raises ClipError, one sentence, for a file that is missing, empty, no video, cut off, damaged,
    or larger than `max_pixels` per frame or `max_frames`.
    """
    if not isinstance(source, str | os.PathLike):
        return source.open()
    path = file_path(source)
    if path.suffix.lower() == ".json":
        from fyp_lite.keypoints.file import KeypointClip

        return KeypointClip.load(path).open(path)
    head = check_file(path)
    if head.startswith(_PICTURES):
        raise ClipError(f"{path.name} is a still picture, and a motion needs a video: name one.")
    limits = (max_pixels, max_frames)
    if head.startswith(b"GIF8") or head[8:12] == b"WEBP":
        pictures = PillowDecoder(path, head, limits)
        return Clip(path, pictures, len(pictures.stored), pictures.fps)
    index = scan(path, head, limits)
    clip = Clip(path, AvDecoder(path, index), index.count, index.fps)
    if index.simple and clip.height * clip.width <= DECORD_PIXELS:
        with suppress(Exception):  # no wheel for this system, or a codec that it does not know
            faster = DecordDecoder(path)
            shape = next(faster.decode(0, 0)).shape  # wrong for frames of a few pixels
            if len(faster) == index.count and shape == (clip.height, clip.width, 3):
                clip._decoder.close()
                clip._decoder = faster
    return clip


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
    return np.stack([_resized(frame, box, size) for frame in frames])


def _resized(frame: np.ndarray, box: CropBox, size: int) -> np.ndarray:
    from PIL import Image

    picture = Image.fromarray(frame)
    return np.asarray(
        picture.resize((size, size), Image.Resampling.BILINEAR, box, reducing_gap=2.0)
    )


def prepare_clip(
    source: Clip | str | os.PathLike[str] | KeypointClip, settings: ClipSettings, size: int
) -> PreparedClip:
    """Choose, crop and resize: from a file, an open clip or keypoints to a model's input size.

    Keypoints are drawn after they are cropped, so their lines are as wide in every crop.

    Raises ClipError as `open_clip`, `choose_frames` and `crop_box` do.
    """
    if not isinstance(source, Clip):
        with open_clip(source) as opened:
            return prepare_clip(opened, settings, size)
    return _prepare(source, settings, size, small=False)


def preview_clip(clip: Clip, settings: ClipSettings, size: int) -> PreparedClip:
    """As `prepare_clip`, for looking: of a large video it reads reduced frames where those do."""
    return _prepare(clip, settings, size, small=True)


def _prepare(clip: Clip, settings: ClipSettings, size: int, small: bool) -> PreparedClip:
    indices = choose_frames(clip, settings)
    box = crop_box(clip.height, clip.width, settings)
    frames = clip.crop(indices, box, size, small=small)
    return PreparedClip(
        frames, clip.fps / settings.frame_stride, indices, box, (clip.height, clip.width)
    )
