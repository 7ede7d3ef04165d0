"""The playground: clips, all settings, comparison, saving and run cards, driven in-process."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
from helpers import build_playground, press_generate, send_file

import fyp_lite
from fyp_course.panels.clip_picker import starting_settings
from fyp_course.panels.playground import Playground
from fyp_course.stills import reduced_motion
from fyp_lite.cards.card import RunCard, differences
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.video import write_video

CLIPS = fyp_lite.data_dir() / "clips"


@pytest.fixture
def playground(tiny_pipeline, tmp_path):
    return build_playground(tiny_pipeline, tmp_path, steps=2)


def test_all_settings_reach_the_video(playground, tiny_pipeline):
    playground.chooser.ruler.start_frame.value = 40
    playground.chooser.lens.crops["right"].value = 100
    playground.negative_prompt.value = "sea"
    playground.seed.value = 7
    playground.pose_strength.value, playground.pose_window.value = 0.5, (0.0, 0.6)
    press_generate(playground)
    card = playground.card
    clip_settings = ClipSettings(start_frame=40, num_frames=2, crop_right=100)
    sampling = SampleSettings(2, 3.0, seed=7, pose_strength=0.5, pose_end=0.6)
    assert card.request == Request(
        *("a panda on the sea", "dance.mp4", "sea", clip_settings, sampling), model="unsaved"
    )
    assert (card.run(tiny_pipeline) == playground.video).all()


def test_an_unknown_word_of_the_negative_prompt_is_named(playground):
    playground.negative_prompt.value = "xylophon"
    press_generate(playground)
    assert "“xylophon”" in playground.message.value


def test_stop_leaves_the_last_card(playground):
    press_generate(playground)
    kept = playground.card

    async def session():
        playground.generate_button.click()
        while playground.progress.value != 1:
            await asyncio.sleep(0)
        playground.stop_button.click()
        await playground.task

    asyncio.run(session())
    assert playground.card is kept and "stopped after step 1" in playground.progress_label.value


# ------------------------------------------------------------------------------ clips


def test_every_bundled_clip_can_be_chosen(playground):
    before = playground.stage.film["data"]
    for name, path in playground.picker.bundled.options:
        if path:
            playground.picker.bundled.value = path
            assert playground.chooser.clip.path.stem == name
            assert playground.preview is playground.chooser
            assert playground.chooser.sliders in playground.children
    assert playground.stage.film["data"] != before


def test_a_path_is_opened_and_a_bad_one_explained(playground, tmp_path):
    playground.picker.path.value = str(CLIPS / "kick.mp4")
    assert playground.chooser.clip.path.name == "kick.mp4"
    playground.picker.path.value = str(tmp_path / "nothing.mp4")
    assert "nothing.mp4" in playground.picker.message.value
    assert playground.chooser.clip.path.name == "kick.mp4"
    playground.picker.bundled.value = CLIPS / "walk.mp4"
    assert playground.picker.message.value == ""


def test_an_upload_is_opened_and_cannot_leave_its_folder(playground):
    send_file(playground.picker.upload, "../../mine.mp4", (CLIPS / "wave.mp4").read_bytes())
    playground.picker.answers["skeleton"].click()
    path = playground.chooser.clip.path
    assert path.name == "mine.mp4" and str(path.parents[1]) == playground.picker._uploads.name
    assert playground.picker.bundled.value == path
    assert playground.picker.bundled.label == "mine.mp4"
    assert "In use: mine.mp4: 96 frames of 320 × 320 pixels" in playground.picker.about.value


@pytest.mark.parametrize("frames", [1, 2, 5, 10, 21, 22, 60, 100])
@pytest.mark.parametrize("wanted", [ClipSettings(), ClipSettings(50, 4, 3, crop_top=9)])
def test_a_short_clip_starts_with_what_fits(frames, wanted):
    settings = starting_settings(frames, wanted)
    assert settings.frame_indices()[-1] < frames and settings.crop_top == wanted.crop_top
    assert settings.num_frames == min(wanted.num_frames, frames)
    if wanted.frame_indices()[-1] < frames:
        assert settings == wanted


def test_another_clip_keeps_the_settings_that_fit_it(playground):
    playground.chooser.ruler.start_frame.value = 30
    playground.chooser.lens.crops["left"].value = 70
    playground.picker.bundled.value = CLIPS / "walk.mp4"
    assert playground.chooser.settings == ClipSettings(30, num_frames=2, crop_left=70)


def test_a_clip_of_three_frames_is_usable(playground, tmp_path):
    playground.chooser.ruler.num_frames.value = 8
    write_video(tmp_path / "short.mp4", np.zeros((3, 64, 64, 3), np.uint8), 10)
    playground.picker.path.value = str(tmp_path / "short.mp4")
    assert playground.chooser.prepared.indices == [0, 1, 2]
    press_generate(playground)
    assert "black and holds no skeleton" in playground.message.value


# ------------------------------------------------------------------------------ time and space


def test_ruler_and_lens_follow_each_other(playground):
    chooser = playground.chooser
    chooser.ruler.start_frame.value = 30
    before = chooser.lens.stage.film["data"]
    chooser.sliders.buttons["Space: which part"].value = True
    assert not chooser.sliders.buttons["Time: which frames"].value
    assert chooser.lens._number == 30 and chooser.lens.stage.film["data"] != before
    before = playground.stage.film["data"]
    chooser.lens.crops["top"].value = 100
    assert playground.stage.film["data"] != before
    assert chooser.settings == ClipSettings(start_frame=30, num_frames=2, crop_top=100)
    assert chooser.prepared.box.top > 0


def test_settings_past_the_end_are_explained_everywhere(playground):
    chooser = playground.chooser
    chooser.ruler.start_frame.value = chooser.ruler.start_frame.max
    assert "need 188" in chooser.caption.value
    chooser.sliders.buttons["Space: which part"].value = True
    assert "need 188" in chooser.lens.caption.value
    press_generate(playground)
    assert "need 188" in playground.message.value and not playground.generate_button.disabled


# ------------------------------------------------------------------------------ comparison


def test_a_and_b_are_shown_with_what_differs(playground):
    assert playground.compare.keep.disabled
    press_generate(playground)
    playground.compare.keep.click()
    playground.seed.value, playground.prompt.value = 1, "a panda <b>"
    press_generate(playground)
    said = playground.compare.differing.value
    assert "prompt: a panda on the sea → a panda &lt;b&gt;; seed: 0 → 1" in said
    stage = playground.compare.stage
    assert list(stage.videos) == ["A", "B"] and (stage.videos["A"] != stage.videos["B"]).any()
    assert [tile["caption"][:8] for tile in stage.film["tiles"]] == ["“a panda"] * 2
    assert stage.film["tiles"][1]["caption"].startswith("“a panda <b>” · frames 0 to 3")
    assert "seed: 0 → 1" in stage.alt
    playground.compare.keep.click()
    assert "nothing: A and B are the same run" in playground.compare.differing.value


def test_a_and_b_of_different_length_play_in_step(playground):
    press_generate(playground)
    playground.compare.keep.click()
    playground.chooser.ruler.num_frames.value = 3
    press_generate(playground)
    assert {len(video) for video in playground.compare.stage.videos.values()} == {3}
    assert list(playground.stage.videos) == ["skeleton", "before", "result"]


def test_one_box_at_a_time_is_shown(playground):
    folds = playground.extras
    assert not any(button.value for button in folds.buttons.values())
    for title, button in folds.buttons.items():
        button.value = True
        shown = [name for name, box in folds.boxes.items() if box.layout.display != "none"]
        assert shown == [title]


def test_differences_name_every_setting(playground):
    press_generate(playground)
    a = playground.card
    assert differences(a, a) == []
    playground.negative_prompt.value = "sea"
    press_generate(playground)
    assert differences(a, playground.card) == ["negative prompt: none → sea"]
    playground.negative_prompt.value = ""
    playground.picker.bundled.value = CLIPS / "walk.mp4"
    playground.chooser.ruler.frame_stride.value = 1
    playground.guidance_scale.value = 1
    press_generate(playground)
    assert differences(a, playground.card) == [
        "clip: dance.mp4 → walk.mp4",
        "frame_stride: 3 → 1",
        "guidance_scale: 3.0 → 1.0",
    ]


def test_the_sweep_takes_the_panels_settings(playground, tmp_path):
    playground.seed.value = 9
    playground.sweep.row_values.value, playground.sweep.column_name.value = "1, 2", "none"
    press_generate(playground.sweep)
    assert playground.sweep.message.value == ""
    assert "num_frames 2 · num_inference_steps 2 · guidance_scale 3.0 · seed 9" in (
        playground.sweep.result.title
    )
    assert (tmp_path / "sweep" / "grid.png").is_file()


# ------------------------------------------------------------------------------ saving


def test_results_are_saved(playground, tmp_path):
    buttons = playground.share.buttons
    assert all(button.disabled for button in buttons.values())
    press_generate(playground)
    for suffix, button in buttons.items():
        button.click()
        assert (tmp_path / f"my_video{suffix}").stat().st_size > 100
        assert f"my_video{suffix}" in playground.share.message.value
    assert RunCard.load(tmp_path / "my_video.png") == playground.card
    playground.share.folder.value = str(tmp_path / "missing")
    buttons[".gif"].click()
    assert "There is no folder" in playground.share.message.value


def test_a_pasted_card_restores_every_control(playground, tiny_pipeline, tmp_path):
    chooser = playground.chooser
    chooser.ruler.start_frame.value, chooser.lens.crops["left"].value = 12, 60
    playground.prompt.value, playground.seed.value = "a panda", 11
    playground.negative_prompt.value = "sea"
    playground.pose_strength.value, playground.pose_window.value = 0.5, (0.2, 0.8)
    press_generate(playground)
    text = playground.card.to_json()

    other = Playground(tiny_pipeline, folder=tmp_path)
    other.picker.bundled.value = CLIPS / "walk.mp4"
    other.picker.input_type.value = "raw"
    other.share.pasted.value = text
    other.share.restore.click()
    assert "All controls are as on the card" in other.share.message.value
    press_generate(other)
    assert differences(playground.card, other.card) == []
    assert (other.video == playground.video).all()


def test_a_card_beyond_the_sliders_widens_them(playground):
    press_generate(playground)
    values = json.loads(playground.card.to_json())
    values["sample_settings"]["num_inference_steps"] = 80
    values["sample_settings"] |= {"guidance_scale": 30.0, "pose_strength": 3.0}
    playground.share.pasted.value = json.dumps(values)
    playground.share.restore.click()
    assert (playground.steps.value, playground.guidance_scale.value) == (80, 30)
    assert playground.pose_strength.value == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clip": "elsewhere.mp4"}, "open it by its path"),
        ({"made": {"clip_hash": "0" * 64}}, "not the one that is open"),
        ({"clip_settings": {"start_frame": 183}}, "start_frame 183"),
        ({"sample_settings": {"eta": 0.5}}, "no control for it"),
        ({"sample_settings": {"scheduler": "unipc"}}, "scheduler is unipc, and this panel has no"),
        ({"sample_settings": {"guidance_end": 0.5}}, "guidance_end is 0.5, and this panel has no"),
        ({"format": "x"}, "format"),
        ({"made": None}, "has None as made, but it must be an object"),
    ],
)
def test_a_card_that_cannot_be_restored_is_explained(playground, change, said):
    press_generate(playground)
    before = playground.chooser.settings
    values = json.loads(playground.card.to_json())
    for name, value in change.items():
        values[name] = values[name] | value if isinstance(value, dict) else value
    playground.share.pasted.value = json.dumps(values)
    playground.share.restore.click()
    assert said in playground.share.message.value
    assert playground.chooser.settings == before


# ------------------------------------------------------------------------------ presets


def test_every_preset_fills_all_controls(playground):
    playground.steps.value, playground.negative_prompt.value = 7, "sea"
    presets = [path for _, path in playground.preset.options if path]
    assert len(presets) > 10
    for path in presets:
        preset = json.loads(path.read_text())
        playground.preset.value = path
        assert playground.message.value == ""
        assert playground.chooser.settings == ClipSettings.from_dict(preset["clip_settings"])
        assert playground.prompt.value == preset["prompt"]
        assert playground.chooser.clip.path.name == preset["clip"]
    usual = SampleSettings()
    assert playground.steps.value == usual.num_inference_steps
    assert playground.guidance_scale.value == playground.pipeline.guidance_scale(usual)
    assert playground.seed.value == 0 and playground.negative_prompt.value == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "bad.json is not a run card: it must be JSON"),
        ('{"code": "import os"}', "only"),
        ('{"prompt": 3}', "must be text"),
        ('{"clip": "../../secret.mp4"}', "its clip is ../../secret.mp4, which this panel lacks"),
        ('{"sample_settings": {"eta": 0.5}}', "its eta is 0.5, which this panel lacks"),
        ('{"sample_settings": {"seed": -1}}', "seed is -1"),
        ('{"clip_settings": {"num_frames": 500}}', "num_frames 500"),
    ],
)
def test_a_bad_preset_is_explained_and_moves_nothing(playground, tmp_path, text, said):
    path = tmp_path / "bad.json"
    path.write_text(text)
    before = playground.chooser.settings, playground.prompt.value, playground.chooser.clip
    playground.preset.options = [("none", None), ("bad", path)]
    playground.preset.value = path
    assert said in playground.message.value
    after = playground.chooser.settings, playground.prompt.value, playground.chooser.clip
    assert after == before


# ------------------------------------------------------------------------------ access


def test_every_control_has_a_label(playground):
    seen = []

    def walk(widget):
        seen.append(type(widget).__name__)
        if hasattr(widget, "value") and type(widget).__name__ not in unlabelled:
            assert widget.description, widget
        for child in getattr(widget, "children", ()):
            walk(child)

    unlabelled = ("HTML", "Label", "Picture", "IntProgress")  # pictures have an alt text
    walk(playground)
    assert {"FileUpload", "Textarea", "FloatSlider", "Dropdown"} <= set(seen)


def test_stills_show_the_ruler_and_the_lens(playground, monkeypatch):
    shown = []
    monkeypatch.setenv("FYP_LITE_STILLS", "1")
    for name in ("ruler", "lens"):
        monkeypatch.setattr(
            f"fyp_course.panels.{name}.show_picture", lambda picture, text: shown.append(text)
        )
    playground._ipython_display_()
    assert [text.split()[0] for text in shown] == ["Frame", "Crop"]


def test_the_cost_is_told_when_a_slider_has_come_to_rest(playground):
    async def session():
        playground.steps.value = 5
        playground.steps.value = 7
        await playground._costing

    asyncio.run(session())
    assert playground.cost.value.endswith("(14 network evaluations: 7 steps × 2 branches)")


def test_the_cost_is_told_after_a_run_that_came_in_between(playground):
    async def session():
        playground.steps.value = 7
        playground.generate_button.click()
        await playground.task
        assert playground.cost.value == ""
        await playground._costing

    asyncio.run(session())
    assert playground.cost.value.endswith("(14 network evaluations: 7 steps × 2 branches)")


def test_reduced_motion_leaves_nothing_moving(playground):
    reduced_motion()
    try:
        playground.chooser.ruler.start_frame.value = 5
        press_generate(playground)
        for stage in (playground.chooser.ruler.stage, playground.stage):
            assert stage.film["reduced"]
        assert "“a panda on the sea” · frames 5 to 8, stride 3" in playground.stage.alt
    finally:
        reduced_motion(False)
