"""Inflation over time, judged by diffusers' own 2D network, and the whole path at full size."""

from __future__ import annotations

import json
import time

import pytest
import torch
from diffusers import UNet2DConditionModel
from published_files import (
    FULL,
    TINY,
    published_state,
    write_follow_your_pose,
    write_stable_diffusion,
)
from safetensors import safe_open

from fyp_lite.full.convert import convert_full
from fyp_lite.full.published import TRAINED_LAYERS, load_published, to_published_keys
from fyp_lite.full.sources import FullSources
from fyp_lite.loading import load_pipeline


@torch.no_grad()
def test_one_frame_of_an_inflated_network_is_the_2d_network():
    torch.manual_seed(0)
    flat = UNet2DConditionModel(**TINY["unet"]).eval()
    base = flat.state_dict()
    state = published_state(TINY["unet"], seed=1)
    for key, value in state.items():
        if "attn_temp.to_out" in key or "conv_temporal.up" in key:
            value.zero_()  # what is added along time adds nothing
        if any(layer in key for layer in TRAINED_LAYERS):
            value.copy_(base[key])
    unet, _ = load_published(state, TINY["unet"], base=base)
    sample, text = torch.randn(2, 4, 16, 16), torch.randn(2, 7, 32)
    ours = unet(sample[:, :, None], 301, text).sample[:, :, 0]
    torch.testing.assert_close(ours, flat(sample, 301, text).sample, atol=2e-5, rtol=0)


@pytest.mark.slow
def test_full_size_files_convert_and_load(tmp_path, shared_dir):
    """1.0 B parameters; needs 12 GB of disk and 8 GB of memory."""
    write_follow_your_pose(tmp_path / "fyp", FULL["unet"])
    write_stable_diffusion(tmp_path / "sd", FULL)
    sources = FullSources(str(tmp_path / "sd"), str(tmp_path / "fyp"))
    began = time.perf_counter()
    folder = convert_full(tmp_path / "full", sources)
    converted = time.perf_counter()
    pipeline = load_pipeline(folder, device="cpu", dtype=torch.float16)
    loaded = time.perf_counter()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(
        f"{size / 1e9:.2f} GB; convert {converted - began:.1f} s, load {loaded - converted:.1f} s"
    )
    assert pipeline.size == 512
    networks = (pipeline.unet, pipeline.pose_encoder)
    state = to_published_keys(*(network.state_dict() for network in networks))
    shapes = {key: list(value.shape) for key, value in state.items()}
    judge = json.loads((shared_dir / "reference/unet_keys_full.json").read_text())
    assert shapes == judge
    original = torch.load(
        tmp_path / "fyp/followyourpose_checkpoint-1000/pytorch_model.bin",
        weights_only=True,
        mmap=True,
    )
    for key, value in state.items():
        assert torch.equal(value, original[key].half()), key
    with safe_open(folder / "unet/diffusion_pytorch_model.safetensors", "pt") as file:
        assert len(file.keys()) == 868 - 38
