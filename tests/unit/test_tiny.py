"""The tiny training of the lesson: its world, its sizes, and each kind of stage for a moment."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

pytest.importorskip("skia")

from fyp_course import tiny
from fyp_lite.model.text import build_tokenizer
from fyp_lite.model.vae import FrameAutoencoder
from fyp_lite.vocabulary import NOUNS
from fyp_world.training import s3_joint
from fyp_world.training.common import Draw, load_average
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
    make_batch = s3_joint.batches(images[0], tokenizer, tiny.options_for(tmp_path, 1, 2, 1e-3))
    whole, half = make_batch(Draw(0, 0)), tiny.halved(make_batch)(Draw(0, 0))
    assert half["skeleton"].shape == (2, 1, 3, 128, 128)
    torch.testing.assert_close(half["skeleton"].mean(), whole["skeleton"].mean())
    assert half["weight"].shape == (2, 1, 1, 16, 16)
    assert half["weight"].unique().tolist() == whole["weight"].unique().tolist()


def test_the_stages_follow_each_other(images, tokenizer, tmp_path, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(tiny, "show_picture", lambda picture, text: shown.append(text))
    torch.manual_seed(0)
    options = tiny.options_for(tmp_path / "text", 0.002, 4, 1e-3)
    batches = tiny.text_batches(WORLD, tokenizer, 4)
    tiny.train_here("words", tiny.text_stage(WORLD, tokenizer), batches, options)

    stage = tiny.tiny_stage(tokenizer)
    load_average(stage, tmp_path / "text")
    stage.text_encoder.requires_grad_(False)
    options = tiny.options_for(tmp_path / "joint", 0.002, 2, 1e-3)
    make_batch = tiny.halved(s3_joint.batches(images[0], tokenizer, options))
    losses = tiny.held_back_losses(stage, make_batch(Draw(1, 0)))
    assert len(set(losses.values())) == 1  # the last layer starts at zero
    before = {name: p.clone() for name, p in stage.named_parameters()}
    tiny.train_here("pictures", stage, make_batch, options)
    moved = {n.split(".")[0] for n, p in stage.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"unet", "pose_encoder"}  # and the text encoder stays

    said = capsys.readouterr().out
    assert '"step"' not in said
    tiny.show_losses({"words": tmp_path / "text", "pictures": tmp_path / "joint"})
    assert shown[0].startswith("loss over the steps: words from ")
    pipeline = tiny.to_pipeline(stage, tokenizer, FrameAutoencoder(8, (16, 16), (16, 16)))
    assert pipeline.size == tiny.TINY_SIZE


# ---------------------------------------------------------------------------- minutes, stopping


def words_run(folder, tokenizer, minutes, **changes):
    """A stage of words with its batches and options."""
    options = dataclasses.replace(tiny.options_for(folder, minutes, 4, 1e-3), **changes)
    return tiny.text_stage(WORLD, tokenizer), tiny.text_batches(WORLD, tokenizer, 4), options


@pytest.mark.parametrize("minutes", [0, -3, float("nan"), float("inf"), "five", None, True])
def test_minutes_that_no_training_can_take_are_refused(minutes):
    with pytest.raises(ValueError, match=f"MINUTES is {minutes!r}, but .* more than 0"):
        tiny.check_minutes(minutes)


@pytest.mark.parametrize("minutes", [0.2, 5, "7.5"])
def test_other_minutes_are_taken(minutes):
    assert tiny.check_minutes(minutes) == float(minutes)


def test_a_run_says_from_which_step_it_resumes(tokenizer, tmp_path, capsys):
    tiny.train_here("words", *words_run(tmp_path, tokenizer, 1, steps=3))
    assert "resum" not in capsys.readouterr().out
    tiny.train_here("words", *words_run(tmp_path, tokenizer, 1, steps=5))
    assert "resumes from step 3 (" in capsys.readouterr().out
    tiny.train_here("words", *words_run(tmp_path, tokenizer, 1, steps=5))
    assert "nothing left to train: step 5 (" in capsys.readouterr().out


def test_an_interrupted_run_says_where_it_will_resume(tokenizer, tmp_path):
    stage, batches, options = words_run(tmp_path, tokenizer, 1, steps=9, save_minutes=0)

    def interrupted(draw):
        if draw.step == 4:
            raise KeyboardInterrupt
        return batches(draw)

    with pytest.raises(tiny.TrainingError, match="run this cell again to resume from step 4 "):
        tiny.train_here("words", stage, interrupted, options)

    def at_once(draw):
        raise KeyboardInterrupt

    stage, _, options = words_run(tmp_path / "new", tokenizer, 1)
    with pytest.raises(tiny.TrainingError, match="before the first checkpoint") as stopped:
        tiny.train_here("words", stage, at_once, options)
    assert stopped.value._render_traceback_() == [str(stopped.value)]  # what a notebook shows
    assert not isinstance(stopped.value, KeyboardInterrupt)


def test_words_that_were_not_learned_stop_the_lesson_before_the_long_cell(capsys):
    tiny.check_words(0.93, minutes=5)
    assert capsys.readouterr().out == ""
    with pytest.raises(tiny.TrainingError, match=r"reads 12% .* MINUTES = 10"):
        tiny.check_words(0.12, minutes=5)
    tiny.check_words(0.12, minutes=1)  # a run that only shows how it goes
    assert "reads 12%" in capsys.readouterr().out
