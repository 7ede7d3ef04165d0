"""Identity through crossings, gaps, jitter."""

from __future__ import annotations

import numpy as np
import pytest

from fyp_lite.keypoints.tracking import body_sizes, fill_gaps, follow_people, jitter, smooth
from fyp_world.world.motion import perform

FPS = 24.0


def walker(start: float, stop: float, *, frames: int = 48, height: float = 200, motion="walk"):
    """Keypoints `[f, 17, 3]` of somebody who goes from x = start to x = stop."""
    x = np.linspace(start, stop, frames)
    figures = perform(
        motion,
        frames,
        FPS,
        np.random.default_rng(1),
        yaw=np.pi / 2 if stop > start else -np.pi / 2,
        height=height,
        position=np.stack([x, np.full(frames, 300.0)], axis=1),
    )
    keypoints = np.stack([figure.keypoints() for figure in figures])
    keypoints[..., 2] *= 0.9
    return keypoints


@pytest.fixture(scope="module")
def crossing() -> np.ndarray:
    """Two people who walk past each other, `[f, 2, 17, 3]`."""
    return np.stack([walker(60, 440), walker(440, 60, height=190)], axis=1)


def shuffled(keypoints: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([frame[rng.permutation(len(frame))] for frame in keypoints])


def test_people_keep_their_index_when_they_cross(crossing):
    followed = follow_people(shuffled(crossing), FPS, max_people=3)
    np.testing.assert_array_equal(followed, crossing)


def test_a_person_who_is_hidden_while_crossing_comes_back_as_the_same(crossing):
    hidden = crossing.copy()
    hidden[19:29, 1] = 0  # for 0.4 s, in the middle of the crossing
    followed = follow_people(shuffled(hidden), FPS, max_people=3)
    np.testing.assert_array_equal(followed, hidden)


def test_one_who_comes_back_late_keeps_the_index(crossing):
    alone = crossing[:, :1].copy()
    alone[10:46] = 0  # 1.5 s
    followed = follow_people(alone, FPS, max_people=1)
    np.testing.assert_array_equal(followed, alone)


def test_false_alarms_and_the_least_sure_are_left_out(crossing):
    alarm = np.zeros((48, 3, 17, 3), np.float32)
    alarm[:, :2] = crossing
    alarm[:, 1, :, 2] = 0.5
    alarm[20, 2] = crossing[20, 0] + (0, 900, 0)
    np.testing.assert_array_equal(follow_people(alarm, FPS, max_people=3), alarm[:, :2])
    np.testing.assert_array_equal(follow_people(alarm, FPS, max_people=1), alarm[:, :1])


def test_nobody_is_nobody():
    assert follow_people(np.zeros((5, 2, 17, 3)), FPS, max_people=2).shape == (5, 0, 17, 3)


def test_short_gaps_are_filled_near_the_truth_and_long_ones_stay(crossing):
    holes = crossing.copy()
    holes[10:16, 0, 9] = 0  # the wrist for 0.25 s
    holes[20:24, 0] = 0  # everything for 0.17 s
    holes[10:30, 1, 9] = 0  # 0.83 s
    holes[:3, 1, 10] = 0  # before it is first seen
    filled = fill_gaps(holes, FPS)
    seen = crossing[:, 0, :, 2] > 0  # the far ear never is
    away = np.linalg.norm((filled - crossing)[:, 0, :, :2], axis=-1)[seen]
    assert away.max() < 8  # of 200 pixels
    assert (filled[10:16, 0, 9, 2] == np.float32(0.9)).all()
    assert not filled[10:30, 1, 9].any()
    assert not filled[:3, 1, 10].any()
    known = holes[..., 2] > 0
    np.testing.assert_array_equal(filled[known], holes[known])


def test_a_joint_that_jumps_away_and_back_is_put_right(crossing):
    jumped = crossing.copy()
    jumped[30, 0, 15, 0] += 120
    repaired = fill_gaps(jumped, FPS)
    assert np.linalg.norm((repaired - crossing)[30, 0, 15, :2]) < 8


def test_fast_punches_are_no_spikes():
    boxer = walker(200, 200, motion="boxing")[:, None]
    np.testing.assert_array_equal(fill_gaps(boxer, FPS), boxer)


def test_smoothing_takes_jitter_out_and_comes_nearer_to_the_truth(crossing):
    noisy = crossing.copy()
    noisy[..., :2] += np.random.default_rng(2).normal(0, 2, noisy[..., :2].shape)  # 1 %
    steady = smooth(noisy, FPS)
    assert jitter(noisy) > 4 * jitter(steady)
    error = [np.sqrt(((k - crossing)[..., :2] ** 2).sum(-1).mean()) for k in (noisy, steady)]
    assert error[1] < 0.7 * error[0]
    np.testing.assert_array_equal(steady[..., 2], noisy[..., 2])


def test_smoothing_does_not_lag():
    """The shift at which the smoothed path fits the true one best is no frame at all."""
    dancer = walker(200, 200, motion="jumping_jacks", frames=72)[:, None]
    wrist = dancer[:, 0, 9, 1]
    steady = smooth(dancer, FPS)[:, 0, 9, 1]
    errors = {s: np.abs(steady[8 + s : -8 + s or None] - wrist[8:-8]).mean() for s in (-1, 0, 1)}
    assert min(errors, key=errors.__getitem__) == 0
    assert errors[0] < 1  # pixel, of 200


def test_a_leap_stays_a_leap(crossing):
    leap = crossing.copy()
    leap[24:, 0, 9] += (60, -60, 0)  # faster than the filter can follow
    away = np.linalg.norm((smooth(leap, FPS) - leap)[..., :2], axis=-1)
    assert (away <= 0.0201 * body_sizes(leap)[:, None]).all()
    assert away[24, 0, 9] > 0.01 * body_sizes(leap)[0]


def test_smoothing_does_not_reach_across_a_gap(crossing):
    holes = crossing.copy()
    holes[20:40, 0] = 0
    holes[40:, 0, :, 0] += 300
    alone = smooth(holes[:20], FPS)
    np.testing.assert_allclose(smooth(holes, FPS)[:20, 0], alone[:, 0], atol=1e-4)
    assert not smooth(holes, FPS)[20:40, 0].any()


def test_slow_clips_stay_as_they_are(crossing):
    np.testing.assert_array_equal(smooth(crossing, 10.0), crossing)


def test_jitter_is_in_percent_of_the_body(crossing):
    still = np.repeat(crossing[:1], 400, axis=0)
    assert jitter(still) == 0
    size = body_sizes(still)[0]
    still[1::2, 0, :, 0] += 0.01 * size  # one percent to and fro, of one of two people
    assert jitter(still) == pytest.approx(0.5, rel=0.05)
    assert jitter(still[:2]) == 0
    assert jitter(still[:, :0]) == 0
    assert jitter(2 * still) == pytest.approx(jitter(still))
