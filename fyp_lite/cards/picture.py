"""Run cards drawn and saved: one as a picture that can be read, many as a class picture."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, PngImagePlugin

from fyp_lite.cards.card import CHUNK, CardError, RunCard
from fyp_lite.drawing import font, wrapped
from fyp_lite.files.writing import file_path, written_whole
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.text import one_line
from fyp_lite.video import contact_sheet

PAPER, INK, QUIET, LINE = (255, 253, 248), (34, 34, 40), (112, 112, 122), (222, 216, 204)
MARGIN = 24
TITLE, TEXT, SMALL = 22, 15, 12  # sizes of the letters, in pixels
# Settings of the sampler that are shown where they are not at their default.
SHOWN_IF_CHANGED = (
    *("eta", "guidance_start", "guidance_end", "scheduler"),
    *("pose_strength", "pose_start", "pose_end"),
)
SIDES = "left", "right", "top", "bottom"
CARD, CELL = 775, 387  # width of a card's frames (eight), and in a class picture (four), in pixels


def save_card(card: RunCard, path: str | os.PathLike[str]) -> None:
    """Write a picture of the card with its facts inside (.png), or the facts only (.json).

    Raises CardError for another suffix.
    """
    path = file_path(path)
    data = io.BytesIO()
    if path.suffix.lower() == ".json":
        data.write(card.to_json().encode() + b"\n")
    elif path.suffix.lower() == ".png":
        facts = PngImagePlugin.PngInfo()
        facts.add_itxt(CHUNK, card.to_json(), zip=True)
        Image.fromarray(draw_card(card)).save(data, "PNG", pnginfo=facts, optimize=True)
    else:
        raise CardError(f"{path.name} is neither .png nor .json: rename it, then save again.")
    with written_whole(path) as part:
        part.write_bytes(data.getvalue())


def draw_card(card: RunCard) -> np.ndarray:
    """A card as a picture `[h, w, 3]` uint8: its frames, prompt, settings, model and machine."""
    strip = contact_sheet(card.frames, columns=len(card.frames))
    width = CARD + 2 * MARGIN
    title = wrapped(f"“{card.request.prompt}”", font(TITLE, bold=True), CARD)
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
    words = wrapped(f"“{card.request.prompt}”", font(TEXT, bold=True), CELL)
    if len(words) > 2:
        words = [words[0], words[1] + " …"]
    facts = wrapped(_brief(card), font(SMALL), CELL)
    cell = Image.new("RGB", (CELL, shown.height + 8 + 20 * len(words) + 16 * len(facts)), PAPER)
    cell.paste(shown, (0, 0))
    draw, y = ImageDraw.Draw(cell), shown.height + 4
    for line in words:
        draw.text((0, y), line, INK, font(TEXT, bold=True))
        y += 20
    for line in facts:
        draw.text((0, y), line, QUIET, font(SMALL))
        y += 16
    return cell


def _video_facts(card: RunCard) -> list[tuple[str, str]]:
    request = card.request
    clip, sampling = request.clip_settings, request.sample_settings
    eta = f", eta {sampling.eta:g}" if sampling.eta else ""
    facts = [
        ("Clip", _short(one_line(Path(request.clip_name).name), 34)),
        *([("Detector", _short(card.detector, 34))] if card.detector else []),
        ("Frames", f"{clip.num_frames}, from {clip.start_frame}, stride {clip.frame_stride}"),
        ("Crop", _crop(clip) or "none"),
        ("Seed", f"{sampling.seed}"),
        ("Steps", f"{sampling.num_inference_steps}{eta}"),
        ("Guidance", f"{sampling.guidance_scale:g}"),
    ]
    if request.negative_prompt:
        facts.append(("Away from", _short(request.negative_prompt, 34)))
    return facts


def _model_facts(card: RunCard) -> list[tuple[str, str]]:
    versions = [f"{name} {version}" for name, version in card.made.versions.items()]
    return [
        ("Model", f"{card.made.model} {card.made.weights_hash[:12]}"),
        ("Machine", f"{card.made.device}, {card.made.dtype}"),
        ("Took", f"{card.made.seconds:.1f} s"),
        ("Plays at", f"{card.made.fps:g} frames a second"),
        ("With", ", ".join(versions[:2])),
        ("", ", ".join(versions[2:])),
    ]


def _brief(card: RunCard) -> str:
    """The usual settings, then whatever else is not at its default."""
    request = card.request
    clip, sampling = request.clip_settings, request.sample_settings
    source = _short(one_line(Path(request.clip_name).name), 14)
    facts = [
        f"seed {sampling.seed}",
        f"{sampling.num_inference_steps} steps",
        f"guidance {sampling.guidance_scale:g}",
        f"{source} from {clip.start_frame}, stride {clip.frame_stride}",
    ]
    if request.negative_prompt:
        facts.append(f"away from “{_short(request.negative_prompt, 34)}”")
    if clip.num_frames != ClipSettings().num_frames:
        facts.append(f"{clip.num_frames} frames")
    if crop := _crop(clip):
        facts.append(f"crop {crop}")
    if clip.pad != ClipSettings().pad:
        facts.append(f"pad {clip.pad}")
    usual = SampleSettings()
    for name in SHOWN_IF_CHANGED:
        if (value := getattr(sampling, name)) != getattr(usual, name):
            facts.append(f"{name} {value}")
    return " · ".join(facts)


def _crop(settings: ClipSettings) -> str:
    sides = {side: getattr(settings, f"crop_{side}") for side in SIDES}
    return ", ".join(f"{side} {pixels}" for side, pixels in sides.items() if pixels)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _draw_facts(draw: ImageDraw.ImageDraw, x: int, y: int, facts: list[tuple[str, str]]) -> None:
    for name, value in facts:
        draw.text((x, y), name, QUIET, font(TEXT))
        draw.text((x + 92, y), value, INK, font(TEXT))
        y += 24
