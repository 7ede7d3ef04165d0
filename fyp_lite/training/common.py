"""What every training stage shares: options, the loop, checkpoints, averaging, the log.

A stage is a module whose `forward(batch)` returns a dictionary of losses. A batch is a function of
the step's number alone, so a run that was killed goes on as if nothing had happened.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast
from torch import Tensor, nn

EMA_DECAY = 0.999

MakeBatch = Callable[[np.random.Generator], dict[str, Tensor]]


@dataclass(frozen=True)
class Options:
    """Options of a stage's command."""

    data: Path
    out: Path
    minutes: float
    batch_size: int
    learning_rate: float
    seed: int
    save_minutes: float
    init: Path | None


def parse_options(
    description: str,
    *,
    minutes: float,
    batch_size: int,
    learning_rate: float,
    needs_data: bool = True,
) -> Options:
    """The command line that all stages have, with this stage's defaults."""
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
    parser.add_argument("--batch-size", type=int, default=batch_size, help="per process")
    parser.add_argument("--learning-rate", type=float, default=learning_rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-minutes", type=float, default=3.0, help="between checkpoints")
    return Options(**vars(parser.parse_args()))


def learning_rate_factor(progress: float, step: int) -> float:
    """Warm up over 50 steps, stay, and fall linearly over the last 40 % of the time."""
    return min(1.0, (step + 1) / 50) * min(1.0, max(0.0, (1 - progress) / 0.4))


class Average:
    """An exponential moving average of a module's trainable parameters, in float32."""

    def __init__(self, module: nn.Module) -> None:
        self.parameters = {
            name: p.detach().float().clone()
            for name, p in module.named_parameters()
            if p.requires_grad
        }

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        weight = 1 - min(EMA_DECAY, (step + 1) / (step + 10))
        for name, parameter in module.named_parameters():
            if name in self.parameters:
                self.parameters[name].lerp_(parameter.detach().float(), weight)

    def copy_to(self, module: nn.Module) -> None:
        module.load_state_dict(self.parameters, strict=False)


def train(stage: nn.Module, make_batch: MakeBatch, options: Options) -> None:
    """Train until the minutes are spent, then give the stage its averaged weights.

    Args:
        stage: its `forward(batch)` returns {name: loss}, of which "loss" is minimised.
        make_batch: draws a batch from a generator seeded by the step and the process.
    """
    # Single frames leave the queries and keys of temporal attention without a gradient.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    accelerator = Accelerator(
        mixed_precision="bf16", cpu=not torch.cuda.is_available(), kwargs_handlers=[unused]
    )
    options.out.mkdir(parents=True, exist_ok=True)
    stage.to(accelerator.device).to(memory_format=torch.channels_last)
    trainable = [p for p in stage.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trainable, lr=options.learning_rate, weight_decay=0.01, fused=True
    )
    average = Average(stage)
    step, minutes = restore(options.out, stage, optimizer, average)
    model, optimizer = accelerator.prepare(stage, optimizer)

    saved = time.monotonic()
    began = saved - minutes * 60
    log = Log(options.out / "log.jsonl", enabled=accelerator.is_main_process)
    while minutes < options.minutes:
        rng = np.random.default_rng([options.seed, step, accelerator.process_index])
        torch.manual_seed(int(rng.integers(2**62)))
        factor = learning_rate_factor(minutes / options.minutes, step)
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * factor
        losses = model(move(make_batch(rng), accelerator.device))
        accelerator.backward(losses["loss"])
        accelerator.clip_grad_norm_(trainable, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average.update(stage, step)
        step += 1
        minutes = (time.monotonic() - began) / 60
        if accelerator.num_processes > 1:  # all stop at the same step
            clock = torch.tensor(minutes, device=accelerator.device, dtype=torch.float64)
            minutes = broadcast(clock).item()
        log.add(step, minutes, losses)
        if time.monotonic() - saved > options.save_minutes * 60:
            save(options.out, stage, optimizer, average, step, minutes, accelerator)
            saved = time.monotonic()
    save(options.out, stage, optimizer, average, step, minutes, accelerator)
    average.copy_to(stage)


def move(batch: dict, device: torch.device) -> dict:
    return {k: v.to(device) if isinstance(v, Tensor) else v for k, v in batch.items()}


def save(
    out: Path,
    stage: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Average,
    step: int,
    minutes: float,
    accelerator: Accelerator,
) -> None:
    """Write the checkpoint under another name first: a kill leaves the old one whole."""
    if not accelerator.is_main_process:
        return
    state = {
        "stage": stage.state_dict(),
        "average": average.parameters,
        "optimizer": optimizer.state_dict(),
        "step": step,
        "minutes": minutes,
    }
    torch.save(state, out / "checkpoint.tmp")
    os.replace(out / "checkpoint.tmp", out / "checkpoint.pt")


def restore(
    out: Path, stage: nn.Module, optimizer: torch.optim.Optimizer, average: Average
) -> tuple[int, float]:
    """Go on from the checkpoint, if there is one; returns (step, minutes so far)."""
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0, 0.0
    device = next(stage.parameters()).device
    state = torch.load(path, weights_only=True, map_location=device)
    stage.load_state_dict(state["stage"])
    optimizer.load_state_dict(state["optimizer"])
    average.parameters = state["average"]
    return state["step"], state["minutes"]


def load_average(stage: nn.Module, folder: Path) -> None:
    """Fill those networks of a stage that another stage's checkpoint holds, with its averages."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")
    weights = state["stage"] | state["average"]
    names = {name for name, _ in stage.named_children()} & {key.split(".")[0] for key in weights}
    if not names:
        raise SystemExit(f"{folder} holds no network of {type(stage).__name__}: check --init.")
    for name in names:
        part = {
            k.removeprefix(name + "."): v for k, v in weights.items() if k.startswith(name + ".")
        }
        getattr(stage, name).load_state_dict(part)
    print(f"from {folder}: {', '.join(sorted(names))}")


class Log:
    """JSON lines, one every 20 steps, each the mean since the last."""

    EVERY = 20

    def __init__(self, path: Path, *, enabled: bool) -> None:
        self.path, self.enabled = path, enabled
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, step: int, minutes: float, losses: dict[str, Tensor]) -> None:
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.item()
        self.count += 1
        if step % self.EVERY == 0 and self.enabled:
            means = {name: round(value / self.count, 5) for name, value in self.sums.items()}
            line = {"step": step, "minutes": round(minutes, 2), **means}
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
            self.sums, self.count = {}, 0
