"""The panels, driven in-process: every slider to its ends, every button pressed."""

from __future__ import annotations

import asyncio
from time import perf_counter

import numpy as np
import pytest
from helpers import build_tiny_pipeline, press_generate, shown_bytes

import fyp_lite
from fyp_course.panels.generate import ClipPreview, GenerateControls
from fyp_course.panels.ruler import FrameRuler
from fyp_lite.clip import ClipError
from fyp_lite.opening import open_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.video import write_video

PROMPT = "a panda on the sea"


@pytest.fixture(scope="module")
def pipeline():
    words = ["a", "panda", "robot", "on", "the", "sea"]
    return build_tiny_pipeline(words, guidance_scale=4.0)


@pytest.fixture
def clip():
    with open_clip(fyp_lite.data_dir() / "clips" / "dance.mp4") as opened:
        yield opened


@pytest.fixture
def panel(pipeline, clip):
    panel = GenerateControls(pipeline, ClipPreview(clip, pipeline.size), PROMPT)
    panel.steps.value = 4
    return panel


def ends(slider):
    return slider.min, (slider.min + slider.max) // 2, slider.max


# ------------------------------------------------------------------------------ the preview


def test_every_slider_reaches_its_ends_and_the_preview_follows(clip):
    preview = ClipPreview(clip, 64)
    for slider, other in (
        (preview.start_frame, preview.frame_stride),
        (preview.frame_stride, preview.start_frame),
    ):
        for value in ends(slider):
            slider.value = value
            assert slider.value == value
            for end in ends(other):
                other.value = end
                assert preview.prepared.frames.shape == (8, 64, 64, 3)
                assert preview.prepared.indices[-1] < clip.num_frames
            other.value = other.min
        slider.value = slider.min


def test_the_preview_changes_at_once(clip):
    preview = ClipPreview(clip, 256)
    before, seconds = shown_bytes(preview.picture), []
    for start in range(10, 100, 10):
        began = perf_counter()
        preview.start_frame.value = start
        seconds.append(perf_counter() - began)
        assert shown_bytes(preview.picture) != before
        before = shown_bytes(preview.picture)
    assert "90, 93, 96 … 111 of 184" in preview.caption.value
    assert sorted(seconds)[len(seconds) // 2] < 0.5  # 0.1 s where the machine is free


def test_slider_ends_fit_the_clip_exactly(clip):
    preview = ClipPreview(clip, 64)
    assert preview.start_frame.max == 184 - 1 - 7 * 3
    assert preview.frame_stride.max == 183 // 7
    preview.frame_stride.value = preview.frame_stride.max
    assert preview.start_frame.max == 183 - 7 * 26


def test_a_preview_of_one_frame_has_no_stride_to_fear(clip):
    preview = ClipPreview(clip, 64, ClipSettings(num_frames=1))
    preview.start_frame.value = preview.start_frame.max
    assert preview.prepared.indices == [183]
    preview.frame_stride.value = preview.frame_stride.max
    assert preview.prepared.indices == [183]


def test_a_clip_that_is_too_short_is_refused(tmp_path):
    write_video(tmp_path / "short.mp4", np.zeros((5, 64, 64, 3), np.uint8), 24)
    with open_clip(tmp_path / "short.mp4") as clip, pytest.raises(ClipError, match="5 frames"):
        ClipPreview(clip, 64)


def test_a_crop_stays_while_sliders_move(clip):
    preview = ClipPreview(clip, 64, ClipSettings(crop_right=100))
    preview.start_frame.value = 20
    assert preview.settings == ClipSettings(start_frame=20, crop_right=100)


# ------------------------------------------------------------------------------ generating


def test_generate_makes_a_video_and_shows_its_progress(panel):
    press_generate(panel)
    assert panel.video.shape == (8, 64, 64, 3)
    assert panel.fps == pytest.approx(8)
    request = panel.request
    assert (request.prompt, request.clip_settings) == (PROMPT, ClipSettings())
    assert request.sample_settings.num_inference_steps == 4 and request.clip is panel.preview.clip
    assert panel.current_request() == request
    assert (panel.progress.value, panel.progress.max) == (4, 4)
    assert panel.progress_label.value.startswith("done: 4 steps in ")
    assert panel.result.children == (panel.player,)
    assert "<video" in panel.player.value and f"frames a second: {PROMPT}" in panel.player.value
    assert shown_bytes(panel.live).startswith(b"RIFF")
    assert panel.message.value == ""


def test_the_panel_makes_what_the_pipeline_makes(panel, pipeline):
    press_generate(panel)
    prompt, sampling = panel.request.prompt, panel.request.sample_settings
    assert (pipeline(prompt, panel.preview.prepared.frames, sampling).video == panel.video).all()


def test_stop_ends_the_run_and_keeps_the_last_video(panel):
    press_generate(panel)
    kept, request = panel.video, panel.request
    panel.prompt.value = "a robot"

    async def stop_after_two_steps():
        while panel.progress.value != 2:
            await asyncio.sleep(0)
        assert panel.generate_button.disabled and not panel.stop_button.disabled
        panel.stop_button.click()

    press_generate(panel, stop_after_two_steps)
    assert panel.video is kept and panel.request is request
    assert panel.progress_label.value == "stopped after step 2"
    assert not panel.generate_button.disabled and panel.stop_button.disabled

    press_generate(panel)  # and it starts again
    assert panel.request.prompt == "a robot"


def test_every_sampling_slider_reaches_its_ends(panel):
    panel.steps.value = panel.steps.max
    assert panel.steps.value == 50
    panel.steps.value = 1
    for scale in (0, 1, 10, 20):
        panel.guidance_scale.value = scale
        press_generate(panel)
        assert panel.request.sample_settings.guidance_scale == scale
        assert panel.message.value == ""


def test_another_seed_is_another_video(panel):
    press_generate(panel)
    first = panel.video
    panel.seed.value = 1
    press_generate(panel)
    assert (first != panel.video).any()


# ------------------------------------------------------------------------------ bad values


@pytest.mark.parametrize(
    ("field", "value", "explained"),
    [
        ("seed", -1, "seed is -1"),
        ("prompt", "   ", "The prompt is empty"),
        ("prompt", "a panda " * 30, "the model reads 24 at most"),
    ],
)
def test_a_bad_value_is_explained_in_the_panel(panel, field, value, explained):
    getattr(panel, field).value = value
    press_generate(panel)
    assert explained in panel.message.value
    assert panel.progress_label.value == "not started"
    assert panel.video is None and not panel.generate_button.disabled


def test_a_clip_of_another_kind_is_explained_in_the_panel(pipeline, tmp_path):
    write_video(tmp_path / "white.mp4", np.full((24, 64, 64, 3), 250, np.uint8), 24)
    with open_clip(tmp_path / "white.mp4") as clip:
        panel = GenerateControls(pipeline, ClipPreview(clip, pipeline.size), PROMPT)
        press_generate(panel)
    assert "looks like a raw video" in panel.message.value


def test_a_panel_opens_and_explains_a_ruler_pushed_past_the_end(pipeline, clip):
    ruler = FrameRuler(clip, ClipSettings(start_frame=100, frame_stride=20), pipeline.size)
    panel = GenerateControls(pipeline, ruler, PROMPT)
    panel._ipython_display_()
    press_generate(panel)
    assert "start_frame at most 43" in panel.message.value
    assert panel.progress_label.value == "not started"


def test_unknown_words_are_named_with_near_ones(panel):
    panel.prompt.value = "a pandda on the <b>sea</b> xyzzy"
    press_generate(panel)
    assert "“pandda”: did you mean panda?" in panel.message.value
    assert "“xyzzy”." in panel.message.value
    assert panel.video is not None


def test_an_unexpected_failure_is_not_hidden(panel, monkeypatch):
    def fail(*arguments, **named):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(panel.pipeline, "steps", fail)
    with pytest.raises(RuntimeError):
        press_generate(panel)
    assert "RuntimeError: out of memory" in panel.message.value
    assert not panel.generate_button.disabled


# ------------------------------------------------------------------------------ access


def test_every_control_has_a_label_and_every_picture_a_text(panel):
    preview = panel.preview
    for control in (
        *preview.sliders.children,
        *(panel.prompt, panel.seed, panel.steps, panel.guidance_scale),
        *(panel.generate_button, panel.stop_button),
    ):
        assert control.description
    assert "Skeleton preview" in preview.picture.alt
    press_generate(panel)
    assert "What the model expects after step" in panel.live.alt
    assert 'aria-label="Video of 8 frames' in panel.player.value
