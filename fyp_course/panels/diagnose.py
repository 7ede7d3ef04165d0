"""The doctor for skeleton videos as a panel: what is wrong, and a tick for every repair."""

from __future__ import annotations

import html

import cv2
import ipywidgets as widgets
import numpy as np
from IPython.display import Markdown, display

from fyp_course.panels.base import Panel, Picture, note
from fyp_course.show import show_sheet
from fyp_lite.keypoints.diagnose import Finding, apply_repairs, diagnose
from fyp_lite.lazy_frames import Frames
from fyp_lite.video import few_frames

HEALTHY = "✔ A skeleton video: nothing to repair."
MAX_PLAYED = 48  # frames in each of the two pictures
HEIGHT = 200  # pixels of the two pictures; their frames have twice as many, for fine screens


class SkeletonDoctor(Panel):
    """Findings with a tick for each repair, a button that applies them, before and after.

    Args:
        frames: `[f, h, w, 3]` uint8 RGB; they stay as they are. Those of a whole video are best
            given as `clip.frames`, which reads them one at a time as long as the panel lives.
        fps: frames a second.

    Attributes:
        frames: as repaired so far, lazy where the given ones are. findings: what is left to say
            about them.
    """

    def __init__(self, frames: Frames, fps: float) -> None:
        self._given, self.fps = frames, fps
        self.before, self.after = (Picture(None, f"{HEIGHT}px") for _ in range(2))
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

    def _look(self, frames: Frames) -> None:
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
        if frames is self._given:
            self.after.alt, self.after.value = self.before.alt, self.before.value
        else:
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

    def _play(self, picture: Picture, frames: Frames, text: str) -> None:
        every = -(-len(frames) // MAX_PLAYED)
        shown = np.stack([_small(frame) for frame in frames[::every]])
        picture.play(shown, self.fps / every, f"{text}: {len(frames)} frames")

    def show_still(self) -> None:
        """Show the findings and some frames."""
        display(Markdown(report(self.findings)))
        show_sheet(np.asarray(few_frames(self.frames)), "The clip that the doctor looked at")


def _small(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    if height <= 2 * HEIGHT:
        return frame
    size = max(1, round(width * 2 * HEIGHT / height)), 2 * HEIGHT
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def report(findings: list[Finding]) -> str:
    """All findings and their fixes as a list in Markdown; one line where there are none."""
    lines = []
    for finding in findings:
        offer = "Can be applied" if finding.repair else "To do"
        lines.append(f"- **{finding.name}**: {finding.sentence} *{offer}:* {finding.fix}")
    return "\n".join(lines) or HEALTHY


def _sentence(finding: Finding) -> str:
    return f"<b>{html.escape(finding.name)}</b>: {html.escape(finding.sentence)}"
