"""Checks of a folder of weights, before and after its networks are loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import diffusers
import transformers
from safetensors import safe_open

from fyp_lite.files.hashes import CheckpointError
from fyp_lite.network_config import read_config
from fyp_lite.pipeline import FollowYourPosePipeline

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
    """Refuse networks of which the folder lacks a tensor, or has one with infinite or NaN values.

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
