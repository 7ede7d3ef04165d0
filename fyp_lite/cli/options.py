"""What the command line's options are called, and the parsers of its commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from fyp_lite.settings import ClipSettings, SampleSettings, nearest_name, one_line

# Options and the fields of the settings that they set.
CLIP_OPTIONS = {
    "start_frame": "temporal crop offset: frames to skip at the clip's beginning",
    "frame_stride": "sampling stride: 1 takes every frame, 2 every other one",
    "num_frames": "frames of the result; cost follows it",
    "crop_left": "spatial crop, in pixels of the clip resized to a short side of 512",
    "crop_right": "the same on the right",
    "crop_top": "the same at the top",
    "crop_bottom": "the same at the bottom",
    "pad": "auto adds black to frames whose largest square would cut people off, none cuts",
}
SAMPLE_OPTIONS = {
    "num_inference_steps": "steps: more are finer, cost is linear",
    "guidance_scale": "CFG scale: how strongly the prompt leads; 1 is no guidance",
    "eta": "0 is DDIM, 1 adds as much noise as DDPM",
    "seed": "the same seed gives the same video",
    "guidance_start": "guidance begins after this part of the run, 0 to 1",
    "guidance_end": "guidance ends after this part of the run; a step without it costs half",
    "scheduler": "ddim, or for few steps dpm++ or unipc",
}
FLAGS = {"num_inference_steps": "--steps"}
SWEEP_EPILOG = """examples:
  fyp-lite sweep "a panda on the sea" --clip dance --vary seed=0,1,2 --vary guidance_scale=1,3 \\
           --out sweep
  fyp-lite sweep --prompts-file prompts.txt --clip dance --clip walk --steps 10 --workers 2 \\
           --out batch

index.csv in the folder says which files belong to which values. Where at most two things vary,
grid.png shows all videos on one sheet."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def parse_args(  # type: ignore[override]  # of its overloads, only this one is used
        self, args: Sequence[str] | None = None, namespace: None = None
    ) -> argparse.Namespace:
        known, unknown = self.parse_known_args(args, namespace)
        if not unknown:
            return known
        first = unknown[0].partition("=")[0]
        if not first.startswith("-"):
            self.error(f"there is a word too many, {first!r}: put quotes around a whole prompt")
        options = [option.lstrip("-") for option in self._option_string_actions]
        near = nearest_name(first.lstrip("-"), options)
        self.error(f"there is no option {first}" + (f" (did you mean --{near}?)" if near else ""))

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {one_line(message)}; see {self.prog} --help.\n")


def build_skeleton_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fyp-lite skeleton",
        description="Find the people of a raw video: as a skeleton video, as keypoints, or both.",
    )
    parser.add_argument("clip", metavar="FILE", help="raw video (mp4, gif, webm, ...)")
    parser.add_argument("--out", metavar="FILE", help="skeleton video: .mp4")
    parser.add_argument("--keypoints", metavar="FILE", help="keypoints: .json")
    add_raw_options(parser, default="auto")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="the backend's own files")
    parser.add_argument(
        "--max-people", type=int, default=3, metavar="N", help="how many are kept (default: 3)"
    )
    for name, flag, text in (
        ("track", "--no-tracking", "take people in the order in which each frame gives them"),
        ("fill_gaps", "--no-filling", "leave joints missing that are missing for a moment"),
        ("smooth", "--no-smoothing", "leave the jitter in"),
        ("cache", "--no-cache", "neither use nor keep what was found before"),
    ):
        parser.add_argument(flag, dest=name, action="store_false", help=text)
    return parser


def build_sweep_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fyp-lite sweep",
        description="One video for each combination of clips, prompts and values. Each is stored "
        "with its run card as soon as it is finished; run the same command again to go on after an "
        "interruption.",
        epilog=SWEEP_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("prompts", nargs="*", metavar="PROMPT", help="one sentence or several, each in quotes")
    add("--prompts-file", metavar="FILE", help="a text file with a prompt in each line")
    add(
        *("--clip", "-c"),
        action="append",
        default=[],
        metavar="FILE",
        help="skeleton video, raw video, keypoints or a bundled clip's name; may be given again",
    )
    add(
        "--vary",
        action="append",
        default=[],
        metavar="NAME=V,V",
        help="values of a setting, with commas between; may be given again",
    )
    add("--out", metavar="FOLDER", help="where the videos are stored")
    add("--negative-prompt", default="", metavar="TEXT", help="what to lead away from")
    add("--model", default="lite", help="'lite' (bundled), 'full' or a folder of either")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=int, metavar="N", help="worker processes on this machine, by Dask"
    )
    where.add_argument("--cluster", metavar="ADDRESS", help="of a Dask cluster: tcp://node7:8786")
    add_raw_options(parser, default="auto")
    add_options(parser.add_argument_group("time and space"), ClipSettings, CLIP_OPTIONS)
    add_options(parser.add_argument_group("sampling"), SampleSettings, SAMPLE_OPTIONS)
    return parser


def add_raw_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--input-type",
        default=default,
        metavar="TYPE",
        help="raw, skeleton, or auto: look at the clip (default: auto)",
    )
    parser.add_argument(
        "--backend",
        default=default,
        metavar="NAME",
        help="what finds people: mediapipe, openpose, cartoon or auto (default: auto)",
    )


def add_options(group: Any, settings: type, options: dict[str, str]) -> None:
    """One option per field; without it the field keeps the file's value or its default."""
    defaults = {field.name: field.default for field in fields(settings)}
    for name, text in options.items():
        default = defaults[name]
        kind = float if default is None else type(default)
        shown = "the model's own" if default is None else default
        group.add_argument(
            FLAGS.get(name, "--" + name.replace("_", "-")),
            dest=name,
            type=kind,
            metavar={int: "N", float: "X", str: "NAME"}[kind],
            help=f"{text} (default: {shown})",
        )


def read_options(
    arguments: argparse.Namespace, options: dict[str, str]
) -> dict[str, int | float | str]:
    """The settings among `options` that the command line names."""
    given = {name: getattr(arguments, name) for name in options}
    return {name: value for name, value in given.items() if value is not None}
