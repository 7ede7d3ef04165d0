"""Where a panel gets its clip from: the bundled ones, a path, or an upload."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets

import fyp_lite
from fyp_lite.clip import Clip, ClipError, open_clip
from fyp_lite.lessons.panel import WIDE, note
from fyp_lite.settings import ClipSettings

RAW_NEEDS = (
    "A raw video shows people, and the model reads skeletons: have a pose detector draw its "
    "skeleton first, store that as a video, and open it here with the input type “skeleton”."
)


class ClipPicker(widgets.VBox):
    """Input type, and which clip: a bundled one, any path, or an upload.

    Args:
        opened: called with each clip that could be opened; the one before is then closed.
    """

    def __init__(self, opened: Callable[[Clip], None]) -> None:
        self._opened = opened
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
            accept=".mp4,.webm,.mov,.avi,.mkv,.gif,.webp", multiple=False, description="Upload"
        )
        self.message = widgets.HTML()
        self.input_type.observe(self._explain, "value")
        self.bundled.observe(lambda change: self._open(change["new"]), "value")
        self.path.observe(lambda change: self._open(change["new"].strip()), "value")
        self.upload.observe(self._take_upload, "value")
        own = widgets.HBox([self.path, self.upload], layout={"flex_flow": "row wrap"})
        super().__init__([self.input_type, self.bundled, own, self.message])

    def _explain(self, _change: object = None) -> None:
        self.message.value = note(RAW_NEEDS, "hint") if self.input_type.value == "raw" else ""

    def _take_upload(self, change: dict[str, Any]) -> None:
        for name, content in uploaded_files(change["new"]):
            path = Path(self._uploads.name) / Path(name).name
            path.write_bytes(content)
            self.path.value = str(path)

    def _open(self, path: str | Path | None) -> None:
        if not path:
            return
        try:
            self._opened(open_clip(path))
        except ClipError as error:
            self.message.value = note(str(error), "error")
            return
        if path != self.bundled.value:
            self.bundled.value = None
        self._explain()


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
