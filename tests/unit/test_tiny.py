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
