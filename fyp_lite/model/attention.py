"""The four kinds of attention in a transformer block over video.

Inside the network a video is a stack of frames whose pixels are tokens: `(b, f, n, c)` with f
frames of n = height * width tokens and c channels. Of the four operations here, text attention and
feed-forward come from Stable Diffusion and see one frame at a time. Cross-frame attention, temporal
attention and the temporal convolution look across frames (Ma et al. 2024, section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fyp_lite.model import cpu


def in_parts(function: Callable[..., Tensor], rows: int | None, *tensors: Tensor) -> Tensor:
    """`function` on a number of rows of its tensors at a time: the same result in less memory.

    For functions that treat each row (here a frame) by itself; None takes all rows together.
    """
    if rows is None or rows >= len(tensors[0]):
        return function(*tensors)
    parts = zip(*(tensor.split(rows) for tensor in tensors), strict=True)
    return torch.cat([function(*part) for part in parts])


def repeat_rows(tensor: Tensor, rows: int) -> Tensor:
    """Repeat along the first axis up to `rows`, a multiple of what the tensor has."""
    return tensor if len(tensor) == rows else torch.cat([tensor] * (rows // len(tensor)))


class Attention(nn.Module):
    """Multi-head scaled dot-product attention.

    Args:
        channels: width of the queries and of the output.
        context_channels: width of what keys and values are computed from.
        num_heads: number of heads; each is `channels // num_heads` wide.
    """

    def __init__(self, channels: int, context_channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context_channels, channels, bias=False)
        self.to_v = nn.Linear(context_channels, channels, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """softmax(q k^T / sqrt(d)) v for `(batch, tokens, channels)` tensors, then project."""
        query, key, value = (
            t.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for t in (query, key, value)
        )  # (batch, heads, tokens, channels per head)
        return self.to_out[0](cpu.attention(query, key, value).transpose(1, 2).flatten(2))


class CrossFrameAttention(Attention):
    """Self-attention whose keys and values come from the first and the previous frame.

    Every frame looks back at the frame before it and at the frame that began the clip, so the
    character keeps its looks. Frame 0 looks at itself.
    """

    frames_at_once: int | None = None  # None: all; see `memory.set_memory_mode`

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__(channels, channels, num_heads)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.to_q(tokens), self.to_k(tokens), self.to_v(tokens)
        # To frames 0 and 1 the first frame is the previous one too, and keys that all come twice
        # cancel in the softmax: they see it once.
        early = query[:, :2]
        groups = [(early, key[:, :1].expand_as(early), value[:, :1].expand_as(early))]
        if tokens.shape[1] > 2:
            seen = (first_and_previous(t)[:, 2:] for t in (key, value))
            groups.append((query[:, 2:], *seen))
        out = []
        for group in groups:
            rows = (tensor.flatten(0, 1) for tensor in group)
            part = in_parts(self.attend, self.frames_at_once, *rows)
            out.append(part.unflatten(0, (len(tokens), -1)))
        return torch.cat(out, dim=1)


def first_and_previous(tokens: Tensor) -> Tensor:
    """(b, f, n, c) -> (b, f, 2n, c): the tokens of frame 0, then those of frame i - 1."""
    first = tokens[:, :1]
    previous = torch.cat([first, tokens[:, :-1]], dim=1)
    return torch.cat([first.expand_as(tokens), previous], dim=2)


class TextAttention(Attention):
    """Every pixel of every frame looks at the words of the prompt."""

    def forward(self, tokens: Tensor, text: Tensor) -> Tensor:
        # Words are the same for all frames, so the frames are one long row of queries.
        out = self.attend(self.to_q(tokens).flatten(1, 2), self.to_k(text), self.to_v(text))
        return out.view_as(tokens)


class TemporalAttention(Attention):
    """Every pixel looks at the same pixel in all frames; no positional encoding."""

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__(channels, channels, num_heads)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, num_frames = tokens.shape[:2]
        if num_frames == 1:  # a lone frame attends to itself alone
            return self.to_out[0](self.to_v(tokens))
        tokens = tokens.transpose(1, 2).flatten(0, 1)  # (b n, f, c)
        out = self.attend(self.to_q(tokens), self.to_k(tokens), self.to_v(tokens))
        return out.unflatten(0, (batch, -1)).transpose(1, 2)


class TemporalConvolution(nn.Module):
    """x + up(down(x)): two convolutions over frames through a narrow middle (an adapter)."""

    MAX_RANK = 160
    repeat_ends = False  # see `temporal_padding` of `FollowYourPoseUNet`

    def __init__(self, channels: int) -> None:
        super().__init__()
        rank = self.MAX_RANK if channels >= self.MAX_RANK else channels // 2
        self.down = nn.Conv1d(channels, rank, 3, padding=1, bias=False)
        self.up = nn.Conv1d(rank, channels, 3, padding=1, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        # A Conv1d over frames for each pixel is a Conv2d over (frames, pixels) of kernel 3 x 1;
        # seen so, the tokens already lie in memory as a channels-last picture.
        picture = tokens.permute(0, 3, 1, 2)  # (b, c, f, n)
        for conv in (self.down, self.up):
            weight = conv.weight.unsqueeze(-1)
            out = F.conv2d(picture, weight, padding=(1, 0))
            if self.repeat_ends:  # what the outer frames would add where zeros were seen
                out[:, :, :1] += F.conv2d(picture[:, :, :1], weight[:, :, :1])
                out[:, :, -1:] += F.conv2d(picture[:, :, -1:], weight[:, :, -1:])
            picture = out
        return tokens + picture.permute(0, 2, 3, 1)


class GatedProjection(nn.Module):
    """GEGLU: one half of a projection, gated by the exact GELU of the other half."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, hidden * 2)

    def forward(self, tokens: Tensor) -> Tensor:
        value, gate = self.proj(tokens).chunk(2, dim=-1)
        return value * cpu.gelu(gate)


class FeedForward(nn.Module):
    """Two layers, four times as wide in between; the names `net.0`, `net.2` are diffusers'."""

    frames_at_once: int | None = None  # None: all; see `memory.set_memory_mode`

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels * 4
        self.net = nn.Sequential(
            GatedProjection(channels, hidden), nn.Identity(), nn.Linear(hidden, channels)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        frames = in_parts(self.net, self.frames_at_once, tokens.flatten(0, 1))
        return frames.view_as(tokens)


class TransformerBlock(nn.Module):
    """Cross-frame attention, text attention, feed-forward, temporal attention and convolution."""

    def __init__(self, channels: int, num_heads: int, text_channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn1 = CrossFrameAttention(channels, num_heads)
        self.norm2 = nn.LayerNorm(channels)
        self.attn2 = TextAttention(channels, text_channels, num_heads)
        self.norm3 = nn.LayerNorm(channels)
        self.ff = FeedForward(channels)
        self.norm_temp = nn.LayerNorm(channels)
        self.attn_temp = TemporalAttention(channels, num_heads)
        self.conv_temporal = TemporalConvolution(channels)

    def forward(self, tokens: Tensor, text: Tensor) -> Tensor:
        tokens = tokens + self.attn1(self.norm1(tokens))
        tokens = repeat_rows(tokens, len(text))  # see `FollowYourPoseUNet.forward`
        tokens = tokens + self.attn2(self.norm2(tokens), text)
        tokens = tokens + self.ff(self.norm3(tokens))
        tokens = tokens + self.attn_temp(self.norm_temp(tokens))
        return self.conv_temporal(tokens)


class Transformer(nn.Module):
    """A transformer block between a normalisation per frame and a residual connection.

    Takes and returns frames `(b f, c, h, w)`.
    """

    def __init__(self, channels: int, num_heads: int, text_channels: int, norm_groups: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(norm_groups, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList(
            [TransformerBlock(channels, num_heads, text_channels)]
        )
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, frames: Tensor, text: Tensor, num_frames: int) -> Tensor:
        height, width = frames.shape[-2:]
        # PyTorch's kernel for few channels a group is four times as slow where these come last.
        hidden = self.norm(frames.contiguous()).contiguous(memory_format=torch.channels_last)
        hidden = self.proj_in(hidden)
        tokens = hidden.permute(0, 2, 3, 1).flatten(1, 2)  # (b f, n, c)
        tokens = tokens.unflatten(0, (-1, num_frames))  # (b, f, n, c)
        for block in self.transformer_blocks:
            tokens = block(tokens, text)
        hidden = tokens.flatten(0, 1).unflatten(1, (height, width)).permute(0, 3, 1, 2)
        return self.proj_out(hidden) + repeat_rows(frames, len(hidden))
