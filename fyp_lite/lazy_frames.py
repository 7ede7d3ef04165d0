"""Frames that exist one at a time: for clips that are too large to be held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

import numpy as np


class LazyFrames:
    """Stands for an array `[f, h, w, 3]` uint8 of which each frame is made when it is asked for.

    Has an array's `len`, `shape`, `dtype` and iteration. `frames[3]` is a frame `[h, w, 3]`;
    `frames[2:9]` and `frames[[0, 5]]` are LazyFrames again. `numpy.asarray` makes them all.

    Args:
        count: frames, at least 1.
        read: gives the frame of a number from 0 to count - 1; it is called for each use.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, count: int, read: Callable[[int], np.ndarray]) -> None:
        self._count, self._read = count, read

    def __len__(self) -> int:
        return self._count

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return (self._count, *self._read(0).shape)

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self._read, range(self._count))

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, int | np.integer):
            return self._read(range(self._count)[which])
        numbers = np.arange(self._count)[which].tolist()
        return LazyFrames(len(numbers), lambda number: self._read(numbers[number]))

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return np.stack(list(self))


Frames = np.ndarray | LazyFrames
AnyFrames = TypeVar("AnyFrames", bound=Frames)


def changed(frames: Frames, change: Callable[[int, np.ndarray], np.ndarray]) -> Frames:
    """`change(number, frame)` of every frame; lazily where `frames` are lazy."""
    if isinstance(frames, LazyFrames):
        return LazyFrames(len(frames), lambda number: change(number, frames._read(number)))
    return np.stack([change(number, frame) for number, frame in enumerate(frames)])
