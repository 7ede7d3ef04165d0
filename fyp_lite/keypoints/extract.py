"""Raw video to keypoints: every frame once through a detector, then people made steady.

What a detector finds is kept (`cache_dir`) by the content of the video, so that neither
a switch nor a slider detects again. Frames are streamed: memory does not grow with the clip.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fyp_lite.clip import MAX_FRAMES, Clip, open_video
from fyp_lite.files.hashes import file_hash, weight_hashes
from fyp_lite.files.writing import ClipError
from fyp_lite.folders import cache_dir
from fyp_lite.keypoints import tracking
from fyp_lite.keypoints.clip import MAX_PEOPLE, KeypointClip, KeypointsError, printable_name
from fyp_lite.keypoints.detectors import backend_names, cartoon, choose_backend, report_of
from fyp_lite.keypoints.detectors.base import Backend
from fyp_lite.skeleton import MIN_CONFIDENCE
from fyp_lite.version import __version__

MIN_JOINTS = 4  # sure joints that make a person
MIN_BODY = 32  # pixels of the larger side of the box around a person


class ExtractionStoppedError(KeypointsError):
    """The caller's `should_stop` said so before the last frame."""


@dataclass(frozen=True)
class ExtractStep:
    """How far an extraction is.

    done, total: frames. seconds_left: estimate, at the pace so far. clip: the result, in the last
    step only. jitter: in that step, of the people followed before and after what was switched on,
    in percent of the body (`tracking.jitter`).
    """

    done: int
    total: int
    seconds_left: float = 0.0
    clip: KeypointClip | None = None
    jitter: tuple[float, float] = (0.0, 0.0)


def extract_keypoints(
    source: str | os.PathLike[str] | Clip,
    *,
    backend: str | Backend = "auto",
    weights: Path | None = None,
    track: bool = True,
    fill_gaps: bool = True,
    smooth: bool = True,
    max_people: int = 3,
    max_frames: int = MAX_FRAMES,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    cache: bool = True,
) -> KeypointClip:
    """Find the people of a raw video, on whole frames at the source's rate.

    Args:
        source: a raw video, as a file or open.
        backend: a name for `choose_backend`, or a backend of your own, which is never cached.
        weights: where the backend's own files are, where it asks for some.
        track: give every person one index for the whole clip.
        fill_gaps: fill in joints that are missing for a moment.
        smooth: take out jitter, without lag.
        max_people: how many are kept.
        max_frames: a longer clip is refused.
        on_progress: called with (frames done, frames in all).
        should_stop: asked after every frame.
        cache: keep what was found, and take it from there the next time.

    Raises:
        KeypointsError: a clip of one frame, nobody found, or all people too small; no backend.
        ExtractionStoppedError: `should_stop` returned True.
        ClipError: the video cannot be read.
    """
    steps = extract_steps(
        source,
        backend=backend,
        weights=weights,
        track=track,
        fill_gaps=fill_gaps,
        smooth=smooth,
        max_people=max_people,
        max_frames=max_frames,
        cache=cache,
    )
    with closing(steps):
        for step in steps:
            if on_progress:
                on_progress(step.done, step.total)
            if step.clip is not None:
                return step.clip
            if should_stop and should_stop():
                raise ExtractionStoppedError(
                    f"stopped after {step.done} of {step.total} frames, and nothing was kept: "
                    "start again to read the clip from its beginning."
                )
    raise AssertionError("the last step carries the clip")


def extract_steps(
    source: str | os.PathLike[str] | Clip,
    *,
    backend: str | Backend = "auto",
    weights: Path | None = None,
    track: bool = True,
    fill_gaps: bool = True,
    smooth: bool = True,
    max_people: int = 3,
    max_frames: int = MAX_FRAMES,
    cache: bool = True,
) -> Generator[ExtractStep, None, None]:
    """`extract_keypoints`, one frame at a time: leave the loop to stop.

    Yields:
        A step per frame, then one with the result; only that one where the cache has it all.
    """
    if not 1 <= max_people <= MAX_PEOPLE:
        raise KeypointsError(f"max_people is {max_people}, but must be from 1 to {MAX_PEOPLE}.")
    with _opened(source, max_frames) as clip:
        check_motion(clip)
        found = yield from _find(clip, backend, weights, max_people, cache)
    _check_people(found, track, smooth or fill_gaps)
    keypoints = found.keypoints
    if track:
        keypoints = tracking.follow_people(keypoints, found.fps, max_people=max_people)
    _check_size(found, keypoints)
    before = tracking.jitter(keypoints)
    if fill_gaps:
        keypoints = tracking.fill_gaps(keypoints, found.fps)
    if smooth:
        keypoints = tracking.smooth(keypoints, found.fps)
    total = found.num_frames
    jitter = before, tracking.jitter(keypoints)
    yield ExtractStep(total, total, 0.0, replace(found, keypoints=keypoints), jitter)


def check_motion(clip: Clip) -> None:
    """Refuse a clip of a single frame. Raises KeypointsError."""
    if clip.num_frames < 2:
        raise KeypointsError(
            f"{clip.path.name} has 1 frame, and a motion needs at least 2: name a video."
        )


@contextmanager
def _opened(source: str | os.PathLike[str] | Clip, max_frames: int) -> Iterator[Clip]:
    path = source.path if isinstance(source, Clip) else Path(source)
    if path.suffix.lower() == ".json":
        raise KeypointsError(f"{path.name} holds keypoints already: use it as a clip.")
    if isinstance(source, Clip):
        yield source
    else:
        with open_video(path, max_frames=max_frames) as clip:
            yield clip


def _find(
    clip: Clip, backend: str | Backend, weights: Path | None, max_people: int, cache: bool
) -> Generator[ExtractStep, None, KeypointClip]:
    """Everyone in the clip as detected; a detector is made only where the cache has them not."""
    if not isinstance(backend, str):
        return (yield from _detect(clip, backend))
    names = backend_names(backend)
    files = _cache_files(clip.path, names, weights, max_people) if cache else {}
    found = _take(files)
    if found is not None:
        return replace(found, source=printable_name(clip.path))  # kept under another name, perhaps
    with closing(choose_backend(backend, max_people=max_people, weights=weights)) as detector:
        found = yield from _detect(clip, detector)
    if cache:
        _keep(files[found.backend], found)
    return found


def _detect(clip: Clip, backend: Backend) -> Generator[ExtractStep, None, KeypointClip]:
    """Stream the clip through the backend; returns people as they were found, in any order."""
    found: list[np.ndarray] = []
    began, total = time.perf_counter(), clip.num_frames
    for frame in clip.stream():
        people = backend.detect(frame)[:MAX_PEOPLE]
        found.append(people.astype(np.float64).round(3))  # as a file would keep it
        left = (time.perf_counter() - began) / len(found) * (total - len(found))
        yield ExtractStep(len(found), total, left)
    keypoints = np.zeros((total, max(map(len, found)), 17, 3), np.float32)
    for row, people in zip(keypoints, found, strict=True):
        row[: len(people)] = people
    name = printable_name(clip.path)
    return KeypointClip(keypoints, clip.fps, clip.height, clip.width, backend.name, name)


def _check_people(found: KeypointClip, track: bool, steady: bool) -> None:
    joints = (found.keypoints[..., 2] >= MIN_CONFIDENCE).sum(axis=-1)
    people = (joints >= MIN_JOINTS).sum(axis=-1).max(initial=0)
    if not people:
        other = (
            "or for real people choose the backend “mediapipe”"
            if found.backend == "cartoon"
            else "or for a cartoon drawn by this kit choose the backend “cartoon”"
        )
        raise KeypointsError(
            f"{found.source}: {found.backend} found nobody in its {found.num_frames} frames; name "
            f"a video in which somebody fills at least a third of the frame's height, {other}."
        )
    if people > 1 and steady and not track:
        raise KeypointsError(
            f"track is off, but {found.source} shows {people} people, whose joints would be mixed: "
            "switch fill_gaps and smooth off as well, or track on."
        )


def _check_size(found: KeypointClip, keypoints: np.ndarray) -> None:
    largest = tracking.body_sizes(keypoints).max(initial=0.0)
    if largest < MIN_BODY:
        raise KeypointsError(
            f"{found.source}: the largest person is {largest:.0f} pixels tall, and joints can be "
            f"told apart from {MIN_BODY} on: film closer, or use a copy with more pixels."
        )


# ---------------------------------------------------------------------------- cache


def _cache_files(
    path: Path, backends: Sequence[str], weights: Path | None, max_people: int
) -> dict[str, Path]:
    """For each backend a name that follows from everything that what is found depends on."""
    video, files = file_hash(path), {}
    for backend in backends:
        # Only the bundled network changes under the same name.
        network = weight_hashes(weights or cartoon.WEIGHTS) if backend == "cartoon" else weights
        facts = f"{video} {__version__} {backend} {network} {max_people}"
        name = hashlib.sha256(facts.encode()).hexdigest()[:32]
        files[backend] = cache_dir() / "keypoints" / f"{name}.json"
    return files


def _take(files: dict[str, Path]) -> KeypointClip | None:
    """What the first backend found that is ready here, or one before it that no longer is."""
    for name, path in files.items():
        with suppress(KeypointsError, OSError):  # none yet, or a damaged one: found again
            return KeypointClip.load(path)
        if report_of(name).ready:
            break
    return None


def _keep(path: Path, found: KeypointClip) -> None:
    with suppress(OSError, ClipError):  # a folder that cannot be written costs time, not the result
        path.parent.mkdir(parents=True, exist_ok=True)
        found.save(path)
