"""Lesson 03, space: its questions and exercises, and a measure."""

from __future__ import annotations

import numpy as np

from fyp_course.exercises.quiz import Exercise, predict
from fyp_course.panels.lens import cut_joints, cut_sentence
from fyp_lite.clip import Clip
from fyp_lite.cropping import crop_box
from fyp_lite.settings import ClipSettings
from fyp_lite.skeleton import JOINTS

MIN_ZOOM = 1.3
NEEDED = {*JOINTS[:5], "left_wrist", "right_wrist"}

# ---------------------------------------------------------------------------- questions


def guess_top_and_bottom() -> None:
    predict(
        "The clip is square, and you trim 200 of its 512 reference pixels on the right only. What "
        "happens at the top and at the bottom?",
        [
            "nothing: the picture keeps its full height",
            "100 fall away at the top and 100 at the bottom",
            "the figure is squeezed to fit",
        ],
        answer="100 fall away at the top and 100 at the bottom",
        why="312 × 512 are left after trimming. The largest square in that is 312 × 312, taken "
        "from the middle, so 200 more go: half above, half below.",
    )


def guess_what_is_left() -> None:
    predict(
        "The dancer stands near the middle. With `crop_right` 200 and `crop_top` 200, what does "
        "the model still see of the skeleton?",
        [
            "all of it, smaller",
            "the head and the arms, larger",
            "the hips, the legs and one arm, larger",
        ],
        answer="the hips, the legs and one arm, larger",
        why="What stays is the lower left part, 312 of 512 reference pixels wide: the head is "
        "above it, the raised arm and part of a leg are to the right of it.",
    )


def guess_the_detail() -> None:
    predict(
        "Which way gives the square more painted detail?",
        ["crop the skeleton, then paint", "paint, then crop the video", "no difference"],
        answer="crop the skeleton, then paint",
        why="The model then spends all its 256 × 256 pixels on the square. Afterwards only "
        "156 × 156 of the painted pixels lie in it, and they are stretched.",
    )


# ---------------------------------------------------------------------------- exercises


def zoom_in(clip: Clip, joints: np.ndarray) -> Exercise:
    """Make the dancer 1.3 times as large without cutting a joint.

    Args:
        joints: `[f, 1, 17, 3]` of the default frames, in pixels of the clip.
    """

    def check(settings: ClipSettings) -> str | None:
        if settings.frame_indices() != ClipSettings().frame_indices():
            return "Keep the eight default frames: only the crop is to change."
        try:
            box = crop_box(clip.height, clip.width, settings)
        except ValueError as error:
            return str(error)
        zoom = clip.height / (box.bottom - box.top)
        if zoom < MIN_ZOOM:
            return f"The dancer is {zoom:.2f} times as large, but at least 1.3 are asked for."
        cut = cut_joints(joints, box)
        return cut_sentence(cut, len(joints)) if cut else None

    return Exercise(
        "Zoom in 1.3 times without cutting a joint",
        check,
        hints=[
            "The dancer is tall and slim: top and bottom decide. The sides follow by themselves.",
            "1.3 times as large means that at most 512 / 1.3 = 393 reference pixels may be left.",
            "About 120 have to go in all: roughly 75 of them at the top, the rest at the bottom.",
        ],
        solution=ClipSettings(crop_top=76, crop_bottom=44),
    )


def one_of_two(pair: Clip, people: np.ndarray) -> Exercise:
    """Leave only the person on the left, with face and wrists.

    Args:
        people: `[f, 2, 17, 3]` of the default frames, from left to right, in pixels of the clip.
    """

    def check(settings: ClipSettings) -> str | None:
        try:
            box = crop_box(pair.height, pair.width, settings)
        except ValueError as error:
            return str(error)
        count = len(people)
        cut_left, cut_right = cut_joints(people[:, :1], box), cut_joints(people[:, 1:], box)
        inside = [name for name in JOINTS if cut_right.get(name, 0) < count]
        if inside:
            return f"Of the other person's {len(JOINTS)} joints, some frame shows {len(inside)}."
        lost = {name: frames for name, frames in cut_left.items() if name in NEEDED}
        return cut_sentence(lost, count) if lost else None

    return Exercise(
        "Only the person on the left, with face and wrists",
        check,
        hints=[
            "One of the four numbers is enough.",
            "Trim on the right, about half of the 512. Top and bottom follow by themselves.",
            "Too much on the right also takes from the top: stay between 240 and 256.",
        ],
        solution=ClipSettings(crop_right=250),
    )


# ---------------------------------------------------------------------------- a measure


def sharpness(video: np.ndarray) -> float:
    """How much neighbouring pixels differ, of 255: detail raises it, stretching lowers it."""
    pixels = video.astype(float)
    down, across = (np.abs(np.diff(pixels, axis=axis)).mean() for axis in (1, 2))
    return float(down + across) / 2
