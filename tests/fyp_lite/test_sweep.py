"""Sweeps: what is made, stored, resumed and drawn."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import press_generate
from PIL import Image

import fyp_lite
from fyp_course.panels.sweep import SweepPanel
from fyp_lite.cards.card import RunCard
from fyp_lite.clip import ClipError
from fyp_lite.drawing import LIT
from fyp_lite.opening import open_clip, prepare_clip
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings, SettingsError
from fyp_lite.sweeps.axes import SweepError, read_values
from fyp_lite.sweeps.sheet import CELL, Sweep, SweepResult, sweep

SHORT = ClipSettings(num_frames=2)
QUICK = SampleSettings(num_inference_steps=2)
PROMPT = "a panda on the sea"


@pytest.fixture
def clip():
    with open_clip(fyp_lite.data_dir() / "clips" / "dance.mp4") as opened:
        yield opened


@pytest.fixture
def request_of_all(clip) -> Request:
    """What the videos of a sweep have in common here."""
    return Request(PROMPT, clip, clip_settings=SHORT, sample_settings=QUICK)


@pytest.fixture
def counted(tiny_pipeline, monkeypatch):
    """The pipeline, and a list that grows by the prompt of every video that is begun."""
    begun = []
    steps = tiny_pipeline.steps

    def counting(prompt, *arguments, **options):
        begun.append(prompt)
        return steps(prompt, *arguments, **options)

    monkeypatch.setattr(tiny_pipeline, "steps", counting)
    return tiny_pipeline, begun


def test_each_cell_is_what_the_pipeline_makes(tiny_pipeline, clip, request_of_all, tmp_path):
    rows, columns = {"frame_stride": [1, 10]}, {"seed": [0, 5]}
    result = sweep(tiny_pipeline, request_of_all, rows, columns, out=tmp_path)
    assert list(result.videos) == [(1, 0), (1, 5), (10, 0), (10, 5)]
    chosen = prepare_clip(clip, ClipSettings(frame_stride=10, num_frames=2), tiny_pipeline.size)
    settings = SampleSettings(num_inference_steps=2, seed=5)
    expected = tiny_pipeline(PROMPT, chosen.frames, settings).video
    assert (result.videos[10, 5] == expected).all()
    assert result.fps[10, 5] == pytest.approx(2.4)
    assert result.title == f"“{PROMPT}” · num_frames 2 · num_inference_steps 2"


def test_the_pose_dial_is_an_axis(tiny_pipeline, clip, request_of_all, tmp_path):
    rows, columns = {"pose_strength": [0, 0.5]}, {"pose_end": [0.4, 1]}
    result = sweep(tiny_pipeline, request_of_all, rows, columns, out=tmp_path)
    chosen = prepare_clip(clip, SHORT, tiny_pipeline.size)
    for (strength, end), video in result.videos.items():
        settings = replace(QUICK, pose_strength=strength, pose_end=end)
        assert (video == tiny_pipeline(PROMPT, chosen.frames, settings).video).all()
    assert (result.videos[0, 1] == result.videos[0, 0.4]).all()
    assert (result.videos[0, 1] != result.videos[0.5, 1]).any()
    cards = [RunCard.load(path).request.sample_settings for path in tmp_path.glob("*.json")]
    assert {(card.pose_strength, card.pose_end) for card in cards} == result.videos.keys()


def test_a_second_call_makes_nothing_again(counted, clip, request_of_all, tmp_path):
    pipeline, begun = counted
    rows = {"seed": [0, 1]}
    first = sweep(pipeline, request_of_all, rows, out=tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    again = sweep(pipeline, replace(request_of_all, clip=str(clip.path)), rows, out=tmp_path)
    assert begun == [PROMPT] * 2 and list(again.videos) == [(0, None), (1, None)]
    assert all((first.videos[key] == again.videos[key]).all() for key in first.videos)
    assert times == {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    more = sweep(pipeline, request_of_all, {"seed": [1, 2]}, out=tmp_path)
    assert len(begun) == 3 and (more.videos[1, None] == first.videos[1, None]).all()


def test_an_interrupted_sweep_is_resumed(counted, request_of_all, tmp_path):
    pipeline, begun = counted
    job = Sweep(pipeline, request_of_all, {"seed": [0, 1]}, None, tmp_path)
    steps = job.steps()
    seen = [next(steps) for _ in range(5)]
    assert [at[:4] for at in seen] == [(0, 2, s, 2) for s in range(3)] + [
        (1, 2, 0, 2),
        (1, 2, 1, 2),
    ]
    assert seen[0].seconds_left is None and all(at.seconds_left > 0 for at in seen[1:])
    steps.close()
    with pytest.raises(SweepError, match="not made yet"):
        job.result()
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".mp4", ".json", ".npz"}
    assert len(list(tmp_path.iterdir())) == 4  # and no half of the second
    assert [at.done for at in job.steps()] == [1, 1, 1, 2]
    assert len(begun) == 3 and len(job.result().videos) == 2


def test_another_model_prompt_or_clip_is_another_video(counted, request_of_all, tmp_path):
    pipeline, begun = counted
    rows = {"seed": [0]}
    sweep(pipeline, request_of_all, rows, out=tmp_path)
    sweep(pipeline, replace(request_of_all, prompt="a panda"), rows, out=tmp_path)
    sweep(pipeline, replace(request_of_all, negative_prompt="sea"), rows, out=tmp_path)
    walk = str(fyp_lite.data_dir() / "clips" / "walk.mp4")
    sweep(pipeline, replace(request_of_all, clip=walk), rows, out=tmp_path)
    weight = next(pipeline.unet.parameters()).data
    weight += 0.5
    sweep(pipeline, request_of_all, rows, out=tmp_path)
    weight -= 0.5
    assert len(begun) == 5


def test_a_stored_video_tells_what_made_it(tiny_pipeline, request_of_all, tmp_path):
    sweep(
        *(tiny_pipeline, replace(request_of_all, prompt="-"), {"prompt": [PROMPT]}),
        out=tmp_path,
    )
    (path,) = tmp_path.glob("*.npz")
    recipe = json.loads(str(np.load(path)["recipe"]))
    assert (recipe["prompt"], recipe["clip"], recipe["guidance_scale"]) == (PROMPT, "dance.mp4", 3)
    with Image.open(tmp_path / "grid.png") as sheet:
        assert sheet.width >= CELL * 2


def test_a_damaged_file_is_named(tiny_pipeline, request_of_all, tmp_path):
    arguments = (tiny_pipeline, request_of_all, {"seed": [0]})
    sweep(*arguments, out=tmp_path)
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(SweepError, match=f"{path.name} is damaged .*: delete it"):
        sweep(*arguments, out=tmp_path)


@pytest.mark.parametrize(
    ("rows", "columns", "error", "said"),
    [
        ({"frame_strid": [1]}, None, SweepError, "did you mean 'frame_stride'"),
        ({"guidance": [1]}, None, SweepError, "did you mean 'guidance_scale'"),
        ({"steps": [1]}, None, SweepError, "did you mean 'num_inference_steps'"),
        ({"seed": [0], "eta": [0]}, None, SweepError, "one name with its values"),
        ({"seed": []}, None, SweepError, "at least one"),
        ({"seed": [1, 1]}, None, SweepError, "give each once"),
        ({"seed": [1]}, {"seed": [2]}, SweepError, "both vary seed"),
        ({"prompt": [3]}, None, SweepError, "each must be text"),
        ({"frame_stride": [1, 500]}, None, ClipError, "frame_stride 500"),
        ({"crop_left": [0, 600]}, None, ClipError, "crop_left 600"),
        ({"guidance_scale": [1, -2]}, None, SettingsError, "guidance_scale is -2"),
        ({"pose_strength": [1, -1]}, None, SettingsError, "pose_strength is -1"),
        ({"pose": [1]}, None, SweepError, "did you mean 'pose_strength'"),
        ({"model": ["lite"]}, None, SweepError, "'model', which is no setting"),
    ],
)
def test_what_cannot_be_run_is_refused_before_the_first_video(
    counted, request_of_all, tmp_path, rows, columns, error, said
):
    pipeline, begun = counted
    with pytest.raises(error, match=said):
        sweep(pipeline, request_of_all, rows, columns, out=tmp_path / "new")
    assert not begun and not (tmp_path / "new").exists()


def result_of(rows, columns, frames=4):
    keys = [(r, c) for r in rows[1] for c in columns[1]]
    videos = {key: np.full((frames + i, 64, 64, 3), 10 + i, np.uint8) for i, key in enumerate(keys)}
    return SweepResult("a title", rows, columns, videos, dict.fromkeys(keys, 8.0))


def test_every_video_has_its_place_on_the_sheet():
    result = result_of(("seed", [0, 1]), ("prompt", ["a panda", "a very long sentence " * 9]))
    sheet = result.grid()
    assert sheet.shape[0] % 2 == sheet.shape[1] % 2 == 0
    places = [np.argwhere((sheet == 10 + i).all(axis=-1)).mean(axis=0) for i in range(4)]
    assert places[0][0] == places[1][0] < places[2][0] == places[3][0]
    assert places[0][1] == places[2][1] < places[1][1] == places[3][1]
    assert (sheet == LIT).all(axis=-1).any()  # the names of the axes


def test_the_video_of_all_lasts_as_long_as_the_longest():
    result = result_of(("num_frames", [4, 5, 6]), ("", [None]))
    video = result.grid_video()
    assert video.shape[0] == 6 and (video[0] == video[-1]).all()


def test_typed_values():
    assert read_values("frame_stride", "1, 3,10 ,") == [1, 3, 10]
    assert read_values("guidance_scale", "1, 2.5") == [1, 2.5]
    assert read_values("guidance_scale", "1e-1, 1e1, 2.5E0, .5") == [0.1, 10, 2.5, 0.5]
    assert isinstance(read_values("num_inference_steps", "1e1")[0], int)
    for text in ("nan", "inf", "1e999", "one", "1,x", "--1"):
        with pytest.raises(SweepError, match="is not a number for eta"):
            read_values("eta", text)
    assert read_values("prompt", "a panda, at sunset | a robot") == [
        "a panda, at sunset",
        "a robot",
    ]
    assert read_values("scheduler", "ddim, dpm++") == ["ddim", "dpm++"]
    with pytest.raises(SweepError, match="'three' is not a number"):
        read_values("seed", "1, three")


# ------------------------------------------------------------------------------ the panel


@pytest.fixture
def panel(tiny_pipeline, request_of_all, tmp_path):
    panel = SweepPanel(tiny_pipeline, lambda: request_of_all, tmp_path)
    panel.row_values.value = "1, 10"
    return panel


def test_the_panel_runs_a_sweep_and_shows_it(panel, tmp_path):
    press_generate(panel)
    assert len(panel.result.videos) == 4
    assert panel.progress_label.value == f"done: 4 videos and grid.png are in {tmp_path}"
    assert panel.progress.value == panel.progress.max == 400
    assert panel.shown.children == (panel.sheet,) and "a panda" in panel.sheet.alt
    assert panel._cost() == "all of it is stored already"


def test_stop_keeps_what_is_stored(panel, tmp_path):
    async def stop_in_the_second():
        while panel.progress.value < 150:
            await asyncio.sleep(0)
        panel.stop_button.click()

    press_generate(panel, stop_in_the_second)
    assert panel.result is None and "stopped after video 2" in panel.progress_label.value
    assert len(list(tmp_path.glob("*.npz"))) == 1
    assert "(3 videos to make)" in panel._cost()


def test_the_panel_explains_bad_values(panel):
    panel.row_values.value = "1, x"
    press_generate(panel)
    assert "is not a number for frame_stride" in panel.message.value
    panel.row_name.value, panel.row_values.value = "seed", "1"
    press_generate(panel)
    assert "both vary seed" in panel.message.value
    panel.column_name.value = "none"
    press_generate(panel)
    assert list(panel.result.videos) == [(1, None)]
