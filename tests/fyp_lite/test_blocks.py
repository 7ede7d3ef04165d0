"""Pieces of the network that are computed in another way than they are defined."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from fyp_lite.model.attention import TemporalConvolution
from fyp_lite.model.blocks import Upsample
from fyp_lite.model.unet import FollowYourPoseUNet


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


def test_replicated_ends_are_those_of_torch_and_leave_a_still_clip_still():
    torch.manual_seed(0)
    layer = TemporalConvolution(6).double()
    layer.repeat_ends = True
    tokens = torch.randn(2, 5, 4, 6, dtype=torch.float64)  # (b, f, n, c)
    rows = tokens.permute(0, 2, 3, 1).flatten(0, 1)  # (b n, c, f)
    for conv in (layer.down, layer.up):
        rows = F.conv1d(F.pad(rows, (1, 1), mode="replicate"), conv.weight)
    expected = tokens + rows.unflatten(0, (2, 4)).permute(0, 3, 1, 2)
    torch.testing.assert_close(layer(tokens), expected)

    picture = tokens[:, :1]
    torch.testing.assert_close(
        layer(picture.expand(-1, 5, -1, -1)), layer(picture).expand(-1, 5, -1, -1)
    )
    layer.repeat_ends = False
    first, *_, last = layer(picture.expand(-1, 5, -1, -1)).unbind(1)
    assert (first - last).abs().max() > 0.01  # what the other mode is for


def test_the_network_says_how_its_temporal_convolutions_see_the_ends():
    def modes(**config: str) -> set[bool]:
        unet = FollowYourPoseUNet(8, 4, 4, (8,), (True,), 1, 2, 8, 4, **config)
        layers = [m for m in unet.modules() if isinstance(m, TemporalConvolution)]
        return {layer.repeat_ends for layer in layers}

    assert modes() == {False}  # as published
    assert modes(temporal_padding="replicate") == {True}
    with pytest.raises(ValueError, match=r'"mirror"; it can be "zeros" or "replicate"'):
        modes(temporal_padding="mirror")
