"""FrameAutoencoder: a small autoencoder, pictures to latents at an eighth of the size and back.

It stands where Stable Diffusion has `AutoencoderKL` and has the same interface.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from diffusers.utils.accelerate_utils import apply_forward_hook
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """x + conv(SiLU(conv(norm(x))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(16, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.conv1(self.norm(x))))


class FrameAutoencoder(ModelMixin, ConfigMixin):
    """A variational autoencoder of factor 8: pixel-unshuffle by 4, then convolutions.

    Args:
        latent_channels: channels of the latents.
        encoder_channels: widths at a quarter and at an eighth of the picture's size.
        decoder_channels: the same for the decoder, which has the harder task.
        scaling_factor: multiply latents by it to give them unit variance.

    Raises:
        ValueError: widths that are not two.
    """

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 8,
        encoder_channels: tuple[int, int] = (64, 128),
        decoder_channels: tuple[int, int] = (80, 160),
        scaling_factor: float = 1.0,
    ) -> None:
        super().__init__()
        for name, widths in (("encoder", encoder_channels), ("decoder", decoder_channels)):
            if len(widths) != 2:
                raise ValueError(
                    f"{name}_channels has {len(widths)} widths, but two are needed: at a quarter "
                    "and at an eighth of the picture's size."
                )
        fine, coarse = encoder_channels
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(3 * 16, fine, 3, padding=1),
            ResidualBlock(fine),
            nn.Conv2d(fine, coarse, 3, stride=2, padding=1),
            ResidualBlock(coarse),
            ResidualBlock(coarse),
            nn.Conv2d(coarse, 2 * latent_channels, 3, padding=1),
        )
        fine, coarse = decoder_channels
        self.decoder = nn.Sequential(
            nn.Conv2d(latent_channels, coarse, 3, padding=1),
            ResidualBlock(coarse),
            ResidualBlock(coarse),
            ResidualBlock(coarse),
            nn.Conv2d(coarse, 4 * fine, 1),
            nn.PixelShuffle(2),
            nn.Conv2d(fine, fine, 3, padding=1),
            ResidualBlock(fine),
            ResidualBlock(fine),
            ResidualBlock(fine),
            nn.SiLU(),
            nn.Conv2d(fine, 3 * 16, 3, padding=1),
            nn.PixelShuffle(4),
        )

    @apply_forward_hook  # model offload brings the network in before any method that runs it
    def encode(self, x: Tensor) -> AutoencoderKLOutput:
        """Pictures `[b, 3, h, w]` in -1...1 to a distribution over latents `[b, c, h/8, w/8]`."""
        moments = self.encoder(x.contiguous(memory_format=torch.channels_last))
        return AutoencoderKLOutput(latent_dist=DiagonalGaussianDistribution(moments))

    @apply_forward_hook
    def decode(self, z: Tensor) -> DecoderOutput:
        """Latents `[b, c, h, w]` to pictures `[b, 3, 8h, 8w]`, about -1...1."""
        return DecoderOutput(sample=self.decoder(z.contiguous(memory_format=torch.channels_last)))
