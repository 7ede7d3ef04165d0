"""The log of a training run: JSON lines in a file, and a picture of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from matplotlib.figure import Figure
from torch import Tensor

LogLine = dict[str, float | str]
OnLog = Callable[[LogLine], None]


def print_line(line: LogLine) -> None:
    print(json.dumps(line), flush=True)


def draw_losses(log: Path, picture: Path) -> None:
    """Draw every column of a log over the steps, one below the other."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [line.pop("step") for line in lines]
    names = [name for name in lines[-1] if name != "minutes"]
    figure = Figure(figsize=(7, 2.2 * len(names)), layout="constrained")
    for axes, name in zip(figure.subplots(len(names), squeeze=False)[:, 0], names, strict=True):
        axes.plot(steps, [line.get(name, np.nan) for line in lines])
        axes.set(xlabel="step", ylabel=name)
        axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=100)


class Log:
    """JSON lines in a file, a mean since the last for every two-hundredth of the run."""

    LINES = 200

    def __init__(self, path: Path, accelerator: Accelerator, on_log: OnLog) -> None:
        self.path, self.accelerator, self.on_log = path, accelerator, on_log
        self.sums: dict[str, Tensor] = {}
        self.count = 0
        self.lines = 0

    def start(self, step: int, minutes: float, dtype: torch.dtype) -> None:
        """Say from which step a run starts or resumes, and in which dtype; not in the file."""
        if self.accelerator.is_main_process:
            name = str(dtype).removeprefix("torch.")
            self.on_log({"step": step, "minutes": round(minutes, 2), "dtype": name})

    def add(self, step: int, minutes: float, progress: float, losses: dict[str, Tensor]) -> None:
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach()
        self.count += 1
        if int(progress * self.LINES) > self.lines:
            self.lines = int(progress * self.LINES)
            self.write(step, minutes)

    def write(self, step: int, minutes: float) -> None:
        """One line with the mean over steps and processes, if there is anything to tell."""
        if self.count == 0:
            return
        means = self.accelerator.reduce(self.sums, reduction="mean")
        rounded = {name: round(value.item() / self.count, 5) for name, value in means.items()}
        self.sums, self.count = {}, 0
        if self.accelerator.is_main_process:
            line: LogLine = {"step": step, "minutes": round(minutes, 3), **rounded}
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")
            self.on_log(line)
