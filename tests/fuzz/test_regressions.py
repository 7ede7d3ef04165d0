"""What the suites beside this file have found, one case each."""

from __future__ import annotations

import os
import struct
import time

import av
import numpy as np
import pytest
import torch
from fuzzing import answer, refused
from helpers import build_tiny_pipeline
from safetensors.torch import save_file
from videos import make_pictures, make_video, read_as_users_do

from fyp_lite.advice import prompt_advice
from fyp_lite.cards.card import read_card
from fyp_lite.files.writing import DAY, written_whole
from fyp_lite.full.lora import merge_lora
from fyp_lite.full.published import check_fit
from fyp_lite.loading import find_weights
from fyp_lite.opening import find_clip, open_clip
from fyp_lite.settings import SampleSettings
from fyp_lite.video import check_video_path, write_video

FRAMES = np.zeros((1, 16, 16, 3), np.uint8)


@pytest.fixture(scope="module")
def pipeline():
    return build_tiny_pipeline(["a", "panda"])


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize("sign", [1, -1])
def test_whole_numbers_beyond_all_floats(digits, sign):
    value = sign * 10**digits
    for name in ("guidance_scale", "eta", "seed"):
        error = answer("settings", lambda name=name: SampleSettings.from_dict({name: value}))
        assert refused(error) and name in str(error)


def test_numbers_that_overflow_are_no_black_video(pipeline):
    settings = SampleSettings(1, guidance_scale=1e300)
    error = answer("prompts", lambda: pipeline("a panda", FRAMES, settings))
    assert refused(error) and "smaller guidance_scale" in str(error)


@pytest.mark.parametrize("prompt", ["half a letter \ud83d", "bytes \udcff", None, b"panda", 3])
def test_prompts_that_are_no_text(pipeline, prompt):
    for read in (lambda: pipeline.encode_prompt([prompt]), lambda: pipeline.unknown_words(prompt)):
        assert refused(answer("prompts", read, repr(prompt)))


def test_a_prompt_that_is_too_long_gets_one_sentence_and_no_advice(pipeline):
    error = answer("prompts", lambda: prompt_advice(pipeline, "panda " * 2000, FRAMES))
    assert refused(error) and "shorten it" in str(error)


def test_frames_of_no_pixels(pipeline):
    assert refused(answer("prompts", lambda: pipeline("a", np.zeros((2, 0, 64, 3), np.uint8))))


@pytest.mark.parametrize("name", ["~nobody/x.mp4", "a" * 300, "nul\0.mp4", "half \ud83d.mp4", "/"])
def test_names_that_no_file_can_have(name):
    readers = (open_clip, check_writing, find_clip_and_open, read_card)
    for use in readers:
        assert refused(answer("file names", lambda use=use: use(name), name, repr(name)))
    assert refused(answer("file names", lambda: find_weights(name, download=False), name))


def check_writing(name: str) -> None:
    write_video(name, FRAMES, 8)


def find_clip_and_open(name: str) -> object:
    return open_clip(find_clip(name))


def test_a_name_without_room_for_the_unfinished_file_is_refused_before(tmp_path):
    name = tmp_path / ("a" * 250 + ".mp4")
    assert refused(answer("file names", lambda: check_video_path(name), str(name), name.name))


@pytest.mark.parametrize("kind", ["tall", "one_pixel"])
def test_frames_of_a_few_pixels(tmp_path, kind):
    (tmp_path / "v").write_bytes(make_video(kind))
    assert read_as_users_do(str(tmp_path / "v"))["frames"] == 9


def test_a_title_in_another_encoding(tmp_path):
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "caf?"
        stream = container.add_stream("libx264", rate=24)
        stream.width = stream.height = 16
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode())
    path.write_bytes(path.read_bytes().replace(b"caf?", b"caf\xe9"))
    assert read_as_users_do(str(path))["frames"] == 2


@pytest.mark.parametrize("side", [10_000, 14_000, 65_535])
def test_a_gif_of_giant_frames(tmp_path, side):
    content = bytearray(make_pictures("gif"))
    content[6:10] = struct.pack("<HH", side, side)
    (tmp_path / "v.gif").write_bytes(content)
    assert refused(answer("videos", lambda: open_clip(tmp_path / "v.gif")))


def test_what_a_kill_left_is_removed_a_day_later(tmp_path):
    old, new = tmp_path / ".v.mp4.1.part", tmp_path / ".v.mp4.2.part"
    for path in (old, new):
        path.mkdir()
    os.utime(old, (time.time() - 2 * DAY,) * 2)
    with written_whole(tmp_path / "v.mp4") as part:
        part.write_bytes(b"whole")
    assert not old.exists() and new.exists()


def test_a_tensors_name_that_a_terminal_could_act_on():
    layer = torch.nn.Linear(1, 1, bias=False).state_dict()
    given = {"\x00\x1b[2J" + "w" * 500: layer["weight"]}
    error = answer("weights", lambda: check_fit("Linear", layer, given))
    assert refused(error) and r"\x00\x1b[2Jw" in str(error)


def test_a_lora_whose_alpha_is_a_table(tmp_path):
    tensors = {"up.weight": torch.zeros(4, 2), "down.weight": torch.zeros(2, 4)}
    tensors = {f"lora_unet_conv.lora_{key}": value for key, value in tensors.items()}
    save_file(tensors | {"lora_unet_conv.alpha": torch.zeros(4, 2)}, tmp_path / "l.safetensors")
    networks = {"unet": torch.nn.ModuleDict({"conv": torch.nn.Linear(4, 4)})}
    error = answer("weights", lambda: merge_lora(networks, tmp_path / "l.safetensors", 1.0))
    assert refused(error) and "not one number" in str(error)
