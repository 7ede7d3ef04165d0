"""One video of a sweep is made, in any process: from a job and its skeleton frames to files."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
from collections.abc import Generator, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from fyp_lite.cards.card import make_card
from fyp_lite.loading import best_device, best_dtype, load_pipeline
from fyp_lite.model_folder import WEIGHTS, is_model_folder
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.sampling import SampleStep
from fyp_lite.sweeps.axes import Job, Model, SweepError
from fyp_lite.video import encode_mp4

Files = dict[str, bytes]  # by suffix
_turn = threading.Lock()  # a worker may have several threads, but makes one video at a time


class Look(NamedTuple):
    """What a worker says of a model. unknown_words: of the prompts, with the nearest it knows."""

    model: Model
    unknown_words: dict[str, list[str]]


def describe(pipeline: FollowYourPosePipeline) -> Model:
    """The facts of a model that is loaded."""
    folder = Path(pipeline.name_or_path or "")
    if folder == WEIGHTS / "lite":
        source = "lite"  # wherever a worker has it
    else:
        saved = bool(pipeline.name_or_path) and is_model_folder(folder)
        source = str(folder.resolve()) if saved else ""
    return Model(
        source=source,
        dtype=str(pipeline.unet.dtype).removeprefix("torch."),
        fingerprint=_fingerprint(pipeline),
        guidance_scale=float(pipeline.config.default_guidance_scale),
        size=pipeline.size,
    )


def _fingerprint(pipeline: FollowYourPosePipeline) -> str:
    """Tells networks apart by a few numbers out of every tensor, their type and their schedule."""
    digest = hashlib.sha256(json.dumps(dict(pipeline.scheduler.config), default=str).encode())
    digest.update(f"{pipeline.config.shared_noise} {pipeline.unet.dtype}".encode())
    for part in (pipeline.text_encoder, pipeline.unet, pipeline.pose_encoder, pipeline.vae):
        for tensor in part.state_dict().values():
            some = tensor.detach().flatten()[:64].to("cpu", torch.float32)
            digest.update(some.numpy().tobytes())
    return digest.hexdigest()


def check_prompts(pipeline: FollowYourPosePipeline, prompts: Iterable[str]) -> dict[str, list[str]]:
    """The words that the model does not know. Raises ValueError for a prompt that is too long."""
    unknown: dict[str, list[str]] = {}
    for prompt in prompts:
        pipeline.encode_prompt([prompt])
        unknown |= pipeline.unknown_words(prompt)
    return unknown


def make_steps(
    pipeline: FollowYourPosePipeline, model: Model, job: Job, skeleton_frames: np.ndarray
) -> Generator[SampleStep, None, Files]:
    """Make one video; yields every step, returns its files, the one that counts last."""
    began = time.perf_counter()
    request = job.request
    for step in pipeline.steps(
        request.prompt,
        skeleton_frames,
        request.sample_settings,
        negative_prompt=request.negative_prompt,
    ):
        yield step
    video = pipeline.decode(step.latents)[0]
    seconds = time.perf_counter() - began
    card = make_card(pipeline, request, video, seconds, job.clip)
    arrays: dict[str, Any] = {
        "video": video,
        "fps": job.fps,
        "recipe": json.dumps(job.recipe(model)),
    }
    exact = io.BytesIO()
    np.savez_compressed(exact, **arrays)
    return {
        ".mp4": encode_mp4(video, job.fps),
        ".json": card.to_json().encode() + b"\n",
        ".npz": exact.getvalue(),
    }


# ---------------------------------------------------------------------------- on a worker


@lru_cache(maxsize=1)
def loaded(source: str, dtype: str) -> tuple[FollowYourPosePipeline, Model]:
    """A model, loaded once in a process; "" is the dtype that is fastest here."""
    kind = getattr(torch, dtype) if dtype else best_dtype(best_device())
    pipeline = load_pipeline(source, dtype=kind)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline, describe(pipeline)


def look_on_worker(source: str, dtype: str, prompts: list[str]) -> Look:
    """Load a model and say what it is; what a worker loads for this serves for the videos too."""
    with _turn:
        _take_all_threads()
        pipeline, model = loaded(source, dtype)
        return Look(model, check_prompts(pipeline, prompts))


def make_on_worker(model: Model, job: Job, skeleton_frames: np.ndarray) -> Files:
    """Make one video on a Dask worker. Raises SweepError where it has other weights."""
    with _turn:
        _take_all_threads()
        pipeline, mine = loaded(model.source, model.dtype)
        if mine.fingerprint != model.fingerprint:
            raise SweepError(
                f"The weights in {model.source} are not the same on every worker: give all of them "
                "the same folder and the same version of fyp_lite."
            )
        steps = make_steps(pipeline, model, job, skeleton_frames)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value


def _take_all_threads() -> None:
    """As one video is made at a time, it gets all threads that this Dask worker was given."""
    from distributed import get_worker

    torch.set_num_threads(get_worker().state.nthreads)
