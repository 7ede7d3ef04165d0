"""The doctor for skeleton videos as a panel: what is wrong, and a tick for every repair."""

from __future__ import annotations

import html

import ipywidgets as widgets
import numpy as np
from IPython.display import Markdown, display

from fyp_course.panels.base import Panel, Picture, note
from fyp_course.show import show_sheet
from fyp_lite.keypoints.diagnose import Finding, apply_repairs, diagnose

HEALTHY = "✔ A skeleton video: nothing to repair."
MOST_PLAYED = 48  # frames in each of the two pictures


class SkeletonDoctor(Panel):
    """Findings with a tick for each repair, a button that applies them, before and after.

    Args:
        frames: `[f, h, w, 3]` uint8 RGB; they stay as they are.
        fps: frames a second.

    Attributes:
        frames: as repaired so far. findings: what is left to say about them.
    """

    def __init__(self, frames: np.ndarray, fps: float) -> None:
        self._given, self.fps = frames, fps
        self.before, self.after = Picture(None, "200px"), Picture(None, "200px")
        self.list = widgets.VBox()
        self.apply = widgets.Button(
            description="Apply what is ticked", icon="medkit", layout={"width": "auto"}
        )
        self.apply.on_click(self._apply)
        self.undo = widgets.Button(
            description="Undo all", icon="undo", disabled=True, layout={"width": "auto"}
        )
        self.undo.on_click(lambda _button: self._look(self._given))
        self.message = widgets.HTML()
        self._play(self.before, frames, "The clip as it came")
        self._look(frames)
        buttons = widgets.HBox([self.apply, self.undo])
        views = widgets.HBox([self.before, self.after], layout={"flex_flow": "row wrap"})
        super().__init__([self.list, buttons, self.message, views])

    def _look(self, frames: np.ndarray) -> None:
        """Diagnose these frames and offer what can be done."""
        self.frames, self.findings = frames, diagnose(frames, self.fps)
        self.ticks = {
            finding.name: widgets.Checkbox(
                finding.repair is not None,
                description=finding.fix,
                disabled=finding.repair is None,
                indent=False,
                layout={"width": "auto"},
            )
            for finding in self.findings
        }
        said = [widgets.HTML(_sentence(finding)) for finding in self.findings]
        rows = [row for pair in zip(said, self.ticks.values(), strict=True) for row in pair]
        self.list.children = rows or [widgets.HTML(f'<span role="status">{HEALTHY}</span>')]
        self.apply.disabled = not any(finding.repair for finding in self.findings)
        self.undo.disabled = frames is self._given
        self._play(self.after, frames, "The clip as it is now")

    def _apply(self, _button: widgets.Button) -> None:
        ticked = [finding for finding in self.findings if self.ticks[finding.name].value]
        done = [finding.name for finding in ticked if finding.repair]
        try:
            self._look(apply_repairs(self.frames, ticked))
        except ValueError as error:
            self.message.value = note(str(error), "error")
            return
        self.message.value = html.escape(f"Repaired: {', '.join(done) or 'nothing was ticked'}.")

    def _play(self, picture: Picture, frames: np.ndarray, text: str) -> None:
        every = -(-len(frames) // MOST_PLAYED)
        picture.play(frames[::every], self.fps / every, f"{text}: {len(frames)} frames")

    def show_still(self) -> None:
        """Show the findings and some frames."""
        display(Markdown(report(self.findings)))
        show_sheet(self.frames, "The clip that the doctor looked at")


def report(findings: list[Finding]) -> str:
    """All findings and their fixes as a list in Markdown; one line where there are none."""
    lines = []
    for finding in findings:
        offer = "Can be applied" if finding.repair else "To do"
        lines.append(f"- **{finding.name}**: {finding.sentence} *{offer}:* {finding.fix}")
    return "\n".join(lines) or HEALTHY


def _sentence(finding: Finding) -> str:
    return f"<b>{html.escape(finding.name)}</b>: {html.escape(finding.sentence)}"
