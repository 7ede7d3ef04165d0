"""What to say about the people of a raw video before their motion is used.

Each sentence ends with what would help, in the words of where it is read: names of settings in
Python, options on the command line, sliders in a panel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fyp_lite.clip import ClipError
from fyp_lite.cropping import choose_box, choose_frames, cuts_joints
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.keypoints.tracking import body_sizes, jitter
from fyp_lite.settings import REFERENCE_SIZE, ClipSettings
from fyp_lite.skeleton import MIN_CONFIDENCE

LARGE = 2560 * 1440  # pixels of a frame; detectors shrink it to a few hundred a side
SMALL = 0.3  # of the cropped square's side: a smaller person is a few pixels in the result
MAX_CUT = 0.1  # share of the joints that a crop may leave out without a word
# Body sizes that some joint moves, at least, in a clip that is no still image: where a repeated
# picture was read, the joints trembled over 0.08; one second of a calm exercise moves 0.23.
STILL = 0.1
MARGIN = 1.3  # the suggested square's side, in sizes of what is in it
MIN_SEEN = 0.5  # share of a clip's frames in which somebody is seen, without a word
MAX_JITTER = 5  # percent of the body (`tracking.jitter`): filmed people stay far below
USUAL_SECONDS = 1.0  # of motion that eight frames span at the default stride
HEAD, BELOW = slice(0, 5), slice(7, 17)  # joints of the head, and those below the shoulders

# How a setting and its value are written: by name in Python, as an option, as a slider's name.
Written = Callable[[str, object], str]
WRITTEN: dict[str, Written] = {
    "python": lambda name, value: f"{name} {value}",
    "options": lambda name, value: f"--{name.replace('_', '-')} {value}",
    "sliders": lambda name, value: f"{name.replace('_', ' ')} {value}",
}


def clip_advice(people: KeypointClip, settings: ClipSettings, words: str = "python") -> list[str]:
    """Sentences that a user should read before the run; empty where all is well.

    Args:
        words: how settings are named, a key of WRITTEN.

    Raises ClipError where the settings do not fit the clip.
    """
    written = WRITTEN[words]
    numbers = choose_frames(people.num_frames, settings)
    chosen = people.keypoints[numbers]
    sentences = []
    if people.height * people.width > LARGE:
        sentences.append(
            f"The frames are {people.width} x {people.height} pixels, more than detectors look at: "
            "a copy with a short side of 1080 is read sooner and as well."
        )
    sentences += _absence(people, settings, numbers, written)
    if (chosen[..., 2] >= MIN_CONFIDENCE).any():
        sentences += _doubt(people, chosen)
        sentences += _stillness(people, settings, chosen, written)
        sentences += _framing(people, settings, chosen, written)
    return sentences


def _absence(
    people: KeypointClip, settings: ClipSettings, numbers: list[int], written: Written
) -> list[str]:
    """In which frames nobody is seen, and where to begin instead."""
    sure = people.keypoints[..., 2] >= MIN_CONFIDENCE
    seen = np.asarray(sure.any(axis=(1, 2)))
    missing = len(numbers) - int(seen[numbers].sum())
    sentences = []
    if seen.mean() < MIN_SEEN:
        sentences.append(f"Somebody is seen in {seen.sum()} of the clip's {len(seen)} frames only.")
    if missing:
        count = "all" if missing == len(numbers) else f"{missing}"
        frames = np.flatnonzero(seen)
        where = f"somebody is seen between frames {frames[0]} and {frames[-1]}"
        fix = _full_start(seen, settings)
        better = written("start_frame", fix) if fix is not None else "choose a shorter part there"
        sentences.append(
            f"Nobody is seen in {count} of the {len(numbers)} chosen frames, and {where}: {better}."
        )
    return sentences


def _full_start(seen: np.ndarray, settings: ClipSettings) -> int | None:
    """The first start frame with which somebody is seen in every chosen frame, if there is one."""
    offsets = np.arange(settings.num_frames) * settings.frame_stride
    for start in np.flatnonzero(seen):
        if start + offsets[-1] < len(seen) and seen[start + offsets].all():
            return int(start)
    return None


def _doubt(people: KeypointClip, chosen: np.ndarray) -> list[str]:
    """What may be no person, or only a head."""
    sentences = []
    if (trembling := jitter(people.keypoints)) > MAX_JITTER:
        sentences.append(
            f"The joints tremble by {trembling:.0f} % of the body from frame to frame, so this may "
            "be no filmed person (a drawing of a body, say): look at the skeleton first."
        )
    sure = chosen[..., 2] >= MIN_CONFIDENCE
    if sure[..., HEAD].any() and not sure[..., BELOW].any():
        sentences.append(
            "Only a head is in view, and nothing below it can follow: film the whole body."
        )
    return sentences


def _stillness(
    people: KeypointClip, settings: ClipSettings, chosen: np.ndarray, written: Written
) -> list[str]:
    """What stands still: the clip, or only the part of it that is chosen."""
    if _moves(people.keypoints) < STILL:
        return [
            f"No joint moves by more than {STILL:.0%} of the body, so this may be a still image: "
            "the result will stand still."
        ]
    span = (settings.num_frames - 1) * settings.frame_stride / people.fps
    if settings.num_frames == 1 or span >= USUAL_SECONDS / 2 or _moves(chosen) >= STILL:
        return []
    stride = round(USUAL_SECONDS * people.fps / (settings.num_frames - 1))
    try:
        choose_frames(people.num_frames, replace(settings, frame_stride=stride))
    except ClipError:
        return []
    return [
        f"The chosen frames span {span:.2f} s, in which hardly anything moves (slow motion?): "
        f"{written('frame_stride', stride)}."
    ]


def _framing(
    people: KeypointClip, settings: ClipSettings, chosen: np.ndarray, written: Written
) -> list[str]:
    """Joints that the crop leaves out, or somebody too small in it."""
    size = people.height, people.width
    box = choose_box(*size, settings, lambda *boxes: cuts_joints(chosen, *boxes))
    places = chosen[chosen[..., 2] >= MIN_CONFIDENCE][:, :2]
    inside = (places >= np.array(box[:2])) & (places <= np.array(box[2:]))
    side, cut = box.right - box.left, 1 - inside.all(axis=1).mean()
    largest = body_sizes(chosen).max() / side
    if cut > MAX_CUT:
        problem = (
            f"{cut:.0%} of the joints lie outside the square that is kept of each frame of "
            f"{people.width} x {people.height} pixels"
        )
    elif largest < SMALL:
        problem = (
            f"The largest person fills {largest:.0%} of the picture's side, "
            f"and {SMALL:.0%} or more are followed well"
        )
    else:
        return []
    return [f"{problem}: {_square(people, places, settings.pad, written)}."]


def _moves(keypoints: np.ndarray) -> float:
    """How far the joint that moves most goes, in body sizes, one in a hundred frames left out."""
    sure = keypoints[..., 2:] >= MIN_CONFIDENCE
    place = np.where(sure, keypoints[..., :2], np.nan)
    sizes = np.maximum(body_sizes(keypoints), 1)
    most = 0.0
    for person, size in enumerate(sizes):
        for joint in range(17):
            path = place[:, person, joint]
            path = path[~np.isnan(path[:, 0])]
            if len(path) > 1:
                low, high = np.percentile(path, [1, 99], axis=0)
                most = max(most, float((high - low).max() / size))
    return most


def _square(people: KeypointClip, places: np.ndarray, pad: str, written: Written) -> str:
    """The crop that holds all `places` `[n, 2]` in a square, as a sentence's end."""
    low, high = places.min(axis=0), places.max(axis=0)
    least = 64 * min(people.height, people.width) / REFERENCE_SIZE
    side = max(MARGIN * float((high - low).max()), least)
    if side > min(people.height, people.width):
        film = "film from farther away or in landscape"
        fix = film if pad == "auto" else f"add black ({written('pad', 'auto')}), or {film}"
        return f"no square of the frame holds everybody, so {fix}"
    size = np.array([people.width, people.height])
    start = np.clip((low + high) / 2 - side / 2, 0, size - side)
    unit = min(people.height, people.width) / REFERENCE_SIZE
    left, top = (math.floor(value / unit) for value in start)
    right, bottom = (math.floor(value / unit) for value in size - start - side)
    crops = {"left": left, "right": right, "top": top, "bottom": bottom}
    named = ", ".join(written(f"crop_{name}", value) for name, value in crops.items() if value)
    return f"{named} holds everybody"
