"""Skeletons in other colours are never used in silence, and drawn again when asked."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fyp_lite
from fyp_lite.cli.main import main
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
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
