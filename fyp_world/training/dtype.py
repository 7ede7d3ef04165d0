"""float32 or bfloat16: whichever trains a stage faster on this machine, by trying both.

bfloat16 takes half the time on recent server processors and on GPUs, and up to ten times as long on
processors that only imitate it (`docs/speed.md`). Weights stay float32; autocast decides operation
by operation what runs in bfloat16.
"""

from __future__ import annotations

import time
from copy import deepcopy

import torch
from torch import Tensor, nn

PROBE_SECONDS = 0.5
PROBE_ROUNDS = 2, 10  # at least and at most; the first warms up
FAR_APART = 1.5  # where one takes this many times as long, a part of a batch has settled it


def faster_dtype(stage: nn.Module, batch: dict[str, Tensor]) -> torch.dtype:
    """Try passes of a copy of the stage, forward and backward, on a quarter of a batch first.

    Args:
        stage: its `forward(batch)` returns {name: loss}, of which "loss" is minimised.
        batch: on the stage's device.
    """
    trial = deepcopy(stage)
    quarter = {name: value[: max(2, len(value) // 4)] for name, value in batch.items()}
    ratio = times_slower(trial, quarter)
    if 1 / FAR_APART < ratio < FAR_APART:
        ratio = times_slower(trial, batch)
    return torch.bfloat16 if ratio < 1 else torch.float32


def times_slower(stage: nn.Module, batch: dict[str, Tensor]) -> float:
    """How many times as long as in float32 a pass takes in bfloat16, the fastest of each."""
    full, half = torch.float32, torch.bfloat16
    seconds = {full: float("inf"), half: float("inf")}
    began, (least, most) = time.perf_counter(), PROBE_ROUNDS
    for done in range(most):
        if done >= least and time.perf_counter() - began > PROBE_SECONDS:
            break
        for dtype in seconds:
            seconds[dtype] = min(seconds[dtype], seconds_of_pass(stage, batch, dtype))
    return seconds[half] / seconds[full]


def seconds_of_pass(stage: nn.Module, batch: dict[str, Tensor], dtype: torch.dtype) -> float:
    device = next(stage.parameters()).device
    finish = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    finish()
    began = time.perf_counter()
    with training_in(dtype, device):
        loss = stage(batch)["loss"]
    loss.backward()
    finish()
    return time.perf_counter() - began


def training_in(dtype: torch.dtype, device: torch.device) -> torch.autocast:
    """The block in which a stage computes its losses."""
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16)
