"""Second readings of one body, and people who are near each other."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fyp_lite.keypoints.doubles import single_readings
from fyp_lite.keypoints.tracking import follow_people

# Somebody upright with raised elbows, 200 pixels tall, (x, y) around the middle of the hips.
HEAD = [(0, -90), (4, -95), (-4, -95), (9, -92), (-9, -92)]
ARMS = [(20, -65), (-20, -65), (35, -40), (-35, -40), (40, -10), (-40, -10)]
LEGS = [(12, 0), (-12, 0), (14, 50), (-14, 50), (15, 100), (-15, 100)]
BODY = np.array([*HEAD, *ARMS, *LEGS])


def person(x=0.0, y=0.0, scale=1.0, turn=1, confidence=0.9):
    """`[17, 3]`; turn -1 stands on its head."""
    return np.column_stack([scale * turn * BODY + [x, y], np.full(17, confidence)])


def face_only(reading):
    return np.where(np.arange(17)[:, None] < 5, reading, 0)


@pytest.mark.parametrize(
    ("second", "count"),
    [
        (person(2, 5, turn=-1, confidence=0.6), 1),  # upside down
        (person(0, -80, 0.15, confidence=0.6), 1),  # small, on the face
        (face_only(person(0, -180, turn=-1, confidence=0.6)), 1),  # the face alone
        (person(3, 4, 1.02, confidence=0.6), 1),  # nearly the same
        (person(60, 0, confidence=0.6), 2),  # beside it
        (person(30, -10, 0.9, confidence=0.6), 2),  # behind it, half covered
        (person(0, 60, 0.4, confidence=0.6), 2),  # a child in front of it
        (person(150, 0, turn=-1, confidence=0.6), 2),  # a handstand beside it
        (np.zeros((17, 3)), 2),  # nobody is no reading of anybody
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_one_body_is_one_person_and_two_are_two(second, count, swapped):
    readings = np.stack([person(300, 300), second + np.array([300, 300, 0])])
    readings = readings[:: -1 if swapped else 1]
    readings[readings[..., 2] == 0] = 0
    kept = single_readings(readings)
    assert len(kept) == count
    assert int(swapped) in kept  # the surer and larger


def test_real_second_readings_are_one_person(shared_dir):
    pairs = json.loads((shared_dir / "findings/inputs/ghost_pairs.json").read_text())
    for pair in pairs.values():
        assert single_readings(np.array(pair, np.float32)) == [0]


def test_the_largest_and_longest_seen_keep_the_places():
    detected = np.zeros((40, 4, 17, 3))
    for i in range(3):  # small, from the beginning
        detected[:, i] = person(100 + 60 * i, 300, 0.3)
    detected[10:, 3] = person(500, 300)  # large, enters later
    followed = follow_people(detected, 10, max_people=2)
    assert followed.shape[1] == 2
    np.testing.assert_allclose(followed[20, 1], detected[20, 3], rtol=1e-6)
