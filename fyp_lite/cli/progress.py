"""Progress on the command line."""

from __future__ import annotations

import sys

from tqdm import tqdm

INTERVAL = 0.1  # seconds between two looks of a bar
LOG_INTERVAL = 10.0  # where it is written to a log


def progress_bar(unit: str, total: int | None = None) -> tqdm:
    """A bar on a terminal; elsewhere it is written now and then, so that a log tells too."""
    alive = sys.stderr.isatty()
    interval = INTERVAL if alive else LOG_INTERVAL
    return tqdm(total=total, unit=f" {unit}", mininterval=interval, delay=interval, leave=not alive)
