"""Long clips: which windows cover them, how predictions are blended, and what a frame costs."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from fyp_lite.denoising import (
    TRAINED_FRAMES,
    blend_weights,
    clip_windows,
    guide,
    through_windows,
    windows,
)
from fyp_lite.loading import load_pipeline
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import SampleSettings


def skeleton(num_frames: int) -> np.ndarray:
    shape = (num_frames, 64, 64, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def calls(tiny_pipeline, monkeypatch) -> list[tuple[int, int]]:
    """(rows, frames) of every call of the network."""
    seen = []
    forward = tiny_pipeline.unet.forward

    def counting(sample, timestep, text, *args):
        seen.append((len(text), sample.shape[2]))
        return forward(sample, timestep, text, *args)

    monkeypatch.setattr(tiny_pipeline.unet, "forward", counting)
    return seen


def test_a_clip_that_fits_is_one_window():
    for num_frames in (1, 5, 8):
        assert windows(num_frames, 8, 3) == [list(range(num_frames))]


def test_windows_by_hand():
    assert windows(14, 8, 3) == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [0, 5, 6, 7, 8, 9, 10, 11],
        [0, 7, 8, 9, 10, 11, 12, 13],  # shifted back
    ]
    assert clip_windows(14, 8) == windows(14, 8, 3)


@pytest.mark.parametrize("length", [2, 3, 7, 8, 16])
def test_every_frame_is_covered_with_overlap_at_less_than_twice_the_cost(length):
    overlap = length // 2 - 1
    for num_frames in range(length + 1, 150):
        views = clip_windows(num_frames, length)
        assert all(view[0] == 0 and len(view) == length for view in views)
        assert all(np.all(np.diff(view[1:]) == 1) for view in views)
        assert (views[0][1], views[-1][-1]) == (1, num_frames - 1)
        for before, after in pairwise(views):
            assert before[1] < after[1]
            assert len(set(before[1:]) & set(after[1:])) >= overlap
        assert len(views) * length < 2 * num_frames


@pytest.mark.parametrize(("length", "overlap"), [(8, 7), (8, -1), (1, 0)])
def test_windows_that_do_not_advance_are_refused(length, overlap):
    with pytest.raises(ValueError, match=f"9 frames.*length {length} that overlap by {overlap}; "):
        windows(9, length, overlap)
    with pytest.raises(ValueError, match="length 1 that"):
        clip_windows(9, 1)


def test_weights_sum_to_one_and_fade_smoothly():
    for num_frames in (9, 13, 16, 61):
        views = clip_windows(num_frames, 8)
        weights = blend_weights(views)
        assert weights.shape == (len(views), num_frames)
        torch.testing.assert_close(weights.sum(dim=0), torch.ones(num_frames))
        for row, view in zip(weights, views, strict=True):
            elsewhere = sorted(set(range(num_frames)) - set(view))
            assert (row[view[1:]] > 0).all()
            assert not row[elsewhere].any()
        assert weights[1:, 0].abs().sum() == 0  # the anchor belongs to the first window
        # Nowhere does more than half of a frame change hands at once; a hard cut would be 1.
        assert weights[:, 1:].diff(dim=1).abs().max() < 0.5

    for num_frames in (1, 2, 8):
        ones = torch.ones(1, num_frames)  # exactly: short clips are left untouched
        assert torch.equal(blend_weights(clip_windows(num_frames, 8)), ones)


def test_prediction_is_the_weighted_mean_of_the_windows(tiny_pipeline):
    unet = tiny_pipeline.unet
    sample, text = torch.randn(2, 8, 13, 8, 8), torch.randn(2, 5, 16)
    pose = tiny_pipeline.encode_pose(skeleton(13))
    views = clip_windows(13, 8)
    weights = blend_weights(views)
    with torch.no_grad():
        found = through_windows(unet, 13)(sample, torch.tensor(500), text, pose)
        outputs = [
            unet(sample[:, :, v], 500, text, [p[:, :, v] for p in pose]).sample for v in views
        ]
    for frame in range(13):
        expected = sum(
            weights[i, frame] * outputs[i][:, :, view.index(frame)]
            for i, view in enumerate(views)
            if frame in view
        )
        torch.testing.assert_close(found[:, :, frame], expected)
    torch.testing.assert_close(found[:, :, 0], outputs[0][:, :, 0], atol=0, rtol=0)


@pytest.mark.parametrize("with_pose", [True, False])
def test_short_clips_are_the_plain_network_to_the_last_bit(tiny_pipeline, with_pose):
    sample, text = torch.randn(2, 8, 8, 8, 8), torch.randn(2, 5, 16)
    pose = tiny_pipeline.encode_pose(skeleton(8)) if with_pose else None
    with torch.no_grad():
        plain = tiny_pipeline.unet(sample, 500, text, pose).sample
        found = through_windows(tiny_pipeline.unet, 8)(sample, torch.tensor(500), text, pose)
    assert torch.equal(found, plain)


def test_a_frame_far_away_reaches_a_window_through_blending_alone(tiny_pipeline):
    """One step: only windows that hold the changed frame answer to it. Two: neighbours too."""
    changed = skeleton(16)
    changed[15] = 0
    first, second = (
        tiny_pipeline.steps("a panda", frames, SampleSettings(num_inference_steps=2))
        for frames in (skeleton(16), changed)
    )
    for reached in (9, 5):  # the windows begin at frames 1, 5 and 9
        differs = (next(first).latents != next(second).latents).any(dim=(0, 1, 3, 4))
        assert not differs[:reached].any()
        assert differs[reached:].all()


@pytest.mark.parametrize(("scale", "rows"), [(0.0, 1), (1.0, 1), (2.5, 2)])
def test_cost_per_frame_and_memory(tiny_pipeline, calls, scale, rows):
    settings = SampleSettings(num_inference_steps=2, guidance_scale=scale)
    result = tiny_pipeline(["a panda", "the sea"], skeleton(16), settings, seeds=[1, 2])
    assert calls == 2 * 3 * [(2 * rows, 8)]  # steps * windows; never more than 8 frames at once
    assert [video.shape for video in result.videos] == [(16, 64, 64, 3)] * 2
    assert not torch.equal(*result.latents)


def test_guidance_is_a_line_through_both_branches(tiny_pipeline):
    outputs = {}
    for scale in (0.0, 1.0, 4.0):
        settings = SampleSettings(num_inference_steps=1, guidance_scale=scale)
        outputs[scale] = next(tiny_pipeline.steps("a panda", skeleton(11), settings)).model_output
    expected = guide(outputs[0.0], outputs[1.0], 4.0)
    torch.testing.assert_close(outputs[4.0], expected, atol=1e-4, rtol=1e-4)


def test_pose_and_pictures_pass_a_few_frames_at_a_time(tiny_pipeline, monkeypatch):
    seen = []
    encode, decode = tiny_pipeline.pose_encoder.forward, tiny_pipeline.vae.decode
    whole = encode(torch.from_numpy(skeleton(19)).permute(0, 3, 1, 2)[None] / 255)

    def counting(run, axis):
        def count_and_run(frames):
            seen.append(frames.shape[axis])
            return run(frames)

        return count_and_run

    monkeypatch.setattr(tiny_pipeline.pose_encoder, "forward", counting(encode, 1))
    monkeypatch.setattr(tiny_pipeline.vae, "decode", counting(decode, 0))
    for found, expected in zip(tiny_pipeline.encode_pose(skeleton(19)), whole, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    tiny_pipeline.decode(torch.randn(1, 8, 19, 8, 8))
    assert seen == [8, 8, 3, 8, 8, 3]


def test_the_trained_length_is_saved_with_the_model(tiny_pipeline, calls, tmp_path):
    assert tiny_pipeline.config.num_frames == TRAINED_FRAMES
    pipeline = FollowYourPosePipeline(**tiny_pipeline.components, num_frames=4)
    next(pipeline.steps("a panda", skeleton(6), SampleSettings(guidance_scale=1.0)))
    assert calls == [(1, 4)] * 2

    pipeline.save_pretrained(tmp_path)
    assert load_pipeline(tmp_path, device="cpu").config.num_frames == 4
    index = json.loads((tmp_path / "model_index.json").read_text())
    del index["num_frames"]  # as in folders from before it was kept there
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    assert load_pipeline(tmp_path, device="cpu").config.num_frames == TRAINED_FRAMES
