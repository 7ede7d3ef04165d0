"""What a video costs, told before the run: from a probe of two steps at the true shapes.

Cost is linear in the number of steps. Guidance runs the network twice a step (`sampling.guide`),
except for a scale of 0 or 1, which need one branch only.
"""

from __future__ import annotations

import time
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.windows import clip_windows


class Probe(NamedTuple):
    """Measured seconds: `step` for all branches of one step, `decode` for one video's frames."""

    step: float
    decode: float


_probes: WeakKeyDictionary[FollowYourPosePipeline, dict[tuple, Probe]] = WeakKeyDictionary()


def branches(pipeline: FollowYourPosePipeline, sample_settings: SampleSettings) -> int:
    """Network calls in one step of one video: 1 where guidance is 0 or 1, otherwise 2."""
    return 1 if pipeline.guidance_scale(sample_settings) in (0, 1) else 2


def network_calls(
    pipeline: FollowYourPosePipeline,
    sample_settings: SampleSettings,
    num_videos: int = 1,
    num_frames: int = 1,
) -> int:
    """How often the network is called: steps * branches * videos, and windows for long clips."""
    calls = sample_settings.num_inference_steps * branches(pipeline, sample_settings) * num_videos
    return calls * count_windows(pipeline, num_frames)


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

    The first call for a number of frames and branches takes two steps and a decoding itself;
    later ones come from a cache, so a slider for the number of steps may ask at every move.
    """
    probe = _probe(pipeline, clip_settings.num_frames, sample_settings)
    return num_videos * (sample_settings.num_inference_steps * probe.step + probe.decode)


def cost_line(
    pipeline: FollowYourPosePipeline,
    clip_settings: ClipSettings,
    sample_settings: SampleSettings,
    num_videos: int = 1,
) -> str:
    """The estimate as a sentence for a reader.

    "about 4 s on this machine (16 network calls: 8 steps × 2 branches)"
    """
    seconds = estimate_seconds(pipeline, clip_settings, sample_settings, num_videos)
    factors = [
        _counted(sample_settings.num_inference_steps, "step"),
        _counted(branches(pipeline, sample_settings), "branch", "branches"),
    ]
    num_frames = clip_settings.num_frames
    if count_windows(pipeline, num_frames) > 1:
        factors.append(_counted(count_windows(pipeline, num_frames), "window"))
    if num_videos > 1:
        factors.append(_counted(num_videos, "video"))
    total = network_calls(pipeline, sample_settings, num_videos, num_frames)
    calls = _counted(total, "network call")
    return f"{readable_seconds(seconds)} on this machine ({calls}: {' × '.join(factors)})"


def readable_seconds(seconds: float) -> str:
    """Rounded as an estimate deserves: "less than 1 s", "about 4 s", "about 3 min"."""
    if seconds < 1:
        return "less than 1 s"
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _probe(
    pipeline: FollowYourPosePipeline, num_frames: int, sample_settings: SampleSettings
) -> Probe:
    known = _probes.setdefault(pipeline, {})
    count = branches(pipeline, sample_settings)
    key = (num_frames, count, pipeline.device, pipeline.unet.dtype)
    if key not in known:
        known[key] = _measure(pipeline, num_frames, count)
    return known[key]


def _measure(pipeline: FollowYourPosePipeline, num_frames: int, count: int) -> Probe:
    black = np.zeros((num_frames, pipeline.size, pipeline.size, 3), np.uint8)
    settings = SampleSettings(num_inference_steps=2, guidance_scale=1.0 if count == 1 else 2.0)
    steps = pipeline.steps("", black, settings)
    next(steps).latents.sum().item()  # warms up; item() waits for a GPU
    began = time.perf_counter()
    latents = next(steps).latents
    latents.sum().item()
    stepped = time.perf_counter()
    pipeline.decode(latents)
    return Probe(stepped - began, time.perf_counter() - stepped)
