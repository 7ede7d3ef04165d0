"""The choreographer: plausible bodies and motions, seen from any side."""

from __future__ import annotations

import numpy as np
import pytest

from fyp_world.world.figure import CHANNELS, REST, Body, mirror, solve
from fyp_world.world.motion import HELD_OUT_MOTIONS, MOTIONS, body, perform, random_pose

THIGHS, SHINS = ((11, 13), (12, 14)), ((13, 15), (14, 16))


def performance(motion: str | None, seed: int = 0, yaw: float = 0.0, num_frames: int = 24):
    rng = np.random.default_rng(seed)
    return perform(motion, num_frames, 24, rng, yaw=yaw, height=200, position=(128, 240))


def joints_3d(motion: str) -> np.ndarray:
    return solve(MOTIONS[motion].track(np.linspace(0, 1, 24), 1.0), Body(), 24)[0]


def test_default_body_matches_the_contract():
    joints, torso_yaw, head_yaw = solve({"bend": 0.0}, Body(), 1)
    assert Body().height == pytest.approx(1.0)
    assert joints[0, [5, 6], 1] == pytest.approx(0.82, abs=0.01)
    assert joints[0, [11, 12], 1] == pytest.approx(0.53, abs=0.01)
    assert joints[0, 1:5, 1] == pytest.approx(0.93, abs=0.015)
    assert joints[0, 5, 0] - joints[0, 6, 0] == pytest.approx(0.22)
    assert torso_yaw[0] == head_yaw[0] == 0


def test_enough_motions_and_a_fixed_held_out_rule():
    assert len(MOTIONS) >= 24
    assert tuple(sorted(MOTIONS)[4::6]) == HELD_OUT_MOTIONS


@pytest.mark.parametrize("motion", sorted(MOTIONS))
def test_motion_uses_known_channels_and_stays_plausible(motion):
    assert set(MOTIONS[motion].track(np.zeros(2), 1.0)) <= set(REST)
    joints = joints_3d(motion)
    ankles = joints[:, 15:17, 1]
    assert ankles.min() == pytest.approx(Body().ankle, abs=0.03), "feet reach the ground"
    for pairs, length in ((THIGHS, Body().thigh), (SHINS, Body().shin)):
        for a, b in pairs:
            sizes = np.linalg.norm(joints[:, a] - joints[:, b], axis=1)
            assert sizes == pytest.approx(length, abs=1e-6)


@pytest.mark.parametrize("motion", [*sorted(MOTIONS), None])
def test_motion_is_smooth_and_in_place(motion):
    figures = performance(motion, seed=3, yaw=0.4)
    joints = np.stack([figure.joints for figure in figures])
    assert np.isfinite(joints).all()
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max()
    assert steps < 0.3 * 200, "no joint jumps within 1/24 second"
    assert np.abs(joints[..., 0] - 128).max() < 1.0 * 200


def test_knees_bend_forward():
    for motion in ("squat", "walk", "run", "march"):
        joints = joints_3d(motion)
        for hip, knee, ankle in ((11, 13, 15), (12, 14, 16)):
            middle = (joints[:, hip] + joints[:, ankle]) / 2
            assert ((joints[:, knee] - middle)[:, 2] > -1e-3).all(), motion


def test_same_seed_same_performance_and_other_seed_another():
    first, again, other = performance("walk", 1), performance("walk", 1), performance("walk", 2)
    assert np.array_equal(first[5].joints, again[5].joints)
    assert not np.allclose(first[5].joints, other[5].joints, atol=1)


def test_yaw_turns_to_image_right_and_depth_grows_towards_the_camera():
    front, right = performance("idle", yaw=0.0)[0], performance("idle", yaw=np.pi / 2)[0]
    assert front.joints[5, 0] > front.joints[6, 0], "the subject's left is on the image's right"
    assert right.joints[0, 0] > right.joints[[3, 4], 0].mean(), "the nose points right"
    assert front.depth[0] > front.depth[3], "the nose is nearer than the ear"
    assert right.depth[6] > right.depth[5], "the right shoulder is the near one"
    assert front.depth[[11, 12]].mean() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("yaw", "hidden"), [(0.0, set()), (np.pi, {0, 1, 2}), (np.pi / 2, {1, 3}), (-np.pi / 2, {2, 4})]
)
def test_head_hides_its_far_side(yaw, hidden):
    figure = performance("idle", yaw=yaw)[0]
    figure = type(figure)(figure.joints, figure.depth, yaw, yaw, figure.height)
    assert set(np.flatnonzero(figure.keypoints()[:, 2] == 0)) == hidden


def test_mirror_twice_is_the_same():
    pose = random_pose(np.random.default_rng(0))
    twice = mirror(mirror(pose))
    assert all(np.array_equal(pose[name], twice[name]) for name in pose)
    assert mirror({"l_lift": 1, "turn": 2}) == {"r_lift": 1, "turn": -2}
    assert set(CHANNELS) <= set(REST)


def test_random_bodies_stand_one_high():
    rng = np.random.default_rng(0)
    for _ in range(50):
        person = body(rng)
        assert person.height == pytest.approx(1.0)
        assert 0.2 < person.thigh < 0.3


def test_position_may_move_with_the_frames():
    where = np.stack([np.linspace(50, 200, 8), np.full(8, 240)], axis=1)
    figures = perform("walk", 8, 8, np.random.default_rng(0), yaw=0, height=200, position=where)
    assert figures[-1].joints[11, 0] - figures[0].joints[11, 0] == pytest.approx(150, abs=10)


def test_unknown_motion_is_named():
    with pytest.raises(ValueError, match="no motion 'fly'"):
        performance("fly")
