"""The exercise of lesson 11: what passes, and what each slip is told."""

from __future__ import annotations

import pytest

from fyp_course.exercises import lesson_11
from fyp_lite.settings import SampleSettings


def ten(**settings: float) -> SampleSettings:
    return SampleSettings(num_inference_steps=10, **settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            SampleSettings(num_inference_steps=20, pose_start=0.5),
            "These are 20 steps; 10 are",
        ),
        (ten(pose_strength=0.5, pose_start=0.5), "The pose strength is 0.5; 1 is asked for"),
        (ten(), "The skeleton is seen in 10 steps; at most 6 are allowed"),
        (ten(pose_end=0.6), "70% of the joints are in place, of 96% with all steps"),
        (ten(pose_start=0.4), ""),
    ],
)
def test_what_the_window_exercise_says(settings, said, capsys):
    exercise = lesson_11.save_the_skeleton(lambda s: 0.95 if s.pose_end == 1 else 0.7, 0.96)
    problem = exercise._problem(settings)
    assert (said in problem) if said else problem is None


def test_its_own_solution_passes():
    exercise = lesson_11.save_the_skeleton(lambda s: 0.95, 0.96)
    assert exercise._problem(exercise.solution()) is None
