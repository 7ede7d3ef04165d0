"""Run cards from others: data, never code; read whole, or refused in one sentence."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from fuzzing import JSON, TEXTS, answer, cases, changed_json, damaged, refused
from helpers import build_tiny_pipeline
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

import fyp_lite
from fyp_lite.cards.card import CHUNK, RunCard, make_card
from fyp_lite.cards.picture import save_card
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings

CLIP = str(fyp_lite.data_dir() / "clips" / "wave.mp4")


@pytest.fixture(scope="module")
def pipeline():
    return build_tiny_pipeline(["a", "panda"])


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cards") / "card.png"


def a_card() -> RunCard:
    settings = ClipSettings(num_frames=1), SampleSettings(1, guidance_scale=1.0)
    video = np.zeros((2, 64, 64, 3), np.uint8)
    tiny = build_tiny_pipeline(["a", "panda"])
    return make_card(tiny, Request("a panda", CLIP, "", *settings), video, 1.0)


CARD = a_card()
FACTS = json.loads(CARD.to_json())


def png(text: str, size: tuple[int, int] = (8, 8)) -> bytes:
    facts, data = PngImagePlugin.PngInfo(), io.BytesIO()
    facts.add_itxt(CHUNK, text, zip=True)
    Image.new("RGB", size).save(data, "PNG", pnginfo=facts)
    return data.getvalue()


def check(card: object, path: Path) -> None:
    """A card that was read can be kept, read again and run."""
    if refused(card):
        return
    for suffix in (".png", ".json"):
        save_card(card, path.with_name("again").with_suffix(suffix))
        assert RunCard.load(path.with_name("again").with_suffix(suffix)) == card


@cases(25, 1500)
@given(changed_json(FACTS))
def test_cards_with_something_changed(path, facts):
    check(answer("run cards", lambda: RunCard.from_json(json.dumps(facts))), path)


@cases(4, 150)
@given(
    changed_json(FACTS["clip_settings"] | FACTS["sample_settings"]),
    st.sampled_from(["", "dance.mp4", "wave.mp4", "nobody.mp4", "..", "../../secret.mp4"])
    | st.sampled_from(["/etc/passwd", "nul\0", "half \ud83d.mp4", "\x1b[2J"])
    | st.text(),
)
def test_cards_that_are_run(pipeline, settings, clip):
    if not isinstance(settings, dict):
        return
    facts = dict(FACTS)
    for part in ("clip_settings", "sample_settings"):
        facts[part] = {key: settings[key] for key in FACTS[part] if key in settings}
    facts["clip"] = clip or facts["clip"]
    card = answer("run cards", lambda: RunCard.from_json(json.dumps(facts)))
    if refused(card) or card.request.sample_settings.num_inference_steps > 20:
        return
    video = answer("run cards", lambda: card.run(pipeline))
    assert refused(video) or len(video) == card.request.clip_settings.num_frames


@cases(15, 800)
@given(damaged(png(CARD.to_json())))
def test_damaged_pictures(path, content):
    path.write_bytes(content)
    card = answer("run cards", lambda: RunCard.load(path))
    assert refused(card) or card == CARD


@cases(6, 300)
@given(JSON.map(json.dumps) | TEXTS | st.sampled_from(["[" * 100_000, "9" * 5000, "x" * 2_000_000]))
def test_text_as_a_card(path, text):
    assert refused(answer("run cards", lambda: RunCard.from_json(text)))
    path.write_bytes(png(text[:100_000].encode(errors="replace").decode()))
    assert refused(answer("run cards", lambda: RunCard.load(path)))


def chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


@pytest.mark.parametrize("side", [9500, 14_000, 2**31 - 1])
def test_a_small_file_of_a_giant_picture(path, side):
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000_000), 9)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
    path.write_bytes(content + chunk(b"IEND", b""))
    assert refused(answer("run cards", lambda: RunCard.load(path)))


def test_a_small_file_of_a_giant_text(path):
    bomb = CHUNK.encode() + b"\0\1\0\0\0" + zlib.compress(b"{" * 30_000_000, 9)
    content = png("{}")
    end = content.rindex(b"IEND") - 4
    path.write_bytes(content[:end] + chunk(b"iTXt", bomb) + content[end:])
    assert refused(answer("run cards", lambda: RunCard.load(path)))
