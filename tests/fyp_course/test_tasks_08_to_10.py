"""The exercises of lessons 08 to 10: what passes, and what each slip is told."""

from __future__ import annotations

from dataclasses import replace

from helpers import build_tiny_pipeline, passes, tried
from torch import nn

from fyp_course.exercises import lesson_08, lesson_09, lesson_10
from fyp_lite import data_dir
from fyp_lite.opening import open_clip
from fyp_lite.request import Request
from fyp_lite.settings import SampleSettings
from fyp_world.world.characters import CHARACTERS


def test_a_character_needs_a_new_name_and_another_colour(said):
    bear = CHARACTERS["bear"]
    palette = bear.palette | {"skin": (86, 190, 76)}
    exercise = lesson_08.make_a_character(replace(bear, name="frog", palette=palette))
    for taken in ("panda", "kitten", "walking"):
        assert "has the word" in tried(exercise, said, replace(bear, name=taken, palette=palette))
    for same in (bear.palette, bear.palette | {"skn": (86, 190, 76)}):
        wrong = replace(bear, name="frog", palette=same)
        assert "change one of skin, muzzle" in tried(exercise, said, wrong)
    told = tried(exercise, said, wrong)
    assert "The bear has no colour" in told and "skn" in told
    for colour in ((300, 0, 0), [86, 190, 76], (0.3, 0.7, 0.3), "green"):
        wrong = replace(bear, name="frog", palette=palette | {"skin": colour})
        assert "three whole numbers" in tried(exercise, said, wrong)
    assert passes(exercise, said)


def test_a_character_that_was_added_is_still_right(said, monkeypatch):
    """The cell is run again after the next one."""
    frog = replace(
        CHARACTERS["bear"], name="frog", palette={"skin": (1, 2, 3), "muzzle": (4, 5, 6)}
    )
    monkeypatch.setitem(CHARACTERS, "frog", frog)
    assert passes(lesson_08.make_a_character(frog), said)


def test_the_trained_share_counts_numbers_not_tensors(said):
    network = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 12, bias=False))
    network[0].requires_grad_(False)
    exercise = lesson_08.share_that_is_trained(network)
    assert "0.500 is too small" in tried(exercise, said, 0.5)
    assert "75 is no share: give a number from 0 to 1" in tried(exercise, said, 75)
    assert "-0.1 is no share" in tried(exercise, said, -0.1)
    assert passes(exercise, said) and exercise.solution() == 0.75


def test_a_quarter_of_the_work_is_twelve_steps(said):
    exercise = lesson_09.quarter_of_the_work(build_tiny_pipeline([]))
    for steps, scale, told in ((12, 1.0, "keep it at 12.5"), (13, 12.5, "26%"), (11, 12.5, "fit")):
        settings = SampleSettings(num_inference_steps=steps, guidance_scale=scale)
        assert told in tried(exercise, said, settings)
    half = SampleSettings(num_inference_steps=12, guidance_scale=12.5, guidance_end=0.5)
    assert "18% of the work, so more steps fit" in tried(exercise, said, half)
    assert passes(exercise, said)


def test_the_friend_and_the_sweep(said, tmp_path):
    assert "is not it" in tried(lesson_10.find_the_difference(), said, "seed")
    for name in ("Negative", "negative prompt: none → moon"):  # the panel's name, the printed line
        by_label = lesson_10.find_the_difference()
        by_label.check(name)
        assert by_label.passed
    assert passes(lesson_10.find_the_difference(), said)

    clip = open_clip(data_dir() / "clips" / "dance.mp4")
    request = Request("a panda", clip, sample_settings=SampleSettings(num_inference_steps=2))
    exercise = lesson_10.plan_the_sweep(build_tiny_pipeline([]), request, tmp_path)
    two = {"rows": {"frame_stride": [1, 6]}, "columns": {"seed": [0, 1]}}
    assert "2 strides and 2 seeds" in tried(exercise, said, two)
    other = {"rows": {"guidance_scale": [2, 3]}, "columns": {"seed": [0, 1]}}
    assert "varies guidance_scale and seed" in tried(exercise, said, other)
    assert "two entries" in tried(exercise, said, {"rows": {}})
    assert passes(exercise, said)
