"""A training stage run inside a notebook: its pace, its progress, and what happens if it stops."""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from IPython.display import DisplayHandle, Markdown
from torch import nn

from fyp_world.training.batches import MakeBatch
from fyp_world.training.checkpoints import load_average
from fyp_world.training.log import LogLine
from fyp_world.training.loop import train
from fyp_world.training.options import Options

PACE_STEPS = 5


def options_for(
    out: Path, minutes: float, batch_size: int, learning_rate: float, steps: int | None = None
) -> Options:
    """The options of a stage's command, for a run inside a notebook; `steps` replace `minutes`."""
    return Options(
        data=Path(),
        out=out,
        minutes=minutes,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=0,
        save_minutes=0.5,
        init=None,
    )


class TrainingStoppedError(Exception):
    """A stage is not finished, so what follows must not run. Notebooks show the sentence alone."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [str(self)]


def check_minutes(minutes: float) -> None:
    """Refuse minutes in which nothing can be trained. Raises TrainingStoppedError."""
    if not isinstance(minutes, int | float) or not 0 < minutes < float("inf"):
        raise TrainingStoppedError(
            f"MINUTES is {minutes!r}, but training needs a number above 0: write MINUTES = 5, say."
        )


def measured_pace(stage: nn.Module, make_batch: MakeBatch, options: Options) -> tuple[float, str]:
    """Train a copy of a stage for a moment: steps a minute, and the dtype they are made in."""
    times: list[float] = []
    dtypes: list[str] = []

    def note(line: LogLine) -> None:
        times.append(time.perf_counter())
        if "dtype" in line:
            dtypes.append(str(line["dtype"]))

    with TemporaryDirectory() as folder:
        trial = replace(options, out=Path(folder), steps=PACE_STEPS)
        train(deepcopy(stage), make_batch, trial, on_log=note)
    first, last = times[1], times[-1]  # after the first step, which gets things ready
    return 60 * (PACE_STEPS - 1) / (last - first), dtypes[0]


def train_here(title: str, stage: nn.Module, make_batch: MakeBatch, options: Options) -> None:
    """`training.loop.train` with one line of progress that is kept up to date.

    A run that was interrupted resumes from its last checkpoint.

    Raises:
        TrainingStoppedError: the kernel was interrupted.
    """
    line = ProgressLine(title, options)
    try:
        train(stage, make_batch, options, on_log=line.show)
    except KeyboardInterrupt:
        raise TrainingStoppedError(
            f"“{title}” was stopped at step {line.step}. Run this cell again: it resumes from "
            f"step {saved_step(options.out)}."
        ) from None
    stage.eval()


def saved_step(out: Path) -> int:
    """The step of a run's checkpoint, 0 without one."""
    path = out / "checkpoint.pt"
    return torch.load(path, weights_only=True, mmap=True)["step"] if path.exists() else 0


def start_from(stage: nn.Module, title: str, run: Path) -> None:
    """Fill a stage with what the stage before it has learned.

    Raises:
        TrainingStoppedError: the run of the stage before, called `title`, is not finished.
    """
    path = run / "checkpoint.pt"
    if not path.exists() or not torch.load(path, weights_only=True, mmap=True)["finished"]:
        raise TrainingStoppedError(
            f"“{title}” is not finished, and this stage starts from it: run its cell again, it "
            f"resumes from step {saved_step(run)}."
        )
    load_average(stage, run)


class ProgressLine:
    """The last line of a stage's log, in words."""

    def __init__(self, title: str, options: Options) -> None:
        self.title, self.options = title, options
        self.step, self.dtype = 0, ""
        self.line = DisplayHandle()
        self.line.display(Markdown(f"**{title}**: getting ready"))

    def show(self, line: LogLine) -> None:
        self.step, options = int(line["step"]), self.options
        if "dtype" in line:
            self.dtype = f"in {line['dtype']}"
            if self.step:
                self.dtype += f", resumed from step {self.step}"
            words = f"step {self.step}"
        elif options.steps:
            words = f"step {self.step} of {options.steps}, loss {line['loss']:.4f}"
        else:
            words = (
                f"step {self.step}, {line['minutes']:.1f} of {options.minutes:.1f} minutes, loss "
                f"{line['loss']:.4f}"
            )
        self.line.update(Markdown(f"**{self.title}**: {words}, {self.dtype}"))
