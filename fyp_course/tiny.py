"""The lesson on training: a tiny world, tiny networks, and the stages of `fyp_world.training`.

Drawing the world needs skia-python, which comes with `pip install "fyp-lite[train]"`.
"""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import DisplayHandle, Markdown
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import nn
from transformers import PreTrainedTokenizerFast

from fyp_course.show import show_picture
from fyp_lite.model.vae import FrameAutoencoder
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.sampling import lite_scheduler
from fyp_lite.vocabulary import NOUNS, words_of
from fyp_world.training import s2_text
from fyp_world.training.assemble import SHARED_NOISE
from fyp_world.training.cache import SIZE, Cache, scene_to_json
from fyp_world.training.common import Draw, Item, MakeBatch, Options, move, stack, train
from fyp_world.training.s3_joint import DiffusionStage
from fyp_world.world.captions import CharacterSpec
from fyp_world.world.characters import CHARACTERS, Character
from fyp_world.world.dataset import FPS, TRAINING_MOTIONS, Clip, Scene, render_clip
from fyp_world.world.motion import perform

TINY_SIZE = SIZE // 2  # pixels
TINY_WIDTHS = (48, 96, 128)
GUIDANCE_SCALE = 1.5  # a network of a few minutes needs a push towards the sentence
FRAMES_AT_ONCE = 16  # through the autoencoder
WORDS_READ = 0.9  # share of captions that the text encoder must read before pictures are trained
SHORT_MINUTES = 2.0  # a shorter run shows how it goes, and paints hardly more than fog


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
    """`training.text` with the facts of a tiny world."""
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


def options_for(out: Path, minutes: float, batch_size: int, learning_rate: float) -> Options:
    """The options of a stage's command, for a run inside a notebook."""
    return Options(
        data=Path(),
        out=out,
        minutes=minutes,
        steps=None,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=0,
        save_minutes=0.5,
        init=None,
    )


def train_here(title: str, stage: nn.Module, make_batch: MakeBatch, options: Options) -> None:
    """`training.common.train` with one line of progress that is kept up to date.

    A run whose folder is there is resumed, up to the minutes asked for, and says so.

    Raises:
        TrainingError: the learner interrupted it.
    """
    if found := checkpoint_at(options.out):
        step, minutes = found
        done = step >= options.steps if options.steps else minutes >= options.minutes
        what = "nothing left to train:" if done else "resumes from"
        print(f"{title}: {what} step {step} ({minutes:.1f} minutes)")
    try:
        with redirect_stdout(Progress(title, options.minutes)):
            train(stage, make_batch, options)
    except KeyboardInterrupt:
        raise TrainingError(f"{title}: stopped, {_next_time(options.out)}") from None
    stage.eval()


class TrainingError(Exception):
    """What ends a cell with one sentence, so that none that needs its result is run after it."""

    def _render_traceback_(self) -> list[str]:  # what IPython shows
        return [str(self)]


def checkpoint_at(out: Path) -> tuple[int, float] | None:
    """The step of a run's checkpoint and its minutes so far; None where there is none."""
    path = out / "checkpoint.pt"
    if not path.exists():
        return None
    state = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
    return state["step"], state["minutes"]


def _next_time(out: Path) -> str:
    if (found := checkpoint_at(out)) is None:
        return "before the first checkpoint: run this cell again to start over."
    return f"run this cell again to resume from step {found[0]} ({found[1]:.1f} minutes)."


def check_minutes(minutes: object) -> float:
    """`MINUTES` as a number of minutes. Raises ValueError for what no training can take."""
    try:
        number = math.nan if isinstance(minutes, bool) else float(minutes)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError(
            f"MINUTES is {minutes!r:.40}, but training needs a number of minutes of more than 0: "
            "for example MINUTES = 5."
        )
    return number


def check_words(read: float, minutes: float) -> None:
    """Stop the lesson before its long cell where the words were not learned.

    The later stages take the text encoder as it is, so what it cannot read they never learn. Of a
    run too short to learn anything it is only said.

    Args:
        read: share of new captions that the text encoder reads without a mistake.
        minutes: of training, `MINUTES`.

    Raises:
        TrainingError: too few of them, in a run that is meant to paint something.
    """
    if read >= WORDS_READ:
        return
    sentence = (
        f"The text encoder reads {read:.0%} of new captions without a mistake, but what follows "
        f"needs {WORDS_READ:.0%}: make MINUTES larger, such as MINUTES = {2 * minutes:g}, and run "
        "the lesson again from that cell."
    )
    if minutes >= SHORT_MINUTES:
        raise TrainingError(sentence)
    print(sentence)


class Progress(io.TextIOBase):
    """Takes the log's lines and shows the last one in words; other text is passed on."""

    def __init__(self, title: str, minutes: float) -> None:
        self.title, self.minutes, self.terminal = title, minutes, sys.stdout
        self.line = DisplayHandle()
        self.line.display(Markdown(f"**{title}**: starting"))

    def write(self, printed: str) -> int:
        if printed.startswith("{"):
            said = json.loads(printed)
            self.line.update(
                Markdown(
                    f"**{self.title}**: step {said['step']}, {said['minutes']:.1f} of "
                    f"{self.minutes:.1f} minutes, loss {said['loss']:.4f}"
                )
            )
        elif printed.strip():
            self.terminal.write(printed)
        return len(printed)


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
