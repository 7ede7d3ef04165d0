"""Batches: every combination of clips, prompts, seeds and settings, each made and stored once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fyp_lite.advice import UNHEARD, unguided
from fyp_lite.opening import prepare_clip
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings
from fyp_lite.skeleton import check_skeleton_frames
from fyp_lite.sweeps.axes import Axes, Job, Model, SweepError, check_axes, plan_jobs
from fyp_lite.sweeps.cluster import connected, made_on_workers
from fyp_lite.sweeps.store import Store, Stored
from fyp_lite.sweeps.worker import (
    Files,
    Look,
    check_prompts,
    describe,
    loaded,
    look_on_worker,
    make_steps,
)

if TYPE_CHECKING:
    from distributed import Client

PREPARED = 16  # choices of frames that are kept, as the jobs after it often share them


class Progress(NamedTuple):
    """How far a sweep is: `done` of `total` videos are stored, and of the next one `step` of
    `num_steps` steps are made (0 on workers). seconds_left: an estimate, None before there is one.
    """

    done: int
    total: int
    step: int
    num_steps: int
    seconds_left: float | None = None


class Event(NamedTuple):
    """Steps made of a job, and in the end its files or what went wrong."""

    job: Job
    step: int
    outcome: Files | Exception | None = None


class Batch:
    """A sweep over any number of axes, to be walked step by step; `batch` tells the arguments.

    Attributes:
        axes: {name: values}. jobs: one for each combination, the last axis varying fastest.
        model: what is known of the model, None until a model that was given by name is loaded.
        unknown_words: of the prompts, with the nearest that the model knows; filled by `steps`.
    """

    def __init__(
        self,
        model: FollowYourPosePipeline | str | os.PathLike[str],
        request: Request,
        axes: Axes,
        out: str | os.PathLike[str],
    ) -> None:
        self.axes = check_axes(axes)
        self.jobs, self._sources = plan_jobs(self.axes, request)
        self.store = Store(Path(out).expanduser())
        self.pipeline = model if isinstance(model, FollowYourPosePipeline) else None
        self._source = "" if self.pipeline else _absolute(str(model))
        self.model = describe(self.pipeline) if self.pipeline else None
        self.unknown_words: dict[str, list[str]] = {}
        self._prepare = lru_cache(PREPARED)(self._read_frames)

    def stored(self, job: Job) -> Stored:
        """Where a job's files are, or will be. Raises SweepError before the model is known."""
        if self.model is None:
            raise SweepError("The model is not loaded yet: run the sweep, then ask for its files.")
        return self.store.stored(job, self.model)

    def missing(self) -> list[Job]:
        """The jobs that are to be made; jobs that come to the same video are made once."""
        unique = {self.stored(job): job for job in self.jobs}
        return [job for stored, job in unique.items() if not stored.complete]

    def steps(self, client: Client | str | None = None) -> Iterator[Progress]:
        """Make and store what is missing; yields at the start, after every video and, in this
        process, after every step.

        Raises SweepError at the end where some videos failed; the others are stored.
        """
        with ExitStack() as stack:
            if client is not None:
                self._check_source()
                client = stack.enter_context(connected(client, len(self.jobs)))
            self._look(client)
            assert self.model is not None
            self._check_negative_prompts(self.model)
            self._check_intervals(self.model)
            todo = self.missing()
            self._check_frames(todo)
            self.store.open()
            self.store.write_index(self.jobs, self.model)
            if client is None:
                events = self._events_here(todo)
            else:
                made = made_on_workers(client, self.model, todo, self._frames)
                stack.enter_context(closing(made))  # before the client is
                events = (Event(job, 0, outcome) for job, outcome in made)
            yield from self._follow(events, todo)

    def _check_source(self) -> None:
        if self.model and not self.model.source:
            raise SweepError(
                "Workers cannot load a pipeline that was never saved: use its save_pretrained("
                "FOLDER), then load_pipeline(FOLDER), and give that."
            )

    def _look(self, client: Client | None) -> None:
        """Load the model, or have a worker load it; check the prompts before the first video."""
        requests = [job.request for job in self.jobs]
        prompts = sorted({text for r in requests for text in (r.prompt, r.negative_prompt)})
        if client is None:
            if self.pipeline is None:
                self.pipeline, self.model = loaded(self._source, self.store.dtype())
            self.unknown_words = check_prompts(self.pipeline, prompts)
            return
        known = self.model
        asked = (known.source, known.dtype) if known else (self._source, self.store.dtype())
        look: Look = client.submit(look_on_worker, *asked, prompts, pure=False).result()
        if known and known.fingerprint != look.model.fingerprint:
            raise SweepError(
                f"The networks in memory are not those in {known.source}, which workers would "
                "load: save them with save_pretrained(FOLDER), load_pipeline(FOLDER), give that."
            )
        self.model, self.unknown_words = look

    def _check_negative_prompts(self, model: Model) -> None:
        """Refuse negative prompts of which not one would make a difference."""
        led = [job for job in self.jobs if job.request.negative_prompt.strip()]
        if led and all(job.scale(model) == 1 for job in led):
            raise SweepError(UNHEARD)

    def _check_intervals(self, model: Model) -> None:
        """Refuse intervals of guidance of which not one would make a difference."""
        led = [job for job in self.jobs if job.scale(model) not in (0, 1)]
        sentences = [unguided(job.request.sample_settings, job.scale(model)) for job in led]
        if sentences and all(sentences):
            raise SweepError(sentences[0])

    def _check_frames(self, jobs: Sequence[Job]) -> None:
        """Refuse what is no skeleton video, before the first video is made."""
        for choice in dict.fromkeys(_choice(job) for job in jobs):
            check_skeleton_frames(self._prepare(*choice))

    def _frames(self, job: Job) -> np.ndarray:
        return self._prepare(*_choice(job))

    def _read_frames(self, clip: str, settings: ClipSettings) -> np.ndarray:
        assert self.model is not None
        with self._sources[clip].open() as opened:
            return prepare_clip(opened, settings, self.model.size).frames

    def _events_here(self, jobs: Sequence[Job]) -> Iterator[Event]:
        assert self.pipeline is not None and self.model is not None
        for job in jobs:
            steps = make_steps(self.pipeline, self.model, job, self._frames(job))
            while True:
                try:
                    yield Event(job, next(steps).index + 1)
                except StopIteration as end:
                    yield Event(job, 0, end.value)
                    break
                except Exception as error:
                    yield Event(job, 0, error)
                    break

    def _follow(self, events: Iterator[Event], todo: Sequence[Job]) -> Iterator[Progress]:
        """Store what is made, and say how far it is."""
        assert self.model is not None
        total = len({self.stored(job) for job in self.jobs})
        done, work, made = total - len(todo), sum(job.work(self.model) for job in todo), 0.0
        failed: list[tuple[Job, Exception]] = []
        began = time.perf_counter()
        first = (todo or self.jobs)[0]
        yield Progress(done, total, 0, first.request.sample_settings.num_inference_steps)
        for job, step, outcome in events:
            num_steps = job.request.sample_settings.num_inference_steps
            share = step / num_steps if outcome is None else 1.0
            so_far = made + share * job.work(self.model)
            if outcome is not None:
                made = so_far
            if isinstance(outcome, Exception):
                failed.append((job, outcome))
            elif outcome is not None:
                self.store.keep(self.stored(job), outcome)
                done += 1
            left = (time.perf_counter() - began) / so_far * (work - so_far)
            yield Progress(done, total, step, num_steps, left)
        if failed:
            job, error = failed[0]
            raise SweepError(
                f"{len(failed)} of {total} videos failed, all others are stored; the first one was "
                f"{job.values}: {type(error).__name__}: {error}"
            ) from error


def batch(
    model: FollowYourPosePipeline | str | os.PathLike[str],
    request: Request,
    axes: Axes,
    *,
    out: str | os.PathLike[str],
    client: Client | str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[Stored]:
    """One video for each combination of values, stored in `out` as they come.

    What is stored already is not made again: run an interrupted batch again to resume it. index.csv
    in `out` says which files belong to which values.

    Args:
        model: a pipeline, "lite", "full" or a folder; see `load_pipeline`.
        request: what all videos have in common.
        axes: {name: values} of what varies: "clip" (paths or open clips; the people of a raw video
            are found once), "prompt", "negative_prompt", and every field of ClipSettings and
            SampleSettings.
        out: a folder, made where it is missing.
        client: a distributed.Client, the address of a Dask scheduler, "local" for a cluster on
            this machine, None for this process. Workers need fyp_lite and the model under the
            same name, but neither the clips nor `out`.
        on_progress: called at the start and whenever there is something new.

    Returns:
        The files of every job, in the order of the combinations, the last axis varying fastest.

    Raises:
        SweepError: an unknown name, no or double values, a model that workers cannot load, or at
            the end where some videos failed; the others are stored.
        SettingsError, ClipError: a value that is out of its range or does not fit a clip.
    """
    whole = Batch(model, request, axes, out)
    for progress in whole.steps(client):
        if on_progress:
            on_progress(progress)
    return [whole.stored(job) for job in whole.jobs]


def _choice(job: Job) -> tuple[str, ClipSettings]:
    """What decides a job's skeleton frames."""
    return job.request.clip_name, job.request.clip_settings


def _absolute(model: str) -> str:
    """A model's name as every worker understands it, whatever folder it runs in."""
    return model if model in ("lite", "full") else str(Path(model).expanduser().resolve())
