"""A model's folder: damage is one sentence on the file, a fault of our own code stays a fault."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from helpers import build_tiny_pipeline
from published_files import TINY, write_follow_your_pose, write_stable_diffusion
from safetensors import SafetensorError

from fyp_lite.files.hashes import CheckpointError, damage_named
from fyp_lite.full.convert import convert_full
from fyp_lite.full.sources import FullSources
from fyp_lite.loading import load_pipeline
from fyp_lite.pipeline import FollowYourPosePipeline


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "whole"
    build_tiny_pipeline(["a", "panda"]).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(whole, tmp_path) -> Path:
    return shutil.copytree(whole, tmp_path / "model")


def load(folder: Path) -> FollowYourPosePipeline:
    return load_pipeline(folder, device="cpu", dtype=torch.float32)


# ---------------------------------------------------------------------------- whose fault it is


def test_what_is_damaged_is_named_with_its_cause():
    for cause in (OSError("disk"), SafetensorError("header"), EOFError(), RuntimeError("size")):
        refusal = pytest.raises(CheckpointError, match="The file is damaged")
        with refusal as caught, damage_named("The file"):
            raise cause
        assert caught.value.__cause__ is cause


@pytest.mark.parametrize("fault", [TypeError, AttributeError, NameError, KeyError, AssertionError])
def test_a_fault_of_the_code_is_not_called_damage(fault):
    with pytest.raises(fault), damage_named("The file"):
        raise fault("our own mistake")


def test_a_fault_in_loading_stays_what_it_is(folder, monkeypatch):
    def changed_interface(*arguments, **options):
        raise TypeError("__init__() got an unexpected keyword argument")

    monkeypatch.setattr("fyp_lite.model.unet.MidBlock", changed_interface)
    with pytest.raises(TypeError, match="unexpected keyword"):
        load(folder)


def test_a_fault_in_converting_stays_what_it_is(tmp_path, monkeypatch):
    write_follow_your_pose(tmp_path / "fyp", TINY["unet"])
    write_stable_diffusion(tmp_path / "sd", TINY)

    def changed_interface(*arguments, **options):
        raise TypeError("load_published() got an unexpected keyword argument 'base'")

    monkeypatch.setattr("fyp_lite.full.sources.load_published", changed_interface)
    sources = FullSources(str(tmp_path / "sd"), str(tmp_path / "fyp"))
    with pytest.raises(TypeError, match="unexpected keyword"):
        convert_full(tmp_path / "out", sources, say=lambda line: None)
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------------------- configurations


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("unet", "block_out_channels", [10**9, 32], "1000000000 .* at most 1000000"),
        ("unet", "block_out_channels", [16] * 1000, "1000 entries .* at most 100"),
        ("unet", "norm_eps", 1e300, "at most 1000000"),
        ("unet", "layers_per_block", 101, "at most 100"),
        ("unet", "layers_per_block", 1.5, "must be a whole number"),
        ("unet", "num_attention_heads", 0, "at least 1"),
        ("unet", "attention_levels", [1, 0], "true or false"),
        ("unet", "temporal_padding", 3, "must be text"),
        ("vae", "decoder_channels", None, "must be a list"),
        ("vae", "decoder_channels", [8], "decoder_channels has 1 "),
        ("pose_encoder", "block_out_channels", [], "list with entries"),
        ("text_encoder", "vocab_size", "many", "must be a whole number"),
        ("scheduler", "num_train_timesteps", 10**10, "at most 1000000"),
        ("scheduler", "beta_start", [], "must be a number"),
        ("scheduler", "trained_betas", {"a": 1}, "must be a list"),
    ],
)
def test_a_configuration_of_the_wrong_kind_or_size_is_refused(folder, part, name, value, message):
    file = "scheduler_config.json" if part == "scheduler" else "config.json"
    path = folder / part / file
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(CheckpointError, match=message) as caught:
        load(folder)
    assert name in str(caught.value)


DEEP = '{"a": ' + "[" * 900 + "]" * 900 + "}"


@pytest.mark.parametrize(
    "text",
    ["[]", "3", "", "{", '"x"', DEEP],
    ids=["list", "number", "empty", "cut", "text", "deep"],
)
def test_a_configuration_that_is_none_is_refused(folder, text):
    (folder / "unet/config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"unet.config\.json"):
        load(folder)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model": 3}'])
def test_a_damaged_tokenizer_is_refused(folder, text):
    (folder / "tokenizer/tokenizer.json").write_text(text)
    with pytest.raises(CheckpointError, match="tokenizer"):
        load(folder)
