"""FollowYourPoseUNet: Stable Diffusion's UNet over time, guided by pose features.

One implementation, two sizes: the published 1.0 B parameters and the bundled lite model.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.utils import BaseOutput
from torch import Tensor, nn

from fyp_lite.model.attention import TemporalConvolution
from fyp_lite.model.blocks import BlockConfig, ClipGroupNorm, DownBlock, MidBlock, UpBlock


@dataclass
class UNetOutput(BaseOutput):
    """`sample`: the network's prediction (noise or velocity), `[b, c, f, h, w]`."""

    sample: Tensor


class FollowYourPoseUNet(ModelMixin, ConfigMixin):
    """Predicts the noise (or the velocity) in the latents of a clip.

    Args:
        sample_size: height and width of the latents that the model is meant for.
        in_channels: channels of the latents.
        out_channels: channels of the prediction.
        block_out_channels: width of each level, from the finest to the coarsest.
        attention_levels: whether each level has transformers (the middle always has one).
        layers_per_block: layers of each down block; up blocks have one more.
        num_attention_heads: heads of each attention, whatever its width.
        cross_attention_dim: width of the text embeddings.
        norm_num_groups: groups of each group normalisation.
        norm_eps: epsilon of the residual blocks' normalisations.
        temporal_padding: what the temporal convolutions see before the first frame and after the
            last: "zeros", as the published model, or "replicate", that frame again. With zeros the
            frames at both ends differ from those between them even where nothing moves.

    Raises:
        ValueError: a number of attention levels that is not that of the widths, or another padding.

    Source: Ma et al. 2024, section 3 and figure 2; the residual and transformer blocks are those
    of Stable Diffusion 1.4.
    """

    @register_to_config
    def __init__(
        self,
        sample_size: int = 64,
        in_channels: int = 4,
        out_channels: int = 4,
        block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280),
        attention_levels: tuple[bool, ...] = (True, True, True, False),
        layers_per_block: int = 2,
        num_attention_heads: int = 8,
        cross_attention_dim: int = 768,
        norm_num_groups: int = 32,
        norm_eps: float = 1e-5,
        temporal_padding: str = "zeros",
    ) -> None:
        super().__init__()
        if len(attention_levels) != len(block_out_channels):
            raise ValueError(
                f"attention_levels has {len(attention_levels)} entries but block_out_channels has "
                f"{len(block_out_channels)}; give one of each per level."
            )
        if temporal_padding not in ("zeros", "replicate"):
            raise ValueError(
                f'temporal_padding is "{temporal_padding}"; it can be "zeros" or "replicate".'
            )
        widths = list(block_out_channels)
        time_channels = widths[0] * 4
        config = BlockConfig(
            time_channels=time_channels,
            norm_groups=norm_num_groups,
            eps=norm_eps,
            num_heads=num_attention_heads,
            text_channels=cross_attention_dim,
        )
        self.time_proj = Timesteps(widths[0], flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embedding = TimestepEmbedding(widths[0], time_channels)
        self.conv_in = nn.Conv2d(in_channels, widths[0], 3, padding=1)

        self.down_blocks = nn.ModuleList()
        skip_channels = [widths[0]]
        for level, width in enumerate(widths):
            last = level == len(widths) - 1
            self.down_blocks.append(
                DownBlock(
                    widths[max(level - 1, 0)],
                    width,
                    config,
                    num_layers=layers_per_block,
                    attention=attention_levels[level],
                    downsample=not last,
                )
            )
            skip_channels += [width] * (layers_per_block + (not last))

        self.mid_block = MidBlock(widths[-1], config)

        self.up_blocks = nn.ModuleList()
        for level in reversed(range(len(widths))):
            self.up_blocks.append(
                UpBlock(
                    widths[min(level + 1, len(widths) - 1)],
                    widths[level],
                    [skip_channels.pop() for _ in range(layers_per_block + 1)],
                    config,
                    attention=attention_levels[level],
                    upsample=level > 0,
                )
            )

        self.conv_norm_out = ClipGroupNorm(norm_num_groups, widths[0], eps=norm_eps)
        self.conv_out = nn.Conv2d(widths[0], out_channels, 3, padding=1)

        for module in self.modules():
            if isinstance(module, TemporalConvolution):
                module.repeat_ends = temporal_padding == "replicate"

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor | int,
        encoder_hidden_states: Tensor,
        pose_features: list[Tensor] | None = None,
    ) -> UNetOutput:
        """One evaluation of the network.

        Args:
            sample: noisy latents `[b, c, f, h, w]`.
            timestep: diffusion timestep, one for all or `[b]`.
            encoder_hidden_states: text embeddings `[b, tokens, d]`, or several such batches, one
                after the other: the branches of guidance. The prediction then has as many rows.
                All that comes before the first look at the text is the same for every branch and
                is computed once.
            pose_features: the pose encoder's list of `[b or 1, c, f, h, w]`, one per level;
                None leaves the pose out.

        Raises:
            ValueError: the rows of the text are no multiple of those of the sample.
        """
        batch, _, num_frames = sample.shape[:3]
        if len(encoder_hidden_states) % batch:
            raise ValueError(
                f"encoder_hidden_states has {len(encoder_hidden_states)} rows and sample {batch}; "
                "give each row of sample one text, or as many for every branch of guidance."
            )
        timestep = torch.as_tensor(timestep, device=sample.device).expand(batch)
        # The sinusoid is computed in float32 whatever the network's type.
        time_embedding = self.time_embedding(self.time_proj(timestep).to(sample.dtype))
        text = encoder_hidden_states

        frames = self.conv_in(to_frames(sample))
        skips = [frames]
        for level, block in enumerate(self.down_blocks):
            pose_feature = None
            if pose_features is not None:
                pose_feature = to_frames(pose_features[level])
            frames, new_skips = block(frames, time_embedding, text, pose_feature, num_frames)
            skips += new_skips
        frames = self.mid_block(frames, time_embedding, text, num_frames)
        for block in self.up_blocks:
            frames = block(frames, skips, time_embedding, text, num_frames)
        frames = self.conv_out(F.silu(self.conv_norm_out(frames, num_frames)))
        return UNetOutput(sample=to_video(frames, num_frames))


def to_frames(video: Tensor) -> Tensor:
    """(b, c, f, h, w) -> (b f, c, h, w), channels-last in memory."""
    frames = video.transpose(1, 2).flatten(0, 1)
    return frames.contiguous(memory_format=torch.channels_last)


def to_video(frames: Tensor, num_frames: int) -> Tensor:
    """(b f, c, h, w) -> (b, c, f, h, w)."""
    return frames.unflatten(0, (-1, num_frames)).transpose(1, 2)
