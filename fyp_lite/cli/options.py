"""What the command line's options are called, and the parser that all its commands share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NoReturn

from fyp_lite.text import nearest_name, one_line

# Options and the fields of the settings that they set.
CLIP_OPTIONS = {
    "start_frame": "temporal crop offset: frames to skip",
    "frame_stride": "sampling stride: take every N-th frame",
    "num_frames": "frames of the result; cost follows it",
    "crop_left": "spatial crop, in pixels of a short side of 512",
    "crop_right": "the same on the right",
    "crop_top": "the same at the top",
    "crop_bottom": "the same at the bottom",
    "pad": "auto adds black where a square cuts people, or none",
}
SAMPLE_OPTIONS = {
    "num_inference_steps": "more steps are finer, at linear cost",
    "guidance_scale": "CFG scale: the pull of the prompt",
    "eta": "0 is DDIM, 1 adds as much noise as DDPM",
    "seed": "the same seed gives the same video",
    "guidance_start": "guidance works from this share of the run",
    "guidance_end": "to this one; other steps cost half",
    "pose_strength": "0 ignores the skeleton, 1 is as trained",
    "pose_start": "the pose works from this share of the run",
    "pose_end": "to this one",
    "scheduler": "ddim, or for few steps dpm++ or unipc",
}
FLAGS = {"num_inference_steps": "--steps"}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence and whose help keeps its examples as they are."""

    def __init__(self, prog: str, description: str, usage: str | None = None) -> None:
        super().__init__(prog, usage, description, formatter_class=_Help)

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


class _Help(argparse.RawDescriptionHelpFormatter):
    """One line an option, as far as the terminal is wide enough."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26)


def add_raw_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--input-type",
        default=default,
        metavar="TYPE",
        help="raw, skeleton, or auto: look at the clip [auto]",
    )
    parser.add_argument(
        "--backend",
        default=default,
        metavar="NAME",
        help="finds people: mediapipe, openpose, cartoon [auto]",
    )
    parser.add_argument(
        "--max-people",
        type=int,
        default=None if default is None else 3,
        metavar="N",
        help="how many people are kept, the largest [3]",
    )


def add_redraw_option(parser: argparse.ArgumentParser, default: bool | None) -> None:
    parser.add_argument(
        "--redraw",
        action="store_true",
        default=default,
        help="draw skeletons in other colours or on white again",
    )


def add_setting_options(group: Any, settings: type, options: dict[str, str]) -> None:
    """One option per field; without it the field keeps the file's value or its default."""
    defaults = {field.name: field.default for field in fields(settings)}
    for name, text in options.items():
        default = defaults[name]
        kind = float if default is None else type(default)
        shown = "the model's" if default is None else default
        group.add_argument(
            FLAGS.get(name, "--" + name.replace("_", "-")),
            dest=name,
            type=kind,
            metavar={int: "N", float: "X", str: "NAME"}[kind],
            help=f"{text} [{shown}]",
        )


def read_options(
    arguments: argparse.Namespace, options: dict[str, str]
) -> dict[str, int | float | str]:
    """The settings among `options` that the command line names."""
    given = {name: getattr(arguments, name) for name in options}
    return {name: value for name, value in given.items() if value is not None}
