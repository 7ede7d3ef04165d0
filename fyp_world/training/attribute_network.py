"""Train the judges: what tells joints and facts from pictures of the world.

    python -m fyp_world.training.attribute_network keypoints --data DATA --out RUN
    python -m fyp_world.training.attribute_network attributes --data DATA --out RUN

They see rendered frames, many as the autoencoder gives them back from latents that are a little
wrong, in other colours, harder contrast and a little blurred: that is what generated pictures look
like, the more so the higher the guidance, and what cartoons do that users bring. `RUN/keypoints`
or `RUN/attributes` is the trained network in float16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fyp_lite.judges.classifier import CELL, OF_PEOPLE, OF_PICTURES, AttributeClassifier
from fyp_lite.keypoint_network import KeypointNet
from fyp_world.training import keypoint_network
from fyp_world.training.averages import settle_norms
from fyp_world.training.batches import Draw, Item, MakeBatch, stack
from fyp_world.training.cache import SIZE, Cache
from fyp_world.training.checkpoints import load_average
from fyp_world.training.loop import train
from fyp_world.training.options import Options, option_parser, read_options
from fyp_world.training.s2_text import PLACES
from fyp_world.world.characters import CHARACTERS, CLOTHES_COLOURS
from fyp_world.world.dataset import Scene, facts_of
from fyp_world.world.scenes import TIMES
from fyp_world.world.styles import STYLES

NAMES: dict[str, list[str]] = {
    "character": [*CHARACTERS],
    "colour": [*CLOTHES_COLOURS],
    "cute": ["cute"],
    "count": ["one", "two", "three"],
    "place": [*PLACES],
    "time": [*TIMES],
    "style": [*STYLES],
}
DECODED_SHARE = 0.5  # went through the autoencoder
HARD_SHARE = 0.4  # colours and contrast as strong as too much guidance makes them
# How much more a cute person's label weighs than that of one who is not: they are one in eight, and
# a network that finds none is wrong as seldom.
CUTE_WEIGHT = 4.0


@dataclass(frozen=True)
class JudgeOptions(Options):
    """The options of all stages and what is judged."""

    what: str


class JudgeStage(nn.Module):
    """A network, and what happens to the pictures that it learns from."""

    def __init__(self, network: KeypointNet | AttributeClassifier) -> None:
        super().__init__()
        self.network = network

    @staticmethod
    def pictures(batch: Item) -> Tensor:
        """Pictures `[b, 3, 256, 256]` in 0...1.

        `pixels` `[b, 3, 256, 256]` uint8; `mix` `[b, 3, 3]` and `shift` `[b, 3]`: a colour p in
        0...1 becomes mix p + shift; `blur` `[b]` in 0...1.
        """
        colours = torch.einsum("bij,bjhw->bihw", batch["mix"], batch["pixels"] / 255)
        colours = (colours + batch["shift"][:, :, None, None]).clamp(0, 1)
        soft = F.avg_pool2d(colours, 3, 1, 1, count_include_pad=False)
        return colours.lerp(soft, batch["blur"].view(-1, 1, 1, 1))

    def forward(self, batch: Item) -> Item:
        pictures = self.pictures(batch)
        if isinstance(self.network, KeypointNet):
            terms = keypoint_network.loss(self.network(pictures), batch["keypoints"])
            return {"loss": torch.stack(list(terms.values())).sum(), **terms}
        cells, whole = self.network.maps(pictures)
        facts, judged = batch["facts"], batch["judged"]
        losses = attribute_losses(self.network, self.network.join(cells, whole), facts, judged)
        of_cells = cell_loss(cells, facts, judged, batch["alike"])
        return losses | {"loss": losses["loss"] + of_cells, "cells": of_cells}


def attribute_losses(
    network: AttributeClassifier, logits: Tensor, facts: Tensor, judged: Tensor
) -> Item:
    """Cross-entropy of every attribute where it can be seen, and the share of errors.

    Args:
        logits, facts (0 or 1), judged (0 or 1, the same for an attribute's names): `[b, names]`.
    """
    parts = [network.split(values) for values in (logits, facts, judged)]
    losses: Item = {"loss": torch.zeros((), device=logits.device)}
    for name in parts[0]:
        said, true, seen = (part[name] for part in parts)
        weight = seen[:, 0]
        if name in OF_PICTURES:
            loss = F.cross_entropy(said, true, reduction="none")
            wrong = said.argmax(1) != true.argmax(1)
        else:
            weights = said.new_tensor(weights_of_true(name))
            loss = F.binary_cross_entropy_with_logits(
                said, true, reduction="none", pos_weight=weights
            ).sum(1)
            wrong = ((said > 0) != (true > 0)).any(1)
        count = weight.sum().clamp(min=1)
        losses["loss"] = losses["loss"] + (loss * weight).sum() / count
        losses[f"{name} wrong"] = (wrong * weight).sum() / count
    return losses


def cell_loss(cells: Tensor, facts: Tensor, judged: Tensor, alike: Tensor) -> Tensor:
    """Cross-entropy of people's names in the cells `alike` `[b, 16, 16]`, 0 or 1.

    Where people are all of one kind, whoever is in a cell is what the picture shows: a label for
    every joint teaches faster than one for the picture.
    """
    true, seen = (values[:, : cells.shape[1], None, None] for values in (facts, judged))
    weights = [weight for name in OF_PEOPLE for weight in weights_of_true(name)]
    loss = F.binary_cross_entropy_with_logits(
        cells,
        true.expand_as(cells),
        reduction="none",
        pos_weight=cells.new_tensor(weights)[:, None, None],
    )
    return ((loss * seen).sum(1) * alike).sum() / alike.sum().clamp(min=1)


def weights_of_true(name: str) -> list[float]:
    """How much more a label weighs that is true, for each name of an attribute."""
    return [CUTE_WEIGHT if name == "cute" else 1.0] * len(NAMES[name])


def alike_cells(scene: Scene, people: np.ndarray) -> Tensor:
    """`[16, 16]`: 1 in cells with a joint of `people` `[p, 17, 3]`, if they are of one kind."""
    cells = torch.zeros(SIZE // CELL, SIZE // CELL)
    if len(set(scene.characters)) == 1:
        x, y = (people[people[..., 2] > 0][:, :2] / CELL).astype(int).T
        cells[y, x] = 1
    return cells


def labels_of(scene: Scene) -> Item:
    """`facts` and `judged`, `[names]` 0 or 1: what is true, and what can be told, of a scene."""
    facts = facts_of(scene)
    true = [name in facts.get(key, ()) for key, names in NAMES.items() for name in names]
    seen = [key in facts for key, names in NAMES.items() for _ in names]
    return {"facts": torch.tensor(true).float(), "judged": torch.tensor(seen).float()}


def random_look(rng: np.random.Generator) -> Item:
    """How a picture is worn: see `JudgeStage.pictures`."""
    hard = rng.random() < HARD_SHARE
    saturation = np.exp(rng.uniform(-0.2, 0.8 if hard else 0.1))
    contrast = np.exp(rng.uniform(-0.2, 0.9 if hard else 0.1))
    grey = np.full((3, 3), 1 / 3)
    mix = grey + saturation * (np.eye(3) - grey) + rng.normal(0, 0.015, (3, 3))
    mix *= contrast
    # contrast is around middle grey
    shift = 0.5 * (1 - mix.sum(axis=1)) + rng.normal(0, 0.08 if hard else 0.025)
    blur = rng.uniform() if rng.random() < 0.5 else 0.0
    return {
        "blur": torch.tensor(blur, dtype=torch.float32),
        "mix": torch.from_numpy(mix.astype(np.float32)),
        "shift": torch.from_numpy(shift.astype(np.float32)),
    }


def batches(cache: Cache, options: JudgeOptions) -> MakeBatch:
    frames, decoded = cache.frames, cache.decoded

    def make_item(rng: np.random.Generator) -> Item:
        source = decoded if rng.random() < DECODED_SHARE else frames
        index = int(rng.integers(len(source)))
        picture = {"pixels": torch.from_numpy(np.array(source[index, 0])).permute(2, 0, 1)}
        people = keypoint_network.drawn_joints(np.array(cache.keypoints[index, 0]))
        if options.what == "attributes":
            scene = cache.scenes[index]
            labels = labels_of(scene) | {"alike": alike_cells(scene, people)}
        else:
            labels = {"keypoints": torch.from_numpy(people)}
        return picture | random_look(rng) | labels

    def make_batch(draw: Draw) -> Item:
        return stack([make_item(rng) for rng, _ in draw.items(options.batch_size)])

    return make_batch


def judge_options() -> JudgeOptions:
    parser = option_parser(__doc__, minutes=30, batch_size=32, learning_rate=2e-3)
    parser.add_argument("what", choices=["keypoints", "attributes"])
    return read_options(parser, JudgeOptions)


def main() -> None:
    options = judge_options()
    cache = Cache(options.data / "images")
    torch.manual_seed(options.seed)
    network = KeypointNet() if options.what == "keypoints" else AttributeClassifier(NAMES)
    stage = JudgeStage(network)
    if options.init is not None:
        load_average(stage, options.init)
    make_batch = batches(cache, options)
    if train(stage, make_batch, options):
        settle_norms(stage, make_batch, options.seed)
        keypoint_network.save(stage.network, options.out / options.what)


if __name__ == "__main__":
    main()
