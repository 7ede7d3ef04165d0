"""The evaluation's parts on tiny networks, and the whole command on random networks."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import build_tiny_pipeline

from fyp_lite import data_dir
from fyp_lite.judges import scores
from fyp_lite.judges.scores import person_sizes
from fyp_lite.model.switches import SWITCHES, switched_off
from fyp_lite.model.vae import FrameAutoencoder
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import SampleSettings
from fyp_world.evaluation import evaluate, measures, settings_tables
from fyp_world.training import attribute_network, averages, cache
from fyp_world.world.characters import CHARACTERS
from fyp_world.world.dataset import is_held_out, render_clip, world_vocabulary

TWO_STEPS = SampleSettings(num_inference_steps=2)


@pytest.fixture(scope="module")
def pipeline() -> FollowYourPosePipeline:
    return build_tiny_pipeline(world_vocabulary(), shared_noise=0.5)


@pytest.mark.parametrize("held_out", [False, True])
def test_clips_show_all_characters_in_turn_and_are_always_the_same(held_out):
    chosen = measures.clips(3, 2, held_out=held_out, max_people=1)
    assert [c.scene.characters[0].name for c in chosen] == [*CHARACTERS][:3]
    for clip in chosen:
        (person,) = clip.scene.characters
        assert is_held_out(person.name, clip.scene.place, clip.scene.style) == held_out
    again = measures.clips(3, 2, held_out=held_out, max_people=1)
    for clip, same in zip(chosen, again, strict=True):
        np.testing.assert_array_equal(clip.keypoints(), same.keypoints())
        assert measures.caption_of(clip) == measures.caption_of(same)
    other = measures.clips(1, 2, held_out=held_out, max_people=1, stream=1)
    assert other[0].scene != chosen[0].scene


def test_stills_together_are_what_each_is_alone(pipeline):
    stills = measures.clips(2, 1, held_out=False)
    together = measures.generate_stills(pipeline, stills, TWO_STEPS)
    for i, (clip, video) in enumerate(zip(stills, together, strict=True)):
        settings = SampleSettings(num_inference_steps=2, seed=TWO_STEPS.seed + i)
        alone = measures.generate(pipeline, clip, settings)
        assert video.shape == alone.shape == (1, 64, 64, 3)
        assert np.abs(video.astype(int) - alone).max() <= 1


def test_a_wrong_motion_has_the_place_and_size_of_the_right_one():
    (clip,) = measures.clips(1, 4, held_out=False, max_people=1)
    right = clip.keypoints()
    wrong = measures.wrong_motion(right, np.random.default_rng(0))
    assert person_sizes(wrong)[:, 0].max() == pytest.approx(person_sizes(right)[:, 0].max())
    np.testing.assert_allclose(
        wrong[:, 0, 5:, :2].mean((0, 1)), right[:, 0, 5:, :2].mean((0, 1)), atol=1e-2
    )
    assert not wrong[:, 1:].any()
    same = scores.follow_score(wrong, right, 256, 256)
    assert same["limbs @0.05"] < 0.8


def test_means_leave_out_what_could_not_be_judged():
    mean = measures.mean_of([{"a": 1.0, "b": math.nan}, {"a": 0.0, "b": 0.5}, {"a": True}])
    assert mean == {"a": 0.6667, "b": 0.5}


def test_the_prompts_summary_names_the_worst_attribute():
    shown = {"shows place": 0.9, "shows time": 0.5, "shows all": 0.4, "flicker": 3.0}
    summary = measures.prompt_summary(shown)
    assert summary["mean"] == 0.7
    assert summary["worst, time"] == 0.5
    assert summary["all right"] == 0.4


def test_the_kernel_distance_is_the_one_of_its_definition():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(6, 4)), rng.normal(0.5, size=(5, 4))

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / 4 + 1) ** 3)

    of_a = [kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j]
    of_b = [kernel(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j]
    of_both = [kernel(x, y) for x in a for y in b]
    expected = np.mean(of_a) + np.mean(of_b) - 2 * np.mean(of_both)
    assert measures.kernel_distance(a, b) == pytest.approx(expected)


def test_drawn_pictures_are_more_like_drawn_ones_than_others_are(pipeline):
    likeness = measures.Likeness(pipeline, scores.Judge(), 12)
    stills = measures.clips(12, 1, held_out=True, stream=6)
    drawn = [measures.through_autoencoder(pipeline, render_clip(clip)) for clip in stills]
    inverted = [255 - video for video in drawn]
    assert abs(likeness.distance(drawn)) < 0.2 * likeness.distance(inverted)


def test_results_are_kept_for_the_same_weights_only(tmp_path):
    path, calls = tmp_path / "figures.json", []

    def make() -> dict[str, int]:
        calls.append(1)
        return {"psnr": 30}

    for run in ({"weights": "a"}, {"weights": "a"}, {"weights": "b"}):
        evaluate.Results(path, run).add("autoencoder", make)
    assert len(calls) == 2
    assert json.loads(path.read_text()) == {"run": {"weights": "b"}, "autoencoder": {"psnr": 30}}


def test_scores_are_compared_with_their_ceilings():
    ours = {"follow": {"joints @0.1": 0.6}, "prompt": {"mean": 0.5}, "stillness": {"flicker": 3.0}}
    best = {"follow": {"joints @0.1": 0.8}, "prompt": {"mean": 0.0}, "stillness": {"flicker": 2.0}}
    compared = evaluate.against_ceilings({"generated, seen": ours, "ceilings, seen": best}, "seen")
    assert compared == {"follow: joints @0.1": 0.75, "stillness: flicker": 1.5}


@pytest.mark.parametrize("part", SWITCHES)
def test_a_switch_changes_the_result_until_it_is_back_on(pipeline, part):
    # Temporal layers start by adding nothing: give them something to add.
    torch.manual_seed(1)
    for name, parameter in pipeline.unet.named_parameters():
        if "conv_temporal" in name or "attn_temp" in name or "conv_out" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    skeleton = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)

    def latents() -> torch.Tensor:
        return pipeline("a panda", skeleton, TWO_STEPS).latents

    whole = latents()
    with pytest.raises(RuntimeError), switched_off(pipeline, part):
        assert not torch.allclose(latents(), whole, atol=1e-4)
        with switched_off(pipeline, part):
            pass
        assert not torch.allclose(latents(), whole, atol=1e-4)
        raise RuntimeError
    torch.testing.assert_close(latents(), whole)


def test_without_the_pose_encoder_every_pose_is_the_same(pipeline):
    black = np.zeros((2, 64, 64, 3), np.uint8)
    with switched_off(pipeline, "pose encoder"):
        features = [*pipeline.encode_pose(black), *pipeline.encode_pose(black + 255)]
    assert not any(feature.any() for feature in features)


def test_without_cross_frame_attention_frames_do_not_see_each_other(pipeline):
    block = pipeline.unet.mid_block.attentions[0].transformer_blocks[0].attn1
    tokens = torch.randn(1, 3, 4, 16)
    other = tokens.clone()
    other[:, 0] += 1
    with torch.no_grad():
        assert not torch.allclose(block(tokens)[:, 2], block(other)[:, 2])
        with switched_off(pipeline, "cross-frame attention"):
            torch.testing.assert_close(block(tokens)[:, 2], block(other)[:, 2])
            torch.testing.assert_close(block(tokens)[:, 1:2], block(tokens[:, 1:2]))


def test_an_unknown_switch_is_named(pipeline):
    with (
        pytest.raises(ValueError, match="no switch 'sound': choose from pose encoder"),
        switched_off(pipeline, "sound"),
    ):
        pass


def test_seams_lie_where_another_window_takes_over():
    assert not settings_tables.seams_of(8).any()
    # The windows are 0, 1-7 and 0, 5-11: frame 6 is nearer the middle of the first.
    assert np.flatnonzero(settings_tables.seams_of(12)).tolist() == [6]


def test_prompts_lead_parts_from_the_clips_beginning_to_its_end(pipeline, monkeypatch):
    seen: list[np.ndarray] = []

    class OfSkeletons:
        """A judge that knows where the pose is, whatever is painted."""

        @staticmethod
        def follow(video, keypoints):
            seen.append(keypoints)
            return {"joints @0.1": float(len(seen) % 2), "people": 1.0}

    monkeypatch.setattr(evaluate, "CLIP_GUIDANCE", (2.0,))
    monkeypatch.setattr(evaluate, "GALLERY", ("A Panda on the sea", "An Astronaut"))
    effort = evaluate.Effort(
        frames=1, denoising=1, denoised=1, clips=1, stills=1, truth=1, knob_clips=1, num_steps=1
    )
    judged = evaluate.Judged(pipeline, OfSkeletons, effort)
    figures = judged.clip_file(data_dir() / "clips" / "walk.mp4")
    wrong, right = seen[:2]
    np.testing.assert_array_equal(wrong[:4], right[4:])
    assert np.abs(seen[1] - seen[3]).max() > 1  # the second prompt leads another part
    assert figures == {
        "guidance 2": {"joints @0.1": 0.0, "people": 1.0, "joints @0.1, wrong moment": 1.0}
    }


@pytest.mark.slow
def test_judges_are_trained_and_a_model_is_evaluated(tmp_path, monkeypatch):
    def run(module, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
        module.main()

    cache.render(tmp_path / "data" / "images", 4, 1, seed=0, workers=1)
    FrameAutoencoder(8, (16, 16), (16, 16)).save_pretrained(tmp_path / "vae")
    cache.encode(tmp_path / "data" / "images", tmp_path / "vae")
    cache.decode(tmp_path / "data" / "images", 3, tmp_path / "vae", seed=0)
    monkeypatch.setattr(averages, "SETTLING_BATCHES", 2)
    options = ("--data", tmp_path / "data", "--out", tmp_path / "judges")
    for what in ("keypoints", "attributes"):
        run(attribute_network, what, *options, "--steps", 2, "--batch-size", 4)
        (tmp_path / "judges" / "checkpoint.pt").unlink()

    monkeypatch.setattr(scores, "FOLDER", tmp_path / "judges")
    monkeypatch.setattr(evaluate, "FOLDER", tmp_path / "judges")
    effort = evaluate.Effort(
        frames=2, denoising=2, denoised=1, clips=1, stills=2, truth=2, knob_clips=1, num_steps=1
    )
    monkeypatch.setattr(evaluate, "QUICK", effort)
    monkeypatch.setattr(settings_tables, "STEPS", (1,))
    monkeypatch.setattr(settings_tables, "GUIDANCE", (0.0, 4.0))
    monkeypatch.setattr(settings_tables, "STILLS_GUIDANCE", (1.0,))
    monkeypatch.setattr(settings_tables, "STILLS_STEPS", (1,))
    monkeypatch.setattr(settings_tables, "STILLS_PER_CLIP", 2)
    monkeypatch.setattr(settings_tables, "POSE_GUIDANCE", (1.0, 3.0))
    monkeypatch.setattr(settings_tables, "INTERVALS", ((0.0, 0.5),))
    monkeypatch.setattr(settings_tables, "SOLVER_STEPS", (2,))
    monkeypatch.setattr(settings_tables, "STARTS", (0, 100_000))
    monkeypatch.setattr(settings_tables, "STRIDES", (2,))
    monkeypatch.setattr(settings_tables, "CROPS", (100,))
    monkeypatch.setattr(settings_tables, "LENGTHS", (8, 12, 100_000))
    path = tmp_path / "figures.json"
    run(evaluate, "--json", path, "--quick")
    figures = json.loads(path.read_text())
    for kind in ("seen", "held out"):
        for source in ("ceilings", "generated"):
            assert f"of ceilings, {kind}" in figures
            assert 0 <= figures[f"{source}, {kind}"]["prompt"]["mean"] <= 1
    assert list(figures["denoised"]) == ["from 200", "from 350", "from 500", "from 999"]
    assert figures["knob, steps"]["1"]["seconds"] > 0
    assert figures["knob, steps_stills"]["1"]["heads, dB"] > 0
    assert list(figures["knob, guidance"]) == ["0", "4"]
    for kind in ("seen", "held out"):
        of = figures[f"truth, {kind}"]
        assert (
            of["generated"]["all"]["heads"] < of["ceiling, through the autoencoder"]["all"]["heads"]
        )
    assert 0 <= figures["knob, guidance_stills"]["1"]["all right"] <= 1
    assert list(figures["knob, pose_guidance"]) == ["1", "3"]
    assert math.isfinite(figures["generated, seen"]["likeness"]["kernel distance"])
    assert list(figures["knob, interval"]) == ["0 to 0.5"]
    assert list(figures["knob, schedulers"])[-1] == "unipc, 2 steps"
    assert list(figures["knob, clip_settings"]["start_frame"]) == ["0"]  # the other does not fit
    assert list(figures["knob, length"]) == ["8", "12"]  # the clip is not that long
    assert len(figures["knob, switches"]) == 1 + len(SWITCHES)
    assert not Path(path.with_suffix(".part")).exists()
