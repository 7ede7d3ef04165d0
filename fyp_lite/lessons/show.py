"""Show videos and contact sheets in a notebook, each with a text that says what is seen.

Where the environment variable FYP_LITE_STILLS is 1, contact sheets take the place of videos: so the
stored notebooks stay small and show something wherever they are read.
"""

from __future__ import annotations

import base64
import html
import io
import os

import mediapy
import numpy as np
from IPython.display import HTML, Markdown, display
from PIL import Image

from fyp_lite.video import contact_sheet, encode_mp4

STILL_SIZE = 160  # pixels, the height of one frame in a contact sheet
MAX_STILLS = 8  # frames in a contact sheet that stands for a video


def stills_only() -> bool:
    """Whether contact sheets are shown in place of videos."""
    return os.environ.get("FYP_LITE_STILLS") == "1"


def describe(title: str, frames: np.ndarray, fps: float) -> str:
    """A sentence for those who cannot see the video `frames` `[f, h, w, 3]`."""
    return f"Video of {len(frames)} frames at {fps:g} frames a second: {title}"


def video_html(frames: np.ndarray, fps: float, title: str) -> str:
    """A video that plays by itself in a loop, captioned, as HTML.

    Args:
        frames: `[f, h, w, 3]` uint8 RGB with even sides.
        fps: frames a second.
        title: the caption; any text.
    """
    height, width = frames.shape[1:3]
    video = mediapy.html_from_compressed_video(encode_mp4(frames, fps), width, height)
    label = html.escape(describe(title, frames, fps))
    return (
        f'<figure style="margin:4px" role="group" aria-label="{label}">{video}'
        f'<figcaption style="max-width:{width}px">{html.escape(title)}</figcaption></figure>'
    )


def show_video(frames: np.ndarray, fps: float, title: str) -> None:
    """Show one video `[f, h, w, 3]` uint8 RGB with its title below."""
    show_side_by_side({title: frames}, fps)


def show_side_by_side(videos: dict[str, np.ndarray], fps: float) -> None:
    """Show videos `{title: [f, h, w, 3] uint8 RGB}` in one row; they start together."""
    if stills_only():
        for title, frames in videos.items():
            show_sheet(frames, title)
        return
    figures = "".join(video_html(frames, fps, title) for title, frames in videos.items())
    display(HTML(f'<div style="display:flex; flex-wrap:wrap">{figures}</div>'))


def show_sheet(frames: np.ndarray, title: str) -> None:
    """Show at most eight frames of `[f, h, w, 3]` uint8 RGB as one compressed picture."""
    count = min(len(frames), MAX_STILLS)
    chosen = frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]
    height, width = frames.shape[1:3]
    small = mediapy.resize_video(chosen, (STILL_SIZE, round(STILL_SIZE * width / height)))
    sheet = contact_sheet(small, columns=count)
    data = io.BytesIO()
    Image.fromarray(sheet).save(data, "JPEG", quality=85, optimize=True)
    text = f"{count} frames from left to right: {title}"
    display(Markdown(f"*{title}*"))
    display(
        {"image/jpeg": base64.b64encode(data.getvalue()).decode(), "text/plain": text},
        metadata={"image/jpeg": {"alt": text}},
        raw=True,
    )
