"""Our own network made to work as the published code does, to be compared with in one run.

Attention keeps its matrix of scores, every branch of guidance is computed from the beginning, the
pose is encoded at every step, pictures are enlarged before they are convolved, and channels come
before height and width in memory. The weights and, but for rounding, the output are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fyp_lite.model import blocks, pose_encoder, unet
from fyp_lite.model.attention import (
    Attention,
    CrossFrameAttention,
    TemporalConvolution,
    TextAttention,
    Transformer,
    first_and_previous,
)


def attend(self: Attention, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Heads become rows of the batch; scores, softmax and sum are three steps."""

    def rows(tensor: Tensor) -> Tensor:  # (batch heads, tokens, channels per head)
        return tensor.unflatten(-1, (self.num_heads, -1)).transpose(1, 2).flatten(0, 1)

    query, key, value = rows(query), rows(key), rows(value)
    scores = torch.baddbmm(
        query.new_empty(len(query), query.shape[1], key.shape[1]),
        query,
        key.transpose(1, 2),
        beta=0,
        alpha=query.shape[-1] ** -0.5,
    )
    out = scores.softmax(dim=-1) @ value
    return self.to_out[0](out.unflatten(0, (-1, self.num_heads)).transpose(1, 2).flatten(2))


def cross_frame(self: CrossFrameAttention, tokens: Tensor) -> Tensor:
    """Every frame, the first ones too, sees two frames."""
    query, key, value = self.to_q(tokens), self.to_k(tokens), self.to_v(tokens)
    key, value = first_and_previous(key), first_and_previous(value)
    out = self.attend(query.flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1))
    return out.unflatten(0, tokens.shape[:2])


def text_attention(self: TextAttention, tokens: Tensor, text: Tensor) -> Tensor:
    """Every frame brings its own copy of the text."""
    text = text.repeat_interleave(tokens.shape[1], dim=0)
    out = self.attend(self.to_q(tokens.flatten(0, 1)), self.to_k(text), self.to_v(text))
    return out.view_as(tokens)


def temporal_convolution(self: TemporalConvolution, tokens: Tensor) -> Tensor:
    """One-dimensional convolutions over the frames of each pixel."""
    pixels = tokens.permute(0, 2, 3, 1).flatten(0, 1)  # (b n, c, f)
    out = pixels + self.up(self.down(pixels))
    return out.unflatten(0, (len(tokens), -1)).permute(0, 3, 1, 2).contiguous()


def transformer(self: Transformer, frames: Tensor, text: Tensor, num_frames: int) -> Tensor:
    hidden = self.proj_in(self.norm(frames))
    tokens = hidden.permute(0, 2, 3, 1).flatten(1, 2).unflatten(0, (-1, num_frames))
    for block in self.transformer_blocks:
        tokens = block(tokens, text)
    hidden = tokens.flatten(0, 1).unflatten(1, frames.shape[2:]).permute(0, 3, 1, 2)
    return self.proj_out(hidden.contiguous()) + frames


def clip_group_norm(self: nn.GroupNorm, frames: Tensor, num_frames: int) -> Tensor:
    video = nn.GroupNorm.forward(self, unet.to_video(frames, num_frames).contiguous())
    return video.transpose(1, 2).flatten(0, 1)


def upsample(self: blocks.Upsample, frames: Tensor, size: tuple[int, int]) -> Tensor:
    return self.conv(F.interpolate(frames, size=size, mode="nearest"))


def to_frames(video: Tensor) -> Tensor:
    return video.transpose(1, 2).flatten(0, 1).contiguous()


def pose_forward(self: pose_encoder.PoseEncoder, skeleton: Tensor) -> list[Tensor]:
    frames = self.conv_in(F.pixel_unshuffle(skeleton.flatten(0, 1), self.config.patch))
    features, per_level = [], self.config.blocks_per_level
    for i, block in enumerate(self.blocks):
        if i > 0 and i % per_level == 0:
            frames = F.avg_pool2d(frames, 2, ceil_mode=True)
        frames = block(frames)
        if i % per_level == per_level - 1:
            features.append(unet.to_video(frames, skeleton.shape[1]))
    return features


CHANGES = (
    (Attention, "attend", attend),
    (CrossFrameAttention, "forward", cross_frame),
    (TextAttention, "forward", text_attention),
    (TemporalConvolution, "forward", temporal_convolution),
    (Transformer, "forward", transformer),
    (blocks.ClipGroupNorm, "forward", clip_group_norm),
    (blocks.Upsample, "forward", upsample),
    (pose_encoder.PoseEncoder, "forward", pose_forward),
    (unet, "to_frames", to_frames),
)


@contextmanager
def as_published() -> Iterator[None]:
    """Every network works in the published way until the `with` block ends.

    Its parameters should be in `torch.contiguous_format`.
    """
    before = [(owner, name, vars(owner)[name]) for owner, name, _ in CHANGES]
    try:
        for owner, name, changed in CHANGES:
            setattr(owner, name, changed)
        yield
    finally:
        for owner, name, original in before:
            setattr(owner, name, original)
