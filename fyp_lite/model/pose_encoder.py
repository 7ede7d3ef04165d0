"""PoseEncoder: skeleton frames to features that the UNet's down blocks add."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from fyp_lite.model.unet import to_video


class PoseBlock(nn.Module):
    """x + 1x1(ReLU(3x3(x))), after a 1x1 convolution where the width changes."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        if in_channels != out_channels:
            self.in_conv = nn.Conv2d(in_channels, out_channels, 1)
        self.conv1 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 1)

    def forward(self, frames: Tensor) -> Tensor:
        if hasattr(self, "in_conv"):
            frames = self.in_conv(frames)
        return frames + self.conv2(F.relu(self.conv1(frames)))


class PoseEncoder(ModelMixin, ConfigMixin):
    """A small convolutional network over the pixel-unshuffled skeleton.

    Args:
        block_out_channels: width of each level; must be those of the UNet.
        blocks_per_level: residual blocks at each level.
        patch: pixels of the skeleton to one pixel of the latents, on each axis.

    Source: Ma et al. 2024, section 3.2 (learning pose guidance from images and their poses).
    """

    @register_to_config
    def __init__(
        self,
        block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280),
        blocks_per_level: int = 2,
        patch: int = 8,
    ) -> None:
        super().__init__()
        widths = block_out_channels
        self.conv_in = nn.Conv2d(3 * patch * patch, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList(
            PoseBlock(widths[max(level - 1, 0)] if i == 0 else width, width)
            for level, width in enumerate(widths)
            for i in range(blocks_per_level)
        )

    def forward(self, skeleton: Tensor) -> list[Tensor]:
        """Skeleton frames `[b, f, 3, H, W]` in 0...1 to one `[b, c, f, h, w]` per level.

        The first has h = H / patch, every further one half the size of the one before.
        """
        num_frames = skeleton.shape[1]
        frames = F.pixel_unshuffle(skeleton.flatten(0, 1), self.config.patch)
        frames = self.conv_in(frames.contiguous(memory_format=torch.channels_last))
        features = []
        per_level = self.config.blocks_per_level
        for i, block in enumerate(self.blocks):
            if i > 0 and i % per_level == 0:
                # Odd sizes round up, as the UNet's strided convolutions do.
                frames = F.avg_pool2d(frames, 2, ceil_mode=True)
            frames = block(frames)
            if i % per_level == per_level - 1:
                features.append(to_video(frames, num_frames))
        return features
