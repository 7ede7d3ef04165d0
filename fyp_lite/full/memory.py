"""Memory modes: what a run needs before it runs, and ways to need less.

What each mode needs is counted in `footprint`; the fastest one that fits is taken and said in one
line. All modes give the same result (but for tiling, see `MemoryMode`): normalisations that span
the frames are never cut up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from fyp_lite.full.footprint import (
    Blueprint,
    blueprint,
    count_decode,
    count_denoise,
    count_pose,
    count_weights,
    set_chunking,
    set_tiling,
)
from fyp_lite.model.attention import FeedForward
from fyp_lite.pipeline import FRAMES_AT_ONCE, FollowYourPosePipeline
from fyp_lite.text import readable_bytes

USABLE = 0.85  # share of the free memory to plan with: the rest is what the count does not see


class MemoryShortError(ValueError):
    """Not even the most frugal mode fits: one sentence with the need, what is free and the fix."""


@dataclass(frozen=True)
class MemoryMode:
    """How a pipeline trades speed for memory.

    dtype: of the networks; a half type takes half the memory of float32.
    slicing: decode one frame at a time.
    chunking: attention over pictures and feed-forward take one frame at a time.
    in_turn: both branches of guidance one after the other, not in one batch.
    offload: only the network at work is on the GPU, the others wait in main memory (accelerate).
    tiling: decode a picture in tiles that overlap. Never chosen, only set: the result differs,
        because the autoencoder normalises over what it sees; for pictures larger than trained.
    """

    dtype: torch.dtype
    slicing: bool = False
    chunking: bool = False
    in_turn: bool = False
    offload: bool = False
    tiling: bool = False

    def __str__(self) -> str:
        words = {
            "VAE slicing": self.slicing,
            "attention chunking": self.chunking,
            "guidance branches in turn": self.in_turn,
            "model offload": self.offload,
            "VAE tiling": self.tiling,
        }
        chosen = [word for word, on in words.items() if on]
        return ", ".join([str(self.dtype).removeprefix("torch."), *chosen])


def memory_modes(dtypes: Sequence[torch.dtype], device: torch.device) -> list[MemoryMode]:
    """From the fastest to the most frugal; `dtypes` from the preferred one on."""
    modes = []
    for dtype in dtypes:
        modes += [
            MemoryMode(dtype),
            MemoryMode(dtype, slicing=True),
            MemoryMode(dtype, slicing=True, chunking=True),
            MemoryMode(dtype, slicing=True, chunking=True, in_turn=True),
        ]
    if device.type != "cpu":  # there, both places are the same memory
        frugal = MemoryMode(dtypes[-1], slicing=True, chunking=True, in_turn=True, offload=True)
        modes.append(frugal)
    return modes


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes by network: its `weights`, and what is `live` beside them while it runs.

    The text encoder's work is thousands of times smaller than the others' and is left out.
    """

    weights: dict[str, int]
    live: dict[str, int]
    offload: bool

    @property
    def peak(self) -> int:
        """Bytes at the worst moment of a run."""
        if self.offload:
            return max(size + self.live.get(name, 0) for name, size in self.weights.items())
        return sum(self.weights.values()) + max(self.live.values())


def estimate_memory(
    model: Blueprint,
    num_frames: int,
    mode: MemoryMode,
    *,
    branches: int = 2,
    device_type: str = "cpu",
) -> MemoryEstimate:
    """Memory of one video of `num_frames` frames; the first call for a shape takes a second or so.

    Args:
        branches: 2 with guidance, 1 without.
        device_type: "mps" has no fused attention for these shapes, so that scores count there.
    """
    dtype, fused = mode.dtype, device_type != "mps"
    pose, features = count_pose(model, dtype, num_frames)
    window = min(num_frames, model.window)
    together = 1 if mode.in_turn else branches
    denoise = count_denoise(model, dtype, window, together, mode.chunking, fused)
    # A longer clip passes in windows of one size; what grows is what is kept of all its frames.
    denoise += features * (num_frames - window) // num_frames
    at_once = min(1 if mode.slicing else FRAMES_AT_ONCE, num_frames)
    decode = count_decode(model, dtype, at_once, mode.tiling, fused)
    return MemoryEstimate(
        count_weights(model, dtype),
        {"pose_encoder": pose, "unet": denoise, "vae": decode},
        mode.offload,
    )


@dataclass(frozen=True)
class MemoryChoice:
    """A mode that fits: its need and what is free, in bytes. As a string, the line to show."""

    mode: MemoryMode
    need: int
    free: int
    device_type: str

    def __str__(self) -> str:
        computed = "" if self.device_type == "cpu" else ", computed, not run"
        need, free = readable_bytes(self.need), readable_bytes(self.free)
        return f"{self.mode}: {need} of {free} free ({self.device_type}{computed})"


def choose_memory_mode(
    model: Blueprint,
    num_frames: int,
    *,
    device: torch.device,
    free: int,
    dtypes: Sequence[torch.dtype],
) -> MemoryChoice:
    """The fastest mode whose need, with guidance, fits into `USABLE` of `free` bytes.

    Args:
        dtypes: that may be used, from the preferred one on.

    Raises:
        MemoryShortError: none fits.
    """
    modes = memory_modes(dtypes, device)
    for mode in modes:
        need = estimate_memory(model, num_frames, mode, device_type=device.type).peak
        if need <= free * USABLE:
            return MemoryChoice(mode, need, free, device.type)
    raise MemoryShortError(
        f"{num_frames} frames need {readable_bytes(need)} even with {modes[-1]}, but {device.type} "
        f"has {readable_bytes(free)} free, of which {USABLE:.0%} can be planned with; close other "
        "programs, take fewer frames or use the lite model."
    )


def fit_to_memory(
    pipeline: FollowYourPosePipeline, device: torch.device, num_frames: int = 8
) -> MemoryChoice:
    """Choose a mode for a pipeline that is in main memory, set it, and move it to the device.

    Raises:
        MemoryShortError: no mode fits.
    """
    free = free_memory(device)
    if device.type == "cpu":  # its weights are there already
        free += sum(p.nbytes for network in _networks(pipeline) for p in network.parameters())
    dtypes = [pipeline.unet.dtype]
    choice = choose_memory_mode(
        blueprint(pipeline), num_frames, device=device, free=free, dtypes=dtypes
    )
    set_memory_mode(pipeline, choice.mode, device)
    return choice


def set_memory_mode(
    pipeline: FollowYourPosePipeline, mode: MemoryMode, device: torch.device
) -> None:
    """Put the pipeline into this mode, whatever mode it was in, and on this device.

    Raises:
        ValueError: tiling with an autoencoder that has none.
    """
    if mode.tiling:
        set_tiling(pipeline.vae, pipeline.unet.config.sample_size)
    elif hasattr(pipeline.vae, "disable_tiling"):
        pipeline.vae.disable_tiling()
    pipeline.frames_decoded_at_once = 1 if mode.slicing else FRAMES_AT_ONCE
    pipeline.branches_together = not mode.in_turn
    set_chunking(pipeline.unet, mode.chunking)
    pipeline.remove_all_hooks()
    pipeline._all_hooks = []
    for network in _networks(pipeline):
        if network.dtype != mode.dtype:
            network.to(mode.dtype)
    if mode.offload:
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.to(device)


def memory_mode(pipeline: FollowYourPosePipeline) -> MemoryMode:
    """The mode that a pipeline is in."""
    chunks = (m.frames_at_once for m in pipeline.unet.modules() if isinstance(m, FeedForward))
    return MemoryMode(
        pipeline.unet.dtype,
        slicing=pipeline.frames_decoded_at_once == 1,
        chunking=next(chunks, None) is not None,
        in_turn=not pipeline.branches_together,
        offload=bool(getattr(pipeline, "_all_hooks", [])),
        tiling=getattr(pipeline.vae, "use_tiling", False),
    )


def free_memory(device: torch.device) -> int:
    """Bytes that can be taken on a device; Apple's GPUs share the main memory."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    import psutil

    return int(psutil.virtual_memory().available)


def _networks(pipeline: FollowYourPosePipeline) -> tuple[Any, ...]:
    return pipeline.unet, pipeline.pose_encoder, pipeline.vae, pipeline.text_encoder
