"""Schedule, guidance and the sampling loop: a generator that yields every step.

The pipeline walks the generator to its end, notebooks look at each step, and panels stop it by not
asking for the next one.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from fyp_lite.model.unet import FollowYourPoseUNet


@dataclass(frozen=True)
class SampleStep:
    """What one step of the sampler made; all tensors are `[b, c, f, h, w]` float32."""

    index: int  # 0 for the first step
    num_steps: int
    timestep: int
    model_output: Tensor  # after guidance
    pred_x0: Tensor  # the clean latents as the network sees them from here
    latents: Tensor  # after the step


def lite_scheduler() -> DDIMScheduler:
    """The lite model's schedule: v-prediction, zero terminal SNR, trailing timesteps.

    The first step then starts at pure noise, so even a single step gives a correctly exposed
    picture (Lin et al. 2024, arXiv 2305.08891).
    """
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
    )


def initial_latents(
    shape: tuple[int, int, int, int], generators: Sequence[torch.Generator], shared: float
) -> Tensor:
    """Noise of unit variance `[b, c, f, h, w]`, one generator (a seed) per video.

    Noise is drawn on the CPU in float32, so that a seed means the same on every device.

    Args:
        shape: (c, f, h, w) of one video.
        generators: one per video.
        shared: share of the variance (0...1) that all frames of a video have in common.
    """
    channels, _, height, width = shape
    videos = []
    for generator in generators:
        own = torch.randn(shape, generator=generator)
        common = torch.randn((channels, 1, height, width), generator=generator)
        videos.append((1 - shared) ** 0.5 * own + shared**0.5 * common)
    return torch.stack(videos)


def guide(uncond: Tensor, text: Tensor, guidance_scale: float) -> Tensor:
    """Classifier-free guidance: uncond + s * (text - uncond) (Ho and Salimans 2022)."""
    return uncond + guidance_scale * (text - uncond)


def predict_x0(
    latents: Tensor, model_output: Tensor, alpha_cumprod: Tensor, prediction_type: str
) -> Tensor:
    """The clean latents x_0 that a prediction at x_t implies.

    x_t = sqrt(a) x_0 + sqrt(1 - a) eps, and v = sqrt(a) eps - sqrt(1 - a) x_0, with
    a = `alpha_cumprod` at this timestep (Ho et al. 2020; Salimans and Ho 2022).
    """
    signal, noise = alpha_cumprod.sqrt(), (1 - alpha_cumprod).sqrt()
    if prediction_type == "epsilon":
        return (latents - noise * model_output) / signal
    if prediction_type == "v_prediction":
        return signal * latents - noise * model_output
    return model_output  # "sample"


def check_scheduler(scheduler: Any, eta: float) -> None:
    """Refuse, in one sentence, a scheduler that the sampling loop cannot serve."""
    name = type(scheduler).__name__
    prediction_type = scheduler.config.get("prediction_type")
    problem = None
    if getattr(scheduler, "alphas_cumprod", None) is None:
        problem = "has no alphas_cumprod"
    elif prediction_type not in ("epsilon", "v_prediction", "sample"):
        problem = f"predicts {prediction_type!r}"
    elif float(scheduler.init_noise_sigma) != 1.0:
        problem = "scales its latents"
    elif getattr(scheduler, "order", 1) != 1:
        problem = "calls the network more than once a step"
    elif eta > 0 and "eta" not in inspect.signature(scheduler.step).parameters:
        raise ValueError(f"{name} has no eta, but eta is {eta}; set eta to 0 or use DDIMScheduler.")
    if problem:
        raise ValueError(
            f"The sampling loop cannot use {name}, which {problem}; use DDIMScheduler, "
            "DPMSolverMultistepScheduler or UniPCMultistepScheduler."
        )


def step_arguments(scheduler: Any, eta: float, generators: Sequence[torch.Generator]) -> dict:
    """The optional arguments that this scheduler's `step` takes, of those that we have."""
    # At zero terminal SNR and eta = 1, DDIM takes the root of a difference that is exactly 0;
    # a hair less noise keeps rounding from making it negative.
    offered = {"eta": eta * (1 - 1e-6), "generator": list(generators)}
    accepted = inspect.signature(scheduler.step).parameters
    return {name: value for name, value in offered.items() if name in accepted}


@torch.no_grad()
def sample_steps(
    unet: FollowYourPoseUNet,
    scheduler: Any,
    latents: Tensor,
    text_embeddings: Tensor | None,
    uncond_embeddings: Tensor | None,
    pose_features: list[Tensor] | None,
    *,
    num_inference_steps: int,
    guidance_scale: float,
    eta: float = 0.0,
    generators: Sequence[torch.Generator] = (),
) -> Iterator[SampleStep]:
    """Denoise `latents` step by step.

    Args:
        latents: noise `[b, c, f, h, w]` float32.
        text_embeddings: `[b, tokens, d]`; None where guidance_scale is 0.
        uncond_embeddings: of the empty or negative prompt; None where guidance_scale is 1.
        pose_features: see `FollowYourPoseUNet.forward`; they feed both branches.
        guidance_scale: 1 runs the text branch only, 0 the unconditional only, others both.
        eta: 0 is DDIM, 1 adds as much noise as DDPM.
        generators: one per video, for schedulers that add noise.
    """
    check_scheduler(scheduler, eta)
    scheduler.set_timesteps(num_inference_steps, device=latents.device)
    arguments = step_arguments(scheduler, eta, generators)
    branches = []
    if guidance_scale != 1 and uncond_embeddings is not None:
        branches.append(uncond_embeddings)
    if guidance_scale != 0 and text_embeddings is not None:
        branches.append(text_embeddings)
    text = torch.cat(branches)
    if pose_features is not None and len(branches) == 2 and pose_features[0].shape[0] > 1:
        pose_features = [feature.repeat(2, 1, 1, 1, 1) for feature in pose_features]

    for index, timestep in enumerate(scheduler.timesteps):
        sample = latents.to(unet.dtype).repeat(len(branches), 1, 1, 1, 1)
        model_output = unet(sample, timestep, text, pose_features).sample.float()
        if len(branches) == 2:
            uncond, text_output = model_output.chunk(2)
            model_output = guide(uncond, text_output, guidance_scale)

        alpha_cumprod = scheduler.alphas_cumprod.to(latents)[timestep]
        kind = scheduler.config.prediction_type
        pred_x0 = predict_x0(latents, model_output, alpha_cumprod, kind)
        latents = scheduler.step(model_output, timestep, latents, **arguments).prev_sample
        yield SampleStep(index, num_inference_steps, int(timestep), model_output, pred_x0, latents)
