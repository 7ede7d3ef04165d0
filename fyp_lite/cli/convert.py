"""Convert the published Follow Your Pose model to a folder that loads in seconds.

Sources are folders, or owner/name@revision on the hub; see docs/full_model.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fyp_lite.full.convert import DTYPES, convert_full, full_folder
from fyp_lite.full.sources import FOLLOW_YOUR_POSE, STABLE_DIFFUSION, FullSources

USAGE = "[options]"


def run(options: argparse.Namespace) -> None:
    """Convert what the options say. Raises CheckpointError as `convert_full` does."""
    sources = FullSources(
        stable_diffusion=options.stable_diffusion,
        follow_your_pose=options.follow_your_pose,
        base=options.base,
        loras=tuple(_read_lora(text) for text in options.lora),
    )
    convert_full(options.out, sources, dtype=DTYPES[options.dtype], download=options.download)


def add_options(parser: argparse.ArgumentParser) -> None:
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


def _read_lora(text: str) -> tuple[str, float]:
    """ "style.safetensors:0.8" to its parts; without a scale it is 1."""
    name, _, scale = text.rpartition(":")
    try:
        return name, float(scale)
    except ValueError:  # not a number after the colon, or a colon of a Windows drive
        return text, 1.0
