"""A fair share of a busy machine.

After every operation the threads of OpenMP wait for each other, and they wait by spinning: that
costs no time where each has a processor to itself. Where other programs want the processors too,
the thread that all wait for may not be running, while those that wait use up the process's turn; a
video then took 25 times as long on two cores (`benchmarks/bench.py busy`). Hence:

- Threads spin for a moment only, then sleep: `spin_briefly`, before torch loads its OpenMP.
- A network evaluation uses no more threads than other programs leave processors: `fair_share`.
- Where torch came first, the threads of such an evaluation sleep at once: `Crowd`.

What the user has set wins: OMP_WAIT_POLICY, GOMP_SPINCOUNT and KMP_BLOCKTIME, OMP_NUM_THREADS (the
most threads ever used), and OMP_DYNAMIC=FALSE, which keeps that number whatever others do.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# How long threads spin: libgomp counts turns (Linux; it would take 300,000, some 15 ms on recent
# processors), LLVM's and Intel's OpenMP milliseconds (macOS and Windows; they would take 200).
SPIN = {"GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "1"}
WINDOW = 0.15  # seconds, at least, over which the work of other programs is measured
PAUSE = 1.0  # seconds without an evaluation after which an old measurement counts no longer

_too_late = False  # torch's OpenMP was loaded before it could be told how long to spin
_local = threading.local()


def spin_briefly() -> None:
    """Tell an OpenMP that is loaded later how long its threads spin, unless the user has."""
    global _too_late
    if any(name in os.environ for name in ("OMP_WAIT_POLICY", *SPIN)):
        return
    _too_late = "torch" in sys.modules
    os.environ.update(SPIN)  # processes that are started from here have it, too


@contextmanager
def fair_share() -> Iterator[None]:
    """Run a block with a thread for each processor that other programs leave, at least one.

    The pictures do not depend on it: see `all_threads`.
    """
    import torch

    most = torch.get_num_threads()
    if most == 1 or getattr(_local, "most", None) or not _may_adjust():
        yield
        return
    neighbours.look_again()
    few = min(most, max(1, round(neighbours.processors - neighbours.busy)))
    if few == most:
        crowd.leave()
    else:
        torch.set_num_threads(few)
        if _too_late:
            crowd.gather(neighbours.processors, most)
    _local.most = most
    try:
        yield
    finally:
        _local.most = None
        if few != most:
            torch.set_num_threads(most)
        neighbours.look()


@contextmanager
def all_threads() -> Iterator[None]:
    """Inside `fair_share`, a block whose result depends on the number of threads.

    Of a network's operations only normalisations over many pixels do: each thread sums up its part.
    """
    import torch

    few, most = torch.get_num_threads(), getattr(_local, "most", None) or 0
    if few >= most:
        yield
        return
    torch.set_num_threads(most)
    try:
        yield
    finally:
        torch.set_num_threads(few)


def _may_adjust() -> bool:
    """On Linux only: elsewhere nobody has looked whether the pictures stay the same."""
    return sys.platform == "linux" and os.environ.get("OMP_DYNAMIC", "").lower() != "false"


class Neighbours:
    """How much other programs work, while the network does.

    Attributes:
        processors: those that this process may use.
        busy: how many of them others have kept busy of late, a fraction.
    """

    def __init__(self) -> None:
        self.processors, self.busy = os.cpu_count() or 1, 0.0
        self._looked = self._began = -float("inf")
        self._all = self._own = 0.0

    def look_again(self) -> None:
        """`look`, but after a pause what was measured before it counts no longer."""
        if time.monotonic() - self._looked > PAUSE:
            self._begin()
        self.look()

    def look(self) -> None:
        """Measure, if enough time has passed since the last measurement began."""
        self._looked = time.monotonic()
        seconds = self._looked - self._began
        if seconds >= WINDOW:
            everything, own = self._all, self._own
            self._begin()
            self.busy = max(0.0, (self._all - everything) - (self._own - own)) / seconds

    def _begin(self) -> None:
        import psutil  # accelerate brings it

        mine = os.sched_getaffinity(0)
        times = [t for i, t in enumerate(psutil.cpu_times(percpu=True)) if i in mine]
        self.processors = len(mine)
        # A virtual machine's own neighbours count as well: `steal`.
        names = ("user", "nice", "system", "irq", "softirq", "steal")
        self._all = sum(getattr(t, name) for t in times for name in names)
        self._own, self._began = time.process_time(), time.monotonic()


class Crowd:
    """A thread with a team of its own, which does nothing.

    libgomp reads once how long its threads spin. But in a process with more of them than there are
    processors they spin a hundred times at most (its manual, at GOMP_SPINCOUNT).
    """

    def __init__(self) -> None:
        self._go: threading.Event | None = None

    def gather(self, size: int, most: int) -> None:
        """Have a team of `size` threads; others, which start later, take `most` as before."""
        if self._go is None:
            self._go, there = threading.Event(), threading.Event()
            team = (size, most, there, self._go)
            threading.Thread(target=self._wait, args=team, daemon=True).start()
            there.wait()

    def leave(self) -> None:
        if self._go is not None:
            self._go.set()
            self._go = None

    @staticmethod
    def _wait(size: int, most: int, there: threading.Event, go: threading.Event) -> None:
        import torch

        torch.set_num_threads(size)
        torch.zeros(2**20).add_(1)  # large enough for all threads
        torch.set_num_threads(most)
        there.set()
        go.wait()


neighbours = Neighbours()
crowd = Crowd()
