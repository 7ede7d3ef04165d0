"""Stage 5: guidance by the pose and the prompt, learned by the network itself.

    python -m fyp_world.training.s5_guided --data DATA --init TEMPORAL_RUN --out RUN

Guidance works for poses as it does for prompts: from what the network paints without the pose
towards what it paints with it, and beyond, limbs become plain that were blurred before. In sampling
that would cost one more evaluation per step. So the network learns the guided prediction itself,
from pictures and clips alone (Chen et al. 2025, "Visual Generation Without Guidance", arXiv
2501.15420): training makes the interpolation between the guided and the pose-free prediction fit
the data. It works from guided and from unguided checkpoints.

Away from people the same is done for the prompt, which says what a place looks like. Around people
both at once would be too much, and limbs matter more.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from fyp_lite.model.text import build_tokenizer
from fyp_world.training.batches import Draw, Item, MakeBatch
from fyp_world.training.cache import Cache
from fyp_world.training.checkpoints import start_from
from fyp_world.training.loop import muon, train
from fyp_world.training.options import Options, parse_options
from fyp_world.training.s3_joint import (
    DROP_POSE,
    DiffusionStage,
    batches,
    even_batch,
    pose_features,
    save_networks,
)
from fyp_world.world.dataset import world_vocabulary

POSE_GUIDANCE_SCALE = 1.9  # more makes limbs plainer still, and pictures less like drawn ones
PROMPT_GUIDANCE_SCALE = 2.0  # more hardens the colours
CLIP_SHARE = 0.33  # of the batches; the others hold single frames


class GuidedStage(DiffusionStage):
    """Learns the velocity and leads towards pose and prompt."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__(tokenizer)
        empty = tokenizer("", padding="max_length", truncation=True, return_tensors="pt")
        self.empty: Tensor
        self.register_buffer("empty", empty.input_ids, persistent=False)

    @torch.no_grad()
    def target(
        self, batch: Item, noisy: Tensor, text: Tensor, velocity: Tensor, predicted: Tensor
    ) -> Tensor:
        """`velocity + (1 - 1 / scale) * (predicted - without)`, where `without` is what the network
        now answers without the pose (around people) or without the prompt (elsewhere).

        Where `predicted` agrees with that on average, `without + (predicted - without) / scale` is
        the velocity, so `predicted` is the guided answer. Far from people the pose says nothing,
        and a lead towards it would only harden the colours.
        """
        people = around_people(batch)
        empty = self.text_encoder(self.empty).last_hidden_state.expand(len(text), -1, -1)
        pose = pose_features(self.pose_encoder, batch)
        no_prompt = self.unet(noisy, batch["timestep"], empty, pose).sample.float()
        of_prompt = (1 - 1 / PROMPT_GUIDANCE_SCALE) * (1 - people) * (predicted - no_prompt)
        return velocity + people * self.pose_lead(batch, noisy, text, predicted) + of_prompt

    def pose_lead(self, batch: Item, noisy: Tensor, text: Tensor, predicted: Tensor) -> Tensor:
        """How far `predicted` leads from the answer without the pose."""
        no_pose = self.unet(noisy, batch["timestep"], text).sample.float()
        return (1 - 1 / POSE_GUIDANCE_SCALE) * (predicted - no_pose)


def around_people(batch: Item) -> Tensor:
    """`[b, 1, f, h, w]`: 1 in the cells with people and next to them, 0 elsewhere."""
    people = (batch["weight"] > 1).float()
    return F.max_pool3d(people, (1, 3, 3), stride=1, padding=(0, 1, 1))


def both_kinds(
    images: Cache, clips: Cache, tokenizer: PreTrainedTokenizerFast, options: Options
) -> MakeBatch:
    """Single frames, now and then clips of eight, of as many frames in all."""
    pictures = batches(images, tokenizer, options)

    def make_batch(draw: Draw) -> Item:
        if draw.rng.random() >= CLIP_SHARE:
            return pictures(draw)
        return even_batch(clips, tokenizer, draw, max(1, options.batch_size // 8), DROP_POSE)

    return make_batch


def main() -> None:
    options = parse_options(__doc__, minutes=30, batch_size=16, learning_rate=6e-4)
    tokenizer = build_tokenizer(world_vocabulary())
    stage = GuidedStage(tokenizer)
    start_from(stage, options, "training.s4_temporal")
    stage.text_encoder.requires_grad_(False)
    images, clips = Cache(options.data / "images"), Cache(options.data / "clips")
    if train(stage, both_kinds(images, clips, tokenizer, options), options, muon):
        save_networks(stage, options, tokenizer)


if __name__ == "__main__":
    main()
