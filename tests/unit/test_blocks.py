"""Pieces of the network that are computed in another way than they are defined."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from fyp_lite.model.blocks import Upsample


def test_upsampling_at_once_is_repeating_and_convolving():
    torch.manual_seed(0)
    upsample = Upsample(6).double()
    frames = torch.randn(2, 6, 3, 5, dtype=torch.float64, requires_grad=True)
    expected = upsample.conv(F.interpolate(frames, size=(6, 10), mode="nearest"))
    actual = upsample(frames, (6, 10))
    torch.testing.assert_close(actual, expected)
    inputs = (frames, upsample.conv.weight, upsample.conv.bias)
    probe = torch.randn_like(expected)
    for ours, theirs in zip(
        torch.autograd.grad(actual, inputs, probe),
        torch.autograd.grad(expected, inputs, probe),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_upsampling_to_an_odd_size_follows_the_skip_connection():
    upsample = Upsample(4)
    assert upsample(torch.randn(1, 4, 3, 2), (5, 4)).shape == (1, 4, 5, 4)
