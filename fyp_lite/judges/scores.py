"""What a video is measured by: does it follow the pose, show the prompt, and hold still?

The functions take numbers and can be checked by hand; `Judge` has the networks that read those
numbers from pictures. Judges make mistakes too: their own scores on rendered frames are the
ceilings, and stand beside every score in the model card.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fyp_lite.files.hashes import verify_hashes
from fyp_lite.judges.classifier import OF_PICTURES, AttributeClassifier
from fyp_lite.keypoint_network import KeypointNet
from fyp_lite.skeleton import LIMBS, MIN_CONFIDENCE

if TYPE_CHECKING:
    pass

FOLDER = Path(__file__).parents[1] / "weights" / "judges"
# Joints that tell how a limb is held: the left and the right one.
LIMB_JOINTS = {"elbows": (7, 8), "wrists": (9, 10), "knees": (13, 14), "ankles": (15, 16)}
FACE_JOINTS = (0, 1, 2)  # nose and eyes
COARSE, FINE = 0.1, 0.05  # shares of a person's size within which a joint is right
TIE = 1e-9  # of the size: less than any difference that means something
SAME_SIZE = 1.2  # factor within which a person is as large as its skeleton
# Shares of a person's size within which it is drawn: limbs around their lines, ears and hats around
# the middle of the face, capes and shadows beside shoulders and legs.
LIMB_REACH, HEAD_REACH, CAPE_REACH = 0.2, 0.36, 0.28
SHOULDERS_AND_LEGS = (5, 6, 11, 12, 13, 14, 15, 16)

Facts = Mapping[str, Iterable[str]]


def person_sizes(keypoints: np.ndarray, *, min_confidence: float = MIN_CONFIDENCE) -> np.ndarray:
    """The longer side of the box around each person's confident joints, in pixels.

    Args:
        keypoints: `[..., 17, 3]`.

    Returns:
        `[...]`, 0 where nobody is.
    """
    seen = keypoints[..., 2:] >= min_confidence
    high = np.where(seen, keypoints[..., :2], -np.inf).max(axis=-2)
    low = np.where(seen, keypoints[..., :2], np.inf).min(axis=-2)
    return np.maximum((high - low).max(axis=-1), 0)


def follow_score(
    found: np.ndarray, keypoints: np.ndarray, height: int, width: int
) -> dict[str, float]:
    """How well the people that are seen hold the pose that was asked for (PCK).

    A joint is right where it was found within 0.1 (or 0.05) of its person's size, the longer side
    of the box around the person's joints. Confident joints of the truth inside the frame count.
    In every frame people are matched so that the mean error is least.

    Args:
        found: `[f, people, 17, 3]` read from the video, pixels.
        keypoints: `[f, people, 17, 3]` that the video was made from, in the same pixels.
        height, width: of the frame.

    Returns:
        Shares 0...1, NaN where there is nothing to judge: "joints @0.1" (all of them), "limbs
        @0.05" and its parts "elbows @0.05", "wrists", "knees", "ankles"; "face @0.05" (eyes and
        nose); "people": frames that show as many people as asked for; "size": people as large as
        asked for, within a fifth.

    Raises:
        ValueError: the two have different numbers of frames.
    """
    if len(found) != len(keypoints):
        raise ValueError(
            f"the video has {len(found)} frames and the pose {len(keypoints)}: give the keypoints "
            "of the same frames."
        )
    errors, sizes, counts = [], [], []
    for seen, truth in zip(found, keypoints, strict=True):
        truth = [person for person in truth if person_sizes(person) > 0]
        seen = [person for person in seen if person_sizes(person) > 0]
        inside = [_inside(person, height, width) for person in truth]
        visible = [i for i, mask in enumerate(inside) if mask.any()]
        counts.append(len(seen) == len(visible))
        pairs = _match([truth[i] for i in visible], [inside[i] for i in visible], seen)
        for i, match in zip(visible, pairs, strict=True):
            errors.append(np.where(inside[i], _errors(truth[i], match), np.nan))
            sizes.append(_same_size(truth[i], inside[i], match))
    error = np.stack(errors) if errors else np.full((1, 17), np.nan)
    limbs = [joint for pair in LIMB_JOINTS.values() for joint in pair]
    scores = {
        f"joints @{COARSE}": _within(error, COARSE),
        f"limbs @{FINE}": _within(error[:, limbs], FINE),
    }
    scores |= {f"{k} @{FINE}": _within(error[:, list(v)], FINE) for k, v in LIMB_JOINTS.items()}
    scores[f"face @{FINE}"] = _within(error[:, list(FACE_JOINTS)], FINE)
    return scores | {"people": _mean(counts), "size": _mean(sizes)}


def _inside(person: np.ndarray, height: int, width: int) -> np.ndarray:
    x, y, confidence = person.T
    return (confidence >= MIN_CONFIDENCE) & (x >= 0) & (x < width) & (y >= 0) & (y < height)


def _errors(truth: np.ndarray, match: np.ndarray | None) -> np.ndarray:
    """`[17]` distances in sizes of the person, infinite where a joint was not found."""
    if match is None:
        return np.full(17, np.inf)
    away = np.linalg.norm(match[:, :2] - truth[:, :2], axis=1) / person_sizes(truth)
    return np.where(match[:, 2] >= MIN_CONFIDENCE, away, np.inf)


def _match(
    truth: list[np.ndarray], inside: list[np.ndarray], seen: list[np.ndarray]
) -> list[np.ndarray | None]:
    """For each person the one seen, or None: the assignment with the least error."""
    choices = [*seen, *[None] * len(truth)]
    cost = [
        [np.minimum(_errors(person, choice), 1)[mask].mean() for choice in choices]
        for person, mask in zip(truth, inside, strict=True)
    ]
    from scipy.optimize import linear_sum_assignment

    if not truth:
        return []
    # Of equally good ones the first counts: somebody who is seen comes before None.
    first = np.arange(len(choices)) / len(choices) ** (1.0 + np.arange(len(truth))[:, None])
    return [choices[column] for column in linear_sum_assignment(cost + TIE * first)[1]]


def _same_size(truth: np.ndarray, inside: np.ndarray, match: np.ndarray | None) -> bool:
    if match is None:
        return False
    both = inside & (match[:, 2] >= MIN_CONFIDENCE)
    sizes = [person_sizes(person[both]) for person in (truth, match)] if both.any() else [0, 0]
    return bool(min(sizes) > 0 and max(sizes) <= SAME_SIZE * min(sizes))


def _within(error: np.ndarray, limit: float) -> float:
    return _mean(error[~np.isnan(error)] <= limit)


def _mean(values: list[bool] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def seen_names(
    names: Mapping[str, list[str]], probabilities: Mapping[str, np.ndarray]
) -> dict[str, frozenset[str]]:
    """What the mean over the frames shows.

    Args:
        names: of each attribute, in the network's order.
        probabilities: `[f, names]` per attribute.
    """
    seen = {}
    for attribute, known in names.items():
        mean = probabilities[attribute].mean(axis=0)
        chosen = (
            set() if attribute in OF_PICTURES else {known[i] for i in np.flatnonzero(mean > 0.5)}
        )
        if attribute != "cute":  # somebody is always there, somewhere, in some style
            chosen.add(known[int(mean.argmax())])
        seen[attribute] = frozenset(chosen)
    return seen


def prompt_score(seen: Facts, facts: Facts) -> dict[str, bool]:
    """Whether a video shows what was asked for, for each attribute that `facts` names.

    Args:
        seen: what `seen_names` returns.
        facts: what was asked for, such as {"character": {"panda"}, "place": {"sea"}}.

    Raises:
        ValueError: an attribute that is not judged.
    """
    for attribute in facts:
        if attribute not in seen:
            raise ValueError(
                f"{attribute!r} is no attribute that is judged: choose from {', '.join(seen)}."
            )
    return {name: set(seen[name]) == set(wanted) for name, wanted in facts.items()}


def identity(characters: np.ndarray) -> float:
    """Share of the frames that show the same characters as the whole clip does.

    Args:
        characters: `[f, names]` probabilities of the characters.
    """
    mean = characters.mean(axis=0)
    count = max(1, int((mean > 0.5).sum()))
    whole = set(np.argsort(-mean, kind="stable")[:count])
    frames = np.argsort(-characters, axis=1, kind="stable")[:, :count]
    return _mean([set(frame) == whole for frame in frames])


def flicker(video: np.ndarray, keypoints: np.ndarray) -> float:
    """The mean of `flickers`, without those that are NaN."""
    rates = flickers(video, keypoints)
    return _mean(rates[~np.isnan(rates)])


def flickers(video: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    """Mean absolute change from each frame to the next where nobody is, in 8-bit levels.

    Args:
        video: `[f, h, w, 3]` uint8, at least two frames.
        keypoints: `[f, people, 17, 3]` of everybody in it, pixels.

    Returns:
        `[f - 1]`, NaN where people cover everything.

    Raises:
        ValueError: a single frame, or keypoints of another number of frames.
    """
    if len(video) < 2 or len(video) != len(keypoints):
        raise ValueError(
            f"the video has {len(video)} frames and the pose {len(keypoints)}: flicker is measured "
            "between frames, give at least 2 and the keypoints of the same frames."
        )
    people = people_mask(keypoints, *video.shape[1:3])
    change = np.abs(np.diff(video.astype(np.int16), axis=0)).mean(axis=-1)
    nobody = ~(people[1:] | people[:-1])
    return np.array([_mean(pair[where]) for pair, where in zip(change, nobody, strict=True)])


def people_mask(keypoints: np.ndarray, height: int, width: int) -> np.ndarray:
    """`[f, h, w]` bool: on and around everybody, from `[f, people, 17, 3]` pixels."""
    masks = np.zeros((len(keypoints), height, width), np.uint8)
    sizes = person_sizes(keypoints).max(axis=0, initial=0)  # who bends down stays as wide
    for mask, people in zip(masks, keypoints, strict=True):
        for person, size in zip(people, sizes, strict=True):
            _cover(mask, person, float(size))
    return masks > 0


def _cover(mask: np.ndarray, person: np.ndarray, size: float) -> None:
    """Fill one person `[17, 3]` into a mask."""
    seen = person[:, 2] >= MIN_CONFIDENCE
    places = np.round(person[:, :2]).astype(np.int32)
    for a, b, _ in LIMBS:
        if not (seen[a] and seen[b]):
            continue
        cv2.line(
            mask, places[a].tolist(), places[b].tolist(), 1, max(1, round(2 * LIMB_REACH * size))
        )
    legs = [joint for joint in SHOULDERS_AND_LEGS if seen[joint]]
    if legs:
        (left, top), (right, bottom) = places[legs].min(axis=0), places[legs].max(axis=0)
        beside, below = round(CAPE_REACH * size), round(LIMB_REACH / 2 * size)
        box = (int(left) - beside, int(top)), (int(right) + beside, int(bottom) + below)
        cv2.rectangle(mask, *box, 1, cv2.FILLED)
    if seen[:5].any():
        middle = places[:5][seen[:5]].mean(axis=0).astype(int).tolist()
        cv2.circle(mask, middle, round(HEAD_REACH * size), 1, cv2.FILLED)


class Judge:
    """The networks that read people and facts from pictures of the world.

    Args:
        folder: holds the networks as `keypoints` and `attributes`; None for the bundled ones.

    Raises:
        CheckpointError: a network is missing or damaged.
    """

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or FOLDER
        for name in ("keypoints", "attributes"):
            verify_hashes(folder / name)
        self.people = KeypointNet.from_pretrained(folder / "keypoints").float().eval()
        self.facts = AttributeClassifier.from_pretrained(folder / "attributes").float().eval()

    @property
    def names(self) -> dict[str, list[str]]:
        """Every name that is told apart, attribute by attribute."""
        return self.facts.names

    def keypoints(self, video: np.ndarray) -> np.ndarray:
        """People in `[f, h, w, 3]` uint8 pictures of the world: `[f, people, 17, 3]` pixels."""
        return self.people.read_people(video)

    def follow(self, video: np.ndarray, keypoints: np.ndarray) -> dict[str, float]:
        """`follow_score` of a video `[f, h, w, 3]` uint8."""
        return follow_score(self.keypoints(video), keypoints, *video.shape[1:3])

    def sees(self, video: np.ndarray) -> dict[str, frozenset[str]]:
        """What a video shows, attribute by attribute."""
        return seen_names(self.names, self.facts.probabilities(video))

    def prompt(self, video: np.ndarray, facts: Facts) -> dict[str, bool]:
        """`prompt_score` of a video for facts, such as {"place": ["sea"]}.

        Raises:
            ValueError: a name that the classifier has never seen, with the nearest ones.
        """
        for attribute, wanted_names in facts.items():
            known = self.names.get(attribute, [])
            for name in wanted_names:
                if known and name not in known:
                    near = get_close_matches(name, known, n=3, cutoff=0.4) or known
                    raise ValueError(
                        f"the judge knows no {attribute} {name!r}: use {' or '.join(near)}."
                    )
        return prompt_score(self.sees(video), facts)

    def features(self, frames: np.ndarray) -> np.ndarray:
        """What the classifier sees in frames `[f, h, w, 3]` uint8: `[f, features]`."""
        return self.facts.features(frames)

    def identity(self, video: np.ndarray) -> float:
        """`identity` of a video `[f, h, w, 3]` uint8."""
        return identity(self.facts.probabilities(video)["character"])
