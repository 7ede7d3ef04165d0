"""Sampling, the pipeline and its folders, on networks of a few thousand random weights."""

from __future__ import annotations

import inspect
import shutil
from typing import Any, get_type_hints

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    UniPCMultistepScheduler,
)
from helpers import build_tiny_pipeline

from fyp_lite.denoising import guide
from fyp_lite.files.hashes import CheckpointError, verify_hashes, write_hashes
from fyp_lite.loading import load_pipeline
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.sampling import ExactDDIMScheduler, initial_latents, lite_scheduler, predict_x0
from fyp_lite.settings import SampleSettings

TWO_STEPS = SampleSettings(num_inference_steps=2, guidance_scale=3.0)


@pytest.fixture(scope="module")
def pipeline() -> FollowYourPosePipeline:
    return build_tiny_pipeline(["a", "panda", "on", "the", "sea", "robot"], shared_noise=0.5)


@pytest.fixture
def skeleton() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


def test_video_has_the_skeletons_frames_and_size(pipeline, skeleton):
    result = pipeline("a panda on the sea", skeleton, TWO_STEPS)
    assert result.video.shape == skeleton.shape
    assert result.video.dtype == np.uint8
    assert pipeline.size == 64


def test_every_part_has_a_type_that_diffusers_can_check():
    """With any other annotation diffusers prints a warning for each part, at every load."""
    hints = get_type_hints(FollowYourPosePipeline.__init__)
    assert hints.pop("return") is type(None)
    assert Any not in hints.values()
    assert all(inspect.isclass(hint) for hint in hints.values())


def test_same_seed_alone_and_in_a_batch(pipeline, skeleton):
    settings = SampleSettings(num_inference_steps=3, guidance_scale=3.0, eta=1.0)
    prompts, seeds = ["a panda", "a robot", "the sea"], [7, 8, 7]
    together = pipeline(prompts, skeleton, settings, seeds=seeds).latents
    for prompt, seed, latents in zip(prompts, seeds, together, strict=True):
        alone = pipeline(prompt, skeleton, settings, seeds=[seed]).latents[0]
        torch.testing.assert_close(alone, latents, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(together[0], together[1])


@pytest.mark.parametrize(("scale", "rows"), [(0.0, 1), (1.0, 1), (2.5, 2)])
def test_guidance_runs_only_the_branches_it_needs(pipeline, skeleton, monkeypatch, scale, rows):
    seen = []
    forward = pipeline.unet.forward

    def counting(sample, timestep, text, *args):
        seen.append(len(text))
        return forward(sample, timestep, text, *args)

    monkeypatch.setattr(pipeline.unet, "forward", counting)
    pipeline("a panda", skeleton, SampleSettings(num_inference_steps=2, guidance_scale=scale))
    assert seen == [rows, rows]


def test_guidance_is_a_line_through_both_branches(pipeline, skeleton):
    outputs = {}
    for scale in (0.0, 1.0, 4.0):
        settings = SampleSettings(num_inference_steps=1, guidance_scale=scale)
        outputs[scale] = next(pipeline.steps("a panda", skeleton, settings)).model_output
    expected = guide(outputs[0.0], outputs[1.0], 4.0)
    torch.testing.assert_close(outputs[4.0], expected, atol=1e-4, rtol=1e-4)


def test_negative_prompt_and_pose_matter(pipeline, skeleton):
    plain = pipeline("a panda", skeleton, TWO_STEPS).latents
    negative = pipeline("a panda", skeleton, TWO_STEPS, negative_prompt="the sea").latents
    still = pipeline("a panda", np.zeros_like(skeleton), TWO_STEPS).latents
    assert not torch.allclose(plain, negative)
    assert not torch.allclose(plain, still)


def test_last_step_arrives_at_pred_x0(pipeline, skeleton):
    *_, last = pipeline.steps("a panda", skeleton, SampleSettings(num_inference_steps=4))
    torch.testing.assert_close(last.latents, last.pred_x0, atol=1e-5, rtol=1e-5)
    assert (last.index, last.num_steps) == (3, 4)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_pred_x0_inverts_the_noising(prediction_type):
    clean, noise = torch.randn(2, 1, 4, 2, 8, 8)
    alpha = torch.tensor(0.3)
    noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
    velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
    model_output = noise if prediction_type == "epsilon" else velocity
    torch.testing.assert_close(predict_x0(noisy, model_output, alpha, prediction_type), clean)


def test_shared_noise_keeps_unit_variance():
    for shared in (0.0, 0.5, 1.0):
        noise = initial_latents((8, 6, 32, 32), [torch.Generator().manual_seed(1)], shared)
        assert noise.std().item() == pytest.approx(1, abs=0.02)
        correlation = (noise[0, :, 0] * noise[0, :, 1]).mean().item()
        assert correlation == pytest.approx(shared, abs=0.05)


@pytest.mark.parametrize("scheduler", [DPMSolverMultistepScheduler, UniPCMultistepScheduler])
def test_other_schedulers(pipeline, skeleton, monkeypatch, scheduler):
    other = scheduler.from_config(pipeline.scheduler.config, rescale_betas_zero_snr=False)
    monkeypatch.setattr(pipeline, "scheduler", other)
    assert np.ptp(pipeline("a panda", skeleton, TWO_STEPS).video) > 0


@pytest.mark.parametrize("scheduler", [EulerDiscreteScheduler, HeunDiscreteScheduler])
def test_schedulers_that_cannot_be_served(pipeline, skeleton, monkeypatch, scheduler):
    monkeypatch.setattr(pipeline, "scheduler", scheduler(prediction_type="v_prediction"))
    with pytest.raises(ValueError, match=f"cannot use {scheduler.__name__}.*use DDIMScheduler"):
        pipeline("a panda", skeleton, TWO_STEPS)


def test_eta_needs_a_scheduler_that_has_it(pipeline, skeleton, monkeypatch):
    other = UniPCMultistepScheduler.from_config(
        pipeline.scheduler.config, rescale_betas_zero_snr=False
    )
    monkeypatch.setattr(pipeline, "scheduler", other)
    settings = SampleSettings(num_inference_steps=2, eta=0.5)
    with pytest.raises(ValueError, match=r"has no eta, but eta is 0\.5"):
        pipeline("a panda", skeleton, settings)


def test_bad_input_is_named(pipeline, skeleton):
    with pytest.raises(ValueError, match=r"float64 of shape \(3, 64, 64, 3\)"):
        pipeline("a panda", skeleton / 255.0)
    with pytest.raises(ValueError, match="60 x 64 pixels, but both must be multiples of 8"):
        pipeline("a panda", skeleton[:, :60])
    with pytest.raises(ValueError, match="has 42 tokens, but the model reads 24"):
        pipeline("panda " * 40, skeleton)
    with pytest.raises(ValueError, match="2 prompts and 1 seeds"):
        pipeline(["a panda", "a robot"], skeleton, seeds=[1])


def test_unknown_words_come_with_near_ones(pipeline):
    assert pipeline.unknown_words("A Pandas, on the SEA!") == {"pandas": ["panda"]}
    assert pipeline.unknown_words("a xylophon")["xylophon"] == []
    # Letters that changed places are a slip; a few letters in common are not.
    assert pipeline.unknown_words("sae pdana") == {"sae": ["sea"], "pdana": ["panda"]}
    assert pipeline.unknown_words("pad ten sun") == {"pad": [], "ten": [], "sun": []}


def test_words_that_only_share_letters_are_not_suggested():
    found = load_pipeline().unknown_words("qwer script img src riding astronot bech pupy robbot")
    assert [near for word, near in found.items() if word in ("qwer", "script", "img", "src")] == (
        [[]] * 4
    )
    assert found["riding"] == [] and found["astronot"][0] == "astronaut"
    assert found["bech"][0] == "beach" and found["robbot"][0] == "robot"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_saves_and_loads_in_diffusers_layout(pipeline, skeleton, tmp_path, dtype):
    pipeline.save_pretrained(tmp_path / "model")
    loaded = load_pipeline(tmp_path / "model", device="cpu", dtype=dtype)
    loaded.set_progress_bar_config(disable=True)
    assert {loaded.unet.dtype, loaded.vae.dtype, loaded.text_encoder.dtype} == {dtype}
    assert loaded.config.shared_noise == 0.5
    expected = pipeline("a panda", skeleton, TWO_STEPS).latents
    found = loaded("a panda", skeleton, TWO_STEPS).latents
    tolerance = 1e-4 if dtype == torch.float32 else 0.2
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(CheckpointError, match=r"neither 'lite' nor a folder with a model_index"):
        load_pipeline(tmp_path)


def test_damaged_weights_are_refused(pipeline, tmp_path):
    whole = tmp_path / "whole"
    pipeline.save_pretrained(whole)
    write_hashes(whole)
    verify_hashes(whole)

    damaged = tmp_path / "changed"
    shutil.copytree(whole, damaged)
    weights = damaged / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"unet.*was changed or cut short.*reinstall"):
        verify_hashes(damaged)
    weights.write_bytes(bytes(data[:100]))
    with pytest.raises(CheckpointError, match="was changed or cut short"):
        verify_hashes(damaged)
    weights.unlink()
    with pytest.raises(CheckpointError, match="is missing: reinstall"):
        verify_hashes(damaged)


def test_every_number_of_steps_reaches_the_clean_end():
    """Also those that do not divide 1000, where diffusers' own rounding goes astray."""
    for steps in range(1, 1001):
        scheduler = lite_scheduler()
        scheduler.set_timesteps(steps)
        timesteps = scheduler.timesteps.tolist()
        assert len(timesteps) == steps
        assert timesteps[0] == 999
        assert timesteps == sorted(set(timesteps), reverse=True)
        assert timesteps[-1] >= 0
    latents = torch.randn(1, 4, 2, 8, 8)
    for steps in (1, 7, 48, 61):
        scheduler = lite_scheduler()
        scheduler.set_timesteps(steps)
        output = torch.randn_like(latents)
        last = scheduler.timesteps[-1]
        end = scheduler.step(output, last, latents, return_dict=False)
        torch.testing.assert_close(end[0], end[1])


@pytest.mark.parametrize("eta", [0.0, 0.7])
def test_our_ddim_step_is_diffusers_where_steps_divide_1000(eta):
    ours = lite_scheduler()
    theirs = DDIMScheduler.from_config(ours.config)
    latents, output = torch.randn(2, 1, 4, 2, 8, 8)
    for scheduler in (ours, theirs):
        scheduler.set_timesteps(20)
    for timestep in ours.timesteps:
        found, expected = (
            scheduler.step(
                output,
                timestep,
                latents,
                eta=eta,
                generator=torch.Generator().manual_seed(0),
                return_dict=False,
            )
            for scheduler in (ours, theirs)
        )
        torch.testing.assert_close(found[0], expected[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("output", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize(
    "options",
    [
        {"clip_sample": True},
        {"clip_sample": True, "clip_sample_range": 0.5},
        {"thresholding": True, "dynamic_thresholding_ratio": 0.9, "sample_max_value": 1.5},
        {},
    ],
    ids=["clipped", "range", "thresholding", "plain"],
)
@pytest.mark.parametrize("corrected", [False, True])
def test_our_ddim_step_keeps_what_diffusers_promises(options, corrected, output):
    base = lite_scheduler().config
    config = {**base, "prediction_type": output, "rescale_betas_zero_snr": False, **options}
    ours, theirs = ExactDDIMScheduler.from_config(config), DDIMScheduler.from_config(config)
    generator = torch.Generator().manual_seed(0)
    noise, latents, given = torch.randn(3, 1, 4, 2, 8, 8, generator=generator) * 3
    for scheduler in (ours, theirs):
        scheduler.set_timesteps(20)
    for timestep in ours.timesteps[3:6]:
        found, expected = (
            scheduler.step(noise, timestep, latents, 0.5, corrected, None, given, return_dict=False)
            for scheduler in (ours, theirs)
        )
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_noise_and_a_generator_together_are_refused():
    scheduler = lite_scheduler()
    scheduler.set_timesteps(4)
    noise, generator = torch.zeros(1, 4, 2, 8, 8), torch.Generator()
    with pytest.raises(ValueError, match="generator and variance_noise"):
        scheduler.step(noise, 999, noise, 1.0, False, generator, noise)


def test_runs_that_take_turns_do_not_disturb_each_other(pipeline, skeleton):
    alone = pipeline("a panda", skeleton, TWO_STEPS).latents
    panel = pipeline.steps("a panda", skeleton, TWO_STEPS)
    next(panel)
    pipeline("a robot", skeleton, SampleSettings(num_inference_steps=5))
    torch.testing.assert_close(next(panel).latents, alone)
