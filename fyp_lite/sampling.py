"""The schedule and the sampling loop: a generator that yields every step.

The pipeline walks the generator to its end, notebooks look at each step, and panels stop it by not
asking for the next one.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    SchedulerMixin,
    UniPCMultistepScheduler,
)
from diffusers.schedulers.scheduling_ddim import DDIMSchedulerOutput
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

from fyp_lite.denoising import Denoise
from fyp_lite.threads import give_way


@dataclass(frozen=True)
class SampleStep:
    """What one step of the sampler made; all tensors are `[b, c, f, h, w]` float32."""

    index: int  # 0 for the first step
    num_steps: int
    timestep: int
    latents_before: Tensor  # x_t, what the network saw
    model_output: Tensor  # after guidance
    pred_x0: Tensor  # the clean latents as the network sees them from here
    latents: Tensor  # after the step, x_s


class ExactDDIMScheduler(DDIMScheduler):
    """DDIM whose every step ends exactly where the next one begins, for any number of steps.

    diffusers' own rounds the distance between two steps down, so that where the number of steps
    does not divide 1000 it stops short of the next timestep, and of the clean picture at the end.
    """

    timesteps: Tensor

    def set_timesteps(
        self, num_inference_steps: int, device: str | torch.device | None = None
    ) -> None:
        super().set_timesteps(num_inference_steps, device)
        # Rounding gives some numbers of steps, such as 61, one timestep too many, at -1.
        self.timesteps = self.timesteps[self.timesteps >= 0]

    def step(
        self,
        model_output: Tensor,
        timestep: Tensor | int,
        sample: Tensor,
        eta: float = 0.0,
        use_clipped_model_output: bool = False,
        generator: list[torch.Generator] | torch.Generator | None = None,
        variance_noise: Tensor | None = None,
        return_dict: bool = True,
    ) -> DDIMSchedulerOutput | tuple:
        """x_t to x_s, s being the next timestep: DDIM, equations 12 and 16 (Song et al. 2021).

        Arguments and configuration mean what they do in diffusers: `thresholding` or `clip_sample`
        limit x_0, and the noise is that of the limited x_0 with `use_clipped_model_output`.

        Raises:
            ValueError: a generator and the noise itself are both given.
        """
        if generator is not None and variance_noise is not None:
            raise ValueError("generator and variance_noise are both given: give one of them.")
        alpha_t = self.alphas_cumprod[int(timestep)].to(sample)
        later = self.timesteps[self.timesteps < timestep]
        alpha_s = self.alphas_cumprod[int(later[0])] if len(later) else self.final_alpha_cumprod
        alpha_s = alpha_s.to(sample)

        x0 = predict_x0(sample, model_output, alpha_t, self.config.prediction_type)
        noise = (sample - alpha_t.sqrt() * x0) / (1 - alpha_t).sqrt()
        if self.config.thresholding:
            x0 = self._threshold_sample(x0)
        elif self.config.clip_sample:
            x0 = x0.clamp(-self.config.clip_sample_range, self.config.clip_sample_range)
        if use_clipped_model_output:
            noise = (sample - alpha_t.sqrt() * x0) / (1 - alpha_t).sqrt()
        variance = (1 - alpha_s) / (1 - alpha_t) * (1 - alpha_t / alpha_s)
        sigma = eta * variance.clamp(min=0).sqrt()
        direction = (1 - alpha_s - sigma**2).clamp(min=0).sqrt() * noise
        prev_sample = alpha_s.sqrt() * x0 + direction
        if eta > 0:
            if variance_noise is None:
                variance_noise = randn_tensor(
                    sample.shape, generator=generator, device=sample.device, dtype=sample.dtype
                )
            prev_sample = prev_sample + sigma * variance_noise
        if not return_dict:
            return prev_sample, x0
        return DDIMSchedulerOutput(prev_sample=prev_sample, pred_original_sample=x0)


def lite_scheduler() -> ExactDDIMScheduler:
    """The lite model's schedule: v-prediction, zero terminal SNR, trailing timesteps.

    The first step then starts at pure noise, so even a single step gives a correctly exposed
    picture (Lin et al. 2024, arXiv 2305.08891).
    """
    return ExactDDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
    )


def choose_scheduler(own: SchedulerMixin, name: str) -> SchedulerMixin:
    """The model's own scheduler for "ddim"; a second-order one on the same noise for the others.

    Args:
        own: the model's scheduler, with its schedule of noise.
        name: one of `settings.SCHEDULERS`.
    """
    others = {"dpm++": DPMSolverMultistepScheduler, "unipc": UniPCMultistepScheduler}
    return others[name].from_config(own.config) if name in others else own


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


def check_scheduler(scheduler: SchedulerMixin, eta: float) -> None:
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


def step_arguments(
    scheduler: SchedulerMixin, eta: float, generators: Sequence[torch.Generator]
) -> dict:
    """The optional arguments that this scheduler's `step` takes, of those that we have."""
    offered = {"eta": eta, "generator": list(generators)}
    accepted = inspect.signature(scheduler.step).parameters
    return {name: value for name, value in offered.items() if name in accepted}


@torch.no_grad()
def sample_steps(
    denoise: Denoise,
    scheduler: SchedulerMixin,
    latents: Tensor,
    *,
    num_inference_steps: int,
    eta: float = 0.0,
    generators: Sequence[torch.Generator] = (),
) -> Iterator[SampleStep]:
    """Denoise `latents` step by step.

    Args:
        denoise: makes one prediction of the network per step; see `denoising`.
        latents: noise `[b, c, f, h, w]` float32.
        eta: 0 is DDIM, 1 adds as much noise as DDPM.
        generators: one per video, for schedulers that add noise.

    Raises:
        ValueError: a scheduler that this loop cannot use.
    """
    check_scheduler(scheduler, eta)
    # A copy of its own: two runs, such as a panel's and a cell's, may take turns.
    scheduler = copy.deepcopy(scheduler)
    scheduler.set_timesteps(num_inference_steps, device=latents.device)
    if len(scheduler.timesteps) != num_inference_steps:
        raise ValueError(
            f"{type(scheduler).__name__} makes {len(scheduler.timesteps)} steps where "
            f"{num_inference_steps} are asked for; ask for one less, or use ExactDDIMScheduler."
        )
    arguments = step_arguments(scheduler, eta, generators)
    kind = scheduler.config.prediction_type

    for index, timestep in enumerate(scheduler.timesteps):
        give_way()
        model_output = denoise(latents, timestep, index)
        alpha_cumprod = scheduler.alphas_cumprod.to(latents)[timestep]
        pred_x0 = predict_x0(latents, model_output, alpha_cumprod, kind)
        before = latents
        latents = scheduler.step(model_output, timestep, latents, **arguments).prev_sample
        yield SampleStep(
            index, num_inference_steps, int(timestep), before, model_output, pred_x0, latents
        )
