"""Weights: the bundled lite model, and the full one that was made from the published files."""

from __future__ import annotations

import json
import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors import safe_open

import fyp_lite.model.vae  # noqa: F401  diffusers finds classes only in modules already imported
from fyp_lite.hashes import CheckpointError, damage_named, verify_hashes
from fyp_lite.memory import MemoryMode, fit_to_memory
from fyp_lite.network_config import read_config
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.published import (
    from_published_keys,
    load_published,
    networks_from_published_config,
    to_published_keys,
)

__all__ = [
    "WEIGHTS",
    "CheckpointError",
    "best_device",
    "best_dtype",
    "from_published_keys",
    "load_pipeline",
    "load_published",
    "networks_from_published_config",
    "to_published_keys",
]

logger = logging.getLogger(__name__)

WEIGHTS = Path(__file__).parent / "weights"
LIBRARIES = ("fyp_lite", "diffusers", "transformers")  # that a model's parts may be of
PARTS = {  # of a model, with the file that each is built from
    "vae": "config.json",
    "text_encoder": "config.json",
    "tokenizer": "",  # whose own reader is asked
    "unet": "config.json",
    "pose_encoder": "config.json",
    "scheduler": "scheduler_config.json",
}
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
        from fyp_lite.convert import convert_full, full_folder  # imports what only it needs

        folder = full_folder()
        return folder if is_model_folder(folder) else convert_full(folder, download=download)
    if not is_model_folder(Path(model)):
        raise CheckpointError(
            f"{str(model)!r:.80} is neither 'lite' nor a folder with a model_index.json; give "
            "'lite', 'full' or a folder that fyp-lite convert or save_pretrained wrote."
        )
    return Path(model)


def is_model_folder(folder: Path) -> bool:
    return os.path.isfile(folder / "model_index.json")  # False also for what can be no name


def check_model_index(folder: Path) -> dict[str, Any]:
    """The class of each part; refuses an index that would load anything but the three libraries'.

    An index names a Python module for each part; the folder itself may hold some, and those are
    code of whoever made it. Raises CheckpointError.
    """
    path = folder / "model_index.json"
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        parts = {name: value for name, value in index.items() if isinstance(value, list)}
        classes = {name: (str(library), str(kind)) for name, (library, kind) in parts.items()}
        fits = index["_class_name"] == FollowYourPosePipeline.__name__ and set(PARTS) <= set(parts)
    except (ValueError, AttributeError, KeyError, RecursionError):
        fits = False
    if not fits:
        raise CheckpointError(
            f"{path} is not the index of a model: make or download the folder again."
        )
    found: dict[str, Any] = {}
    for name, (library, kind) in classes.items():
        if library.split(".")[0] not in LIBRARIES or (folder / library).exists():
            raise CheckpointError(
                f"{path} takes {name} from {library!r:.60}, and only {', '.join(LIBRARIES)} are "
                "loaded: get the model from whom you trust."
            )
        part = found[name] = find_class(library, kind)
        if part is None:
            raise CheckpointError(
                f"{path} takes {name} from {library!r:.60} as {kind!r:.60}, which is not there: "
                "get the model again, or install the version that it was saved with."
            )
        config = folder / name / PARTS.get(name, "")
        if config.is_file():
            read_config(config, getattr(part, "config_class", None) or part)
    return found


def find_class(library: str, name: str) -> type | None:
    """A class of one of the three libraries, None where there is none of that name."""
    try:
        found = getattr(import_module(library), name, None)
    except ModuleNotFoundError:
        return None
    return found if isinstance(found, type) else None


def check_weights(pipeline: FollowYourPosePipeline, folder: Path) -> None:
    """Refuse networks of which the folder lacks a tensor, or holds one that is no number.

    The libraries fill in what is missing with random numbers. Raises CheckpointError.
    """
    for name in ("vae", "text_encoder", "unet", "pose_encoder"):
        network = getattr(pipeline, name)
        missing = set(network.state_dict())
        for path in (folder / name).glob("*.safetensors"):
            with safe_open(path, "pt") as file:
                missing -= set(file.keys())
        if missing:
            raise CheckpointError(
                f"The weights of {name} in {folder} lack {len(missing)} tensors, such as "
                f"{min(missing)}: make or download the folder again."
            )
        for key, value in network.named_parameters():
            if not value.isfinite().all():
                raise CheckpointError(
                    f"{key} of {name} in {folder} holds numbers that are infinite or not a number: "
                    "make or download the folder again."
                )


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
