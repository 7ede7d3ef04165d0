"""The command line with the bundled model and clips."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fyp_lite import data_dir
from fyp_lite.cards.card import RunCard
from fyp_lite.cards.picture import save_card
from fyp_lite.cli.main import COMMANDS, load_command, main
from fyp_lite.cli.make import read_request
from fyp_lite.cli.options import Parser
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.opening import find_clip, open_clip, prepare_clip
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.skeleton import check_skeleton_frames
from fyp_lite.version import __version__
from fyp_lite.video import write_video
from fyp_world.world.motion import perform

CLIP = str(data_dir() / "clips" / "dance.mp4")
QUICK = ["--clip", CLIP, "--steps", "2", "--num-frames", "2"]


def requested(*arguments: str) -> Request:
    """What `fyp-lite make` reads from these arguments."""
    parser = Parser("fyp-lite make", "")
    load_command("make").add_options(parser)
    return read_request(parser.parse_args(arguments))


def refused(arguments: list[str], capsys) -> str:
    """What the command says to bad input."""
    capsys.readouterr()  # of commands before
    try:
        code = main(arguments)
    except SystemExit as stop:  # argparse's way
        code = stop.code
    error = capsys.readouterr().err
    assert code == 2 and error.count("\n") == 1
    return error


def read(path) -> np.ndarray:
    with open_clip(path) as clip:
        return clip.read(range(clip.num_frames))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A short result made with several options."""
    out = tmp_path_factory.mktemp("first") / "panda.mp4"
    options = ["--start-frame", "8", "--frame-stride", "2", "--crop-right", "40"]
    options += ["--guidance-scale", "4", "--seed", "1", "--out", str(out)]
    assert main(["make", "a panda on the sea", *QUICK, *options]) == 0
    return out


def test_a_run_card_is_saved_beside_the_result(first):
    card = RunCard.load(first.with_suffix(".json"))
    clip_settings = ClipSettings(8, frame_stride=2, num_frames=2, crop_right=40)
    sampling = SampleSettings(2, 4.0, seed=1)
    assert card.request == Request("a panda on the sea", CLIP, "", clip_settings, sampling)
    assert (card.made.model, card.made.fps) == ("lite", 12) and card.made.seconds > 0
    with open_clip(first) as clip:
        assert clip.fps == pytest.approx(12)  # 24 a second at stride 2: real time


def test_settings_are_taken_back_and_overridden(first, tmp_path):
    settings = ["make", "--settings", str(first.with_suffix(".json"))]
    assert main([*settings, "--out", str(tmp_path / "same.mp4")]) == 0
    np.testing.assert_array_equal(read(tmp_path / "same.mp4"), read(first))
    assert main([*settings, "--seed", "2", "--out", str(tmp_path / "new" / "other.gif")]) == 0
    card = json.loads((tmp_path / "new" / "other.json").read_text())
    assert card["sample_settings"]["seed"] == 2
    assert card["prompt"] == "a panda on the sea"
    assert read(tmp_path / "new" / "other.gif").shape == read(first).shape


def test_unknown_words_are_named(tmp_path, capsys):
    assert main(["make", "a pandda on the sea", *QUICK, "--out", str(tmp_path / "a.webp")]) == 0
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
        (["a panda", *QUICK, "--settings", "nowhere.json"], "There is no file nowhere.json"),
        (["a panda", *QUICK, "--pose-strength", "-1"], "pose_strength is -1"),
        (["a panda", *QUICK, "--pose-start", "0.5", "--pose-end", "0.5"], "less than pose_end"),
        (["a panda", *QUICK, "--model", "nowhere"], "'nowhere' is neither 'lite'"),
        (["a panda", *QUICK, "--out", "panda.avi"], "panda.avi"),
        (["panda " * 50, *QUICK], "reads 24 at most"),
    ],
)
@pytest.mark.parametrize("command", [["make"], []], ids=["make", "short"])
def test_bad_input_is_one_sentence_and_exit_code_2(command, arguments, sentence, tmp_path, capsys):
    if "--out" not in arguments:
        arguments = [*arguments, "--out", str(tmp_path / "out.mp4")]
    error = refused([*command, *arguments], capsys)
    assert sentence in error
    assert "Traceback" not in error
    assert len(re.findall("fyp-lite( make)?: ", error)) == 1
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------------- raw video


class Waving:
    """A detector that sees one person in every frame, whatever the frame shows."""

    name = "mediapipe"

    def __init__(self) -> None:
        self.figures = iter(
            perform(
                "wave_left",
                30,
                24.0,
                np.random.default_rng(0),
                yaw=0.0,
                height=100.0,
                position=(64.0, 120.0),
            )
        )

    def detect(self, frame: np.ndarray) -> np.ndarray:
        return next(self.figures).keypoints()[None]

    def close(self) -> None:
        pass


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """A raw video of 30 frames, and a detector for it whatever name is asked for."""
    monkeypatch.setenv("FYP_LITE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "fyp_lite.keypoints.extract.choose_backend", lambda name, **options: Waving()
    )
    noise = np.random.default_rng(0).integers(90, 256, (30, 128, 128, 3), dtype=np.uint8)
    write_video(tmp_path / "raw.mp4", noise, 24)
    return tmp_path / "raw.mp4"


def test_raw_video_becomes_a_result_with_its_skeleton_beside(raw, tmp_path, capsys):
    quick = ["--steps", "1", "--num-frames", "2"]
    out = tmp_path / "new" / "moon.mp4"
    prompt = ["make", "an astronaut on the moon"]
    assert main([*prompt, "--clip", str(raw), *quick, "--out", str(out)]) == 0
    assert read(out).shape == (2, 256, 256, 3)
    printed = capsys.readouterr()
    assert "30 frames of 128 x 128, 24 a second; 1 person found by mediapipe; jitter" in printed.out
    assert "cut off" not in printed.err
    skeleton, keypoints = out.with_name("moon_skeleton.mp4"), out.with_name("moon_keypoints.json")
    check_skeleton_frames(read(skeleton))
    assert str(skeleton) in printed.out
    assert str(keypoints) in printed.out

    again = [*quick, "--out", str(tmp_path / "again.mp4")]
    assert main([*prompt, "--clip", str(keypoints), *again]) == 0
    np.testing.assert_allclose(read(tmp_path / "again.mp4"), read(out), atol=40)
    card = RunCard.load(out.with_suffix(".json"))
    assert (card.request.clip, card.detector) == (str(raw), "mediapipe")
    assert main(["make", "--settings", str(out.with_suffix(".json")), *again]) == 0
    np.testing.assert_array_equal(read(tmp_path / "again.mp4"), read(out))


def test_skeleton_command(raw, tmp_path, capsys):
    skeleton, keypoints = tmp_path / "s.mp4", tmp_path / "k.json"
    write = ["--out", str(skeleton), "--keypoints", str(keypoints)]
    assert main(["skeleton", str(raw), *write, "--backend", "auto"]) == 0
    assert "1 person found by mediapipe; jitter" in capsys.readouterr().out
    assert read(skeleton).shape == (30, 128, 128, 3)
    steady = KeypointClip.load(keypoints)
    assert (steady.source, steady.num_people) == ("raw.mp4", 1)
    assert main(["skeleton", str(raw), *write, "--no-smoothing", "--no-filling"]) == 0
    assert not np.array_equal(KeypointClip.load(keypoints).keypoints, steady.keypoints)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["skeleton"], "the following arguments are required: FILE"),
        (["skeleton", "RAW"], "give --out FILE.mp4, --keypoints FILE.json or both"),
        (["skeleton", "RAW", "--out", "s.gif"], "s.gif: a skeleton is written as .mp4"),
        (["skeleton", "RAW", "--keypoints", "k.txt"], "k.txt ends in '.txt'"),
        (["skeleton", "RAW", "--out", "RAW"], "raw.mp4 is the clip itself"),
        (["skeleton", "RAW", "--keypoints", "CARD"], "card.json is no keypoint file"),
        (["skeleton", "RAW", "--out", "s.mp4", "--max-people", "0"], "max_people is 0"),
        (
            ["make", "a panda", "--clip", "RAW", "--out", "s.mp4", "--max-people", "0"],
            "max_people is 0",
        ),
        (["skeleton", CLIP, "--keypoints", "k.json", "--fps", "30"], "a video has its own rate"),
        (["skeleton", "nowhere.mp4", "--out", "s.mp4"], "there is no file nowhere.mp4"),
        (["a panda", "--clip", "dancer", "--out", "o.mp4"], "nor a bundled clip: those are boxing"),
        (["a", "panda", "--clip", "dance"], "'panda': put quotes around a whole prompt"),
        (["a panda", "--stride=2"], "no option --stride (did you mean --frame-stride?)"),
        (["a panda", "--foo", "2"], "there is no option --foo; see fyp-lite make --help"),
        (["a panda", "--clip", "RAW", "--out", "o.mp4", "--input-type", "skeleton"], "a raw video"),
        (["a panda", "--clip", "RAW", "--out", "o.mp4", "--input-type", "film"], "'film', but it"),
        (["a panda", "--clip", "RAW", "--out", "o.mp4", "--start-frame", "25"], "at most 8"),
        (["a panda", "--clip", "CARD", "--out", "o.mp4"], "card.json is no keypoint file"),
    ],
)
def test_bad_raw_input_is_one_sentence(arguments, sentence, raw, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "card.json").write_text('{"prompt": "a panda"}')
    names = {"RAW": str(raw), "CARD": str(tmp_path / "card.json")}
    error = refused([names.get(argument, argument) for argument in arguments], capsys)
    assert sentence in error
    assert "Traceback" not in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.json", "raw.mp4"]


def test_doctor_reports_the_weights(capsys, monkeypatch):
    monkeypatch.setattr("fyp_lite.cli.doctor.report", lambda: "weights ok")
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == "weights ok\n"
    error = refused(["doctor", "--seed", "1"], capsys)
    assert error == "fyp-lite doctor: there is no option --seed; see fyp-lite doctor --help.\n"


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


def told(arguments: list[str], capsys) -> str:
    """What a command that only tells something prints."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_help_names_every_command(capsys):
    printed = told(["--help"], capsys)
    for name, text in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(text)}$", printed, re.MULTILINE)
    assert told([], capsys) == told(["-h"], capsys) == printed
    assert told(["--version"], capsys) == f"fyp-lite {__version__}\n"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_a_terminal(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    printed = told([*filter(None, [name]), "--help"], capsys)
    assert printed.startswith(f"usage: fyp-lite {name or 'COMMAND'}")
    assert len(printed.splitlines()) <= 55
    assert max(map(len, printed.splitlines())) <= 100


@pytest.mark.parametrize("name", ["make", "sweep"])
def test_help_lists_every_setting(name, capsys):
    printed = told([name, "--help"], capsys)
    renamed = {"num_inference_steps": "steps"}
    for setting in (*ClipSettings().to_dict(), *SampleSettings().to_dict(), "clip", "model"):
        assert f"--{renamed.get(setting, setting).replace('_', '-')} " in printed


def test_the_pose_dial_and_its_window_reach_the_video(tmp_path):
    pose = ["--pose-strength", "0.5", "--pose-start", "0.1", "--pose-end", "0.8"]
    settings = requested("a panda", "--clip", "dance", *pose).sample_settings
    assert settings == SampleSettings(pose_strength=0.5, pose_start=0.1, pose_end=0.8)
    videos = {}
    for strength in ("1", "0"):
        out = tmp_path / f"pose{strength}.webp"
        arguments = ["a panda", *QUICK, "--pose-strength", strength, "--out", str(out)]
        assert main(["make", *arguments]) == 0
        sampling = RunCard.load(out.with_suffix(".json")).request.sample_settings
        assert sampling.pose_strength == float(strength)
        videos[strength] = read(out)
    assert (videos["0"] != videos["1"]).any()


@pytest.mark.parametrize(
    "path", sorted((data_dir() / "presets").glob("*.json")), ids=lambda p: p.stem
)
def test_every_preset_is_read_and_fits_its_clip(path):
    request = requested("--settings", str(path))
    prepared = prepare_clip(find_clip(request.clip_name), request.clip_settings, 64)
    check_skeleton_frames(prepared.frames)
    assert request.prompt


def test_bundled_clips_have_names_and_files_go_first(tmp_path, monkeypatch):
    bundled = str(data_dir() / "clips" / "dance.mp4")
    assert find_clip("dance") == find_clip("dance.mp4") == bundled
    assert find_clip("cartoon.json").endswith("cartoon.json")
    assert find_clip("folder/dance.mp4") == "folder/dance.mp4"  # its reader says what is wrong
    with pytest.raises(ValueError, match="nobody is neither a file nor a bundled clip.* dance"):
        find_clip("nobody")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dance.mp4").touch()
    assert find_clip("dance.mp4") == "dance.mp4"


@pytest.mark.parametrize("name", ["dance.json", "walk.gif", "cartoon.webm"])
def test_a_file_that_is_not_there_is_no_bundled_clip(name):
    with pytest.raises(ValueError, match=f"{name} is neither a file nor a bundled clip"):
        find_clip(name)


# ---------------------------------------------------------------------------- commands


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["doctr"], "doctor"),
        (["Doctor"], "doctor"),
        (["demoo"], "demo"),
        (["convrt", "--download"], "convert"),
        (["skelton", "me.mp4"], "skeleton"),
        (["sweeep", "a panda", "--clip", "dance", "--vary", "seed=1,2"], "sweep"),
        (["sweeep", "a panda", "--clip", "dance", "--out", "o"], "sweep"),
        (["serv", "--port", "80"], "serve"),
        (["help"], "--help"),
        (["version"], "--version"),
        (["mak", "a panda", "--clip", "dance", "--out", "o.mp4"], "make"),
    ],
)
def test_a_mistyped_command_is_answered_with_the_nearest(arguments, meant, capsys):
    error = refused(arguments, capsys)
    assert f"there is no command {arguments[0]!r}: did you mean fyp-lite {meant}?" in error


def test_a_prompt_of_one_word_stays_a_prompt(tmp_path, capsys):
    assert main(["doctors", *QUICK, "--out", str(tmp_path / "doctors.mp4")]) == 0
    assert RunCard.load(tmp_path / "doctors.json").request.prompt == "doctors"
    assert "There is no clip" in refused(["make", "doctor"], capsys)


def test_a_word_that_is_neither_a_command_nor_a_prompt_is_told_both_ways(capsys):
    error = refused(["panda"], capsys)
    assert "there is no command 'panda', only make, skeleton, sweep" in error
    assert 'fyp-lite make "panda" --clip dance --out video.mp4' in error


# ---------------------------------------------------------------------------- run cards


@pytest.fixture(scope="module")
def card(first) -> RunCard:
    """The run card of what the command line made, as it is passed on: without the folder."""
    card = RunCard.load(first.with_suffix(".json"))
    return replace(card, request=replace(card.request, clip="dance.mp4"))


@pytest.mark.parametrize("suffix", [".json", ".png"])
def test_a_run_card_is_read_as_settings(card, suffix, first, tmp_path):
    save_card(card, tmp_path / f"card{suffix}")
    settings = ["make", "--settings", str(tmp_path / f"card{suffix}")]
    assert main([*settings, "--out", str(tmp_path / "same.mp4")]) == 0
    np.testing.assert_array_equal(read(tmp_path / "same.mp4"), read(first))
    assert main([*settings, "--seed", "5", "--out", str(tmp_path / "other.webp")]) == 0
    assert RunCard.load(tmp_path / "other.json").request == card.request.changed({"seed": 5})


def test_a_run_card_of_a_raw_video_finds_the_same_people(card, tmp_path):
    request = replace(card.request, input_type="raw", backend="cartoon")
    save_card(replace(card, request=request), tmp_path / "card.json")
    assert requested("--settings", str(tmp_path / "card.json")) == request


def test_a_run_card_of_another_clip_is_refused(card, tmp_path, capsys):
    made = replace(card.made, clip_hash="0" * 64)
    save_card(replace(card, made=made), tmp_path / "card.json")
    arguments = ["--settings", str(tmp_path / "card.json"), "--out", str(tmp_path / "o.mp4")]
    error = refused(arguments, capsys)
    assert "dance.mp4 is not the clip that this card was made with" in error and "--clip" in error
    assert requested(*arguments, "--clip", CLIP).clip == CLIP


def test_a_run_card_replaces_run_cards_and_no_other_file(card, tmp_path, capsys):
    save_card(card, tmp_path / "a.json")
    assert main(["make", "a panda", *QUICK, "--out", str(tmp_path / "a.webp")]) == 0
    assert RunCard.load(tmp_path / "a.json").request.prompt == "a panda"
    (tmp_path / "b.json").write_text('{"people": []}')
    error = refused(["make", "a panda", *QUICK, "--out", str(tmp_path / "b.mp4")], capsys)
    assert "b.json is not a run card of fyp-lite and would be replaced by one" in error
    assert (tmp_path / "b.json").read_text() == '{"people": []}'


def test_a_picture_without_a_card_is_refused(tmp_path, capsys):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    error = refused(["--settings", str(tmp_path / "a.png"), "--out", "o.mp4"], capsys)
    assert "picture without a run card inside" in error
