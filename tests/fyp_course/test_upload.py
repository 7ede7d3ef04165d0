"""Uploads in pieces, on the kernel's side: nothing that a browser says is believed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess

import pytest
from helpers import send_file

import fyp_lite
from fyp_course.panels import upload as upload_module
from fyp_course.panels.upload import LIMIT, PIECE, Upload, UploadError, look_at, uploaded_files

WAVE = fyp_lite.data_dir() / "clips" / "wave.mp4"
LARGE = os.urandom(3 * PIECE + 17)


@pytest.fixture
def upload(tmp_path):
    return Upload(taken=lambda path: f"{path.name} is here", folder=tmp_path)


def say(upload, kind, key="f", buffers=(), **content):
    """Send a message of the transfer `key` as a browser does; returns the answers to it."""
    answers = []
    upload.pieces.send = lambda answer, buffers=None: answers.append(answer)
    upload.pieces._handle_custom_msg({"kind": kind, "id": key, **content}, list(buffers))
    return answers


def begin(upload, size=3 * PIECE + 17, file="f.mp4", key="f"):
    return say(upload, "begin", key, name=file, size=size)


def piece(upload, offset, length=PIECE, key="f"):
    return say(upload, "piece", key, [memoryview(LARGE)[offset : offset + length]], offset=offset)


def test_a_file_arrives_whole_with_progress(upload):
    answers = send_file(upload, "big.mp4", LARGE)
    steps = [answer["offset"] for answer in answers if answer["kind"] == "next"]
    assert steps == [0, PIECE, 2 * PIECE, 3 * PIECE]
    assert [answer["kind"] for answer in answers[-2:]] == ["whole", "done"]
    assert upload.path.read_bytes() == LARGE and upload.path.name == "big.mp4"
    assert answers[-1]["sentence"] == upload.said == upload.pieces.said == "big.mp4 is here"


def test_what_was_taken_is_said_with_frames_and_size():
    plain = Upload()
    send_file(plain, "mine.mp4", WAVE.read_bytes())
    assert plain.said == (
        f"Arrived: mine.mp4: 96 frames of 320 × 320 pixels, {WAVE.stat().st_size / 1e6:.1f} MB. "
        "It looks like a skeleton video."
    )
    raw = fyp_lite.data_dir() / "clips" / "cartoon.mp4"
    assert look_at(raw).endswith("It looks like a raw video.")


def test_before_and_on_the_way_it_says_so(upload):
    assert upload.said == "No file was uploaded." and upload.path is None
    begin(upload)
    piece(upload, 0)
    assert upload.said == "f.mp4: 1.0 of 3.1 MB have arrived: run this again when it is there."


def test_what_is_no_clip_is_refused_and_removed(tmp_path):
    upload = Upload(folder=tmp_path)
    answers = send_file(upload, "text.mp4", b"just words " * 100)
    assert answers[-1]["kind"] == "no" and "text.mp4 is a text file" in upload.said
    assert upload.path is None and upload.pieces.refused and list(tmp_path.iterdir()) == []
    send_file(upload, "mine.mp4", WAVE.read_bytes())
    assert not upload.pieces.refused and upload.path.name == "mine.mp4"


def test_size_is_checked_before_the_first_piece(upload, tmp_path):
    (answer,) = begin(upload, LIMIT + 1_000_000)
    assert answer["kind"] == "no"
    assert "f.mp4 has 201 MB, and at most 200 MB are uploaded: drag the file" in answer["sentence"]
    (answer,) = begin(upload, LIMIT)
    assert answer == {"kind": "next", "id": "f", "offset": 0}
    (answer,) = begin(upload, 0)
    assert "f.mp4 is empty (0 bytes)" in answer["sentence"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [None, "9", -1, 1.5, True, [], float("inf")])
@pytest.mark.parametrize("file", ["f.mp4", None, 3, "../../f.mp4"])
def test_what_is_no_size_or_name_is_refused(upload, tmp_path, size, file):
    (answer,) = begin(upload, size, file)
    assert answer["kind"] == "no" and list(tmp_path.iterdir()) == []


def test_no_more_arrives_than_was_announced(upload, tmp_path):
    begin(upload, 100)
    (answer,) = piece(upload, 0, 101)
    assert answer["kind"] == "no" and "was announced with 100 bytes" in answer["sentence"]
    (answer,) = piece(upload, 0, 10)  # nothing is open any more
    assert answer["kind"] == "no" and list(tmp_path.iterdir()) == []
    begin(upload)
    (answer,) = piece(upload, 0, PIECE + 1)  # a message of any size
    assert answer["kind"] == "no" and list(tmp_path.iterdir()) == []
    begin(upload)
    assert say(upload, "piece", offset=0)[0]["kind"] == "no"  # without its bytes


def test_a_piece_that_comes_twice_counts_once(upload):
    begin(upload)
    for _ in range(3):
        assert piece(upload, 0)[0]["offset"] == PIECE
    assert piece(upload, 2 * PIECE)[0]["offset"] == PIECE  # and one that is too early, not at all
    for at in (PIECE, 2 * PIECE, 3 * PIECE):
        answers = piece(upload, at)
    assert upload.path.read_bytes() == LARGE
    assert say(upload, "where", sent=4) == [answers[-1]]  # the last answer was lost


def test_a_browser_that_heard_nothing_asks(upload):
    begin(upload)
    piece(upload, 0)
    (answer,) = say(upload, "where", sent=1)
    assert answer == {"kind": "next", "id": "f", "offset": PIECE, "sent": 1}
    (answer,) = say(upload, "where", "of yesterday", sent=1)
    assert answer["kind"] == "no" and "interrupted" in answer["sentence"]


def test_it_can_be_cancelled(upload, tmp_path):
    begin(upload)
    piece(upload, 0)
    (answer,) = say(upload, "cancel")
    assert answer["sentence"] == "f.mp4: 1.0 of 3.1 MB had arrived: cancelled, nothing was kept."
    assert list(tmp_path.iterdir()) == [] and upload.said == answer["sentence"]


def test_another_file_takes_the_place_of_an_interrupted_one(upload, tmp_path):
    begin(upload)
    piece(upload, 0)
    begin(upload, 10, key="g")
    assert len(list(tmp_path.iterdir())) == 1
    assert piece(upload, PIECE, key="f")[0]["kind"] == "no"
    piece(upload, 0, 10, key="g")
    assert upload.path.read_bytes() == LARGE[:10]


@pytest.mark.parametrize("content", [None, [], "x", {}, {"kind": "begin"}, {"kind": "piece"}])
def test_odd_messages_do_nothing(upload, content):
    upload.pieces.send = lambda answer, buffers=None: pytest.fail(str(answer))
    upload.pieces._handle_custom_msg(content, [])
    assert upload.said == "No file was uploaded."


def test_a_full_disk_is_a_sentence(upload, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(9, 9, 10))
    assert "10 bytes" not in upload.said
    (answer,) = begin(upload)
    assert "f.mp4 has 3.1 MB, and 0.0 MB of the disk are free" in answer["sentence"]
    monkeypatch.undo()
    begin(upload)
    monkeypatch.setattr(upload.pieces.arrival, "_file", Full())
    (answer,) = piece(upload, 0)
    assert "f.mp4 cannot be written (No space left on device)" in answer["sentence"]
    assert list(tmp_path.iterdir()) == []


class Full:
    def write(self, _piece):
        raise OSError(28, "No space left on device")

    def close(self):
        raise OSError(28, "No space left on device")


def test_a_fault_of_our_own_ends_the_upload_too(tmp_path):
    def taken(path):
        raise KeyError("x")

    upload = Upload(taken=taken, folder=tmp_path)
    begin(upload, 10)
    answers = []
    upload.pieces.send = lambda answer, buffers=None: answers.append(answer)
    buffers = [memoryview(LARGE)[:10]]
    with pytest.raises(KeyError):
        upload.pieces._hear(None, {"kind": "piece", "id": "f", "offset": 0}, buffers)
    assert "could not be taken (KeyError" in answers[-1]["sentence"]
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------ without anywidget


def test_a_front_end_that_does_not_answer_gets_another_button(monkeypatch):
    monkeypatch.setattr(upload_module, "PATIENCE", 0.05)

    async def session():
        silent, alive, late = Upload(), Upload(), Upload()
        alive.pieces._handle_custom_msg({"kind": "hello"}, [])
        assert silent.other.layout.display == "none"
        await asyncio.sleep(0.2)
        shown = [each.other.layout.display for each in (silent, alive, late)]
        late.pieces._handle_custom_msg({"kind": "hello"}, [])
        return silent, shown, late.other.layout.display

    silent, shown, late = asyncio.run(session())
    assert shown == ["", "none", ""] and late == "none"
    assert "more than 10 MB may not arrive: drag the file" in silent.other.children[0].value


def test_what_the_other_button_takes(upload, tmp_path):
    upload._take_whole({"new": ({"name": "a/b.mp4", "content": memoryview(LARGE)},)})
    assert upload.path.read_bytes() == LARGE and upload.path.name == "b.mp4"
    assert "b.mp4 is here" in upload.message.value and upload.said == "b.mp4 is here"
    upload._take_whole({"new": {"c.mp4": {"content": b""}}})
    assert "c.mp4 is empty" in upload.message.value and upload.path.name == "b.mp4"


def test_uploads_of_both_widget_versions():
    file = {"content": memoryview(b"abc")}
    assert uploaded_files({"a.mp4": file}) == [("a.mp4", b"abc")]
    assert uploaded_files(({"name": "a.mp4", **file},)) == [("a.mp4", b"abc")]
    assert uploaded_files(()) == uploaded_files({}) == []


def test_the_default_limit_is_one_sentence():
    with pytest.raises(UploadError, match="film.mp4 has 512 MB, and at most 200 MB"):
        upload_module.check_size("film.mp4", 512_000_000)


@pytest.mark.skipif(not shutil.which("node"), reason="no Node.js")
def test_the_script_is_a_module(tmp_path):
    script = tmp_path / "upload.mjs"
    script.write_text(upload_module._SCRIPT)
    look = f"import('{script}').then(m => console.log(JSON.stringify(Object.keys(m.default))))"
    printed = subprocess.run(["node", "-e", look], capture_output=True, text=True, check=True)
    assert json.loads(printed.stdout) == ["initialize", "render"]
