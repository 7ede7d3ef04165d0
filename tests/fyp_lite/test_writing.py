"""What cannot be written is found before the work, and names survive every code page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fyp_lite
from fyp_lite import data_dir
from fyp_lite.cli.main import main
from fyp_lite.clip import ClipError
from fyp_lite.files.writing import check_writable, written_whole
from fyp_lite.opening import open_clip
from fyp_lite.video import write_video

QUICK = ["--steps", "1", "--num-frames", "1", "--guidance-scale", "1"]
ROOT = Path(fyp_lite.__file__).parents[1]
# Nothing can be written in /proc, whoever asks.
no_folder = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")


@pytest.fixture
def no_work(monkeypatch):
    """Whatever takes time fails the test."""

    def work(*arguments, **options):
        pytest.fail("the work has begun")

    monkeypatch.setattr("fyp_lite.loading.load_pipeline", work)
    monkeypatch.setattr("fyp_lite.cli.skeleton.extract_steps", work)
    monkeypatch.setattr("fyp_lite.sweeps.worker.make_steps", work)


@no_folder
@pytest.mark.parametrize(
    "words",
    [
        ["a panda", "--clip", "dance", "--out", "/proc/here/out.mp4"],
        ["a panda", "--clip", "RAW", "--out", "/proc/out.mp4"],
        ["skeleton", "RAW", "--out", "/proc/out.mp4"],
        ["skeleton", "RAW", "--keypoints", "/proc/keypoints.json"],
        ["sweep", "a panda", "--clip", "dance", *QUICK, "--out", "/proc/sweep"],
        ["a panda", "--clip", "dance", "--out", "FILE/out.mp4"],
        ["sweep", "a panda", "--clip", "dance", *QUICK, "--out", "FILE/sweep"],
    ],
)
def test_a_place_that_cannot_be_written_is_named_first(words, tmp_path, capsys, no_work):
    noise = np.random.default_rng(0).integers(90, 256, (30, 64, 64, 3), dtype=np.uint8)
    write_video(tmp_path / "raw.mp4", noise, 24)
    (tmp_path / "file").touch()
    names = {"RAW": str(tmp_path / "raw.mp4")}
    words = [names.get(word, word.replace("FILE", str(tmp_path / "file"))) for word in words]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.endswith("another folder.\n")
    assert words[-1] in said and "cannot be written" in said
    assert ".part" not in said  # no name that nobody gave
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "raw.mp4"]


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    check_writable(tmp_path / "out.mp4")
    check_writable(tmp_path / "folder" / "to" / "be" / "made" / "out.mp4")
    assert not list(tmp_path.iterdir())


FULL = """
import resource, sys
from pathlib import Path
from fyp_lite.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
sys.exit(main(["a panda", "--clip", "dance", "--out", sys.argv[1]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_full_disk_is_noticed_before_the_work(tmp_path):
    """A limit of the size of files stands for it."""
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "out.mp4")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        f"fyp-lite: {tmp_path / 'out.mp4'} cannot be written (File too large): free some space "
        "there, or give another folder.\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_meanwhile_is_said_in_words(tmp_path):
    said = r"a.mp4 cannot be written \(No space left on device\): free some space there"
    with pytest.raises(ClipError, match=said), written_whole(tmp_path / "a.mp4") as part:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------------- code pages

CODE_PAGES = {
    "western": {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    "C": {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
}


def run(words, page):
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | CODE_PAGES[page]
    if page == "C":
        environment.pop("PYTHONIOENCODING", None)
    words = [os.fsencode(word) for word in words]
    return subprocess.run(
        [sys.executable, "-m", "fyp_lite", *words], capture_output=True, env=environment
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows gives names as text")
@pytest.mark.parametrize("page", CODE_PAGES)
def test_names_survive_every_code_page(page, tmp_path):
    folder = tmp_path / "ダンス 🐼"
    folder.mkdir()
    clip, out = folder / "踊り.mp4", folder / "ergebnis_ü.mp4"
    shutil.copy(data_dir() / "clips" / "dance.mp4", clip)
    prompt = "a panda on the ちず" if page == "western" else "a pandda"  # "C" has no such letters
    ended = run([prompt, "--clip", str(clip), *QUICK, "--out", str(out)], page)
    assert ended.returncode == 0, ended.stderr
    assert b"does not know the word" in ended.stderr
    assert b"video     " in ended.stdout and b"took" in ended.stdout
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [clip.name, out.name, out.with_suffix(".json").name]
    )
    with open_clip(out) as result:
        assert result.num_frames == 1
    # "C" knows no letters beyond ASCII: there the bytes of a name stand on the card as escapes.
    card = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert os.fsencode(card["clip"]) == os.fsencode(str(clip))
    wrong = run(["a panda", "--clip", str(folder / "無い.mp4"), "--out", str(out)], page)
    assert wrong.returncode == 2
    assert wrong.stderr.count(b"\n") == 1 and b"there is no file" in wrong.stderr


def test_help_survives_a_code_page():
    ended = run(["--help"], "C")
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout) > 1000
