"""Clips: read frames of a video by number, choose and crop them, write a video.

Reading, front to back: `_scan` finds out what a file really holds by counting its packets, a
decoder (decord, PyAV or Pillow) hands out frames by number, `Clip` caches them.

Frames are the stored ones, numbered as they are shown. A clip of variable frame rate is taken as
it is stored, with its average rate; animated pictures (GIF, WebP), which store a still moment as
one long frame, get that frame repeated.
"""

from __future__ import annotations

import io
import math
import os
import tempfile
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from fyp_lite.settings import REFERENCE_SIZE, ClipSettings

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 8192 * 8192
MAX_FRAMES = 100_000
MIN_KEPT = 16  # reference pixels that a crop must leave on either axis
CACHE_BYTES = 512 * 2**20

# Playlists and the like, which make FFmpeg open other files, are not in this list.
_FORMATS = "mov,matroska,avi,mpegts,flv,asf,ogg,h264,hevc"
_SUFFIXES = (".mp4", ".gif", ".webp")
# A gap up to this many frames is decoded anyway: kept as well, it makes the next slider move free.
_GAP = 4


class ClipError(ValueError):
    """A clip that cannot be used as asked: one sentence with what it has and what would do."""


# ---------------------------------------------------------------------------- what a file holds


@dataclass(frozen=True)
class _Index:
    """What counting a file's packets tells, without decoding any."""

    count: int  # frames that are shown
    fps: float
    stamps: list[int]  # presentation time of each frame, rising; empty where there is none
    keys: list[tuple[int, int]]  # (frame number, decoding time) of the key frames, rising
    simple: bool  # constant rate, all frames shown, none needs what precedes its key frame


def _check_file(path: Path) -> bytes:
    """The first bytes of a file that could be a video."""
    if path.is_dir():
        raise ClipError(f"{path} is a folder: name one video file in it.")
    if not path.is_file():
        raise ClipError(f"there is no file {path}: check the name, and the folder it is in.")
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise ClipError(f"{path.name} is empty (0 bytes): copy or download it again.")
    if b"\0" not in head:
        with suppress(UnicodeDecodeError):
            head[:-3].decode()  # the last letter may be cut
            raise ClipError(f"{path.name} is a text file, not a video: name a video file.")
    return head


def _open_av(path: Path, head: bytes = b"") -> Any:
    import av

    try:
        return av.open(str(path), options={"format_whitelist": _FORMATS})
    except av.FFmpegError as error:
        if head[4:8] == b"ftyp":
            raise ClipError(
                f"{path.name} is cut off: the index (moov) that an mp4 carries is missing; "
                "copy or download it again."
            ) from error
        raise ClipError(
            f"{path.name} is not a video that can be read ({error}): "
            "convert it to mp4, webm, gif or animated webp."
        ) from error


def _video_stream(container: Any, path: Path) -> Any:
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not streams:
        raise ClipError(f"{path.name} holds no video stream: it may be sound only; name a video.")
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


def _scan(path: Path, head: bytes, limits: tuple[int, int]) -> _Index:
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


class _Decoder(Protocol):
    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        """Frames `first` to `last`, each `[h, w, 3]` uint8 RGB, upright."""

    def close(self) -> None: ...


class _DecordDecoder:
    """decord, only for files with a `simple` index: with open GOPs, edit lists, variable rates,
    MPEG-TS and AVI its frames by number are not the ones that it gives in sequence."""

    def __init__(self, path: Path) -> None:
        import decord

        self._reader = decord.VideoReader(str(path))

    def __len__(self) -> int:
        return len(self._reader)

    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        for number in range(first, last + 1):
            yield self._reader[number].asnumpy()

    def close(self) -> None:
        self._reader = None


class _AvDecoder:
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


class _PillowDecoder:
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
            self._image = Image.open(path)
            _check_limits(path, self._image.size[::-1], 0, limits)
            _check_limits(path, (0, 0), getattr(self._image, "n_frames", 1), limits)
            times = list(self._times())
        except (OSError, EOFError, SyntaxError) as error:
            raise ClipError(f"{path.name} is damaged ({error}): copy it again.") from error
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


# ---------------------------------------------------------------------------- the clip


class Clip:
    """An open video whose frames are read by number; made by `open_clip`, closed by `close` or
    `with`.

    path, num_frames (exact), fps (average, of the source), height and width (upright, pixels).
    """

    def __init__(self, path: Path, decoder: _Decoder, num_frames: int, fps: float) -> None:
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

    def _fetch(self, numbers: list[int]) -> list[np.ndarray]:
        """The kept frames themselves, without the copy that `read` makes."""
        for number in numbers:
            if not 0 <= number < self.num_frames:
                raise ClipError(
                    f"{self.path.name} has no frame {number}: its {self.num_frames} frames are "
                    f"numbered 0 to {self.num_frames - 1}."
                )
        found = {number: self._cache[number] for number in numbers if number in self._cache}
        missing = sorted(set(numbers) - set(found))
        for first, last in _runs(missing):
            for number, frame in enumerate(self._decoder.decode(first, last), first):
                if frame.shape != (self.height, self.width, 3):
                    raise ClipError(
                        f"{self.path.name} changes its size at frame {number}, from {self.width} x "
                        f"{self.height} to {frame.shape[1]} x {frame.shape[0]}: convert it first."
                    )
                self._keep(number, frame)
                found[number] = frame
        for number in set(numbers) & set(self._cache):
            self._cache.move_to_end(number)
        return [found[number] for number in numbers]

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


def open_clip(
    path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS, max_frames: int = MAX_FRAMES
) -> Clip:
    """Open a video file; its frame count is exact and its frames come upright.

    Raises ClipError, one sentence, for a file that is missing, empty, no video, cut off, damaged,
    or larger than `max_pixels` per frame or `max_frames`.
    """
    path = Path(path).expanduser()
    head = _check_file(path)
    limits = (max_pixels, max_frames)
    if head.startswith(b"GIF8") or head[8:12] == b"WEBP":
        pictures = _PillowDecoder(path, head, limits)
        return Clip(path, pictures, len(pictures.stored), pictures.fps)
    index = _scan(path, head, limits)
    clip = Clip(path, _AvDecoder(path, index), index.count, index.fps)
    if index.simple:
        with suppress(Exception):  # no wheel for this system, or a codec that it does not know
            faster = _DecordDecoder(path)
            size = next(faster.decode(0, 0)).shape[:2]
            if len(faster) == index.count and size == (clip.height, clip.width):
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
        f"{name} has {count} frames, but start_frame {start}, frame_stride {stride} and "
        f"num_frames {num} need {need}: {fix}."
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

    One antialiased resize with a triangle filter: it cannot ring, so black stays black.
    """
    _check_frames(frames)
    return _resized(list(frames), box, size)


def _resized(frames: list[np.ndarray], box: CropBox, size: int) -> np.ndarray:
    from PIL import Image

    out = np.empty((len(frames), size, size, 3), np.uint8)
    for row, frame in zip(out, frames, strict=True):
        picture = Image.fromarray(frame)
        row[:] = np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR, box))
    return out


def prepare_clip(
    clip: Clip | str | os.PathLike[str], settings: ClipSettings, size: int
) -> PreparedClip:
    """Choose, crop and resize: everything from a file (or an open clip) to a model's input size.

    Raises ClipError as `open_clip`, `choose_frames` and `crop_box` do.
    """
    if not isinstance(clip, Clip):
        with open_clip(clip) as opened:
            return prepare_clip(opened, settings, size)
    indices = choose_frames(clip, settings)
    box = crop_box(clip.height, clip.width, settings)
    frames = _resized(clip._fetch(indices), box, size)
    return PreparedClip(
        frames, clip.fps / settings.frame_stride, indices, box, (clip.height, clip.width)
    )


# ---------------------------------------------------------------------------- write


def write_video(path: str | os.PathLike[str], frames: np.ndarray, fps: float) -> None:
    """Write `frames` `[f, h, w, 3]` uint8 as .mp4 (H.264), .gif or .webp, by the name's suffix.

    The file appears whole or not at all. GIF and WebP loop; a GIF's times are rounded to 10 ms
    without adding up. Raises ClipError for another suffix, a missing folder, and frames or a rate
    that the format cannot hold.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in _SUFFIXES:
        raise ClipError(
            f"{path.name} ends in {path.suffix or 'no suffix'!r}, but a video is written as "
            f"{', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}: rename it."
        )
    if not path.parent.is_dir():
        raise ClipError(f"there is no folder {path.parent} to write {path.name} in: create it.")
    encode = {".mp4": encode_mp4, ".gif": _encode_gif, ".webp": encode_webp}[path.suffix.lower()]
    data = encode(frames, fps)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def encode_mp4(frames: np.ndarray, fps: float) -> bytes:
    """`frames` as an MP4 (H.264, yuv420p, crf 18) that every browser plays; sides must be even."""
    import av
    from av.video.reformatter import Colorspace

    _check_frames(frames)
    _check_rate(fps, 240, "mp4")
    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise ClipError(
            f"frames are {width} x {height}, but an mp4 needs even sides: "
            f"crop them to {width - width % 2} x {height - height % 2}, or write .gif or .webp."
        )
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "video.mp4")  # +faststart needs a real file
        with av.open(name, "w", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(10_000))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"crf": "18"}
            stream.codec_context.colorspace = Colorspace.ITU601  # what the conversion below uses
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        return Path(name).read_bytes()


def encode_webp(frames: np.ndarray, fps: float) -> bytes:
    """`frames` as a looping animated WebP, by the quickest method: for previews."""
    first, *rest = _pictures(frames)
    data = io.BytesIO()
    first.save(
        data,
        "WEBP",
        save_all=True,
        append_images=rest,
        duration=_times(len(frames), fps, 1, 90),
        loop=0,
        method=0,
        quality=85,
    )
    return data.getvalue()


def _encode_gif(frames: np.ndarray, fps: float) -> bytes:
    """`frames` as a looping GIF; one palette for all of them keeps colours from flickering."""
    from PIL import Image

    pictures = _pictures(frames)
    some = pictures[:: math.ceil(len(pictures) / 16)]
    sheet = Image.fromarray(contact_sheet(np.stack([np.asarray(p) for p in some]), columns=4))
    palette = sheet.quantize(256)
    first, *rest = (picture.quantize(palette=palette) for picture in pictures)
    times = _times(len(frames), fps, 10, 50)
    data = io.BytesIO()
    first.save(data, "GIF", save_all=True, append_images=rest, duration=times, loop=0)
    return data.getvalue()


def _pictures(frames: np.ndarray) -> list[Image.Image]:
    from PIL import Image

    _check_frames(frames)
    return [Image.fromarray(frame) for frame in frames]


def _times(count: int, fps: float, tick: int, most: int) -> list[int]:
    """Milliseconds of each frame in whole ticks; what rounding takes from one the next gets."""
    _check_rate(fps, most, "gif" if tick == 10 else "webp")
    edges = [round(number * 1000 / (fps * tick)) for number in range(count + 1)]
    return [(edges[i + 1] - edges[i]) * tick for i in range(count)]


def contact_sheet(frames: np.ndarray, columns: int | None = None) -> np.ndarray:
    """`frames` `[f, h, w, 3]` uint8 in rows, left to right: one picture `[H, W, 3]` uint8.

    Thin white gaps, none around the sheet. By default rows of at most eight, equally filled.
    """
    _check_frames(frames)
    count, height, width = frames.shape[:3]
    if columns is None:
        columns = math.ceil(count / math.ceil(count / 8))
    if columns < 1:
        raise ClipError(f"columns is {columns}, but a contact sheet needs at least 1.")
    rows, columns = math.ceil(count / columns), min(columns, count)
    gap = max(1, width // 64)
    sheet = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, dtype=np.uint8
    )
    for i, frame in enumerate(frames):
        y, x = i // columns * (height + gap), i % columns * (width + gap)
        sheet[y : y + height, x : x + width] = frame
    return sheet


def _check_frames(frames: np.ndarray) -> None:
    shape, kind = np.shape(frames), getattr(frames, "dtype", type(frames).__name__)
    if kind != np.uint8 or len(shape) != 4 or shape[3] != 3 or 0 in shape:
        raise ClipError(
            f"frames are {kind} {list(shape)}, but must be a uint8 array [f, h, w, 3] of at "
            "least one frame: convert them first."
        )


def _check_rate(fps: float, most: int, kind: str) -> None:
    if not 0 < fps <= most:
        raise ClipError(
            f"fps is {fps:g}, but a {kind} plays from above 0 to {most} frames a second: "
            "choose fps in that range."
        )
