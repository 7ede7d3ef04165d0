"""Residual, down, middle and up blocks of the UNet.

All of them work on frames `(b f, c, h, w)`: Stable Diffusion's 2D convolutions applied to each
frame. Memory is channels-last, so that turning frames into tokens (and stacking the frames of a
clip on top of each other for a normalisation that spans them) moves no data.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fyp_lite.model import cpu
from fyp_lite.model.attention import Transformer, repeat_rows


@dataclass(frozen=True)
class BlockConfig:
    """What all blocks of a network have in common.

    time_channels: width of the time embedding. norm_groups, eps: of the group normalisations.
    num_heads: of each attention. text_channels: width of the text embeddings.
    """

    time_channels: int
    norm_groups: int
    eps: float
    num_heads: int
    text_channels: int

    def resnet(self, in_channels: int, out_channels: int) -> ResnetBlock:
        return ResnetBlock(
            in_channels, out_channels, self.time_channels, self.norm_groups, self.eps
        )

    def transformer(self, channels: int) -> Transformer:
        return Transformer(channels, self.num_heads, self.text_channels, self.norm_groups)


class ClipGroupNorm(nn.GroupNorm):
    """Group normalisation whose statistics span all frames of a clip."""

    def forward(self, frames: Tensor, num_frames: int) -> Tensor:  # type: ignore[override]
        height = frames.shape[2]
        # (b f, c, h, w) -> (b, c, f h, w): the frames of one clip stacked into one tall picture.
        tall = frames.permute(0, 2, 3, 1).unflatten(0, (-1, num_frames)).flatten(1, 2)
        tall = super().forward(tall.permute(0, 3, 1, 2))
        return tall.permute(0, 2, 3, 1).unflatten(1, (-1, height)).flatten(0, 1).permute(0, 3, 1, 2)


class ResnetBlock(nn.Module):
    """norm, SiLU, convolution, plus the time embedding; again; plus a shortcut."""

    def __init__(
        self, in_channels: int, out_channels: int, time_channels: int, norm_groups: int, eps: float
    ) -> None:
        super().__init__()
        self.norm1 = ClipGroupNorm(norm_groups, in_channels, eps=eps)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_channels, out_channels)
        self.norm2 = ClipGroupNorm(norm_groups, out_channels, eps=eps)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        if in_channels != out_channels:
            self.conv_shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, frames: Tensor, time_embedding: Tensor, num_frames: int) -> Tensor:
        shift = self.time_emb_proj(F.silu(time_embedding))  # (b, c)
        shift = shift.repeat_interleave(num_frames, dim=0)
        shift = repeat_rows(shift, len(frames))[:, :, None, None]
        hidden = self.conv1(F.silu(self.norm1(frames, num_frames))) + shift
        hidden = self.conv2(F.silu(self.norm2(hidden, num_frames)))
        shortcut = self.conv_shortcut(frames) if hasattr(self, "conv_shortcut") else frames
        return shortcut + hidden


class Downsample(nn.Module):
    """Halves height and width by a strided convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, frames: Tensor) -> Tensor:
        return self.conv(frames)


class Upsample(nn.Module):
    """Repeats pixels up to the size of the skip connection to come, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, frames: Tensor, size: tuple[int, int]) -> Tensor:
        return cpu.upsample_conv(frames, size, self.conv)


class DownBlock(nn.Module):
    """Layers of residual block (and transformer), then a downsampling.

    The pose feature of this level is added after the last layer, before its skip is stored.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        config: BlockConfig,
        *,
        num_layers: int,
        attention: bool,
        downsample: bool,
    ) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            config.resnet(in_channels if i == 0 else out_channels, out_channels)
            for i in range(num_layers)
        )
        if attention:
            self.attentions = nn.ModuleList(
                config.transformer(out_channels) for _ in range(num_layers)
            )
        if downsample:
            self.downsamplers = nn.ModuleList([Downsample(out_channels)])

    def forward(
        self,
        frames: Tensor,
        time_embedding: Tensor,
        text: Tensor,
        pose_feature: Tensor | None,
        num_frames: int,
    ) -> tuple[Tensor, list[Tensor]]:
        skips = []
        for i, resnet in enumerate(self.resnets):
            frames = resnet(frames, time_embedding, num_frames)
            if hasattr(self, "attentions"):
                frames = self.attentions[i](frames, text, num_frames)
            if pose_feature is not None and i == len(self.resnets) - 1:
                frames = frames + repeat_rows(pose_feature, len(frames))
            skips.append(frames)
        if hasattr(self, "downsamplers"):
            frames = self.downsamplers[0](frames)
            skips.append(frames)
        return frames, skips


class MidBlock(nn.Module):
    """Residual block, transformer, residual block at the lowest resolution."""

    def __init__(self, channels: int, config: BlockConfig) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(config.resnet(channels, channels) for _ in range(2))
        self.attentions = nn.ModuleList([config.transformer(channels)])

    def forward(
        self, frames: Tensor, time_embedding: Tensor, text: Tensor, num_frames: int
    ) -> Tensor:
        frames = self.resnets[0](frames, time_embedding, num_frames)
        frames = self.attentions[0](frames, text, num_frames)
        return self.resnets[1](frames, time_embedding, num_frames)


class UpBlock(nn.Module):
    """Layers that each take one skip connection in, then an upsampling.

    Args:
        in_channels: width of what comes from below.
        out_channels: width inside and out.
        skip_channels: widths of the skips, in the order in which they are used.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        skip_channels: list[int],
        config: BlockConfig,
        *,
        attention: bool,
        upsample: bool,
    ) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            config.resnet((in_channels if i == 0 else out_channels) + skip, out_channels)
            for i, skip in enumerate(skip_channels)
        )
        if attention:
            self.attentions = nn.ModuleList(config.transformer(out_channels) for _ in skip_channels)
        if upsample:
            self.upsamplers = nn.ModuleList([Upsample(out_channels)])

    def forward(
        self,
        frames: Tensor,
        skips: list[Tensor],
        time_embedding: Tensor,
        text: Tensor,
        num_frames: int,
    ) -> Tensor:
        for i, resnet in enumerate(self.resnets):
            skip = repeat_rows(skips.pop(), len(frames))
            frames = resnet(torch.cat([frames, skip], dim=1), time_embedding, num_frames)
            if hasattr(self, "attentions"):
                frames = self.attentions[i](frames, text, num_frames)
        if hasattr(self, "upsamplers"):
            height, width = skips[-1].shape[-2:]
            frames = self.upsamplers[0](frames, (height, width))
        return frames
