"""Doctor for skeleton videos: says what is wrong with a clip, and repairs it on request.

`diagnose` lists findings in the order in which they are to be repaired: each is found in the frames
as the repairs before it leave them. A clean skeleton clip has none.

    findings = diagnose(frames, fps)
    frames = apply_repairs(frames, findings)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import numpy as np

from fyp_lite.files.decoding import check_frames
from fyp_lite.keypoints.diagnose.colours import check_background, check_palette, check_sides
from fyp_lite.keypoints.diagnose.finding import SAMPLE, Finding, Look
from fyp_lite.keypoints.diagnose.lines import check_edges, check_lines, check_size
from fyp_lite.keypoints.diagnose.timing import check_timing
from fyp_lite.lazy_frames import AnyFrames, Frames

__all__ = ["Finding", "apply_repairs", "diagnose", "mends_of"]

# The lines must be right before anything else about them can be told.
FIRST = {"empty", "raw", "background", "colours", "swapped"}
COLOUR_CHECKS = (check_background, check_palette, check_sides)
CHECKS = (
    *COLOUR_CHECKS,
    *(check_lines, check_size, check_edges, check_timing),
)


def diagnose(frames: Frames, fps: float) -> list[Finding]:
    """What keeps a clip from being a good skeleton video; empty where nothing does.

    Args:
        frames: `[f, h, w, 3]` uint8 RGB, an array or lazy (`Clip.frames`): read one at a time.
        fps: frames a second.

    Raises:
        ClipError: frames of another kind.
    """
    return _findings(frames, fps, CHECKS)


def mends_of(frames: Frames, fps: float) -> list[Finding]:
    """What keeps frames from being a skeleton in our palette on black, from up to 16 of them; the
    first finding without a repair is the last one."""
    numbers = np.linspace(0, len(frames) - 1, min(SAMPLE, len(frames))).round().astype(int)
    return _findings(frames[np.unique(numbers)], fps, COLOUR_CHECKS)


def _findings(
    frames: Frames, fps: float, checks: Iterable[Callable[[Look], Finding | None]]
) -> list[Finding]:
    check_frames(frames)
    findings, look = [], Look(frames, fps)
    for check in checks:
        finding = check(look)
        if finding is not None:
            findings.append(finding)
            if finding.name in FIRST:
                if finding.repair is None:
                    break
                look = Look(finding.repair(look.frames), fps)
    return findings


def apply_repairs(frames: AnyFrames, findings: Iterable[Finding]) -> AnyFrames:
    """The frames after every repair that the findings offer, one after the other."""
    for finding in findings:
        if finding.repair is not None:
            frames = cast(AnyFrames, finding.repair(frames))  # lazy ones stay lazy
    return frames
