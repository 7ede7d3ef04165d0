"""What a video costs, told before the run: from a probe of a few steps at the true shapes.

Cost is linear in the number of steps. Guidance runs the network twice a step (`sampling.guide`),
except for a scale of 0 or 1, and for steps outside its interval, which need one branch only.
"""

from __future__ import annotations

import time
from functools import cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch

from fyp_lite.denoising import clip_windows
from fyp_lite.full.footprint import Blueprint, blueprint, count_operations
from fyp_lite.full.memory import estimate_memory, memory_mode
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.text import readable_bytes, readable_seconds

# Share of its largest convolutions' speed that a whole large network is taken to reach.
SHARE = 0.5
PROBE_STEPS = 4
WORTH_SAYING = 5e8  # bytes; what Python and torch take by themselves is more


class Probe(NamedTuple):
    """Measured seconds: `step` for all branches of one step, `decode` for one video's frames."""

    step: float
    decode: float


_probes: WeakKeyDictionary[FollowYourPosePipeline, dict[tuple, Probe]] = WeakKeyDictionary()


def steps_by_branches(
    pipeline: FollowYourPosePipeline, sample_settings: SampleSettings
) -> dict[int, int]:
    """`SampleSettings.steps_by_branches` at the scale that the pipeline uses."""
    return sample_settings.steps_by_branches(pipeline.guidance_scale(sample_settings))


def network_evaluations(
    pipeline: FollowYourPosePipeline,
    sample_settings: SampleSettings,
    num_videos: int = 1,
    num_frames: int = 1,
) -> int:
    """Evaluations of the network: steps * branches * videos, and windows for long clips."""
    by_branches = steps_by_branches(pipeline, sample_settings)
    evaluations = sum(count * number for count, number in by_branches.items()) * num_videos
    return evaluations * count_windows(pipeline, num_frames)


def count_windows(pipeline: FollowYourPosePipeline, num_frames: int) -> int:
    """Windows through which a clip of `num_frames` is seen: 1 up to the trained length."""
    return len(clip_windows(num_frames, pipeline.config.num_frames))


def estimate_seconds(
    pipeline: FollowYourPosePipeline,
    clip_settings: ClipSettings,
    sample_settings: SampleSettings,
    num_videos: int = 1,
) -> float:
    """Seconds that `num_videos` videos with these settings will take on this machine.

    The first call for a number of frames and branches takes four steps and a decoding itself;
    later ones come from a cache, so a slider for the number of steps may ask at every move.
    """
    seconds = 0.0
    for count, number in steps_by_branches(pipeline, sample_settings).items():
        probe = _probe(pipeline, clip_settings.num_frames, count)
        seconds += number * probe.step
    return num_videos * (seconds + probe.decode)


def estimate_bytes(
    pipeline: FollowYourPosePipeline, clip_settings: ClipSettings, sample_settings: SampleSettings
) -> int:
    """Peak memory of one video, networks included: counted, not run; see `memory`."""
    return estimate_memory(
        blueprint(pipeline),
        clip_settings.num_frames,
        memory_mode(pipeline),
        branches=max(steps_by_branches(pipeline, sample_settings)),
        device_type=pipeline._execution_device.type,
    ).peak


def estimate_seconds_unseen(
    model: Blueprint, num_frames: int, num_steps: int, device: torch.device, dtype: torch.dtype
) -> float:
    """Seconds that a model which is not here would take, with guidance: computed, not run.

    From its operations, and the speed of a large convolution on this device.
    """
    length = min(num_frames, model.window)
    num_windows = len(clip_windows(num_frames, model.window))
    operations = num_steps * num_windows * count_operations(model, dtype, length, 2)
    return operations / (SHARE * convolution_speed(device, dtype))


def cost_line(
    pipeline: FollowYourPosePipeline,
    clip_settings: ClipSettings,
    sample_settings: SampleSettings,
    num_videos: int = 1,
) -> str:
    """The estimate as a sentence for a reader, with the memory of one video where that is large.

    "about 4 s on this machine (16 network evaluations: 8 steps × 2 branches)",
    "about 4 s and 5.6 GB (computed, not run) on this machine (…)"
    """
    seconds = estimate_seconds(pipeline, clip_settings, sample_settings, num_videos)
    size = estimate_bytes(pipeline, clip_settings, sample_settings)
    memory = f" and {readable_bytes(size)}" if size > WORTH_SAYING else ""
    if memory and pipeline._execution_device.type != "cpu":
        memory += " (computed, not run)"
    num_frames = clip_settings.num_frames
    total = network_evaluations(pipeline, sample_settings, num_videos, num_frames)
    factors = _factors(pipeline, sample_settings, num_videos, num_frames)
    answers = f"{_counted(total, 'network evaluation')}: {factors}"
    return f"{readable_seconds(seconds)}{memory} on this machine ({answers})"


def _factors(
    pipeline: FollowYourPosePipeline,
    sample_settings: SampleSettings,
    num_videos: int,
    num_frames: int,
) -> str:
    """What network evaluations are the product of: "8 steps × 2 branches × 3 windows"."""
    kinds = [
        f"{_counted(number, 'step')} × {_counted(count, 'branch', 'branches')}"
        for count, number in steps_by_branches(pipeline, sample_settings).items()
    ]
    factors = [" + ".join(kinds)]
    if count_windows(pipeline, num_frames) > 1:
        factors.append(_counted(count_windows(pipeline, num_frames), "window"))
    if num_videos > 1:
        factors.append(_counted(num_videos, "video"))
    if len(kinds) > 1 and len(factors) > 1:
        factors[0] = f"({factors[0]})"
    return " × ".join(factors)


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _probe(pipeline: FollowYourPosePipeline, num_frames: int, count: int) -> Probe:
    known = _probes.setdefault(pipeline, {})
    key = (num_frames, count, pipeline.device, memory_mode(pipeline))
    if key not in known:
        known[key] = _measure(pipeline, num_frames, count)
    return known[key]


def _measure(pipeline: FollowYourPosePipeline, num_frames: int, count: int) -> Probe:
    black = np.zeros((num_frames, pipeline.size, pipeline.size, 3), np.uint8)
    scale = 1.0 if count == 1 else 2.0
    settings = SampleSettings(num_inference_steps=PROBE_STEPS, guidance_scale=scale)
    seconds, began = [], time.perf_counter()
    for step in pipeline.steps("", black, settings):
        step.latents.sum().item()  # waits for a GPU
        stepped = time.perf_counter()
        seconds.append(stepped - began)
        began = stepped
    pipeline.decode(step.latents)
    # The first step warms up; of the others, the fastest was the least disturbed.
    return Probe(min(seconds[1:]), time.perf_counter() - began)


@cache
def convolution_speed(device: torch.device, dtype: torch.dtype) -> float:
    """Multiplications and additions a second in a convolution of the full model, measured."""
    num_frames, channels, size = (2 if device.type == "cpu" else 16), 320, 64
    shape = num_frames, channels, size, size
    conv = torch.nn.Conv2d(channels, channels, 3, padding=1, device=device, dtype=dtype)
    conv.to(memory_format=torch.channels_last)
    frames = torch.zeros(shape, device=device, dtype=dtype)
    frames = frames.contiguous(memory_format=torch.channels_last)
    seconds = []
    with torch.no_grad():
        for _ in range(4):  # the first warms up; a sum waits for a GPU
            began = time.perf_counter()
            conv(frames).sum().item()
            seconds.append(time.perf_counter() - began)
    return 2 * frames.numel() * channels * 9 / min(seconds)
