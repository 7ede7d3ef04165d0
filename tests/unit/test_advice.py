"""What users are told about a prompt before the run."""

from __future__ import annotations

import numpy as np
import pytest

from fyp_lite import data_dir
from fyp_lite.advice import count_people, prompt_advice
from fyp_lite.clip import prepare_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.world.captions import count_characters


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


class KnowsAll:
    @staticmethod
    def unknown_words(_prompt: str) -> dict[str, list[str]]:
        return {}


class KnowsPandas:
    @staticmethod
    def unknown_words(_prompt: str) -> dict[str, list[str]]:
        return {"pandda": ["panda", "pandas"], "xylophon": []}


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


def test_more_characters_than_people_are_named(frames):
    prompt = "a panda and a robot"
    assert prompt_advice(KnowsAll(), prompt, frames["two_people"]) == []
    (sentence,) = prompt_advice(KnowsAll(), prompt, frames["dance"])
    assert "names 2 characters" in sentence
    assert "hold 1 person" in sentence


def test_unknown_words_come_with_near_ones(frames):
    first, second = prompt_advice(KnowsPandas(), "a pandda", frames["dance"])
    assert first.endswith("“pandda”: did you mean panda or pandas?")
    assert second.endswith("“xylophon”.")


def test_the_negative_prompts_words_are_looked_at_too(frames):
    class KnowsSea:
        @staticmethod
        def unknown_words(text: str) -> dict[str, list[str]]:
            return {word: ["sea"] for word in text.split() if word != "sea"}

    assert prompt_advice(KnowsSea(), "sea", frames["dance"], "sea") == []
    (sentence,) = prompt_advice(KnowsSea(), "sea", frames["dance"], "sae")
    assert sentence == "The model does not know the word “sae”: did you mean sea?"
