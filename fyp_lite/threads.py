"""A fair share of a busy machine.

After every operation the threads of OpenMP wait for each other, and they wait by spinning: that
costs no time where each has a processor to itself. Where other programs want the processors too,
the thread that all wait for may not be running, while those that wait use up the process's turn; a
video then took 15 to 25 times as long on two cores (`benchmarks/bench.py busy`). Hence:

- Threads spin for a moment only, then sleep: `spin_briefly`, before torch loads its OpenMP.
- While other programs need a processor, threads sleep at once: `give_way`, at every step.

Neither changes the number of threads, so numbers stay the same to the last bit. What the user has
set wins: with OMP_WAIT_POLICY, GOMP_SPINCOUNT or KMP_BLOCKTIME in the environment, nothing is done.
"""

from __future__ import annotations

import os
import sys
import threading
import time

# How long threads spin: libgomp counts turns (Linux; by itself it takes 300,000, up to 15 ms),
# LLVM's and Intel's OpenMP milliseconds (macOS and Windows; by themselves they take 200).
SPIN = {"GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "1"}
WINDOW = 0.15  # seconds, at least, over which the work of other programs is measured
PAUSE = 0.1  # of a processor: a process that worked less than that did nothing


def left_to_us() -> bool:
    """Whether the user has not set how threads wait."""
    ours = all(os.environ.get(name, value) == value for name, value in SPIN.items())
    return ours and "OMP_WAIT_POLICY" not in os.environ


def spin_briefly() -> None:
    """Tell an OpenMP that is loaded later, here or in a process started from here, how to wait."""
    if left_to_us():
        os.environ.update(SPIN)


def give_way() -> None:
    """Between two evaluations: let threads sleep at once while other programs need a processor."""
    import torch

    threads = torch.get_num_threads()
    if threads == 1 or sys.platform != "linux" or not left_to_us():
        return
    neighbours.look()
    if neighbours.processors - neighbours.busy < threads - 0.5:
        crowd.gather(neighbours.processors, threads)
    else:
        crowd.leave()


class Neighbours:
    """How much other programs work.

    Attributes:
        processors: those that this process may use.
        busy: how many of them others kept busy between the last two looks, a fraction.
    """

    def __init__(self) -> None:
        self.processors, self.busy = 1, 0.0
        self._all = self._own = 0.0
        self._looked = -float("inf")

    def look(self) -> None:
        """Measure, if enough time has passed since the last measurement.

        After a pause others count as idle until the next look: what they did while this process
        did nothing says little about now.
        """
        seconds = time.monotonic() - self._looked
        if seconds < WINDOW:
            return
        import psutil  # accelerate brings it

        mine = os.sched_getaffinity(0)
        times = [t for i, t in enumerate(psutil.cpu_times(percpu=True)) if i in mine]
        # "steal" is what the neighbours of a virtual machine take.
        names = ("user", "nice", "system", "irq", "softirq", "steal")
        everything = sum(getattr(t, name) for t in times for name in names)
        own = time.process_time()
        ours = own - self._own
        paused = ours < PAUSE * seconds  # always so at the first look
        self.busy = 0.0 if paused else max(0.0, everything - self._all - ours) / seconds
        self.processors = len(mine)
        self._all, self._own, self._looked = everything, own, time.monotonic()


class Crowd:
    """A thread with a team of its own that does nothing.

    libgomp reads once how long its threads spin. But while a process has more of them than there
    are processors, they spin a hundred times at most (its manual, at GOMP_SPINCOUNT).
    """

    def __init__(self) -> None:
        self._end: threading.Event | None = None

    def gather(self, size: int, usual: int) -> None:
        """Have a team of `size` threads; `usual` is the number that all others take."""
        if self._end is None:
            self._end, there = threading.Event(), threading.Event()
            team = (size, usual, there, self._end)
            threading.Thread(target=self._wait, args=team, daemon=True).start()
            there.wait()

    def leave(self) -> None:
        if self._end is not None:
            self._end.set()
            self._end = None

    @staticmethod
    def _wait(size: int, usual: int, there: threading.Event, end: threading.Event) -> None:
        import torch

        torch.set_num_threads(size)
        torch.zeros(2**20).add_(1)  # large enough for all threads
        torch.set_num_threads(usual)
        there.set()
        end.wait()


neighbours = Neighbours()
crowd = Crowd()
