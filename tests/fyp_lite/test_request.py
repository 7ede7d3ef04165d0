"""Requests: everything that makes one video, changed, written, read back and checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fyp_lite import ClipSettings, Request, SampleSettings, data_dir, open_clip
from fyp_lite.settings import SettingsError

DANCE = data_dir() / "clips" / "dance.mp4"
REQUEST = Request(
    "a panda on the sea",
    "dance",
    "the moon",
    ClipSettings(start_frame=8, crop_left=20),
    SampleSettings(guidance_scale=2.5, seed=7, pose_strength=0.5, pose_end=0.8),
    model="full",
    input_type="raw",
    backend="cartoon",
    max_people=2,
    redraw=True,
)


def test_what_is_left_out_is_the_default():
    request = Request("a panda", "dance")
    assert (request.clip_settings, request.sample_settings) == (ClipSettings(), SampleSettings())
    assert (request.negative_prompt, request.model) == ("", "lite")
    assert (request.input_type, request.backend, request.redraw) == ("auto", "auto", False)


def test_to_a_dict_and_back():
    values = json.loads(json.dumps(REQUEST.to_dict()))
    assert values["clip"] == "dance" and values["sample_settings"]["pose_strength"] == 0.5
    assert Request.from_dict(values) == REQUEST
    few = {"prompt": "a panda", "clip": "dance", "sample_settings": {"seed": 3}}
    assert Request.from_dict(few) == Request(
        "a panda", "dance", sample_settings=SampleSettings(seed=3)
    )


def test_an_open_clip_is_written_as_its_name():
    with open_clip(DANCE) as clip:
        request = Request("a panda", clip)
        assert request.clip is clip
        assert request.clip_name == request.to_dict()["clip"] == str(DANCE)
        assert Request.from_dict(request.to_dict()) == replace(request, clip=str(DANCE))


def test_a_path_becomes_a_name():
    assert Request("a panda", DANCE).clip == str(DANCE)
    assert REQUEST.changed({"clip": Path("other.mp4")}).clip == "other.mp4"


def test_a_value_is_changed_by_its_name_wherever_it_is():
    other = REQUEST.changed({"prompt": "a robot", "seed": 8, "start_frame": 9, "pose_start": 0.1})
    assert other == replace(
        REQUEST,
        prompt="a robot",
        clip_settings=ClipSettings(start_frame=9, crop_left=20),
        sample_settings=replace(REQUEST.sample_settings, seed=8, pose_start=0.1),
    )
    assert REQUEST.sample_settings.seed == 7 and REQUEST.changed({}) == REQUEST
    assert REQUEST.changed({"guidance_scale": None}).sample_settings.guidance_scale is None
    assert REQUEST.changed({"model": "lite", "backend": "auto"}).model == "lite"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sead": 1}, "A request has no setting 'sead': did you mean 'seed'?"),
        ({"xyzzyx": 1}, "no setting 'xyzzyx': it has clip, prompt, negative_prompt, start_frame"),
        ({"seed": 1, 3: 4}, "no setting 3: "),
        ({"seed": -1}, "seed is -1, but it must be a whole number from 0"),
        ({"start_frame": 1.5}, "start_frame is 1.5"),
        ({"pose_strength": -0.1}, "pose_strength is -0.1"),
        ({"pose_start": 0.9}, "pose_start is 0.9, but it must be less than pose_end, 0.8"),
        ({"prompt": 3}, "prompt is 3, but it must be text"),
        ({"clip": None}, "clip is None, but it must be text"),
        ({"model": ["lite"]}, "model is ['lite'], but it must be text"),
        ({"max_people": 17}, "max_people is 17, but it must be a whole number from 1 to 16"),
        ({"redraw": 1}, "redraw is 1, but it must be true or false"),
        ({"input_type": "film"}, "input_type is 'film', but it must be auto, raw or skeleton"),
    ],
)
def test_what_cannot_be_changed_is_said(values, said):
    with pytest.raises(SettingsError) as told:
        REQUEST.changed(values)
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"clip": "dance"}, "There is no prompt, and a video needs one."),
        ({"clip": "dance", "prompt": ""}, "There is no prompt"),
        ({"prompt": "a panda"}, "There is no clip"),
        ({"prompt": "a panda", "clip": "dance", "seed": 1}, "A request has no 'seed'"),
        ({"prompt": "a panda", "clip": "dance", 3: 1, "x": 2}, "A request has no 3"),
        ({"prompt": "a panda", "clip": 3}, "clip is 3, but it must be text"),
        ({"prompt": "a", "clip": "b", "sample_settings": {"sed": 1}}, "did you mean 'seed'"),
        ({"prompt": "a", "clip": "b", "clip_settings": "fast"}, "from a dict of names and values"),
        (["a panda", "dance"], "A request is read from a dict of names and values, not from ["),
    ],
)
def test_what_cannot_be_read_is_said(values, said):
    with pytest.raises(SettingsError) as told:
        Request.from_dict(values)
    assert said in str(told.value) and len(str(told.value)) < 400


def test_a_request_is_not_changed_in_place():
    with pytest.raises(AttributeError):
        REQUEST.prompt = "a robot"
    assert hash(replace(REQUEST, prompt="a robot")) != hash(REQUEST)
