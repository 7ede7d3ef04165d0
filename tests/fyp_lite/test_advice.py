"""What users are told about a prompt before the run."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import build_tiny_pipeline

from fyp_lite import data_dir
from fyp_lite.advice import count_people, prompt_advice
from fyp_lite.opening import prepare_clip
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.vocabulary import count_characters


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("", 0),
        ("on the sea at sunset", 0),
        ("A Panda on the sea", 1),
        ("Batman brown background", 1),
        ("a police officer and an iron man", 2),
        ("two tiny pandas and a robot in the park", 3),
        ("a pair of cute brown bears", 2),
        ("pandas on the moon", 2),
        ("5 robots", 5),
        ("two people watch a panda", 1),
    ],
)
def test_characters_of_a_prompt_are_counted(prompt, count):
    assert count_characters(prompt) == count


@pytest.fixture(scope="module")
def pipeline():
    return build_tiny_pipeline(["a", "and", "panda", "robot", "sea"])


@pytest.fixture(scope="module")
def frames() -> dict[str, np.ndarray]:
    clips = data_dir() / "clips"
    settings = ClipSettings(num_frames=3)
    names = ("dance", "two_people")
    return {n: prepare_clip(clips / f"{n}.mp4", settings, 256).frames for n in names}


def test_people_of_a_clip_are_counted(frames):
    assert count_people(frames["dance"]) == 1
    assert count_people(frames["two_people"]) == 2
    assert count_people(np.zeros((2, 64, 64, 3), np.uint8)) == 0


def test_more_characters_than_people_are_named(pipeline, frames):
    prompt = "a panda and a robot"
    assert prompt_advice(pipeline, prompt, frames["two_people"]) == []
    (sentence,) = prompt_advice(pipeline, prompt, frames["dance"])
    assert "names 2 characters" in sentence
    assert "hold 1 person" in sentence


def test_unknown_words_come_with_near_ones(pipeline, frames):
    first, second = prompt_advice(pipeline, "a pandda, xylophon", frames["dance"])
    assert first.endswith("“pandda”: did you mean panda?")
    assert second.endswith("“xylophon”.")


def test_the_negative_prompts_words_are_looked_at_too(pipeline, frames):
    guided = SampleSettings(guidance_scale=2)
    assert prompt_advice(pipeline, "sea", frames["dance"], "sea", guided) == []
    (sentence,) = prompt_advice(pipeline, "sea", frames["dance"], "sae", guided)
    assert sentence == "The model does not know the word “sae”: did you mean sea?"


def test_a_negative_prompt_without_guidance_is_named(pipeline, frames):
    settings = SampleSettings(guidance_scale=1)
    (sentence,) = prompt_advice(pipeline, "sea", frames["dance"], "sea", settings)
    assert "no effect at guidance scale 1: set guidance_scale to more" in sentence
    assert prompt_advice(pipeline, "sea", frames["dance"], "", settings) == []
    guided = SampleSettings(guidance_scale=2)
    assert prompt_advice(pipeline, "sea", frames["dance"], "sea", guided) == []


def test_a_prompt_that_the_model_refuses_gets_no_advice(pipeline, frames):
    for prompts in (("panda " * 200, ""), ("panda", "sea " * 200)):
        with pytest.raises(ValueError, match="shorten it"):
            prompt_advice(pipeline, prompts[0], frames["dance"], prompts[1])


def test_an_interval_that_no_step_meets_is_said(pipeline, frames):
    never = SampleSettings(1, guidance_scale=4.0, guidance_start=0.6)
    (sentence,) = prompt_advice(pipeline, "sea", frames["dance"], settings=never)
    assert "Guidance works in none of the 1 steps" in sentence and "0.5" in sentence
    never = SampleSettings(20, guidance_scale=4.0, guidance_start=0.49, guidance_end=0.51)
    (sentence,) = prompt_advice(pipeline, "sea", frames["dance"], settings=never)
    assert "0.475" in sentence
    for fine in (
        SampleSettings(2, guidance_scale=4.0, guidance_start=0.6),
        SampleSettings(1, guidance_scale=1.0, guidance_start=0.6),
        SampleSettings(1, guidance_scale=0.0, guidance_start=0.6),
    ):
        assert prompt_advice(pipeline, "sea", frames["dance"], settings=fine) == []
