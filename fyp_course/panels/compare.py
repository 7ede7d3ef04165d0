"""Two results side by side with what differs, and a result to keep or to pass on."""

from __future__ import annotations

import base64
import html
import mimetypes
import tempfile
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from fyp_course.panels.base import WIDE, note
from fyp_course.stage import Stage, caption_of
from fyp_course.stage.film import held
from fyp_course.visit import MAX_NAME, plain_name
from fyp_lite.cards.card import RunCard, differences
from fyp_lite.cards.picture import save_card
from fyp_lite.video import write_video


class Comparison(widgets.VBox):
    """Keep a result as A; each later one is shown beside it as B, in step, with what differs.

    Attributes:
        stage: shows both, None before there are two.
    """

    def __init__(self) -> None:
        self._kept: tuple[RunCard, np.ndarray] | None = None
        self._newest: tuple[RunCard, np.ndarray] | None = None
        self.keep = widgets.Button(description="Keep as A", icon="thumb-tack", disabled=True)
        self.keep.on_click(self._keep)
        self.differing = widgets.HTML("Generate a video, keep it as A, change one thing, go on.")
        self.stage: Stage | None = None
        super().__init__([self.keep, self.differing])

    def offer(self, card: RunCard, video: np.ndarray) -> None:
        """A new result: the next A, and B from now on."""
        self._newest = card, video
        self.keep.disabled = False
        self._show()

    def _keep(self, _button: widgets.Button) -> None:
        self._kept = self._newest
        self._show()

    def _show(self) -> None:
        if not (self._kept and self._newest):
            return
        found = differences(self._kept[0], self._newest[0])
        text = "; ".join(found) or "nothing: A and B are the same run"
        self.differing.value = f"<b>What differs</b> (A → B): {html.escape(text)}"
        card, video = self._newest
        videos = {"A": held(self._kept[1], len(video)), "B": video}
        captions = {}
        for name, (made, _) in zip("AB", (self._kept, self._newest), strict=True):
            request = made.request
            sampling = request.sample_settings
            captions[name] = caption_of(request.prompt, request.clip_settings, sampling)
        alt = f"What differs from A to B: {text}"
        if self.stage:
            self.stage.show_videos(videos, card.made.fps, captions, alt)
        else:
            self.stage = Stage(videos, card.made.fps, captions, alt=alt)
            self.children = [self.keep, self.differing, self.stage]


class Share(widgets.VBox):
    """Save the last result as a video or as a run card, and restore all controls from a card.

    Args:
        restore: called with the card that was pasted; a ValueError is explained in the panel.
        folder: where files go at first; None offers them as downloads, and keeps none.
    """

    def __init__(self, restore: Callable[[RunCard], None], folder: Path | None) -> None:
        self._restore, self._downloads = restore, folder is None
        self._result: tuple[RunCard, np.ndarray] | None = None
        self.folder = widgets.Text(str(folder or ""), description="Folder", style=WIDE)
        self.name = widgets.Text("my_video", description="Name", style=WIDE)
        self.buttons = {
            suffix: widgets.Button(
                description=f"Save {label}",
                icon="download",
                disabled=True,
                layout={"width": "auto"},
            )
            for suffix, label in (
                *((".mp4", "MP4"), (".gif", "GIF")),
                *((".png", "run card (PNG)"), (".json", "run card (JSON)")),
            )
        }
        for suffix, button in self.buttons.items():
            button.on_click(lambda _button, suffix=suffix: self._save(suffix))
        self.pasted = widgets.Textarea(
            description="Run card",
            placeholder="paste the JSON of a run card here",
            style=WIDE,
            layout={"width": "560px", "height": "90px"},
        )
        self.restore = widgets.Button(
            description="Restore all controls", icon="undo", layout={"width": "190px"}
        )
        self.restore.on_click(lambda _button: self._tell(self._take_card))
        self.message = widgets.HTML()
        fields = [self.name] if folder is None else [self.folder, self.name]
        where = widgets.HBox(fields, layout={"flex_flow": "row wrap"})
        saving = widgets.HBox(list(self.buttons.values()), layout={"flex_flow": "row wrap"})
        super().__init__([where, saving, self.pasted, self.restore, self.message])

    def offer(self, card: RunCard, video: np.ndarray) -> None:
        """A new result: what the buttons save from now on."""
        self._result = card, video
        for button in self.buttons.values():
            button.disabled = False

    def keep(self, ending: str, write: Callable[[Path], object]) -> None:
        """Save a file under the chosen name with this ending, or offer it as a download.

        The panel says what came of it.

        Args:
            write: makes the file at the path that it is called with.
        """
        self._tell(
            lambda: self._download(ending, write) if self._downloads else self._put(ending, write)
        )

    def _tell(self, act: Callable[[], str]) -> None:
        """Do what a button asks for, and show the HTML that it returns, or what is wrong."""
        try:
            self.message.value = act()
        except (ValueError, OSError) as error:
            self.message.value = note(str(error), "error")

    def _put(self, ending: str, write: Callable[[Path], object]) -> str:
        folder = Path(self.folder.value).expanduser()
        if not folder.is_dir():
            raise ValueError(f"There is no folder {folder}: create it or name another.")
        path = folder / self._file_name(ending)
        write(path)
        return html.escape(f"Saved {path}.")

    def _download(self, ending: str, write: Callable[[Path], object]) -> str:
        name = self._file_name(ending)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"file{ending}"
            write(path)
            data = base64.b64encode(path.read_bytes()).decode()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        shown = html.escape(name)
        link = f'download="{shown}" href="data:{kind};base64,{data}"'
        return f'Download <a {link} style="text-decoration: underline">{shown}</a>'

    def _file_name(self, ending: str) -> str:
        name = self.name.value
        if plain_name(name) != name:
            raise ValueError(
                f"The name {name!r} cannot be a file's: take up to {MAX_NAME} letters, digits, "
                "spaces and hyphens, for example my_video."
            )
        return name + ending

    def _save(self, suffix: str) -> None:
        assert self._result  # the buttons are disabled before
        card, video = self._result
        if suffix in (".mp4", ".gif"):
            self.keep(suffix, lambda path: write_video(path, video, card.made.fps))
        else:
            self.keep(suffix, lambda path: save_card(card, path))

    def _take_card(self) -> str:
        card = RunCard.from_json(self.pasted.value)
        self._restore(card)
        return html.escape(
            f"All controls are as on the card of “{card.request.prompt}”: press Generate."
        )
