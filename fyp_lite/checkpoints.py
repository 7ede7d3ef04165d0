"""Weights: the bundled lite model, and the published checkpoint through an explicit key map."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from torch import Tensor

import fyp_lite.model.vae  # noqa: F401  diffusers finds classes only in modules already imported
from fyp_lite.hashes import CheckpointError, verify_hashes
from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.unet import FollowYourPoseUNet
from fyp_lite.pipeline import FollowYourPosePipeline

WEIGHTS = Path(__file__).parent / "weights"

# The published file keeps the pose encoder inside the UNet and numbers its parts; all other names
# are Stable Diffusion's and stay.
POSE_ENCODER_PREFIX = "skeleton_adapter."
POSE_ENCODER_NAMES = {"body.": "blocks.", ".block1.": ".conv1.", ".block2.": ".conv2."}


def load_pipeline(
    model: str | Path = "lite",
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> FollowYourPosePipeline:
    """The pipeline with its weights, ready to sample.

    Args:
        model: "lite" for the bundled model, or a folder that `save_pretrained` wrote.
        device: None chooses CUDA, then Apple's GPU, then the CPU.
        dtype: None chooses what is fastest on the device.

    Raises:
        CheckpointError: no such folder, or bundled weights that are damaged.
    """
    if model == "lite":
        folder = WEIGHTS / "lite"
        verify_hashes(folder)
    else:
        folder = Path(model)
        if not (folder / "model_index.json").is_file():
            raise CheckpointError(
                f"{str(model)!r} is neither 'lite' nor a folder with a model_index.json; give "
                "'lite' or a folder that save_pretrained wrote."
            )
    device = best_device() if device is None else torch.device(device)
    dtype = best_dtype(device) if dtype is None else dtype
    with quiet_loading(), warnings.catch_warnings():
        # Newer diffusers call this argument `dtype`; older ones do not know that name.
        warnings.filterwarnings("ignore", "`torch_dtype` is deprecated", FutureWarning)
        pipeline = FollowYourPosePipeline.from_pretrained(folder, torch_dtype=dtype)
    for network in (pipeline.unet, pipeline.pose_encoder, pipeline.vae):
        network.to(memory_format=torch.channels_last)
    return pipeline.to(device)


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Without the progress bars of a load that takes a second."""
    libraries = [diffusers.utils.logging, transformers.utils.logging]
    shown = [library.is_progress_bar_enabled() for library in libraries]
    for library in libraries:
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library, was_shown in zip(libraries, shown, strict=True):
            if was_shown:
                library.enable_progress_bar()


def best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


@cache
def best_dtype(device: torch.device) -> torch.dtype:
    """float16 on a GPU; on a CPU bfloat16 where a short probe finds it faster than float32.

    bfloat16 is fast on recent server processors and crawls on others.
    """
    if device.type != "cpu":
        return torch.float16
    seconds: dict[torch.dtype, float] = {}
    for dtype in (torch.float32, torch.bfloat16):
        conv = torch.nn.Conv2d(96, 96, 3, padding=1, dtype=dtype)
        conv.to(memory_format=torch.channels_last)
        frames = torch.zeros(16, 96, 16, 16, dtype=dtype)
        frames = frames.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            conv(frames)
            began = time.perf_counter()
            while (elapsed := time.perf_counter() - began) < 0.1:
                conv(frames)
                seconds[dtype] = min(seconds.get(dtype, 1.0), time.perf_counter() - began - elapsed)
    return min(seconds, key=lambda dtype: seconds[dtype])


def from_published_keys(state_dict: dict[str, Tensor]) -> tuple[dict, dict]:
    """Split a published state dict into those of our UNet and our pose encoder."""
    unet, pose_encoder = {}, {}
    for key, value in state_dict.items():
        if key.startswith(POSE_ENCODER_PREFIX):
            key = key.removeprefix(POSE_ENCODER_PREFIX)
            for published, ours in POSE_ENCODER_NAMES.items():
                key = key.replace(published, ours)
            pose_encoder[key] = value
        else:
            unet[key] = value
    return unet, pose_encoder


def to_published_keys(unet: dict[str, Any], pose_encoder: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `from_published_keys`."""
    published = dict(unet)
    for key, value in pose_encoder.items():
        for theirs, ours in POSE_ENCODER_NAMES.items():
            key = key.replace(ours, theirs)
        published[POSE_ENCODER_PREFIX + key] = value
    return published


def networks_from_published_config(
    config: dict[str, Any],
) -> tuple[FollowYourPoseUNet, PoseEncoder]:
    """Both networks, with random weights, for a configuration in the published form."""
    widths = tuple(config["block_out_channels"])
    unet = FollowYourPoseUNet(
        sample_size=config["sample_size"],
        in_channels=config["in_channels"],
        out_channels=config["out_channels"],
        block_out_channels=widths,
        attention_levels=tuple("CrossAttn" in name for name in config["down_block_types"]),
        layers_per_block=config["layers_per_block"],
        # Published as `attention_head_dim`, but it is the number of heads.
        num_attention_heads=config["attention_head_dim"],
        cross_attention_dim=config["cross_attention_dim"],
        norm_num_groups=config["norm_num_groups"],
        norm_eps=config["norm_eps"],
    )
    return unet, PoseEncoder(block_out_channels=widths)


def load_published(
    state_dict: dict[str, Tensor], config: dict[str, Any]
) -> tuple[FollowYourPoseUNet, PoseEncoder]:
    """Our networks with published weights; every tensor is used and none is missing.

    Args:
        state_dict: the published network's parameters under their published names.
        config: the published UNet configuration (`block_out_channels`, `down_block_types`, ...).

    Raises:
        CheckpointError: a tensor is missing, left over or of another shape.
    """
    networks = networks_from_published_config(config)
    for network, part in zip(networks, from_published_keys(state_dict), strict=True):
        load_strictly(network, part)
    return networks


def load_strictly(network: Any, state_dict: dict[str, Tensor]) -> None:
    """`load_state_dict(strict=True)` with the first difference in one sentence."""
    name = type(network).__name__
    ours = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    theirs = {key: tuple(value.shape) for key, value in state_dict.items()}
    missing = sorted(ours.keys() - theirs.keys())
    left_over = sorted(theirs.keys() - ours.keys())
    changed = sorted(key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key])
    if missing or left_over or changed:
        detail = (
            [f"{key} is missing" for key in missing[:1]]
            + [f"{key} is not a part of it" for key in left_over[:1]]
            + [f"{key} is {theirs[key]} instead of {ours[key]}" for key in changed[:1]]
        )
        raise CheckpointError(
            f"These weights do not fit {name}: {len(missing)} tensors missing, {len(left_over)} "
            f"left over, {len(changed)} of another shape ({'; '.join(detail)}). "
            "Load weights that were saved for the same configuration."
        )
    network.load_state_dict(state_dict)
