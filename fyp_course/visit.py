"""What a visitor of the public playground may ask for, and the folders that end with a process.

A visitor reaches the kernel through widgets, and through all of them: a slider's end or a hidden
field stops nobody. So every limit is checked where work begins, and what a visitor must not do has
no widget.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fyp_lite.clip import Clip
from fyp_lite.request import Request

MEGA = 1_000_000
MINUTE = 60.0  # seconds
KEPT_FILES = 20  # of sweeps, for each video that one may have
MAX_NAME = 50  # letters of a file's name, of up to four bytes each


class VisitError(ValueError):
    """More than a visitor may ask for: one sentence with the value, the limit and the fix."""


def _limit(default: int, about: str) -> int:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Limits:
    """The most that one visitor may ask for, each a whole number of at least 1.

    Raises VisitError for a value that is not a number, and where a whole sweep has more than a
    minute's runs.
    """

    upload_megabytes: int = _limit(20, "size of an uploaded file, in megabytes")
    clip_frames: int = _limit(900, "frames of an uploaded clip")
    clip_megapixels: int = _limit(3, "pixels of one of its frames, in millions")
    num_frames: int = _limit(16, "frames of a video")
    num_inference_steps: int = _limit(50, "steps of a video")
    prompt_letters: int = _limit(300, "letters of a prompt")
    sweep_videos: int = _limit(9, "videos of a sweep")
    runs_a_minute: int = _limit(12, "videos begun a minute; finding people counts as one")

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise VisitError(f"{name} is {value!r}, but must be a whole number from 1.")
        if self.sweep_videos > self.runs_a_minute:
            raise VisitError(
                f"sweep_videos is {self.sweep_videos}, but runs_a_minute only "
                f"{self.runs_a_minute}, so the largest sweep could never begin: raise that one."
            )


class Visit:
    """One visitor's limits, and what was begun in the last minute."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._begun: deque[float] = deque()  # times, rising

    def check_upload(self, name: str, num_bytes: int) -> None:
        most = self.limits.upload_megabytes
        if num_bytes > most * MEGA:
            raise VisitError(
                f"{name} has {num_bytes / MEGA:.1f} MB, but at most {most} MB are taken here: "
                "cut it shorter or make its picture smaller."
            )

    def check_clip(self, clip: Clip) -> None:
        most = self.limits.clip_frames
        if clip.num_frames > most:
            raise VisitError(
                f"{clip.path.name} has {clip.num_frames} frames, but at most {most} are taken "
                "here: cut it shorter."
            )
        pixels, most = clip.height * clip.width, self.limits.clip_megapixels
        if pixels > most * MEGA:
            raise VisitError(
                f"{clip.path.name} is {clip.width} x {clip.height} pixels, but at most {most} "
                "million are taken here: make it smaller."
            )

    def check_run(self, request: Request) -> None:
        """Refuse a video that is too costly. Raises VisitError."""
        letters = max(len(request.prompt), len(request.negative_prompt))
        steps = request.sample_settings.num_inference_steps
        for what, value, most in (
            ("num_frames", request.clip_settings.num_frames, self.limits.num_frames),
            ("steps", steps, self.limits.num_inference_steps),
            ("the prompt's number of letters", letters, self.limits.prompt_letters),
        ):
            if value > most:
                raise VisitError(f"{what} is {value}, but at most {most} are made here: take less.")

    def check_sweep(self, num_videos: int) -> None:
        most = self.limits.sweep_videos
        if num_videos > most:
            raise VisitError(
                f"This sweep has {num_videos} videos, but at most {most} are made here at once: "
                "give fewer values."
            )

    def make_room(self, sweeps: Path) -> None:
        """Remove earlier sweeps where they have become many, as a disk has an end."""
        if sum(1 for _ in sweeps.glob("*")) > KEPT_FILES * self.limits.sweep_videos:
            shutil.rmtree(sweeps)

    def begin(self, runs: int) -> None:
        """Count runs that begin now. Raises VisitError where that is too many for a minute."""
        now, most = time.monotonic(), self.limits.runs_a_minute
        while self._begun and self._begun[0] <= now - MINUTE:
            self._begun.popleft()
        excess = len(self._begun) + runs - most
        if excess > 0:
            wait = MINUTE if excess > len(self._begun) else self._begun[excess - 1] + MINUTE - now
            raise VisitError(
                f"{len(self._begun)} runs were begun in the last minute and {runs} more are asked "
                f"for, but {most} a minute are made here: wait {wait:.0f} s."
            )
        self._begun.extend([now] * runs)


def plain_name(name: str) -> str:
    """An uploaded file's name without a folder and without odd letters; "upload" for none."""
    last = re.split(r"[/\\]", name)[-1]
    encoding = sys.getfilesystemencoding()  # such as ASCII, where the locale is "C"
    last = last.encode(encoding, "replace").decode(encoding)
    kept = re.sub(r"[^\w.() -]", "_", last).strip(". ")
    stem, dot, suffix = kept.rpartition(".")
    if not dot:
        return kept[:MAX_NAME] or "upload"
    return f"{stem[:MAX_NAME] or 'upload'}.{suffix[:8]}"


# ---------------------------------------------------------------------------- folders


def own_folder(kind: str) -> Path:
    """A new folder that no other user can read, removed when this process ends.

    A process that is killed removes nothing; `remove_left_over` does it later.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"fyp_lite_{kind}_{os.getpid()}_"))  # with mode 0700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def remove_left_over(parent: Path, kind: str) -> None:
    """Remove the folders of that kind in `parent` whose processes have ended."""
    import psutil  # ipykernel and accelerate bring it

    for folder in parent.glob(f"fyp_lite_{kind}_*"):
        owner = re.match(rf"fyp_lite_{kind}_(\d+)_", folder.name)
        if owner and not psutil.pid_exists(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)  # leaves what is another user's
