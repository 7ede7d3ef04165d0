"""The sampler's options, and pieces of the network that are computed once or in another way."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import build_tiny_pipeline

from fyp_lite.denoising import build_denoise, guided, through_windows
from fyp_lite.model import cpu
from fyp_lite.model.attention import (
    CrossFrameAttention,
    TemporalAttention,
    first_and_previous,
)
from fyp_lite.sampling import sample_steps
from fyp_lite.settings import SampleSettings

SETTINGS = SampleSettings(num_inference_steps=4, guidance_scale=3.0)


@pytest.fixture(scope="module")
def pipeline():
    return build_tiny_pipeline(["a", "panda", "robot"])


@pytest.fixture(scope="module")
def skeleton() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


def final_latents(pipeline, skeleton, settings: SampleSettings) -> torch.Tensor:
    *_, last = pipeline.steps("a panda", skeleton, settings)
    return last.latents


def test_both_branches_share_what_comes_before_the_text(pipeline):
    """Two videos and two branches: as if every row had come with its own copy of the sample."""
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(2, 8, 5, 8, 8, generator=generator)
    text = torch.randn(4, 6, 16, generator=generator)
    pose = [torch.randn(1, 16, 5, size, size, generator=generator) for size in (8, 4)]
    timesteps = torch.tensor([900, 100])
    with torch.no_grad():
        once = pipeline.unet(sample, timesteps, text, pose).sample
        apart = pipeline.unet(sample.repeat(2, 1, 1, 1, 1), timesteps.repeat(2), text, pose).sample
    torch.testing.assert_close(once, apart, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(once[:2], once[2:], atol=1e-2)
    with pytest.raises(ValueError, match="has 3 rows and sample 2"):
        pipeline.unet(sample, 500, text[:3], pose)


@pytest.mark.parametrize("num_frames", [1, 2, 3, 6])
def test_keys_that_come_twice_cancel(num_frames):
    torch.manual_seed(0)
    layer = CrossFrameAttention(12, num_heads=3)
    tokens = torch.randn(2, num_frames, 7, 12)
    query, key, value = layer.to_q(tokens), layer.to_k(tokens), layer.to_v(tokens)
    seen = first_and_previous(key), first_and_previous(value)
    expected = layer.attend(*(tensor.flatten(0, 1) for tensor in (query, *seen)))
    torch.testing.assert_close(layer(tokens), expected.unflatten(0, (2, -1)))


def test_attention_written_out_is_the_fused_one(monkeypatch):
    torch.manual_seed(0)
    for width in (8, 16, 20):
        query, key, value = torch.randn(3, 2, 4, 9, width)
        expected = F.scaled_dot_product_attention(query, key, value)
        torch.testing.assert_close(cpu.written_out(query, key, value), expected)
        torch.testing.assert_close(cpu.fused(query, key, value), expected)

    layer = TemporalAttention(8, num_heads=2).bfloat16()
    tokens = torch.randn(1, 6, 3, 8, dtype=torch.bfloat16)
    short = layer(tokens)
    monkeypatch.setattr(cpu, "FEW_KEYS", 5)
    long = layer(tokens)
    assert (short != long).any()  # another rounding: another way was taken
    torch.testing.assert_close(short, long, atol=2e-2, rtol=2e-2)


def test_branches_in_turn_are_branches_together(pipeline, skeleton):
    results = []
    for together in (True, False):
        text, uncond = (pipeline.encode_prompt([prompt] * 2) for prompt in ("a panda", ""))
        latents = torch.randn(2, 8, 3, 8, 8, generator=torch.Generator().manual_seed(1))
        pose = pipeline.encode_pose(skeleton)
        denoise = guided(through_windows(pipeline.unet, 3), uncond, text, pose, 3.0, together)
        *_, last = sample_steps(denoise, pipeline.scheduler, latents, num_inference_steps=2)
        results.append(last.latents)
    torch.testing.assert_close(*results, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("start", "end", "guided"),
    [(0, 1, [0, 1, 2, 3]), (0, 0.5, [0, 1]), (0.25, 0.75, [1, 2]), (0.7, 1, [3]), (0.4, 0.6, [])],
)
def test_guidance_works_in_its_interval(pipeline, skeleton, monkeypatch, start, end, guided):
    settings = replace(SETTINGS, guidance_start=start, guidance_end=end)
    rows = []
    forward = pipeline.unet.forward

    def counting(sample, timestep, text, pose):
        rows.append(len(text))
        return forward(sample, timestep, text, pose)

    monkeypatch.setattr(pipeline.unet, "forward", counting)
    found = final_latents(pipeline, skeleton, settings)
    assert rows == [2 if index in guided else 1 for index in range(4)]
    assert [index for index in range(4) if settings.guided(index)] == guided
    if not guided:
        text_alone = final_latents(pipeline, skeleton, replace(SETTINGS, guidance_scale=1.0))
        torch.testing.assert_close(found, text_alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["dpm++", "unipc"])
def test_schedulers_solve_the_same_equation(pipeline, skeleton, name):
    """Many steps arrive where DDIM's arrive; the last step is at the clean latents."""
    gentle = replace(SETTINGS, num_inference_steps=100, guidance_scale=1.0)
    expected = final_latents(pipeline, skeleton, gentle)
    own = copy.deepcopy(pipeline.scheduler.config)
    *_, last = pipeline.steps("a panda", skeleton, replace(gentle, scheduler=name))
    torch.testing.assert_close(last.latents, last.pred_x0, atol=1e-4, rtol=1e-3)
    error = (last.latents - expected).pow(2).mean().sqrt() / expected.std()
    assert error < 0.05
    assert pipeline.scheduler.config == own


def test_the_sampler_takes_any_denoise(pipeline, skeleton):
    """A prediction that is always zero: the step carries x_t, and velocity 0 leaves it its way."""
    seen = []

    def nothing(x_t, t, index):
        seen.append((index, x_t))
        return torch.zeros_like(x_t)

    steps = list(pipeline.sample(nothing, (3, 8, 8), SETTINGS, [0]))
    assert [index for index, _ in seen] == [0, 1, 2, 3]
    for step, (_, x_t) in zip(steps, seen, strict=True):
        assert step.latents_before is x_t
    assert all(a.latents is b.latents_before for a, b in pairwise(steps))


def test_no_pose_strength_is_the_network_without_pose(pipeline, skeleton):
    pose = pipeline.encode_pose(skeleton)
    settings = replace(SETTINGS, pose_strength=0.0)
    found = final_latents(pipeline, skeleton, settings)
    text, uncond = (pipeline.encode_prompt([prompt]) for prompt in ("a panda", ""))
    evaluate = through_windows(pipeline.unet, 3)
    without = build_denoise(evaluate, SETTINGS, text, uncond, None, 3.0)
    *_, last = pipeline.sample(without, pose[0].shape[2:], SETTINGS, [0])
    assert torch.equal(found, last.latents)
    assert not torch.allclose(found, final_latents(pipeline, skeleton, SETTINGS), atol=1e-3)


def test_full_pose_strength_is_the_plain_pose(pipeline, skeleton):
    pose = pipeline.encode_pose(skeleton)
    text, uncond = (pipeline.encode_prompt([prompt]) for prompt in ("a panda", ""))
    plain = guided(through_windows(pipeline.unet, 3), uncond, text, pose, 3.0)
    *_, last = pipeline.sample(plain, pose[0].shape[2:], SETTINGS, [0])
    assert torch.equal(final_latents(pipeline, skeleton, SETTINGS), last.latents)


def test_pose_strength_multiplies_the_features(pipeline, skeleton, monkeypatch):
    expected = [0.5 * feature for feature in pipeline.encode_pose(skeleton)]
    got = []
    forward = pipeline.unet.forward

    def listening(sample, timestep, text, pose):
        got.append(pose)
        return forward(sample, timestep, text, pose)

    monkeypatch.setattr(pipeline.unet, "forward", listening)
    final_latents(pipeline, skeleton, replace(SETTINGS, pose_strength=0.5))
    for pose in got:
        for feature, half in zip(pose, expected, strict=True):
            assert torch.equal(feature, half)


@pytest.mark.parametrize(
    ("start", "end", "posed"),
    [(0, 1, [0, 1, 2, 3]), (0, 0.5, [0, 1]), (0.25, 0.75, [1, 2]), (0.7, 1, [3])],
)
def test_the_pose_works_in_its_window(pipeline, skeleton, monkeypatch, start, end, posed):
    seen = []
    forward = pipeline.unet.forward

    def listening(sample, timestep, text, pose):
        seen.append(pose is not None)
        return forward(sample, timestep, text, pose)

    monkeypatch.setattr(pipeline.unet, "forward", listening)
    final_latents(pipeline, skeleton, replace(SETTINGS, pose_start=start, pose_end=end))
    assert seen == [index in posed for index in range(4)]
