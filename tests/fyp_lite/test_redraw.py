"""Skeletons in other colours are never used in silence, and drawn again when asked."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fyp_lite
from fyp_lite.cli.main import main
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
from fyp_lite.keypoints.diagnose.repaint import read_openpose
from fyp_lite.keypoints.rainbow import draw_openpose
from fyp_lite.opening import find_input_type, open_clip, open_skeleton
from fyp_lite.skeleton import check_skeleton_frames, draw_skeletons
from fyp_lite.video import write_video

KINDS = {
    "swapped": "Red and blue are exchanged",
    "openpose": "OpenPose",
    "openpose_swapped": "OpenPose's with red and blue exchanged",
    "white": "background is not black",
}


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    """The same dance as every kind of drawing, and its joints."""
    folder = tmp_path_factory.mktemp("drawings")
    truth = KeypointClip.load(fyp_lite.data_dir() / "clips" / "cartoon.json")
    keypoints = truth.keypoints[:24] * np.float32([1.6, 1.6, 1])
    ours = draw_skeletons(keypoints, 512, 512)
    rainbow = draw_openpose(keypoints, 512, 512)
    share = ours.max(axis=-1, keepdims=True) / 255
    made = {
        "swapped": ours[..., ::-1],
        "openpose": rainbow,
        "openpose_swapped": rainbow[..., ::-1],
        "white": (ours + (1 - share) * 255).round().astype(np.uint8),
        "one": (ours.max(axis=-1, keepdims=True) > 0) * np.uint8([0, 255, 0]),
    }
    for name, frames in made.items():
        write_video(folder / f"{name}.mp4", np.ascontiguousarray(frames), 24)
    return folder, ours


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_named_and_drawn_again(kind, drawings):
    folder, ours = drawings
    path = folder / f"{kind}.mp4"
    with open_clip(path) as clip:
        assert find_input_type(clip) == "skeleton"
    with pytest.raises(KeypointsError, match=KINDS[kind]) as error:
        open_skeleton(path)
    assert "--redraw" in str(error.value) and "redraw=True" in str(error.value)
    with open_skeleton(path, redraw=True) as clip:
        frames = clip.read([0, 7, 20])
    check_skeleton_frames(frames)
    inside = ours[[0, 7, 20]].max(axis=-1) > 200
    assert (np.abs(frames[inside].astype(int) - ours[[0, 7, 20]][inside]) < 90).mean() > 0.9


def test_one_colour_cannot_be_drawn_again(drawings):
    with pytest.raises(KeypointsError, match="left and right cannot be told apart"):
        open_skeleton(drawings[0] / "one.mp4", redraw=True)


def test_make_says_it_and_then_works(drawings, tmp_path, capsys):
    out = tmp_path / "panda.mp4"
    make = ["make", "a panda", "--clip", str(drawings[0] / "swapped.mp4"), "--out", str(out)]
    make += ["--steps", "1", "--num-frames", "2"]
    assert main(make) == 2 and "--redraw" in capsys.readouterr().err
    assert not out.exists()
    assert main([*make, "--redraw"]) == 0
    assert json.loads(out.with_suffix(".json").read_text())["redraw"] is True


def shares(found: np.ndarray, true: np.ndarray, within: float) -> tuple[float, float]:
    """Of one person's joints `[f, 1, 17, 3]`: found within so many pixels, and found elsewhere."""
    away = np.linalg.norm(found[:, 0, :, :2] - true[:, 0, :, :2], axis=-1)
    seen, sure = found[:, 0, :, 2] > 0, true[:, 0, :, 2] >= 0.3
    right = seen & sure & (away <= within)
    return right.sum() / sure.sum(), (seen & sure & ~right).sum() / sure.sum()


def test_small_drawings_after_compression_are_read(tmp_path):
    truth = KeypointClip.load(fyp_lite.data_dir() / "clips" / "cartoon.json").keypoints[:48]
    truth = truth * np.float32([0.8, 0.8, 1])
    write_video(tmp_path / "small.mp4", draw_openpose(truth, 256, 256), 24)
    with open_clip(tmp_path / "small.mp4") as clip:
        right, wrong = shares(read_openpose(clip.read(range(48))), truth, 4)
    assert right > 0.86 and wrong < 0.03  # of 0.83 before covered joints were found by their limbs


def test_hands_and_faces_are_left_out(shared_dir):
    truth = KeypointClip.load(fyp_lite.data_dir() / "clips" / "cartoon.json").keypoints[:48]
    with open_clip(shared_dir / "findings" / "inputs" / "dwpose_hands_face.mp4") as clip:
        found = read_openpose(clip.read(range(48)))
    right, wrong = shares(found, truth * np.float32([1.6, 1.6, 1]), 12)
    assert found.shape[1] == 1
    assert right > 0.97 and wrong < 0.025
