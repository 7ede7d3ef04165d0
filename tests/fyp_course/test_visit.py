"""The public playground: each limit, names, folders, and a panel that knows no path."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from helpers import press_generate, send_file

import fyp_lite
from fyp_course import visit
from fyp_course.panels.playground import Playground
from fyp_course.public import page, serve
from fyp_course.visit import Limits, Visit, VisitError, own_folder, plain_name
from fyp_lite.cli.main import main
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.video import write_video

CLIPS = fyp_lite.data_dir() / "clips"
LIMITS = Limits(
    upload_megabytes=1,
    clip_frames=100,
    clip_megapixels=1,
    num_frames=4,
    num_inference_steps=3,
    prompt_letters=30,
    sweep_videos=2,
    runs_a_minute=3,
)


@pytest.fixture
def playground(tiny_pipeline, tmp_path):
    panel = Playground(tiny_pipeline, folder=tmp_path, visit=Visit(LIMITS))
    panel.steps.value = 2
    panel.chooser.ruler.num_frames.value = 2
    return panel


def upload(panel, name, content):
    """Returns what is said of it; what it looks like is answered."""
    said = send_file(panel.picker.upload, name, content)[-1]["sentence"]
    if panel.picker.question.layout.display == "":
        panel.picker.answers["skeleton"].click()
    return said


# ------------------------------------------------------------------------------ limits


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_frames": 0}, "num_frames is 0, but must be a whole number from 1"),
        ({"runs_a_minute": True}, "runs_a_minute is True"),
        ({"clip_frames": 2.5}, "clip_frames is 2.5"),
        ({"sweep_videos": 13}, "sweep_videos is 13, but runs_a_minute only 12"),
    ],
)
def test_limits_that_are_none(change, said):
    with pytest.raises(VisitError, match=said):
        Limits(**change)


def test_what_is_within_the_limits_passes():
    guest = Visit(LIMITS)
    guest.check_upload("a.mp4", 1_000_000)
    settings = ClipSettings(num_frames=4), SampleSettings(3)
    guest.check_run(Request("x" * 30, "dance", "y" * 30, *settings))
    guest.check_sweep(2)
    guest.begin(3)


def test_runs_are_counted_for_a_minute(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(visit.time, "monotonic", lambda: clock[0])
    guest = Visit(LIMITS)
    guest.begin(1)
    clock[0] += 20
    guest.begin(2)
    with pytest.raises(VisitError, match=r"3 runs .* and 1 more .* but 3 a minute .* wait 40 s"):
        guest.begin(1)
    with pytest.raises(VisitError, match="wait 60 s"):
        guest.begin(2)
    clock[0] += 40
    guest.begin(1)
    with pytest.raises(VisitError, match="wait 20 s"):
        guest.begin(1)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../mine.mp4", "mine.mp4"),
        ("C:\\films\\mine.mp4", "mine.mp4"),
        ("..", "upload"),
        ("", "upload"),
        (".mp4", "mp4"),
        ("a\0b<i>.mp4", "a_b_i_.mp4"),
        ("Anna (2) läuft.mov", "Anna (2) läuft.mov"),
        ("x" * 300 + ".mp4", "x" * visit.MAX_NAME + ".mp4"),
    ],
)
def test_names_are_a_files_and_no_more(given, name):
    assert plain_name(given) == name == plain_name(name)
    assert len(plain_name("走" * 300 + ".走走走走走走走走走").encode()) <= 255


# ------------------------------------------------------------------------------ folders


def test_a_folder_is_private_and_ends_with_its_process(tmp_path):
    code = (
        "from fyp_course.visit import own_folder; folder = own_folder('visitor'); "
        "(folder / 'mine').write_text('x'); print(folder, oct(folder.stat().st_mode)[-3:])"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    folder, mode = done.stdout.split()
    assert mode == "700" and str(tmp_path) in folder
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(visit.tempfile, "tempdir", str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = tmp_path / f"fyp_lite_visitor_{gone.pid}_abc"
    other = tmp_path / "fyp_lite_visitor_of_somebody"
    for folder in (left, other):
        folder.mkdir()
        (folder / "clip.mp4").write_bytes(b"x")
    mine = own_folder("visitor")
    visit.remove_left_over(tmp_path, "visitor")
    assert set(tmp_path.iterdir()) == {mine, other}


# ------------------------------------------------------------------------------ the panel


def test_a_path_opens_nothing(playground):
    playground.picker.path.value = str(CLIPS / "kick.mp4")
    assert playground.chooser.clip.path.name == "dance.mp4"


def test_of_uploads_the_last_is_kept(playground):
    for name in ("wave.mp4", "kick.mp4"):
        said = upload(playground, f"../../{name}", (CLIPS / name).read_bytes())
    wave = playground.chooser.clip.path
    assert wave.name == "wave.mp4" and "kick.mp4 holds more than max_frames=100" in said
    assert list(wave.parents[1].glob("*/*")) == [wave]
    upload(playground, "walk.mp4", (CLIPS / "walk.mp4").read_bytes())
    walk = playground.chooser.clip.path
    assert walk.name == "walk.mp4" and list(walk.parents[1].glob("*/*")) == [walk]


def test_too_much_is_refused_in_words(playground, tmp_path):
    (answer,) = send_file(playground.picker.upload, "big.mp4", b"x", size=1_000_001)  # at once
    assert "big.mp4 has 1.0 MB, but at most 1 MB are taken" in answer["sentence"]
    write_video(tmp_path / "wide.mp4", np.zeros((2, 1000, 1100, 3), np.uint8), 10)
    said = upload(playground, "wide.mp4", (tmp_path / "wide.mp4").read_bytes())
    assert "more than max_pixels=1000000" in said
    long = json.loads((CLIPS / "cartoon.json").read_text())
    long["frames"] *= 2
    said = upload(playground, "long.json", json.dumps(long).encode())
    assert "long.json has 144 frames, but at most 100" in said
    assert playground.chooser.clip.path.name == "dance.mp4"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: setattr(p.chooser.ruler.num_frames, "value", 5), "num_frames is 5, but at most"),
        (lambda p: setattr(p.steps, "value", 4), "steps is 4, but at most 3"),
        (lambda p: setattr(p.prompt, "value", "a" * 31), "number of letters is 31"),
        (lambda p: setattr(p.negative_prompt, "value", "a" * 31), "number of letters is 31"),
    ],
)
def test_a_costly_video_is_not_begun(playground, change, said):
    change(playground)
    press_generate(playground)
    assert said in playground.message.value and playground.video is None
    with pytest.raises(VisitError):
        playground._cost()


def test_a_fourth_run_in_a_minute_waits(playground):
    for _ in range(3):
        press_generate(playground)
        assert playground.message.value == ""
    press_generate(playground)
    assert "3 a minute are made here: wait" in playground.message.value


def test_sweeps_are_limited_and_stay_in_the_visitors_folder(playground, tmp_path):
    panel = playground.sweep
    panel.row_name.value, panel.column_name.value = "seed", "none"
    panel.row_values.value = ", ".join(map(str, range(3)))
    press_generate(panel)
    assert "This sweep has 3 videos, but at most 2" in panel.message.value
    panel.row_name.value, panel.row_values.value = "num_inference_steps", "1, 50"
    press_generate(panel)
    assert "steps is 50, but at most 3" in panel.message.value
    panel.row_values.value, panel.folder.value = "1, 2", str(tmp_path / "elsewhere")
    press_generate(panel)
    assert panel.message.value == "" and panel.folder not in panel.children
    assert (tmp_path / "sweep" / "grid.png").is_file() and not (tmp_path / "elsewhere").exists()
    assert str(tmp_path) not in panel.progress_label.value


def test_many_sweeps_do_not_fill_the_disk(tmp_path):
    guest, sweeps = Visit(LIMITS), tmp_path / "sweep"
    guest.make_room(sweeps)
    sweeps.mkdir()
    for i in range(41):
        (sweeps / str(i)).write_bytes(b"x")
        guest.make_room(sweeps)
        assert sweeps.exists() == (i < 40)


def test_results_are_downloads(playground, tmp_path):
    press_generate(playground)
    for suffix, button in playground.share.buttons.items():
        button.click()
        said = playground.share.message.value
        assert re.match(
            rf'Download <a download="my_video{suffix}" href="data:\w+/\w+;base64,', said
        )
    playground.share.name.value = '"><script>'
    button.click()
    assert "cannot be a file" in playground.share.message.value
    assert "<script>" not in playground.share.message.value
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------ the server


def test_the_page_holds_the_limits_and_no_more():
    words, code = serve.notebook(LIMITS, 15)["cells"]
    assert "nobody uses for 15 min" in words["source"]
    assert "notice_of_the_end(15)" in code["source"]
    assert repr(LIMITS) in code["source"] and "stays on this server" in words["source"]
    imports = code["source"].partition("\n\ndisplay(")[0]
    names: dict = {}
    exec(imports, names)  # what the cell needs is where it says
    assert names["Limits"] is Limits and names["open_playground"] is page.open_playground
    assert names["notice_of_the_end"] is page.notice_of_the_end
    compile(code["source"], "cell", "exec")
    assert eval(repr(LIMITS), {"Limits": Limits}) == LIMITS


def test_the_command_passes_what_was_asked_for(monkeypatch):
    asked = {}
    monkeypatch.setattr(serve, "serve", lambda **options: asked.update(options))
    assert main(["serve", "--port", "9000", "--visitors", "3", "--num-frames", "8"]) == 0
    assert asked == {
        **{"port": 9000, "ip": "127.0.0.1", "visitors": 3, "idle_minutes": 15},
        "limits": Limits(num_frames=8),
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "0"], "--port is 0, but must be from 1 to 65535"),
        (["--visitors", "0"], "--visitors is 0"),
        (["--sweep-videos", "40"], "sweep_videos is 40"),
    ],
)
def test_a_command_that_cannot_be_served(options, said, capsys):
    assert main(["serve", *options]) == 2
    assert said in capsys.readouterr().err
