"""Stage 2: the temporal layers, on videos without poses.

    python -m fyp_world.training.s4_temporal --data DATA --init JOINT_RUN --out RUN

Trains what the paper trains (section 3.3): the queries of the cross-frame attention, the temporal
attention and the temporal convolution. Every fourth batch holds single frames with their poses, so
that what was learned on pictures stays.
"""

from __future__ import annotations

from transformers import PreTrainedTokenizerFast

from fyp_lite.model.text import build_tokenizer
from fyp_world.training.batches import Draw, Item, MakeBatch
from fyp_world.training.cache import Cache
from fyp_world.training.checkpoints import start_from
from fyp_world.training.loop import train
from fyp_world.training.options import Options, parse_options
from fyp_world.training.s3_joint import (
    DROP_POSE,
    TEMPORAL,
    DiffusionStage,
    even_batch,
    freeze_all_but,
    save_networks,
)
from fyp_world.world.dataset import world_vocabulary

TRAINABLE = ("attn1.to_q", *TEMPORAL)
IMAGE_SHARE = 0.25


def batches(
    images: Cache, clips: Cache, tokenizer: PreTrainedTokenizerFast, options: Options
) -> MakeBatch:
    """Clips of several frames without poses, now and then single frames with them."""

    def make_batch(draw: Draw) -> Item:
        pictures = draw.rng.random() < IMAGE_SHARE
        cache, size = (images, options.batch_size * 8) if pictures else (clips, options.batch_size)
        drop_pose = DROP_POSE if pictures else 1.0
        return even_batch(cache, tokenizer, draw, size, drop_pose)

    return make_batch


def main() -> None:
    options = parse_options(__doc__, minutes=60, batch_size=2, learning_rate=3e-4)
    tokenizer = build_tokenizer(world_vocabulary())
    stage = DiffusionStage(tokenizer)
    start_from(stage, options, "joint")
    freeze_all_but(stage, TRAINABLE)
    images, clips = Cache(options.data / "images"), Cache(options.data / "clips")
    if train(stage, batches(images, clips, tokenizer, options), options):
        save_networks(stage, options, tokenizer)


if __name__ == "__main__":
    main()
