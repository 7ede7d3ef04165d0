"""Whatever can lead a motion, opened as a clip of skeleton frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from fyp_lite.clip import MAX_FRAMES, MAX_PIXELS, Clip, open_video
from fyp_lite.cropping import PreparedClip
from fyp_lite.files.writing import ClipError, file_path
from fyp_lite.folders import data_dir
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
from fyp_lite.keypoints.detectors.base import Backend
from fyp_lite.keypoints.diagnose import Finding, apply_repairs, mends_of
from fyp_lite.keypoints.extract import extract_keypoints
from fyp_lite.settings import REFERENCE_SIZE, ClipSettings
from fyp_lite.skeleton import BLACK_LEVEL, DRAWN_LEVEL, MIN_BLACK

LOOKS = 8  # frames that are looked at to tell raw from skeleton video
OTHER_DRAWINGS = {"background", "colours", "swapped"}  # findings that a redrawing mends
MIN_SATURATION = 0.5  # of the lines of a skeleton video, in any palette


def find_clip(name: str) -> str:
    """The file `name`, or where there is none the bundled clip of that name: dance, dance.mp4.

    Raises ClipError for a plain word that is neither, and for a bundled clip's name with another
    suffix, such as dance.gif.
    """
    if not name or Path(name).name != name or os.path.exists(name):
        return name
    clips = data_dir() / "clips"
    for bundled in (clips / name, clips / f"{name}.mp4"):
        if os.path.isfile(bundled):
            return str(bundled)
    if name.isidentifier() or os.path.isfile(clips / Path(name).with_suffix(".mp4")):
        names = ", ".join(sorted(path.stem for path in clips.glob("*.mp4")))
        raise ClipError(f"{name} is neither a file nor a bundled clip: those are {names}.")
    return name


def open_clip(
    source: str | os.PathLike[str] | KeypointClip,
    *,
    max_pixels: int = MAX_PIXELS,
    max_frames: int = MAX_FRAMES,
) -> Clip:
    """Open a video file, keypoints or a keypoint file as a clip.

    Keypoints are opened as the skeleton video that they draw. A keypoint file is a .json, or a
    folder of `*_keypoints.json`; see `KeypointClip.load`.

    Raises ClipError as `open_video` and `KeypointClip.load` do.
    """
    if isinstance(source, KeypointClip):
        return source.open()
    path = file_path(source)
    if path.suffix.lower() == ".json" or path.is_dir():
        return KeypointClip.load(path).open(path)
    return open_video(path, max_pixels=max_pixels, max_frames=max_frames)


def prepare_clip(
    source: Clip | str | os.PathLike[str] | KeypointClip, settings: ClipSettings, size: int
) -> PreparedClip:
    """Choose, crop and resize: from a file, an open clip or keypoints to a model's input size.

    Raises ClipError as `open_clip` and `Clip.prepare` do.
    """
    if isinstance(source, Clip):
        return source.prepare(settings, size)
    with open_clip(source) as opened:
        return opened.prepare(settings, size)


def find_input_type(clip: Clip, asked: str = "auto") -> str:
    """Whether a clip shows people (“raw”) or limbs on black (“skeleton”, in whatever colours).

    Args:
        clip: an open clip.
        asked: “raw” or “skeleton” are taken at their word; “auto” looks at some frames.

    Raises KeypointsError for any other word.
    """
    if asked in ("raw", "skeleton"):
        return asked
    if asked != "auto":
        raise KeypointsError(f"The input type is {asked!r}, but it must be auto, raw or skeleton.")
    count = min(LOOKS, clip.num_frames)
    step = max(1, min(clip.height, clip.width) // REFERENCE_SIZE)  # large frames, one at a time
    numbers = np.linspace(0, clip.num_frames - 1, count).round().astype(int)
    frames = np.concatenate([clip.read([number])[:, ::step, ::step] for number in numbers])
    brightest = frames.max(axis=-1)
    if (brightest < BLACK_LEVEL).mean() < MIN_BLACK:
        findings = mends_of(frames, clip.fps)  # lines on another flat colour, as on white paper?
        return "skeleton" if findings and findings[0].name == "background" else "raw"
    lines = frames[brightest > DRAWN_LEVEL].astype(np.float32)
    if not len(lines):
        return "skeleton"
    saturation = 1 - lines.min(axis=-1) / lines.max(axis=-1)  # people in the dark are pale
    return "skeleton" if np.median(saturation) >= MIN_SATURATION else "raw"


def drawn_otherwise(clip: Clip) -> list[Finding]:
    """What is not as our palette on black has it, in a clip of skeletons; empty where all is.

    Only the last finding may be one that no drawing again can mend (`mends_of`).
    """
    if clip.keypoints is not None:
        return []
    return [f for f in mends_of(clip.frames, clip.fps) if f.name in OTHER_DRAWINGS]


def refusal(clip: Clip, findings: list[Finding], redraw: str) -> str:
    """Why a clip with findings of `drawn_otherwise` is not used, and what to do.

    redraw: how to have it drawn again; where that is impossible, the finding's own advice is given.
    """
    said = " ".join(finding.sentence for finding in findings)
    return f"{clip.path.name}: {said} {redraw if findings[-1].repair else findings[-1].fix}"


def skeleton_to_use(clip: Clip, *, redraw: bool = False) -> Clip:
    """A clip of skeletons, once it is seen that they are drawn in our palette on black.

    Args:
        clip: an open skeleton clip, or keypoints.
        redraw: drawings in other colours or on another background are drawn again.

    Returns:
        `clip` itself, or one under the same path whose frames are drawn again when they are read.

    Raises KeypointsError that names what is drawn and how to have it drawn again.
    """
    findings = drawn_otherwise(clip)
    if not findings:
        return clip
    if not redraw or findings[-1].repair is None:
        fix = (
            "To have it drawn again for the model, give --redraw on the command line or "
            "redraw=True in Python."
        )
        raise KeypointsError(refusal(clip, findings, fix))
    return _RedrawnClip(clip, findings)


class _Redrawing:
    """A decoder of a clip's frames after repairs, each made when it is asked for."""

    def __init__(self, clip: Clip, findings: list[Finding]) -> None:
        self._clip, self._frames = clip, apply_repairs(clip.frames, findings)
        self.num_frames, self.fps = clip.num_frames, clip.fps

    def decode(self, first: int, last: int) -> Iterator[np.ndarray]:
        for number in range(first, last + 1):
            yield self._frames[number]

    def close(self) -> None:
        self._clip.rest()


class _RedrawnClip(Clip):
    def __init__(self, clip: Clip, findings: list[Finding]) -> None:
        super().__init__(clip.path, _Redrawing(clip, findings), clip.num_frames, clip.fps)


def open_skeleton(
    source: str | os.PathLike[str] | KeypointClip,
    *,
    input_type: str = "auto",
    backend: str | Backend = "auto",
    max_people: int = 3,
    redraw: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Clip:
    """Open anything that can lead a motion as a clip of skeleton frames.

    Keypoints and a skeleton video in our palette are opened as they are, others drawn again where
    `redraw` says so and refused otherwise (`skeleton_to_use`); the people of a raw video are found
    first. The clip's path stays that of `source`.

    Args:
        source: a skeleton video, a raw video, keypoints or a keypoint file.
        input_type: “raw”, “skeleton”, or “auto” to look at the frames.
        backend, max_people, on_progress, should_stop: as in `extract_keypoints`.

    Raises ClipError as `open_clip` and `extract_keypoints` do.
    """
    clip = open_clip(source)
    path = clip.path
    if clip.keypoints is not None:
        return clip
    try:
        if find_input_type(clip, input_type) == "skeleton":
            return skeleton_to_use(clip, redraw=redraw)
        found = extract_keypoints(
            clip,
            backend=backend,
            max_people=max_people,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    except BaseException:
        clip.close()
        raise
    clip.close()
    return found.open(path)
