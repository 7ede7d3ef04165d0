"""A panel that runs a sweep: choose one or two settings and their values, start, stop, go on."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import prod

import ipywidgets as widgets

from fyp_course.panels.base import WIDE, Picture, RunPanel
from fyp_course.stills import show_picture
from fyp_course.visit import Visit
from fyp_lite.cost import estimate_seconds
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.request import Request
from fyp_lite.sweeps.axes import AXIS_NAMES, read_values
from fyp_lite.sweeps.sheet import Sweep, SweepResult
from fyp_lite.text import readable_seconds


class SweepPanel(RunPanel):
    """Choose one or two settings and their values, run the sweep, see all of it play at once.

    Args:
        pipeline: the model.
        request: returns what all videos have in common; called at each run.
        out: the folder for the videos.
        visit: limits; the folder cannot be chosen then.

    Attributes:
        result: the SweepResult of the last finished sweep, None before.
    """

    def __init__(
        self,
        pipeline: FollowYourPosePipeline,
        request: Callable[[], Request],
        out: str | os.PathLike[str] = "sweep",
        visit: Visit | None = None,
    ) -> None:
        self.pipeline, self.request = pipeline, request
        self._out, self._visit = out, visit
        self.result: SweepResult | None = None
        self._make_bar("Run the sweep")
        names = [name for name in AXIS_NAMES if name != "clip"]
        self.row_name, self.row_values = _axis_fields("Rows", names, "frame_stride", "1, 3, 10")
        self.column_name, self.column_values = _axis_fields(
            "Columns", ["none", *names], "seed", "0, 1"
        )
        self.folder = widgets.Text("" if visit else str(out), description="Folder", style=WIDE)
        hint = widgets.HTML("Numbers have commas between them, prompts a bar: a panda | a robot")
        self._watch_cost(self.row_name, self.row_values, self.column_name, self.column_values)
        self.sheet = Picture(None, "auto")
        self.shown = widgets.VBox([])
        super().__init__(
            [
                widgets.HBox([self.row_name, self.row_values]),
                widgets.HBox([self.column_name, self.column_values]),
                *(hint, *([] if visit else [self.folder]), self.bar, self.message, self.shown),
            ]
        )

    def _job(self) -> Sweep:
        rows = {self.row_name.value: read_values(self.row_name.value, self.row_values.value)}
        columns = None
        if self.column_name.value != "none":
            name = self.column_name.value
            columns = {name: read_values(name, self.column_values.value)}
        if not self._visit:
            return Sweep(self.pipeline, self.request(), rows, columns, self.folder.value)
        axes = rows | (columns or {})
        self._visit.check_sweep(prod(map(len, axes.values())))  # before any is planned
        job = Sweep(self.pipeline, self.request(), rows, columns, self._out)
        for cell in job.cells:
            self._visit.check_run(cell.request)
        return job

    def _cost(self) -> str:
        missing = self._job().batch.missing()
        if not missing:
            return "all of it is stored already"
        seconds = sum(
            estimate_seconds(
                self.pipeline, cell.request.clip_settings, cell.request.sample_settings
            )
            for cell in missing
        )
        return f"{readable_seconds(seconds)} on this machine ({len(missing)} videos to make)"

    async def _run(self) -> None:
        job = self._job()
        if self._visit:
            self._visit.begin(len(job.batch.missing()))
            self._visit.make_room(job.out)
        for at in job.steps():
            text = f"video {at.done + 1} of {at.total}, step {at.step} of {at.num_steps}"
            if at.step == 0:
                text = f"{at.done} of {at.total} videos, stored"
            if at.seconds_left:
                text += f", {readable_seconds(at.seconds_left)} left"
            whole = 100 * at.done + round(100 * at.step / at.num_steps)
            if not await self._breathe(whole, 100 * at.total, text):
                return
        self.result = job.result()
        rate = min(self.result.fps.values())
        self.sheet.play(self.result.grid_video(), rate, f"The sweep. {self.result.title}")
        self.shown.children = [self.sheet]
        place = "" if self._visit else f" and grid.png are in {job.out}"
        self.progress_label.value = f"done: {len(job.cells)} videos{place}"
        self._cost_soon()

    def show_still(self) -> None:
        """Run the sweep and show its sheet."""
        job = self._job()
        for _ in job.steps():
            pass
        self.result = job.result()
        show_picture(self.result.grid(), f"A sweep. {self.result.title}")


def _axis_fields(
    title: str, names: list[str], name: str, values: str
) -> tuple[widgets.Dropdown, widgets.Text]:
    which = widgets.Dropdown(options=names, value=name, description=title, style=WIDE)
    text = widgets.Text(values, description=f"{title}: values", style=WIDE)
    text.layout.width = "460px"
    return which, text
