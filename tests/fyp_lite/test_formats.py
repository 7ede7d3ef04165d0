"""Keypoints of other programs: read in every layout, written, and the same joints afterwards."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fyp_lite.cli.main import main
from fyp_lite.folders import data_dir
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
from fyp_lite.keypoints.diagnose.repaint import read_openpose
from fyp_lite.keypoints.formats import FROM_BODY_25, FROM_OPENPOSE, to_openpose
from fyp_lite.keypoints.rainbow import draw_openpose
from fyp_lite.opening import open_clip
from fyp_lite.skeleton import JOINTS

CLIPS = data_dir() / "clips"


@pytest.fixture(scope="module")
def truth() -> KeypointClip:
    return KeypointClip.load(CLIPS / "cartoon.json")


def off(found: KeypointClip, truth: KeypointClip) -> float:
    """The farthest that a joint lies from where it was, in pixels."""
    assert found.keypoints.shape == truth.keypoints.shape
    seen = truth.keypoints[..., 2] > 0
    assert ((found.keypoints[..., 2] > 0) == seen).all()
    away = np.linalg.norm(found.keypoints[..., :2] - truth.keypoints[..., :2], axis=-1)
    return float(away[seen].max())


def frames_of(truth: KeypointClip, points: int = 18, share: bool = False, canvas: bool = True):
    """A list of frames as ComfyUI's nodes write it, made by hand."""
    frames = []
    for people in truth.keypoints:
        written = []
        for person in people:
            joints = np.zeros((points, 3))
            joints[list(FROM_OPENPOSE if points == 18 else FROM_BODY_25)] = person
            joints[:, :2] /= (truth.width, truth.height) if share else 1
            values = joints.reshape(-1).tolist()
            written.append({"pose_keypoints_2d": values, "face_keypoints_2d": None})
        size = {"canvas_width": truth.width, "canvas_height": truth.height} if canvas else {}
        frames.append({"people": written, **size})
    return frames


@pytest.mark.parametrize("points", [18, 25])
@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("layout", ["list", "folder"])
def test_layouts_of_openpose(truth, points, share, layout, tmp_path):
    frames, path = frames_of(truth, points, share), tmp_path / "poses.json"
    if layout == "list":
        path.write_text(json.dumps(frames))
    else:
        path = tmp_path / "out"
        path.mkdir()
        for number, frame in enumerate(frames):  # 9 before 10, in whatever order they are listed
            (path / f"me_{number}_keypoints.json").write_text(json.dumps(frame))
    found = KeypointClip.load(path, fps=truth.fps)
    assert off(found, truth) < 0.01 and (found.height, found.width) == (truth.height, truth.width)
    with open_clip(path) as clip:
        assert clip.num_frames == truth.num_frames and clip.keypoints is not None


def test_one_frame_and_a_gap_in_the_numbers(truth, tmp_path):
    frame = frames_of(truth)[0]
    (tmp_path / "one.json").write_text(json.dumps(frame))
    assert KeypointClip.load(tmp_path / "one.json").num_frames == 1
    folder = tmp_path / "gap"
    folder.mkdir()
    for number in (10, 20, 40):
        (folder / f"me_{number:012d}_keypoints.json").write_text(json.dumps(frame))
    found = KeypointClip.load(folder)
    assert found.keypoints[..., 2].any(axis=(1, 2)).tolist() == [True, True, False, True]


def test_mmpose_and_coco(truth, tmp_path):
    instances = [
        [{"keypoints": p[:, :2].tolist(), "keypoint_scores": p[:, 2].tolist()} for p in people]
        for people in truth.keypoints
    ]
    numbered = [{"frame_id": i, "instances": each} for i, each in enumerate(instances)]
    results = [
        {"image_id": i, "category_id": 1, "score": 1.0, "keypoints": p.reshape(-1).tolist()}
        for i, people in enumerate(truth.keypoints)
        for p in people
    ]
    path = tmp_path / "results.json"
    for content in (numbered, {"meta_info": {}, "instance_info": numbered}, results):
        path.write_text(json.dumps(content))
        found = KeypointClip.load(path, fps=truth.fps)
        assert off(found, truth) < 0.01
        assert any("frame size" in sentence for sentence in found.notes)
    path.write_text(json.dumps(instances[0]))
    assert KeypointClip.load(path).num_frames == 1


def test_several_people_keep_their_places(tmp_path):
    left = np.repeat(np.full((1, 1, 17, 3), 0.9, np.float32), 12, axis=0)
    left[..., 0] = 40 + np.arange(17) + 2 * np.arange(12)[:, None, None]
    left[..., 1] = 30 + 5 * np.arange(17)
    right = left + np.array([120, 0, 0], np.float32)
    both = KeypointClip(np.concatenate([left, right], axis=1), 24.0, 256, 320)
    frames = frames_of(both)
    for frame in frames[::2]:
        frame["people"].reverse()
    (tmp_path / "two.json").write_text(json.dumps(frames))
    assert off(KeypointClip.load(tmp_path / "two.json", fps=24.0), both) < 0.01


def test_what_is_not_held_is_said(truth, tmp_path):
    frames = frames_of(truth, canvas=False)
    frames[0]["people"][0]["hand_left_keypoints_2d"] = [5.0, 5.0, 1.0] * 21
    (tmp_path / "poses.json").write_text(json.dumps(frames))
    said = " ".join(KeypointClip.load(tmp_path / "poses.json").notes)
    for part in ("no frame rate: 24 a second", "no frame size", "hands, face and feet"):
        assert part in said
    assert "no frame rate" in truth.save_openpose(tmp_path / "again.json")


@pytest.mark.parametrize("name", ["poses.json", "poses"])
def test_written_and_read_again(truth, name, tmp_path):
    truth.save_openpose(tmp_path / name)
    assert off(KeypointClip.load(tmp_path / name, fps=truth.fps), truth) < 0.01
    with pytest.raises(KeypointsError, match="ends in '.txt'"):
        truth.save_openpose(tmp_path / "poses.txt")
    if name == "poses":
        with pytest.raises(KeypointsError, match="not an empty folder"):
            truth.save_openpose(tmp_path / name)


def test_the_neck_is_the_midpoint_of_the_shoulders(truth):
    person = truth.keypoints[0, 0].copy()
    shoulders = [JOINTS.index("left_shoulder"), JOINTS.index("right_shoulder")]
    np.testing.assert_allclose(to_openpose(person)[1, :2], person[shoulders, :2].mean(axis=0))
    person[shoulders[0]] = 0
    assert not to_openpose(person)[1].any()


def test_drawings_in_openposes_colours_are_read_to_half_a_pixel(truth):
    keypoints = truth.keypoints[::8] * [2, 2, 1]
    found = read_openpose(draw_openpose(keypoints, 2 * truth.height, 2 * truth.width))
    both = (found[..., 2] > 0) & (keypoints[..., 2] > 0)
    away = np.linalg.norm(found[..., :2] - keypoints[..., :2], axis=-1)[both]
    assert both.mean() > 0.95 and np.percentile(away, 95) < 0.5


def test_on_the_command_line(truth, tmp_path, capsys):
    poses, video, back = (str(tmp_path / n) for n in ("poses.json", "poses.mp4", "back.json"))
    ours = str(CLIPS / "cartoon.json")
    write = ["--json", "openpose", "--out", video, "--palette", "openpose"]
    assert main(["skeleton", ours, "--keypoints", poses, *write]) == 0
    assert "no frame rate" in capsys.readouterr().err
    assert main(["skeleton", poses, "--fps", "24", "--keypoints", back]) == 0
    assert off(KeypointClip.load(back), truth) < 0.01
    drawn = str(tmp_path / "drawn.json")
    assert main(["skeleton", video, "--keypoints", drawn]) == 0
    assert KeypointClip.load(drawn).backend == "openpose drawing"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ([], "no keypoint file"),
        ({"people": 3}, "not a list with an entry per person"),
        ({"people": [{"pose_keypoints_2d": [1, 2, 3]}]}, "3 numbers, but 54 or 75"),
        ({"people": [{"pose_keypoints_2d": ["1"] * 54}]}, "not all numbers"),
        ({"people": [{"pose_keypoints_2d": [1e9] * 54}]}, "not all numbers"),
        ({"people": [], "canvas_width": 0, "canvas_height": 5}, "no whole numbers from 1"),
        ([{"instances": [{"keypoints": [[1, 2]]}]}], "no 17"),
        ([{"image_id": "a", "keypoints": []}], "image_id"),
    ],
)
def test_other_json_gets_a_sentence(content, part, tmp_path):
    path = tmp_path / "poses.json"
    path.write_text(json.dumps(content))
    with pytest.raises(KeypointsError, match=part) as error:
        KeypointClip.load(path)
    assert path.name in str(error.value)


def test_folders_that_hold_no_frames(tmp_path):
    with pytest.raises(KeypointsError, match=r"without \*_keypoints.json"):
        open_clip(tmp_path)
    for name in ("a_0_keypoints.json", "b_0_keypoints.json"):
        (tmp_path / name).write_text('{"people": []}')
    with pytest.raises(KeypointsError, match="frames of 2 clips"):
        open_clip(tmp_path)
