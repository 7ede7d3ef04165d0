"""Videos: write frames as .mp4, .gif or .webp, whole or not at all, and show them on one sheet."""

from __future__ import annotations

import io
import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fyp_lite.files.decoding import check_frames
from fyp_lite.files.writing import ClipError, check_room_in_name, file_path, written_whole
from fyp_lite.lazy_frames import AnyFrames

if TYPE_CHECKING:
    from PIL import Image

MAX_STILLS = 8  # frames in a contact sheet that stands for a video
_MAX_FPS = {".mp4": 240, ".gif": 50, ".webp": 90}  # what players show as it is meant


def check_video_path(path: str | os.PathLike[str], fps: float | None = None) -> None:
    """Refuse what `write_video` could never write, before there are frames to write.

    The folder may be made later. Raises ClipError for a folder, for a name that no file can have,
    for a suffix that is none of .mp4, .gif and .webp, and for a rate (where it is given) that the
    format cannot hold.
    """
    path = file_path(path)
    if path.is_dir():
        raise ClipError(f"{path} is a folder: name a file in it, such as {path / 'video.mp4'}.")
    check_room_in_name(path)
    if path.suffix.lower() not in _MAX_FPS:
        raise ClipError(
            f"{path.name} ends in {path.suffix or 'no suffix'!r}, but a video is written as "
            ".mp4, .gif or .webp: rename it."
        )
    if fps is not None:
        _check_rate(fps, path.suffix.lower())


def write_video(path: str | os.PathLike[str], frames: np.ndarray, fps: float) -> None:
    """Write `frames` `[f, h, w, 3]` uint8 as .mp4 (H.264), .gif or .webp, by the name's suffix.

    The file appears whole or not at all. GIF and WebP loop; a GIF's times are rounded to 10 ms
    without adding up. Raises ClipError as `check_video_path` does, for a missing folder, and for
    frames or a rate that the format cannot hold.
    """
    path = _check_target(path, fps)
    check_frames(frames)
    with written_whole(path) as part:
        if path.suffix.lower() == ".mp4":
            _write_mp4(str(part), frames, fps)
        else:
            encode = {".gif": _encode_gif, ".webp": encode_webp}[path.suffix.lower()]
            part.write_bytes(encode(frames, fps))


def write_long_video(
    path: str | os.PathLike[str], frames: Iterable[np.ndarray], fps: float
) -> None:
    """Write frames, each `[h, w, 3]` uint8, as an .mp4 one by one, so that memory stays flat.

    Otherwise as `write_video`; also raises ClipError where there are no frames, or where one
    differs in size from the first.
    """
    path = _check_target(path, fps)
    if path.suffix.lower() != ".mp4":
        raise ClipError(f"{path.name} would be a long video, which is written as .mp4: rename it.")
    with written_whole(path) as part:
        _write_mp4(str(part), frames, fps)


def _check_target(path: str | os.PathLike[str], fps: float) -> Path:
    check_video_path(path, fps)
    path = file_path(path)
    if not path.parent.is_dir():
        raise ClipError(f"there is no folder {path.parent} to write {path.name} in: create it.")
    return path


def encode_mp4(frames: np.ndarray, fps: float) -> bytes:
    """`frames` as an MP4 (H.264, yuv420p, crf 18) that every browser plays; sides must be even."""
    check_frames(frames)
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "video.mp4")  # +faststart needs a real file
        _write_mp4(name, frames, fps)
        return Path(name).read_bytes()


def _write_mp4(name: str, frames: Iterable[np.ndarray], fps: float) -> None:
    import av
    from av.video.reformatter import Colorspace

    _check_rate(fps, ".mp4")
    flow = _of_one_size(frames)
    first = next(flow, None)
    if first is None:
        raise ClipError("there are no frames to write: a video needs at least one.")
    height, width = first.shape[:2]
    if height % 2 or width % 2:
        raise ClipError(
            f"frames are {width} x {height}, but an mp4 needs even sides: "
            f"crop them to {width - width % 2} x {height - height % 2}, or write .gif or .webp."
        )
    with av.open(name, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(10_000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "18"}
        stream.codec_context.colorspace = Colorspace.ITU601  # what the conversion below uses
        for frame in chain([first], flow):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _of_one_size(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The frames, each checked. Raises ClipError."""
    shape = None
    for number, frame in enumerate(frames, 1):
        said = f"frame {number} is {frame.dtype} {list(frame.shape)}"
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
            raise ClipError(f"{said}, but must be a uint8 array [h, w, 3]: convert it first.")
        shape = shape or frame.shape
        if frame.shape != shape:
            raise ClipError(
                f"{said}, but frame 1 is uint8 {list(shape)}: resize all frames to one size."
            )
        yield frame


def encode_webp(frames: np.ndarray, fps: float) -> bytes:
    """`frames` as a looping animated WebP, by the quickest method: for previews."""
    first, *rest = _pictures(frames)
    data = io.BytesIO()
    first.save(
        data,
        "WEBP",
        save_all=True,
        append_images=rest,
        duration=_times(len(frames), fps, 1, ".webp"),
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
    times = _times(len(frames), fps, 10, ".gif")
    data = io.BytesIO()
    first.save(data, "GIF", save_all=True, append_images=rest, duration=times, loop=0)
    return data.getvalue()


def _pictures(frames: np.ndarray) -> list[Image.Image]:
    from PIL import Image

    check_frames(frames)
    return [Image.fromarray(frame) for frame in frames]


def _times(count: int, fps: float, tick: int, suffix: str) -> list[int]:
    """Milliseconds of each frame in whole ticks; what rounding takes from one the next gets."""
    _check_rate(fps, suffix)
    edges = [round(number * 1000 / (fps * tick)) for number in range(count + 1)]
    return [(edges[i + 1] - edges[i]) * tick for i in range(count)]


def contact_sheet(frames: np.ndarray, columns: int | None = None) -> np.ndarray:
    """`frames` `[f, h, w, 3]` uint8 in rows, left to right: one picture `[H, W, 3]` uint8.

    Thin white gaps, none around the sheet. By default rows of at most eight, equally filled.
    """
    check_frames(frames)
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


def _check_rate(fps: float, suffix: str) -> None:
    most = _MAX_FPS[suffix]
    if not 0 < fps <= most:
        raise ClipError(
            f"fps is {fps:g}, but a {suffix} plays from above 0 to {most} frames a second: take a "
            "larger stride or another format."
        )


def strip(frames: np.ndarray, height: int) -> np.ndarray:
    """At most eight frames of a video `[f, h, w, 3]` in a row, evenly chosen: `[height, W, 3]`.

    What stands for a video where nothing moves; also a still for a panel.
    """
    chosen = few_frames(frames)
    width = round(height * frames.shape[2] / frames.shape[1])
    return contact_sheet(_resized(chosen, width, height, "LANCZOS"), columns=len(chosen))


def few_frames(frames: AnyFrames) -> AnyFrames:
    """At most eight of `frames` `[f, h, w, 3]`, evenly chosen, first and last among them."""
    count = min(len(frames), MAX_STILLS)
    return frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]


def frames_of_strip(strip: np.ndarray, size: int) -> np.ndarray:
    """The square frames `[n, size, size, 3]` of a one-row contact sheet `[size, W, 3]`."""
    pitch = size + max(1, size // 64)  # a frame and the gap that contact_sheet leaves
    return np.stack([strip[:, x : x + size] for x in range(0, strip.shape[1], pitch)])


def resized(frames: np.ndarray, size: int) -> np.ndarray:
    """Frames `[f, h, w, 3]` uint8 averaged to `[f, size, size, 3]`."""
    return _resized(frames, size, size, "BOX")


def _resized(frames: np.ndarray, width: int, height: int, filter: str) -> np.ndarray:
    from PIL import Image

    resample = Image.Resampling[filter]
    return np.stack(
        [np.asarray(Image.fromarray(frame).resize((width, height), resample)) for frame in frames]
    )
