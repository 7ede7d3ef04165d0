"""Videos of a stage as files: mp4, gif and webp side by side, or all frames on one sheet."""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from fyp_lite.video import contact_sheet, write_video

FORMATS = ("mp4", "gif", "webp", "png")
GAP = 8  # pixels between videos side by side
COLUMNS = 8  # moments in a row of a sheet


def encode_file(videos: Mapping[str, np.ndarray], fps: float, kind: str) -> bytes:
    """Videos `{title: [f, h, w, 3] uint8}` of one length as one file.

    Args:
        videos: side by side in a video, below each other in a sheet.
        fps: frames a second.
        kind: "mp4", "gif" or "webp", or "png" for a sheet with every frame.

    Raises:
        ValueError: another format, or a rate that it cannot hold.
    """
    if kind not in FORMATS:
        raise ValueError(f"the format is {kind!r}, but it must be one of {', '.join(FORMATS)}.")
    if kind == "png":
        data = io.BytesIO()
        Image.fromarray(sheet(list(videos.values()))).save(data, "PNG")
        return data.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"video.{kind}"
        write_video(path, side_by_side(list(videos.values())), fps)
        return path.read_bytes()


def side_by_side(videos: Sequence[np.ndarray]) -> np.ndarray:
    """Videos of one length in a row, `[f, H, W, 3]` uint8 with even sides, a white gap between."""
    height = max(video.shape[1] for video in videos)
    scaled = [_resized(video, height) for video in videos]
    gap = np.full((len(videos[0]), height, GAP, 3), 255, np.uint8)
    parts = [part for video in scaled for part in (gap, video)][1:]
    row = np.concatenate(parts, axis=2)
    odd = ((0, 0), (0, row.shape[1] % 2), (0, row.shape[2] % 2), (0, 0))
    return np.pad(row, odd, "edge")


def sheet(videos: Sequence[np.ndarray], columns: int = COLUMNS) -> np.ndarray:
    """Every frame of every video on one picture `[H, W, 3]` uint8.

    One row for each video, time from left to right; after `columns` moments the rows begin again.
    """
    count = len(videos[0])
    rows = math.ceil(count / columns)
    columns = math.ceil(count / rows)
    height = max(video.shape[1] for video in videos)
    scaled = [_resized(video, height) for video in videos]
    width = max(video.shape[2] for video in scaled)
    blank = rows * columns - count
    filled = [
        np.pad(
            video,
            ((0, blank), (0, 0), (0, width - video.shape[2]), (0, 0)),
            constant_values=255,
        )
        for video in scaled
    ]
    moments = np.stack(filled).reshape(len(videos), rows, columns, height, width, 3)
    ordered = moments.swapaxes(0, 1).reshape(-1, height, width, 3)
    return contact_sheet(ordered, columns)


def _resized(video: np.ndarray, height: int) -> np.ndarray:
    if video.shape[1] == height:
        return video
    size = (max(1, round(video.shape[2] * height / video.shape[1])), height)
    return np.stack([cv2.resize(f, size, interpolation=cv2.INTER_CUBIC) for f in video])
