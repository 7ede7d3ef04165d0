"""Stage 0a: the autoencoder, on rendered frames.

python -m fyp_world.training.s1_autoencoder --data DATA --out RUN
python -m fyp_world.training.s1_autoencoder --data DATA --init RUN --out RUN2

The second form trains the decoder of a finished run on; latents keep their meaning. The decoder
sees its latents with some noise, for a denoiser never gets them quite right.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fyp_lite.model.vae import FrameAutoencoder
from fyp_lite.skeleton import draw_skeletons
from fyp_world.training.batches import Draw, Item, MakeBatch, normal, stack
from fyp_world.training.cache import Cache
from fyp_world.training.checkpoints import saved_whole
from fyp_world.training.loop import train
from fyp_world.training.options import Options, option_parser, read_options

CROP = 128
PERSON_WEIGHT = 4.0  # people are a tenth of the pixels and what everybody looks at
KL_WEIGHT = 1e-6
LATENT_NOISE = 0.4  # at most, as a share of the latents' standard deviation


class AutoencoderStage(nn.Module):
    """Reconstruction in pixels and in their differences, weighted towards people."""

    def __init__(self, vae: FrameAutoencoder) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, batch: Item) -> Item:
        """The loss of a batch.

        `pixels` `[b, 3, h, w]` in -1...1, `weight` `[b, 1, h, w]`, `strength` `[b]` and `noise`
        `[b, 2, c, h / 8, w / 8]`: for the draw from the latents' distribution and on top of it.
        """
        pixels, weight, noise = batch["pixels"], batch["weight"], batch["noise"]
        dist = self.vae.encode(pixels).latent_dist
        latents = dist.mean + dist.std * noise[:, 0]
        strength = batch["strength"].view(-1, 1, 1, 1) * latents.std(dim=(1, 2, 3), keepdim=True)
        latents = latents + strength * noise[:, 1]
        decoded = self.vae.decode(latents).sample.float()
        kl = dist.kl().mean() / pixels[0].numel()
        return {
            "loss": reconstruction_loss(decoded, pixels, weight) + KL_WEIGHT * kl,
            **psnrs(decoded, pixels, weight),
            "kl": kl.detach(),
        }


def reconstruction_loss(decoded: Tensor, pixels: Tensor, weight: Tensor) -> Tensor:
    """The error of pictures `[b, 3, h, w]` and of their slopes, by `weight` `[b, 1, h, w]`."""
    error = decoded - pixels
    pixel = (weight * (error.abs() + 2 * error.square())).mean()
    return pixel + torch.stack([(weight * slope).mean() for slope in slopes(error)]).sum()


@torch.no_grad()
def psnrs(decoded: Tensor, pixels: Tensor, weight: Tensor) -> Item:
    """Of pictures in -1...1, in dB: whole, and where the weight is above 1, that is of people."""
    error = (decoded - pixels).square()
    person = (error * (weight > 1)).sum() / (3 * (weight > 1).sum() + 1)
    return {
        "psnr": -10 * (error.mean() / 4).log10(),
        "person_psnr": -10 * (person / 4 + 1e-9).log10(),
    }


def slopes(error: Tensor) -> list[Tensor]:
    """Absolute differences of the error between neighbours, at three scales."""
    result: list[Tensor] = []
    for _ in range(3):
        dx = F.pad(error[..., :, 1:] - error[..., :, :-1], (0, 1))
        dy = F.pad(error[..., 1:, :] - error[..., :-1, :], (0, 0, 0, 1))
        slope = dx.abs() + dy.abs()
        if result:
            slope = F.interpolate(slope, size=result[0].shape[-2:], mode="nearest")
        result.append(slope)
        error = F.avg_pool2d(error, 2)
    return result


def person_mask(keypoints: np.ndarray, line_width: float = 0.06) -> np.ndarray:
    """`[256, 256]` bool: on and around people, from `[people, 17, 3]` pixels."""
    lines = draw_skeletons(keypoints[None], 256, 256, line_width=line_width)[0]
    on_line = cv2.transform(lines, np.ones((1, 3), np.float32))  # the colours' sum, at most 255
    return cv2.dilate(on_line, np.ones((9, 9), np.uint8)) > 0


def batches(cache: Cache, vae: FrameAutoencoder, options: Options) -> MakeBatch:
    frames = cache.frames
    noise_shape = (2, vae.config.latent_channels, CROP // 8, CROP // 8)

    def make_item(rng: np.random.Generator) -> Item:
        index = int(rng.integers(len(cache)))
        keypoints = cache.keypoints[index, 0]
        picture = cropped(frames[index, 0], keypoints, place_crop(keypoints, rng))
        return picture | {
            "noise": normal(noise_shape, rng),
            "strength": torch.tensor(LATENT_NOISE * float(rng.random())),
        }

    def make_batch(draw: Draw) -> Item:
        return stack([make_item(rng) for rng, _ in draw.items(options.batch_size)])

    return make_batch


def cropped(frame: np.ndarray, keypoints: np.ndarray, corner: tuple[int, int]) -> Item:
    """`pixels` `[3, CROP, CROP]` in -1...1 and `weight` `[1, CROP, CROP]` of a frame."""
    window = tuple(slice(at, at + CROP) for at in corner)
    pixels = torch.from_numpy(np.array(frame[window])).permute(2, 0, 1)
    weight = np.where(person_mask(keypoints)[window], PERSON_WEIGHT, 1.0).astype(np.float32)
    return {"pixels": pixels.float() / 127.5 - 1, "weight": torch.from_numpy(weight)[None]}


def place_crop(keypoints: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Top left of a crop: three times in four around a joint, else anywhere."""
    seen = keypoints[..., 2] > 0
    if seen.any() and rng.random() < 0.75:
        joints = keypoints[..., :2][seen]
        x, y = joints[rng.integers(len(joints))] - CROP / 2 + rng.normal(0, 24, 2)
    else:
        x, y = rng.uniform(0, 256 - CROP, 2)
    # Multiples of 8: styles such as Minecraft have a grid that the autoencoder sees aligned.
    return int(np.clip(y, 0, 256 - CROP)) // 8 * 8, int(np.clip(x, 0, 256 - CROP)) // 8 * 8


@torch.no_grad()
def normalise_latents(vae: FrameAutoencoder, cache: Cache) -> None:
    """Mix the latents' channels so that they measure pixels; exactly undone by the decoder.

    Afterwards a small error costs the same in the picture whichever channel it is in, and the
    latents' variance is 1 in all. Channels of fine detail become small by this, so a denoiser
    settles what is large first and is not held up by what hardly shows. The mixing goes into the
    encoder's last and the decoder's first convolution.
    """
    vae.cpu()
    indices = np.unique(np.linspace(0, len(cache) - 1, 64).astype(int))
    pixels = torch.from_numpy(cache.frames[indices, 0]).permute(0, 3, 1, 2).float() / 127.5 - 1
    latents = vae.encode(pixels).latent_dist.mode()
    strengths, directions = torch.linalg.eigh(pixel_metric(vae, latents))
    mix = directions @ strengths.sqrt().diag() @ directions.T
    mix = mix / torch.einsum("cd,bdhw->bchw", mix, latents).std()

    last, first = vae.encoder[-1], vae.decoder[0]
    assert isinstance(last, nn.Conv2d) and isinstance(first, nn.Conv2d)
    assert last.bias is not None
    channels = len(mix)
    last.weight[:channels] = torch.einsum("cd,dihw->cihw", mix, last.weight[:channels])
    last.bias[:channels] = mix @ last.bias[:channels]
    last.bias[channels:] += mix.square().sum(dim=1).log()  # the log-variances, about
    first.weight.copy_(torch.einsum("odhw,dc->ochw", first.weight, mix.inverse()))


def pixel_metric(vae: FrameAutoencoder, latents: Tensor) -> Tensor:
    """`[c, c]`: how the picture's squared error grows with small noise in channels i and j."""
    strength = 0.2 * latents.std()
    noise = torch.randn(latents[:, 0].shape, generator=torch.Generator().manual_seed(0))
    decoded = vae.decode(latents).sample
    changes = []
    for channel in range(latents.shape[1]):
        moved = latents.clone()
        moved[:, channel] += strength * noise
        changes.append(((vae.decode(moved).sample - decoded) / strength).flatten())
    stacked = torch.stack(changes)
    return stacked @ stacked.T / stacked.shape[1]


@dataclass(frozen=True)
class AutoencoderOptions(Options):
    """Options of this stage's command."""

    latent_channels: int


def autoencoder_options() -> AutoencoderOptions:
    parser = option_parser(__doc__, minutes=30, batch_size=32, learning_rate=1e-3)
    parser.add_argument(
        "--latent-channels", type=int, default=8, help="of an autoencoder without --init"
    )
    options = read_options(parser, AutoencoderOptions)
    if options.latent_channels < 1:
        parser.error(f"--latent-channels is {options.latent_channels}: choose 1 or more.")
    return options


def main() -> None:
    options = autoencoder_options()
    cache = Cache(options.data / "images")
    torch.manual_seed(options.seed)
    vae = FrameAutoencoder(options.latent_channels)
    if options.init is not None:
        vae = FrameAutoencoder.from_pretrained(options.init / "vae")
        vae.encoder.requires_grad_(False)
    if train(AutoencoderStage(vae), batches(cache, vae, options), options):
        vae.eval()
        if options.init is None:
            normalise_latents(vae, cache)
        with saved_whole(options.out) as folder:
            vae.save_pretrained(folder / "vae")


if __name__ == "__main__":
    main()
