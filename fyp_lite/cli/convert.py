"""`fyp-lite convert`: the published files to a folder that loads in seconds."""

from __future__ import annotations

import argparse
from pathlib import Path

from fyp_lite.cli.options import Parser
from fyp_lite.full.convert import DTYPES, convert_full, full_folder
from fyp_lite.full.sources import FOLLOW_YOUR_POSE, STABLE_DIFFUSION, FullSources


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
