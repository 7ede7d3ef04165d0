from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from fyp_lite.settings import ClipSettings, SampleSettings, SettingsError


def test_defaults():
    assert ClipSettings().frame_indices() == [0, 3, 6, 9, 12, 15, 18, 21]
    assert SampleSettings() == SampleSettings(20, None, 0.0, 0)


def test_frame_i_is_start_plus_i_strides():
    assert ClipSettings(5, 2, 4).frame_indices() == [5, 7, 9, 11]


@pytest.mark.parametrize(
    "settings",
    [ClipSettings(3, 1, 16, 10, 20, 30, 40), SampleSettings(7, 12.5, 0.5, 2**63 - 1, 0.2, 0.9)],
)
def test_dict_round_trip(settings):
    assert type(settings).from_dict(settings.to_dict()) == settings
    assert type(settings).from_dict({}) == type(settings)()


def test_numpy_numbers_become_plain_ones():
    clip = ClipSettings(start_frame=np.int64(4), num_frames=np.uint8(2))
    assert type(clip.start_frame) is int
    assert type(clip.num_frames) is int
    sample = SampleSettings(guidance_scale=np.float32(2.5), eta=1)
    assert type(sample.guidance_scale) is float
    assert type(sample.eta) is float


def test_frozen_and_replaced_ones_are_checked_too():
    settings = ClipSettings()
    with pytest.raises(FrozenInstanceError):
        settings.start_frame = 3
    assert replace(settings, start_frame=3).start_frame == 3
    with pytest.raises(SettingsError, match="frame_stride is 0"):
        replace(settings, frame_stride=0)


@pytest.mark.parametrize(
    ("cls", "name", "value", "words"),
    [
        (ClipSettings, "start_frame", -1, ["start_frame is -1", "at least 0", "works is 0"]),
        (ClipSettings, "frame_stride", 0, ["frame_stride is 0", "at least 1", "works is 1"]),
        (ClipSettings, "num_frames", 0, ["num_frames is 0", "at least 1"]),
        (ClipSettings, "num_frames", 7.6, ["num_frames is 7.6", "whole", "num_frames=8"]),
        (ClipSettings, "num_frames", True, ["num_frames is True", "whole number"]),
        (ClipSettings, "crop_left", "12", ["crop_left is '12'", "whole number"]),
        (ClipSettings, "crop_bottom", -5, ["crop_bottom is -5", "at least 0"]),
        (ClipSettings, "crop_top", None, ["crop_top is None"]),
        (ClipSettings, "crop_right", float("nan"), ["crop_right is nan"]),
        (SampleSettings, "num_inference_steps", 0, ["is 0", "from 1 to 1000", "works is 1"]),
        (SampleSettings, "num_inference_steps", 5000, ["is 5000", "works is 1000"]),
        (SampleSettings, "guidance_scale", -0.5, ["is -0.5", "at least 0"]),
        (SampleSettings, "guidance_scale", float("inf"), ["is inf", "finite"]),
        (SampleSettings, "guidance_scale", True, ["is True"]),
        (SampleSettings, "eta", 1.5, ["eta is 1.5", "from 0 to 1"]),
        (SampleSettings, "eta", float("nan"), ["eta is nan"]),
        (SampleSettings, "eta", "0", ["eta is '0'"]),
        (SampleSettings, "guidance_start", -0.1, ["guidance_start is -0.1", "from 0 to 1"]),
        (SampleSettings, "guidance_start", 1.0, ["guidance_start is 1", "less than guidance_end"]),
        (SampleSettings, "guidance_end", 0.0, ["guidance_start is 0", "less than guidance_end, 0"]),
        (SampleSettings, "guidance_end", None, ["guidance_end is None"]),
        (SampleSettings, "scheduler", "DDIM", ["scheduler is 'DDIM'", "ddim, dpm++, unipc"]),
        (SampleSettings, "scheduler", None, ["scheduler is None"]),
        (SampleSettings, "scheduler", ["ddim"], ["scheduler is ['ddim']"]),
        (SampleSettings, "seed", -1, ["seed is -1", "works is 0"]),
        (SampleSettings, "seed", 2**63, [str(2**63), str(2**63 - 1)]),
        (SampleSettings, "seed", 1.0, ["seed is 1.0", "seed=1"]),
    ],
)
def test_a_bad_value_is_named_with_its_limit_and_a_fix(cls, name, value, words):
    with pytest.raises(SettingsError) as caught:
        cls(**{name: value})
    message = str(caught.value)
    assert name in message
    assert all(word in message for word in words), message
    assert message.endswith(".")


def test_settings_of_earlier_versions_still_load():
    earlier = {"num_inference_steps": 8, "guidance_scale": None, "eta": 0.0, "seed": 3}
    settings = SampleSettings.from_dict(earlier)
    assert (settings.scheduler, settings.guidance_start, settings.guidance_end) == ("ddim", 0, 1)
    assert all(settings.guided(index) for index in range(8))


def test_noise_needs_a_scheduler_that_adds_it():
    with pytest.raises(SettingsError, match=r"eta is 0\.5, but the scheduler unipc adds no noise"):
        SampleSettings(eta=0.5, scheduler="unipc")


def test_the_middle_of_a_step_decides_whether_it_is_guided():
    halves = SampleSettings(num_inference_steps=5, guidance_end=0.5)
    assert [halves.guided(index) for index in range(5)] == [True, True, True, False, False]
    assert SampleSettings(num_inference_steps=1, guidance_end=0.5).guided(0)


def test_a_mistyped_name_is_answered_with_the_nearest():
    with pytest.raises(SettingsError, match="'frame_strid': did you mean 'frame_stride'"):
        ClipSettings.from_dict({"frame_strid": 2})
    with pytest.raises(SettingsError, match="it has num_inference_steps, guidance_scale"):
        SampleSettings.from_dict({"zzz": 2})
    with pytest.raises(SettingsError, match="is read from a dict of names and values, not from"):
        ClipSettings.from_dict([3])
