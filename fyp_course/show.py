"""Show videos and contact sheets in a notebook, each with a text that says what is seen.

Where the environment variable FYP_LITE_STILLS is 1, contact sheets take the place of videos: so the
stored notebooks stay small and show something wherever they are read. `reduced_motion()` does the
same for readers whom moving pictures disturb; panels stay.
"""

from __future__ import annotations

import base64
import html
import io
import os
import re

import cv2
import mediapy
import numpy as np
from IPython.display import HTML, Markdown, display
from PIL import Image

from fyp_course.alt_text import describe_motion
from fyp_lite.keypoints.tracking import follow_people
from fyp_lite.skeleton import check_skeleton_frames
from fyp_lite.skeleton_reader import read_skeletons
from fyp_lite.video import MAX_STILLS, encode_mp4, few_frames, strip

STILL_SIZE = 128  # pixels, the height of one frame in a contact sheet
MAX_READ = 32  # frames of a skeleton video that are read for its description,
READ_SIZE = 320  # with their short side at most this many pixels
USUAL_FPS = 8.0  # of a clip at the default stride: near enough for telling people apart


_still = False  # set by reduced_motion


def stills_only() -> bool:
    """Whether contact sheets are shown in place of videos and of panels."""
    return os.environ.get("FYP_LITE_STILLS") == "1"


def reduced_motion(reduce: bool = True) -> None:
    """Show strips of still pictures in place of videos from now on, or videos again (False)."""
    global _still
    _still = reduce


def motion_reduced() -> bool:
    """Whether the reader asked for still pictures (`reduced_motion`)."""
    return _still


def describe(title: str, frames: np.ndarray, fps: float, asked: str = "") -> str:
    """What there is to see, for those who cannot see the video `frames` `[f, h, w, 3]`.

    Of a skeleton video it also says what the people do (`describe_motion`), of any other what it
    was asked to show: the words of `asked_motion`.
    """
    text = f"Video of {len(frames)} frames at {fps:g} frames a second: {title}"
    return _with_motion(text, frames, asked)


def asked_motion(skeleton_frames: np.ndarray | None) -> str:
    """The motion that a video made from `skeleton_frames` `[f, h, w, 3]` was asked for."""
    motion = "" if skeleton_frames is None else _skeleton_motion(skeleton_frames)
    return motion and f"The skeleton it follows: {motion}"


def _with_motion(text: str, frames: np.ndarray, asked: str) -> str:
    motion = _skeleton_motion(frames) or asked
    return f"{text.rstrip('.')}. {motion}" if motion else text


def _skeleton_motion(frames: np.ndarray) -> str:
    """The motion of a skeleton video in words; empty for any other video."""
    moments = frames if len(frames) <= MAX_READ else few_frames(frames)
    height, width = frames.shape[1:3]
    if (shrink := READ_SIZE / min(height, width)) < 1:
        size = (round(width * shrink), round(height * shrink))
        moments = np.stack([cv2.resize(f, size, interpolation=cv2.INTER_AREA) for f in moments])
    try:
        check_skeleton_frames(moments)
    except ValueError:
        return ""
    # The reader orders people from left to right in every frame: without following them, those who
    # cross would seem to stay where they are.
    found, rate = read_skeletons(moments), USUAL_FPS * len(moments) / len(frames)
    motion = describe_motion(follow_people(found, rate, max_people=found.shape[1]))
    return motion if len(moments) == len(frames) else f"At {len(moments)} moments: {motion}"


def video_html(frames: np.ndarray, fps: float, title: str, asked: str = "") -> str:
    """A video that plays by itself in a loop, captioned, as HTML.

    Args:
        frames: `[f, h, w, 3]` uint8 RGB with even sides.
        fps: frames a second.
        title: the caption; any text.
        asked: the motion that a generated video follows, in the words of `asked_motion`.
    """
    height, width = frames.shape[1:3]
    video = mediapy.html_from_compressed_video(encode_mp4(frames, fps), width, height)
    label = html.escape(describe(title, frames, fps, asked))
    return (
        f'<figure style="margin:0 8px 8px 0" role="group" aria-label="{label}">{video}'
        f'<figcaption style="max-width:{width}px; overflow-wrap:anywhere">{html.escape(title)}'
        "</figcaption></figure>"
    )


def show_video(
    frames: np.ndarray, fps: float, title: str, follows: np.ndarray | None = None
) -> None:
    """Show one video `[f, h, w, 3]` uint8 RGB with its title below; see `show_side_by_side`."""
    show_side_by_side({title: frames}, fps, follows)


def show_side_by_side(
    videos: dict[str, np.ndarray], fps: float, follows: np.ndarray | None = None
) -> None:
    """Show videos `{title: [f, h, w, 3] uint8 RGB}` in one row; they start together.

    `follows` are the skeleton frames that they were made from: for the text that goes with them.
    """
    asked = asked_motion(follows)
    if stills_only() or motion_reduced():
        for title, frames in videos.items():
            show_sheet(frames, title, asked)
        return
    figures = "".join(video_html(frames, fps, title, asked) for title, frames in videos.items())
    display(HTML(f'<div style="display:flex; flex-wrap:wrap">{figures}</div>'))


def show_sheet(frames: np.ndarray, title: str, asked: str = "") -> None:
    """Show at most eight frames of `[f, h, w, 3]` uint8 RGB as one compressed picture.

    `asked`: see `describe`.
    """
    sheet = strip(frames, STILL_SIZE)
    count = min(len(frames), MAX_STILLS)
    text = f"{count} frames from left to right: {title}"
    display(Markdown(f"*{plain(title)}*"))
    show_picture(sheet, _with_motion(text, frames, asked))


def show_picture(picture: np.ndarray, text: str) -> None:
    """Show one picture `[h, w, 3]` uint8 RGB, compressed; `text` says what is seen (alt text)."""
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=80, optimize=True)
    if stills_only():  # what is stored is a picture by itself, so that every reader shows it
        display(
            {"image/jpeg": base64.b64encode(data.getvalue()).decode(), "text/plain": text},
            metadata={"image/jpeg": {"alt": text}},
            raw=True,
        )
    else:  # JupyterLab and the classic front end leave out the text of such a picture
        style = f"width:{picture.shape[1]}px; max-width:100%; height:auto"
        display(HTML(picture_html(data.getvalue(), "jpeg", text, style)))


def plain(text: str) -> str:
    """Any text as Markdown that shows it as it was typed."""
    return re.sub(r"([\\`*_\[\]~$|#])", r"\\\1", html.escape(text, quote=False))


def picture_html(data: bytes, kind: str, text: str, style: str) -> str:
    """A picture as HTML.

    Args:
        data: the file's bytes.
        kind: its format, such as "jpeg".
        text: any text that says what is seen.
        style: its CSS.
    """
    return (
        f'<img alt="{html.escape(text)}" decoding="sync" style="display:block; {style}" '
        f'src="data:image/{kind};base64,{base64.b64encode(data).decode()}">'
    )
