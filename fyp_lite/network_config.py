"""The configurations of a model's parts, checked before anything is built from them."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from fyp_lite.files.hashes import CheckpointError, damage_named

MAX_NUMBER = 1_000_000
MAX_LAYERS = 100  # also the most entries of a list of widths: one for each level
LAYERS = ("layers", "blocks_per")  # what the names of such counts hold
EXAMPLES = {"trained_betas": [0.0]}  # of fields whose default does not show their kind


def read_config(
    path: Path, part: Callable[..., Any], fields: Collection[str] | None = None
) -> dict[str, Any]:
    """The configuration of a network or a scheduler, each field of the kind that `part` declares.

    Numbers are limited, in lists too: only building a network of a billion layers would take for
    ever.

    Args:
        path: a JSON file.
        part: the class whose constructor takes the fields; those that it does not know are only
            limited.
        fields: of which the kind matters; None for all.

    Raises:
        CheckpointError: not such a file, or a field of another kind or size.
    """
    parameters = inspect.signature(part).parameters
    ours = not part.__module__.startswith("transformers")  # whose own files also say null
    with damage_named(f"The configuration {path}"):  # also one that is nested without end
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise CheckpointError(f"The configuration {path} has no fields: get the model again.")
        for name, value in config.items():
            problem = _too_much(name, value)
            if name in parameters and (fields is None or name in fields):
                default = parameters[name].default
                if value is not None or (ours and default is not None):
                    problem = problem or _other_kind(name, value, EXAMPLES.get(name, default))
            if problem:
                raise CheckpointError(
                    f"The configuration {path} has {value!r:.40} as {name}, but {problem}: get the "
                    "model again."
                )
    return config


def _too_much(name: str, value: Any) -> str:
    """What is wrong with a value that is no sensible size, at any depth."""
    most = MAX_LAYERS if any(word in name for word in LAYERS) else MAX_NUMBER
    if isinstance(value, list | dict):
        if isinstance(value, list) and name.endswith("_channels") and len(value) > MAX_LAYERS:
            return f"{len(value)} entries are too many, at most {MAX_LAYERS} are loaded"
        entries = value.values() if isinstance(value, dict) else value
        return next(filter(None, (_too_much(name, entry) for entry in entries)), "")
    if isinstance(value, int | float) and not abs(value) <= most:  # nor NaN
        return f"{value!s:.20} is too much, at most {most} is loaded"
    return ""


def _other_kind(name: str, value: Any, default: Any) -> str:
    """What is wrong with a value that is of another kind than the default."""
    if default is None or default is inspect.Parameter.empty:  # anything may be right
        return ""
    if isinstance(default, list | tuple):
        if not isinstance(value, list) or not value:
            return "it must be a list with entries"
        return next(filter(None, (_other_kind(name, entry, default[0]) for entry in value)), "")
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "it must be true or false"
    if isinstance(default, str):
        return "" if isinstance(value, str) else "it must be text"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "it must be a " + ("whole number" if isinstance(default, int) else "number")
    if isinstance(default, int):
        least = 0 if name.endswith("_id") else min(default, 1)  # a token may be number 0
        if not isinstance(value, int):
            return "it must be a whole number"
        return "" if value >= least else f"it must be at least {least}"
    return "" if math.isfinite(value) else "it must be finite"
