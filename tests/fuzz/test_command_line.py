"""The command line: a video and its run card, or exit code 2 and one line."""

from __future__ import annotations

import json
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from fuzzing import ANYTHING, JSON, TEXTS, answers, cases, changed_json, check_terminal
from helpers import build_tiny_pipeline
from hypothesis import given
from hypothesis import strategies as st

import fyp_lite
from fyp_lite.cards.card import RunCard
from fyp_lite.cli.main import COMMANDS, main
from fyp_lite.cli.options import CLIP_OPTIONS, FLAGS, SAMPLE_OPTIONS
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.opening import open_clip
from fyp_lite.settings import ClipSettings, SampleSettings

FLAG = {name: FLAGS.get(name, f"--{name.replace('_', '-')}") for name in CLIP_OPTIONS}
FLAG |= {name: FLAGS.get(name, f"--{name.replace('_', '-')}") for name in SAMPLE_OPTIONS}
OPTIONS = [*FLAG.values(), "--negative-prompt", "--input-type", "--backend", "--no-such"]
VALUES = st.one_of(ANYTHING.map(str), st.integers(-2, 60).map(str)).filter(
    lambda text: "\0" not in text  # no program can be given one
)
QUICK = ["--steps", "1", "--num-frames", "1", "--guidance-scale", "1"]
PRESET = {
    "prompt": "a panda",
    "clip": "wave.json",
    "clip_settings": ClipSettings(num_frames=1).to_dict(),
    "sample_settings": SampleSettings(1, guidance_scale=1.0).to_dict(),
}


TEMPORARY = tempfile.TemporaryDirectory()
CLIP = str(Path(TEMPORARY.name) / "wave.json")  # quicker to open than a video
with open_clip(fyp_lite.data_dir() / "clips" / "cartoon.json") as whole:
    KeypointClip(whole.keypoints[:4], whole.fps, whole.height, whole.width).save(CLIP)


@pytest.fixture(scope="module", autouse=True)
def quick_model():
    """The command line with a tiny network: its answers to bad input are the same."""
    with pytest.MonkeyPatch.context() as patch:
        pipeline = build_tiny_pipeline(["a", "panda", "on", "the", "sea"])
        patch.setattr("fyp_lite.loading.load_pipeline", lambda model: pipeline)
        patch.setattr("fyp_lite.advice.count_people", lambda frames: 1)
        yield


def run(arguments: list[str], kind: str, settings: str = "") -> None:
    """Run the command in an empty folder and check what it says and leaves there."""
    arguments = [CLIP if argument == "wave.json" else argument for argument in arguments]
    settings = settings.replace('"wave.json"', json.dumps(CLIP))
    printed, errors = StringIO(), StringIO()
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as other:
        folder, out = Path(name), Path(name) / "out.mp4"
        if settings:
            path = Path(other) / "settings.json"
            path.write_text(settings, encoding="utf-8", errors="surrogatepass")
            arguments = [*arguments, "--settings", str(path)]
        with redirect_stdout(printed), redirect_stderr(errors):
            try:
                code = main([*arguments, "--out", str(out)])
            except SystemExit as stop:  # argparse's way
                code = stop.code
        if code == 0 and not out.exists():
            assert printed.getvalue().startswith(("usage", "fyp-lite"))  # --help, --version
        elif code == 0:
            assert sorted(path.name for path in folder.iterdir()) == ["out.json", "out.mp4"]
            with open_clip(out) as clip:
                card = RunCard.load(out.with_suffix(".json"))
                assert clip.num_frames == card.request.clip_settings.num_frames
        else:
            check_terminal(code, errors.getvalue().replace(other, "GIVEN"), folder)
    answers[kind, "sentence" if code else "result"] += 1


@cases(8, 500)
@given(st.lists(st.tuples(st.sampled_from(OPTIONS), VALUES), min_size=1, max_size=2))
def test_any_value_of_any_option(pairs):
    options = [part for pair in pairs for part in pair]
    run(["make", "a panda", "--clip", "wave.json", *QUICK, *options], "command lines")


@cases(5, 300)
@given(st.lists(VALUES | st.sampled_from([*OPTIONS, "--clip", "--model"]), max_size=5))
def test_any_arguments(arguments):
    if not arguments or arguments[0] not in COMMANDS:
        run(arguments, "command lines")
    run(["make", *arguments], "command lines")


@cases(5, 300)
@given(TEXTS.filter(lambda text: "\0" not in text and not text.startswith("-")))
def test_any_prompt(prompt):
    run(["make", prompt, "--clip", "wave.json", *QUICK], "command lines")


@cases(8, 600)
@given(changed_json(PRESET))
def test_presets_from_others(preset):
    run(["make"], "presets", json.dumps(preset))


@cases(5, 300)
@given(JSON.map(json.dumps) | TEXTS | st.sampled_from(["[" * 100_000, "9" * 5000, "{}"]))
def test_text_as_a_preset(text):
    run(["make"], "presets", text or " ")


def test_a_clip_whose_name_is_no_text_is_named_on_the_card(tmp_path):
    clip = tmp_path / "caf\udce9.mp4"  # as Python writes a name in another encoding
    clip.write_bytes((fyp_lite.data_dir() / "clips" / "wave.mp4").read_bytes())
    out = ["--out", str(tmp_path / "o.mp4")]
    assert main(["make", "a panda", "--clip", str(clip), *QUICK, *out]) == 0
    assert json.loads((tmp_path / "o.json").read_text())["clip"] == str(clip)
    again = ["--settings", str(tmp_path / "o.json"), "--out", str(tmp_path / "2.mp4")]
    assert main(["make", *again]) == 0
