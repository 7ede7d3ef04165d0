"""The world as data: captions cover the cast, scenes are reproducible, the held-out is held out."""

from __future__ import annotations

import numpy as np
import pytest

from fyp_lite.vocabulary import NOUNS, PLACES, TIMES, words_of
from fyp_world.world.characters import CHARACTERS
from fyp_world.world.dataset import (
    is_held_out,
    random_clip,
    random_scene,
    render_clip,
    world_vocabulary,
)
from fyp_world.world.scenes import SCENES

GALLERY = (
    "A Panda on the sea",
    "A Robot is dancing in Sahara desert",
    "An Astronaut",
    "A man in the park, Van Gogh style",
    "Batman brown background",
    "Tiny cute boy in the beach, at sunset",
    "Iron man on the beach",
    "Astronaut on the moon",
    "A man in the forest, Minecraft",
)


def test_captions_cover_the_cast_and_the_places():
    assert NOUNS.keys() == CHARACTERS.keys()
    assert PLACES.keys() == SCENES.keys()
    assert {time for scene in SCENES.values() for time in scene.times} <= TIMES.keys()


def test_every_caption_is_made_of_the_vocabulary():
    known, rng = set(world_vocabulary()), np.random.default_rng(0)
    for _ in range(2000):
        assert set(words_of(random_scene(rng).caption(rng))) <= known


@pytest.mark.parametrize("prompt", GALLERY)
def test_the_papers_prompts_are_in_the_vocabulary(prompt):
    assert set(words_of(prompt)) <= set(world_vocabulary())


@pytest.mark.parametrize("held_out", [False, True])
def test_combinations_are_held_out(held_out):
    rng = np.random.default_rng(0)
    for _ in range(300):
        scene = random_scene(rng, held_out=held_out)
        names = {person.name for person in scene.characters}
        assert any(is_held_out(name, scene.place, scene.style) for name in names) == held_out


def test_a_seed_gives_the_same_clip():
    clips = [random_clip(np.random.default_rng(3), 2, held_out_motion=True) for _ in range(2)]
    np.testing.assert_array_equal(clips[0].keypoints(), clips[1].keypoints())
    frames = [render_clip(clip) for clip in clips]
    np.testing.assert_array_equal(*frames)
    assert frames[0].shape == (2, 256, 256, 3)
    assert len(clips[0].figures[0]) == len(clips[0].scene.characters)
