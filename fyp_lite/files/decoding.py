"""Decoders: frames of a video file by number.

`open_decoder` takes the one that fits: decord, PyAV or Pillow. All of them number frames as they
are shown, and give frame i alone as they give it in sequence.

A clip of variable frame rate is taken as it is stored, with its average rate; animated pictures
(GIF, WebP, PNG), which store a still moment as one long frame, get that frame repeated.
"""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, dropwhile
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np

from fyp_lite.files.containers import check_file, is_animation, missing_bytes
from fyp_lite.files.index import (
    Index,
    Key,
    check_limits,
    decoded,
    name_of,
    open_av,
    scan,
    video_stream,
)
from fyp_lite.files.writing import ClipError
from fyp_lite.lazy_frames import Frames


def check_frames(frames: Frames) -> None:
    shape, kind = np.shape(frames), getattr(frames, "dtype", type(frames).__name__)
    if kind != np.uint8 or len(shape) != 4 or shape[3] != 3 or 0 in shape:
        raise ClipError(
            f"frames are {kind} {list(shape)}, but must be a uint8 array [f, h, w, 3] of at "
            "least one frame: convert them first."
        )


DECORD_PIXELS = 1280 * 720  # of 1080p frames decord has been seen to hold 640 MB, PyAV 30
_WHOLE = (0, 1, 5, 7)  # FFmpeg's kinds of pictures that need no other: unknown, I, SI, BI


class Decoder(Protocol):
    """num_frames: exact. fps: average. Frames are `[h, w, 3]` uint8 RGB, upright, with square
    pixels."""

    num_frames: int
    fps: float

    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        """Frames `first` to `last`. Raises ClipError for one that cannot be decoded."""

    def close(self) -> None:
        """Let go of the file and of all memory, until the next `decode`."""


def open_decoder(path: Path, limits: tuple[int, int]) -> Decoder:
    """The decoder for a file, of at most (pixels per frame, frames).

    Raises ClipError for a file that is missing, no video, cut off or beyond the limits.
    """
    head = check_file(path)
    if is_animation(head):
        return PillowDecoder(path, head, limits)
    index = scan(path, head, limits)
    exact = AvDecoder(path, index)
    pixels = index.shape[0] * index.shape[1]
    if index.simple and pixels <= DECORD_PIXELS and exact.enters_cleanly():
        with suppress(Exception):  # no wheel for this system, or a codec that it does not know
            return DecordDecoder(path, index)
    return exact


class DecordDecoder:
    """decord, only for files with a `simple` index: with open GOPs, edit lists, variable rates,
    pixels that are not square, MPEG-TS and AVI its frames by number are not those that are shown.

    Raises ValueError where it reads the file in another way.
    """

    def __init__(self, path: Path, index: Index) -> None:
        self._path, self.num_frames, self.fps = path, index.num_frames, index.fps
        self._reader = self._open()
        self._first: np.ndarray | None = self._reader[0].asnumpy()  # given once: going back is slow
        shape = self._first.shape  # wrong for frames of a few pixels
        if len(self._reader) != index.num_frames or shape != (*index.shape, 3):
            raise ValueError(f"decord reads {path.name} in another way")

    def _open(self) -> Any:
        import decord

        decord.logging.set_level(decord.logging.QUIET)  # what matters is raised
        return decord.VideoReader(str(self._path))

    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        for number in range(first, last + 1):
            frame, self._first = self._first, None
            if number == 0 and frame is not None:
                yield frame
                continue
            try:
                if self._reader is None:
                    self._reader = self._open()
                frame = self._reader[number].asnumpy()
            except Exception as error:  # decord has errors of its own and takes any of Python's
                raise ClipError(
                    f"{self._path.name} is damaged: frame {number} cannot be decoded; use a whole "
                    "copy of the file."
                ) from error
            yield frame

    def close(self) -> None:
        self._reader = self._first = None


class AvDecoder:
    """PyAV: decodes from the key frame before, and knows each frame by the packet it comes from."""

    def __init__(self, path: Path, index: Index) -> None:
        self._path, self._index = path, index
        self.num_frames, self.fps = index.num_frames, index.fps
        self._entered = {key.name: key.number for key in index.keys}
        self._container: Any = None
        self._flow: Iterator[tuple[int, Any]] = iter(())
        self._next = math.inf  # the number that the flow gives next

    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        import av

        wanted = first
        for flow, entered in self._entries(first):
            self._flow = flow
            with suppress(av.FFmpegError):
                for number, frame in flow:
                    self._next = number + 1
                    if number > wanted or (frame.is_corrupt and entered):
                        break  # entered too late: try an earlier entry
                    if number == wanted:
                        wanted += 1
                        yield self._picture(frame)
                    if wanted > last:
                        return
        self._next = math.inf
        raise ClipError(
            f"{self._path.name} is damaged: frame {wanted} of {self.num_frames} cannot be "
            "decoded; copy or download it again, or use frames before it."
        )

    def _entries(self, number: int) -> Iterator[tuple[Iterator[tuple[int, Any]], bool]]:
        """Ways to reach a frame, cheapest first: go on, its key frame, the one before, start; and
        whether it is one in the middle of the file."""
        keys = self._index.keys
        at = bisect_right(keys, number, key=lambda key: key.number)
        if self._next <= number and (at == 0 or keys[at - 1].number <= self._next):
            yield self._flow, True
        for key in reversed(keys[max(0, at - 2) : at]):
            yield self._decode_from(key), True
        yield self._decode_from(None), False

    def _decode_from(self, key: Key | None) -> Iterator[tuple[int, Any]]:
        """Frames with their numbers, from a key frame or from the start of the file."""
        if key is None or self._container is None:
            self._close_file()
            self._container = open_av(self._path)
            video_stream(self._container, self._path).thread_type = "AUTO"
        stream = video_stream(self._container, self._path)
        numbers, first, shown = self._index.numbers, 0, False
        if key is not None:
            self._container.seek(key.stamp, stream=stream)
        packets = self._container.demux(stream)
        if key is not None:  # seeking by stamps that are not those of showing may lead elsewhere
            packets = dropwhile(lambda packet: name_of(packet) not in self._entered, packets)
            entry = next(packets, None)
            if entry is None:
                return
            first, shown = self._entered[name_of(entry)], name_of(entry) in numbers
            packets = chain([entry], packets)
        for count, frame in enumerate(decoded(packets, numbers or None)):
            number = frame.pts if numbers else count
            if number is None or number < first:  # one before its entry lacks references
                continue
            if shown and number == first and int(frame.pict_type) not in _WHOLE:
                return  # a picture that is refreshed bit by bit from here on
            yield number, frame

    def enters_cleanly(self) -> bool:
        """Whether the second key frame gives its picture at once."""
        keys = self._index.keys[1:2]
        clean = all(next(self._decode_from(key), (None,))[0] == key.number for key in keys)
        self.close()
        return clean

    def _picture(self, frame: Any) -> np.ndarray:
        """Upright, with square pixels."""
        aspect = self._index.aspect
        size = {} if aspect == 1 else {"width": max(1, round(frame.width * aspect))}
        picture = frame.to_ndarray(format="rgb24", **size)
        return np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))

    def close(self) -> None:
        self._close_file()
        self._flow = iter(())  # which holds the codec, and with it all pictures that it keeps

    def _close_file(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container, self._next = None, math.inf


class PillowDecoder:
    """Pillow, for GIF, animated WebP and PNG, with transparent parts on black."""

    _image: Any = None

    def __init__(self, path: Path, head: bytes, limits: tuple[int, int]) -> None:
        if missing := missing_bytes(path, head):
            raise ClipError(
                f"{path.name} is cut off: {missing} bytes or more are missing at its end; copy it "
                "again."
            )
        self._path = path
        try:
            image = self._open()
            check_limits(path, image.size[::-1], 0, limits)
            count = getattr(image, "n_frames", 1)
            check_limits(path, (0, 0), count, limits)
            # A PNG may begin with a picture for programs that cannot show the animation.
            start = int(getattr(image, "default_image", False))
            times = [self._time(image, number) for number in range(start, count)]
        except ClipError:
            raise
        except Exception as error:  # Pillow has a dozen kinds of them for damaged files
            reason = str(error).split("\n")[0][:80] or type(error).__name__
            raise ClipError(f"{path.name} is damaged ({reason}): copy it again.") from error
        tick = median(times)
        repeats = [max(1, round(time / tick)) for time in times]
        self._stored = np.repeat(np.arange(start, count), repeats)  # frame number -> stored frame
        self.num_frames = len(self._stored)
        check_limits(path, (0, 0), self.num_frames, limits)
        self.fps = 1000 * self.num_frames / sum(times)

    def _open(self, stored: int = 0) -> Any:
        """The picture, which can go on to a stored frame: Pillow goes back in a PNG only once."""
        from PIL import Image

        if self._image is not None and stored < self._image.tell():
            self.close()
        if self._image is None:
            with warnings.catch_warnings():  # there are limits of our own
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                self._image = Image.open(self._path)
        return self._image

    def _time(self, image: Any, number: int) -> float:
        """Milliseconds for which a stored frame is shown, once it is seen that it can be."""
        image.seek(number)
        image.load()
        time = image.info.get("duration", 0)
        return time if time > 10 else 100  # as browsers show them

    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        from PIL import Image

        for stored in self._stored[first : last + 1]:
            image = self._open(int(stored))
            image.seek(int(stored))
            picture = image.convert("RGBA")
            black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
            yield np.asarray(Image.alpha_composite(black, picture).convert("RGB"))

    def close(self) -> None:
        if self._image is not None:
            self._image.close()
        self._image = None
