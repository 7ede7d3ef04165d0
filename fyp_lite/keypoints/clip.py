"""Keypoints of a clip, in memory and as a file that stands wherever a skeleton video does.

A keypoint file is a JSON object, version 1, with exactly these fields:

    format        "fyp_lite keypoints"
    version       1
    source        name of the video that was read, without its folder; may be ""
    backend       what found the joints, such as "mediapipe"; may be ""
    fps           frames a second, above 0 and at most 1000
    height, width of a frame in pixels
    joints        the 17 names of `skeleton.JOINTS`, in that order
    frames        one list per frame, with an entry per person, the same person at the same place
                  in every frame: null where the person is missing, or 17 [x, y, confidence]

x and y are pixels of the frame, counted from its top left corner, so the first pixel's centre is at
(0.5, 0.5). Confidence is 0 (missing) to 1. Numbers are rounded to thousandths.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fyp_lite.clip import MAX_FRAMES, MAX_PIXELS, Clip
from fyp_lite.cropping import CropBox, cuts_joints
from fyp_lite.files.writing import ClipError, check_room_in_name, file_path, written_whole
from fyp_lite.keypoints import formats
from fyp_lite.keypoints.formats import MAX_PEOPLE
from fyp_lite.keypoints.rainbow import draw_openpose
from fyp_lite.skeleton import JOINTS, draw_skeletons
from fyp_lite.video import write_long_video

FORMAT, VERSION = "fyp_lite keypoints", 1
MAX_FPS = 1000
MAX_NAME = 255  # letters of `source` and `backend`
PALETTES = {"fyp_lite": draw_skeletons, "openpose": draw_openpose}
FAR = 10  # joints lie within this many times the frame's longer side


class KeypointsError(ClipError):
    """Keypoints, or a video to find them in, that cannot be used: one sentence with the fix."""


@dataclass(frozen=True, eq=False)
class KeypointClip:
    """The joints of everyone in a clip; checked when it is made.

    keypoints: `[f, people, 17, 3]` float32 (x, y, confidence) in pixels of the source, COCO-17
        order; a person keeps its index through the clip; confidence 0 = missing.
    fps: frames a second. height, width: of a frame, pixels.
    backend: what found the joints. source: the video's file name, without its folder.
    notes: what another program's file did not hold or what was left out of it, a sentence each.

    Raises KeypointsError for a wrong shape or kind, and for a value out of its range.
    """

    keypoints: np.ndarray
    fps: float
    height: int
    width: int
    backend: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_text("backend", self.backend)
        _check_text("source", self.source)
        _check_number("fps", self.fps, MAX_FPS)
        for name in ("height", "width"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise KeypointsError(
                    f"{name} is {_short(value)}, but it must be a whole number of pixels from 1."
                )
        if self.height * self.width > MAX_PIXELS:
            raise KeypointsError(
                f"a frame of {self.width} x {self.height} pixels is larger than the {MAX_PIXELS} "
                "that are allowed: use a smaller video."
            )
        checked = _check_keypoints(self.keypoints, FAR * max(self.height, self.width))
        object.__setattr__(self, "keypoints", checked)  # the way into a frozen dataclass

    @property
    def num_frames(self) -> int:
        return len(self.keypoints)

    @property
    def num_people(self) -> int:
        return self.keypoints.shape[1]

    def open(self, path: Path | None = None) -> Clip:
        """Read it like a skeleton video: frames are drawn when they are asked for.

        `path` is what the clip is known by afterwards: the raw video or the keypoint file that it
        came from; without it, the source's name.
        """
        clip = _DrawnClip(self, path or Path(self.source or "keypoints"))
        if path is not None and path.suffix.lower() != ".json" and not path.is_dir():
            clip.detector = self.backend or None
        return clip

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a keypoint file (see the module), whole or not at all.

        Raises KeypointsError for a name that does not end in .json and for a missing folder.
        """
        path = file_path(path)
        check_keypoints_path(path)
        if not path.parent.is_dir():
            raise KeypointsError(f"there is no folder {path.parent} to write in: create it.")
        numbers = self.keypoints.astype(np.float64).round(3).tolist()
        fields = {
            "format": FORMAT,
            "version": VERSION,
            "source": self.source,
            "backend": self.backend,
            "fps": float(self.fps),
            "height": int(self.height),
            "width": int(self.width),
            "joints": JOINTS,
            "frames": [[p if any(j[2] for j in p) else None for p in frame] for frame in numbers],
        }
        with written_whole(path) as part:
            part.write_text(json.dumps(fields, separators=(",", ":")) + "\n", encoding="utf-8")

    def save_openpose(self, path: str | os.PathLike[str]) -> str:
        """Write OpenPose's JSON (18 joints, see `formats.write_openpose`): one .json with a list of
        frames, or with no suffix a folder with a file per frame.

        Returns a sentence on what that format cannot hold. Raises KeypointsError for a name or a
        folder that cannot be written.
        """
        path = file_path(path)
        if not path.absolute().parent.is_dir():
            raise KeypointsError(f"there is no folder {path.parent} to write in: create it.")
        try:
            formats.write_openpose(path, self.keypoints, self.height, self.width)
        except ClipError as error:
            raise KeypointsError(str(error)) from None
        who = " and not who is who from frame to frame" if self.num_people > 1 else ""
        return (
            f"OpenPose's JSON keeps no frame rate{who}: where you use it, set {self.fps:g} frames "
            "a second."
        )

    def save_video(self, path: str | os.PathLike[str], *, palette: str = "fyp_lite") -> None:
        """Draw it as a skeleton video (.mp4) of the source's size and rate, a frame at a time.

        palette: “fyp_lite”, or “openpose” for tools that expect its eighteen colours with dots.

        Odd sides get one more black pixel, as an mp4 needs. Raises KeypointsError for another
        palette, and ClipError as `video.write_long_video` does.
        """
        if palette not in PALETTES:
            raise KeypointsError(
                f"The palette is {_short(palette)}, but it must be {' or '.join(PALETTES)}."
            )
        odd = ((0, self.height % 2), (0, self.width % 2), (0, 0))
        draw = PALETTES[palette]
        people = (frame[None] for frame in self.keypoints)
        frames = (np.pad(draw(each, self.height, self.width)[0], odd) for each in people)
        write_long_video(path, frames, self.fps)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, fps: float | None = None) -> KeypointClip:
        """Read a keypoint file, or one or a folder of another program's (see `formats`).

        Args:
            path: a .json, or a folder of `*_keypoints.json`.
            fps: frames a second of a file that names none, which others than ours do not; None for
                24, with a note.

        Raises KeypointsError, naming the file, for any other, and for a rate beside a file of ours.
        """
        path = file_path(path)
        if not path.exists():
            raise KeypointsError(f"there is no keypoint file {path}: check the name.")
        try:
            fields = formats.read_folder(path) if path.is_dir() else formats.read_json(path)
        except ClipError as error:
            raise KeypointsError(str(error)) from None
        try:
            if fps is not None:
                _check_number("fps", fps, MAX_FPS)
            poses = formats.parse_poses(fields, formats.FPS if fps is None else fps)
            if poses is not None:
                return cls._of_others(poses, fps, printable_name(path))
            if fps is not None:
                raise KeypointsError("it names its own frame rate: leave fps out.")
            return cls(**_parsed(fields))
        except ClipError as error:
            raise KeypointsError(f"{path.name} is no keypoint file: {error}") from None

    @classmethod
    def _of_others(cls, poses: formats.Poses, fps: float | None, source: str) -> KeypointClip:
        notes = [*poses.notes]
        if fps is None:
            notes.append(
                f"It names no frame rate: {formats.FPS:g} a second are taken; `fyp-lite skeleton "
                "--fps N` or KeypointClip.load(fps=N) sets another."
            )
        size = poses.height, poses.width
        rate = fps or formats.FPS
        return cls(poses.keypoints, rate, *size, poses.program, source, tuple(notes))


def printable_name(path: Path) -> str:
    """A file's name as `KeypointClip.source` takes it: what a terminal could act on is left out."""
    kept = "".join(letter for letter in path.name if letter.isprintable() and letter != "\\")
    return kept[:MAX_NAME]


def check_keypoints_path(path: Path) -> None:
    """Refuse a name that `KeypointClip.save` could not write."""
    if path.is_dir():
        raise KeypointsError(f"{path} is a folder: name a file in it, such as keypoints.json.")
    check_room_in_name(path)
    if path.suffix.lower() != ".json":
        raise KeypointsError(
            f"{path.name} ends in {path.suffix or 'no suffix'!r}, but keypoints are written as "
            ".json: rename it."
        )


class _Drawing:
    """A decoder of frames that do not exist before they are drawn."""

    def __init__(self, keypoint_clip: KeypointClip) -> None:
        self._clip = keypoint_clip
        self.num_frames, self.fps = keypoint_clip.num_frames, keypoint_clip.fps

    def decode(self, first: int, last: int) -> Any:
        for people in self._clip.keypoints[first : last + 1]:
            yield draw_skeletons(people[None], self._clip.height, self._clip.width)[0]

    def close(self) -> None:
        """Nothing is open."""


class _DrawnClip(Clip):
    def __init__(self, keypoint_clip: KeypointClip, path: Path) -> None:
        self.keypoints: np.ndarray = keypoint_clip.keypoints
        self.notes = keypoint_clip.notes
        super().__init__(path, _Drawing(keypoint_clip), keypoint_clip.num_frames, keypoint_clip.fps)

    def cuts(self, numbers: list[int], kept: CropBox, square: CropBox) -> bool:
        """Whether a joint in these frames is inside `kept`, but not inside `square`."""
        return cuts_joints(self.keypoints[numbers], kept, square)

    def crop(
        self, indices: list[int], box: CropBox, size: int, *, small: bool = False
    ) -> np.ndarray:
        """Cropped before they are drawn, so that a close crop does not make the lines thick."""
        self._check(indices)
        keypoints = self.keypoints[indices].copy()
        keypoints[..., :2] -= (box.left, box.top)
        keypoints[..., :2] *= size / (box.right - box.left)
        return draw_skeletons(keypoints, size, size)


# ---------------------------------------------------------------------------- checks


def _parsed(fields: object) -> dict[str, Any]:
    """The arguments of a KeypointClip from a file's content."""
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise KeypointsError(f"its format is not {FORMAT!r}.")
    if fields.get("version") != VERSION:
        raise KeypointsError(
            f"its version is {_short(fields.get('version'))}, but {VERSION} is read here: extract "
            "the keypoints again, or update fyp-lite."
        )
    known = {"format", "version", "source", "backend", "fps", "height", "width", "joints", "frames"}
    if set(fields) != known:
        raise KeypointsError(
            f"it lacks {sorted(known - set(fields))} and has unknown "
            f"{_short(sorted(set(fields) - known))}."
        )
    if fields["joints"] != list(JOINTS):
        raise KeypointsError("its joints are not COCO's 17 in their order.")
    frames = fields["frames"]
    if not isinstance(frames, list) or not all(isinstance(frame, list) for frame in frames):
        raise KeypointsError("its frames are not a list of lists, one per frame.")
    if not 0 < len(frames) <= MAX_FRAMES:
        raise KeypointsError(f"it holds {len(frames)} frames, but 1 to {MAX_FRAMES} are read.")
    absent = [[0.0] * 3] * 17
    frames = [[absent if p is None else p for p in frame] for frame in frames]
    try:
        keypoints = np.array(frames) if any(frames) else np.zeros((len(frames), 0, 17, 3))
    except (ValueError, OverflowError):
        raise KeypointsError(
            "its frames do not all have the same number of people with 17 [x, y, confidence] each."
        ) from None
    names = ("fps", "height", "width", "backend", "source")
    return {"keypoints": keypoints} | {name: fields[name] for name in names}


def _check_keypoints(keypoints: object, far: float) -> np.ndarray:
    array = np.array(keypoints)  # a copy: what others hold may change
    if array.ndim != 4 or array.shape[2:] != (17, 3) or array.dtype.kind not in "fiu":
        raise KeypointsError(
            f"keypoints are {array.dtype} {list(array.shape)}, but must be numbers "
            "[frames, people, 17, 3]: (x, y, confidence) in COCO-17 order."
        )
    frames, people = array.shape[:2]
    if not 0 < frames <= MAX_FRAMES or people > MAX_PEOPLE:
        raise KeypointsError(
            f"{frames} frames with {people} people are given, but 1 to {MAX_FRAMES} frames with at "
            f"most {MAX_PEOPLE} people are allowed: cut the clip or name fewer people."
        )
    place, sure = array[..., :2], array[..., 2]
    if not (np.abs(place) <= far).all():  # also for NaN
        frame = int(np.argwhere(~(np.abs(place) <= far))[0][0])
        raise KeypointsError(
            f"a joint of frame {frame} is no finite place within {far:g} pixels: correct it, or "
            "give it confidence 0 and the place 0, 0."
        )
    if not ((sure >= 0) & (sure <= 1)).all():
        frame = int(np.argwhere(~((sure >= 0) & (sure <= 1)))[0][0])
        raise KeypointsError(f"a confidence of frame {frame} is not from 0 to 1: correct it.")
    return array.astype(np.float32)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or len(value) > MAX_NAME or not value.isprintable():
        raise KeypointsError(
            f"{name} is {_short(value)}, but it must be text of at most {MAX_NAME} letters."
        )
    if set(value) & set("/\\"):
        raise KeypointsError(f"{name} is {_short(value)}, but it must be a name without a folder.")


def _check_number(name: str, value: object, most: float) -> None:
    number = isinstance(value, float | int | np.floating | np.integer)
    if not number or isinstance(value, bool) or not 0 < value <= most:  # type: ignore[operator]
        raise KeypointsError(
            f"{name} is {_short(value)}, but it must be a number above 0 and at most {most:g}."
        )


def _short(value: object) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
