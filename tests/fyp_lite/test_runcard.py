"""Run cards: written, read back strictly, run again, drawn."""

from __future__ import annotations

import base64
import io
import json
import warnings
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fyp_lite
from fyp_lite.cards import picture
from fyp_lite.cards.card import (
    CardError,
    ClipFacts,
    RunCard,
    differences,
    make_card,
    parse_card,
    read_card,
)
from fyp_lite.cards.picture import class_picture, save_card
from fyp_lite.opening import open_clip, prepare_clip
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings, SettingsError

PROMPT = "a panda on the sea – “süß”"
CLIP = str(fyp_lite.data_dir() / "clips" / "dance.mp4")
CLIP_SETTINGS = ClipSettings(start_frame=8, num_frames=3, crop_right=20)
SAMPLE_SETTINGS = SampleSettings(num_inference_steps=2, seed=5)
REQUEST = Request(PROMPT, CLIP, "", CLIP_SETTINGS, SAMPLE_SETTINGS)


@pytest.fixture(scope="module")
def run(tiny_pipeline):
    """A video and its card."""
    skeleton = prepare_clip(CLIP, CLIP_SETTINGS, tiny_pipeline.size)
    video = tiny_pipeline(PROMPT, skeleton.frames, SAMPLE_SETTINGS).video
    with open_clip(CLIP) as clip:
        card = make_card(tiny_pipeline, replace(REQUEST, clip=clip), video, 1.234)
    return video, card


@pytest.fixture
def card(run) -> RunCard:
    return run[1]


def of(card: RunCard, **values: object) -> RunCard:
    """The card with other values in its request."""
    return replace(card, request=card.request.changed(values))


def by(card: RunCard, **values: object) -> RunCard:
    """The card with other values of what made its video."""
    return replace(card, made=replace(card.made, **values))


def test_a_card_holds_what_made_the_video(card):
    request, made = card.request, card.made
    assert (request.prompt, request.clip, made.fps) == (PROMPT, "dance.mp4", 8)
    assert request.clip_settings == CLIP_SETTINGS
    assert request.sample_settings == replace(SAMPLE_SETTINGS, guidance_scale=3.0)  # the model's
    assert (made.model, made.weights_hash, request.model) == ("unsaved", "", "unsaved")
    assert (made.device, made.dtype, made.seconds) == ("cpu", "float32", 1.23)
    assert made.versions.keys() == {"python", "torch", "diffusers", "fyp_lite"}
    assert card.frames.shape == (3, 96, 96, 3)
    assert card.detector is None


def test_json_and_back(card):
    assert RunCard.from_json(card.to_json()) == card
    assert RunCard.from_json("\n " + card.to_json() + "\n") == card


def test_a_card_is_a_request_that_says_what_was_made(card):
    values = json.loads(card.to_json())
    assert values.pop("format") == "fyp_lite run card 2"
    made = values.pop("made")
    assert Request.from_dict(values) == card.request
    assert made["clip_hash"] == card.made.clip_hash and made["fps"] == 8


def test_the_detector_of_a_raw_video_is_the_requests_backend(run, tiny_pipeline):
    for found, backend in (("cartoon", "cartoon"), (None, "auto")):
        facts = ClipFacts("me.mp4", "0" * 64, found, 24)
        card = make_card(tiny_pipeline, REQUEST, run[0], 1, facts)
        assert (card.detector, card.request.backend) == (found, backend)
        assert RunCard.from_json(card.to_json()) == card


def test_every_field_of_a_request_comes_back(card):
    """Fields that are added later are read as well."""
    values = json.loads(card.to_json())
    for field in fields(Request):
        assert field.name in values
    other = of(card, redraw=True, input_type="raw", backend="cartoon", negative_prompt="sea")
    assert RunCard.from_json(other.to_json()) == other
    assert differences(card, of(card, redraw=True)) == ["redraw: False → True"]
    assert differences(card, of(card, max_people=1)) == ["max_people: 3 → 1"]


def test_a_settings_file_is_a_card_without_what_made_it(card, tmp_path):
    save_card(card, tmp_path / "card.json")
    values = read_card(tmp_path / "card.json")
    assert values.pop("made") == card.made and Request.from_dict(values) == card.request
    settings = {"prompt": "a panda", "sample_settings": {"seed": 2}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    assert read_card(tmp_path / "settings.json") == settings
    with pytest.raises(CardError, match="a settings file, not a run card"):
        RunCard.load(tmp_path / "settings.json")


def test_a_clip_whose_name_is_no_text_is_written_and_read(card, tmp_path):
    odd = of(card, clip="caf\udce9.mp4")  # as Python writes a name in another encoding
    for suffix in (".png", ".json"):
        save_card(odd, tmp_path / f"odd{suffix}")
        assert RunCard.load(tmp_path / f"odd{suffix}") == odd


@pytest.mark.parametrize("name", ["card.png", "card.json", "CARD.PNG"])
def test_files_and_back(card, tmp_path, name):
    save_card(card, tmp_path / name)
    assert RunCard.load(tmp_path / name) == card


def test_a_card_makes_the_same_video(run, tiny_pipeline):
    video, card = run
    assert (card.run(tiny_pipeline) == video).all()
    assert (RunCard.from_json(card.to_json()).run(tiny_pipeline, clip=CLIP) == video).all()
    assert (of(card, seed=6).run(tiny_pipeline) != video).any()
    assert (of(card, pose_strength=0).run(tiny_pipeline) != video).any()


def test_the_guidance_that_was_used_is_used_again(run, tiny_pipeline, monkeypatch):
    video, card = run
    tiny_pipeline.register_to_config(default_guidance_scale=9.0)
    try:
        assert (card.run(tiny_pipeline) == video).all()
    finally:
        tiny_pipeline.register_to_config(default_guidance_scale=3.0)


def test_other_weights_are_warned_of(run, tiny_pipeline):
    video, card = run
    with pytest.warns(UserWarning, match="other weights .lite abc.: the video will differ"):
        other = by(card, model="lite", weights_hash="abc")
        assert other.run(tiny_pipeline).shape == video.shape


def test_another_dtype_is_warned_of(card, tiny_pipeline):
    with pytest.warns(UserWarning, match="made with dtype bfloat16: the video will differ"):
        by(card, dtype="bfloat16").run(tiny_pipeline)


def test_the_same_dtype_is_not(card, tiny_pipeline):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        card.run(tiny_pipeline)


def test_the_bundled_model_has_a_name_and_a_hash(card, tiny_pipeline, monkeypatch, run):
    from fyp_lite.model_folder import WEIGHTS

    monkeypatch.setattr(type(tiny_pipeline), "name_or_path", str(WEIGHTS / "lite"))
    bundled = make_card(tiny_pipeline, replace(REQUEST, model="full"), run[0], 1)
    assert bundled.request.model == bundled.made.model == "lite"  # what it is, not what was asked
    assert len(bundled.made.weights_hash) == 64


# ------------------------------------------------------------------------------ what is refused


def changed(card: RunCard, **values: object) -> str:
    """The card's JSON with other values, of the request or of what made the video."""
    facts = json.loads(card.to_json())
    for name, value in values.items():
        (facts["made"] if name in facts["made"] and name != "model" else facts)[name] = value
    return json.dumps(facts)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"format": "else"}, "another format than 'fyp_lite run card 2'"),
        ({"format": "fyp_lite run card 1"}, "use a card that this version of fyp_lite saved"),
        ({"seconds": "4"}, "seconds is '4', but must be float"),
        ({"seconds": True}, "seconds is True, but must be float"),
        ({"prompt": ["a"]}, "has .'a'. as prompt, but it must be text"),
        ({"prompt": "\ud83d"}, "as prompt, but it must be text"),
        ({"versions": {"torch": 2}}, "versions is"),
        ({"backend": 3}, "has 3 as backend, but it must be text"),
        ({"max_people": True}, "has True as max_people, but it must be a whole number"),
        ({"redraw": "no"}, "has 'no' as redraw, but it must be true or false"),
        ({"clip": 3}, "has 3 as clip, but it must be text"),
        ({"extra": 1}, "has .'extra'., but only"),
        ({"made": "me"}, "has 'me' as made, but it must be an object"),
        ({"made": {"extra": 1}}, "lacks .* and has unknown .'extra'."),
        ({"sample_settings": {"seed": 1}}, "does not say which guidance_scale was used"),
        ({"thumbnail": "no base64!"}, "thumbnail is damaged"),
        ({"thumbnail": base64.b64encode(b"no picture").decode()}, "thumbnail is damaged"),
        ({"thumbnail": 3}, "thumbnail is 3, but must be bytes"),
    ],
)
def test_bad_fields_are_named(card, values, said):
    with pytest.raises(CardError, match=said):
        RunCard.from_json(changed(card, **values))


def test_settings_are_checked_as_ever(card):
    with pytest.raises(SettingsError, match="frame_stride is 0"):
        RunCard.from_json(changed(card, clip_settings={"frame_stride": 0}))
    with pytest.raises(SettingsError, match="no setting 'sed': did you mean 'seed'"):
        RunCard.from_json(changed(card, sample_settings={"sed": 0}))
    with pytest.raises(SettingsError, match="input_type is 'film', but it must be auto, raw or"):
        RunCard.from_json(changed(card, input_type="film"))
    with pytest.raises(CardError, match="'seed=0' as sample_settings, but it must be an object"):
        RunCard.from_json(changed(card, sample_settings="seed=0"))


@pytest.mark.parametrize(
    "text",
    ["", "panda", "[" * 100_000, '{"format": "fyp_lite run card 2"'],
    ids=["empty", "word", "deep", "cut"],
)
def test_text_that_is_no_card(text):
    with pytest.raises(CardError, match="not a run card: it must be JSON, from the first { to"):
        RunCard.from_json(text)
    with pytest.raises(CardError, match="^mine.json is not a run card"):
        parse_card(text, "mine.json")


def test_lists_fragments_and_floods_are_refused(card):
    with pytest.raises(CardError, match="must be a JSON object"):
        RunCard.from_json("[1, 2]")
    for name in ("prompt", "negative_prompt", "clip_settings", "backend"):
        values = json.loads(card.to_json())
        del values[name]
        with pytest.raises(CardError, match=f"lacks .'{name}'."):
            RunCard.from_json(json.dumps(values))
    values = json.loads(card.to_json())
    del values["made"]["seconds"]
    with pytest.raises(CardError, match="lacks .'seconds'."):
        RunCard.from_json(json.dumps(values))
    with pytest.raises(CardError, match="1000001 characters"):
        RunCard.from_json(" " * 1_000_001)


def test_a_thumbnail_of_another_size_is_refused(card):
    data = io.BytesIO()
    Image.new("RGB", (5000, 96)).save(data, "WEBP")
    with pytest.raises(CardError, match="thumbnail is damaged"):
        RunCard.from_json(changed(card, thumbnail=base64.b64encode(data.getvalue()).decode()))


def test_files_that_hold_no_card(card, tmp_path):
    with pytest.raises(CardError, match="There is no file"):
        RunCard.load(tmp_path / "nothing.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    with pytest.raises(CardError, match="plain.png is a picture without a run card inside"):
        RunCard.load(tmp_path / "plain.png")
    save_card(card, tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(CardError, match="cut.png"):
        RunCard.load(tmp_path / "cut.png")
    (tmp_path / "video.mp4").write_bytes(bytes(range(256)))
    with pytest.raises(CardError, match="not a run card"):
        RunCard.load(tmp_path / "video.mp4")
    with pytest.raises(CardError, match="card.gif is neither .png nor .json"):
        save_card(card, tmp_path / "card.gif")


def test_a_clip_that_is_not_there_or_another_one(card, tiny_pipeline):
    with pytest.raises(CardError, match="There is no clip .*mine.mp4: give the path of mine.mp4"):
        of(card, clip="mine.mp4").run(tiny_pipeline)
    with pytest.raises(CardError, match="There is no clip .*secret.mp4: give the path of secret"):
        of(card, clip="../../secret.mp4").run(tiny_pipeline)
    with pytest.raises(CardError, match="walk.mp4 is not the clip that this card was made with"):
        card.run(tiny_pipeline, clip=Path(CLIP).with_name("walk.mp4"))


# ------------------------------------------------------------------------------ pictures


def test_the_picture_grows_with_what_is_written(card, tmp_path):
    save_card(card, tmp_path / "short.png")
    long = of(card, prompt="a panda on the sea " * 12, negative_prompt="hands")
    save_card(long, tmp_path / "long.png")
    short, long = (Image.open(tmp_path / name) for name in ("short.png", "long.png"))
    assert short.width == long.width == 775 + 48
    assert long.height > short.height


def test_a_class_picture_tells_what_is_not_usual(card):
    assert picture._brief(card) == (
        "seed 5 · 2 steps · guidance 3 · dance.mp4 from 8, stride 3 · 3 frames · crop right 20"
    )
    usual = of(card, **ClipSettings().to_dict())
    assert picture._brief(usual) == ("seed 5 · 2 steps · guidance 3 · dance.mp4 from 0, stride 3")
    odd = of(usual, negative_prompt="the sea", eta=0.5, guidance_end=0.25, scheduler="ddim")
    assert picture._brief(odd) == (
        picture._brief(usual) + " · away from “the sea” · eta 0.5 · guidance_end 0.25"
    )
    assert not np.array_equal(class_picture([usual]), class_picture([odd]))
    posed = of(usual, pose_strength=0.5, pose_start=0.1, pose_end=0.8)
    assert picture._brief(posed) == (
        picture._brief(usual) + " · pose_strength 0.5 · pose_start 0.1 · pose_end 0.8"
    )


def test_a_class_picture_holds_every_card(card):
    one, many = class_picture([card]), class_picture([card] * 5)
    assert many.shape[0] > 2 * one.shape[0] and many.shape[1] > 1.5 * one.shape[1]
    data = io.BytesIO()
    Image.new("RGB", (3 * 97 - 1, 96), (255, 0, 0)).save(data, "WEBP", lossless=True)
    both = class_picture([card, by(card, thumbnail=data.getvalue())])
    assert (both == [255, 0, 0]).all(-1).sum() == 3 * 96 * 96
    with pytest.raises(ValueError, match="no cards to put together"):
        class_picture([])
