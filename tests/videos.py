"""Small videos of every kind that people have, and a process of its own that reads them.

A damaged video can take a decoder's whole process with it, so `Reader` reads each in another one,
with a limit of time and of memory.
"""

from __future__ import annotations

import io
import multiprocessing
import resource
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from PIL import Image

SECONDS = 60  # of the reader's own, for one file
MAX_BYTES = 2 * 2**30  # resident, whatever the file says of itself; twice for giant frames

# name: (container, codec, pixel format, width, height, options of the codec)
KINDS: dict[str, tuple[str, str, str, int, int, dict[str, str]]] = {
    "h264": ("mp4", "libx264", "yuv420p", 64, 48, {"g": "4"}),
    "h264_b_frames": ("mp4", "libx264", "yuv420p", 64, 48, {"bf": "3", "g": "9"}),
    "h264_444": ("mov", "libx264", "yuv444p", 50, 34, {}),
    "h264_10_bit": ("matroska", "libx264", "yuv420p10le", 64, 48, {}),
    "h264_rgb": ("mp4", "libx264rgb", "rgb24", 64, 48, {}),
    "hevc": ("mp4", "libx265", "yuv420p", 64, 64, {"x265-params": "log-level=none"}),
    "vp8": ("webm", "libvpx", "yuv420p", 64, 48, {}),
    "vp9_alpha": ("webm", "libvpx-vp9", "yuva420p", 64, 48, {}),
    "mpeg4": ("avi", "mpeg4", "yuv420p", 64, 48, {}),
    "mpeg4_b_frames": ("avi", "mpeg4", "yuv420p", 64, 48, {"bf": "2", "g": "6"}),
    "h264_avi": ("avi", "libx264", "yuv420p", 64, 48, {"bf": "3", "g": "9"}),
    "h264_flv": ("flv", "libx264", "yuv420p", 64, 48, {"bf": "3", "g": "9"}),
    "hevc_ts": ("mpegts", "libx265", "yuv420p", 64, 64, {"x265-params": "log-level=none"}),
    "mpeg2": ("mpegts", "mpeg2video", "yuv422p", 64, 48, {}),
    "program_stream": ("mpeg", "mpeg2video", "yuv420p", 64, 48, {"bf": "2", "g": "6"}),
    "elementary_stream": ("mpeg2video", "mpeg2video", "yuv420p", 64, 48, {"bf": "2"}),
    "mjpeg": ("avi", "mjpeg", "yuvj420p", 64, 48, {}),
    "png": ("mov", "png", "rgba", 33, 21, {}),
    "gray16": ("matroska", "ffv1", "gray16le", 32, 32, {}),
    "raw": ("avi", "rawvideo", "bgr24", 16, 16, {}),
    "pal8": ("mov", "qtrle", "rgb555be", 32, 32, {}),
    "tall": ("mp4", "libx264", "yuv420p", 2, 1000, {}),
    "giant": ("mp4", "libx264", "yuv420p", 8192, 8192, {"preset": "ultrafast"}),
    "one_pixel": ("matroska", "ffv1", "yuv444p", 1, 1, {}),
}
TIMES = {"even": lambda i: i, "uneven": lambda i: i * i + i % 3, "late": lambda i: i + 10_000}


def make_video(kind: str, times: str = "even", frames: int = 9) -> bytes:
    """A video of a moving square. Raises av.FFmpegError where this build lacks the codec."""
    container_name, codec, pixels, width, height, options = KINDS[kind]
    data = io.BytesIO()
    with av.open(data, "w", format=container_name) as container:
        stream = container.add_stream(codec, rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.options = options
        for number in range(frames):
            picture = np.zeros((height, width, 3), np.uint8)
            picture[height // 4 : height // 2 + 1, number : number + 8] = (255, 153, 51)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = TIMES[times](number), Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return data.getvalue()


def make_pictures(kind: str, frames: int = 5, size: tuple[int, int] = (24, 18)) -> bytes:
    """An animated GIF, WebP or PNG with frames of different lengths."""
    data = io.BytesIO()
    first, *rest = (Image.new("RGB", size, (n * 40, 99, 0)) for n in range(frames))
    times = [40 + 60 * (n % 2) for n in range(frames)]
    first.save(data, kind, save_all=True, append_images=rest, duration=times, loop=0)
    return data.getvalue()


def sources() -> dict[str, bytes]:
    """Every kind that this build of FFmpeg can write."""
    made = {kind: make_pictures(kind) for kind in ("gif", "webp")}
    made["animated_png"] = make_pictures("png")
    for kind in KINDS.keys() - {"giant"}:
        with suppress(av.FFmpegError):
            made[kind] = make_video(kind)
    for kind, times in (("h264", "uneven"), ("vp8", "uneven"), ("vp8", "late")):
        made[f"{kind}_{times}"] = make_video(kind, times)
    # Streams without a container know no duration and no number of frames.
    made["stream_without_container"] = bare_stream(made["h264"])
    # Packets in the order of decoding, with stamps to match, as AVI has them.
    made["stamped_as_decoded"] = remuxed(made["h264_avi"], "mp4", lambda number: number)
    made["stamped_backwards"] = remuxed(
        made["h264_b_frames"], "matroska", lambda number: 99 - number
    )
    return made


def remuxed(content: bytes, format: str, stamp: Callable[[int], int]) -> bytes:
    """The packets of a video in another container, with these stamps (in frames) as `pts`."""
    data = io.BytesIO()
    with av.open(io.BytesIO(content)) as source, av.open(data, "w", format=format) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for number, packet in enumerate(packets):
            packet.stream, packet.time_base = stream, Fraction(1, 24)
            packet.pts, packet.dts = stamp(number), number
            target.mux(packet)
    return data.getvalue()


def bare_stream(content: bytes) -> bytes:
    """The packets of an H.264 video alone."""
    data = io.BytesIO()
    with av.open(io.BytesIO(content)) as source, av.open(data, "w", format="h264") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return data.getvalue()


# ---------------------------------------------------------------------------- reading


def read_as_users_do(path: str) -> dict[str, Any]:
    """Open, look at, choose, crop and stream a clip; what came of it."""
    from fyp_lite.opening import find_input_type, open_clip, prepare_clip
    from fyp_lite.settings import ClipSettings

    with open_clip(path) as clip:
        kind = find_input_type(clip)
        prepared = prepare_clip(clip, ClipSettings(0, 1, min(4, clip.num_frames)), 32)
        last = clip.read([clip.num_frames - 1])
        streamed = sum(1 for _ in clip.stream())
        size = (clip.height, clip.width)
        assert last.shape == (1, *size, 3) and prepared.frames.shape[1:] == (32, 32, 3)
        assert streamed == clip.num_frames and kind in ("raw", "skeleton") and clip.fps > 0
        return {"frames": streamed, "size": size, "fps": clip.fps}


def serve(pipe: Connection) -> None:
    """Read one path after the other; answers ("result" or an exception's class, what, where)."""
    import traceback

    av.logging.set_level(None)
    while True:
        path = pipe.recv()
        try:
            found: tuple[str, Any, str] = ("result", read_as_users_do(path), "")
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1].filename
            kind = "sentence" if isinstance(error, ValueError) else type(error).__name__
            found = (kind, str(error), where)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        pipe.send((*found, peak))


class Reader:
    """Another process that reads videos, started again after one that took it down."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._pipe, other = self._context.Pipe()
        self._process = self._context.Process(target=serve, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def read(self, path: Path) -> tuple[str, Any, str, int]:
        """(“result”, “sentence”, “crashed”, “hangs” or an exception's name, what, where, bytes)."""
        self._pipe.send(str(path))
        worker = psutil.Process(self._process.pid)
        most = sum(worker.cpu_times()[:2]) + SECONDS
        try:
            while sum(worker.cpu_times()[:2]) < most:
                if self._pipe.poll(1):
                    return self._pipe.recv()
            problem = "hangs"
        except (EOFError, psutil.NoSuchProcess):
            problem = "crashed"
        self.close()
        code = self._process.exitcode
        self._start()
        return problem, f"exit code {code}", "", 0

    def close(self) -> None:
        self._process.kill()
        self._process.join()
