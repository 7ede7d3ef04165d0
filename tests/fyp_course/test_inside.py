"""Looking inside a run: the shown attention is the network's own, and the panel follows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers import build_tiny_pipeline, shown_bytes

from fyp_course.panels import words
from fyp_course.panels.scrubber import watch_steps
from fyp_lite.denoising import TRAINED_FRAMES, blend_weights, clip_windows
from fyp_lite.model.attention import TextAttention
from fyp_lite.model.switches import own_noise
from fyp_lite.settings import SampleSettings

PROMPT = "a panda on the sea"


@pytest.fixture(scope="module")
def skeleton():
    frames = np.zeros((3, 64, 64, 3), np.uint8)
    frames[:, 20:44, 31:33] = (255, 153, 51)
    return frames


@pytest.fixture(scope="module")
def steps(tiny_pipeline, skeleton):
    settings = SampleSettings(num_inference_steps=2)
    return list(words.watch_words(tiny_pipeline, PROMPT, skeleton, settings))


def test_the_weights_are_those_that_the_layer_uses():
    torch.manual_seed(0)
    layer = TextAttention(8, 6, 2)
    tokens, text = torch.randn(1, 2, 9, 8), torch.randn(1, 5, 6)
    shares = words.word_attention(layer, tokens, text)
    assert shares.shape == (2, 5, 3, 3)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(2, 3, 3))
    # With one head, weights times values, projected, are the layer's output.
    layer.num_heads = 1
    shares = words.word_attention(layer, tokens, text).flatten(2).transpose(1, 2)
    expected = layer.to_out[0](shares @ layer.to_v(text))
    torch.testing.assert_close(expected, layer(tokens, text)[0])


def test_watching_changes_nothing_and_ends(tiny_pipeline, skeleton, steps):
    settings = SampleSettings(num_inference_steps=2)
    plain = list(tiny_pipeline.steps(PROMPT, skeleton, settings))
    assert torch.equal(plain[-1].latents, steps[-1].latents)
    layers = [m for m in tiny_pipeline.unet.modules() if isinstance(m, TextAttention)]
    assert layers and not any(layer._forward_hooks for layer in layers)
    assert steps[0].words == ("a", "panda", "on", "the", "sea")
    assert steps[0].maps.shape == (3, 5, 4, 4)
    assert 0 < steps[0].maps.sum(axis=1).max() < 1  # start, end and padding get the rest


@pytest.fixture(scope="module")
def long_skeleton():
    frames = np.zeros((16, 64, 64, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[20:44, 20 + number : 23 + number] = (255, 153, 51)
    return frames


def test_a_long_clip_has_maps_of_every_frame(tiny_pipeline, long_skeleton):
    settings = SampleSettings(num_inference_steps=1)
    (step,) = words.watch_words(tiny_pipeline, PROMPT, long_skeleton, settings)
    assert step.maps.shape == (16, 5, 4, 4)
    # The first step sees the same noise whatever follows: each window by itself, then blended.
    with words.watching(tiny_pipeline) as seen:
        list(tiny_pipeline.steps(PROMPT, long_skeleton, settings))
    views = clip_windows(16, TRAINED_FRAMES)
    layers = len(seen) // len(views)
    maps = [
        words.average_maps(seen[n * layers : (n + 1) * layers])[:, 1:6] for n in range(len(views))
    ]
    weights = blend_weights(views).numpy()
    for frame in range(16):
        wanted = sum(
            weights[n, frame] * maps[n][view.index(frame)]
            for n, view in enumerate(views)
            if frame in view
        )
        np.testing.assert_allclose(step.maps[frame], wanted, atol=1e-6)
    assert np.abs(step.maps[0] - step.maps[15]).max() > 1e-4


@pytest.mark.parametrize("clip", ["skeleton", "long_skeleton"])
@pytest.mark.parametrize("interval", [(0.0, 1.0), (0.0, 0.5)])
def test_branches_in_turn_give_the_same_maps(clip, interval, tiny_pipeline, monkeypatch, request):
    frames = request.getfixturevalue(clip)
    settings = SampleSettings(2, guidance_start=interval[0], guidance_end=interval[1])
    together = list(words.watch_words(tiny_pipeline, PROMPT, frames, settings))
    monkeypatch.setattr(tiny_pipeline, "branches_together", False)
    in_turn = list(words.watch_words(tiny_pipeline, PROMPT, frames, settings))
    for one, other in zip(together, in_turn, strict=True):
        np.testing.assert_allclose(one.maps, other.maps, atol=1e-5)


def test_no_word_is_read_without_guidance(tiny_pipeline, skeleton):
    settings = SampleSettings(guidance_scale=0)
    with pytest.raises(ValueError, match="guidance_scale is 0"):
        next(words.watch_words(tiny_pipeline, PROMPT, skeleton, settings))


def test_on_figure_tells_figure_from_background():
    keypoints = np.zeros((1, 1, 17, 3), np.float32)
    keypoints[..., 2] = 1
    keypoints[..., 0] = 16  # a person along the left of a picture of 64 x 64
    keypoints[..., 1] = np.linspace(10, 54, 17)
    left = np.full((1, 4, 4), 0.1, np.float32)
    left[:, :, :2] = 0.4
    assert words.on_figure(left, keypoints, 64) > 1.5
    assert words.on_figure(left[:, :, ::-1].copy(), keypoints, 64) < 0.7
    assert words.on_figure(np.ones_like(left), keypoints, 64) == pytest.approx(1)


def test_cross_frame_attention_looks_at_the_first_frame_and_the_one_before(tiny_pipeline):
    assert words.frames_that_change(tiny_pipeline, 0) == list(range(8))
    assert words.frames_that_change(tiny_pipeline, 3) == [3, 4]
    assert words.frames_that_change(tiny_pipeline, 7) == [7]


def test_frames_have_noise_of_their_own_until_the_block_ends(skeleton):
    pipeline = build_tiny_pipeline(["a"], shared_noise=1.0)
    one_step = SampleSettings(num_inference_steps=1, guidance_scale=1)

    def alike() -> bool:  # whether all frames begin with one noise
        first = next(watch_steps(pipeline, "a", skeleton, one_step)).latents
        return torch.equal(first, first[:, :, :1].expand_as(first))

    before = pipeline("a", skeleton, one_step).latents
    assert alike()
    with pytest.raises(RuntimeError), own_noise(pipeline):
        assert not alike()
        assert not torch.allclose(pipeline("a", skeleton, one_step).latents, before, atol=0.01)
        raise RuntimeError
    assert alike() and torch.equal(pipeline("a", skeleton, one_step).latents, before)


def test_the_panel_follows_its_controls(steps):
    panel = words.WordExplorer(steps)
    before = shown_bytes(panel.picture)
    panel.word.value = 1
    assert "“panda”" in panel.caption.value and shown_bytes(panel.picture) != before
    panel.step.value = 1
    assert panel.caption.value.startswith("Step 1 of 2")
    assert all(control.description for control in (panel.word, panel.step))
    with pytest.raises(ValueError, match="no steps"):
        words.WordExplorer([])


def test_stills_have_a_text(tiny_pipeline, skeleton, steps, monkeypatch):
    shown = []
    monkeypatch.setattr(words, "show_picture", lambda picture, text: shown.append((picture, text)))
    monkeypatch.setenv("FYP_LITE_STILLS", "1")
    words.WordExplorer(steps).show_still()
    words.show_features(skeleton, tiny_pipeline.encode_pose(skeleton), 1)
    assert "panda" in shown[0][1] and "16 x 8 x 8" in shown[1][1]
    assert all(p.dtype == np.uint8 and p.shape[2] == 3 for p, _ in shown)
