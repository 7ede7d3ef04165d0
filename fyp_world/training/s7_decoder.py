"""Stage 3: the decoder, on latents as the denoiser makes them.

    python -m fyp_world.training.s6_decoder --data DATA --init MODEL --out RUN

A denoiser's latents are never quite right: outlines are mottled, faces smudged. The decoder learns
to paint what they should have been, from the pairs of `training.made`, and from true latents, so
that pictures still come back as they were. The encoder stays, so latents keep their meaning. Where
several pictures are possible, the one with the least error is their blurred mean; a small critic
that tells painted pictures from drawn ones asks for a sharp one (Esser et al. 2021, "Taming
Transformers for High-Resolution Image Synthesis"; Stable Diffusion's autoencoder was trained so).
"""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from fyp_lite.model.vae import FrameAutoencoder
from fyp_world.training.averages import mix
from fyp_world.training.batches import Draw, Item, MakeBatch, normal, stack
from fyp_world.training.cache import Cache
from fyp_world.training.checkpoints import saved_whole, start_from
from fyp_world.training.loop import train
from fyp_world.training.options import Options, parse_options
from fyp_world.training.s1_autoencoder import CROP, cropped, place_crop, psnrs, reconstruction_loss

MADE_SHARE = 0.5  # of the pictures; the others come from their own latents
LATENT_NOISE = 0.2  # at most, added to their own latents, as in `training.s1_autoencoder`
CRITIC_WEIGHT = 1.0
# How much of the decoder that it starts from stays in the saved one: halfway lies most of the gain
# and little of the loss.
FIRST_SHARE = 0.5


class Critic(nn.Sequential):
    """Pictures `[b, 3, h, w]` in -1...1 to `[b, 1, h / 8, w / 8]`, over 0 where they seem drawn."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        widths = (3, 32, 64, 128)
        for before, width in pairwise(widths):
            layers += [nn.Conv2d(before, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1))


class DecoderStage(nn.Module):
    """Reconstruction, and the critic's opinion of it; decoder and critic learn at once."""

    def __init__(self, latent_channels: int = 8) -> None:
        super().__init__()
        self.vae = FrameAutoencoder(latent_channels)
        self.vae.encoder.requires_grad_(False)
        self.critic = Critic()

    def forward(self, batch: Item) -> Item:
        """The loss of a batch.

        `latents` `[b, c, h / 8, w / 8]`, `pixels` `[b, 3, h, w]` in -1...1, `weight`
        `[b, 1, h, w]`.
        """
        pixels, weight = batch["pixels"], batch["weight"]
        decoded = self.vae.decode(batch["latents"]).sample.float()
        # The decoder listens to the critic as it is, the critic learns from the decoder as it is.
        frozen = {name: p.detach() for name, p in self.critic.named_parameters()}
        liked = functional_call(self.critic, frozen, decoded).float().mean()
        fooled = F.relu(1 + self.critic(decoded.detach()).float()).mean()
        missed = F.relu(1 - self.critic(pixels).float()).mean()
        loss = reconstruction_loss(decoded, pixels, weight) - CRITIC_WEIGHT * liked
        return {
            "loss": loss + fooled + missed,
            **psnrs(decoded, pixels, weight),
            "critic": (fooled + missed).detach(),
            "liked": liked.detach(),
        }


def load_made(path: Path) -> np.ndarray:
    if not path.exists():
        raise SystemExit(
            f"{path} is missing: make it with `python -m fyp_world.training.generated_latents`."
        )
    return np.load(path, mmap_mode="r")


def batches(cache: Cache, made: np.ndarray, options: Options) -> MakeBatch:
    frames, latents = cache.frames, cache.latents

    def make_item(rng: np.random.Generator) -> Item:
        index = int(rng.integers(len(made)))
        keypoints = cache.keypoints[index, 0]
        corner = place_crop(keypoints, rng)
        rows, columns = (slice(at // 8, (at + CROP) // 8) for at in corner)
        from_denoiser = rng.random() < MADE_SHARE
        source = made if from_denoiser else latents
        z = torch.from_numpy(np.array(source[index, 0, :, rows, columns])).float()
        if not from_denoiser:
            z = z + LATENT_NOISE * float(rng.random()) * normal(tuple(z.shape), rng)
        return {"latents": z} | cropped(frames[index, 0], keypoints, corner)

    def make_batch(draw: Draw) -> Item:
        return stack([make_item(rng) for rng, _ in draw.items(options.batch_size)])

    return make_batch


def main() -> None:
    options = parse_options(__doc__, minutes=30, batch_size=16, learning_rate=5e-4)
    cache = Cache(options.data / "images")
    made = load_made(cache.folder / "made.npy")
    torch.manual_seed(options.seed)
    stage = DecoderStage(cache.latents.shape[2])
    start_from(stage, options, "training.assemble")
    first = deepcopy(stage.vae.decoder)
    if train(stage, batches(cache, made, options), options):
        mix(stage.vae.decoder, first, FIRST_SHARE)
        with saved_whole(options.out) as folder:
            stage.vae.eval().save_pretrained(folder / "vae")


if __name__ == "__main__":
    main()
