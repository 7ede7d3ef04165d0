"""Questions and exercises of lesson 07, inside the model."""

from __future__ import annotations

from collections.abc import Sequence

from fyp_course.exercises.quiz import Exercise, predict
from fyp_course.panels.words import frames_that_change
from fyp_lite.pipeline import FollowYourPosePipeline


def guess_the_coarsest_level() -> None:
    """Is a map of fewer places of less use?"""
    predict(
        "A feature map of the coarsest level has fewer places than one of the finest level. "
        "Is it of less use, then?",
        [
            "Yes: it is the same picture, only blurred",
            "No: each of its places holds more numbers and knows more of its surroundings",
        ],
        answer="No: each of its places holds more numbers and knows more of its surroundings",
        why="The next cell prints the sizes as numbers per place x height x width.",
    )


def guess_where_ninja_is() -> None:
    """Where is a word looked for?"""
    predict(
        "The prompt is `a ninja on the stage`. Where should the word `ninja` be looked for?",
        ["Everywhere alike", "Mostly where the figure stands", "Mostly in what is around it"],
        answer="Mostly where the figure stands",
        why="At least, that would be sensible. Whether this network does so is measured two cells "
        "below.",
    )


def find_who_changes(pipeline: FollowYourPosePipeline) -> Exercise:
    """Which frames come out of cross-frame attention differently when frame 3 is changed?"""
    right = frames_that_change(pipeline, 3)

    def check(frames: Sequence[int]) -> str | None:
        if sorted(frames) == right:
            return None
        if 0 in frames:
            return "Frame 0 looks at itself alone, so a change in frame 3 cannot reach it."
        return "A frame is missing, or one is too many: think of who looks at frame 3."

    return Exercise(
        "Which frames change with frame 3?",
        check,
        hints=[
            "Frame 3 asks its own questions (queries), and these change.",
            "Frame i looks at frame 0 and at frame i - 1. For which i is that frame 3?",
            "There are two: frame 3 itself, and the frame after it.",
        ],
        solution=right,
    )


def guess_what_forgets_the_kick() -> None:
    """Which part carries the skeleton?"""
    predict(
        "Which switch makes the figure forget the kick?",
        ["Pose encoder", "Cross-frame attention", "Temporal attention", "Temporal convolution"],
        answer="Pose encoder",
        why="Its features are the only way by which the skeleton reaches the UNet.",
    )


def guess_what_holds_still() -> None:
    """What keeps the background still?"""
    predict(
        "The background hardly changes from frame to frame. What does most of that, in this small "
        "model?",
        [
            "Cross-frame attention: every frame looks at the first one",
            "Temporal attention and convolution: every place looks at other times",
            "The noise: all frames start from the same one",
        ],
        answer="The noise: all frames start from the same one",
        why="Parts that look across frames can be switched off, and the noise can be drawn for "
        "each frame by itself. The next cells do both and measure the flicker.",
    )
