"""The panel that finds the people of a raw video: detector, progress, estimate, Stop."""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import ipywidgets as widgets

from fyp_course.panels.base import BREATH, WIDE, RunPanel, note
from fyp_course.visit import Visit
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
from fyp_lite.keypoints.detectors import available_backends
from fyp_lite.keypoints.detectors.base import BackendReport
from fyp_lite.keypoints.extract import extract_steps

AUTOMATIC = "automatic"


class Extraction(RunPanel):
    """Finds the people of one raw video at a time; hidden while there is none.

    Args:
        found: called with the keypoints of the video that was offered last.
        visit: limits; then what is found is not kept in the cache that all visitors share, and
            what the machine lacks is not listed.

    Attributes:
        keypoints: of that video, None until they are found.
    """

    def __init__(self, found: Callable[[KeypointClip], None], visit: Visit | None = None) -> None:
        self._found, self._visit = found, visit
        self._source: Path | None = None
        self._drawn_here = False
        self.keypoints: KeypointClip | None = None
        self.detector = widgets.Dropdown(options=[AUTOMATIC], description="Detector", style=WIDE)
        self.about = widgets.HTML()
        self._make_bar("Find the people")
        self.generate_button.icon, self.generate_button.layout.width = "search", "auto"
        choice = widgets.HBox([self.detector, self.about], layout={"flex_flow": "row wrap"})
        super().__init__([choice, self.bar, self.message], layout={"display": "none"})

    def offer(self, source: Path, *, drawn_here: bool, start: bool) -> None:
        """Take another raw video.

        Args:
            source: its file.
            drawn_here: this kit's renderer drew it; “automatic” then means “cartoon”.
            start: begin at once, not when the button is pressed.
        """
        self.withdraw()
        self._source, self._drawn_here = source, drawn_here
        self._list_detectors()
        self.layout.display = ""
        if start:
            try:
                self._on_generate(self.generate_button)
            except RuntimeError:
                return  # without a kernel there is no loop to work in: the button waits for one

    def withdraw(self) -> None:
        """Stop and hide, as there is no raw video any more."""
        if self.task and not self.task.done():
            self._cancel(self.task)
        self._source = self.keypoints = None
        self.progress.value, self.progress_label.value, self.message.value = 0, "ready", ""
        self.layout.display = "none"

    def _cancel(self, task: asyncio.Task[None]) -> None:
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is task.get_loop():
            task.cancel()  # at once: its last words come before those of the next task
        else:  # begun by a click that JupyterLab sent to another thread
            task.get_loop().call_soon_threadsafe(task.cancel)

    def use_detector(self, name: str) -> None:
        """Choose a detector. Raises KeypointsError where it is not ready here."""
        reports = {report.name: report for report in self._list_detectors()}
        if name not in self.detector.options:
            why = reports[name].note if name in reports else "there is no detector of that name."
            raise KeypointsError(f"the detector {name!r} cannot be used here: {why}")
        self.detector.value = name

    def _list_detectors(self) -> list[BackendReport]:
        reports = available_backends()
        options = (AUTOMATIC, *(report.name for report in reports if report.ready))
        if self.detector.options != options:
            keep = self.detector.value
            self.detector.options = options
            self.detector.value = keep if keep in options else AUTOMATIC
        if self._visit:
            return reports
        said = [
            f"<li>{'✔' if report.ready else '✘'} <b>{report.name}</b>: {html.escape(report.note)}"
            for report in reports
        ]
        ready = len(options) - 1
        self.about.value = (
            f"<details><summary>{ready} of {len(reports)} detectors are ready here</summary>"
            f"<ul>{''.join(said)}</ul></details>"
        )
        return reports

    async def _run(self) -> None:
        assert self._source  # the panel is hidden before
        if self._visit:
            self._visit.begin(1)
        backend = self.detector.value
        if backend == AUTOMATIC:
            backend = "cartoon" if self._drawn_here else "auto"
        await asyncio.sleep(BREATH)  # the first step loads the detector: show what was said before
        try:
            people = await self._find(self._source, backend)
        except ValueError as error:
            self.progress_label.value = "not found"
            self.message.value = note(str(error), "error")
            return
        if people is not None:
            self.keypoints = people
            self._found(people)

    async def _find(self, source: Path, backend: str) -> KeypointClip | None:
        """The people of the video; None where Stop was pressed."""
        began = time.perf_counter()
        with closing(extract_steps(source, backend=backend, cache=not self._visit)) as steps:
            for step in steps:
                if step.clip is not None:
                    break
                text = f"frame {step.done} of {step.total}, about {step.seconds_left:.0f} s left"
                if not await self._breathe(step.done, step.total, text):
                    return None
        people = step.clip
        assert people is not None  # of the last step
        shown = "1 person" if people.num_people == 1 else f"{people.num_people} people"
        seen = (people.keypoints[..., 2] > 0).any(axis=(1, 2)).sum()
        self.progress.max = self.progress.value = people.num_frames
        self.progress_label.value = (
            f"done: {shown} in {seen} of {people.num_frames} frames, found by {people.backend} in "
            f"{time.perf_counter() - began:.1f} s"
        )
        return people
