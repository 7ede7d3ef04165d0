"""What is here only for speed on CPUs: the same results, faster kernels.

The other files of the network call these functions; on a GPU they are the plain operations.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEW_KEYS = 512  # up to this number of keys, `written_out` may be faster


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v of `(batch, heads, tokens, channels)` tensors."""
    few = key.shape[-2] <= FEW_KEYS
    # With more queries than keys only the kernel's gradient is slow, to a third of the speed.
    few &= query.shape[-2] <= key.shape[-2] or query.requires_grad
    slow = few and query.device.type == "cpu" and query.dtype == torch.bfloat16
    return (written_out if slow else fused)(query, key, value)


def fused(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`F.scaled_dot_product_attention`, on a CPU with heads of 16 channels or more.

    Its kernel there works on 16 numbers at a time: 8 channels take it longer than 16.
    """
    width, least = query.shape[-1], 16
    if width < least and query.device.type == "cpu":
        query, key, value = (F.pad(tensor, (0, least - width)) for tensor in (query, key, value))
    out = F.scaled_dot_product_attention(query, key, value, scale=width**-0.5)
    return out[..., :width]


def written_out(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The same in three steps: where keys are few, faster than the CPU's kernel for bfloat16."""
    batch, scale = len(query), query.shape[-1] ** -0.5
    query, key, value = (tensor.flatten(0, 1) for tensor in (query, key, value))
    nothing = query.new_empty(1, 1, 1)
    scores = torch.baddbmm(nothing, query, key.transpose(1, 2), beta=0, alpha=scale)
    return (scores.softmax(dim=-1) @ value).unflatten(0, (batch, -1))


def gelu(gate: Tensor) -> Tensor:
    """The exact GELU; half a row apart in memory, it takes longer on a CPU than a copy."""
    return F.gelu(gate.contiguous() if gate.device.type == "cpu" else gate)


def upsample_conv(frames: Tensor, size: tuple[int, int], conv: nn.Conv2d) -> Tensor:
    """Pixels repeated up to `size`, then a 3 x 3 convolution with padding 1."""
    height, width = frames.shape[-2:]
    if frames.device.type == "cpu" and size == (2 * height, 2 * width):
        return doubled_conv(frames, conv)
    return conv(F.interpolate(frames, size=size, mode="nearest"))


def doubled_conv(frames: Tensor, conv: nn.Conv2d) -> Tensor:
    """Doubling pixels and the convolution as one transposed convolution, in half the time.

    Doubling pixels is a transposed convolution by a 2 x 2 box; that box and the 3 x 3 kernel make a
    4 x 4 one, of which each pixel of the result needs four weights in place of nine.
    """
    kernel = F.pad(conv.weight.flip(-1, -2), (1, 1, 1, 1))
    kernel = kernel[..., :-1, :] + kernel[..., 1:, :]
    kernel = kernel[..., :-1] + kernel[..., 1:]
    kernel = kernel.transpose(0, 1)  # (in, out, 4, 4)
    return F.conv_transpose2d(frames, kernel, conv.bias, stride=2, padding=1)
