"""The way of working that the bench compares with: that of the published code, no slower one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fyp_lite.model.attention import Attention
from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.unet import FollowYourPoseUNet


@pytest.fixture
def as_published(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    from baseline import as_published

    return as_published


@pytest.mark.parametrize(
    ("widths", "text_width", "num_frames", "gflop"),
    [
        ((320, 640, 1280, 1280), 768, 4, 1768.61937664),
        ((64, 128, 256, 256), 128, 8, 189.051961344),
    ],
    ids=["full", "mid"],
)
def test_it_takes_the_operations_of_the_published_code(
    as_published, widths, text_width, num_frames, gflop
):
    """Counted in a run of the published code itself; on the meta device shapes are all there is."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter, as_published():
        unet = FollowYourPoseUNet(block_out_channels=widths, cross_attention_dim=text_width)
        features = PoseEncoder(widths)(torch.empty(2, num_frames, 3, 256, 256))
        unet(torch.empty(2, 4, num_frames, 32, 32), 500, torch.empty(2, 77, text_width), features)
    assert counter.get_total_flops() / 1e9 == pytest.approx(gflop, rel=1e-6)


@torch.no_grad()
def test_its_output_is_ours(as_published):
    torch.manual_seed(0)
    unet = FollowYourPoseUNet(
        block_out_channels=(8, 16),
        attention_levels=(True, True),
        layers_per_block=1,
        num_attention_heads=2,
        cross_attention_dim=12,
        norm_num_groups=4,
    )
    pose_encoder = PoseEncoder((8, 16))
    sample, text = torch.randn(1, 4, 5, 8, 8), torch.randn(2, 7, 12)
    skeleton = torch.rand(1, 5, 3, 64, 64)
    ours = unet(sample, 500, text, pose_encoder(skeleton)).sample
    attend = Attention.attend
    with as_published():
        assert Attention.attend is not attend
        features = pose_encoder(skeleton.repeat(2, 1, 1, 1, 1))
        theirs = unet(sample.repeat(2, 1, 1, 1, 1), 500, text, features).sample
    assert Attention.attend is attend
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
