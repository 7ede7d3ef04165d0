"""What drawn panels share: colours, and words in one font that looks the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Colours of drawn panels, RGB: readable beside a light and a dark page.
PAPER, INK, DIM = (22, 25, 31), (236, 239, 244), (132, 140, 154)
LIT, BAD, DARK_BAD = (255, 205, 64), (255, 92, 92), (58, 26, 31)


class Word(NamedTuple):
    """A text to be drawn: `x`, `y` in pixels, `anchor` as Pillow's ("mm" is the middle)."""

    x: float
    y: float
    text: str
    colour: tuple[int, int, int] = INK
    size: int = 12
    anchor: str = "mm"
    bold: bool = False


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings along: it looks the same on every machine."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)


def letter(picture: np.ndarray, words: Iterable[Word]) -> np.ndarray:
    """A copy of `picture` `[h, w, 3]` uint8 RGB with words on it."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for word in words:
        lettering = font(word.size, word.bold)
        draw.text((word.x, word.y), word.text, word.colour, lettering, word.anchor)
    return np.asarray(image)


def wrapped(text: str, lettering: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Lines of whole words, each at most `width` pixels; a longer word has its own line."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and lettering.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
