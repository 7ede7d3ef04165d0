"""Which frame each packet of a video becomes, counted in the order in which frames are shown.

A file stores packets in the order in which they are decoded, which differs where frames are
predicted from later ones (B-frames). Time stamps tell the order of showing in most files. In others
(AVI, which has none; what was made from AVI; joined or cut recordings) they are missing, repeated,
run back or rise in decoding order, and then only decoding tells. So stamps are believed where they
fit the codec and the first frames; any other file is decoded once, as a player would.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fyp_lite.files.containers import missing_bytes
from fyp_lite.files.writing import ClipError

# Formats that are one file: playlists and the like, which open other files, are not in this list.
_FORMATS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,flv,asf,ogg,h264,hevc,obu,ivf,mxf,dv,mjpeg,nut,rm,"
    "wtv,yuv4mpegpipe"
)
MAX_REORDER = 16  # frames that may overtake one another, in any codec
FIRST_FRAMES = 6  # that are decoded to see whether stamps tell the truth
EMPTY_VOP = 8  # bytes of a packet by which MPEG-4 says that nothing is shown

Name = tuple[int, int]  # of a packet: where it is in the file, and its length


class Packet(NamedTuple):
    """What is known of a packet without decoding it; times in the stream's own unit."""

    pts: int | None  # when it is shown
    seek: int | None  # the time that leads to it
    name: Name
    key: bool
    shown: bool
    whole: bool  # nothing of it, or between it and the one before, was lost


class Key(NamedTuple):
    """A packet at which decoding can begin, the number of its frame, and where to seek for it."""

    number: int
    name: Name
    stamp: int


@dataclass(frozen=True)
class Index:
    """What a video file holds.

    numbers: {packet: the frame that it becomes}; empty where frames cannot be told by their
    packets, and must be counted from the file's start. keys: rising. shape: of a frame as it is
    shown, (height, width). aspect: width of a pixel / its height. simple: constant rate, square
    pixels, all frames shown, one video stream, and none needs what precedes its key frame.
    """

    num_frames: int
    fps: float
    numbers: dict[Name, int]
    keys: list[Key]
    shape: tuple[int, int]
    aspect: float
    simple: bool


def open_av(path: Path, head: bytes = b"") -> Any:
    """A PyAV container. Raises ClipError for a file that is none of the formats read here."""
    import av

    # Titles and the like may be in any encoding: PyAV 19 takes them as they are, older ones ask.
    lenient: Any = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
    try:
        # As options of the streams too, they would take PyAV 14.1 down where streams appear late.
        return av.open(str(path), container_options={"format_whitelist": _FORMATS}, **lenient)
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


def video_stream(container: Any, path: Path) -> Any:
    """The stream that players show: the default one, and of several the largest."""
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not streams:
        raise ClipError(f"{path.name} holds no video stream: it may be sound only; name a video.")
    known = [stream for stream in streams if stream.codec_context is not None]
    if not known:
        raise ClipError(
            f"{path.name} is in a format that is not known here, or damaged: convert it to H.264, "
            "or copy or download it again."
        )
    return max(
        known, key=lambda s: (bool(s.disposition & s.disposition.default), s.width * s.height)
    )


def check_limits(path: Path, size: tuple[int, int], count: int, limits: tuple[int, int]) -> None:
    """Refuse frames of `size` (height, width), or so many of them, beyond (pixels, frames)."""
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


def upright_shape(frame: Any, aspect: float) -> tuple[int, int]:
    """(height, width) of a frame of PyAV as it is shown: turned, and with square pixels."""
    shape = frame.height, max(1, round(frame.width * aspect))
    return shape[::-1] if round(frame.rotation / 90) % 2 else shape


def name_of(packet: Any) -> Name:
    return packet.pos, packet.size


def decoded(packets: Iterable[Any], numbers: dict[Name, int] | None) -> Iterator[Any]:
    """Frames as a player shows them, each with the number of its packet as its `pts`.

    Decoders hand a packet's stamp on to its frame, in whatever order frames come out. A packet that
    is not in `numbers` has none; without `numbers`, packets are counted.
    """
    import av

    count = 0
    for packet in packets:
        if packet.size:
            packet.pts = count if numbers is None else numbers.get(name_of(packet))
            count += 1
        with suppress(av.FFmpegError):  # players leave out what cannot be decoded, too
            yield from packet.decode()


def scan(path: Path, head: bytes, limits: tuple[int, int]) -> Index:
    """Find out what a file really holds: containers' own counts are often absent, or wrong."""
    with open_av(path, head) as container:
        stream = video_stream(container, path)
        context = stream.codec_context
        aspect = float(stream.sample_aspect_ratio or 1)
        size = context.height, max(1, round(context.width * aspect))
        check_limits(path, size, 0, limits)
        packets = _list_packets(path, head, container, stream, limits)
        declared = float(stream.average_rate or stream.guessed_rate or 25)
        believed = _stamps_fit(packets, context)
        fps = _measured_rate(packets, declared, stream.time_base) if believed else declared
        alone = len(container.streams.video) == 1 and aspect == 1
        plain = alone and container.format.name.startswith(("mov", "matroska"))
    if believed:
        order = _in_order_of_stamps(packets)
        numbers = _numbers(packets, order)
        if numbers and (shape := _shape_if_it_begins_so(path, numbers, aspect)):
            keys = _keys(packets, numbers, [packets[place].pts or 0 for place in order])
            simple = plain and _is_simple(packets)
            return Index(len(order), fps, numbers, keys, shape, aspect, simple)
    found, shape = _decode_all(path, aspect, limits)
    # What a frame of a damaged file shows depends on all before it.
    numbers = _numbers(packets, found) if all(packet.whole for packet in packets) else {}
    return Index(len(found), fps, numbers, _keys(packets, numbers, []), shape, aspect, simple=False)


# ---------------------------------------------------------------------------- packets


def _list_packets(
    path: Path, head: bytes, container: Any, stream: Any, limits: tuple[int, int]
) -> list[Packet]:
    """All packets of the stream. Raises ClipError for a file that ends early."""
    import av

    packets: list[Packet] = []
    kind, codec = container.format.name, stream.codec_context.name
    by_pts = kind.startswith(("mov", "matroska"))  # seeking goes by these, and by dts elsewhere
    ends_early = False
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            name, shown = name_of(packet), not packet.is_discard
            if codec == "vp8" and not bytes(packet)[0] & 0x10:  # a picture only to predict from
                packets.append(Packet(None, None, name, False, False, True))
            else:
                key, ends_early = packet.is_keyframe, packet.is_corrupt  # the last one
                seek = packet.pts if by_pts or packet.dts is None else packet.dts
                packets.append(Packet(packet.pts, seek, name, key, shown, not ends_early))
            check_limits(path, (0, 0), len(packets), limits)
    except av.FFmpegError:
        ends_early = True
    if kind == "mpegts":  # whole packets only; cut between two it is a shorter one
        ends_early = all(path.stat().st_size % length for length in (188, 192, 204))
    if ends_early or missing_bytes(path, head):
        has = _what_is_there(packets, container, stream)
        raise ClipError(f"{path.name} is cut off or damaged: {has}; copy or download it again.")
    if not packets:
        raise ClipError(f"{path.name} holds a video stream of 0 frames: name another file.")
    return packets


def _what_is_there(packets: Sequence[Packet], container: Any, stream: Any) -> str:
    if 0 < len(packets) < stream.frames:
        return f"{len(packets)} of its {stream.frames} frames are there"
    if container.duration and stream.time_base:
        end = max((packet.pts or 0 for packet in packets), default=0) * stream.time_base
        return f"it should last {container.duration / 1e6:.1f} s and ends after {float(end):.1f} s"
    return f"only {len(packets)} frames can be read"


def _stamps_fit(packets: Sequence[Packet], context: Any) -> bool:
    """Whether the time stamps can be those of showing."""
    timed = [packet for packet in packets if packet.shown or packet.pts is not None]
    stamps = [packet.pts for packet in timed if packet.pts is not None]
    if not timed or len(set(stamps)) < len(timed) or not all(p.whole for p in packets):
        return False
    if context.name == "mpeg4" and any(packet.name[1] <= EMPTY_VOP for packet in packets):
        return False
    away = np.abs(np.argsort(np.array(stamps)) - np.arange(len(stamps)))
    if bool(away.any()) != bool(context.has_b_frames) or away.max() > MAX_REORDER:
        return False
    latest = accumulate(stamps, max)  # nothing that is stored before a key frame is shown after it
    return all(packet.pts == most for packet, most in zip(timed, latest, strict=True) if packet.key)


def _in_order_of_stamps(packets: Sequence[Packet]) -> list[int]:
    """The places in the list of the packets that are shown, in the order of showing."""
    stamps = [packet.pts or 0 for packet in packets]
    shown = [place for place, packet in enumerate(packets) if packet.shown]
    return sorted(shown, key=stamps.__getitem__)


def _measured_rate(packets: Sequence[Packet], declared: float, unit: Any) -> float:
    """Frames a second from the stamps, where they differ from what the file says of itself."""
    stamps = [packet.pts for packet in packets if packet.shown and packet.pts is not None]
    if len(stamps) < 2:
        return declared
    measured = float((len(stamps) - 1) / ((max(stamps) - min(stamps)) * unit))
    return declared if abs(declared / measured - 1) < 0.02 else measured


def _numbers(packets: Sequence[Packet], order: Sequence[int | None]) -> dict[Name, int]:
    """{packet: frame}; empty where packets, or the frames that they become, are not told apart."""
    names = {packet.name for packet in packets}
    places = [place for place in order if place is not None]
    if len(names) < len(packets) or len(set(places)) < len(order):
        return {}
    return {packets[place].name: number for number, place in enumerate(places)}


def _keys(packets: Sequence[Packet], numbers: dict[Name, int], stamps: Sequence[int]) -> list[Key]:
    """Where decoding can begin. A key frame that is not shown leads to the next frame that is,
    where the `stamps` of the frames are known."""
    keys = []
    for packet in packets:
        number = numbers.get(packet.name)
        if number is None and packet.pts is not None and stamps:
            number = bisect_left(stamps, packet.pts)
        if packet.key and number is not None and packet.seek is not None:
            keys.append(Key(number, packet.name, packet.seek))
    return sorted(keys)


def _is_simple(packets: Sequence[Packet]) -> bool:
    """Whether the rate is constant, all packets are shown, and none is shown before its key."""
    stamps = [packet.pts or 0 for packet in packets]
    gaps = np.diff(np.sort(np.array(stamps)))
    if len(stamps) < 2 or gaps.max() > 1.5 * gaps.min() or not all(p.shown for p in packets):
        return False
    entry = stamps[0] if packets[0].key else None
    for packet, stamp in zip(packets, stamps, strict=True):
        entry = stamp if packet.key else entry
        if entry is None or stamp < entry:
            return False
    return True


# ---------------------------------------------------------------------------- by decoding


def _shape_if_it_begins_so(
    path: Path, numbers: dict[Name, int], aspect: float
) -> tuple[int, int] | None:
    """The shape of the frames, if the first ones come in the order of their numbers."""
    shape, count = None, 0
    with open_av(path) as container:
        frames = decoded(container.demux(video_stream(container, path)), numbers)
        for count, frame in enumerate(islice(frames, FIRST_FRAMES), 1):
            if frame.pts != count - 1:
                return None
            shape = shape or upright_shape(frame, aspect)
    return shape if count == min(FIRST_FRAMES, len(numbers)) else None


def _decode_all(
    path: Path, aspect: float, limits: tuple[int, int]
) -> tuple[list[int | None], tuple[int, int]]:
    """Which packet, by its place in the file, each shown frame comes from; and their shape.

    No packets are given where frames are damaged.
    """
    order: list[int | None] = []
    whole = True
    with open_av(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        for frame in decoded(container.demux(stream), None):
            shape = upright_shape(frame, aspect)
            order.append(frame.pts)
            whole &= not frame.is_corrupt
            check_limits(path, (0, 0), len(order), limits)
    if not order:
        raise ClipError(
            f"{path.name} is damaged: none of its frames can be decoded; copy or download it again."
        )
    return order if whole else [None] * len(order), shape
