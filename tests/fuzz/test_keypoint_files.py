"""Keypoint files and arrays from others: drawn as they are, or refused in one sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from fuzzing import ANYTHING, TEXTS, answer, cases, changed_json, damaged, refused
from hypothesis import given
from hypothesis import strategies as st

from fyp_lite.keypoints.clip import FORMAT, VERSION, KeypointClip
from fyp_lite.opening import open_clip, prepare_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.skeleton import JOINTS

PERSON = [[float(4 + i), float(60 - 3 * i), 0.9] for i in range(17)]
FILE = {
    "format": FORMAT,
    "version": VERSION,
    "source": "dance.mp4",
    "backend": "mediapipe",
    "fps": 24.0,
    "height": 64,
    "width": 48,
    "joints": list(JOINTS),
    "frames": [[PERSON, None], [PERSON, PERSON]],
}
TEXT = json.dumps(FILE)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("keypoints") / "k.json"


def check(path: Path) -> None:
    """Read, draw, save and read again what is in the file, or get one sentence."""
    people = answer("keypoint files", lambda: KeypointClip.load(path))
    if refused(people):
        assert path.name in str(people)
        return
    assert people.keypoints.shape[0] == len(json.loads(path.read_text())["frames"])
    settings = ClipSettings(0, 1, 1)
    drawn = prepare_clip(people, settings, 32)
    assert drawn.frames.shape == (1, 32, 32, 3)
    people.save(path.with_name("again.json"))
    again = KeypointClip.load(path.with_name("again.json"))
    seen = people.keypoints[..., 2].any(axis=-1)
    np.testing.assert_allclose(again.keypoints[seen], people.keypoints[seen], atol=6e-4)


@cases(40, 1500)
@given(
    changed_json(FILE) | changed_json(FILE["frames"]).map(lambda frames: FILE | {"frames": frames})
)
def test_files_with_something_changed(path, fields):
    path.write_text(json.dumps(fields))
    check(path)


@cases(15, 500)
@given(damaged(TEXT.encode()))
def test_damaged_files(path, content):
    path.write_bytes(content)
    check(path)


@cases(10, 200)
@given(TEXTS.map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=99))
def test_files_of_anything(path, content):
    path.write_bytes(content)
    assert refused(answer("keypoint files", lambda: open_clip(path)))


POSE = [float(3 + 2 * i) if i % 3 < 2 else 0.9 for i in range(54)]
OTHERS = (
    {"people": [{"pose_keypoints_2d": POSE}], "canvas_width": 120, "canvas_height": 120},
    [{"people": [{"pose_keypoints_2d": POSE}, {"pose_keypoints_2d": None}]}, {"people": []}],
    [{"frame_id": 0, "instances": [{"keypoints": [[5, 6]] * 17, "keypoint_scores": [0.9] * 17}]}],
    [{"image_id": 4, "category_id": 1, "keypoints": [5.0, 6.0, 0.9] * 17, "score": 0.8}],
)


@cases(40, 1500)
@given(st.one_of(*(changed_json(content) for content in OTHERS)))
def test_files_of_other_programs_with_something_changed(path, content):
    path.write_text(json.dumps(content))
    people = answer("keypoint files", lambda: KeypointClip.load(path))
    if refused(people):
        assert path.name in str(people)
        return
    assert np.isfinite(people.keypoints).all() and people.keypoints.shape[2:] == (17, 3)
    people.save_openpose(path.with_name("again.json"))
    KeypointClip.load(path.with_name("again.json"))


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 100_000, '{"frames":' * 50_000, "NaN", "{}"])
def test_texts_that_trouble_parsers(path, text):
    path.write_text(text)
    assert refused(answer("keypoint files", lambda: open_clip(path)))


@cases(20, 500)
@given(
    st.lists(st.integers(0, 3) | st.sampled_from([16, 17, 18, 101]), max_size=5).filter(
        lambda shape: math.prod(shape) < 10_000
    ),
    st.sampled_from([0.0, 1.0, -1.0, np.nan, np.inf, 1e30, 300.0]),
    st.sampled_from(["float32", "float64", "float16", "int8", "object", "complex64", "U2", "bool"]),
    st.fixed_dictionaries({"fps": ANYTHING, "height": ANYTHING, "width": ANYTHING})
    | st.just({"fps": 24, "height": 64, "width": 64}),
)
def test_arrays_of_anything(shape, fill, kind, facts):
    if fill in (0.0, 1.0):
        keypoints = np.full([*shape, 17, 3], fill).astype(kind)
    else:
        keypoints = np.full(shape, fill).astype(kind, casting="unsafe")
    texts = [part for value in facts.values() for part in (str(value), repr(value))]
    people = answer("keypoint files", lambda: KeypointClip(keypoints, **facts), *texts)
    assert refused(people) or people.keypoints.shape == keypoints.shape
