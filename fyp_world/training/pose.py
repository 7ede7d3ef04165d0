"""The paper's order, stage 1: the pose encoder alone, on image-pose pairs (section 3.2).

    python -m fyp_world.training.pose --data DATA --init IMAGE_RUN --out RUN

The text-to-image network of `training.image` stays as it is. That is what one does where the base
model cannot be trained again, as with Stable Diffusion; for the bundled model, `training.s3_joint`
follows limbs better at the same cost.
"""

from __future__ import annotations

import torch

from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.text import build_tokenizer
from fyp_world.training.cache import Cache
from fyp_world.training.checkpoints import start_from
from fyp_world.training.loop import train
from fyp_world.training.options import parse_options
from fyp_world.training.s3_joint import (
    WIDTHS,
    DiffusionStage,
    batches,
    freeze_all_but,
    save_networks,
)
from fyp_world.world.dataset import world_vocabulary


def main() -> None:
    options = parse_options(__doc__, minutes=60, batch_size=16, learning_rate=1e-3)
    cache = Cache(options.data / "images")
    tokenizer = build_tokenizer(world_vocabulary())
    stage = DiffusionStage(tokenizer)
    start_from(stage, options, "training.image")
    torch.manual_seed(options.seed)
    stage.pose_encoder = PoseEncoder(WIDTHS)  # whatever the base run's encoder was
    freeze_all_but(stage, ("pose_encoder",))
    if train(stage, batches(cache, tokenizer, options, drop_pose=0.0), options):
        save_networks(stage, options, tokenizer)


if __name__ == "__main__":
    main()
