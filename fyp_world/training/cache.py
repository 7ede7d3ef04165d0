"""Render the world once and encode it once: the data of all training stages.

    python -m fyp_world.training.cache frames --out DATA --images 30000 --clips 1500
    python -m fyp_world.training.cache latents --out DATA --vae FOLDER
    python -m fyp_world.training.cache decoded --out DATA --vae FOLDER

`DATA/images` holds clips of one frame and `DATA/clips` clips of eight. Item i depends on the seed
and on i alone, and rendering resumes after an interruption. Latents appear when all are encoded.
Decoded are only the first `--images` images: from them the judges learn what generated pictures
look like.
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from fyp_lite.loading import best_device
from fyp_lite.model.vae import FrameAutoencoder
from fyp_world.world.captions import CharacterSpec
from fyp_world.world.dataset import MAX_PEOPLE, Scene, random_clip, render_clip

SIZE = 256
CLIP_FRAMES = 8
CHUNK = 256
DECODED_AT_ONCE = 8
LATENT_NOISE = 0.3  # at most, as a share of the latents' standard deviation
LATENT_GAIN = 1.6  # at most: too much guidance makes latents too large


class Cache:
    """One folder of rendered clips, memory-mapped.

    `frames` `[n, f, 256, 256, 3]` uint8, `keypoints` `[n, f, 3, 17, 3]` float32, `latents`
    `[n, f, c, 32, 32]` float16 (after encoding), `decoded` as `frames`, of the first clips (after
    decoding), `scenes` a list.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keypoints = np.load(folder / "keypoints.npy", mmap_mode="r")
        lines = (folder / "scenes.jsonl").read_text().splitlines()
        self.scenes = [scene_from_json(line) for line in lines]

    def __len__(self) -> int:
        return len(self.scenes)

    @property
    def frames(self) -> np.ndarray:
        return np.load(self.folder / "frames.npy", mmap_mode="r")

    @property
    def latents(self) -> np.ndarray:
        return np.load(self.folder / "latents.npy", mmap_mode="r")

    @property
    def decoded(self) -> np.ndarray:
        return np.load(self.folder / "decoded.npy", mmap_mode="r")


def scene_to_json(scene: Scene) -> str:
    return json.dumps(asdict(scene))


def scene_from_json(line: str) -> Scene:
    fields = json.loads(line)
    fields["characters"] = tuple(CharacterSpec(**c) for c in fields["characters"])
    return Scene(**fields)


def render_item(task: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, str]:
    """Frames, keypoints and scene of item `index`."""
    seed, index, num_frames = task
    clip = random_clip(np.random.default_rng([seed, num_frames, index]), num_frames)
    return render_clip(clip), clip.keypoints(), scene_to_json(clip.scene)


def render(folder: Path, count: int, num_frames: int, seed: int, workers: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shape = (count, num_frames, SIZE, SIZE, 3)
    frames = open_array(folder / "frames.npy", shape, np.uint8)
    keypoints = open_array(
        folder / "keypoints.npy", (count, num_frames, MAX_PEOPLE, 17, 3), np.float32
    )
    scenes = folder / "scenes.jsonl"
    # The scenes are written last, so their number says how far rendering got.
    done = len(scenes.read_text().splitlines()) if scenes.exists() else 0
    with ProcessPoolExecutor(workers) as pool:
        for start in range(done, count, CHUNK):
            tasks = [(seed, i, num_frames) for i in range(start, min(start + CHUNK, count))]
            lines = []
            for i, result in enumerate(pool.map(render_item, tasks, chunksize=8), start):
                frames[i], keypoints[i] = result[:2]
                lines.append(result[2])
            with scenes.open("a") as file:
                file.write("".join(line + "\n" for line in lines))
            print(f"{folder.name}: rendered {start + len(tasks)} of {count}", flush=True)


def open_array(path: Path, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """A memory-mapped array on disk, kept if it is there."""
    if path.exists():
        array = np.load(path, mmap_mode="r+")
        if array.shape == shape:
            return array
        raise SystemExit(f"{path} holds {array.shape}, not {shape}: remove the folder first.")
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)


def load_autoencoder(folder: Path) -> FrameAutoencoder:
    vae = FrameAutoencoder.from_pretrained(folder, torch_dtype=torch.bfloat16)
    return vae.to(best_device()).to(memory_format=torch.channels_last)


@torch.no_grad()
def encode(folder: Path, vae_folder: Path) -> None:
    vae = load_autoencoder(vae_folder)
    frames = Cache(folder).frames
    count, num_frames = frames.shape[:2]
    channels, size = vae.config.latent_channels, SIZE // 8
    shape = (count, num_frames, channels, size, size)
    part = folder / "latents.part.npy"
    latents = open_array(part, shape, np.float16)
    batch = max(1, 32 // num_frames)
    for start in range(0, count, batch):
        pixels = torch.from_numpy(np.array(frames[start : start + batch]))
        pixels = pixels.reshape(-1, SIZE, SIZE, 3)
        pixels = pixels.permute(0, 3, 1, 2).to(vae.device, torch.bfloat16) / 127.5 - 1
        z = vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor
        latents[start : start + batch] = z.reshape(-1, *shape[1:]).half().cpu().numpy()
        if start // batch % 100 == 0:
            print(f"{folder.name}: encoded {start} of {count}", flush=True)
    del latents
    os.replace(part, folder / "latents.npy")


def made_wrong(latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Latents `[f, c, 32, 32]` as a network may give them: more than half a little off."""
    if rng.random() < 0.3:
        latents = latents * rng.uniform(0.9, LATENT_GAIN)
    if rng.random() < 0.6:
        latents = latents + rng.uniform(0, LATENT_NOISE) * rng.standard_normal(latents.shape)
    return latents


@torch.no_grad()
def decode(folder: Path, count: int, vae_folder: Path, seed: int) -> None:
    vae = load_autoencoder(vae_folder)
    latents = Cache(folder).latents[:count]
    part = folder / "decoded.part.npy"
    decoded = open_array(part, (*latents.shape[:2], SIZE, SIZE, 3), np.uint8)
    for start in range(0, len(latents), DECODED_AT_ONCE):
        clips = np.array(latents[start : start + DECODED_AT_ONCE], np.float32)
        rngs = [np.random.default_rng([seed, start + i]) for i in range(len(clips))]
        wrong = [made_wrong(clip, rng) for clip, rng in zip(clips, rngs, strict=True)]
        z = torch.from_numpy(np.stack(wrong)).flatten(0, 1).to(vae.device, torch.bfloat16)
        pixels = vae.decode(z / vae.config.scaling_factor).sample.float()
        pixels = ((pixels + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        pixels = pixels.permute(0, 2, 3, 1).unflatten(0, clips.shape[:2])
        decoded[start : start + len(clips)] = pixels.cpu().numpy()
        if start // DECODED_AT_ONCE % 100 == 0:
            print(f"{folder.name}: decoded {start} of {len(latents)}", flush=True)
    del decoded
    os.replace(part, folder / "decoded.npy")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["frames", "latents", "decoded"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=30000)
    parser.add_argument("--clips", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--vae", type=Path, help="folder of the autoencoder")
    options = parser.parse_args()
    if options.what != "frames" and options.vae is None:
        parser.error(f"{options.what} need --vae, the folder of a trained autoencoder")
    if options.what == "decoded":
        decode(options.out / "images", options.images, options.vae, options.seed)
        return
    sizes = {"images": (options.images, 1), "clips": (options.clips, CLIP_FRAMES)}
    for name, (count, num_frames) in sizes.items():
        if count and options.what == "frames":
            render(options.out / name, count, num_frames, options.seed, options.workers)
        elif count:
            encode(options.out / name, options.vae)


if __name__ == "__main__":
    main()
