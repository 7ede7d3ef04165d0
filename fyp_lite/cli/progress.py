"""Progress on the command line."""

from __future__ import annotations

import sys

from tqdm import tqdm


def progress_bar(unit: str, total: int | None = None) -> tqdm:
    """A bar on a terminal; elsewhere a line now and then, so that a log tells too."""
    alive = sys.stderr.isatty()
    interval = 0.1 if alive else 10  # seconds
    return tqdm(total=total, unit=f" {unit}", mininterval=interval, delay=interval, leave=not alive)
