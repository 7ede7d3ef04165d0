"""Skeleton videos back to keypoints, whatever palette they are drawn in."""

from __future__ import annotations

import time
from collections.abc import Generator

import numpy as np

from fyp_lite.clip import Clip
from fyp_lite.keypoints import tracking
from fyp_lite.keypoints.clip import MAX_PEOPLE, KeypointClip, KeypointsError, printable_name
from fyp_lite.keypoints.diagnose import mends_of
from fyp_lite.keypoints.diagnose.repaint import read_openpose
from fyp_lite.keypoints.extract import ExtractStep
from fyp_lite.skeleton_reader import read_skeletons


def read_steps(clip: Clip) -> Generator[ExtractStep, None, None]:
    """The keypoints of a clip of skeletons, one frame at a time.

    Yields:
        A step per frame, then one with the result, whose people are followed through the clip.

    Raises KeypointsError where its lines are nobody's, or of one colour or an unknown palette.
    """
    findings = mends_of(clip.frames, clip.fps)
    broken = next((finding for finding in findings if finding.repair is None), None)
    if broken is not None:
        raise KeypointsError(f"{clip.path.name}: {broken.sentence} {broken.fix}")
    openpose = any(finding.name == "colours" for finding in findings)
    read = read_openpose if openpose else read_skeletons
    found: list[np.ndarray] = []
    began, total = time.perf_counter(), clip.num_frames
    for frame in clip.stream():
        picture = frame[None]
        for finding in findings:
            if finding.repair is not None and finding.name != "colours":
                picture = np.asarray(finding.repair(picture))
        found.append(read(picture)[0][:MAX_PEOPLE])
        left = (time.perf_counter() - began) / len(found) * (total - len(found))
        yield ExtractStep(len(found), total, left)
    detected = np.zeros((total, max(map(len, found)), 17, 3), np.float32)
    for row, seen in zip(detected, found, strict=True):
        row[: len(seen)] = seen
    keypoints = tracking.follow_people(detected, clip.fps, max_people=MAX_PEOPLE)
    if not keypoints.shape[1]:
        raise KeypointsError(
            f"{clip.path.name}: no skeleton could be read in its {total} frames: name a video in "
            "which somebody fills at least a third of the frame's height."
        )
    program = "openpose drawing" if openpose else "skeleton video"
    size = clip.height, clip.width
    result = KeypointClip(keypoints, clip.fps, *size, program, printable_name(clip.path))
    shake = tracking.jitter(keypoints)
    yield ExtractStep(total, total, 0.0, result, (shake, shake))


def read_drawings(clip: Clip) -> KeypointClip:
    """`read_steps` in one go."""
    for step in read_steps(clip):
        if step.clip is not None:
            return step.clip
    raise AssertionError("the last step carries the clip")
