"""A motion in words, for those who cannot see it: read from keypoints, nothing guessed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fyp_lite.skeleton import JOINTS

NUMBERS = ("Nobody", "One person", "Two people", "Three people")
SURE = 0.3  # least confidence of a joint that counts
# Fractions of the torso's height, which stays what it is while arms and legs move:
RAISED_ARM = 0.25  # a wrist that much above its shoulder
RAISED_LEG = 0.4  # an ankle that much above the other one
TRAVEL = 0.6  # a smaller shift is swaying, not walking
GROWTH = 1.2  # a torso that grows by this factor comes closer


def describe_motion(keypoints: np.ndarray) -> str:
    """What the people of a clip do, in a sentence each.

    Args:
        keypoints: `[f, people, 17, 3]` of (x, y, confidence) in pixels; a person keeps the row.
            They are numbered from left to right, by where each is first seen.

    Returns:
        "One person. Left arm up in frames 3 to 5 of 8; moves to the right of the picture." Sides of
        the body are the subject's own. Frames count from 1. "Nobody." where no joint is sure.
    """
    seen = keypoints[..., 2] >= SURE
    count = int(seen.any(axis=2).sum(axis=1).max(initial=0))
    rows = [person for person in range(keypoints.shape[1]) if seen[:, person].any()][:count]
    people = sorted(rows, key=lambda row: _first_place(keypoints[:, row], seen[:, row]))
    sentences = [NUMBERS[count] if count < len(NUMBERS) else f"{count} people"]
    for number, person in enumerate(people):
        facts = _limbs(keypoints[:, person]) + _travel(keypoints[:, person])
        text = "; ".join(facts) or "no arm or leg raised, stays in place"
        sentences.append(_capital(f"person {number + 1} from the left: " * (count > 1) + text))
    return ". ".join(sentences) + "."


def _first_place(person: np.ndarray, seen: np.ndarray) -> float:
    """Mean x of the sure joints `[f, 17]` of a person `[f, 17, 3]` in the first frame with any."""
    first = int(seen.any(axis=1).argmax())
    return float(person[first, seen[first], 0].mean())


def _limbs(person: np.ndarray) -> list[str]:
    """Raised arms and legs of one person `[f, 17, 3]`, with the frames in which they are."""
    joint = {name: person[:, index] for index, name in enumerate(JOINTS)}
    _, torso = _torso(person)

    def above(upper: str, lower: str, margin: float) -> np.ndarray:
        a, b = joint[upper], joint[lower]
        sure = (a[:, 2] >= SURE) & (b[:, 2] >= SURE)
        return sure & (b[:, 1] - a[:, 1] > margin * np.nan_to_num(torso, nan=np.inf))

    left, right = (
        above(f"{side}_wrist", f"{side}_shoulder", RAISED_ARM) for side in ("left", "right")
    )
    facts = [
        ("both arms up", left & right),
        ("left arm up", left & ~right),
        ("right arm up", right & ~left),
        ("left leg raised", above("left_ankle", "right_ankle", RAISED_LEG)),
        ("right leg raised", above("right_ankle", "left_ankle", RAISED_LEG)),
    ]
    return [f"{what} in {_spans(frames)}" for what, frames in facts if frames.any()]


def _travel(person: np.ndarray) -> list[str]:
    """Whether one person `[f, 17, 3]` moves across the picture, or to or from the viewer."""
    x, torso = _torso(person)
    seen = np.flatnonzero(np.isfinite(torso))
    if len(seen) < 2:
        return []
    first, last = seen[0], seen[-1]
    facts, shift = [], x[last] - x[first]
    if abs(shift) > TRAVEL * max(torso[first], torso[last]):
        facts.append(f"moves to the {'right' if shift > 0 else 'left'} of the picture")
    if torso[last] > GROWTH * torso[first]:
        facts.append("comes closer")
    elif torso[first] > GROWTH * torso[last]:
        facts.append("moves away")
    return facts


def _torso(person: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle x and height of the torso in every frame, each `[f]`; NaN where it is not seen."""
    names = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    corners = [JOINTS.index(name) for name in names]
    points = person[:, corners]
    sure = (points[..., 2] >= SURE).all(axis=1)
    height = points[:, 2:, 1].mean(axis=1) - points[:, :2, 1].mean(axis=1)
    x = points[..., 0].mean(axis=1)
    return np.where(sure, x, np.nan), np.where(sure, np.abs(height), np.nan)


def _spans(frames: Sequence[bool] | np.ndarray) -> str:
    """Where `frames` are true: "frames 1, 3 to 5 of 8"."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], frames, [0]]).astype(int)))
    runs = [(start + 1, end) for start, end in edges.reshape(-1, 2)]
    if runs == [(1, len(frames))]:
        return "every frame"
    spans = ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in runs)
    return (
        f"frame{'s' if len(runs) > 1 or runs[0][0] < runs[0][1] else ''} {spans} of {len(frames)}"
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
