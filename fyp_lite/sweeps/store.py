"""Where the videos of a sweep are kept: each under a name that follows from its recipe."""

from __future__ import annotations

import csv
import io
import time
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fyp_lite.cards.card import RunCard
from fyp_lite.files.writing import check_writable, written_whole
from fyp_lite.sweeps.axes import Job, Model, SweepError
from fyp_lite.sweeps.worker import Files

INDEX = "index.csv"
DTYPES = ("float32", "bfloat16", "float16")
LEFT_OVER = 600  # seconds after which a file that never got its name has no writer any more


@dataclass(frozen=True)
class Stored:
    """The three files of one video.

    video: .mp4, to be watched. card: its run card, .json. exact: the same video without loss, with
    its rate and its recipe, .npz; it is written last, so where it is, the others are too.
    """

    video: Path
    card: Path
    exact: Path

    @property
    def complete(self) -> bool:
        return self.exact.is_file()

    def load(self) -> tuple[np.ndarray, float]:
        """The video `[f, h, w, 3]` uint8 and its rate. Raises SweepError where it is damaged."""
        try:
            with np.load(self.exact, allow_pickle=False) as stored:
                return stored["video"], float(stored["fps"])
        except FileNotFoundError:
            raise SweepError(
                f"{self.exact} is not made yet: run the sweep again to resume it."
            ) from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise SweepError(
                f"{self.exact} is damaged ({error}): delete it, then run the sweep again."
            ) from error


class Store:
    """A folder of videos; only the process that runs the sweep writes into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stored(self, job: Job, model: Model) -> Stored:
        """The files of a job, whether they are there or not."""
        name = job.name(model)
        return Stored(*(self.folder / f"{name}{suffix}" for suffix in (".mp4", ".json", ".npz")))

    def dtype(self) -> str:
        """The dtype of what is stored, "" where nothing is.

        A resumed sweep keeps it: which one is fastest may be measured differently today.
        """
        for path in sorted(self.folder.glob("*.json")):
            with suppress(ValueError):  # other JSON
                dtype = RunCard.load(path).made.dtype
                if dtype in DTYPES:
                    return dtype
        return ""

    def open(self) -> None:
        """Make the folder, see that it can be written to, and clear away what a sweep that was
        killed left half written. Raises ClipError where nothing can be written there."""
        check_writable(self.folder / INDEX)
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in self.folder.glob(".*.part"):
            with suppress(FileNotFoundError):  # another sweep's, which has just got its name
                if time.time() - part.stat().st_mtime > LEFT_OVER:
                    part.unlink()

    def keep(self, stored: Stored, files: Files) -> None:
        """Write the files of one video, each whole or not at all, the one that counts last."""
        for path in (stored.video, stored.card, stored.exact):
            with written_whole(path) as part:
                part.write_bytes(files[path.suffix])

    def write_index(self, jobs: Iterable[Job], model: Model) -> Path:
        """A table of all videos that the sweep is to make: values of the axes, names of files."""
        text = io.StringIO()
        writer = None
        for job in jobs:
            files = self.stored(job, model)
            row = job.values | {"video": files.video.name, "card": files.card.name}
            if writer is None:
                writer = csv.DictWriter(text, list(row), lineterminator="\n")
                writer.writeheader()
            writer.writerow(row)
        with written_whole(self.folder / INDEX) as part:
            # A clip's name need be no text.
            part.write_bytes(text.getvalue().encode(errors="backslashreplace"))
        return self.folder / INDEX
