"""Still pictures in a notebook, and where they take the place of what moves.

Where the environment variable FYP_LITE_STILLS is 1, still pictures take the place of videos and of
panels: so the stored notebooks stay small and show something wherever they are read.
`reduced_motion()` does the same for videos, for readers whom moving pictures disturb; panels stay.
"""

from __future__ import annotations

import base64
import html
import io
import os
import re

import numpy as np
from IPython.display import HTML, display
from PIL import Image

STILL_SIZE = 128  # pixels, the height of one frame in a contact sheet

_still = False  # set by reduced_motion


def stills_only() -> bool:
    """Whether contact sheets are shown in place of videos and of panels."""
    return os.environ.get("FYP_LITE_STILLS") == "1"


def reduced_motion(reduce: bool = True) -> None:
    """Show strips of still pictures in place of videos from now on, or videos again (False)."""
    global _still
    _still = reduce


def motion_reduced() -> bool:
    """Whether the reader asked for still pictures (`reduced_motion`)."""
    return _still


def show_picture(picture: np.ndarray, text: str) -> None:
    """Show one picture `[h, w, 3]` uint8 RGB, compressed; `text` says what is seen (alt text)."""
    if stills_only():  # what is stored is a picture by itself, so that every reader shows it
        display(
            {"image/jpeg": base64.b64encode(_jpeg(picture)).decode(), "text/plain": text},
            metadata={"image/jpeg": {"alt": text}},
            raw=True,
        )
    else:  # JupyterLab and the classic front end leave out the text of such a picture
        display(HTML(still_html(picture, text)))


def still_html(picture: np.ndarray, text: str) -> str:
    """A picture `[h, w, 3]` uint8 RGB as HTML, in its own size or as wide as there is room."""
    style = f"width:{picture.shape[1]}px; max-width:100%; height:auto"
    return picture_html(_jpeg(picture), "jpeg", text, style)


def _jpeg(picture: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=80, optimize=True)
    return data.getvalue()


def plain(text: str) -> str:
    """Any text as Markdown that shows it as it was typed."""
    return re.sub(r"([\\`*_\[\]~$|#])", r"\\\1", html.escape(text, quote=False))


def picture_html(data: bytes, kind: str, text: str, style: str) -> str:
    """A picture as HTML.

    Args:
        data: the file's bytes.
        kind: its format, such as "jpeg".
        text: any text that says what is seen.
        style: its CSS.
    """
    return (
        f'<img alt="{html.escape(text)}" decoding="sync" style="display:block; {style}" '
        f'src="data:image/{kind};base64,{base64.b64encode(data).decode()}">'
    )
