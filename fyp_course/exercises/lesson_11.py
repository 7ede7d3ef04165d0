"""Questions and exercises of lesson 11, how strongly to follow."""

from __future__ import annotations

from collections.abc import Callable

from fyp_course.exercises.quiz import Exercise, predict
from fyp_lite.settings import SampleSettings

STEPS, MOST_STEPS, ENOUGH = 10, 6, 0.95


def guess_half_the_strength() -> None:
    """What does half the strength do?"""
    predict(
        "Pose strength 0.5: what will the astronaut do?",
        [
            "Raise its arms half as high",
            "Do nearly the same jumping jacks, a little less exactly",
            "Stand still",
        ],
        answer="Do nearly the same jumping jacks, a little less exactly",
        why="The strength says how loudly the skeleton is heard, not how far it moves. The network "
        "was trained with a strength of 1 only; a quieter skeleton is still the same skeleton.",
    )


def guess_when_it_is_decided() -> None:
    """Which part of the run decides the motion?"""
    predict(
        "The run has 10 steps. In which of them must the network see the skeleton, above all?",
        ["In the first two", "In the middle", "In the last two"],
        answer="In the middle",
        why="The next cell measures it. In the first steps no arm can be seen in the noise "
        "yet; in the last ones the forms stand and only details change.",
    )


def save_the_skeleton(joints: Callable[[SampleSettings], float], whole: float) -> Exercise:
    """A pose window of few steps that keeps nearly all of the joints.

    Args:
        joints: the share of joints in place of a video made with these settings, 0...1.
        whole: that share with the skeleton in every step.
    """

    def check(settings: SampleSettings) -> str | None:
        posed = sum(map(settings.posed, range(settings.num_inference_steps)))
        if settings.num_inference_steps != STEPS:
            return f"These are {settings.num_inference_steps} steps; {STEPS} are asked for."
        if settings.pose_strength != 1:
            return f"The pose strength is {settings.pose_strength:g}; 1 is asked for."
        if posed > MOST_STEPS:
            return f"The skeleton is seen in {posed} steps; at most {MOST_STEPS} are allowed."
        found = joints(settings)
        if found < ENOUGH * whole:
            return f"{found:.0%} of the joints are in place, of {whole:.0%} with all steps."
        return None

    return Exercise(
        f"Show the skeleton in at most {MOST_STEPS} of {STEPS} steps and keep {ENOUGH:.0%} of the "
        "joints",
        check,
        hints=[
            "Look at the chart: which steps can do without, those at the beginning or at the end?",
            "A late start costs little: leave out the first four steps.",
            f"SampleSettings(num_inference_steps={STEPS}, pose_start=0.4)",
        ],
        solution=SampleSettings(num_inference_steps=STEPS, pose_start=0.4),
    )
