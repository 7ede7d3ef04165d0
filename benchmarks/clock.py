"""Stop-watches: the fastest of some runs, the convolution peak, and time per operation."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

# What the operations of the profile are called; the others are "sums, copies and the rest".
KINDS = {
    "convolution": ("convolution",),
    "linear layers": ("aten.mm.", "aten.addmm."),
    "attention": ("scaled_dot_product", "aten.bmm.", "aten.baddbmm.", "_softmax"),
    "normalisation": ("native_group_norm", "native_layer_norm"),
    "activation": ("aten.silu", "aten.gelu", "aten.relu"),
}
REST = "sums, copies and the rest"
BETWEEN = "between operations"


def now() -> float:
    """Seconds on the clock; in one thread its own, which no other process lengthens."""
    return time.thread_time() if torch.get_num_threads() == 1 else time.perf_counter()


def best_seconds(function: Callable[[], object], repeats: int) -> float:
    """The fastest of some runs: noise only ever adds time."""
    return interleaved({"": function}, repeats)[""]


def interleaved(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The fastest run of each of some functions that take turns, so that noise meets them all."""
    seconds = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, function in functions.items():
            began = now()
            function()
            seconds[name] = min(seconds[name], now() - began)
    return seconds


@torch.no_grad()
def convolution_peak(dtype: torch.dtype) -> float:
    """GFLOP/s of the fastest of a few 3 x 3 convolutions, channels-last."""
    peak = 0.0
    for channels, size in ((96, 32), (128, 64), (256, 32)):
        conv = torch.nn.Conv2d(channels, channels, 3, padding=1, dtype=dtype)
        conv.to(memory_format=torch.channels_last)
        frames = torch.randn(16, channels, size, size, dtype=dtype)
        frames = frames.contiguous(memory_format=torch.channels_last)
        flops = 2 * 9 * channels**2 * size**2 * 16
        conv(frames)
        peak = max(peak, flops / best_seconds(lambda c=conv, f=frames: c(f), 15) / 1e9)
    return peak


class Operations(TorchDispatchMode):
    """Collects the seconds of every operation that runs meanwhile, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[str, float]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        began = now()
        out = func(*args, **(kwargs or {}))
        self.times.append((str(func), now() - began))
        return out


def kind_of(operation: str) -> str:
    found = (kind for kind, words in KINDS.items() if any(word in operation for word in words))
    return next(found, REST)


@torch.no_grad()
def where_time_goes(function: Callable[[], object], repeats: int) -> dict[str, float]:
    """Milliseconds of one run by kind of operation, each operation at its fastest.

    `BETWEEN` is the rest of the fastest whole run: Python, and data that has left the cache.
    """
    function()
    runs = []
    for _ in range(repeats):
        with Operations() as operations:
            function()
        runs.append(operations.times)
    table: dict[str, float] = defaultdict(float)
    for same in zip(*runs, strict=True):
        table[kind_of(same[0][0])] += 1e3 * min(seconds for _, seconds in same)
    whole = 1e3 * best_seconds(function, repeats)
    table[BETWEEN] = whole - sum(table.values())
    return {kind: round(ms, 1) for kind, ms in sorted(table.items(), key=lambda item: -item[1])}


def gflop(function: Callable[[], object]) -> dict[str, float]:
    """GFLOP of one run: in `all`, and in its `convolution`s."""
    with FlopCounterMode(display=False) as counter:
        function()
    counts = counter.get_flop_counts()["Global"]
    convolutions = sum(count for op, count in counts.items() if "convolution" in str(op))
    return {"all": counter.get_total_flops() / 1e9, "convolution": convolutions / 1e9}
