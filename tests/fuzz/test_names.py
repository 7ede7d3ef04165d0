"""Names of files: what is written has exactly the name that was asked for, or nothing is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fuzzing import LETTERS, TEXTS, answer, cases, refused
from hypothesis import given
from hypothesis import strategies as st

import fyp_lite
from fyp_course.panels.clip_picker import ClipPicker
from fyp_lite.cards.card import RunCard, read_card
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.loading import find_weights
from fyp_lite.opening import find_clip, open_clip
from fyp_lite.video import write_video

FRAMES = np.zeros((1, 16, 16, 3), np.uint8)
WAVE = fyp_lite.data_dir() / "clips" / "wave.mp4"
# Path(name) / ... leaves the folder with a leading / or with .., which is the writer's own choice;
# uploads, which others name, are tested with them below.
PARTS = st.one_of(
    TEXTS,
    st.sampled_from([".", "..", "~", "~nobody", "CON", "-", "nul.", "a" * 250, "é" * 126, "x y"]),
    st.text(LETTERS, min_size=240, max_size=260),
)
SUFFIXES = st.sampled_from([".mp4", ".gif", ".webp", ".json", ".png", ".MP4", "", ".mp4.", ".exe"])
NAMES = st.builds(lambda a, b: a.replace("/", "") + b, PARTS, SUFFIXES)
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join) | st.sampled_from(
    ["/dev/null", "/dev/zero", "/proc/self/mem", "/", "//", "a/" * 3000, "/etc/passwd", "~root/x"]
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        before = Path.cwd()
        os.chdir(name)
        yield Path(name).resolve()
        os.chdir(before)


def check_written(folder: Path, name: str, made: object) -> None:
    """Either the file of that name and nothing else, or nothing; the folder is emptied."""
    found = list(folder.iterdir())
    assert found == [] if refused(made) else found == [folder / name]
    for path in found:
        path.unlink()


@cases(15, 800)
@given(NAMES)
def test_a_video_gets_its_name_or_none(folder, name):
    made = answer("file names", lambda: write_video(folder / name, FRAMES, 8), name, repr(name))
    check_written(folder, name, made)


@cases(10, 500)
@given(NAMES)
def test_keypoints_get_their_name_or_none(folder, name):
    clip = KeypointClip(np.zeros((1, 1, 17, 3)), 24, 16, 16)
    made = answer("file names", lambda: clip.save(folder / name), name, repr(name))
    check_written(folder, name, made)


@cases(15, 700)
@given(PATHS)
def test_names_that_are_read(folder, name):
    readers = (open_clip, KeypointClip.load, RunCard.load, read_card, open_bundled)
    for read in readers:
        read_it = answer("file names", lambda read=read: read(name), *as_written(name))
        assert refused(read_it)
    weights = answer("file names", lambda: find_weights(name, download=False), *as_written(name))
    assert refused(weights) or name == "lite"
    assert list(folder.iterdir()) == []


def as_written(name: str) -> list[str]:
    """The ways in which a sentence may repeat a name."""
    path = Path(os.path.expanduser(name))
    names = [name, str(Path(name)), str(path), str(path.parent), path.name]
    return [*names, *map(repr, names)]


def open_bundled(name: str) -> object:
    """As `--clip NAME` does: the name of a bundled clip never leads out of its folder."""
    found = find_clip(name)
    assert found == name or Path(found).parent == WAVE.parent
    return open_clip(found)


@pytest.fixture(scope="module")
def picker():
    return ClipPicker(lambda clip: None)


@cases(4, 150)
@given(PATHS | NAMES)
def test_an_upload_stays_in_its_folder(picker, folder, name):
    uploads = Path(picker._uploads.name)
    before = picker.clip
    upload = ({"name": name, "content": memoryview(WAVE.read_bytes())},)
    answer("file names", lambda: picker.upload._take_whole({"new": upload}))
    if picker.question.layout.display == "":
        picker.answers["skeleton"].click()
    assert list(folder.iterdir()) == []
    assert picker.clip is before or picker.clip.path.parents[1] == uploads
    assert picker.clip is not before or picker.upload.pieces.said
    for path in uploads.iterdir():  # each upload has a folder of its own in it
        assert [inside.is_file() for inside in path.iterdir()] == [True]
