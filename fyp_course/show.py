"""Show videos and contact sheets in a notebook, each with a text that says what is seen.

Videos play on a stage, in step; `stills.py` says where contact sheets take their place.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from IPython.display import Markdown, display

from fyp_course.alt_text import describe_motion
from fyp_course.stage import Stage
from fyp_course.stage.film import MAX_VIDEOS
from fyp_course.stills import (
    STILL_SIZE,
    motion_reduced,
    plain,
    reduced_motion,
    show_picture,
    stills_only,
)
from fyp_lite.keypoints.tracking import follow_people
from fyp_lite.skeleton import check_skeleton_frames
from fyp_lite.skeleton_reader import read_skeletons
from fyp_lite.video import MAX_STILLS, few_frames, strip

# What lessons take from here.
__all__ = [
    "asked_motion",
    "motion_reduced",
    "reduced_motion",
    "show_picture",
    "show_sheet",
    "show_side_by_side",
    "show_video",
    "stills_only",
]

MAX_READ = 32  # frames of a skeleton video that are read for its description,
READ_SIZE = 320  # with their short side at most this many pixels
USUAL_FPS = 8.0  # of a clip at the default stride: near enough for telling people apart


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


def show_video(
    frames: np.ndarray, fps: float, title: str, follows: np.ndarray | None = None
) -> None:
    """Show one video `[f, h, w, 3]` uint8 RGB under its title; see `show_side_by_side`."""
    show_side_by_side({title: frames}, fps, follows)


def show_side_by_side(
    videos: dict[str, np.ndarray], fps: float, follows: np.ndarray | None = None
) -> None:
    """Show videos `{title: [f, h, w, 3] uint8 RGB}` in step; those of another length below.

    `follows` are the skeleton frames that they were made from: for the text that goes with them,
    and where they are one of the videos, they can be laid over the next one.
    """
    asked = asked_motion(follows)
    if stills_only():
        for title, frames in videos.items():
            show_sheet(frames, title, asked)
        return
    lengths = dict.fromkeys(map(len, videos.values()))
    for length in lengths:
        alike = [title for title, frames in videos.items() if len(frames) == length]
        for first in range(0, len(alike), MAX_VIDEOS):
            group = {title: videos[title] for title in alike[first : first + MAX_VIDEOS]}
            alt = asked or next(filter(None, map(_skeleton_motion, group.values())), "")
            display(Stage(group, fps, overlay=_overlay(group, follows), alt=alt))


def _overlay(videos: dict[str, np.ndarray], follows: np.ndarray | None) -> tuple[str, str] | None:
    """Titles of the skeleton and of the video right after it."""
    titles = list(videos)
    for skeleton, result in pairwise(titles):
        if videos[skeleton] is follows:
            return skeleton, result
    return None


def show_sheet(frames: np.ndarray, title: str, asked: str = "") -> None:
    """Show at most eight frames of `[f, h, w, 3]` uint8 RGB as one compressed picture.

    `asked`: the motion that a generated video follows, in the words of `asked_motion`.
    """
    sheet = strip(frames, STILL_SIZE)
    count = min(len(frames), MAX_STILLS)
    text = f"{count} frames from left to right: {title}"
    display(Markdown(f"*{plain(title)}*"))
    show_picture(sheet, _with_motion(text, frames, asked))
