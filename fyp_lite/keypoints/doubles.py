"""One body that was read twice: upside down, smaller inside itself, or on its own face."""

from __future__ import annotations

import numpy as np

from fyp_lite.skeleton import LIMBS, MIN_CONFIDENCE

NEAR = 0.12  # body sizes from the other's limbs, on average: a second reading lies on the first
FACE = slice(0, 5)
MIN_SIZE = 1.0  # pixels


def single_readings(people: np.ndarray) -> list[int]:
    """Which of `people` `[people, 17, 3]` are no second readings of a body; the surer and larger
    reading stays."""
    order = sorted(range(len(people)), key=lambda i: weight(people[i]), reverse=True)
    kept: list[int] = []
    for index in order:
        if not any(reads_again(people[index], people[other]) for other in kept):
            kept.append(index)
    return sorted(kept)


def weight(person: np.ndarray) -> float:
    """How much somebody `[17, 3]` counts: the sum of the confidences times the body's size."""
    return float(person[:, 2].sum()) * _size(person)


def reads_again(person: np.ndarray, body: np.ndarray) -> bool:
    """Whether `person` `[17, 3]` is a second reading of `body` `[17, 3]`.

    It lies on the body's limbs, and stands on its head there or has its face on the body's face.
    People who hug or stand behind one another have faces of their own, and are upright both.
    """
    ours, theirs = _seen(person), _seen(body)
    if not ours.any() or not theirs.any():
        return False
    size = _size(body)
    if _from_limbs(person[ours, :2], body) > NEAR * size:
        return False
    face, other_face = _middle(person, FACE), _middle(body, FACE)
    if face is None or other_face is None:
        return False
    same_face = float(np.linalg.norm(face - other_face)) < NEAR * size
    return same_face or _opposed(person, body, face, other_face)


def _opposed(
    person: np.ndarray, body: np.ndarray, face: np.ndarray, other_face: np.ndarray
) -> bool:
    """Whether one stands on its head beside the other: from the rest of the body to the face."""
    rest, other_rest = _middle(person, slice(5, 17)), _middle(body, slice(5, 17))
    if rest is None or other_rest is None:
        return False
    return float((face - rest) @ (other_face - other_rest)) < 0


def _seen(person: np.ndarray) -> np.ndarray:
    return person[:, 2] >= MIN_CONFIDENCE


def _middle(person: np.ndarray, joints: slice) -> np.ndarray | None:
    part = person[joints]
    return part[_seen(part), :2].mean(axis=0) if _seen(part).any() else None


def _size(person: np.ndarray) -> float:
    """Longer side of the box around the joints that are seen, at least a pixel."""
    seen = person[_seen(person), :2]
    return max(MIN_SIZE, float(np.ptp(seen, axis=0).max())) if len(seen) else MIN_SIZE


def _from_limbs(points: np.ndarray, body: np.ndarray) -> float:
    """Mean distance of `points` `[n, 2]` from the nearest limb or joint of `body`, in pixels."""
    seen = _seen(body)
    ends = [(joint, joint) for joint in np.flatnonzero(seen).tolist()]
    ends += [(a, b) for a, b, _ in LIMBS if seen[a] and seen[b]]
    start, stop = (body[list(joints), :2] for joints in zip(*ends, strict=True))
    along = stop - start
    length = np.maximum((along**2).sum(axis=1), 1e-9)
    share = ((points[:, None] - start) * along).sum(axis=2) / length
    nearest = start + np.clip(share, 0, 1)[..., None] * along
    return float(np.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1).mean())
