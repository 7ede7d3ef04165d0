"""The measures, on numbers made by hand of which the right score is known."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from fyp_lite.judges import scores
from fyp_lite.judges.scores import (
    flicker,
    flickers,
    follow_score,
    identity,
    people_mask,
    person_sizes,
    prompt_score,
    seen_names,
)
from fyp_world.world.captions import CharacterSpec
from fyp_world.world.dataset import Scene, facts_of, random_clip, render_clip

HEIGHT = 100.0  # of the person below, from nose to ankles


def person(x: float = 100.0, y: float = 50.0) -> np.ndarray:
    """`[17, 3]`: a standing person, 100 pixels from nose to ankles and 40 wide."""
    places = [(0, 0), (3, 2), (-3, 2), (6, 3), (-6, 3), (12, 18), (-12, 18), (18, 34), (-18, 34)]
    places += [(20, 48), (-20, 48), (8, 52), (-8, 52), (9, 76), (-9, 76), (9, 100), (-9, 100)]
    return np.array([(x + dx, y + dy, 1) for dx, dy in places], np.float32)


def score(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    return follow_score(found, truth, 256, 256)


def test_a_person_is_as_large_as_the_longer_side_of_its_box():
    people = np.stack([person(), np.zeros((17, 3), np.float32)])
    np.testing.assert_allclose(person_sizes(people), [HEIGHT, 0])


def test_the_same_pose_is_right_and_another_place_is_wrong():
    truth = person()[None, None]
    assert set(score(truth, truth).values()) == {1.0}
    moved = truth + np.array([0.2 * HEIGHT, 0, 0])
    scores = score(moved.astype(np.float32), truth)
    assert scores["joints @0.1"] == scores["limbs @0.05"] == 0
    assert scores["people"] == scores["size"] == 1


def test_one_wrist_a_little_off():
    truth = person()[None, None]
    found = truth.copy()
    found[0, 0, 9, 0] += 0.07 * HEIGHT  # within 0.1, not within 0.05
    scores = score(found, truth)
    assert scores["joints @0.1"] == 1
    assert scores["wrists @0.05"] == 0.5
    assert scores["limbs @0.05"] == 7 / 8
    assert scores["elbows @0.05"] == scores["ankles @0.05"] == 1
    found[0, 0, 10, 2] = 0  # and the other was not found
    found[0, 0, 2, 1] -= 0.07 * HEIGHT  # an eye a little off as well
    scores = score(found, truth)
    assert scores["wrists @0.05"] == 0
    assert scores["face @0.05"] == 2 / 3
    assert scores["joints @0.1"] == 16 / 17


def test_people_are_matched_in_whatever_order_they_come():
    truth = np.stack([person(60), person(180)])[None]
    assert score(truth[:, ::-1], truth)["joints @0.1"] == 1
    alone = score(truth[:, 1:], truth)
    assert alone["joints @0.1"] == alone["size"] == 0.5
    assert alone["people"] == 0
    nobody = score(np.zeros((1, 0, 17, 3), np.float32), truth)
    assert nobody["joints @0.1"] == nobody["people"] == 0


def first_of_all_assignments(truth, inside, seen):
    """Every assignment is tried: right, but factorial in the number of people."""
    choices = [*seen, *[None] * len(truth)]
    cost = [
        [float(np.minimum(scores._errors(one, choice), 1)[mask].mean()) for choice in choices]
        for one, mask in zip(truth, inside, strict=True)
    ]
    orders = permutations(range(len(choices)), len(truth))
    best = min(orders, key=lambda order: sum(row[c] for row, c in zip(cost, order, strict=True)))
    return [choices[column] for column in best]


@pytest.mark.parametrize("seed", range(20))
def test_the_assignment_is_the_best_of_all(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    truth = np.stack([person(x) for x in rng.uniform(30, 220, rng.integers(1, 5))])
    found = [p + np.array([*rng.normal(0, 20, 2), 0]) for p in truth]
    found += [person(*rng.uniform(0, 256, 2)), person(900), person(900) * [1, 1.5, 1]]
    order = rng.permutation(len(found))[: rng.integers(0, 5)]
    seen = np.array([found[i] for i in order], np.float32).reshape(-1, 17, 3)
    ours = score(seen[None], truth[None])
    monkeypatch.setattr(scores, "_match", first_of_all_assignments)
    np.testing.assert_equal(score(seen[None], truth[None]), ours)


def test_sixteen_people_are_matched_too():
    truth = np.stack([person(x, y) for x in (30, 90, 150, 210) for y in (0, 50, 90, 140)])[None]
    shuffled = truth[:, np.random.default_rng(0).permutation(16)]
    assert score(shuffled, truth)["joints @0.1"] == 1


def test_only_confident_joints_inside_the_frame_count():
    truth = person(y=200)[None, None]  # ankles and knees are below the frame
    found = truth.copy()
    found[..., 13:, :] = 0
    scores = score(found, truth)
    assert scores["joints @0.1"] == 1
    assert math.isnan(scores["ankles @0.05"])
    outside = score(np.zeros((1, 1, 17, 3), np.float32), person(y=500)[None, None])
    assert outside["people"] == 1  # nobody to be seen, and nobody is
    assert math.isnan(outside["joints @0.1"])


def test_a_giant_in_place_of_a_child_is_told_by_its_size():
    truth = person()[None, None]
    giant = truth.copy()
    giant[..., :2] = (giant[..., :2] - [100, 100]) * 1.3 + [100, 100]
    assert score(giant, truth)["size"] == 0


def test_a_video_of_other_frames_is_refused():
    with pytest.raises(ValueError, match="2 frames and the pose 1"):
        score(np.zeros((2, 1, 17, 3), np.float32), person()[None, None])


def test_flicker_is_what_changes_where_nobody_is():
    keypoints = np.stack([person()[None]] * 3)
    video = np.full((3, 256, 256, 3), 100, np.uint8)
    video[1, people_mask(keypoints, 256, 256)[1]] = 255  # the person may change
    assert flicker(video, keypoints) == 0
    video[1] += 3  # 100 -> 103 -> 100 around it
    assert flicker(video, keypoints) == 3
    video[2] += 3  # the second change is gone
    assert flickers(video, keypoints).tolist() == [3, 0]
    assert flicker(video, keypoints) == 1.5
    with pytest.raises(ValueError, match="1 frames"):
        flicker(video[:1], keypoints[:1])


def test_in_the_rendered_world_nothing_flickers():
    for seed in range(6):
        clip = random_clip(np.random.default_rng(seed), 3)
        assert flicker(render_clip(clip), clip.keypoints()) < 0.05, clip.scene


def test_identity_counts_frames_that_agree():
    panda, robot = [0.9, 0.05, 0.1], [0.2, 0.7, 0.1]
    assert identity(np.array([panda, panda, panda, robot])) == 0.75
    assert identity(np.array([[0.9, 0.8, 0.1], [0.7, 0.9, 0.2]])) == 1  # two, whichever is surer


NAMES = {"character": ["panda", "robot"], "place": ["sea", "moon"], "cute": ["cute"]}


def test_what_the_frames_show_on_average():
    probabilities = {
        "character": np.array([[0.4, 0.1], [0.4, 0.3]]),  # the likeliest, sure or not
        "place": np.array([[0.4, 0.6], [0.9, 0.1]]),
        "cute": np.array([[0.3], [0.4]]),
    }
    seen = seen_names(NAMES, probabilities)
    assert seen == {"character": {"panda"}, "place": {"sea"}, "cute": set()}
    both = seen_names(NAMES, probabilities | {"character": np.array([[0.8, 0.6]])})
    assert both["character"] == {"panda", "robot"}


def test_only_what_was_asked_for_is_judged():
    seen = {"character": {"panda"}, "place": {"sea"}, "time": {"day"}}
    facts = {"character": ["panda"], "place": ["moon"]}
    assert prompt_score(seen, facts) == {"character": True, "place": False}
    with pytest.raises(ValueError, match="'weather' is no attribute.*character, place, time"):
        prompt_score(seen, {"weather": ["rain"]})


def scene(*people: CharacterSpec, place: str = "sea", style: str = "plain") -> Scene:
    return Scene(people, place, "night", style, 0)


def test_facts_are_what_a_picture_can_show():
    red, cute = CharacterSpec("man", "red"), CharacterSpec("panda", cute=True)
    facts = facts_of(scene(red))
    assert facts["colour"] == {"red"}
    assert facts["time"] == {"night"}
    assert facts["cute"] == set()
    two = facts_of(scene(red, cute))
    assert two["character"] == {"man", "panda"}
    assert two["count"] == {"two"}
    assert two["cute"] == {"cute"}
    assert "colour" not in two  # the panda's is not said
    sketch = facts_of(scene(red, place="red background", style="pencil sketch"))
    assert not {"colour", "place", "time"} & sketch.keys()
