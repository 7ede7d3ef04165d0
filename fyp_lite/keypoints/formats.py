"""Keypoints as other programs write them: JSON of OpenPose, DWPose, ComfyUI and MMPose.

Read are one file per frame in a folder (`*_keypoints.json`), one file with one frame, and one file
with a list of frames. `people[].pose_keypoints_2d` holds 18 or 25 points (x, y, confidence), in
pixels or, where no value is above 2, as shares 0 to 1 of `canvas_width` and `canvas_height`; zeros
stand for what is missing. MMPose's `instances` and COCO's results hold 17 points or more, of which
the first 17 are COCO's. Written are OpenPose's 18 points, whose neck is the midpoint of the
shoulders.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from fyp_lite.clip import MAX_FRAMES
from fyp_lite.files.writing import ClipError, written_whole
from fyp_lite.keypoints.tracking import follow_people
from fyp_lite.skeleton import JOINTS

MAX_BYTES = 128 * 2**20  # of a file, and of all files of a folder together
MAX_PEOPLE = 16
FPS = 24.0  # of a file that names no rate
SIDE = 512  # of a frame whose joints are shares of an unknown size
SHARE = 2.0  # a joint that is nowhere above is given as shares of the frame
FAR = 1e6  # pixels

# Our joint's number among OpenPose's: nose, eyes, ears, shoulders, ... each left, then right. Its
# number 1, the neck, is no COCO joint.
FROM_OPENPOSE = (0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10)
FROM_BODY_25 = (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11)
_ORDERS = {18 * 3: FROM_OPENPOSE, 25 * 3: FROM_BODY_25}
_MORE = ("face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")


@dataclass
class Poses:
    """What a file of another program holds.

    keypoints: `[f, people, 17, 3]` float32, pixels, the same person at the same index.
    height, width: of a frame, pixels. program: that writes so. notes: a sentence for each thing
    that the file does not hold, or that is left out.
    """

    keypoints: np.ndarray
    height: int
    width: int
    program: str
    notes: list[str] = field(default_factory=list)


class _Frame(NamedTuple):
    """People `[17, 3]` as they were written, the frame's (height, width), what else is there."""

    people: list[np.ndarray]
    size: tuple[int, int] | None
    more: bool


# ---------------------------------------------------------------------------- reading


def read_json(path: Path, most: int = MAX_BYTES) -> Any:
    """The content of a JSON file. Raises ClipError where it is too large or cannot be read."""
    try:
        if (size := path.stat().st_size) > most:
            raise ClipError(
                f"{path.name} has {size} bytes, more than the {most} of the longest keypoint file: "
                "name another file."
            )
        return json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_no_constant)
    except ClipError:
        raise
    except (ValueError, RecursionError, OSError) as error:
        reason = str(error) if len(str(error)) <= 60 else str(error)[:57] + "..."
        raise ClipError(
            f"{path.name} is not JSON that can be read ({reason}): name a keypoint file that "
            "`fyp-lite skeleton`, KeypointClip.save or OpenPose wrote."
        ) from None


def read_folder(folder: Path) -> list[Any]:
    """The frames of a folder of `*_keypoints.json` in the order of the numbers in their names.

    Numbers that are missing in an even row are frames without anybody. Raises ClipError where the
    folder holds none, or frames of several clips.
    """
    paths = sorted(folder.glob("*_keypoints.json")) or sorted(folder.glob("*.json"))
    if not paths:
        raise ClipError(
            f"{folder} is a folder without *_keypoints.json: name a video, a keypoint file, or a "
            "folder of such files as OpenPose writes it."
        )
    if len(paths) > MAX_FRAMES:
        raise ClipError(
            f"{folder.name} holds {len(paths)} files, but 1 to {MAX_FRAMES} frames are read."
        )
    named = [re.fullmatch(r"(.*?)(\d*)(?:_keypoints)?", path.stem) for path in paths]
    parts = [match.groups() for match in named if match]  # every name matches
    if len(clips := sorted({name for name, _ in parts})) > 1:
        shown = " and ".join(f"{name[:40]!r}" for name in clips[:2])
        raise ClipError(
            f"{folder.name} holds frames of {len(clips)} clips ({shown}): give each its folder."
        )
    numbers = [int(number[-15:] or 0) for _, number in parts]
    first, step = min(numbers), math.gcd(*np.diff(sorted(numbers)).tolist()) or 1
    count = (max(numbers) - first) // step + 1
    if len(set(numbers)) < len(paths) or count > MAX_FRAMES:
        raise ClipError(
            f"the files of {folder.name} are numbered {first} to {max(numbers)}, which are no "
            f"{MAX_FRAMES} frames or fewer with a number each: number them 0, 1, 2."
        )
    frames: list[Any] = [{"people": []} for _ in range(count)]
    left = MAX_BYTES
    for path, number in zip(paths, numbers, strict=True):
        content = read_json(path, left)
        if not (isinstance(content, dict) and "people" in content):
            raise ClipError(f"{path.name} in {folder.name} has no people as OpenPose writes them.")
        frames[(number - first) // step] = content
        left -= path.stat().st_size
    return frames


def parse_poses(content: Any, fps: float = FPS) -> Poses | None:
    """The people of another program's JSON; None where no program known here writes so.

    Args:
        content: a file's, or a list of the contents of a folder's files.
        fps: frames a second, which people are followed by.

    Raises ClipError for values that cannot be joints of a clip.
    """
    found = _layout(content)
    if found is None:
        return None
    program, frames = found
    if not 0 < len(frames) <= MAX_FRAMES:
        raise ClipError(f"it holds {len(frames)} frames, but 1 to {MAX_FRAMES} are read.")
    sizes = {frame.size for frame in frames if frame.size}
    if len(sizes) > 1:
        raise ClipError(f"its frames have {len(sizes)} sizes, but those of a clip have one.")
    notes = []
    most = max(len(frame.people) for frame in frames)
    detected = np.zeros((len(frames), min(most, MAX_PEOPLE), 17, 3))
    for row, frame in zip(detected, frames, strict=True):
        people = sorted(frame.people, key=lambda person: -person[:, 2].sum())[:MAX_PEOPLE]
        for into, person in zip(row, people, strict=False):
            into[:] = person
    if most > MAX_PEOPLE:
        notes.append(f"It shows {most} people at once; the {MAX_PEOPLE} surest are kept.")
    if any(frame.more for frame in frames):
        notes.append("Its hands, face and feet are left out, as COCO's 17 joints have none.")
    height, width = _scale(detected, next(iter(sizes), None), notes)
    keypoints = follow_people(detected, fps, max_people=MAX_PEOPLE)
    lost = (detected[..., 2].any(axis=-1)).sum() - (keypoints[..., 2].any(axis=-1)).sum()
    if lost:
        notes.append(
            f"{lost} of its poses belong to nobody who is seen for long, and are left out."
        )
    return Poses(keypoints, height, width, program, notes)


def _scale(detected: np.ndarray, size: tuple[int, int] | None, notes: list[str]) -> tuple[int, int]:
    """Bring joints given as shares to pixels, in place; (height, width) of a frame."""
    seen = detected[..., 2] > 0
    places = detected[seen][:, :2]
    shares = len(places) > 0 and np.abs(places).max() <= SHARE
    if size is None:
        if shares or not len(places):
            size = SIDE, SIDE
        else:  # as much room beyond the last joint as before the first
            low, high = np.maximum(places.min(axis=0), 0), np.maximum(places.max(axis=0), 1)
            size = math.ceil(high[1] + low[1]), math.ceil(high[0] + low[0])
        notes.append(
            f"It names no frame size (canvas_width, canvas_height): {size[1]} x {size[0]} pixels "
            "are taken."
        )
    if shares:
        detected[seen, :2] *= size[::-1]
    return size


def _layout(content: Any) -> tuple[str, list[_Frame]] | None:
    """(program, frames) of JSON in a layout that is known here."""
    if isinstance(content, dict):
        if "people" in content:
            return "openpose", [_openpose_frame(content)]
        if isinstance(content.get("instance_info"), list):
            content = content["instance_info"]
        else:
            return None
    if not isinstance(content, list) or not content:
        return None
    if not all(isinstance(item, dict) for item in content):
        return None
    for key, program, frames in _LISTS:
        if all(key in item for item in content):
            return program, frames(content)
    return None


def _openpose_frame(frame: dict[str, Any]) -> _Frame:
    people, more = [], False
    written = frame["people"] if frame["people"] is not None else []
    if not isinstance(written, list) or not all(isinstance(person, dict) for person in written):
        raise ClipError("its people are not a list with an entry per person.")
    for person in written:
        points = person.get("pose_keypoints_2d")
        more |= any(np.any(_numbers(person.get(name) or [])) for name in _MORE)
        if not points:
            continue
        flat = _numbers(points)
        if flat.shape not in {(count,) for count in _ORDERS}:
            raise ClipError(
                f"a pose_keypoints_2d has {flat.size} numbers, but 54 or 75 are read: x, y and "
                "confidence of 18 or 25 joints."
            )
        joints = flat.reshape(-1, 3)
        more |= bool(joints[19:].any())
        people.append(_known(joints[list(_ORDERS[flat.size])]))
    return _Frame(_seen(people), _canvas(frame), more)


def _openpose_frames(content: list[dict[str, Any]]) -> list[_Frame]:
    return [_openpose_frame(frame) for frame in content]


def _mmpose_frames(content: list[dict[str, Any]]) -> list[_Frame]:
    """MMPose's predictions of a video: frames with `instances`."""
    if not all(isinstance(frame["instances"], list) for frame in content):
        raise ClipError("its instances are not a list with an entry per person.")
    return [_mmpose_frame(frame["instances"]) for frame in content]


def _mmpose_frame(instances: list[Any]) -> _Frame:
    """MMPose's predictions of a picture: `keypoints` [[x, y]] and `keypoint_scores`."""
    people, more = [], False
    for person in instances:
        if not isinstance(person, dict):
            raise ClipError("one of its instances is no person with keypoints.")
        places, scores = (_numbers(person.get(k) or []) for k in ("keypoints", "keypoint_scores"))
        if places.ndim != 2 or len(places) < 17 or places.shape[1] != 2 or scores.ndim != 1:
            raise ClipError("a person has no 17 [x, y] with as many keypoint_scores.")
        if len(scores) != len(places):
            raise ClipError(f"a person has {len(places)} joints but {len(scores)} scores.")
        more |= len(places) > 17
        people.append(_known(np.column_stack([places, scores])[:17]))
    return _Frame(_seen(people), None, more)


def _coco_frames(content: list[dict[str, Any]]) -> list[_Frame]:
    """COCO's results: people with `image_id` and 17 (x, y, confidence) in `keypoints`."""
    images: dict[int, list[np.ndarray]] = {}
    for person in content:
        number, flat = person["image_id"], _numbers(person.get("keypoints") or [])
        if not isinstance(number, int) or flat.ndim != 1 or flat.size < 51 or flat.size % 3:
            raise ClipError("a person has no whole number as image_id, or no 51 keypoints.")
        images.setdefault(number, []).append(_known(flat.reshape(-1, 3)[:17]))
    return [_Frame(_seen(images[number]), None, False) for number in sorted(images)]


_LISTS: tuple[tuple[str, str, Callable[[list[dict[str, Any]]], list[_Frame]]], ...] = (
    ("people", "openpose", _openpose_frames),
    ("instances", "mmpose", _mmpose_frames),
    ("image_id", "coco", _coco_frames),
    ("keypoint_scores", "mmpose", lambda people: [_mmpose_frame(people)]),
)


def _numbers(values: Any) -> np.ndarray:
    """A list of numbers, or of rows of them, as float64."""
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        array = np.array(None)
    if array.dtype.kind not in "fiu" or not (np.abs(array) <= FAR).all():
        raise ClipError(f"the joints of a person are not all numbers of at most {FAR:g} pixels.")
    return array.astype(np.float64)


def _known(joints: np.ndarray) -> np.ndarray:
    """Joints `[17, 3]` with zeros where they are missing. Some scores are above 1: as sure as can
    be."""
    known = joints.copy()
    known[(joints[:, 2] <= 0) | ~joints[:, :2].any(axis=1)] = 0
    known[:, 2] = known[:, 2].clip(0, 1)
    return known


def _seen(people: list[np.ndarray]) -> list[np.ndarray]:
    return [person for person in people if person.any()]


def _canvas(frame: dict[str, Any]) -> tuple[int, int] | None:
    sides: list[Any] = [frame.get("canvas_height"), frame.get("canvas_width")]
    if sides == [None, None]:
        return None
    for side in sides:
        whole = isinstance(side, int | float) and not isinstance(side, bool)
        if not whole or not 1 <= side <= FAR or side != int(side):
            raise ClipError("its canvas_width and canvas_height are no whole numbers from 1.")
    return int(sides[0]), int(sides[1])


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


# ---------------------------------------------------------------------------- writing


def to_openpose(keypoints: np.ndarray) -> np.ndarray:
    """`[..., 17, 3]` COCO to `[..., 18, 3]` OpenPose; the neck is the midpoint of the shoulders and
    as sure as the less sure of them."""
    joints = np.zeros((*keypoints.shape[:-2], 18, 3), np.float64)
    joints[..., list(FROM_OPENPOSE), :] = keypoints
    left, right = (keypoints[..., JOINTS.index(f"{s}_shoulder"), :] for s in ("left", "right"))
    joints[..., 1, :2] = (left[..., :2] + right[..., :2]) / 2
    joints[..., 1, 2] = np.minimum(left[..., 2], right[..., 2])
    return np.where(joints[..., 2:] > 0, joints, 0)


def check_openpose_path(path: Path) -> None:
    """Refuse a place where `write_openpose` could not write. Raises ClipError."""
    if path.suffix.lower() == ".json":
        if path.is_dir():
            raise ClipError(f"{path} is a folder: name a file in it, such as poses.json.")
    elif path.suffix:
        raise ClipError(
            f"{path.name} ends in {path.suffix!r}, but OpenPose's keypoints are written as one "
            ".json, or with no suffix as a folder of a file per frame: rename it."
        )
    elif path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise ClipError(f"{path} is there already and not an empty folder: give a new name.")


def write_openpose(
    path: str | os.PathLike[str], keypoints: np.ndarray, height: int, width: int
) -> None:
    """Write OpenPose's 18 points in pixels: a .json with the list of frames, as ComfyUI's nodes
    read and write it, or with no suffix a folder with a file per frame, as OpenPose does.

    Args:
        path: of the file or the new folder.
        keypoints: `[f, people, 17, 3]` (x, y, confidence) in pixels.
        height, width: of a frame, pixels.

    Raises ClipError as `check_openpose_path` does, and where it cannot be written.
    """
    path = Path(path)
    check_openpose_path(path)
    frames = [_frame_fields(people, height, width) for people in to_openpose(keypoints).round(3)]
    with written_whole(path) as part:
        if path.suffix:
            part.write_text(json.dumps(frames, separators=(",", ":")) + "\n", encoding="utf-8")
            return
        part.mkdir()
        for number, frame in enumerate(frames):
            name = f"{path.name}_{number:012d}_keypoints.json"
            (part / name).write_text(json.dumps({"version": 1.3} | frame), encoding="utf-8")
        if path.is_dir():
            path.rmdir()  # an empty one; a folder takes no other's place everywhere


def _frame_fields(people: np.ndarray, height: int, width: int) -> dict[str, Any]:
    empty: dict[str, Any] = {name: [] for name in _MORE}
    shown = [
        {"person_id": [-1], "pose_keypoints_2d": person.reshape(-1).tolist()} | empty
        for person in people
        if person[:, 2].any()
    ]
    return {"people": shown, "canvas_width": int(width), "canvas_height": int(height)}
