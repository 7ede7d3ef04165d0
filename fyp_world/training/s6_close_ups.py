"""Close-ups: the guided stage on windows around heads, hands and bodies.

    python -m fyp_world.training.s6_close_ups --data DATA --init GUIDED_RUN --out RUN

Heads are a twentieth of a picture's cells, and what is small is learned last. A window of a quarter
of the latents costs a quarter of the time and may hold little but a head (Wang et al. 2023, "Patch
Diffusion", arXiv 2304.12526). The networks are convolutional and take any size; whole frames and
clips in between keep what a window cannot show. Only cells around people count in a window: the
lead by the prompt, which places have, then need not be computed.

In probes of minutes whole frames gained as much at the same cost (the model card has the figures),
so the bundled model has not been trained so.

The averages of every checkpoint stay in `RUN/snapshots`, for `training.blend` to choose from.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from fyp_lite.model.text import build_tokenizer
from fyp_world.training.batches import Draw, Item, MakeBatch, stack
from fyp_world.training.cache import SIZE, Cache
from fyp_world.training.checkpoints import start_from
from fyp_world.training.loop import muon, train
from fyp_world.training.options import Options, parse_options
from fyp_world.training.s3_joint import DROP_POSE, make_item, save_networks, style_chances
from fyp_world.training.s5_guided import GuidedStage, around_people, both_kinds
from fyp_world.world.dataset import world_vocabulary

CELLS = 16  # of a window, on each side
WHOLE_SHARE = 0.3  # of the steps: whole frames and clips, a quarter as many
# Around what windows lie: the joints of each focus, and how often it is chosen.
FOCUS = {"head": ((0, 1, 2, 3, 4), 0.6), "hand": ((9, 10), 0.2), "body": (tuple(range(5, 17)), 0.2)}
JITTER = 2.0  # cells by which a window misses its joint, as a standard deviation


class CloseUpStage(GuidedStage):
    """As the guided stage; windows are led by the pose alone."""

    @torch.no_grad()
    def target(
        self, batch: Item, noisy: Tensor, text: Tensor, velocity: Tensor, predicted: Tensor
    ) -> Tensor:
        """See `GuidedStage.target`."""
        if noisy.shape[-1] == SIZE // 8:
            return super().target(batch, noisy, text, velocity, predicted)
        return velocity + self.pose_lead(batch, noisy, text, predicted)


def window(keypoints: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """The top left cell (row, column) of a window around somebody's head, hand or body.

    Args:
        keypoints: `[people, 17, 3]` of a frame, pixels; people who are not there are zeros.
    """
    joints, chances = zip(*FOCUS.values(), strict=True)
    focus = joints[rng.choice(len(joints), p=chances)]
    people = keypoints[keypoints[..., 2].any(axis=1)]
    # A covered joint has its place too, and the back of a head is a head.
    places = people[:, focus, :2].reshape(-1, 2)
    seen = places[((places >= 0) & (places < SIZE)).all(axis=1)]
    if not len(seen):
        seen = np.full((1, 2), SIZE / 2)
    centre = seen[rng.integers(len(seen))] / 8 + rng.normal(0, JITTER, 2)
    column, row = np.clip(np.round(centre - CELLS / 2), 0, SIZE // 8 - CELLS).astype(int)
    return int(row), int(column)


def close_up(item: Item, corner: tuple[int, int]) -> Item:
    """The part of an item of `make_item` that lies in the window at `corner`."""
    rows, columns = (slice(at, at + CELLS) for at in corner)
    pixel_rows, pixel_columns = (slice(at * 8, (at + CELLS) * 8) for at in corner)
    part = {name: item[name][..., rows, columns] for name in ("latents", "noise", "weight")}
    part["weight"] = part["weight"] * around_people({"weight": part["weight"][None]})[0]
    return item | part | {"skeleton": item["skeleton"][..., pixel_rows, pixel_columns]}


def batches(
    images: Cache, clips: Cache, tokenizer: PreTrainedTokenizerFast, options: Options
) -> MakeBatch:
    """`options.batch_size` windows, now and then a quarter as many whole frames."""
    cumulative = np.cumsum(style_chances(images))
    fewer = replace(options, batch_size=max(1, options.batch_size // 4))
    whole = both_kinds(images, clips, tokenizer, fewer)

    def make_batch(draw: Draw) -> Item:
        if np.random.default_rng([draw.seed, draw.step, 0]).random() < WHOLE_SHARE:
            return whole(draw)
        items = []
        for rng, quantile in draw.items(options.batch_size):
            index = min(int(np.searchsorted(cumulative, rng.random())), len(images) - 1)
            corner = window(np.array(images.keypoints[index, 0]), rng)
            item = make_item(images, index, tokenizer, rng, quantile, DROP_POSE)
            items.append(close_up(item, corner))
        return stack(items)

    return make_batch


def main() -> None:
    options = parse_options(__doc__, minutes=60, batch_size=64, learning_rate=4e-4)
    tokenizer = build_tokenizer(world_vocabulary())
    stage = CloseUpStage(tokenizer)
    start_from(stage, options, "training.s5_guided")
    stage.text_encoder.requires_grad_(False)
    images, clips = Cache(options.data / "images"), Cache(options.data / "clips")
    make_batch = batches(images, clips, tokenizer, options)
    if train(stage, make_batch, options, muon, snapshots=True):
        save_networks(stage, options, tokenizer)


if __name__ == "__main__":
    main()
