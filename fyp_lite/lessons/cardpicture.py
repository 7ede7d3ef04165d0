"""Run cards drawn: one as a picture that can be read, many as a labelled class picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from fyp_lite.lessons.drawing import font, wrapped
from fyp_lite.video import contact_sheet

if TYPE_CHECKING:
    from fyp_lite.lessons.runcard import RunCard

PAPER, INK, QUIET, LINE = (255, 253, 248), (34, 34, 40), (112, 112, 122), (222, 216, 204)
MARGIN = 24
TITLE, TEXT, SMALL = 22, 15, 12  # sizes of the letters, in pixels
CARD, CELL = 775, 387  # width of a card's frames (eight), and in a class picture (four), in pixels


def draw_card(card: RunCard) -> np.ndarray:
    """A card as a picture `[h, w, 3]` uint8: its frames, prompt, settings, model and machine."""
    strip = contact_sheet(card.frames, columns=len(card.frames))
    width = CARD + 2 * MARGIN
    title = wrapped(f"“{card.prompt}”", font(TITLE, bold=True), CARD)
    columns = [_video_facts(card), _model_facts(card)]
    rows = max(map(len, columns))
    height = MARGIN * 4 + strip.shape[0] + 30 * len(title) + 24 * rows + SMALL
    page = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(page)
    y = MARGIN
    for line in title:
        draw.text((MARGIN, y), line, INK, font(TITLE, bold=True))
        y += 30
    page.paste(Image.fromarray(strip), (MARGIN, y + 8))
    y += strip.shape[0] + MARGIN + 4
    draw.line((MARGIN, y, width - MARGIN, y), LINE)
    y += 14
    for x, facts in zip((MARGIN, MARGIN + 400), columns, strict=True):
        _draw_facts(draw, x, y, facts)
    draw.text(
        (MARGIN, height - MARGIN - SMALL // 2),
        "fyp_lite run card: this picture holds the settings, RunCard.load reads them",
        QUIET,
        font(SMALL),
    )
    return np.asarray(page)


def class_picture(cards: Sequence[RunCard]) -> np.ndarray:
    """Many cards in one labelled grid `[h, w, 3]` uint8, in the order given.

    Each cell holds at most four frames, the prompt and what tells the run from its neighbours.

    Raises:
        ValueError: there are no cards.
    """
    if not cards:
        raise ValueError("There are no cards to put together: give at least one.")
    columns = math.ceil(math.sqrt(len(cards) / 2))
    cells = [_draw_cell(card) for card in cards]
    height, gap = max(cell.height for cell in cells), MARGIN
    rows = math.ceil(len(cells) / columns)
    page = Image.new("RGB", (columns * (CELL + gap) + gap, rows * (height + gap) + gap), PAPER)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        page.paste(cell, (gap + column * (CELL + gap), gap + row * (height + gap)))
    return np.asarray(page)


def _draw_cell(card: RunCard) -> Image.Image:
    frames = card.frames[:: math.ceil(len(card.frames) / 4)]
    shown = Image.fromarray(contact_sheet(frames, columns=len(frames)))
    words = wrapped(f"“{card.prompt}”", font(TEXT, bold=True), CELL)
    if len(words) > 2:
        words = [words[0], words[1] + " …"]
    cell = Image.new("RGB", (CELL, shown.height + 64), PAPER)
    cell.paste(shown, (0, 0))
    draw, y = ImageDraw.Draw(cell), shown.height + 4
    for line in words:
        draw.text((0, y), line, INK, font(TEXT, bold=True))
        y += 20
    draw.text((0, y), _brief(card), QUIET, font(SMALL))
    return cell


def _video_facts(card: RunCard) -> list[tuple[str, str]]:
    clip, sampling = card.clip_settings, card.sample_settings
    crop = [
        f"{side} {pixels}"
        for side in ("left", "right", "top", "bottom")
        if (pixels := getattr(clip, f"crop_{side}"))
    ]
    eta = f", eta {sampling.eta:g}" if sampling.eta else ""
    facts = [
        ("Clip", _short(card.clip, 34)),
        *([("Detector", _short(card.detector, 34))] if card.detector else []),
        ("Frames", f"{clip.num_frames}, from {clip.start_frame}, stride {clip.frame_stride}"),
        ("Crop", ", ".join(crop) or "none"),
        ("Seed", f"{sampling.seed}"),
        ("Steps", f"{sampling.num_inference_steps}{eta}"),
        ("Guidance", f"{card.guidance_scale:g}"),
    ]
    if card.negative_prompt:
        facts.append(("Away from", _short(card.negative_prompt, 34)))
    return facts


def _model_facts(card: RunCard) -> list[tuple[str, str]]:
    versions = [f"{name} {version}" for name, version in card.versions.items()]
    return [
        ("Model", f"{card.model} {card.weights_hash[:12]}"),
        ("Machine", f"{card.device}, {card.dtype}"),
        ("Took", f"{card.seconds:.1f} s"),
        ("Plays at", f"{card.fps:g} frames a second"),
        ("With", ", ".join(versions[:2])),
        ("", ", ".join(versions[2:])),
    ]


def _brief(card: RunCard) -> str:
    clip, sampling = card.clip_settings, card.sample_settings
    return (
        f"seed {sampling.seed} · {sampling.num_inference_steps} steps · guidance "
        f"{card.guidance_scale:g} · {_short(card.clip, 14)} from {clip.start_frame}, "
        f"stride {clip.frame_stride}"
    )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _draw_facts(draw: ImageDraw.ImageDraw, x: int, y: int, facts: list[tuple[str, str]]) -> None:
    for name, value in facts:
        draw.text((x, y), name, QUIET, font(TEXT))
        draw.text((x + 92, y), value, INK, font(TEXT))
        y += 24
