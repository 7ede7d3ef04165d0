"""Agreement with tensors of the published code, in float32.

The first tests use small pieces kept beside this file; the others need the reference folder.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from fyp_lite.denoising import guided, through_windows
from fyp_lite.files.hashes import CheckpointError
from fyp_lite.full.published import (
    from_published_keys,
    load_published,
    networks_from_published_config,
    published_scheduler,
    to_published_keys,
)
from fyp_lite.model.attention import Transformer
from fyp_lite.model.blocks import ResnetBlock
from fyp_lite.model.unet import to_frames, to_video
from fyp_lite.sampling import sample_steps

TOLERANCE = 2e-5  # rounding noise of the reference itself is up to 7e-6
FULL_CONFIG = {
    "sample_size": 64,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ["CrossAttnDownBlock3D"] * 3 + ["DownBlock3D"],
    "block_out_channels": [320, 640, 1280, 1280],
    "layers_per_block": 2,
    "attention_head_dim": 8,
    "cross_attention_dim": 768,
    "norm_num_groups": 32,
    "norm_eps": 1e-5,
}


@pytest.fixture(scope="module")
def pieces() -> dict[str, torch.Tensor]:
    return load_file(Path(__file__).parent / "data" / "reference_pieces.safetensors")


def weights_of(pieces: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    prefix = f"weight.{prefix}."
    return {k.removeprefix(prefix): v for k, v in pieces.items() if k.startswith(prefix)}


@pytest.fixture(scope="module")
def transformer(pieces) -> Transformer:
    module = Transformer(24, num_heads=4, text_channels=32, norm_groups=8)
    module.load_state_dict(weights_of(pieces, "attentions.0"))
    return module


@torch.no_grad()
def test_transformer(pieces, transformer):
    frames = to_frames(pieces["d.transformer.in"])
    out = to_video(transformer(frames, pieces["d.transformer.text"], 5), 5)
    torch.testing.assert_close(out, pieces["d.transformer.out"], atol=TOLERANCE, rtol=0)


@torch.no_grad()
def test_attention_across_frames(pieces, transformer):
    block = transformer.transformer_blocks[0]
    tokens = pieces["d.sparse_causal.in"].unflatten(0, (2, 5))
    out = block.attn1(tokens).flatten(0, 1)
    torch.testing.assert_close(out, pieces["d.sparse_causal.out"], atol=TOLERANCE, rtol=0)

    tokens = pieces["d.temporal.in"].transpose(0, 1)[None]  # (1, f, n, c)
    out = block.attn_temp(tokens)[0].transpose(0, 1)
    torch.testing.assert_close(out, pieces["d.temporal.out"], atol=TOLERANCE, rtol=0)

    tokens = pieces["d.conv_temporal.in"].permute(2, 0, 1)[None]
    out = block.conv_temporal(tokens)[0].permute(1, 2, 0)
    torch.testing.assert_close(out, pieces["d.conv_temporal.out"], atol=TOLERANCE, rtol=0)


@torch.no_grad()
def test_resnet_block(pieces):
    block = ResnetBlock(16, 24, time_channels=64, norm_groups=8, eps=1e-5)
    block.load_state_dict(weights_of(pieces, "resnets.0"))
    out = to_video(block(to_frames(pieces["d.resnet.in"]), pieces["d.resnet.temb"], 5), 5)
    torch.testing.assert_close(out, pieces["d.resnet.out"], atol=TOLERANCE, rtol=0)


def test_published_schedule(pieces):
    scheduler = published_scheduler()
    torch.testing.assert_close(scheduler.alphas_cumprod, pieces["ddim.alphas_cumprod"])
    assert scheduler.final_alpha_cumprod == pieces["ddim.final_alpha_cumprod"][0]
    for steps in (4, 20, 30, 50):
        scheduler.set_timesteps(steps)
        assert scheduler.timesteps.tolist() == pieces[f"ddim.timesteps_for_{steps}"].tolist()


def full_size_parameters() -> dict[str, list[int]]:
    with torch.device("meta"):
        unet, pose_encoder = networks_from_published_config(FULL_CONFIG)
    published = to_published_keys(unet.state_dict(), pose_encoder.state_dict())
    return {key: list(value.shape) for key, value in published.items()}


def test_full_size_parameter_list():
    parameters = full_size_parameters()
    text = json.dumps(sorted((key, shape) for key, shape in parameters.items()))
    assert len(parameters) == 868
    assert sum(torch.Size(shape).numel() for shape in parameters.values()) == 998_470_084
    digest = "9435356d6a471cde028f3e4ba76338a3814af9166a8c81a24c36dfe163afbf22"
    assert hashlib.sha256(text.encode()).hexdigest() == digest


# The tests below need the reference folder.


@pytest.fixture(scope="module")
def reference(shared_dir) -> Path:
    folder = shared_dir / "reference"
    if not folder.is_dir():
        pytest.skip(f"no reference tensors in {folder}")
    return folder


@pytest.fixture(scope="module")
def networks(reference):
    config = json.loads((reference / "unet_tiny.json").read_text())
    return load_published(load_file(reference / "unet_tiny.safetensors"), config)


@pytest.fixture(scope="module")
def cases(reference) -> dict[str, torch.Tensor]:
    return load_file(reference / "unet_tiny_io.safetensors")


def test_full_size_parameter_list_in_full(reference):
    assert full_size_parameters() == json.loads((reference / "unet_keys_full.json").read_text())


@torch.no_grad()
def test_pose_encoder(networks, cases):
    for i, feature in enumerate(networks[1](cases["a.skeleton"])):
        torch.testing.assert_close(feature, cases[f"e.feature{i}"], atol=TOLERANCE, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize(
    ("case", "inputs", "pose"),
    [("a", "a", True), ("b", "a", False), ("c", "c", True), ("f", "f", True), ("g", "g", False)],
    ids=["pose", "no pose", "one frame", "not square", "odd sizes"],
)
def test_network(networks, cases, case, inputs, pose):
    unet, pose_encoder = networks
    features = pose_encoder(cases[f"{inputs}.skeleton"]) if pose else None
    given = (cases[f"{inputs}.{name}"] for name in ("sample", "timesteps", "text"))
    out = unet(*given, features).sample
    torch.testing.assert_close(out, cases[f"{case}.output"], atol=TOLERANCE, rtol=0)


@torch.no_grad()
def test_network_in_double_precision(networks, cases):
    """Far below float32's rounding, where no mis-reading of the architecture can hide."""
    unet, pose_encoder = (network.double() for network in networks)
    features = pose_encoder(cases["a.skeleton"].double())
    out = unet(cases["a.sample"].double(), cases["a.timesteps"], cases["a.text"].double(), features)
    unet.float(), pose_encoder.float()
    torch.testing.assert_close(out.sample, cases["a.output_fp64"], atol=1e-9, rtol=0)


def test_sampling_loop(networks, reference):
    unet, pose_encoder = networks
    expected = load_file(reference / "ddim_tiny_io.safetensors")
    with torch.no_grad():
        features = pose_encoder(expected["skeleton"])
    evaluate = through_windows(unet, expected["initial_latents"].shape[2])
    denoise = guided(evaluate, expected["text"][:1], expected["text"][1:], features, 12.5)
    steps = sample_steps(
        denoise, published_scheduler(), expected["initial_latents"], num_inference_steps=4
    )
    for step in steps:
        latents = expected[f"step{step.index}.latents"]
        assert ((step.latents - latents).abs().max() / latents.std()) < 1e-4
    assert step.index == 3


def test_weights_that_do_not_fit_are_refused(networks, reference):
    config = json.loads((reference / "unet_tiny.json").read_text())
    weights = load_file(reference / "unet_tiny.safetensors")
    weights["extra.weight"] = weights.pop("conv_in.bias")
    with pytest.raises(CheckpointError, match=r"missing 1, left over 1.*conv_in\.bias"):
        load_published(weights, config)
    assert to_published_keys(*from_published_keys(weights)).keys() == weights.keys()
