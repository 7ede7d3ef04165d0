"""Figures of a trained model on scenes that training never saw.

    python -m fyp_lite.training.evaluate --model FOLDER --json FILE

Autoencoder: how well held-out frames come back. Denoising: the loss with the right prompt and pose
against none and against another clip's; a model that ignores either would show no difference.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from fyp_lite.checkpoints import load_pipeline
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.skeleton import draw_skeletons
from fyp_lite.training.autoencoder import person_mask
from fyp_lite.world.dataset import Clip, random_clip, render_clip

SEED = 20_260_101  # far from any training seed
TIMESTEPS = (150, 400, 650, 900)


def held_out_clips(count: int, num_frames: int) -> list[Clip]:
    """Held-out motions in held-out combinations of character, place and style."""
    return [
        random_clip(
            np.random.default_rng([SEED, i]), num_frames, held_out=True, held_out_motion=True
        )
        for i in range(count)
    ]


def psnr(error: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean(np.square(error))))


@torch.no_grad()
def evaluate_autoencoder(pipeline: FollowYourPosePipeline, count: int) -> dict[str, float]:
    """PSNR in dB over whole frames, around people, and for the worst style."""
    frames, people, styles = [], [], []
    for clip in held_out_clips(count, 1):
        frames.append(render_clip(clip)[0])
        people.append(person_mask(clip.keypoints()[0]))
        styles.append(clip.scene.style)
    pixels = np.stack(frames).astype(np.float32)
    decoded = np.concatenate(
        [
            pipeline.decode(encode(pipeline, pixels[i : i + 8])[:, :, None])
            for i in range(0, count, 8)
        ]
    )[:, 0]
    error = decoded.astype(np.float32) - pixels
    mask = np.stack(people)
    by_style = {style: psnr(error[[s == style for s in styles]]) for style in dict.fromkeys(styles)}
    worst = min(by_style, key=lambda style: by_style[style])
    return {
        "psnr": round(psnr(error), 2),
        "person_psnr": round(psnr(error[mask]), 2),
        f"worst style, {worst}": round(by_style[worst], 2),
    }


def encode(pipeline: FollowYourPosePipeline, pixels: np.ndarray) -> torch.Tensor:
    """Frames `[b, h, w, 3]` 0...255 to scaled latents `[b, c, h / 8, w / 8]`."""
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1
    latents = pipeline.vae.encode(pictures.to(pipeline.vae.dtype)).latent_dist.mode().float()
    return latents * pipeline.vae.config.scaling_factor


@torch.no_grad()
def evaluate_denoising(pipeline: FollowYourPosePipeline, count: int) -> dict[str, float]:
    """Mean squared error of the predicted velocity on held-out clips of eight frames."""
    rng = np.random.default_rng(SEED)
    clips = held_out_clips(count, 8)
    captions = [clip.scene.caption(rng) for clip in clips]
    skeletons = [draw_skeletons(clip.keypoints(), 256, 256) for clip in clips]
    losses: dict[str, list[float]] = {}
    for i, clip in enumerate(clips):
        clean = encode(pipeline, render_clip(clip).astype(np.float32)).transpose(0, 1)[None]
        other = (i + 1) % count
        for name, caption, skeleton in (
            ("prompt and pose", captions[i], skeletons[i]),
            ("no pose", captions[i], None),
            ("another clip's pose", captions[i], skeletons[other]),
            ("no prompt", "", skeletons[i]),
            ("another clip's prompt", captions[other], skeletons[i]),
        ):
            loss = velocity_error(pipeline, clean, caption, skeleton, seed=i)
            losses.setdefault(name, []).append(loss)
    return {name: round(float(np.mean(values)), 4) for name, values in losses.items()}


def velocity_error(
    pipeline: FollowYourPosePipeline,
    clean: torch.Tensor,
    caption: str,
    skeleton: np.ndarray | None,
    seed: int,
) -> float:
    text = pipeline.encode_prompt([caption])
    features = None if skeleton is None else pipeline.encode_pose(skeleton)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    total = 0.0
    for timestep in TIMESTEPS:
        alpha = pipeline.scheduler.alphas_cumprod[timestep]
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
        predicted = pipeline.unet(noisy.to(pipeline.unet.dtype), timestep, text, features).sample
        total += (predicted.float() - velocity).square().mean().item()
    return total / len(TIMESTEPS)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="lite", help="'lite' or a folder")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--frames", type=int, default=256, help="for the autoencoder")
    parser.add_argument("--clips", type=int, default=32, help="for denoising")
    options = parser.parse_args()
    pipeline = load_pipeline(options.model, device="cpu", dtype=torch.float32)
    figures = {
        "autoencoder": evaluate_autoencoder(pipeline, options.frames),
        "denoising": evaluate_denoising(pipeline, options.clips),
    }
    print(json.dumps(figures, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
