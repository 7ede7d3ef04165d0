"""Convert the published files once to a folder that loads in seconds: `fyp-lite convert`.

The folder has diffusers' layout with safetensors, what it was made from (`sources.json`) and the
SHA-256 of every file (`hashes.json`). It gets its name last: nothing unfinished ever bears it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from fyp_lite.files.hashes import CheckpointError, file_hash, write_hashes
from fyp_lite.files.writing import file_path, written_whole
from fyp_lite.folders import cache_dir
from fyp_lite.full.hub import LocalFiles
from fyp_lite.full.sources import (
    FullSources,
    assemble,
    check_room,
    find_files,
)
from fyp_lite.model_folder import quiet_loading
from fyp_lite.version import __version__

DTYPES = {"float16": torch.float16, "float32": torch.float32}
CARD = """# Follow Your Pose, converted for fyp_lite

Made by `fyp-lite convert` from the files in `sources.json`; it keeps their licences. Stable
Diffusion 1.4 is under the CreativeML OpenRAIL-M licence, which restricts what it may be used for
and goes along with every copy: https://huggingface.co/CompVis/stable-diffusion-v1-4. For the
others see their own pages.
"""


def full_folder() -> Path:
    """Where the full model is kept; the environment variable FYP_LITE_HOME moves it."""
    return cache_dir() / "full"


def convert_full(
    out: Path | None = None,
    sources: FullSources | None = None,
    *,
    dtype: torch.dtype = torch.float16,
    download: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Make the full model's folder; returns it.

    Args:
        out: the folder, which must not be there yet; None for the one that "full" is loaded from.
        sources: what to make it from; None for the published files on the hub.
        dtype: of the weights.
        download: fetch what is not on this machine, after `say` was given how much it is.
        say: takes one line at a time.

    Raises:
        CheckpointError: `out` is there, the disk is full, or the files are missing or damaged.
    """
    out = full_folder() if out is None else file_path(out)
    sources = sources or FullSources()
    if out.exists():
        raise CheckpointError(
            f"{out} is there already: load it, delete it, or choose another folder."
        )
    files = find_files(sources, download=download, say=say)
    say("Converting, once; this takes a few minutes.")
    pipeline = assemble(files, sources, dtype)
    out.parent.mkdir(parents=True, exist_ok=True)
    networks = (pipeline.unet, pipeline.pose_encoder, pipeline.text_encoder, pipeline.vae)
    need = sum(p.nbytes for network in networks for p in network.parameters())
    check_room(out.parent, need, "the converted model", "choose a folder on another disk")
    with written_whole(out) as unfinished:
        with quiet_loading():
            pipeline.save_pretrained(unfinished)
        record = _record(files, sources, dtype)
        (unfinished / "sources.json").write_text(
            json.dumps(record, indent=1) + "\n", encoding="utf-8"
        )
        (unfinished / "README.md").write_text(CARD, encoding="utf-8")
        write_hashes(unfinished)
    say(f"The full model is in {out}.")
    return out


def _record(
    files: dict[str, LocalFiles], sources: FullSources, dtype: torch.dtype
) -> dict[str, Any]:
    """What a folder was made from: names, commits and hashes, never a place on this machine."""
    single = [sources.base_file] if sources.base_file else []
    loras = [(file_path(name), scale) for name, scale in sources.loras]
    return {
        "fyp_lite": __version__,
        "dtype": str(dtype).removeprefix("torch."),
        "sources": {
            part: {
                "name": source.name,
                "commit": source.commit,
                "files": {name: file_hash(source.folder / name) for name in source.files},
            }
            for part, source in files.items()
        },
        "base_file": {path.name: file_hash(path) for path in single},
        "loras": [
            {"name": path.name, "sha256": file_hash(path), "scale": scale} for path, scale in loras
        ],
    }
