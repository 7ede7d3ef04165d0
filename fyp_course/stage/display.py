"""Show a live component over a still picture of it, which stays where no kernel is.

A widget lives as long as its kernel. A notebook that is opened again, or read elsewhere, would show
"model not found" in its place. So the picture is shown first and the widget after it: where the
widget comes alive the picture hides, and where it does not the picture says how to wake it.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets
from IPython.display import display

from fyp_course.stills import show_picture, still_html, stills_only

VIEW = "application/vnd.jupyter.widget-view+json"
ASLEEP = "Run the notebook to make it live."

# What follows the picture in the notebook is the widget's output: a stage or a box of widgets once
# it is alive, nothing but a sentence where its model was not found. The picture waits a moment, so
# that it does not flash up before the widget is there.
_OUTPUTS = (
    (".jp-OutputArea-child", ".jp-OutputArea-output"),  # JupyterLab, Notebook 7, Voila
    (".output_area", ".output_subarea"),  # Notebook 6
)
_STYLE = "".join(
    f"{output}:has(.fyp-still):has(+ {output} :is(.fyp-live, .widget-box)){{display:none}}"
    f"{output}:has(.fyp-still) + {output} {inner}:not(:has(*)){{display:none}}"
    for output, inner in _OUTPUTS
) + (
    ".fyp-still{margin:0;animation:fyp-still 1.2s}"
    "@keyframes fyp-still{0%,90%{opacity:0;max-height:0}100%{opacity:1;max-height:999px}}"
    ".fyp-still p{margin:4px 0;font-style:italic}"
)


class Live(anywidget.AnyWidget):
    """What a stage is: a widget with a still picture of itself.

    A subclass says what is seen: `still_picture` and `described`.
    """

    still = traitlets.Unicode("").tag(sync=True)  # id of the picture that hides while this lives

    def still_picture(self) -> np.ndarray:
        """What stands for it where nothing moves, `[h, w, 3]` uint8 RGB."""
        raise NotImplementedError

    def described(self) -> str:
        """What is seen, for those who cannot see it."""
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        show_live(self, self.still_picture(), self.described())

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.described()}"


def show_live(widget: widgets.Widget, picture: np.ndarray | None = None, text: str = "") -> None:
    """Show `widget`, and `picture` where it cannot live.

    Args:
        widget: a stage, or a panel.
        picture: `[h, w, 3]` uint8 RGB, which stands for it; None for a sentence alone. Where stored
            notebooks are made (`show.stills_only`) it is all that is shown.
        text: what is seen, for those who cannot see it.
    """
    if stills_only() and picture is not None:
        show_picture(picture, text)
        return
    name = f"fyp-still-{uuid4().hex}"
    for stage in _stages(widget):
        stage.still = name  # where the style below does not reach, as in VS Code
    display({"text/html": _still(name, picture, text), "text/plain": text}, raw=True)
    # By hand and without words, as some front ends show those where there is no model.
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    bundle = widget._repr_mimebundle_() if isinstance(widget, Live) else None
    metadata = bundle[1] if bundle else {}  # where Colab finds the front end
    display({VIEW: view, "text/plain": ""}, metadata=metadata, raw=True)


def _still(name: str, picture: np.ndarray | None, text: str) -> str:
    shown = "" if picture is None else still_html(picture, text)
    return f'<style>{_STYLE}</style><div class="fyp-still" id="{name}">{shown}<p>{ASLEEP}</p></div>'


def _stages(widget: widgets.Widget) -> Iterator[Live]:
    if isinstance(widget, Live):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from _stages(child)
