"""The loop that every training stage shares.

A stage is a module whose `forward(batch)` returns a dictionary of losses and draws nothing at
random itself; `batches.py` says where chance comes from.

On several cores or GPUs put `python -m torch.distributed.run --nproc_per_node N` in place of
`python` before `-m`, on a CPU with OMP_NUM_THREADS=1. (`accelerate launch` does the same for GPUs;
with `--cpu` it starts one process, whatever number it is given.)

On a CPU under Linux, glibc returns a large tensor's memory after every use and requests it again,
page by page. Told to keep it, in large pages, it takes a quarter off a step (the guided stage, two
processes with 32 pictures each: 2.5 in place of 3.3 s):
GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=34359738368
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast
from torch import nn

from fyp_lite.threads import give_way
from fyp_world.training.averages import Average
from fyp_world.training.batches import Draw, Item, MakeBatch, move, prepared_batches
from fyp_world.training.checkpoints import restore, save, save_snapshot
from fyp_world.training.dtype import faster_dtype, training_in
from fyp_world.training.log import Log, OnLog, draw_losses, print_line
from fyp_world.training.options import Options

WEIGHT_DECAY = 0.01
MakeOptimizer = Callable[[list[nn.Parameter], float], torch.optim.Optimizer]


def learning_rate_factor(progress: float, step: int) -> float:
    """Warm up over 50 steps, stay, and fall linearly over the last 40 % of the time."""
    return min(1.0, (step + 1) / 50) * min(1.0, max(0.0, (1 - progress) / 0.4))


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


def progress_of(options: Options, step: int, minutes: float) -> float:
    """How much of the run is done, 0...1."""
    return step / options.steps if options.steps else minutes / options.minutes
