from __future__ import annotations

import itertools

import numpy as np
import pytest
import skia

from fyp_lite.vocabulary import PLACES
from fyp_lite.vocabulary import STYLES as STYLE_PHRASES
from fyp_lite.vocabulary import TIMES as TIME_PHRASES
from fyp_world.world.scenes import COLOURS, SCENES, TIMES, draw_scene
from fyp_world.world.styles import STYLES, apply_style

PLAIN = [f"{colour} background" for colour in COLOURS]


def picture(name: str, time: str = "day", seed: int = 0, size: int = 256) -> np.ndarray:
    surface = skia.Surface(size, size)
    with surface as canvas:
        draw_scene(canvas, name, time=time, size=size, seed=seed)
    return surface.toarray(colorType=skia.kRGBA_8888_ColorType)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b).mean())


@pytest.mark.parametrize("name", [*SCENES, *PLAIN])
def test_same_seed_same_picture_and_every_pixel_painted(name: str) -> None:
    once = picture(name, "sunset", seed=7, size=96)
    assert np.array_equal(once, picture(name, "sunset", seed=7, size=96))
    assert (once[..., 3] == 255).all()
    assert difference(once, picture(name, "sunset", seed=8, size=96)) > 0.3


@pytest.mark.parametrize("name", SCENES)
def test_times_of_day_differ(name: str) -> None:
    threshold = 24 if SCENES[name].has_sky else 8
    for one, other in itertools.combinations(SCENES[name].times, 2):
        apart = difference(
            picture(name, one, size=96)[..., :3], picture(name, other, size=96)[..., :3]
        )
        assert apart > threshold


@pytest.mark.parametrize("time", TIMES)
def test_scenes_differ_from_each_other(time: str) -> None:
    names = [*SCENES, *PLAIN] if time == "day" else [*SCENES]
    pictures = [picture(name, time, seed=3, size=64) for name in names]
    for one, other in itertools.combinations(pictures, 2):
        assert difference(one, other) > 6


def test_a_smaller_picture_is_the_same_scene_and_leaves_the_rest_of_the_canvas() -> None:
    small, large = picture("castle", size=64), picture("castle", size=256)
    assert difference(small, large.reshape(64, 4, 64, 4, 4).mean((1, 3))) < 4
    surface = skia.Surface(80, 80)
    with surface as canvas:
        canvas.clear(skia.Color(1, 2, 3))
        draw_scene(canvas, "castle", size=64)
    corner = surface.toarray(colorType=skia.kRGBA_8888_ColorType)[70, 70, :3]
    assert corner.tolist() == [1, 2, 3]


def test_captions_know_every_scene_time_and_style() -> None:
    assert SCENES.keys() <= PLACES.keys()
    assert set(TIMES) == TIME_PHRASES.keys()
    assert set(STYLES) == STYLE_PHRASES.keys()
    for scene in SCENES.values():
        assert 0 < scene.ground[0] < scene.ground[1] <= 1
        assert set(scene.times) <= set(TIMES)


@pytest.mark.parametrize("size", [64, 256, 250])
@pytest.mark.parametrize("style", STYLES)
def test_styles_keep_the_frame_and_are_steady(style: str, size: int) -> None:
    frame = np.ascontiguousarray(picture("beach", size=size)[..., :3])
    before = frame.copy()
    styled = apply_style(frame, style, seed=4)
    assert styled.shape == frame.shape and styled.dtype == np.uint8
    assert np.array_equal(frame, before)
    assert np.array_equal(styled, apply_style(frame, style, seed=4))
    if style == "plain":
        assert np.array_equal(styled, frame)
    else:
        assert difference(styled, frame) > 5
        assert not np.array_equal(styled, apply_style(frame, style, seed=5))


@pytest.mark.parametrize("style", STYLES[1:])
def test_styled_changes_stay_where_the_frame_changes(style: str) -> None:
    frame = np.ascontiguousarray(picture("park")[..., :3])
    changed = frame.copy()
    changed[100:140, 100:140] = (220, 40, 40)
    moved = np.abs(apply_style(changed, style).astype(int) - apply_style(frame, style)).max(2)
    assert moved[110:130, 110:130].mean() > 15
    moved[80:160, 80:160] = 0
    assert moved.max() == 0


def test_unknown_names_are_answered_with_near_ones() -> None:
    with pytest.raises(ValueError, match="no scene called 'beech': use 'beach'"):
        picture("beech")
    with pytest.raises(ValueError, match="'brown background'"):
        picture("braun background")
    with pytest.raises(ValueError, match="no time of day called 'noon': use 'day'|'night'"):
        picture("sea", "noon")
    with pytest.raises(ValueError, match="size is 0"):
        draw_scene(skia.Surface(8, 8).getCanvas(), "sea", size=0)
    frame = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="no style called 'van gogh': use 'Van Gogh'"):
        apply_style(frame, "van gogh")
    with pytest.raises(ValueError, match="float64"):
        apply_style(frame.astype(float), "Minecraft")
