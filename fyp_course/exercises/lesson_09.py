"""Questions and exercises of lesson 09, the full model."""

from __future__ import annotations

from dataclasses import replace

from fyp_course.exercises.quiz import Exercise, predict
from fyp_lite.cost import network_evaluations
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import SampleSettings


def guess_the_size() -> None:
    """How much larger is the full model?"""
    predict(
        "How many times as many parameters as the lite model's UNet and pose encoder has the "
        "full one?",
        ["About 5 times", "About 20 times", "More than 50 times"],
        answer="More than 50 times",
        why="Parameters grow with the square of the width, and the full network is wider on every "
        "level and has twice as many layers on each. The next cell counts both.",
    )


def guess_the_long_clip() -> None:
    """What does a clip of 128 frames take more of?"""
    predict(
        "A clip of 32 frames, and one of 128, on the same GPU. What grows about four times?",
        ["Memory and time", "Time only", "Memory only"],
        answer="Time only",
        why="A long clip goes through windows of eight frames, one after the other. So the network "
        "holds one window at a time, and only has to come back more often; what grows in memory "
        "is the pose's features, which are kept of all frames.",
    )


def quarter_of_the_work(pipeline: FollowYourPosePipeline) -> Exercise:
    """The most steps within a quarter of the published run's answers, at its guidance scale."""
    published = SampleSettings(num_inference_steps=50, guidance_scale=12.5)

    def check(value: SampleSettings) -> str | None:
        if value.guidance_scale != published.guidance_scale:
            return f"The guidance scale is {value.guidance_scale}: keep it at 12.5."
        more = replace(value, num_inference_steps=value.num_inference_steps + 1)
        share, larger = (
            network_evaluations(pipeline, settings) / network_evaluations(pipeline, published)
            for settings in (value, more)
        )
        if share > 0.25:
            return f"That is {share:.0%} of the work."
        if larger <= 0.25:
            return f"That is {share:.0%} of the work, so more steps fit."
        return None

    return Exercise(
        "A quarter of the work",
        check,
        hints=[
            "Work grows in proportion to the steps.",
            "50 divided by 4 is no whole number: round down.",
            "`SampleSettings(num_inference_steps=12, guidance_scale=12.5)`",
        ],
        solution=SampleSettings(num_inference_steps=12, guidance_scale=12.5),
    )
