"""Where a panel gets its clip from: the bundled ones, a path, or an upload."""

from __future__ import annotations

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
from fyp_course.visit import MEGA, Visit, plain_name
from fyp_lite.clip import Clip
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
from fyp_lite.keypoints.diagnose import diagnose
from fyp_lite.opening import LOOKS, find_input_type, open_clip
from fyp_lite.settings import ClipSettings

NEEDS_ALL = "missing frames"  # a finding that only frames in a row can tell


class ClipPicker(widgets.VBox):
    """Input type, and which clip: a bundled one, any path, or an upload.

    The people of a raw video are found as soon as it is opened. Until then the raw video itself
    is handed on, so that frames can be chosen already.

    Args:
        opened: called with each clip that could be opened after the first one, `clip`, and with
            the skeleton of a raw one as soon as it is there, under the raw video's path.
        visit: limits for uploads; there is no field for a path then, and of the uploads only the
            last one is kept.

    Attributes:
        clip: the open file itself: a skeleton video, keypoints or a raw video.
        extraction: the panel that finds people, and what it has found.
    """

    def __init__(self, opened: Callable[[Clip], None], visit: Visit | None = None) -> None:
        self._opened, self._visit = opened, visit
        self._uploads = tempfile.TemporaryDirectory(prefix="fyp_lite_")
        bundled = sorted((fyp_lite.data_dir() / "clips").glob("*.mp4"))
        self.input_type = widgets.Dropdown(
            options=["skeleton", "raw"], description="Input type", style=WIDE
        )
        self.bundled = widgets.Dropdown(
            options=[("your own", None), *((path.stem, path) for path in bundled)],
            value=next(path for path in bundled if path.stem == "dance"),
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
        self.upload = widgets.FileUpload(
            accept=".mp4,.webm,.mov,.avi,.mkv,.gif,.webp,.json",
            multiple=False,
            description="Upload",
        )
        self.message = widgets.HTML()
        self.clip = self._handed_on = open_clip(self.bundled.value)
        self.extraction = Extraction(self._take_people, visit)
        # JupyterLab's first clicks may be handled in two threads at the same time.
        self._turn = threading.RLock()
        self.input_type.observe(lambda _change: self._open(), "value")
        self.bundled.observe(self._open_bundled, "value")
        self.upload.observe(self._take_upload, "value")
        own = widgets.HBox([self.upload], layout={"flex_flow": "row wrap"})
        if visit is None:
            self.path.observe(self._open_own, "value")
            own.children = [self.path, self.upload]
        super().__init__([self.input_type, self.bundled, own, self.message, self.extraction])

    @property
    def names(self) -> set[str]:
        """File names of the bundled clips."""
        return {path.name for _, path in self.bundled.options if path}

    def check(self) -> None:
        """Refuse to go on without a skeleton. Raises KeypointsError."""
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

    def _take_upload(self, change: dict[str, Any]) -> None:
        for name, content in uploaded_files(change["new"]):
            name, before = plain_name(name), set(Path(self._uploads.name).iterdir())
            try:
                if self._visit:
                    self._visit.check_upload(name, len(content))
            except ValueError as error:
                self.message.value = note(str(error), "error")
                continue
            # In a folder of its own, so that an open file of that name stays what it is.
            path = Path(tempfile.mkdtemp(dir=self._uploads.name)) / name
            path.write_bytes(content)
            self.path.value = ""
            self._open_file(path)
            if self.clip.path != path:
                shutil.rmtree(path.parent)
            elif self._visit:
                for folder in before:
                    shutil.rmtree(folder)

    def _open_bundled(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.path.value = ""
            self._open(change["new"])

    def _open_own(self, change: dict[str, Any]) -> None:
        if path := change["new"].strip():
            self._open_file(path)

    def _open_file(self, path: str | Path) -> None:
        before = self.clip
        self._open(path)
        if self.clip is not before:
            self.bundled.value = None

    def _open(self, path: str | Path | None = None) -> None:
        """Open a file, or look at the open clip again, as the input type is another one."""
        with self._turn:
            try:
                self._show(self._opened_within_limits(path) if path else self.clip)
            except ValueError as error:
                self.message.value = note(str(error), "error")

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
        self.extraction.withdraw()
        if clip is not self._handed_on:
            self._hand_on(clip)
        self.clip = clip
        hint = clip_hint(clip, self.input_type.value)
        self.message.value = note(hint, "hint") if hint else ""
        if self.input_type.value == "raw":
            drawn_here = clip.path.parent == fyp_lite.data_dir() / "clips"
            self.extraction.offer(clip.path, drawn_here=drawn_here, start=not hint)

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
        finding for finding in diagnose(clip.read(numbers), clip.fps) if finding.name != NEEDS_ALL
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


def uploaded_files(value: Any) -> list[tuple[str, bytes]]:
    """What a FileUpload holds, as (name, content): a dict by name in ipywidgets 7, a tuple in 8."""
    if isinstance(value, dict):
        return [(name, bytes(file["content"])) for name, file in value.items()]
    return [(file["name"], bytes(file["content"])) for file in value]


def starting_settings(num_frames: int, wanted: ClipSettings) -> ClipSettings:
    """`wanted`, or for a clip that is too short what comes near: for where sliders begin."""
    count = min(wanted.num_frames, num_frames)
    between = max(1, count - 1)
    stride = max(1, min(wanted.frame_stride, (num_frames - 1) // between))
    start = min(wanted.start_frame, num_frames - 1 - (count - 1) * stride)
    return replace(wanted, start_frame=start, frame_stride=stride, num_frames=count)
