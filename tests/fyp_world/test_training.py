"""Every training stage in turn, for a moment each, to a folder that `load_pipeline` reads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fyp_lite.denoising import guide
from fyp_lite.files.hashes import verify_hashes
from fyp_lite.keypoint_network import KeypointNet
from fyp_lite.loading import load_pipeline
from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.text import build_tokenizer
from fyp_lite.model.unet import FollowYourPoseUNet, UNetOutput
from fyp_lite.model_folder import WEIGHTS
from fyp_lite.sampling import lite_scheduler
from fyp_lite.settings import SampleSettings
from fyp_world.training import (
    assemble,
    averages,
    batches,
    cache,
    checkpoints,
    dtype,
    generated_latents,
    keypoint_network,
    loop,
    s1_autoencoder,
    s2_text,
    s3_joint,
    s4_temporal,
    s5_guided,
    s7_decoder,
)
from fyp_world.training.options import Options
from fyp_world.training.s2_text import TEXT_WIDTH
from fyp_world.world.dataset import world_vocabulary


def run(monkeypatch, module, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    module.main()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    cache.render(folder / "images", 6, 1, seed=0, workers=1)
    cache.render(folder / "clips", 2, cache.CLIP_FRAMES, seed=0, workers=1)
    return folder


def test_rendering_goes_on_where_it_stopped(data, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 2)
    whole = cache.Cache(data / "images")
    scenes = [cache.scene_to_json(scene) for scene in whole.scenes]

    class OneChunkError(Exception):
        pass

    def stop(*_args, **_options):
        raise OneChunkError

    with monkeypatch.context() as patch, pytest.raises(OneChunkError):
        patch.setattr(cache, "print", stop, raising=False)
        cache.render(tmp_path / "images", 6, 1, seed=0, workers=1)
    assert len((tmp_path / "images" / "scenes.jsonl").read_text().splitlines()) == 2
    cache.render(tmp_path / "images", 6, 1, seed=0, workers=1)
    resumed = cache.Cache(tmp_path / "images")
    assert [cache.scene_to_json(scene) for scene in resumed.scenes] == scenes
    np.testing.assert_array_equal(resumed.frames, whole.frames)
    np.testing.assert_array_equal(resumed.keypoints, whole.keypoints)


def test_latents_measure_pixels_and_the_decoder_undoes_it(data):
    torch.manual_seed(0)
    vae = s1_autoencoder.FrameAutoencoder().eval()
    images = cache.Cache(data / "images")
    pixels = torch.from_numpy(np.array(images.frames[:, 0])).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        before = vae.decode(vae.encode(pixels).latent_dist.mode()).sample
        s1_autoencoder.normalise_latents(vae, images)
        latents = vae.encode(pixels).latent_dist.mode()
        after = vae.decode(latents).sample
        metric = s1_autoencoder.pixel_metric(vae, latents)
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)
    assert latents.std().item() == pytest.approx(1, abs=0.05)
    # A unit of noise costs the same in every channel, and channels don't make up for each other.
    torch.testing.assert_close(
        metric / metric.diagonal().mean(), torch.eye(len(metric)), atol=0.15, rtol=0
    )


@pytest.mark.slow
def test_all_stages_to_a_working_pipeline(data, tmp_path, monkeypatch):
    names = ("vae", "joint", "temporal", "guided", "lite")
    vae, first, second, third, out = (tmp_path / name for name in names)
    short = ("--minutes", 0.03, "--batch-size", 2)
    run(monkeypatch, s1_autoencoder, "--data", data, "--out", vae, *short)
    sizes = ("--images", 6, "--clips", 2)
    run(monkeypatch, cache, "latents", "--out", data, "--vae", vae / "vae", *sizes)
    words = tmp_path / "text"
    run(monkeypatch, s2_text, "--out", words, *short)
    from_words = ("--data", data, "--init", words, "--out", first, "--batch-size", 2)
    run(monkeypatch, s3_joint, *from_words, "--minutes", 0.03)
    before = torch.load(first / "checkpoint.pt", weights_only=True)
    run(monkeypatch, s3_joint, *from_words, "--minutes", 0.1)
    after = torch.load(first / "checkpoint.pt", weights_only=True)
    assert after["step"] > before["step"] > 0
    assert after["minutes"] > before["minutes"]

    options = ("--data", data, "--init", first, "--out", second, "--minutes", 0.03)
    run(monkeypatch, s4_temporal, *options, "--batch-size", 1)
    # The temporal stage moves the paper's trainable set and nothing else.
    trained = torch.load(second / "checkpoint.pt", weights_only=True)
    start = after["stage"] | after["average"]
    moved = {k for k, v in trained["stage"].items() if not torch.equal(v, start[k])}
    assert moved
    assert all(any(part in key for part in s4_temporal.TRAINABLE) for key in moved)

    options = ("--data", data, "--init", second, "--out", third, "--minutes", 0.1)
    run(monkeypatch, s5_guided, *options, "--batch-size", 2)
    # The last stage moves everything but the words.
    before, after = (torch.load(f / "checkpoint.pt", weights_only=True) for f in (second, third))
    start = before["stage"] | before["average"]
    moved = {k for k in start if not torch.equal(after["stage"][k], start[k])}
    assert {key.partition(".")[0] for key in moved} == {"unet", "pose_encoder"}

    run(monkeypatch, assemble, "--vae", vae / "vae", "--networks", third, "--out", out)
    verify_hashes(out)
    assert json.loads((out / "world.json").read_text())["world_sha256"] == assemble.world_hash()
    pipeline = load_pipeline(out, device="cpu", dtype=torch.float32)
    skeleton = np.zeros((2, 256, 256, 3), np.uint8)
    video = pipeline("a panda", skeleton, SampleSettings(num_inference_steps=1)).video
    assert video.shape == (2, 256, 256, 3)

    run(monkeypatch, generated_latents, "--data", data, "--model", out, "--images", 3)
    latents = np.load(data / "images" / "made.npy")
    assert latents.shape == (3, 1, 8, 32, 32) and np.isfinite(latents).all()
    assert latents.std(axis=(1, 2, 3, 4)).min() > 0
    painter = tmp_path / "decoder"
    run(monkeypatch, s7_decoder, "--data", data, "--init", out, "--out", painter, *short)
    before, after = (vae.state_dict() for vae in (pipeline.vae, load_vae(painter / "vae")))
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    assert {key.partition(".")[0] for key in moved} == {"decoder"}


def test_an_autoencoder_has_as_many_channels_as_asked_for(data, tmp_path, monkeypatch):
    of_run = ("--data", data, "--out", tmp_path, "--steps", 1, "--batch-size", 2)
    run(monkeypatch, s1_autoencoder, *of_run, "--latent-channels", 4)
    assert load_vae(tmp_path / "vae").config.latent_channels == 4
    with pytest.raises(SystemExit):
        run(monkeypatch, s1_autoencoder, *of_run, "--latent-channels", 0)


def load_vae(folder: Path) -> torch.nn.Module:
    return s1_autoencoder.FrameAutoencoder.from_pretrained(folder)


def test_the_critic_and_the_decoder_learn_from_each_other_but_not_for_each_other(monkeypatch):
    torch.manual_seed(0)
    stage = s7_decoder.DecoderStage()
    batch = {
        "latents": torch.randn(2, 8, 4, 4),
        "pixels": torch.rand(2, 3, 32, 32) * 2 - 1,
        "weight": torch.ones(2, 1, 32, 32),
    }

    def gradients(weight: float) -> tuple[torch.Tensor, torch.Tensor]:
        monkeypatch.setattr(s7_decoder, "CRITIC_WEIGHT", weight)
        stage.zero_grad()
        stage(batch)["loss"].backward()
        assert all(p.grad is None for p in stage.vae.encoder.parameters())
        first = (stage.vae.decoder[0], stage.critic[0])
        return tuple(layer.weight.grad.clone() for layer in first)

    (decoder_alone, critic), (decoder_led, critic_too) = gradients(0.0), gradients(1.0)
    assert not torch.allclose(decoder_alone, decoder_led)
    torch.testing.assert_close(critic, critic_too)  # what the decoder wants is nothing to it


def test_the_saved_decoder_lies_between_the_first_and_the_trained():
    first, trained = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    expected = 0.25 * first.weight + 0.75 * trained.weight
    averages.mix(trained, first, 0.25)
    torch.testing.assert_close(trained.weight, expected)


def test_a_model_may_go_a_part_of_the_way_that_a_run_went(tmp_path, monkeypatch):
    lite, out = WEIGHTS / "lite", tmp_path / "model"
    kinds = {"unet": FollowYourPoseUNet, "pose_encoder": PoseEncoder}
    after = tmp_path / "run"
    for name in ("text_encoder", "tokenizer"):
        shutil.copytree(lite / name, after / name)
    for name, kind in kinds.items():
        network = kind.from_pretrained(lite / name)
        for parameter in network.parameters():
            parameter.data += 0.1
        network.save_pretrained(after / name)
    of_run = ("--vae", lite / "vae", "--networks", after, "--out", out)
    run(monkeypatch, assemble, *of_run, "--before", lite, "--share", 0.25)
    for name, kind in kinds.items():
        mixed, first = (kind.from_pretrained(folder / name) for folder in (out, lite))
        for ours, theirs in zip(mixed.parameters(), first.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs + 0.025, atol=2e-3, rtol=2e-3)
    verify_hashes(out)

    with pytest.raises(SystemExit):
        run(monkeypatch, assemble, *of_run, "--share", 0.25)
    with pytest.raises(SystemExit):
        run(monkeypatch, assemble, *of_run, "--before", lite, "--share", 1.5)


def test_noise_is_taken_away_again():
    clean = torch.randn(1, 8, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    scheduler = lite_scheduler()

    class Right(torch.nn.Module):
        """Answers the true velocity."""

        dtype = torch.float32

        def forward(self, sample, timestep, text, features):
            alpha = scheduler.alphas_cumprod[timestep]
            velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
            return UNetOutput(sample=velocity)

    text = torch.zeros(1, 24, TEXT_WIDTH)
    pipeline = SimpleNamespace(scheduler=scheduler, unet=Right())
    found = generated_latents.denoised(pipeline, clean, noise, text, [], first=649, step=100)
    torch.testing.assert_close(found, clean, atol=1e-4, rtol=0)


def test_what_the_denoiser_makes_goes_on_where_it_was_stopped():
    written = np.zeros((40, 1, 8, 4, 4), np.float16)
    assert generated_latents.resume_at(written) == 0
    written[:17] = 1  # the third batch of eight only in part
    assert generated_latents.resume_at(written) == 16


def test_the_decoder_says_how_to_make_what_it_learns_from(tmp_path):
    with pytest.raises(SystemExit, match=r"made.npy is missing: .*training\.generated_latents"):
        s7_decoder.load_made(tmp_path / "made.npy")


def test_the_guided_stage_is_content_with_the_guided_answer():
    tokenizer = build_tokenizer(world_vocabulary())
    stage = s5_guided.GuidedStage(tokenizer)
    checkpoints.load_average(stage, WEIGHTS / "lite")
    weight = torch.ones(1, 1, 1, 32, 32)
    weight[..., 10:20, 10:20] = s3_joint.PERSON_WEIGHT
    skeleton = torch.zeros(1, 1, 3, 256, 256)
    skeleton[:, :, :, 100:150, 120:130] = 1
    batch = {
        "timestep": torch.tensor([500]),
        "weight": weight,
        "skeleton": skeleton,
        "use_pose": torch.ones(1),
    }
    noisy = torch.randn(1, 8, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    texts = tokenizer(["", "a panda on the sea"], padding="max_length", return_tensors="pt")
    velocity = noisy + 1
    with torch.no_grad():
        empty, text = stage.text_encoder(texts.input_ids).last_hidden_state.split(1)
        pose = stage.pose_encoder(skeleton)
        no_pose = stage.unet(noisy, 500, text).sample
        no_prompt = stage.unet(noisy, 500, empty, pose).sample
    near = (..., slice(9, 21), slice(9, 21))  # people and the cells next to them
    right = guide(no_prompt, velocity, s5_guided.PROMPT_GUIDANCE_SCALE)
    right[near] = guide(no_pose, velocity, s5_guided.POSE_GUIDANCE_SCALE)[near]
    assert (right - velocity).abs()[near].max() > 1 and (right - velocity).abs()[..., 0].max() > 1
    target = stage.target(batch, noisy, text, velocity, right)
    torch.testing.assert_close(target, right, atol=1e-4, rtol=0)
    # Where the prompt was left out there is nothing to be led to by it.
    target = stage.target(batch, noisy, empty, velocity, no_prompt)
    far = (..., slice(22, 32))
    torch.testing.assert_close(target[far], velocity[far], atol=1e-4, rtol=0)


def test_muon_moves_a_matrix_in_all_directions_alike():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.nn.Parameter(torch.zeros(8, 32))
    row = torch.nn.Parameter(torch.zeros(8))
    # A gradient of which one direction is a hundred times as large as the rest.
    matrix.grad = torch.randn(8, 32, generator=generator)
    matrix.grad += 100 * torch.outer(matrix.grad[:, 0], matrix.grad[0])
    row.grad = torch.tensor([-1.0, 2, -3, 4, -5, 6, -7, 8])
    loop.muon([matrix, row], 1e-3).step()
    moved = torch.linalg.svdvals(matrix.detach())
    assert moved.max() < 2 * moved.min()
    # What is no matrix moves as with AdamW, however large its gradient.
    assert torch.equal(row.sign(), -row.grad.sign()) and row.abs().max() < 1.1 * row.abs().min()


def test_what_one_frame_has_wrong_and_the_next_has_not_costs_more(monkeypatch):
    stage = s3_joint.DiffusionStage(build_tokenizer(world_vocabulary()), size=64)
    shape = (1, 8, 2, 8, 8)
    batch = {
        "latents": torch.zeros(shape),
        "noise": torch.randn(shape, generator=torch.Generator().manual_seed(0)),
        "timestep": torch.tensor([999]),  # pure noise: the velocity is minus the latents, 0
        "weight": torch.ones(1, 1, 2, 8, 8),
        "tokens": torch.zeros(1, 24, dtype=torch.long),
        "skeleton": torch.zeros(1, 2, 3, 64, 64),
        "use_pose": torch.ones(1),
    }

    def losses(first: float, second: float) -> dict[str, float]:
        answer = torch.tensor([first, second]).view(1, 1, 2, 1, 1).expand(shape)
        monkeypatch.setattr(stage.unet, "forward", lambda *_: UNetOutput(sample=answer))
        return {name: value.item() for name, value in stage(batch).items()}

    steady, flickering = losses(1, 1), losses(1, -1)
    assert steady["unweighted"] == pytest.approx(1) == flickering["unweighted"]
    assert steady["loss"] == pytest.approx(1) and steady["flicker"] == 0
    assert flickering["loss"] == pytest.approx(1 + 4 * s3_joint.FLICKER_WEIGHT)


def test_people_and_above_all_their_heads_weigh_more():
    person = np.zeros((1, 3, 17, 3), np.float32)
    person[0, 0, :5] = [[128, 60, 1], [134, 54, 1], [122, 54, 1], [140, 56, 1], [116, 56, 1]]
    person[0, 0, 5:7] = [[150, 90, 1], [106, 90, 1]]
    person[0, 0, 11:13] = [[145, 170, 1], [111, 170, 1]]
    weight = s3_joint.loss_weight(person)
    assert weight.shape == (1, 32, 32)
    head, hips, corner = (
        weight[0, 56 // 8, 128 // 8],
        weight[0, 170 // 8, 128 // 8],
        weight[0, 0, 0],
    )
    assert (head, hips, corner) == (s3_joint.HEAD_WEIGHT, s3_joint.PERSON_WEIGHT, 1)


def test_a_kill_while_saving_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    stage = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(stage.parameters())
    average = averages.Average(stage)
    accelerator = loop.Accelerator(cpu=True)
    checkpoints.save(tmp_path, stage, optimizer, average, 1, 0.5, accelerator)

    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(tmp_path, stage, optimizer, average, 2, 0.9, accelerator)
    assert checkpoints.restore(tmp_path, stage, optimizer, average) == (1, 0.5)


class Toy(torch.nn.Module):
    """A stage of one weight, whose items are single numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Linear(1, 1)

    def forward(self, batch: batches.Item) -> batches.Item:
        return {"loss": (self.net(batch["x"]) - batch["quantile"]).square().mean()}


def toy_batch(draw: batches.Draw, size: int) -> batches.Item:
    items = draw.items(size)
    return batches.stack(
        [{"x": batches.normal((1,), rng), "quantile": torch.tensor([q])} for rng, q in items]
    )


def options(out: Path, **changes: object) -> Options:
    values = {"minutes": 1.0, "steps": 6, "batch_size": 4, "learning_rate": 0.1, "seed": 3}
    values |= {"data": Path(), "out": out, "save_minutes": 5.0, "init": None}
    return Options(**(values | changes))


def test_timesteps_lie_where_there_is_most_to_learn():
    steps = [s3_joint.timestep_at(quantile) for quantile in np.linspace(0, 1, 1001)]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 999)
    assert np.mean(np.array(steps) < 500) == pytest.approx(0.7, abs=0.01)


def test_halves_of_a_batch_are_the_batch():
    whole = toy_batch(batches.Draw(seed=1, step=5), 4)
    halves = [toy_batch(batches.Draw(1, 5, process, 2), 2) for process in (0, 1)]
    for name, value in whole.items():
        torch.testing.assert_close(torch.cat([half[name] for half in halves]), value)
    assert sorted(whole["quantile"].flatten().mul(4).int().tolist()) == [0, 1, 2, 3]
    other = toy_batch(batches.Draw(seed=1, step=6), 4)
    assert not torch.equal(other["x"], whole["x"])


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path):
    class KilledError(Exception):
        pass

    def killed_at_step_4(draw: batches.Draw) -> batches.Item:
        if draw.step == 4:
            raise KilledError
        return toy_batch(draw, 4)

    def weights_after(out: Path, make_batch: batches.MakeBatch, **changes: object) -> list:
        torch.manual_seed(0)
        stage = Toy()
        loop.train(stage, make_batch, options(out, **changes))
        return [p.tolist() for p in stage.parameters()]

    whole = weights_after(tmp_path / "whole", lambda draw: toy_batch(draw, 4))
    with pytest.raises(KilledError):  # a checkpoint after every step
        weights_after(tmp_path / "broken", killed_at_step_4, save_minutes=0.0)
    assert weights_after(tmp_path / "broken", lambda draw: toy_batch(draw, 4)) == whole
    assert (tmp_path / "whole" / "loss.png").stat().st_size > 1000


def test_what_is_logged_says_where_a_run_resumes_and_how_it_does(tmp_path):
    told: list[dict] = []
    for steps in (3, 5):
        loop.train(
            Toy(),
            lambda draw: toy_batch(draw, 4),
            options(tmp_path, steps=steps),
            on_log=told.append,
        )
    starts = [line for line in told if "dtype" in line]
    assert [line["step"] for line in starts] == [0, 3]
    assert {line["dtype"] for line in starts} <= {"float32", "bfloat16"}
    steps = [line for line in told if "loss" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4, 5]
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == steps
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["finished"]


def test_the_skeleton_reader_is_trained_by_the_common_loop(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(averages, "SETTLING_BATCHES", 2)
    monkeypatch.setattr(keypoint_network, "report", lambda weights: {"read": str(weights)})
    for _ in range(2):  # a finished run only reports
        run(monkeypatch, keypoint_network, "--out", tmp_path, "--steps", 3, "--batch-size", 2)
        said = capsys.readouterr().out.splitlines()
        assert json.loads(said[-1]) == {"read": str(tmp_path / "weights")}
    verify_hashes(tmp_path / "weights")
    (saved,) = (tmp_path / "weights").glob("*.safetensors")
    assert load_file(saved)["stem.1.0.weight"].dtype == torch.float16
    network = KeypointNet.from_pretrained(tmp_path / "weights")
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert all(norm.running_var.min() != 1 for norm in norms)  # measured for the averages
    columns = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert {"loss", "people", "joints", "offset", "link"} <= columns.keys()


class Timed(torch.nn.Module):
    """A stage whose passes take `slower` times as long in bfloat16, by a clock that it moves."""

    def __init__(self, clock: list[float], slower: float) -> None:
        super().__init__()
        self.net = torch.nn.Linear(1, 1)
        self.clock, self.slower = clock, slower

    def __deepcopy__(self, _memo: dict) -> Timed:
        return Timed(self.clock, self.slower)

    def forward(self, batch: batches.Item) -> batches.Item:
        half = torch.is_autocast_enabled("cpu")
        self.clock[0] += 0.05 * len(batch["x"]) * (self.slower if half else 1)
        return {"loss": self.net(batch["x"]).square().mean()}


@pytest.mark.parametrize(
    ("slower", "faster"),
    [(8.0, torch.float32), (1.2, torch.float32), (0.8, torch.bfloat16), (0.4, torch.bfloat16)],
)
def test_the_dtype_is_the_one_in_which_a_step_takes_less_time(monkeypatch, slower, faster):
    clock = [0.0]
    monkeypatch.setattr(dtype.time, "perf_counter", lambda: clock[0])
    stage = Timed(clock, slower)
    assert dtype.faster_dtype(stage, {"x": torch.ones(16, 1)}) == faster
    assert clock[0] < 20  # at most two rounds of both on a whole batch, for a stage this slow
    assert all(p.grad is None for p in stage.parameters())  # a copy was tried


@pytest.mark.parametrize(("kind", "autocast"), [(torch.float32, False), (torch.bfloat16, True)])
def test_a_stage_trains_in_the_dtype_that_was_found(tmp_path, monkeypatch, kind, autocast):
    seen = []

    class Watched(Toy):
        def forward(self, batch: batches.Item) -> batches.Item:
            seen.append(torch.is_autocast_enabled("cpu"))
            return super().forward(batch)

    monkeypatch.setattr(loop, "faster_dtype", lambda *_: kind)
    loop.train(Watched(), lambda draw: toy_batch(draw, 4), options(tmp_path, steps=2))
    assert seen == [autocast] * 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"minutes": 0}, "minutes is 0: choose more than 0"),
        ({"minutes": -3.0}, "minutes is -3"),
        ({"minutes": float("nan")}, "minutes is nan"),
        ({"steps": 0}, "steps is 0: choose 1 or more"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_options_that_no_run_can_have_are_refused(tmp_path, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        options(tmp_path, **changes)


def test_a_command_refuses_minutes_in_one_sentence(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, s2_text, "--out", tmp_path, "--minutes", "-3")
    assert "error: minutes is -3: choose more than 0." in capsys.readouterr().err


def test_training_starts_from_the_averages_or_from_saved_networks(tmp_path):
    stage, other = Toy(), Toy()
    loop.train(stage, lambda draw: toy_batch(draw, 4), options(tmp_path))
    checkpoints.load_average(other, tmp_path)
    assert other.net.weight.item() == stage.net.weight.item()
    (tmp_path / "networks" / "net").mkdir(parents=True)
    saved = {k: v.half() for k, v in stage.net.state_dict().items()}
    save_file(saved, tmp_path / "networks" / "net" / "model.safetensors")
    checkpoints.load_average(other, tmp_path / "networks")
    assert other.net.weight.item() == stage.net.weight.half().item()
    with pytest.raises(SystemExit, match="holds no network of Toy"):
        checkpoints.load_average(other, tmp_path / "nowhere")


@pytest.mark.slow
def test_two_processes_learn_what_one_does_with_twice_the_batch(data, tmp_path, monkeypatch):
    vae = s1_autoencoder.FrameAutoencoder()
    vae.save_pretrained(tmp_path / "vae")
    if not (data / "images" / "latents.npy").exists():
        cache.encode(data / "images", tmp_path / "vae")
    words = tmp_path / "text"
    run(monkeypatch, s2_text, "--out", words, "--steps", 2, "--batch-size", 2)
    losses = {}
    for processes, batch in ((1, 4), (2, 2)):
        out = tmp_path / str(processes)
        launch = ["-m", "torch.distributed.run", "--nproc_per_node", processes]
        launch += ["-m", "fyp_world.training.s3_joint", "--data", data, "--init", words]
        stage = ["--out", out, "--steps", 4, "--batch-size", batch]
        subprocess.run(
            [sys.executable, *map(str, [*launch, *stage])],
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        lines = (out / "log.jsonl").read_text().splitlines()
        losses[processes] = json.loads(lines[-1])["loss"]
    assert losses[2] == pytest.approx(losses[1], rel=2e-3)
