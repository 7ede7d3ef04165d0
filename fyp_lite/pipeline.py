"""FollowYourPosePipeline: text, pose, sampling and decoding in one object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline, SchedulerMixin
from diffusers.utils import BaseOutput
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from fyp_lite.denoising import TRAINED_FRAMES, Denoise, build_denoise, through_windows
from fyp_lite.sampling import SampleStep, choose_scheduler, initial_latents, sample_steps
from fyp_lite.settings import SampleSettings
from fyp_lite.text import near_words

FRAMES_AT_ONCE = 8  # frames that the pose encoder or the autoencoder takes together


@dataclass
class PipelineOutput(BaseOutput):
    """`videos`: one `[f, h, w, 3]` uint8 array per prompt; `latents`: `[b, c, f, h, w]`."""

    videos: list[np.ndarray]
    latents: Tensor

    @property
    def video(self) -> np.ndarray:
        """The first (often the only) video."""
        return self.videos[0]


class FollowYourPosePipeline(DiffusionPipeline):
    """Makes videos of the prompt's character doing the skeleton's motion.

    Args:
        vae: pictures to latents and back.
        text_encoder, tokenizer: prompts to text embeddings.
        unet: the denoising network.
        pose_encoder: skeleton frames to pose features.
        scheduler: a diffusers scheduler (see `sampling.check_scheduler`).
        default_guidance_scale: used where the settings leave it None.
        shared_noise: share (0...1) of the initial noise that all frames have in common.
        num_frames: length of the clips that the network was trained on; longer ones are sampled
            in overlapping windows of this length.
    """

    model_cpu_offload_seq = "pose_encoder->text_encoder->unet->vae"  # in the order of use
    frames_decoded_at_once = FRAMES_AT_ONCE  # fewer need less memory; see `memory.set_memory_mode`
    branches_together = True  # of guidance, in one batch

    def __init__(
        self,
        vae: nn.Module,
        text_encoder: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        unet: nn.Module,
        pose_encoder: nn.Module,
        scheduler: SchedulerMixin,
        default_guidance_scale: float = 12.5,
        shared_noise: float = 0.0,
        num_frames: int = TRAINED_FRAMES,
    ) -> None:
        super().__init__()
        self.register_modules(
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            unet=unet,
            pose_encoder=pose_encoder,
            scheduler=scheduler,
        )
        self.register_to_config(
            default_guidance_scale=default_guidance_scale,
            shared_noise=shared_noise,
            num_frames=num_frames,
        )

    @property
    def size(self) -> int:
        """Height and width of the videos that the model was trained for, in pixels."""
        return self.unet.config.sample_size * self.pose_encoder.config.patch

    def guidance_scale(self, settings: SampleSettings) -> float:
        """The settings' guidance scale, or the model's own where it is None."""
        if settings.guidance_scale is None:
            return self.config.default_guidance_scale
        return settings.guidance_scale

    def unknown_words(self, prompt: str) -> dict[str, list[str]]:
        """Words that a word-level tokenizer does not know, with the nearest ones that it does.

        Empty for tokenizers that split unknown words, such as Stable Diffusion's.

        Raises:
            ValueError: the prompt is no text.
        """
        check_prompt(prompt)
        backend = self.tokenizer.backend_tokenizer
        if type(backend.model).__name__ != "WordLevel":
            return {}
        words = backend.normalizer.normalize_str(prompt).split()
        known = self.tokenizer.get_vocab().keys() - set(self.tokenizer.all_special_tokens)
        return {word: near_words(word, known) for word in words if word not in known}

    def tokens_of(self, prompts: Sequence[str]) -> Tensor:
        """Prompts as numbers of words `[b, tokens]`, filled up to the text encoder's length.

        Raises:
            ValueError: a prompt is no text, or longer than the text encoder can read.
        """
        limit = self.tokenizer.model_max_length
        for prompt in prompts:
            check_prompt(prompt)
            length = len(self.tokenizer(prompt, truncation=False, verbose=False).input_ids)
            if length > limit:
                raise ValueError(
                    f"The prompt {prompt[:40]!r}... has {length} tokens, but the model reads "
                    f"{limit} at most; shorten it."
                )
        return self.tokenizer(list(prompts), padding="max_length", return_tensors="pt").input_ids

    @torch.no_grad()
    def encode_prompt(self, prompts: Sequence[str]) -> Tensor:
        """Prompts to text embeddings `[b, tokens, d]`. Raises ValueError as `tokens_of` does."""
        tokens = self.tokens_of(prompts).to(self._execution_device)
        return self.text_encoder(tokens).last_hidden_state

    @torch.no_grad()
    def encode_pose(self, skeleton_frames: np.ndarray) -> list[Tensor]:
        """Skeleton frames `[f, h, w, 3]` uint8 to pose features, one `[1, c, f, h, w]` per level.

        Raises:
            ValueError: not such an array, or a size that is no multiple of the patch.
        """
        frames = np.ascontiguousarray(skeleton_frames)
        patch = self.pose_encoder.config.patch
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not frames.size:
            raise ValueError(
                f"skeleton_frames is {frames.dtype} of shape {frames.shape}, but uint8 of shape "
                "(frames, height, width, 3) is needed; prepare_clip makes it from a video."
            )
        if frames.shape[1] % patch or frames.shape[2] % patch:
            raise ValueError(
                f"skeleton_frames are {frames.shape[1]} x {frames.shape[2]} pixels, but both must "
                f"be multiples of {patch}; use size={self.size} in prepare_clip."
            )
        return encode_frames(self.pose_encoder, torch.from_numpy(frames), self._execution_device)

    def steps(
        self,
        prompt: str | Sequence[str],
        skeleton_frames: np.ndarray,
        settings: SampleSettings | None = None,
        *,
        negative_prompt: str = "",
        seeds: Sequence[int] | None = None,
    ) -> Iterator[SampleStep]:
        """Check and encode the input, then return the sampler that yields every step.

        Args:
            prompt: one sentence, or several that all follow the same skeleton.
            skeleton_frames: `[f, h, w, 3]` uint8 on black.
            settings: of the sampler.
            negative_prompt: what guidance leads away from.
            seeds: one per prompt; without it all use `settings.seed`.

        Raises:
            ValueError: one of them cannot be used; the sentence says which, and what would do.
        """
        settings = settings or SampleSettings()
        prompts: list[Any] = list(prompt) if isinstance(prompt, list | tuple) else [prompt]
        if seeds is None:
            seeds = [settings.seed] * len(prompts)
        seeds = [replace(settings, seed=seed).seed for seed in seeds]  # each is checked
        if not prompts or len(seeds) != len(prompts):
            raise ValueError(
                f"There are {len(prompts)} prompts and {len(seeds)} seeds; give one seed to each."
            )
        pose_features = self.encode_pose(skeleton_frames)
        denoise = self.denoiser(prompts, pose_features, settings, negative_prompt)
        return self.sample(denoise, pose_features[0].shape[2:], settings, seeds)

    def denoiser(
        self,
        prompts: Sequence[str],
        pose_features: list[Tensor],
        settings: SampleSettings,
        negative_prompt: str = "",
    ) -> Denoise:
        """What makes the prediction of each step, for `sample`.

        Args:
            prompts: one per video.
            pose_features: `[1 or videos, c, f, h, w]` per level, as `encode_pose` makes them.
            settings: guidance and pose are taken from them.
        """
        scale = self.guidance_scale(settings)
        text = self.encode_prompt(prompts) if scale != 0 else None
        uncond = self.encode_prompt([negative_prompt] * len(prompts)) if scale != 1 else None
        return build_denoise(
            through_windows(self.unet, pose_features[0].shape[2], self.config.num_frames),
            settings,
            text,
            uncond,
            pose_features,
            scale,
            self.branches_together,
        )

    def sample(
        self,
        denoise: Denoise,
        size: Sequence[int],
        settings: SampleSettings,
        seeds: Sequence[int],
    ) -> Iterator[SampleStep]:
        """The sampler over any `denoise`; it yields every step.

        Args:
            size: frames, height and width of the latents.
            settings: of the sampler.
            seeds: one per video.
        """
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        frames, height, width = size
        shape = (self.unet.config.in_channels, frames, height, width)
        latents = initial_latents(shape, generators, self.config.shared_noise)
        return sample_steps(
            denoise,
            choose_scheduler(self.scheduler, settings.scheduler),
            latents.to(self._execution_device),
            num_inference_steps=settings.num_inference_steps,
            eta=settings.eta,
            generators=generators,
        )

    @torch.no_grad()
    def decode(self, latents: Tensor) -> list[np.ndarray]:
        """Latents `[b, c, f, h, w]` to videos, each `[f, H, W, 3]` uint8.

        Raises:
            ValueError: no picture comes out, as values are infinite or NaN.
        """
        num_frames = latents.shape[2]
        frames, finite = decode_frames(
            self.vae, latents.transpose(1, 2).flatten(0, 1), self.frames_decoded_at_once
        )
        if not finite:
            raise ValueError(
                "No picture comes out, only numbers that are infinite or not a number: take a "
                "smaller guidance_scale, or get the weights again if that does not help."
            )
        self.maybe_free_model_hooks()  # with model offload, nothing stays on the device
        return list(frames.unflatten(0, (-1, num_frames)).numpy())

    def __call__(
        self,
        prompt: str | Sequence[str],
        skeleton_frames: np.ndarray,
        settings: SampleSettings | None = None,
        *,
        negative_prompt: str = "",
        seeds: Sequence[int] | None = None,
    ) -> PipelineOutput:
        """Make one video per prompt; see `steps` for the arguments."""
        settings = settings or SampleSettings()
        steps = self.steps(
            prompt, skeleton_frames, settings, negative_prompt=negative_prompt, seeds=seeds
        )
        with self.progress_bar(total=settings.num_inference_steps) as bar:
            for step in steps:
                latents = step.latents
                bar.update()
        return PipelineOutput(videos=self.decode(latents), latents=latents)


def check_prompt(prompt: object) -> None:
    """Refuse what no tokenizer can read. Raises ValueError."""
    if not isinstance(prompt, str):
        raise ValueError(f"The prompt is {prompt!r:.60}, but it must be text, such as 'a panda'.")
    if any("\ud800" <= letter <= "\udfff" for letter in prompt):  # halves of a letter
        raise ValueError(
            f"The prompt {prompt[:40]!r} holds bytes that are no text: type it again, in UTF-8."
        )


def encode_frames(pose_encoder: Any, frames: Tensor, device: torch.device) -> list[Tensor]:
    """Skeleton frames `[f, h, w, 3]` uint8 to pose features, one `[1, c, f, h, w]` per level."""
    parts = []
    for part in frames.split(FRAMES_AT_ONCE):
        skeleton = part.to(device, pose_encoder.dtype)
        parts.append(pose_encoder(skeleton.permute(0, 3, 1, 2)[None] / 255))
    return [torch.cat(level, dim=2) for level in zip(*parts, strict=True)]


def decode_frames(vae: Any, latents: Tensor, frames_at_once: int) -> tuple[Tensor, Tensor]:
    """Latents of single frames `[f, c, h, w]` to pictures `[f, H, W, 3]` uint8 on the CPU, and
    whether all of their numbers were finite.
    """
    pictures, sums = [], []
    for part in (latents / vae.config.scaling_factor).split(frames_at_once):
        values = vae.decode(part.to(vae.dtype)).sample.float()
        sums.append(values.sum())  # a single NaN makes the sum NaN
        levels = ((values + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        pictures.append(levels.permute(0, 2, 3, 1).cpu())
    return torch.cat(pictures), torch.stack(sums).isfinite().all()
