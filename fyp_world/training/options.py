"""What can be chosen of a training stage, and its command line."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, field
from multiprocessing import get_all_start_methods
from pathlib import Path
from typing import TypeVar


@dataclass(frozen=True)
class Options:
    """Options of a stage's command."""

    data: Path
    out: Path
    minutes: float
    steps: int | None
    batch_size: int
    learning_rate: float
    seed: int
    save_minutes: float
    init: Path | None
    workers: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse what no training can use. Raises ValueError."""
        if not self.minutes > 0 or math.isinf(self.minutes):
            raise ValueError(f"minutes is {self.minutes:g}: choose more than 0.")
        for name in ("steps", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}: choose 1 or more.")


AnyOptions = TypeVar("AnyOptions", bound=Options)


def option_parser(
    description: str,
    *,
    minutes: float,
    batch_size: int,
    learning_rate: float,
    needs_data: bool = True,
) -> argparse.ArgumentParser:
    """The command line that all stages have, with this stage's defaults: the fields of Options."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    if needs_data:
        parser.add_argument(
            "--data", type=Path, required=True, help="folder made by training.cache"
        )
    else:
        parser.set_defaults(data=Path())
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and log")
    parser.add_argument("--init", type=Path, help="folder of the stage to start from")
    parser.add_argument("--minutes", type=float, default=minutes, help="training time in all")
    parser.add_argument("--steps", type=int, help="steps in all, in place of --minutes: repeatable")
    parser.add_argument("--batch-size", type=int, default=batch_size, help="per process")
    parser.add_argument("--learning-rate", type=float, default=learning_rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-minutes", type=float, default=3.0, help="between checkpoints")
    parser.add_argument(
        "--workers",
        type=workers_count,
        default=0,
        help="processes that prepare batches ahead, for a GPU that would wait for them",
    )
    return parser


def workers_count(text: str) -> int:
    """The value of `--workers`."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"it is {text!r}: give a number from 0 on.")
    if int(text) and "fork" not in get_all_start_methods():
        raise argparse.ArgumentTypeError("this system cannot fork a process: leave it at 0.")
    return int(text)


def parse_options(
    description: str,
    *,
    minutes: float,
    batch_size: int,
    learning_rate: float,
    needs_data: bool = True,
) -> Options:
    """The options of a stage that needs no others."""
    parser = option_parser(
        description,
        minutes=minutes,
        batch_size=batch_size,
        learning_rate=learning_rate,
        needs_data=needs_data,
    )
    return read_options(parser, Options)


def read_options(parser: argparse.ArgumentParser, kind: type[AnyOptions]) -> AnyOptions:
    """The command line as options of this kind; what cannot be used ends in one sentence."""
    try:
        return kind(**vars(parser.parse_args()))
    except ValueError as error:
        parser.error(str(error))
