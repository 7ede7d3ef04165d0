"""Choosing a detector of people, what is said of those that are missing, and the cartoon one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fyp_lite import data_dir
from fyp_lite.judges.scores import follow_score
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
from fyp_lite.keypoints.detectors import (
    available_backends,
    cartoon,
    choose_backend,
    mediapipe,
    openpose,
)
from fyp_lite.keypoints.detectors.base import keep_seen
from fyp_lite.opening import open_clip

# ---------------------------------------------------------------------------- choosing


def test_all_backends_report_in_a_sentence_and_load_nothing_heavy():
    code = (
        "import sys; from fyp_lite.keypoints.detectors import available_backends as a;"
        "print([r.name for r in a()], [m for m in ('torch', 'mediapipe', 'ai_edge_litert',"
        "'controlnet_aux', 'diffusers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['mediapipe', 'openpose', 'cartoon'] []"
    for report in available_backends():
        assert report.note.endswith(".")
    assert "non-commercial" in available_backends()[1].note


def test_auto_takes_the_first_that_is_ready_and_never_the_cartoon(monkeypatch):
    for module in (mediapipe, openpose):
        monkeypatch.setattr(module, "report", lambda: (False, "it is missing: fetch it."))
    monkeypatch.setattr(cartoon, "report", lambda: (True, "bundled."))
    with pytest.raises(
        KeypointsError, match="mediapipe: it is missing: fetch it. openpose: .*'car"
    ):
        choose_backend()
    monkeypatch.setattr(openpose, "report", lambda: (True, "ready."))
    monkeypatch.setattr(openpose, "OpenposeBackend", lambda weights, max_people: max_people)
    assert choose_backend(max_people=2) == 2
    monkeypatch.setattr(mediapipe, "report", lambda: (True, "ready."))
    monkeypatch.setattr(mediapipe, "MediapipeBackend", lambda weights, max_people: "first")
    assert choose_backend() == "first"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "mediapip"}, "no backend 'mediapip'.*did you mean 'mediapipe'"),
        ({"name": "yolo"}, "no backend 'yolo'.*'auto' chooses"),
        ({"max_people": 0}, "max_people is 0, but it must be from 1 to 16"),
        ({"max_people": 17}, "max_people is 17"),
        ({"max_people": True}, "max_people is True, but it must be a whole number"),
        ({"weights": Path("here/some.whl")}, "'some.whl' belong to one backend: name it"),
        ({"name": "mediapipe", "weights": Path("none.whl")}, "'none.whl' holds no pose_detec"),
        ({"name": "openpose", "weights": Path("none")}, "'none' holds no body_pose_model.pth"),
        ({"name": "cartoon", "weights": Path("none")}, "'none' is no folder of a keypoint net"),
    ],
)
def test_bad_choices_are_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(KeypointsError, match=sentence):
        choose_backend(**arguments)


def test_what_is_missing_is_said_with_the_command_that_brings_it(monkeypatch, tmp_path):
    monkeypatch.setenv("FYP_LITE_HOME", str(tmp_path / "moved"))
    monkeypatch.setattr(mediapipe, "find_spec", lambda name: object())
    with pytest.raises(KeypointsError, match="mediapipe==0.10.14.*moved"):
        choose_backend("mediapipe")
    monkeypatch.setattr(mediapipe, "find_spec", lambda name: None)
    assert mediapipe.report() == (False, "LiteRT is missing: run `pip install 'fyp-lite[pose]'`.")
    monkeypatch.setattr(cartoon, "WEIGHTS", tmp_path)
    assert not cartoon.report()[0]
    with pytest.raises(KeypointsError, match="cartoon cannot be used: the network .* reinstall"):
        choose_backend("cartoon")


def test_guessed_joints_are_zeros_and_empty_people_are_dropped():
    people = np.ones((3, 17, 3), np.float32)
    people[0, :4] = [(-0.1, 5, 1), (5, 50.1, 1), (40.1, 5, 1), (5, 5, 0.29)]
    people[0, 4:7] = [(0, 0, 1), (40, 50, 1), (5, 5, 0.3)]
    people[1] = (100, 100, 1)
    seen = keep_seen(people, height=50, width=40)
    assert seen.shape == (2, 17, 3) and seen.dtype == np.float32
    assert not seen[0, :4].any()
    np.testing.assert_array_equal(seen[0, 4:], people[0, 4:])
    assert keep_seen(np.zeros((0, 17, 3)), 5, 5).shape == (0, 17, 3)


# ---------------------------------------------------------------------------- cartoons


@pytest.fixture(scope="module")
def cartoon_folder(tmp_path_factory):
    from fyp_lite.keypoint_network import KeypointNet

    folder = tmp_path_factory.mktemp("keypoints")
    KeypointNet(channels=(8, 8, 8, 8)).save_pretrained(folder)
    return folder


def test_cartoon_reads_frames_by_the_networks_reading(cartoon_folder, monkeypatch):
    backend = choose_backend("cartoon", weights=cartoon_folder, max_people=2)
    assert backend.name == "cartoon"
    frame = np.zeros((90, 120, 3), np.uint8)
    assert backend.detect(frame).shape == (0, 17, 3)  # an untrained network sees nothing
    read = np.full((1, 3, 17, 3), 50.0, np.float32)
    read[0, :, :, 2] = np.array([0.9, 0.5, 0.7])[:, None]
    read[0, 0, 0, 0] = 121  # outside
    monkeypatch.setattr(backend._network, "read_people", lambda frames: read)
    people = backend.detect(frame)
    assert not people[0, 0].any()
    np.testing.assert_array_equal(people[:, 1:], read[0, [0, 2], 1:])
    backend.close()


def test_the_bundled_network_reads_the_bundled_cartoon():
    path = data_dir() / "clips" / "cartoon.mp4"
    truth, chosen = KeypointClip.load(path.with_suffix(".json")), range(0, 72, 6)
    backend = choose_backend("cartoon")
    with open_clip(path) as clip:
        found = [backend.detect(frame) for frame in clip.read(chosen)]
    assert [len(people) for people in found] == [1] * len(found)  # nobody else is in the park
    scores = follow_score(np.array(found), truth.keypoints[chosen], truth.height, truth.width)
    assert scores["joints @0.1"] > 0.9 and scores["limbs @0.05"] > 0.8


def test_a_damaged_cartoon_network_is_refused(cartoon_folder, tmp_path):
    (tmp_path / "config.json").write_text((cartoon_folder / "config.json").read_text())
    with pytest.raises(KeypointsError, match=f"the keypoint network in '{tmp_path.name}' cannot"):
        choose_backend("cartoon", weights=tmp_path)
