"""Latents as the denoiser makes them, beside the pictures that they should be.

    python -m fyp_lite.training.made --data DATA --model FOLDER --images 6000

Pictures of the cache are made noisy up to a timestep and denoised with their own prompt and pose.
What comes back shows the same at the same place, with the denoiser's own mistakes: the pairs from
which `training.decoder` learns. `FOLDER` is one that `training.assemble` made.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fyp_lite.checkpoints import load_pipeline
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.sampling import guide
from fyp_lite.skeleton import draw_skeletons
from fyp_lite.training.cache import SIZE, Cache, open_array

FIRST_TIMESTEPS = (249, 349, 449, 549, 649)  # higher ones would change who is where
STEP = 100  # timesteps
AT_ONCE = 8


def noised(pipeline: FollowYourPosePipeline, clean: Tensor, noise: Tensor, timestep: int) -> Tensor:
    alpha = pipeline.scheduler.alphas_cumprod[timestep].to(clean)
    return alpha.sqrt() * clean + (1 - alpha).sqrt() * noise


def denoised(
    pipeline: FollowYourPosePipeline,
    clean: Tensor,
    noise: Tensor,
    texts: list[Tensor],
    features: list[Tensor],
    first: int,
    step: int,
) -> Tensor:
    """Latents `[b, c, f, h, w]`, made noisy up to a timestep and denoised by DDIM.

    Args:
        clean, noise: `[b, c, f, h, w]`.
        texts: embeddings of the prompts `[b, n, d]`; two are guided from the first to the second.
        features: the pose's.
        first: the timestep up to which they are made noisy.
        step: how many timesteps each step goes down.
    """
    latents = guess = noised(pipeline, clean, noise, first)
    text = torch.cat(texts)
    for timestep in range(first, 0, -step):
        answers = pipeline.unet(latents.to(pipeline.unet.dtype), timestep, text, features).sample
        predicted, *guided = answers.float().chunk(len(texts))
        if guided:
            predicted = guide(predicted, guided[0], pipeline.config.default_guidance_scale)
        alpha = pipeline.scheduler.alphas_cumprod[timestep].to(clean)
        guess = alpha.sqrt() * latents - (1 - alpha).sqrt() * predicted
        left = alpha.sqrt() * predicted + (1 - alpha).sqrt() * latents
        latents = noised(pipeline, guess, left, max(timestep - step, 0))
    return guess


@torch.no_grad()
def make(folder: Path, count: int, pipeline: FollowYourPosePipeline, seed: int) -> None:
    cache = Cache(folder)
    part = folder / "made.part.npy"
    made = open_array(part, (count, *cache.latents.shape[1:]), np.float16)
    for start in range(0, count, AT_ONCE):
        indices = range(start, min(start + AT_ONCE, count))
        rng = np.random.default_rng([seed, start])
        clean = torch.from_numpy(np.array(cache.latents[start : indices.stop])).float()
        clean = clean.transpose(1, 2)
        captions = [cache.scenes[i].caption(rng) for i in indices]
        texts = [pipeline.encode_prompt(p) for p in ([""] * len(captions), captions)]
        keypoints = np.array(cache.keypoints[start : indices.stop, 0])
        features = pipeline.encode_pose(draw_skeletons(keypoints, SIZE, SIZE))
        # Frames of one video become videos of one frame: (1, c, n, h, w) -> (n, c, 1, h, w).
        features = [feature.permute(2, 1, 0, 3, 4) for feature in features]
        noise = torch.from_numpy(rng.standard_normal(clean.shape, dtype=np.float32))
        first = int(rng.choice(FIRST_TIMESTEPS))
        latents = denoised(pipeline, clean, noise, texts, features, first, STEP)
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
