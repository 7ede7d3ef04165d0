"""The last stage: a lead towards the pose, learned by the network itself.

    python -m fyp_lite.training.guided --data DATA --init TEMPORAL_RUN --out RUN

Guidance works for poses as it does for prompts: from what the network paints without the pose
towards what it paints with it, and beyond, limbs become plain that were blurred before. In sampling
that would cost a third answer in every step. So the network learns to give the guided answer at
once (Meng et al. 2023, "On Distillation of Guided Diffusion Models"). A frozen copy of itself says
what the pose changes; the rest is learned from pictures and clips as before, so that what the copy
does wrong is not learned along. Prompt guidance stays what it was.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from fyp_lite.lessons.switches import other_forward
from fyp_lite.model.text import build_tokenizer
from fyp_lite.model.unet import FollowYourPoseUNet, UNetOutput
from fyp_lite.sampling import guide
from fyp_lite.training.cache import Cache
from fyp_lite.training.common import (
    Draw,
    Item,
    MakeBatch,
    Options,
    parse_options,
    start_from,
    train,
)
from fyp_lite.training.joint import (
    DROP_POSE,
    DiffusionStage,
    batches,
    even_batch,
    pose_features,
    save_networks,
)
from fyp_lite.world.dataset import world_vocabulary

POSE_GUIDANCE_SCALE = 2.5  # of `evaluate --only pose_guidance`; the model card has the figures
CLIP_SHARE = 0.33  # of the batches; the others hold single frames


class GuidedStage(DiffusionStage):
    """Learns the velocity and a lead towards the pose."""

    def keep_as_teacher(self) -> None:
        """Let the networks as they are now say what the lead is."""
        self.teacher_unet = deepcopy(self.unet).requires_grad_(False)
        self.teacher_pose_encoder = deepcopy(self.pose_encoder).requires_grad_(False)

    @torch.no_grad()
    def target(self, batch: Item, noisy: Tensor, text: Tensor, velocity: Tensor) -> Tensor:
        """`velocity + (scale - 1) * (with the pose - without)` around people: guided, if what the
        pictures say and what the teacher says with the pose is the same on average. Elsewhere the
        velocity alone: the pose says nothing there, and a lead only hardens the colours.
        """
        pose = pose_features(self.teacher_pose_encoder, batch)
        answers = (self.teacher_unet(noisy, batch["timestep"], text, f) for f in (None, pose))
        without, with_pose = (answer.sample.float() for answer in answers)
        return velocity + (POSE_GUIDANCE_SCALE - 1) * around_people(batch) * (with_pose - without)


def around_people(batch: Item) -> Tensor:
    """`[b, 1, f, h, w]`: 1 in the cells with people and next to them, 0 elsewhere."""
    people = (batch["weight"] > 1).float()
    return F.max_pool3d(people, (1, 3, 3), stride=1, padding=(0, 1, 1))


def led_by_pose(unet: FollowYourPoseUNet, scale: float) -> AbstractContextManager[None]:
    """Until the `with` block ends, every answer of `unet` with a pose is guided from its answer
    without one: without + scale * (with - without), at twice the cost.
    """
    plain = unet.forward

    def led(sample: Tensor, timestep: Tensor | int, text: Tensor, pose: list[Tensor]) -> UNetOutput:
        answers = (plain(sample, timestep, text, features) for features in (None, pose))
        without, with_pose = (answer.sample.float() for answer in answers)
        return UNetOutput(sample=guide(without, with_pose, scale))

    return other_forward(unet, led)


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
    options = parse_options(__doc__, minutes=30, batch_size=16, learning_rate=4e-4)
    tokenizer = build_tokenizer(world_vocabulary())
    stage = GuidedStage(tokenizer)
    start_from(stage, options, "training.temporal")
    stage.keep_as_teacher()
    stage.text_encoder.requires_grad_(False)
    images, clips = Cache(options.data / "images"), Cache(options.data / "clips")
    if train(stage, both_kinds(images, clips, tokenizer, options), options):
        save_networks(stage, options, tokenizer)


if __name__ == "__main__":
    main()
