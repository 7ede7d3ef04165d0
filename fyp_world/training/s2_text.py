"""Stage 0b: the text encoder learns what words mean before any picture is painted.

    python -m fyp_world.training.s2_text --out RUN

Stable Diffusion starts from a text encoder that has read the web. Ours reads captions of the world
and tells who, how many, where, when and in what style from the mean of its embeddings: minutes that
save hours later, for a denoiser learns slowly from words that all look alike.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedTokenizerFast

from fyp_lite.model.text import build_text_encoder, build_tokenizer
from fyp_world.training.batches import Draw, Item, MakeBatch, stack
from fyp_world.training.loop import train
from fyp_world.training.options import Options, parse_options
from fyp_world.world.characters import CHARACTERS, CLOTHES_COLOURS
from fyp_world.world.dataset import Scene, random_scene, world_vocabulary
from fyp_world.world.scenes import COLOURS, SCENES, TIMES
from fyp_world.world.styles import STYLES

TEXT_WIDTH = 192
PLACES = (*SCENES, *(f"{colour} background" for colour in COLOURS))
# Everything that a caption can say, each a yes or no.
FACTS = (
    *CHARACTERS,
    *PLACES,
    *TIMES,
    *STYLES,
    *(f"in {colour}" for colour in CLOTHES_COLOURS),
    *("one", "two", "three", "tiny", "tall", "cute"),
)


def facts_told(scene: Scene) -> np.ndarray:
    """`[len(FACTS)]` 0 or 1: what is true of a scene and a caption may tell."""
    people = scene.characters
    true = {person.name for person in people} | {scene.place, scene.time, scene.style}
    true |= {f"in {person.colour}" for person in people if person.colour}
    true |= {person.size for person in people if person.size}
    true |= {"cute" for person in people if person.cute} | {
        ("one", "two", "three")[len(people) - 1]
    }
    return np.array([fact in true for fact in FACTS], np.float32)


class TextStage(nn.Module):
    """The text encoder, and one linear layer that reads the facts from its mean embedding."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.text_encoder = build_text_encoder(tokenizer, TEXT_WIDTH)
        self.head = nn.Linear(TEXT_WIDTH, len(FACTS))

    def forward(self, batch: Item) -> Item:
        embeddings = self.text_encoder(batch["tokens"]).last_hidden_state
        logits = self.head(embeddings.mean(dim=1)).float()
        loss = F.binary_cross_entropy_with_logits(logits, batch["facts"])
        wrong = ((logits > 0) != (batch["facts"] > 0)).any(dim=1).float().mean()
        return {"loss": loss, "captions with an error": wrong}


def batches(tokenizer: PreTrainedTokenizerFast, options: Options) -> MakeBatch:
    def make_item(rng: np.random.Generator) -> Item:
        scene = random_scene(rng)
        tokens = tokenizer(
            scene.caption(rng), padding="max_length", truncation=True, return_tensors="pt"
        )
        return {"tokens": tokens.input_ids[0], "facts": torch.from_numpy(facts_told(scene))}

    def make_batch(draw: Draw) -> Item:
        return stack([make_item(rng) for rng, _ in draw.items(options.batch_size)])

    return make_batch


def main() -> None:
    options = parse_options(
        __doc__, minutes=5, batch_size=128, learning_rate=1e-3, needs_data=False
    )
    tokenizer = build_tokenizer(world_vocabulary())
    torch.manual_seed(options.seed)
    train(TextStage(tokenizer), batches(tokenizer, options), options)


if __name__ == "__main__":
    main()
