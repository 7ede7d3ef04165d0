"""Video files: what a file holds, and frames of it by number.

`scan` finds out what a file really holds by counting its packets, without decoding any. A decoder
(decord, PyAV or Pillow) then hands out frames by number.

Frames are the stored ones, numbered as they are shown. A clip of variable frame rate is taken as
it is stored, with its average rate; animated pictures (GIF, WebP), which store a still moment as
one long frame, get that frame repeated.
"""

from __future__ import annotations

import math
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np

# Playlists and the like, which make FFmpeg open other files, are not in this list.
_FORMATS = "mov,matroska,avi,mpegts,flv,asf,ogg,h264,hevc"


class ClipError(ValueError):
    """A clip that cannot be used as asked: one sentence with what it has and what would do."""


def check_frames(frames: np.ndarray) -> None:
    shape, kind = np.shape(frames), getattr(frames, "dtype", type(frames).__name__)
    if kind != np.uint8 or len(shape) != 4 or shape[3] != 3 or 0 in shape:
        raise ClipError(
            f"frames are {kind} {list(shape)}, but must be a uint8 array [f, h, w, 3] of at "
            "least one frame: convert them first."
        )


# ---------------------------------------------------------------------------- what a file holds


@dataclass(frozen=True)
class _Index:
    """What counting a file's packets tells, without decoding any."""

    count: int  # frames that are shown
    fps: float
    stamps: list[int]  # presentation time of each frame, rising; empty where there is none
    keys: list[tuple[int, int]]  # (frame number, decoding time) of the key frames, rising
    simple: bool  # constant rate, all frames shown, none needs what precedes its key frame


def check_file(path: Path) -> bytes:
    """The first bytes of a file that could be a video."""
    if path.is_dir():
        raise ClipError(f"{path} is a folder: name one video file in it.")
    if not path.is_file():
        raise ClipError(f"there is no file {path}: check the name, and the folder it is in.")
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise ClipError(
            f"{path.name} cannot be read ({error.strerror}): check who may read it."
        ) from None
    if not head:
        raise ClipError(f"{path.name} is empty (0 bytes): copy or download it again.")
    if b"\0" not in head:
        with suppress(UnicodeDecodeError):
            head[:-3].decode()  # the last letter may be cut
            raise ClipError(f"{path.name} is a text file, not a video: name a video file.")
    return head


def _open_av(path: Path, head: bytes = b"") -> Any:
    import av

    # Titles and the like may be in any encoding: PyAV 19 takes them as they are, older ones ask.
    needs_telling = int(av.__version__.split(".")[0]) < 19
    lenient: dict[str, Any] = {"metadata_errors": "replace"} if needs_telling else {}
    try:
        return av.open(str(path), options={"format_whitelist": _FORMATS}, **lenient)
    except av.FFmpegError as error:
        if head[4:8] == b"ftyp":
            raise ClipError(
                f"{path.name} is cut off: the index (moov) that an mp4 carries is missing; "
                "copy or download it again."
            ) from error
        raise ClipError(
            f"{path.name} is not a video that can be read ({error.strerror}): "
            "convert it to mp4, webm, gif or animated webp."
        ) from error


def _video_stream(container: Any, path: Path) -> Any:
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not streams:
        raise ClipError(f"{path.name} holds no video stream: it may be sound only; name a video.")
    if streams[0].codec_context is None:
        raise ClipError(
            f"{path.name} is in a format that is not known here, or damaged: convert it to H.264, "
            "or copy or download it again."
        )
    return streams[0]


def _check_limits(path: Path, size: tuple[int, int], count: int, limits: tuple[int, int]) -> None:
    (height, width), (max_pixels, max_frames) = size, limits
    if height * width > max_pixels:
        raise ClipError(
            f"{path.name} is {width} x {height} = {height * width} pixels, more than "
            f"max_pixels={max_pixels}: make it smaller, or pass a larger max_pixels."
        )
    if count > max_frames:
        raise ClipError(
            f"{path.name} holds more than max_frames={max_frames} frames: "
            "cut it shorter, or pass a larger max_frames."
        )


def scan(path: Path, head: bytes, limits: tuple[int, int]) -> _Index:
    """Count packets: containers' own frame counts are often absent, and wrong in cut files."""
    import av

    with _open_av(path, head) as container:
        stream = _video_stream(container, path)
        context = stream.codec_context
        _check_limits(path, (context.height, context.width), 0, limits)
        packets: list[Any] = []  # (pts, dts, key frame, shown), in decoding order
        end, damaged = 0.0, False
        try:
            for packet in container.demux():
                if packet.pts is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream.index != stream.index or not packet.size:
                    continue
                if context.name == "vp8" and not bytes(packet)[0] & 0x10:
                    continue  # VP8 sends reference pictures that are never shown
                shown = not packet.is_discard
                packets.append((packet.pts, packet.dts, packet.is_keyframe, shown))
                damaged |= packet.is_corrupt
                _check_limits(path, (0, 0), len(packets), limits)
        except av.FFmpegError:
            damaged = True
        _check_whole(path, container, stream, len(packets), end, damaged)
        return _index(packets, stream, container.format.name)


def _check_whole(
    path: Path, container: Any, stream: Any, count: int, end: float, damaged: bool
) -> None:
    """Refuse a file that ends early: decoders return what they find and say nothing."""
    kind = container.format.name
    has = f"only {count} frames can be read"
    if kind.startswith("matroska") and container.duration:
        length = container.duration / 1e6
        damaged |= end < length - 0.5
        has = f"it should last {length:.1f} s and ends after {end:.1f} s"
    elif kind.startswith(("mov", "avi")) and count < stream.frames:
        damaged = True
        has = f"{count} of its {stream.frames} frames are there"
    elif kind == "mpegts":  # whole packets only; cut between two it is a shorter, valid stream
        damaged |= all(path.stat().st_size % length for length in (188, 192, 204))
    if damaged:
        raise ClipError(f"{path.name} is cut off or damaged: {has}; copy or download it again.")
    if not count:
        raise ClipError(f"{path.name} holds a video stream of 0 frames: name another file.")


def _index(packets: list[Any], stream: Any, kind: str) -> _Index:
    stamps = sorted(pts for pts, _, _, shown in packets if shown and pts is not None)
    count = sum(shown for _, _, _, shown in packets)
    declared = stream.average_rate or stream.guessed_rate
    fps = float(declared or 25)
    if len(stamps) != count or len(set(stamps)) != count or any(p[0] is None for p in packets):
        return _Index(count, fps, [], [], simple=False)
    if count > 1:
        measured = float((count - 1) / ((stamps[-1] - stamps[0]) * stream.time_base))
        fps = fps if abs(fps / measured - 1) < 0.02 else measured
        gaps = np.diff(stamps)
    keys, entry = [], -math.inf
    simple = len(packets) == count > 1 and bool(gaps.max() <= 1.5 * gaps.min())
    for pts, dts, key, _ in packets:
        if key:
            entry = pts
            keys.append((bisect_left(stamps, pts), pts if dts is None else dts))
        simple &= pts >= entry
    simple &= kind.startswith(("mov", "matroska"))
    return _Index(count, fps, stamps, keys, simple)


# ---------------------------------------------------------------------------- decoders


class Decoder(Protocol):
    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        """Frames `first` to `last`, each `[h, w, 3]` uint8 RGB, upright."""

    def close(self) -> None: ...


class DecordDecoder:
    """decord, only for files with a `simple` index: with open GOPs, edit lists, variable rates,
    MPEG-TS and AVI its frames by number are not the ones that it gives in sequence."""

    def __init__(self, path: Path) -> None:
        import decord

        decord.logging.set_level(decord.logging.QUIET)  # what matters is raised
        self._path = path
        self._reader = decord.VideoReader(str(path))

    def __len__(self) -> int:
        return len(self._reader)

    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        for number in range(first, last + 1):
            try:
                frame = self._reader[number].asnumpy()
            except Exception as error:  # decord has errors of its own and takes any of Python's
                raise ClipError(
                    f"{self._path.name} is damaged: frame {number} cannot be decoded; use a whole "
                    "copy of the file."
                ) from error
            yield frame

    def close(self) -> None:
        self._reader = None


class AvDecoder:
    """PyAV: decodes from the key frame before, and knows each frame by its time stamp."""

    def __init__(self, path: Path, index: _Index) -> None:
        self._path, self._index = path, index
        self._numbers = {stamp: number for number, stamp in enumerate(index.stamps)}
        self._container: Any = None
        self._flow: Iterator[tuple[int, Any]] = iter(())
        self._next = math.inf  # the number that the flow gives next

    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        import av

        wanted = first
        for flow in self._entries(first):
            self._flow = flow
            with suppress(av.FFmpegError):
                for number, frame in flow:
                    self._next = number + 1
                    if number > wanted or (number == wanted and frame.is_corrupt):
                        break  # entered too late: try an earlier entry
                    if number == wanted:
                        wanted += 1
                        yield _upright(frame)
                    if wanted > last:
                        return
        self._next = math.inf
        raise ClipError(
            f"{self._path.name} is damaged: frame {wanted} of {self._index.count} cannot be "
            "decoded; copy or download it again, or use frames before it."
        )

    def _entries(self, number: int) -> Iterator[Iterator[tuple[int, Any]]]:
        """Ways to reach a frame, cheapest first: go on, its key frame, the one before, start."""
        at = bisect_right(self._index.keys, (number, math.inf))
        if self._next <= number and (at == 0 or self._index.keys[at - 1][0] <= self._next):
            yield self._flow
        for _, stamp in reversed(self._index.keys[max(0, at - 2) : at]):
            yield self._decode_from(stamp)
        yield self._decode_from(None)

    def _decode_from(self, stamp: int | None) -> Iterator[tuple[int, Any]]:
        if stamp is None or self._container is None:
            self.close()
            self._container = _open_av(self._path)
            _video_stream(self._container, self._path).thread_type = "AUTO"
        stream = _video_stream(self._container, self._path)
        if stamp is not None:
            self._container.seek(stamp, stream=stream)
        number, entry = -1, None if stamp is not None else -math.inf
        for packet in self._container.demux(stream):
            entry = packet.pts if entry is None else entry
            for frame in packet.decode():
                number = self._numbers.get(frame.pts, -1) if self._numbers else number + 1
                if not self._numbers or frame.pts >= entry:  # one before its entry lacks references
                    yield number, frame

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container, self._next = None, math.inf


def _upright(frame: Any) -> np.ndarray:
    picture = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))


class PillowDecoder:
    """Pillow, for GIF and animated WebP, with transparent parts on black."""

    def __init__(self, path: Path, head: bytes, limits: tuple[int, int]) -> None:
        from PIL import Image

        size = path.stat().st_size
        webp = head[8:12] == b"WEBP"
        if webp and int.from_bytes(head[4:8], "little") + 8 > size:
            raise ClipError(
                f"{path.name} is cut off: {size} of its "
                f"{int.from_bytes(head[4:8], 'little') + 8} bytes are there; copy it again."
            )
        if not webp and not path.read_bytes().rstrip(b"\0\r\n ").endswith(b";"):
            raise ClipError(f"{path.name} is cut off: a gif's end mark is missing; copy it again.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # limits are below
                self._image = Image.open(path)
            _check_limits(path, self._image.size[::-1], 0, limits)
            _check_limits(path, (0, 0), getattr(self._image, "n_frames", 1), limits)
            times = list(self._times())
        except ClipError:
            raise
        except Exception as error:  # Pillow has a dozen kinds of them for damaged files
            reason = str(error).split("\n")[0][:80] or type(error).__name__
            raise ClipError(f"{path.name} is damaged ({reason}): copy it again.") from error
        tick = median(times)
        repeats = [max(1, round(time / tick)) for time in times]
        self.stored = np.repeat(np.arange(len(times)), repeats)  # frame number -> stored frame
        _check_limits(path, (0, 0), len(self.stored), limits)
        self.fps = 1000 * len(self.stored) / sum(times)

    def _times(self) -> Iterator[float]:
        for number in range(getattr(self._image, "n_frames", 1)):
            self._image.seek(number)
            self._image.load()
            time = self._image.info.get("duration", 0)
            yield time if time > 10 else 100  # as browsers show them

    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        from PIL import Image

        for stored in self.stored[first : last + 1]:
            self._image.seek(int(stored))
            picture = self._image.convert("RGBA")
            black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
            yield np.asarray(Image.alpha_composite(black, picture).convert("RGB"))

    def close(self) -> None:
        self._image.close()
