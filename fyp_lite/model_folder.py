"""Checks of a folder of weights, before and after its networks are loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import diffusers
import transformers
from safetensors import safe_open

from fyp_lite.files.hashes import CheckpointError, damage_named
from fyp_lite.pipeline import FollowYourPosePipeline

WEIGHTS = Path(__file__).parent / "weights"
LIBRARIES = ("fyp_lite", "diffusers", "transformers")  # that a model's parts may be of
MOST_LAYERS, MOST_NUMBER = 100, 1_000_000  # in a network's configuration


def is_model_folder(folder: Path) -> bool:
    return os.path.isfile(folder / "model_index.json")  # False also for what can be no name


def check_model_index(folder: Path) -> None:
    """Refuse a folder whose index would load anything but networks of the three libraries.

    An index names a Python module for each part; the folder itself may hold some, and those are
    code of whoever made it. Raises CheckpointError.
    """
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        parts = {name: value for name, value in index.items() if isinstance(value, list)}
        libraries = {name: str(library) for name, (library, _) in parts.items()}
    except (ValueError, AttributeError, RecursionError):
        raise CheckpointError(
            f"{folder / 'model_index.json'} is not the index of a model: make or download the "
            "folder again."
        ) from None
    for name, library in libraries.items():
        check_config(folder / name / "config.json")
        if library.split(".")[0] not in LIBRARIES or (folder / library).exists():
            raise CheckpointError(
                f"{folder / 'model_index.json'} takes {name} from {library!r:.60}, and only "
                f"{', '.join(LIBRARIES)} are loaded: get the model from whom you trust."
            )


def check_config(path: Path) -> None:
    """Refuse a configuration of a network so large that only building it would take for ever."""
    with damage_named(f"The configuration {path}"):
        config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        numbers = {name: value for name, value in config.items() if isinstance(value, int)}
    for name, value in numbers.items():
        most = MOST_LAYERS if "layers" in name else MOST_NUMBER
        if value > most:
            raise CheckpointError(
                f"{path} has {value!s:.20} as {name}, but at most {most} is loaded: get the model "
                "again."
            )


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
