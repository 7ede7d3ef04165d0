"""Dask: workers that make the videos of a sweep, on this machine or on a university's cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fyp_lite.full.memory import free_memory
from fyp_lite.sweeps.axes import Job, Model, SweepError
from fyp_lite.sweeps.worker import Files, make_on_worker

if TYPE_CHECKING:
    from distributed import Client

AHEAD = 32  # videos handed to the cluster at least, and two for each of its workers
WORKER_BYTES = 1_500_000_000  # that a worker with the lite model is taken to need
PATIENCE = 10  # seconds in which a scheduler must answer


def distributed() -> Any:
    """The Dask library. Raises SweepError where it is not installed."""
    try:
        import distributed
    except ImportError:
        raise SweepError(
            "Dask is missing, and a sweep on workers needs it: run pip install 'fyp-lite[sweep]'."
        ) from None
    return distributed


@contextmanager
def connected(client: Client | str, num_videos: int) -> Iterator[Client]:
    """The client that is meant: it itself, the one of a scheduler's address, or of “local”.

    Raises SweepError where no scheduler answers.
    """
    dask = distributed()
    if client == "local":
        with local_client(min(default_workers(), max(1, num_videos))) as made:
            yield made
    elif isinstance(client, str):
        try:
            made = dask.Client(client, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise SweepError(
                f"No Dask scheduler answers at {client!r} ({error}): give the address that it "
                "prints, such as tcp://node7:8786."
            ) from None
        with made:
            yield made
    elif isinstance(client, dask.Client):
        yield client
    else:
        raise SweepError(
            f'client is {client!r}, but it must be a distributed.Client, an address, "local" or '
            "None."
        )


@contextmanager
def local_client(workers: int) -> Iterator[Client]:
    """Worker processes on this machine, which share its processors evenly."""
    dask = distributed()
    if workers < 1:
        raise SweepError(f"workers is {workers}, but it must be at least 1.")
    from dask import config

    # Dask has its workers hand freed memory back at once, with which a network takes twice as long.
    with config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}):
        cluster = dask.LocalCluster(
            n_workers=workers,
            threads_per_worker=max(1, num_processors() // workers),
            dashboard_address=None,
            memory_limit=0,  # what a network needs is known; Dask would kill a worker in mid video
        )
    with cluster, dask.Client(cluster, set_as_default=False) as client:
        yield client


def num_processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_workers() -> int:
    """A worker per processor, as far as the free memory goes."""
    return max(1, min(num_processors(), free_memory(torch.device("cpu")) // WORKER_BYTES))


def made_on_workers(
    client: Client, model: Model, jobs: Iterable[Job], prepare: Callable[[Job], np.ndarray]
) -> Generator[tuple[Job, Files | Exception], None, None]:
    """Make all jobs; yields each as it is finished, with its files or with what went wrong.

    A worker that is lost has its video made again by another: that is Dask's work. Skeleton frames
    are sent along, so workers need no clip, and only a few videos are under way at a time.
    """
    dask = distributed()
    waiting = iter(jobs)
    running: dict[Any, Job] = {}
    try:
        while True:
            most = max(AHEAD, 2 * len(client.nthreads()))
            for job in islice(waiting, max(0, most - len(running))):
                key = f"fyp-lite-{job.name(model)}"
                future = client.submit(make_on_worker, model, job, prepare(job), key=key)
                running[future] = job
            if not running:
                return
            with client.as_current():  # which `wait` asks for
                finished = dask.wait(list(running), return_when="FIRST_COMPLETED").done
            for future in finished:
                yield running.pop(future), future.exception() or future.result()
    except dask.CancelledError:
        raise SweepError(
            f"The cluster was closed while {len(running)} videos were under way: run the sweep "
            "again to resume."
        ) from None
    finally:
        client.cancel(list(running))
