"""Upload a file, of any front end's message limit, with progress; say what was taken or why not.

A core FileUpload sends a file as one message, and a server drops messages of more than 10 MB
without a word. Here the browser (upload.js) sends pieces of a megabyte, each after the kernel has
taken the one before, and the kernel writes them to a file as they come.

What the browser says, with the `id` of the transfer: `hello` it is there; `begin` name, size;
`piece` offset, one buffer; `where` which piece is next; `cancel`. What the kernel says: `next`
offset; `whole` it is there and is looked at; at the end `done` or `no`, with a sentence. Nothing
that the browser says is believed: each piece is checked against what was announced.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets

from fyp_course.panels.base import note
from fyp_course.visit import MEGA, plain_name
from fyp_lite.clip import Clip
from fyp_lite.opening import find_input_type, open_clip

LIMIT = 200 * MEGA  # bytes of a file
PIECE = 2**20  # bytes of a message: less than any server's limit
ACCEPT = ".mp4,.webm,.mov,.avi,.mkv,.gif,.webp,.json"
PATIENCE = 30.0  # seconds until a front end that does not answer gets a core FileUpload
BY_HAND = (
    "drag the file into the list of files on the left (in Colab: the folder symbol) and write its "
    "name where a path is asked for"
)
_SCRIPT = Path(__file__).with_name("upload.js").read_text(encoding="utf-8")
_STYLE = """
.fyp-upload{display:flex;flex-wrap:wrap;gap:4px 8px;align-items:center;margin:2px}
.fyp-upload [hidden]{display:none!important}
.fyp-upload button{width:auto}
.fyp-upload progress{width:160px}
.fyp-upload [role=status]{overflow-wrap:anywhere}
.fyp-upload [data-kind=no]{color:var(--jp-error-color1,#b3261e)}
"""


class UploadError(ValueError):
    """A file that cannot be taken: one sentence with the fix."""


def check_size(name: str, num_bytes: int) -> None:
    """Refuse a file that is too large to be uploaded. Raises UploadError."""
    if num_bytes > LIMIT:
        raise UploadError(
            f"{name} has {num_bytes / MEGA:.0f} MB, and at most {LIMIT // MEGA} MB are uploaded: "
            f"{BY_HAND}."
        )


def clip_facts(clip: Clip) -> str:
    """What a clip is: "party.mp4: 240 frames of 1920 × 1080 pixels, 12.3 MB"."""
    frames = "1 frame" if clip.num_frames == 1 else f"{clip.num_frames} frames"
    facts = f"{clip.path.name}: {frames} of {clip.width} × {clip.height} pixels"
    with suppress(OSError):  # keypoints in memory have no file
        facts += f", {clip.path.stat().st_size / MEGA:.1f} MB"
    return facts


def look_at(path: Path) -> str:
    """What an uploaded file is, in words. Raises ClipError for one that is no clip."""
    with open_clip(path) as clip:
        kind = "skeleton" if clip.keypoints is not None else find_input_type(clip)
        return f"Arrived: {clip_facts(clip)}. It looks like a {kind} video."


class Arrival:
    """A file that arrives piece by piece, in a folder of its own below `folder`.

    Raises UploadError for a size that cannot be, and where the disk is too full.
    """

    def __init__(self, folder: Path, name: str, size: int) -> None:
        if size < 1:
            raise UploadError(f"{name} is empty (0 bytes): copy or download it again.")
        if size > (free := shutil.disk_usage(folder).free):
            raise UploadError(
                f"{name} has {size / MEGA:.1f} MB, and {free / MEGA:.1f} MB of the disk are free: "
                "make room, then upload it again."
            )
        self.size, self.received = size, 0
        self.path = Path(tempfile.mkdtemp(dir=folder)) / name
        self._file = self.path.open("wb")

    def add(self, piece: bytes | memoryview) -> None:
        """Write the next piece. Raises UploadError where it is not what was announced."""
        length = len(piece)
        if not 0 < length <= min(PIECE, self.size - self.received):
            raise UploadError(
                f"{self.path.name} was announced with {self.size} bytes, and a piece of {length} "
                f"after {self.received} does not fit: upload it again."
            )
        try:
            self._file.write(piece)
            self.received += length
            if self.received == self.size:
                self._file.close()
        except OSError as error:
            raise UploadError(
                f"{self.path.name} cannot be written ({error.strerror}): make room on the disk, "
                "then upload it again."
            ) from error

    def drop(self) -> None:
        """Remove what has arrived."""
        with suppress(OSError):  # closing writes what a full disk has no room for
            self._file.close()
        shutil.rmtree(self.path.parent, ignore_errors=True)


class PieceUpload(anywidget.AnyWidget):
    """The button in the browser, and the file that it sends. `Upload` is what panels use.

    Args:
        label: of the button.
        folder: files come into folders of their own below it.
        check: called with name and bytes before the first piece; raises ValueError to refuse.
        taken: called with the whole file; returns what to say, or raises ValueError to refuse it.

    Attributes:
        alive: whether a browser has shown it. said, refused: the last sentence, and whether it is a
            refusal. arrival: the file on its way.
    """

    _esm, _css = _SCRIPT, _STYLE
    label = traitlets.Unicode().tag(sync=True)
    accept = traitlets.Unicode(ACCEPT).tag(sync=True)
    piece = traitlets.Int(PIECE).tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    refused = traitlets.Bool(False).tag(sync=True)
    alive = traitlets.Bool(False)

    def __init__(
        self,
        label: str,
        folder: Path,
        check: Callable[[str, int], None],
        taken: Callable[[Path], str],
    ) -> None:
        self._folder, self._check, self._taken = folder, check, taken
        self.arrival: Arrival | None = None
        self._id = ""
        self._last: dict[str, Any] = {}  # the final answer, for a browser that missed it
        self._turn = threading.RLock()  # messages may be handled in two threads
        super().__init__(label=label)
        self.on_msg(self._hear)

    def _hear(self, _widget: object, content: Any, buffers: Sequence[memoryview]) -> None:
        if not isinstance(content, dict):
            return
        kind, name = content.get("kind"), content.get("id")
        if kind == "hello":
            self.alive = True
        elif isinstance(name, str):
            with self._turn:
                self._hear_transfer(kind, name, content, buffers)

    def _hear_transfer(
        self, kind: object, name: str, content: dict[str, Any], buffers: Sequence[memoryview]
    ) -> None:
        try:
            if kind == "begin":
                self._begin(name, content)
            elif self._last.get("id") == name:
                self.send(self._last)
            elif self.arrival is None or name != self._id:
                lost = "The upload was interrupted, nothing was kept: upload the file again."
                self.send({"kind": "no", "id": name, "sentence": lost})
            elif kind == "cancel":
                raise UploadError(f"{self._progress()} had arrived: cancelled, nothing was kept.")
            elif kind == "where":
                self._ask_next(sent=content.get("sent"))
            elif kind == "piece":
                self._add(content, buffers)
        except ValueError as error:  # a refusal of our own, of `check` or of `taken`
            self._end("no", str(error))
        except Exception as error:
            self._end("no", f"The file could not be taken ({type(error).__name__}: {error}).")
            raise

    def _begin(self, name: str, content: dict[str, Any]) -> None:
        if self.arrival:
            self.arrival.drop()
        self._id, self._last, self.arrival = name, {}, None
        file, size = content.get("name"), content.get("size")
        if not isinstance(file, str) or not isinstance(size, int) or isinstance(size, bool):
            raise UploadError("The browser did not say which file comes: upload it again.")
        file = plain_name(file)
        self._check(file, size)
        self.arrival = Arrival(self._folder, file, size)
        self._ask_next()

    def _add(self, content: dict[str, Any], buffers: Sequence[memoryview]) -> None:
        assert self.arrival
        if len(buffers) != 1:
            raise UploadError("A piece came without its bytes: upload the file again.")
        if content.get("offset") == self.arrival.received:  # else it has come before
            self.arrival.add(buffers[0])
        if self.arrival.received < self.arrival.size:
            self._ask_next()
            return
        self.send({"kind": "whole", "id": self._id})
        self._end("done", self._taken(self.arrival.path))

    def _ask_next(self, **sent: object) -> None:
        assert self.arrival
        self.send({"kind": "next", "id": self._id, "offset": self.arrival.received, **sent})

    def _end(self, kind: str, sentence: str) -> None:
        if self.arrival and kind == "no":
            self.arrival.drop()
        self.arrival = None
        self._last = {"kind": kind, "id": self._id, "sentence": sentence}
        self.refused, self.said = kind == "no", sentence
        self.send(self._last)

    def _progress(self) -> str:
        assert self.arrival
        done, total = self.arrival.received / MEGA, self.arrival.size / MEGA
        return f"{self.arrival.path.name}: {done:.1f} of {total:.1f} MB"

    def report(self) -> str:
        """The state in a sentence: what is on its way, what came of the last file, or nothing."""
        with self._turn:
            if self.arrival:
                return f"{self._progress()} have arrived: run this again when it is there."
            return self.said or "No file was uploaded."


class Upload(widgets.VBox):
    """A button that takes one file at a time and says what it took.

    Where the front end cannot show it (anywidget is missing there), a core FileUpload with a
    sentence comes in its place after half a minute.

    Args:
        label: of the button.
        taken: called with the path of each file; returns what to say, or raises ValueError with
            the reason to refuse it. By default any clip is taken and described.
        check: called with name and bytes before a file comes; raises ValueError to refuse it. By
            default files of more than 200 MB are refused.
        folder: where the files go, each into a folder of its own; by default a temporary one.

    Attributes:
        path: of the last file that was taken, None before.
    """

    def __init__(
        self,
        label: str = "Upload",
        taken: Callable[[Path], str] = look_at,
        check: Callable[[str, int], None] = check_size,
        folder: Path | None = None,
    ) -> None:
        if folder is None:
            self._own = tempfile.TemporaryDirectory(prefix="fyp_lite_")
            folder = Path(self._own.name)
        self._folder, self._check, self._given = folder, check, taken
        self.path: Path | None = None
        self.pieces = PieceUpload(label, folder, check, self._take)
        self.pieces.observe(lambda _change: self._show_whole(False), "alive")
        self.whole = widgets.FileUpload(accept=ACCEPT, multiple=False, description=label)
        self.whole.observe(self._take_whole, "value")
        self.message = widgets.HTML()
        why = (
            "This front end does not show the upload that takes large files (the package anywidget "
            "is missing where its server is installed). With the button below a file of more than "
            f"10 MB may not arrive: {BY_HAND}."
        )
        other = [widgets.HTML(note(why, "hint")), self.whole, self.message]
        self.other = widgets.VBox(other, layout={"display": "none"})
        super().__init__([self.pieces, self.other])
        with suppress(RuntimeError):  # without a kernel there is no front end to wait for
            asyncio.get_running_loop().call_later(PATIENCE, self._show_whole, True)

    @property
    def said(self) -> str:
        """In a sentence: what was taken, what is on its way, why a file was refused, or nothing."""
        return self.pieces.report()

    def _show_whole(self, wanted: bool) -> None:
        shown = wanted and not self.pieces.alive
        self.other.layout.display = "" if shown else "none"

    def _take(self, path: Path) -> str:
        said = self._given(path)
        self.path = path
        return said

    def _take_whole(self, change: dict[str, Any]) -> None:
        for name, content in uploaded_files(change["new"]):
            name, arrival = plain_name(name), None
            try:
                self._check(name, len(content))
                arrival = Arrival(self._folder, name, len(content))
                for start in range(0, len(content), PIECE):
                    arrival.add(content[start : start + PIECE])
                self.pieces.said, self.pieces.refused = self._take(arrival.path), False
            except ValueError as error:
                if arrival:
                    arrival.drop()
                self.pieces.said, self.pieces.refused = str(error), True
            self.message.value = note(self.pieces.said, "error" if self.pieces.refused else "hint")


def uploaded_files(value: Any) -> list[tuple[str, memoryview]]:
    """What a FileUpload holds, as (name, content): a dict by name in ipywidgets 7, a tuple in 8."""
    files = value.items() if isinstance(value, dict) else ((file["name"], file) for file in value)
    return [(name, memoryview(file["content"])) for name, file in files]
