"""Questions and exercises of lesson 06, the guidance scale."""

from __future__ import annotations

from fyp_course.exercises.quiz import Exercise, predict
from fyp_lite.cost import network_evaluations
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import SampleSettings


def guess_the_plain_answer() -> None:
    """Which scale takes the answer with the sentence as it is?"""
    predict(
        "By this line: which scale takes the answer with the sentence exactly as it is?",
        ["0", "1", "10"],
        answer="1",
        why="At 1 the line says uncond + text - uncond, which is text. "
        "At 0 the sentence drops out, and above 1 it is exaggerated.",
    )


def guide_by_hand() -> Exercise:
    """Guidance with two plain numbers."""
    return Exercise(
        "Guide 0.2 towards 0.5 at scale 4",
        lambda value: None if abs(value - 1.4) < 0.005 else f"{value:g} is not what comes out.",
        hints=[
            "Begin with the answer without the sentence, 0.2.",
            "Add four times the difference of the two answers.",
            "0.2 + 4 * (0.5 - 0.2)",
        ],
        solution=0.2 + 4 * (0.5 - 0.2),
    )


def guess_scale_zero() -> None:
    """How do two sentences differ at scale 0?"""
    predict(
        "At scale 0, how much do the videos of `a panda on the sea` and `a robot on the moon` "
        "differ?",
        ["Not at all", "A little, in the background", "As much as at any other scale"],
        answer="Not at all",
        why="At scale 0 the sentence has dropped out of the formula, so there is nothing in which "
        "the two runs could differ. The next cell measures it.",
    )


def guess_the_time() -> None:
    """Does a larger scale take longer?"""
    predict(
        "A run at scale 30, compared with one at scale 4: how long does it take?",
        ["Seven times as long", "Somewhat longer", "Just as long"],
        answer="Just as long",
        why="The scale is a number in one multiplication. What costs time is asking the network, "
        "and at both scales it gives two answers a step. The next cells count the answers and "
        "measure the seconds.",
    )


def guide_in_part(pipeline: FollowYourPosePipeline) -> Exercise:
    """Settings of 20 steps at scale 4 that need 30 answers at most."""

    def check(settings: SampleSettings) -> str | None:
        answers = network_evaluations(pipeline, settings)
        if settings.num_inference_steps != 20:
            return f"These are {settings.num_inference_steps} steps; 20 are asked for."
        if pipeline.guidance_scale(settings) != 4:
            return f"The guidance scale is {pipeline.guidance_scale(settings):g}; 4 is asked for."
        if answers > 30:
            return f"These settings need {answers} answers."
        if answers == 20:
            return "These settings need 20 answers: guidance works in no step at all."
        return None

    return Exercise(
        "Choose settings with 20 steps at scale 4 that need no more than 30 network evaluations",
        check,
        hints=[
            "20 steps with guidance in each need 40 answers. How many may have it?",
            "Half of the run: let guidance end in the middle.",
            "SampleSettings(num_inference_steps=20, guidance_scale=4, guidance_end=0.5)",
        ],
        solution=SampleSettings(num_inference_steps=20, guidance_scale=4, guidance_end=0.5),
    )
