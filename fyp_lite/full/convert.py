"""Convert the published files once to a folder that loads in seconds: `fyp-lite convert`.

The folder has diffusers' layout with safetensors, what it was made from (`sources.json`) and the
SHA-256 of every file (`hashes.json`). It gets its name last: nothing unfinished ever bears it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from fyp_lite import __version__, cache_dir
from fyp_lite.cli.options import Parser
from fyp_lite.files.hashes import CheckpointError, damage_named, file_hash, write_hashes
from fyp_lite.files.writing import file_path, written_whole
from fyp_lite.full.hub import LocalFiles
from fyp_lite.full.sources import (
    FOLLOW_YOUR_POSE,
    STABLE_DIFFUSION,
    FullSources,
    assemble,
    check_room,
    find_files,
)
from fyp_lite.loading import quiet_loading

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
    with damage_named("One of the published files"):
        pipeline = assemble(files, sources, dtype)
    out.parent.mkdir(parents=True, exist_ok=True)
    networks = (pipeline.unet, pipeline.pose_encoder, pipeline.text_encoder, pipeline.vae)
    need = sum(p.nbytes for network in networks for p in network.parameters())
    check_room(out.parent, need, "the converted model", "choose a folder on another disk")
    with written_whole(out) as unfinished:
        with quiet_loading():
            pipeline.save_pretrained(unfinished)
        record = _record(files, sources, dtype)
        (unfinished / "sources.json").write_text(json.dumps(record, indent=1) + "\n")
        (unfinished / "README.md").write_text(CARD, encoding="utf-8")
        write_hashes(unfinished)
    say(f"The full model is in {out}.")
    return out


def convert_command(arguments: list[str]) -> int:
    """`fyp-lite convert ...`; returns the exit code.

    Raises:
        CheckpointError: see `convert_full`.
    """
    options = _build_parser().parse_args(arguments)
    sources = FullSources(
        stable_diffusion=options.stable_diffusion,
        follow_your_pose=options.follow_your_pose,
        base=options.base,
        loras=tuple(_read_lora(text) for text in options.lora),
    )
    convert_full(options.out, sources, dtype=DTYPES[options.dtype], download=options.download)
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fyp-lite convert",
        description="Convert the published Follow Your Pose model to a folder that loads in "
        "seconds. Sources are folders, or owner/name@revision on the hub; see docs/full_model.md.",
    )
    add = parser.add_argument
    add("--download", action="store_true", help="fetch what is missing, after saying how much")
    add("--out", type=Path, metavar="FOLDER", help=f"default: {full_folder()}")
    add(
        "--stable-diffusion",
        default=STABLE_DIFFUSION,
        metavar="SOURCE",
        help="Stable Diffusion 1.4 in diffusers' layout (default: %(default)s)",
    )
    add(
        "--follow-your-pose",
        default=FOLLOW_YOUR_POSE,
        metavar="SOURCE",
        help="the published checkpoint (default: %(default)s)",
    )
    add(
        "--base",
        default="",
        metavar="SOURCE",
        help="another Stable Diffusion 1.x in its place: diffusers' layout, or a single file",
    )
    add(
        "--lora",
        action="append",
        default=[],
        metavar="FILE[:SCALE]",
        help="add a LoRA to the weights; may be given again",
    )
    add("--dtype", choices=DTYPES, default="float16", help="of the weights (default: %(default)s)")
    return parser


def _read_lora(text: str) -> tuple[str, float]:
    """ "style.safetensors:0.8" to its parts; the scale is 1 where there is none."""
    name, _, scale = text.rpartition(":")
    try:
        return name, float(scale)
    except ValueError:  # no number after the colon, or a colon of a Windows drive
        return text, 1.0


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
