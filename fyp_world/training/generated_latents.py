"""Latents as the denoiser makes them, beside the pictures that they should be.

    python -m fyp_world.training.generated_latents --data DATA --model FOLDER --images 6000

Pictures of the cache are made noisy up to a timestep and denoised with their own prompt and pose.
What comes back shows the same at the same place, with the denoiser's own mistakes: the pairs from
which `training.s7_decoder` learns. `FOLDER` is one that `training.assemble` made. The same command
resumes after an interruption.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fyp_lite.loading import load_pipeline
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.skeleton import draw_skeletons
from fyp_world.training.cache import SIZE, Cache, open_array

FIRST_TIMESTEPS = (249, 349, 449, 549, 649)  # higher ones would change who is where
STEP = 100  # timesteps
AT_ONCE = 8


def noised(pipeline: FollowYourPosePipeline, clean: Tensor, noise: Tensor, timestep: int) -> Tensor:
    return pipeline.scheduler.add_noise(clean, noise, torch.tensor([timestep]))


def pose_of_stills(pipeline: FollowYourPosePipeline, skeletons: np.ndarray) -> list[Tensor]:
    """Pose features `[n, c, 1, h, w]`, one per level, of n videos of one frame each.

    Args:
        skeletons: their frames `[n, h, w, 3]` uint8.
    """
    # The pipeline takes them for the frames of one video: (1, c, n, h, w).
    return [feature.permute(2, 1, 0, 3, 4) for feature in pipeline.encode_pose(skeletons)]


def denoised(
    pipeline: FollowYourPosePipeline,
    clean: Tensor,
    noise: Tensor,
    text: Tensor,
    features: list[Tensor],
    first: int,
    step: int,
) -> Tensor:
    """Latents `[b, c, f, h, w]`, made noisy up to a timestep and denoised by DDIM.

    Args:
        clean, noise: `[b, c, f, h, w]`.
        text: embeddings of the prompts `[b, n, d]`.
        features: the pose's.
        first: the timestep up to which they are made noisy.
        step: how many timesteps each step goes down.
    """
    latents = guess = noised(pipeline, clean, noise, first)
    for timestep in range(first, 0, -step):
        answer = pipeline.unet(latents.to(pipeline.unet.dtype), timestep, text, features).sample
        predicted = answer.float()
        alpha = pipeline.scheduler.alphas_cumprod[timestep].to(clean)
        guess = alpha.sqrt() * latents - (1 - alpha).sqrt() * predicted
        left = alpha.sqrt() * predicted + (1 - alpha).sqrt() * latents
        latents = noised(pipeline, guess, left, max(timestep - step, 0))
    return guess


def resume_at(made: np.ndarray) -> int:
    """Where an interrupted run goes on: with the last pictures that it wrote, maybe in part."""
    written = (start for start in range(0, len(made), AT_ONCE) if made[start].any())
    return max(written, default=0)


@torch.no_grad()
def make(folder: Path, count: int, pipeline: FollowYourPosePipeline, seed: int) -> None:
    cache = Cache(folder)
    part = folder / "made.part.npy"
    made = open_array(part, (count, *cache.latents.shape[1:]), np.float16)
    for start in range(resume_at(made), count, AT_ONCE):
        indices = range(start, min(start + AT_ONCE, count))
        rng = np.random.default_rng([seed, start])
        clean = torch.from_numpy(np.array(cache.latents[start : indices.stop])).float()
        clean = clean.transpose(1, 2)
        text = pipeline.encode_prompt([cache.scenes[i].caption(rng) for i in indices])
        keypoints = np.array(cache.keypoints[start : indices.stop, 0])
        features = pose_of_stills(pipeline, draw_skeletons(keypoints, SIZE, SIZE))
        noise = torch.from_numpy(rng.standard_normal(clean.shape, dtype=np.float32))
        first = int(rng.choice(FIRST_TIMESTEPS))
        latents = denoised(pipeline, clean, noise, text, features, first, STEP)
        made[start : indices.stop] = latents.transpose(1, 2).half().numpy()
        if start // AT_ONCE % 50 == 0:
            print(f"{folder.name}: made {start} of {count}", flush=True)
    del made
    os.replace(part, folder / "made.npy")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="lite", help="'lite' or a folder")
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pipeline = load_pipeline(options.model)
    make(options.data / "images", options.images, pipeline, options.seed)


if __name__ == "__main__":
    main()
