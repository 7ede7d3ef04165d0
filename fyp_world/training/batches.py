"""Where batches come from.

Item i of a step is a function of the seed, the step and i alone, so a run that was killed resumes
as if nothing had happened, and two processes with half the batch each learn what one process would
with all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fyp_world.training.options import Options


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


def stack(items: list[Item]) -> Item:
    """A batch of items with the same tensors."""
    return {name: torch.stack([item[name] for item in items]) for name in items[0]}


def normal(shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


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


def move(batch: dict, device: torch.device) -> dict:
    return {k: v.to(device) if isinstance(v, Tensor) else v for k, v in batch.items()}
