"""Distances to the drawn stills, and heads that a network tells apart."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from fyp_lite.judges.scores import Judge
from fyp_lite.loading import load_pipeline
from fyp_lite.settings import SampleSettings
from fyp_world.evaluation import measures, truth
from fyp_world.world.dataset import render_clip


@pytest.fixture(scope="module")
def stills():
    return measures.clips(3, 1, held_out=True, stream=truth.STREAM)


@pytest.fixture(scope="module")
def drawn(stills):
    return np.concatenate([render_clip(still) for still in stills])


def test_an_error_of_so_many_levels_is_so_many_decibels(stills, drawn):
    off = np.where(drawn < 128, drawn + 10, drawn - 10).astype(np.uint8)
    scores = truth.part_psnr(off, drawn, stills)
    expected = 20 * np.log10(255 / 10)
    assert scores == {part: pytest.approx(expected, abs=0.01) for part in truth.PARTS}


def test_parts_are_measured_where_they_are(stills, drawn):
    right = truth.part_psnr(drawn, drawn, stills)
    wrong = drawn.copy()
    for picture, still in zip(wrong, stills, strict=True):
        picture[truth.part_masks(still)["heads"]] //= 2
    scores = truth.part_psnr(wrong, drawn, stills)
    assert scores["heads"] < scores["people"] < right["people"]
    face = stills[0].keypoints()[0, 0, :5, :2].astype(int)
    assert all(truth.part_masks(stills[0])["heads"][y, x] for x, y in face)
    wrist = stills[0].keypoints()[0, 0, 9, :2].astype(int)
    assert truth.part_masks(stills[0])["hands"][wrist[1], wrist[0]]


def test_another_character_stands_in_the_same_pose_and_place(stills, drawn):
    for still, picture in zip(stills, drawn, strict=True):
        other = truth.as_another_character(still)
        np.testing.assert_array_equal(other.keypoints(), still.keypoints())
        names = [person.name for person in other.scene.characters]
        assert not set(names) & {person.name for person in still.scene.characters}
        changed = (render_clip(other)[0] != picture).any(axis=-1)
        assert changed[truth.part_masks(still)["people"]].mean() > 0.3
        assert changed.mean() < 0.5


def test_figures_have_a_ceiling_and_a_floor(tmp_path):
    of = truth.Truth(load_pipeline("lite"), 2, held_out=True)
    settings = SampleSettings(num_inference_steps=1)
    figures = of.figures(Judge(), settings)
    assert set(figures["generated"]["all"]) == set(truth.PARTS)
    assert 0 <= figures["heads told from drawn ones"] <= 1
    assert of.psnr(of.drawn)["all"]["heads"] > 80
    truth.draw_heads(of, settings, tmp_path / "heads.png")
    assert (tmp_path / "heads.png").stat().st_size > 1000


def test_only_different_pictures_are_told_apart():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(200, 20, generator=generator) for _ in range(2))
    groups = np.arange(200) // 2
    assert 0.35 < truth.two_sample(first, second, groups) < 0.65
    second[:, 3] += 3
    assert truth.two_sample(first, second, groups) > 0.85
    # What a half has in common with itself alone is no difference.
    first, second = (torch.randn(200, 200, generator=generator) for _ in range(2))
    assert truth.two_sample(first, second, np.arange(200)) < 0.65


def test_features_tell_blurred_crops():
    stills = measures.clips(24, 1, held_out=False)
    crops = np.stack([render_clip(still)[0, 96:160, 96:160] for still in stills])
    blurred = np.stack([cv2.GaussianBlur(crop, (0, 0), 2) for crop in crops])
    judge = Judge()
    features = [truth.crop_features(judge, c) for c in (blurred, crops)]
    assert truth.two_sample(features[0], features[1], np.arange(len(crops))) > 0.8
