"""The exercises of lessons 01 to 03: what passes, and what each slip is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import passes, tried

from fyp_course.exercises import lesson_01, lesson_02, lesson_03
from fyp_lite import data_dir
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.keypoints.diagnose import diagnose
from fyp_lite.opening import open_clip, prepare_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.skeleton import PARTNERS, draw_skeletons

SIZE, FPS = 256, 24.0


@pytest.fixture(scope="module")
def known():
    """The true joints of the bundled raw clip."""
    return KeypointClip.load(data_dir() / "clips" / "cartoon.json")


@pytest.fixture(scope="module")
def keypoints(known):
    """`[4, 1, 17, 3]` of them in a picture of 256 pixels."""
    return lesson_01.joints_in_picture(known, prepare_clip(known, ClipSettings(num_frames=4), SIZE))


@pytest.fixture
def dance():
    with open_clip(data_dir() / "clips" / "dance.mp4") as clip:
        yield clip


def test_the_mystery_wants_both_repairs(keypoints, said):
    drawn = draw_skeletons(keypoints, SIZE, SIZE)
    opacity = drawn.max(axis=-1, keepdims=True) / 255
    white = (drawn + 255 * (1 - opacity)).round().astype(np.uint8)
    mystery = np.ascontiguousarray(white[..., ::-1])
    exercise = lesson_01.two_things_wrong(mystery, keypoints, FPS)
    assert "uint8 of" in tried(exercise, said, drawn[:2])
    assert "background is not black" in tried(exercise, said, white)
    assert "Red and blue are exchanged" in tried(exercise, said, drawn[..., ::-1].copy())
    moved = draw_skeletons(keypoints + np.float32([12, 0, 0]), SIZE, SIZE)
    assert "pixels off on average" in tried(exercise, said, moved)
    assert passes(exercise, said)


def test_the_mirror_exchanges_names_too(keypoints, said):
    exercise = lesson_01.dance_in_a_mirror(keypoints, SIZE)
    flipped = keypoints.copy()
    flipped[..., 0] = SIZE - flipped[..., 0]
    assert "but the names stayed" in tried(exercise, said, flipped)
    assert "every joint is where it was" in tried(exercise, said, keypoints[:, :, PARTNERS])
    assert "It says: One person" in tried(exercise, said, keypoints)
    away = flipped[:, :, PARTNERS] + np.array([64, 0, 0])
    assert "joints are 64 pixels off" in tried(exercise, said, away)
    assert "is needed" in tried(exercise, said, keypoints[:2])
    assert passes(exercise, said)


def test_a_raw_clip_is_covered_by_its_joints(known, keypoints):
    assert keypoints.shape == (4, 1, 17, 3)
    scale = SIZE / known.width
    assert keypoints[1, 0, :, :2] == pytest.approx(known.keypoints[3, 0, :, :2] * scale, abs=1e-3)


def test_gaps_are_bridged_and_nothing_else(known):
    joints = known.keypoints[:9].copy()
    joints[..., 9, 0] = 10 * np.arange(9)[:, None]
    gone = joints.copy()
    gone[3:6, 0, 9] = 0
    bridged = lesson_01.bridge_gaps(gone)
    assert bridged[3:6, 0, 9, 0] == pytest.approx([30, 40, 50], abs=1e-3)
    assert (bridged[3:6, 0, 9, 2] == 1).all() and (gone[3:6, 0, 9] == 0).all()
    bridged[3:6, 0, 9] = joints[3:6, 0, 9]
    assert (bridged == joints).all()
    gone[:, 0, 9] = 0  # never seen: nothing to go by
    assert (lesson_01.bridge_gaps(gone) == gone).all()


def test_missing_joints_are_told_and_counted(known):
    gone = replace(known, keypoints=known.keypoints[:9].copy())
    assert lesson_01.missing_most(gone.keypoints) == "no joint is missing"
    assert lesson_01.in_place(gone, known) == 1
    gone.keypoints[2:6, 0, 10] = 0
    said = "missing most often: the right wrist, in 4 of 9 frames"
    assert lesson_01.missing_most(gone.keypoints) == said
    assert lesson_01.in_place(gone, known) == pytest.approx(1 - 4 / (9 * 17))


def test_the_rainbow_is_openposes(keypoints):
    frames = lesson_01.draw_as_openpose(keypoints * (2, 2, 1), 2 * SIZE)
    assert "OpenPose's" in diagnose(frames, FPS)[0].sentence
    assert lesson_01.quick_check(frames) != "accepted"
    assert lesson_01.quick_check(draw_skeletons(keypoints, SIZE, SIZE)) == "accepted"


def test_seconds_are_frames(dance, said):
    exercise = lesson_02.a_quarter_of_a_second(dance)
    assert "begins 0.00 s into" in tried(exercise, said, ClipSettings())
    slow = ClipSettings(start_frame=48, frame_stride=12)
    assert "0.50 s apart" in tried(exercise, said, slow)
    assert "takes 7 pictures" in tried(exercise, said, ClipSettings(48, 6, 7))
    assert passes(exercise, said)


def test_the_whole_clip_is_spanned(dance, said):
    exercise = lesson_02.as_much_as_possible(dance)
    assert "larger stride fits" in tried(exercise, said, ClipSettings(frame_stride=25))
    assert "184 frames" in tried(exercise, said, ClipSettings(frame_stride=27))
    assert "Keep start frame 0" in tried(exercise, said, ClipSettings(1, 26))
    assert passes(exercise, said)


def joints(people: list[tuple[float, float]]) -> np.ndarray:
    """`[8, people, 17, 3]` of 320 pixels: everyone in a column of 20 around (x, y), 180 high."""
    found = np.ones((8, len(people), 17, 3), np.float32)
    for person, (x, y) in enumerate(people):
        found[:, person, :, 0] = x + np.linspace(-10, 10, 17)
        found[:, person, :, 1] = y + np.linspace(-90, 90, 17)
    return found


def test_zooming_in_cuts_nothing(dance, said):
    exercise = lesson_03.zoom_in(dance, joints([(160, 170)]))
    assert "1.00 times as large" in tried(exercise, said, ClipSettings())
    assert "cut in 8 of 8 frames" in tried(exercise, said, ClipSettings(crop_top=200))
    assert "leave 0" in tried(exercise, said, ClipSettings(crop_top=300, crop_bottom=300))
    other = ClipSettings(start_frame=1, crop_top=76, crop_bottom=44)
    assert "eight default frames" in tried(exercise, said, other)
    assert passes(exercise, said)


def test_one_of_two_is_left(dance, said):
    exercise = lesson_03.one_of_two(dance, joints([(100, 170), (220, 170)]))
    assert "joints, some frame shows 17" in tried(exercise, said, ClipSettings())
    assert "Face cut in 8 of 8" in tried(exercise, said, ClipSettings(crop_right=300))
    assert passes(exercise, said)


def test_stretching_loses_sharpness():
    noise = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    stretched = noise[:, :16, :16].repeat(2, axis=1).repeat(2, axis=2)
    assert lesson_03.sharpness(stretched) < 0.7 * lesson_03.sharpness(noise)
    assert lesson_03.sharpness(np.full((2, 4, 4, 3), 9, np.uint8)) == 0
