"""The panels, driven in-process: every slider to its ends, every button pressed."""

from __future__ import annotations

import asyncio
from time import perf_counter

import numpy as np
import pytest
from helpers import build_tiny_pipeline, press_generate

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
    before, seconds = preview.stage.film["data"], []
    for start in range(10, 100, 10):
        began = perf_counter()
        preview.start_frame.value = start
        seconds.append(perf_counter() - began)
        assert preview.stage.film["data"] != before
        before = preview.stage.film["data"]
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
    assert list(panel.stage.videos) == ["skeleton", "result"]
    assert (panel.stage.videos["skeleton"] == panel.preview.prepared.frames).all()
    assert (panel.stage.videos["result"] == panel.video).all()
    assert panel.stage.film["overlay"] == [0, 1] and panel.stage.film["fps"] == pytest.approx(8)
    assert panel.stage.film["tiles"][1]["caption"] == (
        f"“{PROMPT}” · frames 0 to 21, stride 3 · 4 steps · seed 0"
    )
    assert not panel.stage.stale and panel.message.value == ""


def test_the_stage_shows_the_skeleton_first_and_what_is_expected_in_a_run(panel):
    assert list(panel.stage.videos) == ["skeleton"]
    panel.preview.start_frame.value = 40
    assert "Frames 40, 43, 46 … 61" in panel.stage.alt
    shown, told = [], []
    panel.stage.observe(lambda _: shown.append(list(panel.stage.videos)), "film")
    panel.stage.observe(lambda change: told.append(change["new"]), "alt")
    press_generate(panel)
    assert shown == [["skeleton", "expected"]] * 4 + [["skeleton", "result"]]
    assert "expects after step 1 of 4" in told[0] and "Result" in told[-1]


def test_the_last_result_stays_beside_the_new_one(panel):
    press_generate(panel)
    first = panel.video
    panel.seed.value = 1
    press_generate(panel)
    assert list(panel.stage.videos) == ["skeleton", "before", "result"]
    assert (panel.stage.videos["before"] == first).all()
    assert (panel.stage.videos["result"] == panel.video).all()
    captions = [tile["caption"] for tile in panel.stage.film["tiles"]]
    assert captions[1].endswith("seed 0") and captions[2].endswith("seed 1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("prompt", "a robot"), ("seed", 3), ("seed", -1), ("steps", 5), ("guidance_scale", 1)),
        *(("pose_strength", 0.5), ("pose_window", (0.25, 1.0))),
    ],
)
def test_a_change_after_the_result_marks_it_until_it_is_taken_back(panel, name, value):
    control = getattr(panel, name)
    control.value, before = value, control.value
    assert not panel.stage.stale  # there is no result yet
    control.value = before
    press_generate(panel)
    control.value = value
    assert panel.stage.stale
    control.value = before
    assert not panel.stage.stale


def test_frames_that_are_chosen_after_a_result_are_shown_beside_it(panel):
    press_generate(panel)
    made_from = panel.preview.prepared.frames
    panel.preview.start_frame.value = 30
    assert panel.stage.stale
    assert list(panel.stage.videos) == ["chosen now", "skeleton", "result"]
    chosen = panel.preview.clip.preview(panel.preview.settings, panel.pipeline.size).frames
    assert (panel.stage.videos["chosen now"] == chosen).all()
    assert (panel.stage.videos["skeleton"] == made_from).all()
    panel.preview.start_frame.value = 0
    assert list(panel.stage.videos) == ["skeleton", "result"] and not panel.stage.stale


def test_a_run_is_shown_with_its_own_frames_whatever_is_moved_meanwhile(panel):
    made_from = panel.preview.prepared.frames

    async def move():
        while panel.progress.value != 2:
            await asyncio.sleep(0)
        panel.preview.start_frame.value = 30
        assert (panel.stage.videos["skeleton"] == made_from).all()

    press_generate(panel, move)
    assert (panel.stage.videos["skeleton"] == made_from).all()
    assert list(panel.stage.videos) == ["chosen now", "skeleton", "result"] and panel.stage.stale


def test_the_pose_dial_reaches_the_video(panel):
    press_generate(panel)
    usual = panel.video
    panel.pose_strength.value, panel.pose_window.value = 0.5, (0.1, 0.6)
    press_generate(panel)
    made = panel.request.sample_settings
    assert (made.pose_strength, made.pose_start, made.pose_end) == (0.5, 0.1, 0.6)
    assert (panel.video != usual).any()
    panel.pose_window.value = (0.5, 0.5)
    press_generate(panel)
    assert "pose_start is 0.5, but it must be less than pose_end" in panel.message.value


def test_enter_in_the_prompt_generates(panel):
    async def session():
        panel.prompt._handle_custom_msg({"event": "other"}, [])
        assert panel.task is None
        panel.prompt._handle_custom_msg({"event": "submit"}, [])
        await panel.task

    asyncio.run(session())
    assert panel.video is not None


def test_the_dice_draw_another_seed(panel):
    drawn = [panel.seed.value]
    for _ in range(20):
        panel.dice.click()
        assert panel.seed.value != drawn[-1] and 0 <= panel.seed.value < 10_000
        drawn.append(panel.seed.value)


def test_one_run_at_a_time_whatever_is_clicked(panel, pipeline, clip):
    other = GenerateControls(pipeline, ClipPreview(clip, pipeline.size), PROMPT)

    async def session():
        panel.generate_button.click()
        first = panel.task
        panel.generate_button.click()
        panel.prompt._handle_custom_msg({"event": "submit"}, [])
        assert panel.task is first
        await asyncio.sleep(0)
        other.generate_button.click()
        await other.task
        assert "Another run is not finished" in other.message.value
        await first

    asyncio.run(session())
    assert panel.video is not None and other.video is None
    press_generate(other)
    assert other.video is not None and other.message.value == ""


def test_the_cost_follows_every_control(panel, pipeline, clip):
    ruler = FrameRuler(clip, size=pipeline.size)
    panel.set_preview(ruler)
    changes = ((ruler.num_frames, 3), (panel.steps, 3), (panel.guidance_scale, 1.0))

    async def session():
        for control, value in changes:
            panel._costing = None
            control.value = value
            assert panel._costing
            panel._costing.cancel()

    asyncio.run(session())


def test_the_sampling_box_is_shown_and_hidden_by_its_button(panel):
    (title, box), *_ = panel.more.boxes.items()
    assert box.layout.display == "none"
    panel.more.buttons[title].value = True
    assert box.layout.display is None
    panel.more.buttons[title].value = False
    assert box.layout.display == "none"


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
    assert list(panel.stage.videos) == ["skeleton", "result"]  # the finished video, marked
    assert (panel.stage.videos["result"] == kept).all() and panel.stage.stale
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
        *(panel.pose_strength, panel.pose_window, *panel.more.buttons.values()),
        *(panel.generate_button, panel.stop_button, panel.dice),
    ):
        assert control.description
    assert "Skeleton preview" in preview.stage.alt
    assert "Frames 0, 3, 6 … 21" in panel.stage.alt
    press_generate(panel)
    assert f"Result: “{PROMPT}”" in panel.stage.alt
    assert "The skeleton it follows: One person" in panel.stage.alt
