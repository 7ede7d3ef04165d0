"""The command line with the bundled model and clips."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from fyp_lite import data_dir
from fyp_lite.__main__ import main
from fyp_lite.clip import open_clip

CLIP = str(data_dir() / "clips" / "dance.mp4")
QUICK = ["--clip", CLIP, "--steps", "2", "--num-frames", "2"]


def read(path) -> np.ndarray:
    with open_clip(path) as clip:
        return clip.read(range(clip.num_frames))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A short result made with several options."""
    out = tmp_path_factory.mktemp("first") / "panda.mp4"
    options = ["--start-frame", "8", "--frame-stride", "2", "--crop-right", "40"]
    options += ["--guidance-scale", "4", "--seed", "1", "--out", str(out)]
    assert main(["a panda on the sea", *QUICK, *options]) == 0
    return out


def test_settings_are_saved_beside_the_result(first):
    card = json.loads(first.with_suffix(".json").read_text())
    assert card["prompt"] == "a panda on the sea"
    assert card["clip_settings"]["start_frame"] == 8
    assert card["clip_settings"]["crop_right"] == 40
    assert card["sample_settings"] == {
        "num_inference_steps": 2,
        "guidance_scale": 4.0,
        "eta": 0.0,
        "seed": 1,
    }
    with open_clip(first) as clip:
        assert clip.fps == pytest.approx(12)  # 24 a second at stride 2: real time


def test_settings_are_taken_back_and_overridden(first, tmp_path):
    settings = ["--settings", str(first.with_suffix(".json"))]
    assert main([*settings, "--out", str(tmp_path / "same.mp4")]) == 0
    np.testing.assert_array_equal(read(tmp_path / "same.mp4"), read(first))
    assert main([*settings, "--seed", "2", "--out", str(tmp_path / "new" / "other.gif")]) == 0
    card = json.loads((tmp_path / "new" / "other.json").read_text())
    assert card["sample_settings"]["seed"] == 2
    assert card["prompt"] == "a panda on the sea"
    assert read(tmp_path / "new" / "other.gif").shape == read(first).shape


def test_unknown_words_are_named(tmp_path, capsys):
    assert main(["a pandda on the sea", *QUICK, "--out", str(tmp_path / "a.webp")]) == 0
    assert "does not know the word “pandda”: did you mean panda" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a panda", *QUICK, "--start-frame", "-1"], "start_frame"),
        (["a panda", *QUICK, "--start-frame", "100000"], "start_frame at most"),
        (["a panda", *QUICK, "--crop-left", "600"], "crop_left 600"),
        (["a panda", *QUICK, "--guidance-scale", "nan"], "guidance_scale"),
        (["a panda", *QUICK, "--steps", "many"], "argument --steps: invalid int value: 'many'"),
        (["a panda", *QUICK, "--stride", "2"], "--stride"),
        (["a panda", "--clip", "nowhere.mp4"], "nowhere.mp4"),
        (["a panda"], "There is no clip; give --clip FILE"),
        ([*QUICK], "There is no prompt"),
        (["a panda", *QUICK, "--settings", "nowhere.json"], "'nowhere.json' cannot be read"),
        (["a panda", *QUICK, "--model", "nowhere"], "'nowhere' is neither 'lite' nor a folder"),
        (["a panda", *QUICK, "--out", "panda.avi"], "panda.avi"),
        (["panda " * 50, *QUICK], "reads 24 at most"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, sentence, tmp_path, capsys):
    if "--out" not in arguments:
        arguments = [*arguments, "--out", str(tmp_path / "out.mp4")]
    try:
        code = main(arguments)
    except SystemExit as stop:  # argparse's way
        code = stop.code
    assert code == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert error.count("fyp-lite: ") == 1
    assert not list(tmp_path.iterdir())


def test_raw_video_is_refused(tmp_path, capsys):
    from fyp_lite.video import write_video

    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    write_video(tmp_path / "raw.mp4", noise, 8)
    clip = ["--clip", str(tmp_path / "raw.mp4"), "--num-frames", "1"]
    assert main(["a panda", *clip, "--out", str(tmp_path / "out.mp4")]) == 2
    assert "looks like a raw video" in capsys.readouterr().err


def test_doctor_reports_the_weights(capsys, monkeypatch):
    monkeypatch.setattr("fyp_lite.lessons.doctor.report", lambda: "weights ok")
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == "weights ok\n"
    assert main(["doctor", "--seed", "1"]) == 2
    assert "doctor takes no options, but ['seed'] are given" in capsys.readouterr().err


def test_demo(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 0
    video = read("out/demo.mp4")
    assert video.shape == (8, 256, 256, 3)
    sheet = np.asarray(Image.open("out/demo.png"))
    assert sheet.shape[1] > 8 * 256 > sheet.shape[0]
    printed = capsys.readouterr().out
    for part in (
        "out/demo.mp4",
        "out/demo.png",
        "out/demo.json",
        "a panda on the sea",
        "dance.mp4",
    ):
        assert part in printed


def test_help_lists_every_option(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    for option in ("--clip", "--start-frame", "--crop-bottom", "--steps", "--guidance-scale"):
        assert option in printed
