"""What finds people in raw video: a registry of detectors, a module each.

`mediapipe` (BlazePose) and `openpose` read people in real video, `cartoon` reads characters of the
animated world. None of them downloads anything by itself: what is missing is said at once, with the
command that brings it. `base` has what all of them share.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from numbers import Integral
from pathlib import Path
from typing import Any

from fyp_lite.keypoints.clip import MAX_PEOPLE, KeypointsError
from fyp_lite.keypoints.detectors.base import Backend, BackendReport

# The module of each backend is called as it is; this is its class.
BACKENDS = {
    "mediapipe": "MediapipeBackend",
    "openpose": "OpenposeBackend",
    "cartoon": "CartoonBackend",
}
# "cartoon" is no substitute: in a photograph it sees nobody, or somebody who is not there.
AUTOMATIC = ("mediapipe", "openpose")


def available_backends() -> list[BackendReport]:
    """All backends, in the order in which "auto" prefers them; fast, as no network is loaded."""
    return [report_of(name) for name in BACKENDS]


def report_of(name: str) -> BackendReport:
    """Whether one of `BACKENDS` can be used here."""
    ready, note = _module(name).report()
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
    backend = getattr(_module(name), BACKENDS[name])
    return backend(weights, max_people=max_people)


def _module(name: str) -> Any:
    return import_module(f"{__name__}.{name}")


def _automatic() -> str:
    reports = [report_of(name) for name in AUTOMATIC]
    for report in reports:
        if report.ready:
            return report.name
    raise KeypointsError(
        "no detector of people is ready here. "
        + " ".join(f"{report.name}: {report.note}" for report in reports)
        + " For a cartoon drawn by this kit choose the backend 'cartoon'."
    )
