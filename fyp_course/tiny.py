"""The lesson on training: a tiny world, tiny networks, and the stages of `fyp_world.training`.

Drawing the world needs skia-python, which comes with `pip install "fyp-lite[train]"`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import nn
from transformers import PreTrainedTokenizerFast

from fyp_course.stills import show_picture
from fyp_lite.model.vae import FrameAutoencoder
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.sampling import lite_scheduler
from fyp_lite.vocabulary import NOUNS, words_of
from fyp_world.training import s2_text
from fyp_world.training.assemble import SHARED_NOISE
from fyp_world.training.batches import Draw, Item, MakeBatch, move, stack
from fyp_world.training.cache import SIZE, Cache, scene_to_json
from fyp_world.training.s3_joint import DiffusionStage
from fyp_world.world.captions import CharacterSpec
from fyp_world.world.characters import CHARACTERS, Character
from fyp_world.world.dataset import FPS, TRAINING_MOTIONS, Clip, Scene, render_clip
from fyp_world.world.motion import perform

TINY_SIZE = SIZE // 2  # pixels
TINY_WIDTHS = (48, 96, 128)
GUIDANCE_SCALE = 1.5  # a network of a few minutes needs a push towards the sentence
FRAMES_AT_ONCE = 16  # through the autoencoder


def add_character(character: Character, plural: str) -> None:
    """Let the world draw a new character and captions name it.

    Args:
        character: its name is one new word, in lower case.
        plural: the word for two of them.

    Raises:
        ValueError: a name of several words, or one that the world has already.
    """
    name = character.name
    if words_of(name) != [name] or words_of(plural) != [plural]:
        raise ValueError(
            f"the names are {name!r} and {plural!r}: take one word each, in lower-case letters."
        )
    others = {form for key, nouns in NOUNS.items() if key != name for n in nouns for form in n}
    if name in others or (name in CHARACTERS and name in s2_text.FACTS):
        raise ValueError(f"there is a {name!r} in the world already: take a new name.")
    CHARACTERS[name] = character
    NOUNS[name] = ((name, plural),)


@dataclass(frozen=True)
class TinyWorld:
    """A few characters in a few places; one person in each clip, by day, in the plain style."""

    cast: tuple[str, ...]
    places: tuple[str, ...]

    def scene(self, rng: np.random.Generator) -> Scene:
        who, where = str(rng.choice(self.cast)), str(rng.choice(self.places))
        return Scene((CharacterSpec(who),), where, "day", "plain", int(rng.integers(2**31)))

    def clip(self, rng: np.random.Generator, num_frames: int) -> Clip:
        """Somebody somewhere performs a motion of the training world or takes random poses."""
        motion = str(rng.choice(TRAINING_MOTIONS)) if rng.random() < 0.65 else None
        figures = perform(
            motion,
            num_frames,
            FPS / 3,
            rng,
            yaw=rng.normal(0, 0.4),
            height=rng.uniform(0.6, 0.85) * SIZE,
            position=(rng.normal(0.5, 0.06) * SIZE, rng.uniform(0.88, 0.97) * SIZE),
        )
        return Clip(self.scene(rng), [[figure] for figure in figures])

    @property
    def facts(self) -> tuple[str, ...]:
        """What a caption of this world can tell: who, and where."""
        return (*self.cast, *self.places)


@torch.no_grad()
def render(
    world: TinyWorld, vae: FrameAutoencoder, folder: Path, count: int, num_frames: int, seed: int
) -> tuple[Cache, np.ndarray]:
    """Draw clips of the world and encode them, as `training.cache` does for the large one.

    Returns:
        what the training stages read, and the frames `[count, num_frames, 128, 128, 3]` uint8.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clips = [
        world.clip(np.random.default_rng([seed, num_frames, index]), num_frames)
        for index in range(count)
    ]
    size = (TINY_SIZE, TINY_SIZE)
    frames = np.stack(
        [
            np.stack([cv2.resize(f, size, interpolation=cv2.INTER_AREA) for f in render_clip(clip)])
            for clip in clips
        ]
    )
    pixels = torch.from_numpy(frames).flatten(0, 1).permute(0, 3, 1, 2)
    latents = [
        vae.encode((part.to(vae.device) / 127.5 - 1).to(vae.dtype)).latent_dist.mode().cpu()
        for part in pixels.split(FRAMES_AT_ONCE)
    ]
    scaled = (torch.cat(latents).float() * vae.config.scaling_factor).half()
    np.save(folder / "latents.npy", scaled.unflatten(0, (count, num_frames)).numpy())
    np.save(folder / "keypoints.npy", np.stack([clip.keypoints() for clip in clips]))
    (folder / "scenes.jsonl").write_text("".join(scene_to_json(c.scene) + "\n" for c in clips))
    return Cache(folder), frames


# ---------------------------------------------------------------------------- the stages


def text_stage(world: TinyWorld, tokenizer: PreTrainedTokenizerFast) -> s2_text.TextStage:
    """`training.s2_text` with the facts of a tiny world."""
    stage = s2_text.TextStage(tokenizer)
    stage.head = nn.Linear(s2_text.TEXT_WIDTH, len(world.facts))
    return stage


def text_batches(world: TinyWorld, tokenizer: PreTrainedTokenizerFast, size: int) -> MakeBatch:
    """Captions, and what is true of their scenes."""

    def make_item(rng: np.random.Generator) -> Item:
        scene = world.scene(rng)
        caption = tokenizer(scene.caption(rng), padding="max_length", return_tensors="pt")
        true = (scene.characters[0].name, scene.place)
        facts = torch.tensor([float(fact in true) for fact in world.facts])
        return {"tokens": caption.input_ids[0], "facts": facts}

    return lambda draw: stack([make_item(rng) for rng, _ in draw.items(size)])


def tiny_stage(tokenizer: PreTrainedTokenizerFast) -> DiffusionStage:
    """The stage that trains the lite model, with smaller networks for 128 x 128 pixels."""
    return DiffusionStage(tokenizer, TINY_SIZE, TINY_WIDTHS, num_heads=4)


def halved(make_batch: MakeBatch) -> MakeBatch:
    """Batches of the diffusion stages with skeletons and weights at half the size."""

    def make_half(draw: Draw) -> Item:
        batch = make_batch(draw)
        batch["skeleton"] = F.avg_pool2d(batch["skeleton"].flatten(0, 1), 2).unflatten(
            0, batch["skeleton"].shape[:2]
        )
        batch["weight"] = F.max_pool2d(batch["weight"].flatten(0, 1), 2).unflatten(
            0, batch["weight"].shape[:2]
        )
        return batch

    return make_half


@torch.no_grad()
def held_back_losses(stage: DiffusionStage, batch: Item) -> dict[str, float]:
    """The error on pictures that training never saw: as they are, and with a wrong condition."""
    device = next(stage.parameters()).device
    tries = {
        "right prompt and pose": batch,
        "no pose": batch | {"use_pose": torch.zeros_like(batch["use_pose"])},
        "another picture's pose": batch | {"skeleton": batch["skeleton"].roll(1, 0)},
        "another picture's prompt": batch | {"tokens": batch["tokens"].roll(1, 0)},
    }
    return {name: stage(move(b, device))["unweighted"].item() for name, b in tries.items()}


def to_pipeline(
    stage: DiffusionStage, tokenizer: PreTrainedTokenizerFast, vae: FrameAutoencoder
) -> FollowYourPosePipeline:
    """The trained networks as a pipeline for 128 x 128 pixels, with the given autoencoder."""
    pipeline = FollowYourPosePipeline(
        vae=vae,
        text_encoder=stage.text_encoder,
        tokenizer=tokenizer,
        unet=stage.unet,
        pose_encoder=stage.pose_encoder,
        scheduler=lite_scheduler(),
        default_guidance_scale=GUIDANCE_SCALE,
        shared_noise=SHARED_NOISE,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def show_losses(runs: Mapping[str, Path]) -> None:
    """Show the loss curves of runs side by side.

    Args:
        runs: title and folder of each.
    """
    figure = Figure(figsize=(3.4 * len(runs), 2.6), dpi=90, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    said = []
    axes = figure.subplots(1, len(runs), squeeze=False)[0]
    for place, (title, folder) in zip(axes, runs.items(), strict=True):
        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        losses = [line["loss"] for line in lines]
        place.plot([line["step"] for line in lines], losses, marker="o", markersize=2.5)
        place.set(title=title, xlabel="step", ylabel="loss")
        place.grid(alpha=0.3)
        said.append(f"{title} from {losses[0]:.3f} to {losses[-1]:.3f}")
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3]
    show_picture(np.ascontiguousarray(picture), "loss over the steps: " + "; ".join(said))
