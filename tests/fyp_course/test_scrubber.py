"""The step scrubber: what it keeps of each step, and what the slider shows."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
import torch
from helpers import press_generate, shown_bytes

import fyp_lite
from fyp_course.panels.scrubber import STILL, StepScrubber, draw_strip, watch_steps
from fyp_lite.opening import prepare_clip
from fyp_lite.settings import ClipSettings, SampleSettings

PROMPT = "a panda on the sea"
SETTINGS = SampleSettings(num_inference_steps=4, seed=3)


@pytest.fixture(scope="module")
def skeleton():
    clip = fyp_lite.data_dir() / "clips" / "dance.mp4"
    return prepare_clip(clip, ClipSettings(num_frames=3), 64).frames


@pytest.fixture
def scrubber(tiny_pipeline, skeleton):
    return StepScrubber(tiny_pipeline, skeleton, PROMPT, SETTINGS)


@pytest.mark.parametrize("shared", [0.0, 0.6])
def test_each_step_holds_what_the_network_got(tiny_pipeline, skeleton, monkeypatch, shared):
    tiny_pipeline.register_to_config(shared_noise=shared)
    got, forward = [], tiny_pipeline.unet.forward

    def listening(sample, *arguments, **options):
        got.append(sample[:1].clone())
        return forward(sample, *arguments, **options)

    monkeypatch.setattr(tiny_pipeline.unet, "forward", listening)
    views = list(watch_steps(tiny_pipeline, PROMPT, skeleton, SETTINGS))
    for view, sample in zip(views, got, strict=True):
        torch.testing.assert_close(view.latents, sample)
    tiny_pipeline.register_to_config(shared_noise=0.0)


def test_noise_falls_from_all_to_little(tiny_pipeline, skeleton):
    views = list(watch_steps(tiny_pipeline, PROMPT, skeleton, SETTINGS))
    shares = [view.noise_share for view in views]
    assert shares[0] == pytest.approx(1) and shares == sorted(shares, reverse=True)
    assert [view.index for view in views] == [0, 1, 2, 3]
    assert all(view.seen.shape == view.expected.shape == (64, 64, 3) for view in views)


def test_a_strip_has_a_column_for_each_of_up_to_eight_steps(tiny_pipeline, skeleton):
    views = list(watch_steps(tiny_pipeline, PROMPT, skeleton, SETTINGS))
    widths = [draw_strip(views[:count]).shape[1] for count in (1, 2, 4)]
    assert np.diff(widths).tolist() == [STILL + 6, 2 * (STILL + 6)]
    assert draw_strip(views * 5).shape[1] == draw_strip(views * 2).shape[1]
    with pytest.raises(ValueError, match="no steps to draw"):
        draw_strip([])


def test_the_run_is_the_pipelines_and_the_slider_shows_every_step(scrubber, tiny_pipeline):
    press_generate(scrubber)
    expected = tiny_pipeline(PROMPT, scrubber.skeleton_frames, SETTINGS).video
    assert (scrubber.video == expected).all()
    assert (scrubber.step.min, scrubber.step.max, scrubber.step.value) == (1, 4, 4)
    shown = set()
    for step in range(1, 5):
        scrubber.step.value = step
        assert f"<b>Step {step} of 4</b> · timestep {1000 - 250 * (step - 1) - 1}" in (
            scrubber.caption.value
        )
        assert f"expects in step {step} of 4" in scrubber.expected.alt
        shown.add((shown_bytes(scrubber.seen), shown_bytes(scrubber.expected)))
    assert len(shown) == 4
    assert shown_bytes(scrubber.result).startswith(b"RIFF")


def test_stop_keeps_the_steps_so_far(scrubber):
    async def stop_after_two():
        while scrubber.progress.value != 2:
            await asyncio.sleep(0)
        scrubber.stop_button.click()

    press_generate(scrubber, stop_after_two)
    assert len(scrubber.steps) == 2 and scrubber.video is None
    assert scrubber.progress_label.value == "stopped after step 2"
    scrubber.step.value = 1
    assert "Step 1 of 4" in scrubber.caption.value
    press_generate(scrubber)
    assert len(scrubber.steps) == 4 and scrubber.video is not None


def test_before_the_run_the_slider_waits(scrubber):
    assert scrubber.step.disabled
    assert "Press the button: “a panda on the sea” in 4 steps" in scrubber.caption.value
    assert "on this machine (8 network evaluations" in scrubber._cost()


def test_frames_that_are_no_skeleton_are_refused(tiny_pipeline):
    with pytest.raises(ValueError, match="raw video"):
        StepScrubber(tiny_pipeline, np.full((3, 64, 64, 3), 250, np.uint8), PROMPT)


def test_stills_show_a_strip(scrubber, monkeypatch):
    shown = []
    monkeypatch.setenv("FYP_LITE_STILLS", "1")
    monkeypatch.setattr(
        "fyp_course.panels.scrubber.show_picture", lambda picture, text: shown.append(text)
    )
    scrubber.show_still()
    assert shown == [f"4 steps, what the network sees and expects, step by step: {PROMPT}"]
