"""What to say about the people of a raw video before their motion is used."""

from __future__ import annotations

import math

import numpy as np

from fyp_lite.cropping import choose_box, choose_frames, cuts_joints
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.keypoints.tracking import body_sizes
from fyp_lite.settings import REFERENCE_SIZE, ClipSettings
from fyp_lite.skeleton import MIN_CONFIDENCE

LARGE = 2560 * 1440  # pixels of a frame; detectors shrink it to a few hundred a side
SMALL = 0.3  # of the cropped square's side: a smaller person is a few pixels in the result
MAX_CUT = 0.1  # share of the joints that a crop may leave out without a word
# Body sizes that some joint moves, at least, in a clip that is no still image: where a repeated
# picture was read, the joints trembled over 0.08; one second of a calm exercise moves 0.23.
STILL = 0.1
MARGIN = 1.3  # the suggested square's side, in sizes of what is in it


def clip_advice(people: KeypointClip, settings: ClipSettings) -> list[str]:
    """Sentences that a user should read before the run; empty where all is well.

    Raises ClipError where the settings do not fit the clip.
    """
    chosen = people.keypoints[choose_frames(people.num_frames, settings)]
    size = people.height, people.width
    box = choose_box(*size, settings, lambda *boxes: cuts_joints(chosen, *boxes))
    sure = chosen[..., 2] >= MIN_CONFIDENCE
    places = chosen[sure][:, :2]
    sentences = []
    if people.height * people.width > LARGE:
        sentences.append(
            f"The frames are {people.width} x {people.height} pixels, more than detectors look at: "
            "a copy with a short side of 1080 is read sooner and as well."
        )
    if not len(places):
        return [*sentences, "Nobody is seen in the chosen frames: choose others."]
    if _moves(people) < STILL:
        sentences.append(
            f"No joint moves by more than {STILL:.0%} of the body, so this may be a still image: "
            "the result will stand still."
        )
    corner, opposite = np.array(box[:2]), np.array(box[2:])
    cut = 1 - ((places >= corner) & (places <= opposite)).all(axis=1).mean()
    if cut > MAX_CUT:
        sentences.append(
            f"{cut:.0%} of the joints lie outside the square that is kept of each frame of "
            f"{people.width} x {people.height} pixels: {_square(people, places, settings.pad)}."
        )
    elif (size := body_sizes(chosen).max()) < SMALL * (box.right - box.left):
        sentences.append(
            f"The largest person fills {size / (box.right - box.left):.0%} of the picture's side, "
            f"and {SMALL:.0%} or more are followed well: {_square(people, places, settings.pad)}."
        )
    return sentences


def _moves(people: KeypointClip) -> float:
    """How far the joint that moves most goes, in body sizes, one in a hundred frames left out."""
    sure = people.keypoints[..., 2:] >= MIN_CONFIDENCE
    place = np.where(sure, people.keypoints[..., :2], np.nan)
    sizes = np.maximum(body_sizes(people.keypoints), 1)
    most = 0.0
    for person, size in enumerate(sizes):
        for joint in range(17):
            path = place[:, person, joint]
            path = path[~np.isnan(path[:, 0])]
            if len(path) > 1:
                low, high = np.percentile(path, [1, 99], axis=0)
                most = max(most, float((high - low).max() / size))
    return most


def _square(people: KeypointClip, places: np.ndarray, pad: str) -> str:
    """The crop that holds all `places` `[n, 2]` in a square, as a sentence's end."""
    low, high = places.min(axis=0), places.max(axis=0)
    least = 64 * min(people.height, people.width) / REFERENCE_SIZE
    side = max(MARGIN * float((high - low).max()), least)
    if side > min(people.height, people.width):
        film = "film from farther away or in landscape"
        fix = film if pad == "auto" else f'add black to the frames (pad "auto"), or {film}'
        return f"no square of the frame holds everybody, so {fix}"
    size = np.array([people.width, people.height])
    start = np.clip((low + high) / 2 - side / 2, 0, size - side)
    unit = min(people.height, people.width) / REFERENCE_SIZE
    left, top = (math.floor(value / unit) for value in start)
    right, bottom = (math.floor(value / unit) for value in size - start - side)
    crops = {"left": left, "right": right, "top": top, "bottom": bottom}
    named = ", ".join(f"crop_{name} {value}" for name, value in crops.items() if value)
    return f"{named} holds everybody"
