"""The paper's order, stage 0: text to image alone, in place of Stable Diffusion.

    python -m fyp_world.training.image --data DATA --init TEXT_RUN --out RUN

Only for the comparison with `training.pose`; the bundled model comes from `training.s3_joint`.
"""

from __future__ import annotations

import torch

from fyp_lite.model.text import build_tokenizer
from fyp_world.training.cache import Cache
from fyp_world.training.checkpoints import start_from
from fyp_world.training.loop import train
from fyp_world.training.options import parse_options
from fyp_world.training.s3_joint import DiffusionStage, batches, save_networks
from fyp_world.world.dataset import world_vocabulary


def main() -> None:
    options = parse_options(__doc__, minutes=60, batch_size=16, learning_rate=1e-3)
    cache = Cache(options.data / "images")
    tokenizer = build_tokenizer(world_vocabulary())
    torch.manual_seed(options.seed)
    stage = DiffusionStage(tokenizer)
    start_from(stage, options, "training.s2_text")
    stage.text_encoder.requires_grad_(False)
    stage.pose_encoder.requires_grad_(False)  # its features are multiplied by 0
    if train(stage, batches(cache, tokenizer, options, drop_pose=1.0), options):
        save_networks(stage, options, tokenizer)


if __name__ == "__main__":
    main()
