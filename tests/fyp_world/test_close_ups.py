"""Training on windows, choosing among snapshots, and the whole training by one command."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from fyp_lite.files.hashes import verify_hashes
from fyp_lite.loading import load_pipeline
from fyp_lite.model.text import build_tokenizer
from fyp_lite.model_folder import WEIGHTS
from fyp_world.evaluation import blend
from fyp_world.training import all as training_all
from fyp_world.training import batches, cache, checkpoints, options, s5_guided, s6_close_ups
from fyp_world.training.s3_joint import HEAD_WEIGHT, make_item
from fyp_world.world.dataset import world_vocabulary

LITE = WEIGHTS / "lite"


@pytest.fixture(autouse=True)
def new_accelerator() -> None:
    """Accelerate keeps the first precision of a process for good: each test begins anew."""
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, count, num_frames in (("images", 4, 1), ("clips", 2, cache.CLIP_FRAMES)):
        cache.render(folder / name, count, num_frames, seed=0, workers=1)
        cache.encode(folder / name, LITE / "vae")
    return folder


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(world_vocabulary())


def options_for(out: Path, data: Path, **others: object) -> options.Options:
    values = {"minutes": 1.0, "steps": 2, "batch_size": 4, "learning_rate": 1e-4, "seed": 0}
    values |= {"save_minutes": 1.0, "init": LITE, "data": data, "out": out}
    return options.Options(**(values | others))


def test_windows_lie_around_people():
    person = np.zeros((3, 17, 3), np.float32)
    person[0] = (60, 200, 1)
    for seed in range(20):
        row, column = s6_close_ups.window(person, np.random.default_rng(seed))
        assert 0 <= row <= 16 and 0 <= column <= 16
        assert (
            row <= 200 / 8 < row + s6_close_ups.CELLS
            and column <= 60 / 8 < column + s6_close_ups.CELLS
        )
    away = person.copy()
    away[0, :, 0] = -100  # nobody is in the picture
    row, column = s6_close_ups.window(away, np.random.default_rng(0))
    assert 0 <= row <= 16 and 0 <= column <= 16


def test_a_close_up_is_a_part_of_its_picture(data, tokenizer):
    images = cache.Cache(data / "images")
    item = make_item(images, 0, tokenizer, np.random.default_rng(0), 0.5, 0.0)
    corner = s6_close_ups.window(np.array(images.keypoints[0, 0]), np.random.default_rng(0))
    part = s6_close_ups.close_up(item, corner)
    row, column = corner
    window = (..., slice(row, row + 16), slice(column, column + 16))
    torch.testing.assert_close(part["latents"], item["latents"][window])
    torch.testing.assert_close(part["noise"], item["noise"][window])
    pixels = (..., slice(row * 8, row * 8 + 128), slice(column * 8, column * 8 + 128))
    torch.testing.assert_close(part["skeleton"], item["skeleton"][pixels])
    # Away from people nothing counts, and people count as they do in whole frames.
    people = item["weight"][window] > 1
    torch.testing.assert_close(part["weight"][people], item["weight"][window][people])
    assert (part["weight"] == 0).any() or people.all()
    assert part["weight"].max() <= HEAD_WEIGHT
    assert part["tokens"] is item["tokens"]


def test_windows_are_led_by_the_pose_and_whole_frames_as_before(tokenizer):
    torch.manual_seed(0)
    stage = s6_close_ups.CloseUpStage(tokenizer)
    checkpoints.load_average(stage, LITE)

    def target(kind: type[s5_guided.GuidedStage], cells: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        noisy = torch.randn(1, 8, 1, cells, cells, generator=generator)
        batch = {
            "timestep": torch.tensor([300]),
            "weight": torch.full((1, 1, 1, cells, cells), 3.0),
            "skeleton": torch.rand(1, 1, 3, 8 * cells, 8 * cells, generator=generator),
            "use_pose": torch.ones(1),
        }
        words = tokenizer("a panda", padding="max_length", return_tensors="pt")
        with torch.no_grad():
            text = stage.text_encoder(words.input_ids).last_hidden_state
        return kind.target(stage, batch, noisy, text, noisy + 1, noisy)

    # Where people are everywhere, the guided stage is led by the pose alone as well.
    for cells in (16, 32):
        ours, theirs = (
            target(k, cells) for k in (s6_close_ups.CloseUpStage, s5_guided.GuidedStage)
        )
        torch.testing.assert_close(ours, theirs)


def test_batches_are_windows_and_now_and_then_whole_frames(data, tokenizer, monkeypatch, tmp_path):
    images, clips = cache.Cache(data / "images"), cache.Cache(data / "clips")
    make_batch = s6_close_ups.batches(images, clips, tokenizer, options_for(tmp_path, data))
    sizes = [make_batch(batches.Draw(0, step))["latents"].shape for step in range(20)]
    windows = [size for size in sizes if size[-1] == s6_close_ups.CELLS]
    assert set(windows) == {(4, 8, 1, 16, 16)}
    assert 8 <= len(windows) < 20
    assert {size[0] for size in sizes if size[-1] == 32} == {1}


def test_workers_prepare_the_same_batches(data, tokenizer, tmp_path):
    images, clips = cache.Cache(data / "images"), cache.Cache(data / "clips")
    options = options_for(tmp_path, data)
    make_batch = s6_close_ups.batches(images, clips, tokenizer, options)
    ahead = batches.prepared_batches(make_batch, options_for(tmp_path, data, workers=2), 3, (0, 1))
    here = batches.prepared_batches(make_batch, options, 3, (0, 1))
    for step in (3, 4, 5):
        batch, same = next(ahead), next(here)
        assert batch.keys() == same.keys()
        for name, value in make_batch(batches.Draw(0, step)).items():
            torch.testing.assert_close(batch[name], value)
            torch.testing.assert_close(same[name], value)


@pytest.mark.parametrize("count", ["-1", "two", "1.5"])
def test_a_number_of_workers_is_a_number(count):
    parser = options.option_parser("", minutes=1, batch_size=1, learning_rate=1)
    with pytest.raises(SystemExit):
        parser.parse_args(["--data", "d", "--out", "o", "--workers", count])


def test_a_candidate_wins_by_its_heads_if_it_loses_nothing():
    floor = {"heads": 14.0, "joints @0.1": 0.75, "shows all": 0.6}
    assert blend.is_better(floor | {"heads": 14.2}, floor, floor)
    assert not blend.is_better(floor | {"heads": 13.9}, floor, floor)
    assert not blend.is_better(floor | {"heads": 15.0, "joints @0.1": 0.7}, floor, floor)
    assert not blend.is_better(floor | {"heads": 15.0, "shows all": 0.5}, floor, floor)


class Nearest:
    """Scores weights by how near they are to a value."""

    def __init__(self, value: float) -> None:
        self.value = value

    def scores(self, weights):
        heads = -abs(weights["unet.a"].item() - self.value)
        return {"heads": heads, "joints @0.1": 0.7, "shows all": 0.6}


@pytest.mark.parametrize(
    ("value", "expected"), [(4.0, 4.0), (3.1, 3.0), (2.4, 2.25), (5.2, 5.0), (-3.0, 0.0)]
)
def test_the_mixture_nearest_to_the_truth_is_chosen(tmp_path, monkeypatch, value, expected):
    monkeypatch.setattr(
        blend, "mean_weights", lambda files: {"unet.a": torch.tensor(4.0 - (len(files) > 1))}
    )
    before = {"unet.a": torch.tensor(0.0)}
    files = [tmp_path / str(i) for i in range(3)]
    assert blend.choose(Nearest(value), before, files)["unet.a"] == pytest.approx(expected)


def run(monkeypatch, module, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    module.main()


@pytest.mark.slow
def test_close_ups_and_the_choice_among_their_snapshots(data, tmp_path, monkeypatch, capsys):
    run_folder, out = tmp_path / "run", tmp_path / "model"
    options = ("--data", data, "--init", LITE, "--out", run_folder, "--steps", 3)
    run(monkeypatch, s6_close_ups, *options, "--batch-size", 4, "--save-minutes", 0)
    snapshots = sorted((run_folder / "snapshots").glob("*.safetensors"))
    assert [path.stem for path in snapshots] == ["000001", "000002", "000003"]
    before = blend.saved_weights(LITE)
    after = load_file(snapshots[-1])
    assert set(after) <= set(before)
    assert any(not torch.equal(after[name], before[name]) for name in after)

    monkeypatch.setattr(blend, "COUNTS", (1,))
    monkeypatch.setattr(blend, "SHARES", (0.5,))
    run(monkeypatch, blend, "--run", run_folder, "--out", out, "--stills", 2, "--steps", 1)
    assert "the last 1, share 0.5" in capsys.readouterr().out
    verify_hashes(out)
    load_pipeline(out)
    with pytest.raises(SystemExit):
        run(monkeypatch, blend, "--run", tmp_path, "--out", out)


@pytest.mark.slow
def test_one_command_trains_everything(tmp_path, monkeypatch):
    sizes = ("--images", 4, "--clips", 2, "--batch-size", 2, "--workers", 1)
    run(monkeypatch, training_all, "--out", tmp_path, "--minutes", 0.1, *sizes)
    verify_hashes(tmp_path / "model")
    load_pipeline(tmp_path / "model")
    for stage in training_all.SHARES:
        assert (tmp_path / stage / "checkpoint.pt").exists()
    # The same command again finds everything done.
    before = (tmp_path / "joint" / "log.jsonl").read_text()
    run(monkeypatch, training_all, "--out", tmp_path, "--minutes", 0.1, *sizes)
    assert (tmp_path / "joint" / "log.jsonl").read_text() == before
