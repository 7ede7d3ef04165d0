"""What open clips keep in memory, all together: decoders and small frames.

Panels live as long as their kernel and hold their clips, so each clip cannot have a share of its
own. The clips that were used last keep most.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

import numpy as np

CACHE_BYTES = 64 * 2**20  # of frames
MAX_DECODERS = 2  # open at a time; a clip that was used before those opens its file again


class Clip(Protocol):
    """kept: frames by number, all of one size. rest: close the file until the next read."""

    kept: OrderedDict[int, np.ndarray]

    def rest(self) -> None: ...


_used: list[weakref.ref[Clip]] = []  # open clips, the last used one last
_turn = threading.RLock()  # JupyterLab's first clicks may be handled in two threads


def _before(clip: Clip) -> list[Clip]:
    """The clips that were used before this one, the last used one last."""
    return [other for ref in _used if (other := ref()) is not None and other is not clip]


def take_turn(clip: Clip) -> None:
    """`clip` is going to be decoded: those that were used long before close their files."""
    with _turn:
        others = _before(clip)
        _used[:] = [weakref.ref(each) for each in (*others, clip)]
        for other in others[: 1 - MAX_DECODERS]:
            other.rest()


def keep(clip: Clip, number: int, frame: np.ndarray) -> None:
    """Keep a frame of `clip`; where there are too many, the oldest of other clips go first."""
    with _turn:
        clip.kept[number] = frame
        clips = [*_before(clip), clip]
        excess = -CACHE_BYTES
        for each in clips:
            some = next(iter(each.kept.values()), None)
            excess += 0 if some is None else some.nbytes * len(each.kept)
        for each in clips:
            while excess > 0 and each.kept:
                excess -= each.kept.popitem(last=False)[1].nbytes


def kept(clip: Clip, numbers: Iterable[int]) -> dict[int, np.ndarray]:
    """Those of these frames that are kept."""
    with _turn:
        found = {number: clip.kept[number] for number in numbers if number in clip.kept}
        for number in found:
            clip.kept.move_to_end(number)
    return found


def give_back() -> None:
    """Return freed memory to the system: glibc keeps what frames of some megabytes leave behind."""
    with suppress(OSError, AttributeError):  # another system's C library needs no asking
        ctypes.CDLL("libc.so.6").malloc_trim(0)
