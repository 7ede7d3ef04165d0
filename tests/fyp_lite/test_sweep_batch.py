"""Batches: any number of axes, each video made and stored once, in this process."""

from __future__ import annotations

import csv
import json
import os
import sys
from dataclasses import replace

import numpy as np
import pytest

import fyp_lite
from fyp_lite.cards.card import RunCard
from fyp_lite.cli.main import main
from fyp_lite.files.writing import ClipError
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.opening import prepare_clip
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.sweeps.axes import SweepError
from fyp_lite.sweeps.cluster import connected
from fyp_lite.sweeps.run import Batch, batch
from fyp_lite.sweeps.store import LEFT_OVER
from fyp_lite.sweeps.worker import loaded

CLIPS = fyp_lite.data_dir() / "clips"
SHORT, QUICK = ClipSettings(num_frames=2), SampleSettings(num_inference_steps=2)
DANCE = str(CLIPS / "dance.mp4")
REQUEST = Request("a panda", DANCE, clip_settings=SHORT, sample_settings=QUICK)
AXES = {
    "clip": [CLIPS / "dance.mp4", CLIPS / "walk.mp4"],
    "prompt": ["a panda", "the sea, on a panda"],
    "seed": range(2),
}


@pytest.fixture(scope="module")
def folder(tiny_pipeline, tmp_path_factory):
    """The tiny pipeline, saved."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny_pipeline.save_pretrained(folder)
    return folder


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npz")}


def test_a_negative_prompt_that_no_video_would_hear_is_refused(tiny_pipeline, tmp_path):
    request = replace(REQUEST, negative_prompt="sea")
    with pytest.raises(
        SweepError, match="no effect at guidance scale 1: set guidance_scale to more"
    ):
        batch(tiny_pipeline, request, {"guidance_scale": [1]}, out=tmp_path)
    assert not list(tmp_path.glob("*.mp4"))
    # Beside a video that hears it, one that does not is a fair comparison.
    stored = batch(tiny_pipeline, request, {"guidance_scale": [1, 2]}, out=tmp_path)
    assert len(stored) == 2


def test_intervals_of_guidance_that_no_step_meets_are_refused(tiny_pipeline, tmp_path):
    axes = {"guidance_start": [0.6, 0.8]}
    one_step = SampleSettings(1, guidance_scale=4.0)
    request = replace(REQUEST, clip_settings=SHORT, sample_settings=one_step)
    with pytest.raises(SweepError, match="Guidance works in none of the 1 steps"):
        batch(tiny_pipeline, request, axes, out=tmp_path)
    assert not list(tmp_path.glob("*.mp4"))
    # Beside a video in which it works, one in which it does not is a fair comparison.
    assert len(batch(tiny_pipeline, request, {"guidance_start": [0, 0.6]}, out=tmp_path)) == 2


def test_every_combination_is_stored_with_its_card_and_an_index(tiny_pipeline, tmp_path):
    seen = []
    stored = batch(tiny_pipeline, REQUEST, AXES, out=tmp_path, on_progress=seen.append)
    assert len(stored) == 8 and seen[-1].done == seen[-1].total == 8
    assert seen[-1].seconds_left == 0
    with (tmp_path / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["seed"] for row in rows] == ["0", "1"] * 4
    assert rows[3]["prompt"] == "the sea, on a panda" and rows[4]["clip"].endswith("walk.mp4")
    assert [row["video"] for row in rows] == [files.video.name for files in stored]
    card = RunCard.load(tmp_path / rows[7]["card"])
    made = card.request
    assert (made.clip, made.prompt, made.sample_settings.seed) == ("walk.mp4", AXES["prompt"][1], 1)
    chosen = prepare_clip(CLIPS / "walk.mp4", SHORT, tiny_pipeline.size)
    settings = SampleSettings(num_inference_steps=2, seed=1)
    expected = tiny_pipeline(AXES["prompt"][1], chosen.frames, settings).video
    video, fps = stored[7].load()
    assert (video == expected).all() and fps == card.made.fps == chosen.fps
    with fyp_lite.opening.open_clip(stored[7].video) as mp4:
        assert mp4.num_frames == 2
    assert (card.run(tiny_pipeline) == video).all()


def test_what_is_stored_is_not_made_again(folder, tmp_path):
    batch(folder, REQUEST, {"seed": [0]}, out=tmp_path)
    before = times(tmp_path)
    stale, fresh = tmp_path / ".x.npz.1.part", tmp_path / ".y.npz.1.part"
    for part in (stale, fresh):
        part.write_bytes(b"half")
    os.utime(stale, (0, 0))
    batch(folder, REQUEST, {"seed": [0, 1]}, out=tmp_path)
    assert len(times(tmp_path)) == 2 and before.items() <= times(tmp_path).items()
    assert not stale.exists() and fresh.exists() and LEFT_OVER > 60


def test_a_resumed_sweep_keeps_its_dtype(folder, tmp_path):
    slow, _ = loaded(str(folder), "bfloat16")
    batch(slow, REQUEST, {}, out=tmp_path)
    before = times(tmp_path)
    batch(folder, REQUEST, {}, out=tmp_path)
    assert times(tmp_path) == before and len(before) == 1


def test_two_recipes_of_one_video_are_made_once(tiny_pipeline, tmp_path):
    stored = batch(tiny_pipeline, REQUEST, {"guidance_scale": [None, 3]}, out=tmp_path)
    assert len(stored) == 2 and len(set(stored)) == len(times(tmp_path)) == 1


def test_detectors_are_told_apart(tiny_pipeline, tmp_path):
    found = KeypointClip.load(CLIPS / "cartoon.json")
    moved = found.keypoints.copy()
    moved[..., 0] += 5

    def opened(keypoints, detector):
        clip = KeypointClip(keypoints, found.fps, found.height, found.width, detector)
        return clip.open(CLIPS / "cartoon.mp4")

    first = opened(found.keypoints, "mediapipe")
    others = [opened(moved, "mediapipe"), opened(found.keypoints, "openpose")]
    names = set()
    for clips in ([first], [others[0]], [others[1]], [opened(found.keypoints, "mediapipe")]):
        job = Batch(tiny_pipeline, REQUEST, {"clip": clips}, tmp_path)
        names.add(job.stored(job.jobs[0]).exact)
    assert len(names) == 3
    stored = batch(tiny_pipeline, REQUEST, {"clip": [first, others[1]]}, out=tmp_path)
    assert [RunCard.load(files.card).detector for files in stored] == ["mediapipe", "openpose"]
    assert (tmp_path / "index.csv").read_text().count("cartoon.mp4 (openpose)") == 1


def test_what_the_request_says_of_the_clip_is_heeded(tiny_pipeline, tmp_path, monkeypatch):
    """A raw clip is never looked at where the request calls it skeletons, and the other way."""
    asked = []

    def find(clip, *, backend, **_):
        asked.append(backend)
        return KeypointClip.load(CLIPS / "cartoon.json")

    monkeypatch.setattr("fyp_lite.opening.extract_keypoints", find)
    raw = replace(REQUEST, clip=str(CLIPS / "cartoon.mp4"), backend="cartoon")
    with pytest.raises(ValueError, match="looks like a raw video"):
        batch(tiny_pipeline, replace(raw, input_type="skeleton"), {}, out=tmp_path)
    assert asked == []
    batch(tiny_pipeline, raw, {"seed": [0, 1]}, out=tmp_path)
    batch(tiny_pipeline, replace(REQUEST, input_type="raw", backend="openpose"), {}, out=tmp_path)
    assert asked == ["cartoon", "openpose"]


def test_one_that_fails_does_not_stop_the_others(tiny_pipeline, tmp_path, monkeypatch):
    decode, calls = tiny_pipeline.decode, []

    def failing(latents):
        calls.append(latents)
        if len(calls) == 1:
            raise MemoryError("no room")
        return decode(latents)

    monkeypatch.setattr(tiny_pipeline, "decode", failing)
    axes = {"seed": [0, 1, 2]}
    with pytest.raises(SweepError, match="1 of 3 videos failed.*'seed': 0.*MemoryError: no room"):
        batch(tiny_pipeline, REQUEST, axes, out=tmp_path)
    assert len(times(tmp_path)) == 2
    batch(tiny_pipeline, REQUEST, axes, out=tmp_path)
    assert len(times(tmp_path)) == 3 and len(calls) == 4


def test_a_full_disk_stops_at_once_and_leaves_no_half(tiny_pipeline, tmp_path, monkeypatch):
    whole = Batch(tiny_pipeline, REQUEST, AXES, tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ClipError, match="No space left on device.*: free some space there"):
        list(whole.steps())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"clip": []}, "at least one"),
        ({"clip": [3]}, "clip is 3, but it must be text"),
        ({"prompt": [3]}, "each must be text"),
        ({"sead": [1]}, "did you mean 'seed'"),
        ({"clip": [CLIPS / "dance.mp4", CLIPS / "x.mp4"]}, "x.mp4"),
        ({"frame_stride": [1, 900]}, "900"),
    ],
)
def test_what_cannot_be_made_is_refused_first(tiny_pipeline, tmp_path, axes, said):
    with pytest.raises(ValueError, match=said):
        batch(tiny_pipeline, REQUEST, axes, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_prompt_that_is_too_long_is_refused_before_the_first_video(tiny_pipeline, tmp_path):
    axes = {"prompt": ["a panda", "a " * 200]}
    with pytest.raises(ValueError, match="shorten it"):
        batch(tiny_pipeline, REQUEST, axes, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_workers_need_dask_and_a_saved_model(tiny_pipeline, tmp_path, monkeypatch):
    with pytest.raises(SweepError, match="never saved"):
        batch(tiny_pipeline, REQUEST, AXES, out=tmp_path, client="local")
    with pytest.raises(SweepError, match="must be a distributed.Client"), connected(3, 1):
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SweepError, match=r"pip install 'fyp-lite\[sweep\]'"), connected("local", 1):
        pass


# ------------------------------------------------------------------------- the command line


def run(folder, out, *more):
    words = ["sweep", "a panda", "a zebra", "--clip", "dance", "--model", str(folder)]
    return main([*words, "--steps", "2", "--num-frames", "2", "--out", str(out), *more])


def test_the_command_makes_a_sheet_and_says_where_all_is(folder, tmp_path, capsys):
    assert run(folder, tmp_path, "--vary", "guidance-scale=1,2.5", "--vary", "steps=2") == 0
    said = capsys.readouterr()
    assert "does not know the word “zebra”" in said.err
    assert f"index     {tmp_path / 'index.csv'}" in said.out and "grid.png" in said.out
    assert (tmp_path / "grid.png").is_file()
    card = json.loads(next(tmp_path.glob("*.json")).read_text())
    assert card["clip"] == "dance.mp4" and card["made"]["seconds"] > 0
    rows = (tmp_path / "index.csv").read_text().splitlines()
    assert len(rows) == 5 and all((tmp_path / row.split(",")[-1]).is_file() for row in rows[1:])


def test_progress_is_shown_by_videos_and_steps(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # else a log, with a line now and then
    monkeypatch.setattr("fyp_lite.cli.progress.INTERVAL", 0.0)
    assert run(folder, tmp_path, "--vary", "seed=0,1") == 0
    shown = capsys.readouterr().err
    for part in ("0/4 [", "1/4 [", "4/4 [", "step 1 of 2"):
        assert part in shown


def test_the_pose_dial_can_be_varied(folder, tmp_path):
    more = ["--vary", "pose-strength=0,1", "--vary", "pose_start=0,0.5", "--pose-end", "0.9"]
    assert run(folder, tmp_path, *more) == 0
    cards = [RunCard.load(path).request for path in tmp_path.glob("*.json")]
    found = [(r.sample_settings.pose_strength, r.sample_settings.pose_start) for r in cards]
    assert sorted(found) == [pair for pair in [(0, 0), (0, 0.5), (1, 0), (1, 0.5)] for _ in "ab"]
    assert {r.sample_settings.pose_end for r in cards} == {0.9}


def test_with_three_axes_there_is_no_sheet(folder, tmp_path, capsys):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("the sea\n\n")
    more = ["--vary", "seed=0,1", "--vary", "frame-stride=1,2", "--prompts-file", str(prompts)]
    assert run(folder, tmp_path / "out", *more) == 0
    assert len(times(tmp_path / "out")) == 12 and not (tmp_path / "out" / "grid.png").exists()
    assert "sheet" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--vary", "seed"], "--vary seed has no ="),
        (["--vary", "seed=0", "--vary", "seed=1"], "--vary seed is given twice"),
        (["--vary", "prompt=a"], "give every prompt by itself"),
        (["--vary", "seed=one"], "'one' is not a number for seed"),
        (["--vary", "sead=1"], "did you mean 'seed'"),
        (["--vary", "frame_stride=1,900"], "900"),
        (["--prompts-file", "missing.txt"], "missing.txt cannot be read"),
        (["--workers", "0"], "workers is 0"),
        (["--clip", "nowhere.mp4"], "nowhere.mp4"),
        (["--eta", "2"], "eta is 2"),
        (["--vary", "pose-strength=-1,1"], "pose_strength is -1"),
    ],
)
def test_bad_options_are_one_sentence(folder, tmp_path, capsys, more, said):
    assert run(folder, tmp_path / "out", *more) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1 and not (tmp_path / "out").exists()


def test_the_frames_on_disk_are_those_of_the_card(tiny_pipeline, tmp_path):
    (stored,) = batch(tiny_pipeline, REQUEST, {}, out=tmp_path)
    recipe = json.loads(str(np.load(stored.exact)["recipe"]))
    assert recipe["clip"] == "dance.mp4" and recipe["detector"] is None
    stored.exact.write_bytes(b"not a zip")
    with pytest.raises(SweepError, match="is damaged .*: delete it"):
        stored.load()
