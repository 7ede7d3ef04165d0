"""Where a panel gets its clip from: the bundled ones, a path, or an upload."""

from __future__ import annotations

import html
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np

import fyp_lite
from fyp_course.panels.base import WIDE, note
from fyp_course.panels.people import Extraction
from fyp_course.panels.upload import Upload, check_size, clip_facts
from fyp_course.visit import MEGA, Visit
from fyp_lite.clip import Clip
from fyp_lite.files.writing import ClipError
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
from fyp_lite.keypoints.diagnose import diagnose
from fyp_lite.opening import (
    LOOKS,
    drawn_otherwise,
    find_input_type,
    open_clip,
    refusal,
    skeleton_to_use,
)
from fyp_lite.settings import ClipSettings

REDRAW = "Draw it again for the model"
NEEDS_ALL = "missing frames"  # a finding that only frames in a row can tell


class ClipPicker(widgets.VBox):
    """Input type, and which clip: a bundled one, any path, or an upload.

    Of an upload, and of a file by its path that does not look like the input type, is asked what it
    is; until then the clip before it stays. The people of a raw video are found as soon as it is
    taken. Until then the raw video itself is handed on, so that frames can be chosen already.

    Args:
        opened: called with each clip that could be opened after the first one, `clip`, and with
            the skeleton of a raw one as soon as it is there, under the raw video's path. A
            skeleton in other colours is drawn again at the press of a button; `check` refuses it
            before.
        visit: limits for uploads; there is no field for a path then, and of the uploads only the
            last one is kept.

    Attributes:
        clip: the open file itself: a skeleton video, keypoints or a raw video.
        extraction: the panel that finds people, and what it has found.
        redrawn: whether the skeleton that was handed on is one that was drawn again.
    """

    def __init__(self, opened: Callable[[Clip], None], visit: Visit | None = None) -> None:
        self._opened, self._visit = opened, visit
        self._uploads = tempfile.TemporaryDirectory(prefix="fyp_lite_")
        self._clips = {
            path.stem: path for path in sorted((fyp_lite.data_dir() / "clips").glob("*.mp4"))
        }
        self.input_type = widgets.Dropdown(
            options=["skeleton", "raw"], description="Input type", style=WIDE
        )
        self.bundled = widgets.Dropdown(
            options=list(self._clips.items()),
            value=self._clips["dance"],
            description="Clip",
            style=WIDE,
        )
        self.path = widgets.Text(
            description="Path",
            placeholder="any video file, then Enter",
            continuous_update=False,
            style=WIDE,
            layout={"width": "420px"},
        )
        check = visit.check_upload if visit else check_size
        self.upload = Upload("Upload", self._take_upload, check, Path(self._uploads.name))
        self._make_question()
        self.redraw = widgets.Button(
            description=REDRAW, layout={"width": "auto", "display": "none"}
        )
        self.redraw.on_click(self._redraw)
        self.redrawn, self._otherwise = False, ""
        self.message, self.about = widgets.HTML(), widgets.HTML()
        self.clip = self._handed_on = open_clip(self.bundled.value)
        self.extraction = Extraction(self._take_people, visit)
        # JupyterLab's first clicks may be handled in two threads at the same time.
        self._turn = threading.RLock()
        self._own: Path | None = None  # the last clip that is not bundled
        self._naming = False
        self._name_clip()
        self.input_type.observe(lambda _change: self._open(), "value")
        self.bundled.observe(self._open_chosen, "value")
        own = [self.upload.pieces]  # whatever else a front end needs, the public page has
        if visit is None:
            self.path.observe(self._open_own, "value")
            own = [self.path, self.upload]
        parts = [
            self.input_type,
            self.bundled,
            *own,
            self.question,
            self.about,
            self.message,
            self.redraw,
        ]
        super().__init__([*parts, self.extraction])

    def _make_question(self) -> None:
        """What an own clip is, raw or skeleton; hidden while there is none to ask about."""
        self._asked: Clip | None = None
        self.asks = widgets.HTML()
        self.answers = {
            "raw": widgets.Button(description="A raw video: find its people"),
            "skeleton": widgets.Button(description="A skeleton video"),
        }
        for kind, button in self.answers.items():
            button.layout.width = "auto"
            button.on_click(lambda _button, kind=kind: self._answer(kind))
        buttons = widgets.HBox([*self.answers.values()], layout={"flex_flow": "row wrap"})
        self.question = widgets.VBox([self.asks, buttons], layout={"display": "none"})

    @property
    def names(self) -> set[str]:
        """File names of the bundled clips."""
        return {path.name for path in self._clips.values()}

    def check(self) -> None:
        """Refuse to go on without an answer, or without a skeleton. Raises KeypointsError."""
        if self._asked:
            raise KeypointsError(
                f"What {self._asked.path.name} shows is not said yet: press one of the two buttons "
                "beside its name, or choose another clip."
            )
        if self._otherwise:
            raise KeypointsError(self._otherwise)
        if self.input_type.value == "raw" and self.extraction.keypoints is None:
            raise KeypointsError(
                f"The people of {self.clip.path.name} are not found yet: press “Find the people” "
                "and wait for their skeleton, or set the input type to “skeleton” if it is one."
            )

    def suit(self, detector: str | None) -> None:
        """Set input type and detector to what the open clip was used with before.

        Args:
            detector: what found its people; None where nothing had to.

        Raises KeypointsError where that detector is not ready here.
        """
        if detector:
            people = self.extraction.keypoints
            if people is not None and people.backend == detector:
                return
            self.extraction.use_detector(detector)
        wanted = "raw" if detector else find_input_type(self.clip)
        if self.input_type.value != wanted:
            self.input_type.value = wanted
        elif detector:
            self._open()  # again, as the detector is another one

    def _take_upload(self, path: Path) -> str:
        with self._turn:
            try:
                clip = self._opened_within_limits(path)
            except ValueError as error:
                raise ClipError(f"{error} {self._stays()}") from None
            self._ask(clip)
        return f"Arrived: {clip_facts(clip)}."

    def _open_chosen(self, change: dict[str, Any]) -> None:
        if not self._naming:
            self.path.value = ""
            self._open(change["new"])

    def _open_own(self, change: dict[str, Any]) -> None:
        if path := change["new"].strip():
            self._open(path)

    def _open(self, path: str | Path | None = None) -> None:
        """Open a file; or look at what is asked about, or at the open clip, as the type it is now
        said to have."""
        with self._turn:
            try:
                clip = self._opened_within_limits(path) if path else self._asked or self.clip
                own = path is not None and path not in self._clips.values()
                if own and find_input_type(clip) != self.input_type.value:
                    self._ask(clip)
                else:
                    self._show(clip)
            except ValueError as error:
                self.message.value = note(f"{error} {self._stays()}", "error")
                self._name_clip()

    def _stays(self) -> str:
        return f"{self.clip.path.name} stays the clip."

    def _ask(self, clip: Clip) -> None:
        """Ask what a clip is, and show it once that is answered; keypoints need no question."""
        self._forget_question()
        if clip.keypoints is not None:
            self._asked = clip
            self._answer("skeleton")
            return
        looks = find_input_type(clip)
        shows = {"raw": "more than limbs on black", "skeleton": "limbs on black"}[looks]
        name = html.escape(clip.path.name)
        self.asks.value = (
            f'<span role="status"><b>{name}</b> looks like a {looks} video, as it shows {shows}. '
            f"What is it? Until you say it, {html.escape(self._stays())}</span>"
        )
        for kind, button in self.answers.items():
            button.button_style = "primary" if kind == looks else ""
        self._asked, self.message.value, self.question.layout.display = clip, "", ""
        self._name_clip()

    def _answer(self, kind: str) -> None:
        if self.input_type.value == kind:
            self._open()
        else:
            self.input_type.value = kind

    def _forget_question(self, answered: bool = False) -> None:
        clip, self._asked, self.question.layout.display = self._asked, None, "none"
        if clip and not answered:
            clip.close()
            if self._visit:
                shutil.rmtree(clip.path.parent)

    def _opened_within_limits(self, path: str | Path) -> Clip:
        if self._visit is None:
            return open_clip(path)
        limits = self._visit.limits
        clip = open_clip(
            path, max_pixels=limits.clip_megapixels * MEGA, max_frames=limits.clip_frames
        )
        self._visit.check_clip(clip)  # of a keypoint file
        return clip

    def _show(self, clip: Clip) -> None:
        self._forget_question(answered=clip is self._asked)
        self.extraction.withdraw()
        if clip is not self._handed_on:
            self._hand_on(clip)
        self.clip = clip
        self._name_clip()
        hint = clip_hint(clip, self.input_type.value)
        self.message.value = note(hint, "hint") if hint else ""
        self._find_otherwise()
        if self.input_type.value == "raw":
            drawn_here = clip.path.parent == fyp_lite.data_dir() / "clips"
            self.extraction.offer(clip.path, drawn_here=drawn_here, start=not hint)

    def _name_clip(self) -> None:
        """Say everywhere which clip is in use."""
        path = self.clip.path
        if path not in self._clips.values():
            self._own = path
            if self._visit:
                kept = {path.parent} | ({self._asked.path.parent} if self._asked else set())
                for folder in set(Path(self._uploads.name).iterdir()) - kept:
                    shutil.rmtree(folder)
        options = [(self._own.name, self._own)] if self._own else []
        self._naming = True
        self.bundled.options = [*options, *self._clips.items()]
        self.bundled.value = path
        self._naming = False
        self.about.value = (
            f'<span role="status">In use: {html.escape(clip_facts(self.clip))}</span>'
        )

    def _find_otherwise(self) -> None:
        """Offer to draw a skeleton again that is drawn in other colours or on another ground."""
        self.redrawn, self._otherwise = False, ""
        findings = drawn_otherwise(self.clip) if self.input_type.value == "skeleton" else []
        if findings:
            press = f"Press “{REDRAW}”, or choose another clip."
            self._otherwise = refusal(self.clip, findings, press)
        mends = findings and findings[-1].repair
        self.redraw.layout.display = "" if mends else "none"

    def _redraw(self, _button: widgets.Button) -> None:
        with self._turn:
            if not self._otherwise:  # a second click
                return
            self._hand_on(skeleton_to_use(self.clip, redraw=True))
            self.redrawn, self._otherwise, self.redraw.layout.display = True, "", "none"
            said = f"{self.clip.path.name} is drawn again in the model's colours, on black."
            self.message.value = f'<span role="status">{html.escape(said)}</span>'

    def _take_people(self, people: KeypointClip) -> None:
        self._hand_on(people.open(self.clip.path))

    def _hand_on(self, clip: Clip) -> None:
        self._opened(clip)
        self._handed_on = clip


def clip_hint(clip: Clip, input_type: str) -> str:
    """What is odd about a clip that is opened as “raw” or “skeleton”; "" where nothing is."""
    name, looks_raw = clip.path.name, find_input_type(clip) == "raw"
    if input_type == "raw" and looks_raw:
        return ""
    if input_type == "raw":
        return (
            f"{name} is a skeleton video already: set the input type to “skeleton”. If it shows "
            "people after all, press “Find the people”."
        )
    numbers = np.linspace(0, clip.num_frames - 1, LOOKS).round().astype(int)
    numbers = np.unique(numbers)[::2]  # of the frames that were just read
    findings = [
        finding for finding in diagnose(clip.frames[numbers], clip.fps) if finding.name != NEEDS_ALL
    ]
    names = {finding.name for finding in findings}
    if "raw" in names or (looks_raw and "background" not in names):
        return (
            f"{name} is a raw video, as it shows more than limbs on black: set the input type to "
            "“raw”, and its skeleton is extracted."
        )
    said = [f"{name}, {len(numbers)} frames looked at:"] if findings else []
    said += [f"{finding.sentence} {finding.fix}" for finding in findings]
    if any(finding.repair for finding in findings):
        said.append("The doctor of lesson 01 does it for you.")
    return " ".join(said)


def starting_settings(num_frames: int, wanted: ClipSettings) -> ClipSettings:
    """`wanted`, or for a clip that is too short what comes near: for where sliders begin."""
    count = min(wanted.num_frames, num_frames)
    between = max(1, count - 1)
    stride = max(1, min(wanted.frame_stride, (num_frames - 1) // between))
    start = min(wanted.start_frame, num_frames - 1 - (count - 1) * stride)
    return replace(wanted, start_frame=start, frame_stride=stride, num_frames=count)
