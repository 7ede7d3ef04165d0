"""Weights: the bundled lite model, and the full one that was made from the published files."""

from __future__ import annotations

import logging
import time
import warnings
from functools import cache
from pathlib import Path

import torch

import fyp_lite.model.vae  # noqa: F401  diffusers finds classes only in modules already imported
from fyp_lite.files.hashes import CheckpointError, damage_named, verify_hashes
from fyp_lite.full.memory import MemoryMode, fit_to_memory
from fyp_lite.model_folder import (
    WEIGHTS,
    check_model_index,
    check_weights,
    is_model_folder,
    quiet_loading,
)
from fyp_lite.pipeline import FollowYourPosePipeline

logger = logging.getLogger(__name__)

LARGE = 100_000_000  # parameters of a UNet that need not fit the memory as it is


def load_pipeline(
    model: str | Path = "lite",
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    download: bool = False,
) -> FollowYourPosePipeline:
    """The pipeline with its weights, ready to sample.

    A large model is fitted to the free memory. The log (of the module's name) says how: as a
    warning where a slower mode had to be chosen.

    Args:
        model: "lite" for the bundled model, "full" for the published one, or a folder that
            `fyp-lite convert` or `save_pretrained` wrote. The first time, "full" converts the
            published files, which the hub's cache must have; see docs/full_model.md.
        device: None chooses CUDA, then Apple's GPU, then the CPU.
        dtype: None chooses what is fastest on the device.
        download: let "full" fetch what it lacks, after it has said how much that is.

    Raises:
        CheckpointError: no such folder, weights that are damaged, or published files that are not
            here.
        MemoryShortError: a large model, for which no memory mode is frugal enough.
    """
    folder = find_weights(model, download)
    device = best_device() if device is None else torch.device(device)
    dtype = best_dtype(device) if dtype is None else dtype
    with quiet_loading(), warnings.catch_warnings():
        # Newer diffusers call this argument `dtype`; older ones do not know that name.
        warnings.filterwarnings("ignore", "`torch_dtype` is deprecated", FutureWarning)
        classes = check_model_index(folder)
        with damage_named(f"The tokenizer in {folder}", (Exception,)):
            tokenizer = classes["tokenizer"].from_pretrained(folder / "tokenizer")
        with damage_named(f"The model in {folder}"):
            pipeline = FollowYourPosePipeline.from_pretrained(
                folder, tokenizer=tokenizer, torch_dtype=dtype, use_safetensors=True
            )
            if model != "lite":  # whose files have just been compared with their hashes
                check_weights(pipeline, folder)
    for network in (pipeline.unet, pipeline.pose_encoder, pipeline.vae):
        network.to(memory_format=torch.channels_last)
    if pipeline.unet.num_parameters() < LARGE:
        return pipeline.to(device)
    choice = fit_to_memory(pipeline, device)
    slower = choice.mode != MemoryMode(dtype)
    logger.log(logging.WARNING if slower else logging.INFO, "%s", choice)
    return pipeline


def find_weights(model: str | Path, download: bool) -> Path:
    """The folder of a model's weights; see `load_pipeline`."""
    if model == "lite":
        verify_hashes(WEIGHTS / "lite")
        return WEIGHTS / "lite"
    if model == "full":
        from fyp_lite.full.convert import convert_full, full_folder  # imports what only it needs

        folder = full_folder()
        return folder if is_model_folder(folder) else convert_full(folder, download=download)
    if not is_model_folder(Path(model)):
        raise CheckpointError(
            f"{str(model)!r:.80} is neither 'lite' nor a folder with a model_index.json; give "
            "'lite', 'full' or a folder that fyp-lite convert or save_pretrained wrote."
        )
    return Path(model)


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
