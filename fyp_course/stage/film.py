"""Videos as one film: picture i holds frame i of all of them, so nothing can fall out of step."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from PIL import Image

MAX_VIDEOS = 6
MAX_FPS = 240
BLOCK = 16  # pixels: a JPEG's blocks, so that no tile bleeds into its neighbour
# (quality, chroma subsampling): thin coloured lines need full chroma, a very long film less weight.
FINE, LIGHT = (92, 0), (82, 2)
MAX_BYTES = 8_000_000  # of a film in the fine quality
MAX_DECODED = 256_000_000  # bytes of a film in the browser; a larger one is shown smaller


def check_videos(videos: Mapping[str, np.ndarray]) -> None:
    """Refuse what cannot play in step: see `encode_film`. Raises ValueError, one sentence."""
    if not 1 <= len(videos) <= MAX_VIDEOS:
        raise ValueError(
            f"there are {len(videos)} videos, but a stage shows 1 to {MAX_VIDEOS}: "
            'give them by title, such as {"skeleton": frames, "result": video}.'
        )
    for title, video in videos.items():
        kind, shape = getattr(video, "dtype", type(video).__name__), np.shape(video)
        if kind != np.uint8 or len(shape) != 4 or shape[3] != 3 or 0 in shape:
            raise ValueError(
                f"{title!r} is {kind} of shape {list(shape)}, but a video is uint8 of shape "
                "[f, h, w, 3] with at least one frame: convert it first."
            )
    lengths = {title: len(video) for title, video in videos.items()}
    if len(set(lengths.values())) > 1:
        listed = " and ".join(f"{title!r} {length}" for title, length in lengths.items())
        raise ValueError(
            f"videos that play in step have the same number of frames, but here {listed}: "
            f"cut them to {min(lengths.values())}."
        )


def check_fps(fps: float) -> None:
    """Refuse a rate that nothing can play at. Raises ValueError, one sentence."""
    if not (math.isfinite(fps) and 0 < fps <= MAX_FPS):
        raise ValueError(
            f"fps is {fps:g}, but a stage plays above 0 and up to {MAX_FPS} frames a second: "
            "take the clip's rate divided by the stride."
        )


def held(video: np.ndarray, count: int) -> np.ndarray:
    """`video` `[f, h, w, 3]` cut, or with its last frame held, to `count` frames."""
    return video[np.arange(count).clip(max=len(video) - 1)]


def encode_film(videos: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Videos as JPEG pictures, one for each moment, ready to be sent.

    Args:
        videos: {title: `[f, h, w, 3]` uint8 RGB}, all of the same length; sizes may differ.

    Returns:
        count: of frames. tiles: where each video lies in a picture, {title, x, width, height} in
        pixels. sizes: bytes of each picture. data: the pictures, one after the other.

    Raises:
        ValueError: no video or more than six, no uint8 video, or videos of different length.
    """
    check_videos(videos)
    count = len(next(iter(videos.values())))
    area = sum(video.shape[1] * video.shape[2] for video in videos.values())
    shrink = min(1.0, math.sqrt(MAX_DECODED / (4 * count * area)))
    tiles, x = [], 0
    for title, video in videos.items():
        height, width = (max(1, round(side * shrink)) for side in video.shape[1:3])
        tiles.append({"title": title, "x": x, "width": width, "height": height})
        x += math.ceil(width / BLOCK) * BLOCK
    pictures = _pictures(videos, tiles, x, FINE)
    if sum(map(len, pictures)) > MAX_BYTES:
        pictures = _pictures(videos, tiles, x, LIGHT)
    return {
        "count": count,
        "tiles": tiles,
        "sizes": [len(picture) for picture in pictures],
        "data": b"".join(pictures),
    }


def _pictures(
    videos: Mapping[str, np.ndarray],
    tiles: list[dict[str, Any]],
    width: int,
    quality: tuple[int, int],
) -> list[bytes]:
    height = max(tile["height"] for tile in tiles)
    canvas = np.zeros((height, width, 3), np.uint8)
    pictures = []
    for moment in zip(*videos.values(), strict=True):
        for tile, frame in zip(tiles, moment, strict=True):
            size = (tile["width"], tile["height"])
            if frame.shape[1::-1] != size:
                frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
            canvas[: size[1], tile["x"] : tile["x"] + size[0]] = frame
        data = io.BytesIO()
        Image.fromarray(canvas).save(data, "JPEG", quality=quality[0], subsampling=quality[1])
        pictures.append(data.getvalue())
    return pictures
