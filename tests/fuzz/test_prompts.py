"""Prompts of any text, and arrays that are no skeleton frames: a video or one sentence."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from fuzzing import ANYTHING, TEXTS, answer, cases, refused
from helpers import build_tiny_pipeline
from hypothesis import given
from hypothesis import strategies as st

from fyp_lite.advice import prompt_advice
from fyp_lite.settings import SampleSettings

FRAMES = np.zeros((1, 16, 16, 3), np.uint8)
SHORT = SampleSettings(1, guidance_scale=1.0)
MAX_SECONDS = 20  # for advice, on a busy machine


@pytest.fixture(scope="module")
def pipeline():
    return build_tiny_pipeline(["a", "panda", "on", "the", "sea"])


@cases(40, 1000)
@given(TEXTS)
def test_any_text_is_read_or_refused(pipeline, text):
    read = answer("prompts", lambda: pipeline.encode_prompt([text]), text, repr(text)[:41])
    words = answer("prompts", lambda: pipeline.unknown_words(text), text, repr(text)[:41])
    if not refused(read):
        assert bool(read.isfinite().all())
        assert not {"a", "panda", "on", "the", "sea"} & words.keys()


@cases(12, 400)
@given(ANYTHING, ANYTHING)
def test_anything_as_prompt_and_negative_prompt(pipeline, prompt, negative):
    texts = [part for value in (prompt, negative) for part in (str(value), repr(value)[:40])]
    settings = SampleSettings(1, guidance_scale=2.0)
    made = answer(
        "prompts", lambda: pipeline(prompt, FRAMES, settings, negative_prompt=negative), *texts
    )
    if not isinstance(prompt, str) or not isinstance(negative, str):
        assert refused(made)


@cases(12, 400)
@given(
    st.lists(st.integers(0, 4) | st.sampled_from([8, 15, 16, 24, 64]), max_size=5),
    st.sampled_from(["uint8", "float32", "int64", "bool", "object", "U3"]),
)
def test_arrays_of_any_shape_and_kind(pipeline, shape, kind):
    frames = np.zeros(shape, kind)
    made = answer("skeleton frames", lambda: pipeline("a panda", frames, SHORT))
    if not refused(made):
        assert made.video.shape == frames.shape and frames.dtype == np.uint8


@cases(12, 300)
@given(st.lists(ANYTHING, max_size=2), st.integers(1, 2))
def test_seeds(pipeline, seeds, prompts):
    texts = [part for seed in seeds for part in (str(seed), repr(seed))]
    made = answer(
        "prompts", lambda: pipeline(["a panda"] * prompts, FRAMES, SHORT, seeds=seeds), *texts
    )
    if not refused(made):
        assert len(made.videos) == len(seeds)


@cases(6, 150)
@given(st.floats(0, allow_infinity=False))
def test_no_guidance_scale_makes_a_picture_of_what_is_no_number(pipeline, scale):
    settings = SampleSettings(1, guidance_scale=scale)
    made = answer("settings", lambda: pipeline("a panda", FRAMES, settings))
    assert refused(made) or bool(torch.isfinite(made.latents).all())


@pytest.mark.parametrize("text", ["ab " * 3333, "b" * 10_000, " ".join(map(str, range(2500)))])
def test_advice_on_ten_thousand_letters_takes_no_time(pipeline, text):
    began = time.perf_counter()
    advice = answer("prompts", lambda: prompt_advice(pipeline, text, FRAMES))
    assert refused(advice) if " " in text else len(advice) == 1
    assert time.perf_counter() - began < MAX_SECONDS
