"""Keypoints repaired by hand: each function on figures whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from fyp_lite.keypoints import edit
from fyp_lite.keypoints.clip import KeypointsError
from fyp_lite.skeleton import JOINTS

WRIST = JOINTS.index("left_wrist")


@pytest.fixture
def keypoints():
    """Two people in nine frames, each joint at a place of its own, moving right by 2 a frame."""
    rng = np.random.default_rng(3)
    joints = np.empty((9, 2, 17, 3), np.float32)
    joints[..., :2] = rng.uniform(20, 80, (1, 2, 17, 2))
    joints[..., 0] += 2 * np.arange(9)[:, None, None]
    joints[..., 2] = 0.9
    return joints


def test_nothing_is_changed_in_place(keypoints):
    before = keypoints.copy()
    edit.nudge(keypoints, 4, 1, WRIST, 5, 5, reach=2)
    edit.place(keypoints, 4, 1, WRIST, 5, 5)
    edit.hide(keypoints, 4, 1, WRIST, reach=1)
    edit.swap_sides(keypoints, 4, 1, reach=9)
    edit.mirror(keypoints, 100)
    edit.delete_person(keypoints, 0)
    edit.trim(keypoints, 0, 3)[:] = 0
    edit.retime(keypoints, 1)[:] = 0
    assert (keypoints == before).all()


def test_a_nudge_moves_one_joint_in_one_frame(keypoints):
    way = edit.nudge(keypoints, 4, 1, WRIST, 6, -3) - keypoints
    assert way[4, 1, WRIST] == pytest.approx([6, -3, 0], abs=1e-4)
    way[4, 1, WRIST] = 0
    assert not way.any()


def test_a_nudge_with_reach_fades_out_evenly(keypoints):
    keypoints[5, 1, WRIST] = 0  # missing: stays missing
    way = edit.nudge(keypoints, 4, 1, WRIST, 8, 0, reach=3)[:, 1, WRIST, 0]
    way = way - keypoints[:, 1, WRIST, 0]
    assert way[4] == pytest.approx(8, abs=1e-4) and way[3] > way[2] > way[1] > 0
    assert way[2] == pytest.approx(4, abs=1e-4) and way[6] == pytest.approx(way[2], abs=1e-4)
    assert way[0] == way[8] == way[5] == 0


def test_a_missing_joint_is_placed_not_nudged(keypoints):
    gone = edit.hide(keypoints, 4, 0, WRIST, reach=1)
    assert (gone[3:6, 0, WRIST] == 0).all() and (gone[[2, 6], 0, WRIST, 2] > 0).all()
    with pytest.raises(KeypointsError, match="left wrist of person 0 is missing in frame 4.*place"):
        edit.nudge(gone, 4, 0, WRIST, 1, 1)
    assert edit.place(gone, 4, 0, WRIST, 7, 9)[4, 0, WRIST].tolist() == [7, 9, 1]


def test_sides_are_swapped_where_asked(keypoints):
    swapped = edit.swap_sides(keypoints, 1, 0, reach=1)
    assert (swapped[0:3, 0, WRIST] == keypoints[0:3, 0, JOINTS.index("right_wrist")]).all()
    assert (swapped[0:3, 0, 0] == keypoints[0:3, 0, 0]).all()
    assert (swapped[3:] == keypoints[3:]).all() and (swapped[:, 1] == keypoints[:, 1]).all()


def test_deleting_a_person_keeps_the_other(keypoints):
    assert (edit.delete_person(keypoints, 0) == keypoints[:, 1:]).all()


def test_mirrors(keypoints):
    keypoints[2, 0, WRIST] = 0
    mirrored = edit.mirror(keypoints, 100)
    left, right = JOINTS.index("left_knee"), JOINTS.index("right_knee")
    assert mirrored[..., left, 0] == pytest.approx(100 - keypoints[..., right, 0])
    assert mirrored[..., left, 1] == pytest.approx(keypoints[..., right, 1])
    assert (mirrored[2, 0, JOINTS.index("right_wrist")] == 0).all()
    assert edit.mirror(mirrored, 100) == pytest.approx(keypoints, abs=1e-4)


@pytest.mark.parametrize(("speed", "count"), [(1, 9), (2, 5), (0.5, 17), (3, 3), (0.1, 81)])
def test_retiming_keeps_the_way(keypoints, speed, count):
    faster = edit.retime(keypoints, speed)
    assert len(faster) == count
    steps = np.diff(faster[..., 0], axis=0)
    assert steps == pytest.approx(np.full_like(steps, 2 * speed), abs=1e-3)
    assert (faster[0] == keypoints[0]).all()


def test_retiming_invents_no_joint(keypoints):
    keypoints[4, 0, WRIST] = 0
    slower = edit.retime(keypoints, 0.5)[:, 0, WRIST]
    assert (slower[7:10] == 0).all() and (slower[[6, 10], 2] > 0).all()


def test_filling_draws_straight_lines_and_copies_at_the_ends(keypoints):
    missing = np.zeros(9, bool)
    missing[[0, 3, 4, 8]] = True
    broken = keypoints.copy()
    broken[missing] = 0
    filled = edit.fill_frames(broken, missing)
    assert filled[1:8] == pytest.approx(keypoints[1:8], abs=1e-4)
    assert (filled[0] == keypoints[1]).all() and (filled[8] == keypoints[7]).all()
    with pytest.raises(KeypointsError, match="every frame is missing"):
        edit.fill_frames(broken, np.ones(9, bool))


def test_trimming_keeps_both_ends(keypoints):
    assert (edit.trim(keypoints, 2, 5) == keypoints[2:6]).all()
    with pytest.raises(KeypointsError, match="lies before the first one"):
        edit.trim(keypoints, 5, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda k: edit.nudge(k, 9, 0, 0, 1, 1), "no frame 9: they are numbered 0 to 8"),
        (lambda k: edit.hide(k, 0, 2, 0), "no person 2: they are numbered 0 to 1"),
        (lambda k: edit.place(k, 0, 0, 17, 1, 1), "no joint 17: they are numbered 0 to 16"),
        (lambda k: edit.place(k, 0, 0, 0, np.nan, 1), "two finite numbers"),
        (lambda k: edit.nudge(k, 0, 0, 0, np.inf, 1), "two finite numbers"),
        (lambda k: edit.hide(k, 0, 0, 0, reach=-1), "reach is -1"),
        (lambda k: edit.delete_person(k, -1), "no person -1"),
        (lambda k: edit.trim(k, 0, 9), "no frame 9"),
        (lambda k: edit.retime(k, 0), "from 0.1 to 10"),
        (lambda k: edit.retime(k, float("nan")), "from 0.1 to 10"),
    ],
)
def test_numbers_outside_are_named(keypoints, call, message):
    with pytest.raises(KeypointsError, match=message):
        call(keypoints)
