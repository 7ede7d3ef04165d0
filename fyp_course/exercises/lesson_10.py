"""Questions and exercises of lesson 10, the playground."""

from __future__ import annotations

from pathlib import Path

from fyp_course.exercises.quiz import Exercise, predict
from fyp_lite.clip import Clip
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.request import Request
from fyp_lite.sweeps.sheet import Sweep


def guess_what_is_known() -> None:
    """What does a pair tell that differs in two settings?"""
    predict(
        "You generate A. Then you change the stride and the seed, generate B, and like B better. "
        "What do you know about the stride?",
        ["A larger stride is better", "Nothing yet", "The stride does not matter"],
        answer="Nothing yet",
        why="Two things changed at once, and either may be the cause. Change one, keep the rest.",
    )


def guess_the_sweep() -> None:
    """What does a sweep of three guided scales on two seeds cost?"""
    predict(
        "Three guidance scales, all above 1, on two seeds, eight steps each. How long will that "
        "take, compared with one video of eight steps?",
        ["5 times as long", "6 times as long", "8 times as long"],
        answer="6 times as long",
        why="Every pair of values is a video of its own: 3 × 2 = 6. Were one of the scales 1, it "
        "would be less: without guidance a step needs one answer of the network, not two "
        "(lesson 06).",
    )


def guess_the_repeat() -> None:
    """How far is a video that was made again from its card?"""
    predict(
        "Somebody loads this card on the same machine and runs it. How does the video differ?",
        ["Not at all", "A little, as the noise is random", "It is another take of the scene"],
        answer="Not at all",
        why="The noise is drawn from the seed, which is on the card. On other hardware, sums are "
        "rounded a little differently, and tiny differences can remain.",
    )


def find_the_difference() -> Exercise:
    """The setting in which the friend's card differs from A: the negative prompt."""

    def check(name: str) -> str | None:
        setting = name.partition(":")[0]  # of the whole line that `differences` gives, too
        if setting.strip().lower().replace("_", " ") in ("negative prompt", "negative"):
            return None
        return f"{name!r} is not it: that is the same on both cards, or no setting's name."

    return Exercise(
        "The setting in which the friend's card differs",
        check,
        hints=[
            "Run differences(card_a, card_friend), the commented line, without its `#`.",
            "What stands before the colon is the setting's name.",
            "It is a second prompt: one that says what to lead away from.",
        ],
        solution="negative prompt",
    )


def plan_the_sweep(pipeline: FollowYourPosePipeline, request: Request, out: Path) -> Exercise:
    """Three strides on two seeds, as the rows and columns of a sweep; nothing is generated.

    Args:
        request: what all videos of the sweep have in common.
        out: the sweep's folder.
    """

    def check(plan: dict) -> str | None:
        if plan.keys() != {"rows", "columns"}:
            return "A plan has two entries, rows and columns."
        try:
            job = Sweep(pipeline, request, plan["rows"], plan["columns"], out)
        except ValueError as error:
            return str(error)
        axes = dict([job.rows, job.columns])
        if axes.keys() != {"frame_stride", "seed"}:
            return f"It varies {' and '.join(axes)}, but the stride and the seed are asked for."
        if (len(axes["frame_stride"]), len(axes["seed"])) != (3, 2):
            counts = f"{len(axes['frame_stride'])} strides and {len(axes['seed'])} seeds"
            return f"It has {counts}, but three strides and two seeds are asked for."
        return None

    assert isinstance(request.clip, Clip)  # the lesson opened it
    count = request.clip.num_frames
    largest = (count - 1) // (request.clip_settings.num_frames - 1)
    return Exercise(
        "Three strides on two seeds",
        check,
        hints=[
            "The settings are called frame_stride and seed. Either may be the rows.",
            f"The clip has {count} frames, and eight pictures have seven gaps: a "
            f"stride of {largest} still fits.",
            'Rows could be {"frame_stride": [1, 3, 9]}, and columns {"seed": [0, 1]}.',
        ],
        solution={"rows": {"frame_stride": [1, 3, 9]}, "columns": {"seed": [0, 1]}},
    )
