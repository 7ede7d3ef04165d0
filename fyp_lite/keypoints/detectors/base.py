"""What finds people in raw video: one small interface, and the three detectors behind it.

`mediapipe` (BlazePose) and `openpose` read people in real video, `cartoon` reads characters of the
animated world that this kit renders. None of them downloads anything by itself: what is missing is
said at once, with the command that brings it.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral
from pathlib import Path
from typing import Protocol

import numpy as np

from fyp_lite.keypoints.clip import MAX_PEOPLE, KeypointsError
from fyp_lite.skeleton import MIN_CONFIDENCE

BACKENDS = ("mediapipe", "openpose", "cartoon")
# "cartoon" is no substitute: in a photograph it sees nobody, or somebody who is not there.
AUTOMATIC = ("mediapipe", "openpose")


class Backend(Protocol):
    """A detector for one clip: made anew for each, and free to remember the frames before."""

    name: str

    def detect(self, frame: np.ndarray) -> np.ndarray:
        """Find people in the clip's next frame.

        Args:
            frame: `[h, w, 3]` uint8 RGB.

        Returns:
            `[people, 17, 3]` float32 (x, y, confidence in 0...1) in COCO-17 order and the frame's
            pixels, in any order of people; `[0, 17, 3]` where nobody is found. A joint that is
            not seen is all zeros.
        """
        ...

    def close(self) -> None:
        """Let go of the networks; `detect` cannot be called again."""
        ...


@dataclass(frozen=True)
class BackendReport:
    """Whether a backend can be used here. note: one sentence on what it is and its licence, or on
    what is missing and how to get it."""

    name: str
    ready: bool
    note: str


def available_backends() -> list[BackendReport]:
    """All backends, in the order in which "auto" prefers them; fast, as no network is loaded."""
    return [report_of(name) for name in BACKENDS]


def report_of(name: str) -> BackendReport:
    """Whether one of `BACKENDS` can be used here."""
    from fyp_lite.keypoints.detectors import cartoon, mediapipe, openpose

    modules = {"mediapipe": mediapipe, "openpose": openpose, "cartoon": cartoon}
    ready, note = modules[name].report()
    return BackendReport(name, ready, note)


def backend_names(name: str = "auto") -> tuple[str, ...]:
    """The backends that a name stands for, the preferred one first; nothing is loaded.

    Raises KeypointsError for an unknown name.
    """
    if name == "auto":
        return AUTOMATIC
    if name in BACKENDS:
        return (name,)
    near = get_close_matches(str(name), ("auto", *BACKENDS), n=1, cutoff=0.5)
    fix = f"did you mean {near[0]!r}?" if near else "'auto' chooses for you."
    raise KeypointsError(
        f"there is no backend {name!r}, only 'auto', 'mediapipe', 'openpose' and 'cartoon': {fix}"
    )


def choose_backend(
    name: str = "auto", *, max_people: int = 3, weights: Path | None = None
) -> Backend:
    """Make a detector for one clip.

    Args:
        name: "mediapipe", "openpose" or "cartoon"; "auto" takes the first of mediapipe and
            openpose that is ready.
        max_people: most people that a frame may hold, 1 to 16; cartoon finds at most three.
        weights: where the networks are; None for where each backend keeps them. For mediapipe a
            folder, a wheel of mediapipe 0.10.14 or a .task file; for openpose a folder or
            body_pose_model.pth itself; for cartoon a folder of the network.

    Raises:
        KeypointsError: an unknown name, a number out of range, or something is missing.
    """
    if isinstance(max_people, bool) or not isinstance(max_people, Integral):
        raise KeypointsError(f"max_people is {max_people!r}, but it must be a whole number.")
    if not 1 <= max_people <= MAX_PEOPLE:
        raise KeypointsError(
            f"max_people is {max_people}, but it must be from 1 to {MAX_PEOPLE}: 3 suits most."
        )
    if name == "auto":
        if weights is not None:
            raise KeypointsError(
                f"weights {Path(weights).name!r} belong to one backend: name it too, "
                "backend='mediapipe', 'openpose' or 'cartoon'."
            )
        name = _automatic()
    (name,) = backend_names(name)
    if name == "mediapipe":
        from fyp_lite.keypoints.detectors.mediapipe import MediapipeBackend

        return MediapipeBackend(weights, max_people=max_people)
    if name == "openpose":
        from fyp_lite.keypoints.detectors.openpose import OpenposeBackend

        return OpenposeBackend(weights, max_people=max_people)
    from fyp_lite.keypoints.detectors.cartoon import CartoonBackend

    return CartoonBackend(weights, max_people=max_people)


def _automatic() -> str:
    reports = [report_of(name) for name in AUTOMATIC]
    for report in reports:
        if report.ready:
            return report.name
    raise KeypointsError(
        "no detector of people is ready here. "
        + " ".join(f"{report.name}: {report.note}" for report in reports)
        + " For a cartoon drawn by this kit choose backend='cartoon'."
    )


def keep_seen(people: np.ndarray, height: int, width: int) -> np.ndarray:
    """`[people, 17, 3]` with every joint zeroed that was guessed rather than seen: one outside the
    frame, or less sure than `MIN_CONFIDENCE`. People of whom nothing is left are dropped."""
    x, y, confidence = people[..., 0], people[..., 1], people[..., 2]
    inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    seen = inside & (confidence >= MIN_CONFIDENCE)
    people = np.where(seen[..., None], people, 0).astype(np.float32)
    return people[seen.any(axis=1)]
