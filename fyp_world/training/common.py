"""What every training stage shares: options, the loop, checkpoints, averaging, the log.

A stage is a module whose `forward(batch)` returns a dictionary of losses and draws nothing at
random itself. Item i of a step is a function of the seed, the step and i alone, so a run that was
killed goes on as if nothing had happened, and two processes with half the batch each learn what one
process would with all of it.

On several cores or GPUs put `python -m torch.distributed.run --nproc_per_node N` in place of
`python` before `-m`, on a CPU with OMP_NUM_THREADS=1. (`accelerate launch` does the same for GPUs;
with `--cpu` it starts one process, whatever number it is given.)

On a CPU under Linux, glibc returns a large tensor's memory after every use and requests it again,
page by page. Told to keep it, in large pages, it takes a quarter off a step (`training.guided`, two
processes with 32 pictures each: 2.5 in place of 3.3 s):
GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=34359738368
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_all_start_methods
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from fyp_lite.threads import give_way
from fyp_world.training.dtype import faster_dtype, training_in
from fyp_world.training.log import Log, OnLog, draw_losses, print_line

EMA_DECAY = 0.999
WEIGHT_DECAY = 0.01
SETTLING_BATCHES = 40
SETTLING_STEP = 2**31  # far from any step of a run


@dataclass(frozen=True)
class Draw:
    """Where a batch takes its chances from.

    Attributes:
        seed, step: of the run.
        process, processes: which share of the step's batch this is, of how many.
    """

    seed: int
    step: int
    process: int = 0
    processes: int = 1

    @property
    def rng(self) -> np.random.Generator:
        """The same for all processes: for what the whole step has in common."""
        return np.random.default_rng([self.seed, self.step])

    def items(self, count: int) -> Iterator[tuple[np.random.Generator, float]]:
        """For each of this process's `count` items a generator and a quantile.

        The quantiles of all items of a step are spread evenly over 0...1.
        """
        for index in range(self.process * count, (self.process + 1) * count):
            rng = np.random.default_rng([self.seed, self.step, index + 1])
            yield rng, (index + rng.random()) / (count * self.processes)


Item = dict[str, Tensor]
MakeBatch = Callable[[Draw], Item]
MakeOptimizer = Callable[[list[nn.Parameter], float], torch.optim.Optimizer]


def stack(items: list[Item]) -> Item:
    """A batch of items with the same tensors."""
    return {name: torch.stack([item[name] for item in items]) for name in items[0]}


def normal(shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


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


def adamw(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=WEIGHT_DECAY, fused=True)


def muon(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    """Steps as large as AdamW's that change a matrix equally in all directions, for all parameters
    that are matrices (Jordan et al. 2024; Liu et al. 2025, arXiv 2502.16982). They cost a fifth of
    a second more on a CPU, so batches should not be small.
    """
    from timm.optim import Muon

    return Muon(parameters, lr=learning_rate, weight_decay=WEIGHT_DECAY, nesterov=True)


def train(
    stage: nn.Module,
    make_batch: MakeBatch,
    options: Options,
    make_optimizer: MakeOptimizer = adamw,
    *,
    on_log: OnLog = print_line,
    snapshots: bool = False,
) -> bool:
    """Train until the minutes are spent, then give the stage its averaged weights.

    Args:
        stage: its `forward(batch)` returns {name: loss}, of which "loss" is minimised.
        make_batch: this process's share of a step's batch.
        make_optimizer: of the trainable parameters and a learning rate.
        on_log: called with what is logged: at the start the step to resume from and the dtype,
            then the step, the minutes so far and the mean losses since the last line.
        snapshots: keep the averages of every checkpoint, in `snapshots/STEP.safetensors`.

    Returns:
        Whether this process is the one that writes the networks.
    """
    # Single frames leave the queries and keys of temporal attention without a gradient.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    accelerator = Accelerator(cpu=not torch.cuda.is_available(), kwargs_handlers=[unused])
    device = accelerator.device
    options.out.mkdir(parents=True, exist_ok=True)
    stage.to(device).to(memory_format=torch.channels_last)
    trainable = [p for p in stage.parameters() if p.requires_grad]
    optimizer = make_optimizer(trainable, options.learning_rate)
    average = Average(stage)
    step, minutes = restore(options.out, stage, optimizer, average)
    progress = progress_of(options, step, minutes)
    process = accelerator.process_index, accelerator.num_processes
    dtype = torch.float32
    if progress < 1:
        first = make_batch(Draw(options.seed, step, *process))
        dtype = common_dtype(stage, move(first, device))
    prepared = prepared_batches(make_batch, options, step, process)
    model, optimizer = accelerator.prepare(stage, optimizer)

    began, saved = time.monotonic() - minutes * 60, minutes
    log = Log(options.out / "log.jsonl", accelerator, on_log)
    log.start(step, minutes, dtype)
    while progress < 1:
        factor = learning_rate_factor(progress, step)
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * factor
        give_way()
        batch = move(next(prepared), device)
        with training_in(dtype, device):
            losses = model(batch)
        accelerator.backward(losses["loss"])
        accelerator.clip_grad_norm_(trainable, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average.update(stage, step)
        step += 1
        minutes = agreed((time.monotonic() - began) / 60, device)  # all stop at the same step
        progress = progress_of(options, step, minutes)
        log.add(step, minutes, progress, losses)
        if minutes - saved > options.save_minutes:
            save(options.out, stage, optimizer, average, step, minutes, accelerator)
            if snapshots and accelerator.is_main_process:
                save_snapshot(options.out, average, step)
            saved = minutes
    log.write(step, minutes)
    save(options.out, stage, optimizer, average, step, minutes, accelerator, finished=True)
    if accelerator.is_main_process and log.path.exists():
        draw_losses(log.path, options.out / "loss.png")
    average.copy_to(stage)
    return accelerator.is_main_process


def agreed(value: float, device: torch.device) -> float:
    """The first process's value, for all of them."""
    return broadcast(torch.tensor(value, device=device, dtype=torch.float64)).item()


def common_dtype(stage: nn.Module, batch: Item) -> torch.dtype:
    """`faster_dtype` as the first process finds it."""
    half = faster_dtype(stage, batch) == torch.bfloat16
    return torch.bfloat16 if agreed(half, next(stage.parameters()).device) else torch.float32


class Steps(Dataset):
    """The batches of one process by step: what they hold depends on the step alone, so it does not
    matter who prepares them."""

    def __init__(self, make_batch: MakeBatch, seed: int, process: tuple[int, int]) -> None:
        self.make_batch, self.seed, self.process = make_batch, seed, process

    def __getitem__(self, step: int) -> Item:
        return self.make_batch(Draw(self.seed, step, *self.process))


def prepared_batches(
    make_batch: MakeBatch, options: Options, step: int, process: tuple[int, int]
) -> Iterator[Item]:
    """The batches from `step` on; workers prepare two each in advance.

    Args:
        process: which one this is, of how many.
    """
    loader = DataLoader(
        Steps(make_batch, options.seed, process),
        batch_size=None,
        sampler=count(step),
        num_workers=options.workers,
        multiprocessing_context="fork" if options.workers else None,
    )
    return iter(loader)


def progress_of(options: Options, step: int, minutes: float) -> float:
    """How much of the run is done, 0...1."""
    return step / options.steps if options.steps else minutes / options.minutes


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
    finished: bool = False,
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
        "finished": finished,
    }
    torch.save(state, out / "checkpoint.tmp")
    os.replace(out / "checkpoint.tmp", out / "checkpoint.pt")


def save_snapshot(out: Path, average: Average, step: int) -> None:
    """The averages alone, in float16."""
    (out / "snapshots").mkdir(exist_ok=True)
    path = out / "snapshots" / f"{step:06}.safetensors"
    halves = {name: p.half().contiguous() for name, p in average.parameters.items()}
    save_file(halves, path.with_suffix(".tmp"))
    os.replace(path.with_suffix(".tmp"), path)


@contextmanager
def saved_whole(out: Path) -> Iterator[Path]:
    """A folder to save networks in; after the block each one gets its place in `out`, whole."""
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=out) as name:
        new, old = Path(name, "new"), Path(name, "old")
        new.mkdir()
        old.mkdir()
        yield new
        for path in sorted(new.iterdir()):
            if (out / path.name).exists():
                os.replace(out / path.name, old / path.name)
            os.replace(path, out / path.name)


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


def start_from(stage: nn.Module, options: Options, what: str) -> None:
    """`load_average` for a stage that cannot do without `--init`, a run of `what`."""
    if options.init is None:
        raise SystemExit(f"--init is missing: give the folder of a finished {what} run.")
    load_average(stage, options.init)


def load_average(stage: nn.Module, folder: Path) -> None:
    """Fill those networks of a stage that `folder` holds.

    They are the averages in another stage's checkpoint, or saved networks, such as those of the
    bundled model: half precision, but enough to go on from on another machine.
    """
    networks: dict[str, dict[str, Tensor]] = {}
    if (folder / "checkpoint.pt").exists():
        state = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")
        for key, value in (state["stage"] | state["average"]).items():
            name, _, rest = key.partition(".")
            networks.setdefault(name, {})[rest] = value
    else:
        for path in folder.glob("*/*.safetensors"):
            networks[path.parent.name] = load_file(path)
    names = sorted(name for name, _ in stage.named_children() if name in networks)
    if not names:
        raise SystemExit(f"{folder} holds no network of {type(stage).__name__}: check --init.")
    for name in names:
        getattr(stage, name).load_state_dict(networks[name])
    print(f"from {folder}: {', '.join(names)}")


@torch.no_grad()
def settle_norms(stage: nn.Module, make_batch: MakeBatch, seed: int) -> None:
    """Measure the batch statistics that belong to the averaged weights."""
    norms = [m for m in stage.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    device = next(stage.parameters()).device
    for i in range(SETTLING_BATCHES):
        stage(move(make_batch(Draw(seed, SETTLING_STEP + i)), device))


@torch.no_grad()
def mix(trained: nn.Module, first: nn.Module, share: float) -> None:
    """Move `trained` back to `first`, all the way at a `share` of 1, parameter by parameter.

    Between the weights before and after lie some that have most of the gain and lost little of what
    they could (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
    """
    for ours, theirs in zip(trained.parameters(), first.parameters(), strict=True):
        ours.lerp_(theirs.to(ours), share)
