"""The tiny training of the lesson: its world, its sizes, and each kind of stage for a moment."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import torch
from IPython.display import Markdown

pytest.importorskip("skia")

from fyp_course import tiny, tiny_training
from fyp_course.tiny_training import TrainingStoppedError
from fyp_lite.model.text import build_tokenizer
from fyp_lite.model.vae import FrameAutoencoder
from fyp_lite.vocabulary import NOUNS
from fyp_world.training import s3_joint
from fyp_world.training.batches import Draw
from fyp_world.world.characters import CHARACTERS
from fyp_world.world.dataset import world_vocabulary

WORLD = tiny.TinyWorld(("panda", "robot"), ("sea", "moon"))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    torch.manual_seed(0)
    vae = FrameAutoencoder(8, (16, 16), (16, 16))
    return tiny.render(WORLD, vae, tmp_path_factory.mktemp("images"), 4, 1, seed=0)


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(world_vocabulary())


def test_a_new_character_is_drawn_and_named(monkeypatch, tmp_path):
    for table in (CHARACTERS, NOUNS):  # taken out again at the end
        monkeypatch.setitem(table, "frog", table["bear"])
        monkeypatch.delitem(table, "frog")
    frog = dataclasses.replace(CHARACTERS["bear"], name="frog")
    tiny.add_character(frog, "frogs")
    tiny.add_character(frog, "frogs")  # a cell may be run twice
    assert {"frog", "frogs"} <= set(world_vocabulary())
    world = tiny.TinyWorld(("frog",), ("sea",))
    assert "frog" in world.scene(np.random.default_rng(0)).caption(np.random.default_rng(0))


@pytest.mark.parametrize("name", ["panda", "kitten", "tree frog", "Frog"])
def test_a_name_must_be_one_new_word(name):
    character = dataclasses.replace(CHARACTERS["bear"], name=name)
    before = dict(CHARACTERS), dict(NOUNS)
    with pytest.raises(ValueError, match=name):
        tiny.add_character(character, "frogs")
    assert before == (CHARACTERS, NOUNS)


def test_the_world_is_small_and_repeatable(images, tmp_path):
    cache, frames = images
    assert frames.shape == (4, 1, 128, 128, 3) and cache.latents.shape == (4, 1, 8, 16, 16)
    assert {s.characters[0].name for s in cache.scenes} <= {"panda", "robot"}
    assert {s.place for s in cache.scenes} <= {"sea", "moon"}
    torch.manual_seed(0)
    vae = FrameAutoencoder(8, (16, 16), (16, 16))
    again, same_frames = tiny.render(WORLD, vae, tmp_path, 4, 1, seed=0)
    np.testing.assert_array_equal(frames, same_frames)
    np.testing.assert_array_equal(cache.keypoints, again.keypoints)


def test_halves_are_halves(images, tokenizer, tmp_path):
    make_batch = s3_joint.batches(
        images[0], tokenizer, tiny_training.options_for(tmp_path, 1, 2, 1e-3)
    )
    whole, half = make_batch(Draw(0, 0)), tiny.halved(make_batch)(Draw(0, 0))
    assert half["skeleton"].shape == (2, 1, 3, 128, 128)
    torch.testing.assert_close(half["skeleton"].mean(), whole["skeleton"].mean())
    assert half["weight"].shape == (2, 1, 1, 16, 16)
    assert half["weight"].unique().tolist() == whole["weight"].unique().tolist()


def test_the_stages_follow_each_other(images, tokenizer, tmp_path, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(tiny, "show_picture", lambda picture, text: shown.append(text))
    torch.manual_seed(0)
    options = tiny_training.options_for(tmp_path / "text", 1, 4, 1e-3, steps=2)
    batches = tiny.text_batches(WORLD, tokenizer, 4)
    tiny_training.train_here("words", tiny.text_stage(WORLD, tokenizer), batches, options)

    stage = tiny.tiny_stage(tokenizer)
    tiny_training.start_from(stage, "words", tmp_path / "text")
    stage.text_encoder.requires_grad_(False)
    options = tiny_training.options_for(tmp_path / "joint", 0.002, 2, 1e-3)
    make_batch = tiny.halved(s3_joint.batches(images[0], tokenizer, options))
    losses = tiny.held_back_losses(stage, make_batch(Draw(1, 0)))
    assert len(set(losses.values())) == 1  # the last layer starts at zero
    before = {name: p.clone() for name, p in stage.named_parameters()}
    tiny_training.train_here("pictures", stage, make_batch, options)
    moved = {n.split(".")[0] for n, p in stage.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"unet", "pose_encoder"}  # and the text encoder stays

    said = capsys.readouterr().out
    assert '"step"' not in said
    tiny.show_losses({"words": tmp_path / "text", "pictures": tmp_path / "joint"})
    assert shown[0].startswith("loss over the steps: words from ")
    pipeline = tiny.to_pipeline(stage, tokenizer, FrameAutoencoder(8, (16, 16), (16, 16)))
    assert pipeline.size == tiny.TINY_SIZE


class Toy(torch.nn.Module):
    """A stage of one weight, whose runs are interrupted in the fourth step, if `stops`."""

    def __init__(self, stops: bool = False) -> None:
        super().__init__()
        self.net = torch.nn.Linear(1, 1)
        self.stops = stops

    def make_batch(self, draw: Draw) -> dict[str, torch.Tensor]:
        if self.stops and draw.step == 3:
            raise KeyboardInterrupt
        return {"x": torch.ones(4, 1)}

    def forward(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"loss": self.net(batch["x"]).square().mean()}


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    """What the line of progress has said."""
    lines: list[str] = []

    class Handle:
        def display(self, markdown: Markdown) -> None:
            lines.append(markdown.data)

        update = display

    monkeypatch.setattr(tiny_training, "DisplayHandle", Handle)
    return lines


def test_a_stage_that_was_stopped_says_so_and_resumes(tmp_path, shown):
    options = tiny_training.options_for(tmp_path / "words", 1, 4, 0.1, steps=6)
    options = dataclasses.replace(options, save_minutes=0.0)  # a checkpoint after every step
    stage = Toy(stops=True)
    with pytest.raises(TrainingStoppedError, match="“words” is not finished.*from step 0"):
        tiny_training.start_from(Toy(), "words", options.out)
    with pytest.raises(TrainingStoppedError) as stopped:
        tiny_training.train_here("words", stage, stage.make_batch, options)
    sentence = "“words” was stopped at step 3. Run this cell again: it resumes from step 3."
    assert stopped.value._render_traceback_() == [sentence]
    with pytest.raises(TrainingStoppedError, match="“words” is not finished.*from step 3"):
        tiny_training.start_from(Toy(), "words", options.out)

    again = Toy()
    tiny_training.train_here("words", again, again.make_batch, options)
    assert "resumed from step 3" in shown[-1] and "step 6 of 6" in shown[-1]
    other = Toy()
    tiny_training.start_from(other, "words", options.out)
    assert other.net.weight.item() == again.net.weight.item()


def test_progress_in_minutes_names_the_dtype(tmp_path, shown):
    stage = Toy()
    options = tiny_training.options_for(tmp_path, 0.001, 4, 0.1)
    tiny_training.train_here("pictures", stage, stage.make_batch, options)
    assert "getting ready" in shown[0]
    assert re.fullmatch(
        r"\*\*pictures\*\*: step \d+, 0.0 of 0.0 minutes, loss [\d.]+, in (b?float\d+)", shown[-1]
    )


def test_the_pace_is_measured_on_a_copy(tmp_path):
    stage = Toy()
    before = stage.net.weight.item()
    options = tiny_training.options_for(tmp_path / "run", 3, 4, 0.1)
    steps_a_minute, dtype = tiny_training.measured_pace(stage, stage.make_batch, options)
    assert steps_a_minute > 100 and dtype in ("float32", "bfloat16")
    assert stage.net.weight.item() == before and not options.out.exists()


@pytest.mark.parametrize("minutes", [0, -3.0, float("nan"), float("inf"), "five", None])
def test_minutes_in_which_nothing_can_be_trained_are_refused(minutes):
    with pytest.raises(TrainingStoppedError, match=f"MINUTES is {minutes!r}, .*a number above 0"):
        tiny_training.check_minutes(minutes)
    tiny_training.check_minutes(0.1)
