"""What several unit tests share."""

from __future__ import annotations

import pytest
import torch

from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.text import build_text_encoder, build_tokenizer
from fyp_lite.model.unet import FollowYourPoseUNet
from fyp_lite.model.vae import FrameAutoencoder
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.sampling import lite_scheduler


@pytest.fixture(scope="module")
def tiny_pipeline() -> FollowYourPosePipeline:
    """The real pipeline with networks of a few thousand random weights: 64 x 64 pixels."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer(["a", "panda", "on", "the", "sea"])
    pipeline = FollowYourPosePipeline(
        vae=FrameAutoencoder(8, (16, 16), (16, 16)),
        text_encoder=build_text_encoder(tokenizer, width=16),
        tokenizer=tokenizer,
        unet=FollowYourPoseUNet(
            sample_size=8,
            in_channels=8,
            out_channels=8,
            block_out_channels=(16, 16),
            attention_levels=(False, True),
            layers_per_block=1,
            num_attention_heads=2,
            cross_attention_dim=16,
            norm_num_groups=4,
        ),
        pose_encoder=PoseEncoder((16, 16)),
        scheduler=lite_scheduler(),
        default_guidance_scale=3.0,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
