"""What a sweep is to make: axes of values become jobs, and each job is the recipe of one video."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from fyp_lite.cards.card import ClipFacts, clip_facts
from fyp_lite.clip import Clip
from fyp_lite.cropping import choose_frames, crop_box
from fyp_lite.opening import open_skeleton
from fyp_lite.request import SETTING_NAMES, Request
from fyp_lite.settings import ClipSettings
from fyp_lite.text import nearest_name
from fyp_lite.video import check_video_path

AXIS_NAMES = SETTING_NAMES
TEXT_NAMES = ("clip", "prompt", "negative_prompt", "pad", "scheduler")
SENTENCES = ("prompt", "negative_prompt")  # may have commas inside
Value = int | float | str | None
Axes = Mapping[str, Iterable[Any]]


class SweepError(ValueError):
    """A sweep that cannot be run: one sentence with the name or value and the fix."""


@dataclass(frozen=True)
class Model:
    """What of a model decides a video, and where a worker finds it.

    source: what `load_pipeline` takes; "" for networks that were never saved. dtype: of the
    network, such as "bfloat16". fingerprint: tells networks apart. guidance_scale: its own, for
    settings that leave it None. size: of its frames, pixels.
    """

    source: str
    dtype: str
    fingerprint: str
    guidance_scale: float
    size: int


@dataclass(frozen=True)
class Job:
    """One video of a sweep: plain data, so that it can be sent anywhere.

    values: of the axes, by name. content: SHA-256 of what the frames come from: of the keypoints
    where they are drawn, so that two detectors on one raw video are told apart, otherwise of the
    clip's file.
    """

    values: dict[str, Value]
    request: Request
    clip: ClipFacts
    content: str

    def scale(self, model: Model) -> float:
        """The guidance scale that is used."""
        scale = self.request.sample_settings.guidance_scale
        return float(model.guidance_scale if scale is None else scale)

    def recipe(self, model: Model) -> dict[str, Any]:
        """Every fact that decides what the video looks like."""
        request = self.request
        return {
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            **request.clip_settings.to_dict(),
            **request.sample_settings.to_dict(),
            "guidance_scale": self.scale(model),
            "clip": self.clip.name,
            "detector": self.clip.detector,
            "content": self.content,
            "fps": self.fps,
            "model": model.fingerprint,
        }

    @property
    def fps(self) -> float:
        """Frames a second of the video."""
        return self.clip.fps / self.request.clip_settings.frame_stride

    def name(self, model: Model) -> str:
        """What its files are called: 16 letters that follow from the recipe."""
        recipe = json.dumps(self.recipe(model), sort_keys=True)
        return hashlib.sha256(recipe.encode()).hexdigest()[:16]

    def work(self, model: Model) -> int:
        """What it costs, as frames times network evaluations: for estimates of time."""
        by_branches = self.request.sample_settings.steps_by_branches(self.scale(model))
        evaluations = sum(count * steps for count, steps in by_branches.items())
        return self.request.clip_settings.num_frames * evaluations


@dataclass(frozen=True)
class Source:
    """A clip of a sweep: what is recorded of it, and how it is opened when its frames are due."""

    facts: ClipFacts
    content: str
    open: Callable[[], AbstractContextManager[Clip]]


def check_axes(axes: Axes) -> dict[str, list[Any]]:
    """The axes as lists.

    Raises SweepError for an unknown name, or an empty or duplicated value list.
    """
    checked = {}
    for name, given in axes.items():
        if name not in AXIS_NAMES:
            near = nearest_name(str(name), AXIS_NAMES)
            fix = f"did you mean {near!r}?" if near else f"it may vary {', '.join(AXIS_NAMES)}."
            raise SweepError(f"The sweep varies {name!r}, which is no setting: {fix}")
        alone = isinstance(given, str | os.PathLike) or not isinstance(given, Iterable)
        values: list[Any] = [given] if alone else list(given)
        if not values or any(value in values[:i] for i, value in enumerate(values)):
            raise SweepError(
                f"The sweep has the values {values} for {name}: give each once, at least one."
            )
        if name in SENTENCES and not all(isinstance(value, str) for value in values):
            raise SweepError(f"The sweep has {values} as {name}, but each must be text.")
        checked[name] = values
    return checked


def plan_jobs(
    axes: Mapping[str, list[Any]], request: Request
) -> tuple[list[Job], dict[str, Source]]:
    """All jobs, the last axis varying fastest, and the clips by their value on the axis.

    The people of a raw clip are found here, once.

    Args:
        axes: as `check_axes` returns them.
        request: has the values of all names that are not an axis.

    Raises:
        SettingsError, ClipError: a value that is out of its range or does not fit a clip.
    """
    rows = [dict(zip(axes, row, strict=True)) for row in itertools.product(*axes.values())]
    requests = [request.changed(row) for row in rows]
    chosen: dict[str, set[ClipSettings]] = {}
    clips = {}
    for each in requests:
        label = clip_label(each.clip)
        clips[label] = each.clip
        chosen.setdefault(label, set()).add(each.clip_settings)
    sources = {label: _source(clips[label], request, chosen[label]) for label in chosen}
    jobs = []
    for row, each in zip(rows, requests, strict=True):
        label = clip_label(each.clip)
        source = sources[label]
        values = {"clip": label, "prompt": each.prompt} | row | {"clip": label}
        jobs.append(Job(values, replace(each, clip=label), source.facts, source.content))
    return jobs, sources


def clip_label(clip: Clip | str | os.PathLike[str]) -> str:
    """What stands for a clip in the values of a job: its path, and what found its people."""
    if not isinstance(clip, Clip):
        return str(clip)
    return f"{clip.path} ({clip.detector})" if clip.detector else str(clip.path)


def _source(clip: Clip | str, request: Request, chosen: set[ClipSettings]) -> Source:
    """A clip's facts, once it is seen that all settings chosen for it fit."""
    if isinstance(clip, Clip):
        return Source(*_look_at(clip, chosen), lambda: nullcontext(clip))
    redraw = request.redraw
    with open_skeleton(
        clip,
        input_type=request.input_type,
        backend=request.backend,
        max_people=request.max_people,
        redraw=redraw,
    ) as opened:
        facts, content = _look_at(opened, chosen)
    if opened.keypoints is not None:  # drawn when asked for, from no file that is closed
        return Source(facts, content, lambda: nullcontext(opened))
    return Source(facts, content, lambda: open_skeleton(clip, input_type="skeleton", redraw=redraw))


def _look_at(clip: Clip, chosen: set[ClipSettings]) -> tuple[ClipFacts, str]:
    """A clip's facts and the SHA-256 of its content. Refuses settings that do not fit it."""
    for settings in sorted(chosen, key=str):
        choose_frames(clip, settings)
        crop_box(clip.height, clip.width, settings)
        check_video_path("video.mp4", clip.fps / settings.frame_stride)
    if not clip.path.exists():
        raise SweepError(
            f"There is no file {clip.path}, and the clips of a sweep must be files: save the "
            "keypoints first."
        )
    facts = clip_facts(clip)
    return facts, facts.hash if clip.keypoints is None else _hash_keypoints(clip)


def _hash_keypoints(clip: Clip) -> str:
    assert clip.keypoints is not None
    shape = f"{clip.keypoints.shape} {clip.height} {clip.width}"
    return hashlib.sha256(shape.encode() + clip.keypoints.tobytes()).hexdigest()


def read_values(name: str, text: str) -> list[Value]:
    """The values of an axis as typed: numbers between commas, prompts between bars (|).

    Raises SweepError for a value that is not a number.
    """
    parts = [part.strip() for part in text.split("|" if name in SENTENCES else ",")]
    values: list[Value] = []
    for part in filter(None, parts):
        try:
            values.append(part if name in TEXT_NAMES else _number(part))
        except ValueError:
            raise SweepError(
                f"{part!r} is not a number for {name}: write numbers with commas between, such as "
                "1, 3, 10."
            ) from None
    return values


def _number(text: str) -> float:
    """A whole number stays one, also as 1e1, unless it is written with a point."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    if "." in text or not number.is_integer():
        return number
    return int(number) if "e" in text.lower() else int(text)
