"""What every panel is made of: pictures that play, and a button that starts a run.

Core ipywidgets only, of versions 7.7 and 8.

A button starts an asyncio task that walks the sampling generator and lets the kernel breathe after
every step. So progress, live preview and Stop need no threads: a click is handled at the end of the
step that is running.
"""

from __future__ import annotations

import asyncio
import html
import math
import re
from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np

from fyp_course.show import show_sheet
from fyp_course.stage.display import show_live
from fyp_course.stills import motion_reduced, picture_html, stills_only
from fyp_lite.video import contact_sheet, encode_webp, few_frames

PICTURE = "256px"  # width of a preview and of a result
WIDE = {"description_width": "110px"}
LIVE_PREVIEWS = 4  # decoded predictions per run
MAX_PREVIEW_FPS = 60  # what screens show
# Seconds for the kernel between steps. A click passes several turns of its event loop before it is
# handled; with sleep(0), which is one turn, Stop comes about four steps late.
BREATH = 0.002
_running: RunPanel | None = None  # the panel that is at work
REST = 0.5  # seconds without a change after which the cost is worked out


class Picture(widgets.HTML):
    """An animated WebP with a text for those who cannot see it.

    HTML, as an Image widget leaves the text out. What follows takes its place without a blank
    frame: the browser decodes it before it paints.

    Attributes:
        alt: what is seen, "" before there is something.
    """

    def __init__(self, width: str | None = PICTURE, height: str = PICTURE) -> None:
        """Shown `width` x `height` large; a width of None follows the picture's own pixels."""
        super().__init__(layout={"max_width": "100%"})
        self._width, self._height = width, height
        self.alt = ""

    def play(self, frames: np.ndarray, fps: float, text: str) -> None:
        """Show `frames` `[f, h, w, 3]` uint8 in a loop; `text` says what is seen.

        For readers who asked for reduced motion, a few of them side by side.
        """
        if motion_reduced() and len(frames) > 1:
            some = few_frames(frames)
            frames = contact_sheet(some, columns=math.ceil(len(some) ** 0.5))[None]
        self.alt = text
        self.value = picture_html(
            encode_webp(frames, min(fps, MAX_PREVIEW_FPS)),
            "webp",
            text,
            f"width:{self._width or f'{frames.shape[2]}px'}; height:{self._height}; "
            "max-width:100%; object-fit:contain",
        )

    def draw(self, picture: np.ndarray, text: str) -> None:
        """Show one still `[h, w, 3]` uint8; `text` says what is seen."""
        self.play(picture[None], 1, text)


class Panel(widgets.VBox):
    """A panel that appears where it is a cell's last line, or is given to `display`.

    Where stored notebooks are made (`show.stills_only`), `show_still` shows what stands for it.
    """

    def show_still(self) -> None:
        """Show a still picture of what the panel says."""
        raise NotImplementedError

    def _opens(self) -> None:
        """Called before the panel appears."""

    def _ipython_display_(self) -> None:
        if stills_only():
            self.show_still()
            return
        self._opens()
        show_live(self)


class Folds(widgets.VBox):
    """Buttons that show and hide boxes, at most one at a time: core Tab and Accordion without them.

    Args:
        boxes: {title: what its button shows}.
        opened: title of the box that is shown at first, if any.

    Attributes:
        buttons: {title: ToggleButton}, whose value says whether its box is shown.
    """

    def __init__(self, boxes: Mapping[str, widgets.Widget], opened: str | None = None) -> None:
        self.boxes = dict(boxes)
        self.buttons = {
            title: widgets.ToggleButton(
                title == opened, description=title, layout={"width": "auto"}
            )
            for title in boxes
        }
        for title, button in self.buttons.items():
            button.observe(lambda _change, title=title: self._turn(title), "value")
            self._turn(title)
        row = widgets.HBox(list(self.buttons.values()), layout={"flex_flow": "row wrap"})
        super().__init__([row, *boxes.values()])

    def _turn(self, title: str) -> None:
        button = self.buttons[title]
        button.icon = "caret-down" if button.value else "caret-right"
        button.tooltip = f"{'Hide' if button.value else 'Show'}: {title}"
        self.boxes[title].layout.display = None if button.value else "none"
        if button.value:
            for other in self.buttons.values():
                other.value = other is button


class RunPanel(Panel):
    """A panel whose button starts one asyncio task at a time, with Stop, progress and a message.

    Of all panels of a kernel one runs at a time: they would only slow each other down.

    A subclass calls `_make_bar`, puts `bar` and `message` among its children and does its work in
    `_run`, in small pieces with `await self._breathe(done, total, text)` after each, which says
    whether to go on. `_cost` says in a sentence what that would take; it is asked a little after
    one of the controls given to `_watch_cost` has come to rest.

    Attributes:
        task: the running or last run, to be awaited in a test.
    """

    def _make_bar(self, label: str) -> None:
        self.task: asyncio.Task[None] | None = None
        self._costing: asyncio.Task[None] | None = None
        self._stopped = False
        self.generate_button = widgets.Button(
            description=label, button_style="primary", icon="play"
        )
        self.generate_button.on_click(self._on_generate)
        self.stop_button = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.stop_button.on_click(self._on_stop)
        self.progress = widgets.IntProgress(0, 0, 1, layout={"width": "190px"})
        self.progress_label = widgets.Label("ready")
        self.message, self.cost = widgets.HTML(), widgets.HTML()
        rows = (
            [self.generate_button, self.stop_button, self.cost],
            [self.progress, self.progress_label],
        )
        self.bar = widgets.VBox(
            [widgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows]
        )

    def _on_generate(self, _button: widgets.Button) -> None:
        if not (self.task and not self.task.done()):
            self.task = asyncio.get_running_loop().create_task(self.generate())

    def _on_stop(self, _button: widgets.Button) -> None:
        self._stopped = True

    async def generate(self) -> None:
        """Do what the panel says; a value that cannot be used is explained in it."""
        global _running
        if _running:
            self.message.value = note("Another run is not finished: stop it first or wait.", "hint")
            return
        _running, self._stopped = self, False
        self.generate_button.disabled, self.stop_button.disabled = True, False
        self.progress.value, self.progress_label.value, self.message.value = 0, "starting", ""
        try:
            await self._run()
        except ValueError as error:
            self.progress_label.value = "not started"
            self.message.value = note(str(error), "error")
        except Exception as error:
            self.progress_label.value = "failed"
            self.message.value = note(f"{type(error).__name__}: {error}", "error")
            raise
        finally:
            _running = None
            self.generate_button.disabled, self.stop_button.disabled = False, True

    def _opens(self) -> None:
        self._cost_soon()

    async def _run(self) -> None:
        raise NotImplementedError

    def _cost(self) -> str:
        raise NotImplementedError

    def _watch_cost(self, *controls: widgets.Widget) -> None:
        for control in controls:
            control.observe(self._cost_soon, "value")

    def _cost_soon(self, _change: object = None) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # without a kernel nobody waits for the line
        if self._costing:
            self._costing.cancel()
        self._costing = loop.create_task(self._tell_cost())

    async def _tell_cost(self) -> None:
        await asyncio.sleep(REST)
        if self.task and not self.task.done():
            await asyncio.wait([self.task])  # two measurements at a time would disturb each other
        try:
            self.cost.value = html.escape(self._cost())
        except ValueError:
            self.cost.value = ""  # the button explains it

    async def _breathe(self, done: int, total: int, text: str) -> bool:
        """Show progress and let clicks in; False where one of them was Stop."""
        self.progress.max, self.progress.value, self.progress_label.value = total, done, text
        await asyncio.sleep(BREATH)
        if self._stopped:
            self.progress_label.value = f"stopped after {text.split(' of ')[0]}"
        return not self._stopped


def close_all(widget: widgets.Widget) -> None:
    """Close a widget and all that is in it: ipywidgets keeps whatever is not closed."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    widget.close()


def note(text: str, kind: str) -> str:
    """`text` as HTML that screen readers announce; `kind` is "error" or "hint"."""
    colour = {"error": "#b3261e", "hint": "#7a5900"}[kind]
    return f'<span role="status" style="color:{colour}">{html.escape(text)}</span>'


def show_frames(frames: np.ndarray, title: str) -> None:
    """Show `frames` `[f, h, w, 3]` uint8 as a sheet; `title` may be a caption with HTML in it."""
    show_sheet(frames, _plain(title))


def in_words(caption: widgets.HTML) -> str:
    """What a caption says, without its HTML."""
    return _plain(caption.value)


def _plain(caption: str) -> str:
    words = re.sub(r"<[^>]*>", " ", caption)  # line breaks and colours
    return html.unescape(words).strip()
