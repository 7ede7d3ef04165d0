"""Keypoints as a file, and as a clip."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fyp_lite.cropping import choose_frames, crop_box
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError, printable_name
from fyp_lite.opening import open_clip, prepare_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.skeleton import check_skeleton_frames, draw_skeletons
from fyp_world.world.motion import perform


def people(frames: int = 30, *, height: int = 300, width: int = 400) -> KeypointClip:
    figures = perform(
        "wave_left",
        frames,
        24.0,
        np.random.default_rng(0),
        yaw=0.0,
        height=0.8 * height,
        position=(width / 2, 0.95 * height),
    )
    keypoints = np.stack([figure.keypoints() for figure in figures])[:, None]
    return KeypointClip(keypoints, 24.0, height, width, "mediapipe", "raw.mp4")


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "k.json"
    two = people()
    both = np.concatenate([two.keypoints, two.keypoints + np.array([50, 0, 0])], axis=1)
    both[3:5, 1] = 0
    KeypointClip(both, 23.976, 300, 400, "openpose", "raw.mp4").save(path)
    return path


def test_what_is_saved_is_loaded(saved):
    clip = KeypointClip.load(saved)
    assert (clip.fps, clip.height, clip.width) == (23.976, 300, 400)
    assert (clip.backend, clip.source) == ("openpose", "raw.mp4")
    assert (clip.num_frames, clip.num_people) == (30, 2)
    np.testing.assert_allclose(clip.keypoints[:, :1], people().keypoints, atol=6e-4)
    fields = json.loads(saved.read_text())
    assert fields["version"] == 1
    assert fields["joints"][9] == "left_wrist"
    assert fields["frames"][3][1] is None
    again = saved.with_name("again.json")
    clip.save(again)
    assert again.read_bytes() == saved.read_bytes()
    assert sorted(p.name for p in saved.parent.iterdir()) == ["again.json", "k.json"]


def test_nobody_can_be_saved(tmp_path):
    KeypointClip(np.zeros((2, 0, 17, 3)), 24, 10, 10).save(tmp_path / "k.json")
    assert KeypointClip.load(tmp_path / "k.json").keypoints.shape == (2, 0, 17, 3)


def test_a_clip_does_not_change_when_its_source_does():
    array = np.zeros((2, 1, 17, 3), np.float32)
    clip = KeypointClip(array, 24, 10, 10)
    array[:] = 5
    assert not clip.keypoints.any()


# ---------------------------------------------------------------------------- as a clip


def test_a_keypoint_file_stands_where_a_skeleton_video_does(saved):
    settings = ClipSettings(2, 3, 4)
    with open_clip(saved) as clip:
        assert (clip.num_frames, clip.fps, clip.path) == (30, 23.976, saved)
        drawn = clip.read([5, 2])
        check_skeleton_frames(drawn)
        np.testing.assert_array_equal(
            drawn, draw_skeletons(KeypointClip.load(saved).keypoints[[5, 2]], 300, 400)
        )
        opened = prepare_clip(clip, settings, 64)
    from_path = prepare_clip(saved, settings, 64)
    from_memory = prepare_clip(KeypointClip.load(saved), settings, 64)
    np.testing.assert_array_equal(from_path.frames, opened.frames)
    np.testing.assert_array_equal(from_memory.frames, opened.frames)
    assert from_path.indices == [2, 5, 8, 11]
    assert from_path.fps == pytest.approx(23.976 / 3)
    assert from_path.source_size == (300, 400)


def test_it_is_cropped_as_a_video_is_and_its_lines_stay_thin(tmp_path):
    clip = people(24)
    clip.save_video(tmp_path / "s.mp4")
    settings = ClipSettings(num_frames=2, crop_left=200, crop_right=200, crop_bottom=220)
    drawn = prepare_clip(clip, settings, 256).frames
    video = prepare_clip(tmp_path / "s.mp4", settings, 256).frames
    both = [frames.max(axis=-1) > 100 for frames in (drawn, video)]
    assert both[0].mean() < 0.75 * both[1].mean()
    assert (both[0] & both[1]).sum() > 0.95 * both[0].sum()


def test_too_short_and_too_much_crop_are_said(saved):
    with pytest.raises(ValueError, match="k.json has 30 frames.*num_frames at most 2"):
        prepare_clip(saved, ClipSettings(num_frames=8, start_frame=25), 64)
    with pytest.raises(ValueError, match="crop_left 680"):
        prepare_clip(KeypointClip.load(saved), ClipSettings(crop_left=680), 64)
    assert choose_frames(30, ClipSettings())[-1] == 21
    assert crop_box(300, 400, ClipSettings()).left == 50


def test_video_of_an_odd_size(tmp_path):
    people(3, height=301, width=401).save_video(tmp_path / "s.mp4")
    with open_clip(tmp_path / "s.mp4") as clip:
        assert (clip.height, clip.width, clip.num_frames, clip.fps) == (302, 402, 3, 24)
        check_skeleton_frames(clip.read(range(3)))


# ---------------------------------------------------------------------------- from strangers


def spoilt(**changes: object) -> str:
    fields = {
        "format": "fyp_lite keypoints",
        "version": 1,
        "source": "raw.mp4",
        "backend": "mediapipe",
        "fps": 24.0,
        "height": 100,
        "width": 100,
        "joints": None,
        "frames": [[[[1.0, 2.0, 0.5]] * 17]] * 3,
    }
    from fyp_lite.skeleton import JOINTS

    fields["joints"] = list(JOINTS)
    return json.dumps(fields | changes)


def person(*joint: object) -> list:
    return [[list(joint)] * 17]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not JSON that can be read"),
        ("[" * 100_000, "not JSON that can be read"),
        ("[1, 2]", "its format is not 'fyp_lite keypoints'"),
        ('{"prompt": "a panda"}', "its format is not"),
        (spoilt(version=2), "its version is 2, but 1 is read here"),
        (spoilt(extra=1), r"unknown \['extra'\]"),
        (spoilt(fps=0), "fps is 0, but it must be a number above 0 and at most 1000"),
        (spoilt(fps="24"), "fps is '24', but it must be a number"),
        (spoilt(fps=True), "fps is True"),
        (spoilt(fps=float("nan")), "NaN is not a number"),
        (spoilt(height=0), "height is 0, but it must be a whole number of pixels"),
        (spoilt(width=10.5), "width is 10.5"),
        (spoilt(width=10**9), "larger than the"),
        (
            spoilt(source="../raw.mp4"),
            "source is '../raw.mp4', but it must be a name without a folder",
        ),
        (spoilt(source="C:\\raw.mp4"), "without a folder"),
        (spoilt(source="\x1b[2J"), "source is .*must be text"),
        (spoilt(backend=7), "backend is 7"),
        (spoilt(backend="x" * 300), "at most 255 letters"),
        (spoilt(joints=["nose"]), "its joints are not COCO's 17"),
        (spoilt(frames={}), "its frames are not a list of lists"),
        (spoilt(frames=[1]), "its frames are not a list of lists"),
        (spoilt(frames=[]), "it holds 0 frames"),
        (spoilt(frames=[[]] * 100_001), "it holds 100001 frames, but 1 to 100000"),
        (spoilt(frames=[person(1, 2, 1), []]), "do not all have the same number of people"),
        (spoilt(frames=[person(1, 2)]), r"float|int.*\[1, 1, 17, 2\], but must be numbers"),
        (spoilt(frames=[person("1", "2", "1")]), "but must be numbers"),
        (spoilt(frames=[person(1, 2, {})]), "but must be numbers"),
        (spoilt(frames=[person(1, 10**400, 1)]), "must be numbers|same number"),
        (spoilt(frames=[person(1, 2, 1)] * 2 + [person(1, 2000, 1)]), "a joint of frame 2 is no"),
        (spoilt(frames=[person(1, 2, 1.5)]), "a confidence of frame 0 is not from 0 to 1"),
        (spoilt(frames=[person(1, 2, 1) * 17]), "1 frames with 17 people are given"),
    ],
)
def test_a_bad_file_is_one_sentence_that_names_it(text, sentence, tmp_path):
    path = tmp_path / "k.json"
    path.write_text(text)
    with pytest.raises(KeypointsError, match=sentence) as caught:
        KeypointClip.load(path)
    assert "k.json" in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_other_places_are_refused(tmp_path):
    clip = people(2)
    with pytest.raises(KeypointsError, match="there is no keypoint file"):
        open_clip(tmp_path / "none.json")
    with pytest.raises(KeypointsError, match="k.txt ends in '.txt'"):
        clip.save(tmp_path / "k.txt")
    with pytest.raises(KeypointsError, match="there is no folder"):
        clip.save(tmp_path / "none" / "k.json")
    with pytest.raises(KeypointsError, match="is a folder"):
        clip.save(tmp_path)
    with pytest.raises(KeypointsError, match=r"keypoints are float64 \[2, 17, 3\]"):
        KeypointClip(np.zeros((2, 17, 3)), 24, 10, 10)


def test_a_file_name_becomes_a_plain_source(tmp_path):
    assert printable_name(tmp_path / "a\x1b[2J\\b.mp4") == "a[2Jb.mp4"
    name = printable_name(tmp_path / "ä.mp4")
    assert KeypointClip(np.zeros((1, 0, 17, 3)), 24, 10, 10, source=name)
