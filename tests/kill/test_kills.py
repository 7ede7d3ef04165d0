"""Work that is killed at random moments: nothing corrupt, and at most one interval lost.

`make fuzz` kills 120 times, at moments that its seed draws; `make test` a few times.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzzing import LONG
from hub_server import BIG, FILES, SOURCE, serve
from killing import STEPS, Killer, convert_model, download, generate, train
from published_files import TINY, write_follow_your_pose, write_stable_diffusion
from safetensors.torch import load_file

from fyp_lite.cards.card import RunCard
from fyp_lite.files.hashes import verify_hashes
from fyp_lite.full.sources import CHECKPOINT
from fyp_lite.opening import open_clip

KILLS = 30 if LONG else 3  # of each kind of work
SEED = int(os.environ.get("FYP_LITE_FUZZ") or 0)


@pytest.fixture(scope="module")
def killer():
    with pytest.MonkeyPatch.context() as patch:
        # The fork server starts with what it is told here, and keeps it.
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=os.pathsep)
        patch.setenv("OMP_NUM_THREADS", "1")
        yield Killer(SEED)


def seen(folder: Path) -> list[str]:
    """What a user sees in a folder: names that begin with a dot are unfinished work."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def kill_often(killer: Killer, job: Callable, arguments: tuple, check: Callable, again: Callable):
    """Kill a job, check what it left and go on from there; after its end start again."""
    longest = 1.1 * killer.run(job, *arguments)
    check(True)
    again()
    for _ in range(KILLS):
        finished = killer.kill(job, longest, *arguments)
        check(finished)
        if finished:
            again()
    killer.run(job, *arguments)
    check(True)


def test_training(killer, tmp_path):
    out, ends = tmp_path / "run", []

    def check(finished: bool) -> None:
        begun = out / "begun"
        step = int(begun.read_text().splitlines()[-1]) if begun.exists() else 0
        saved = {"step": 0}
        if (out / "checkpoint.pt").exists():
            saved = torch.load(out / "checkpoint.pt", weights_only=True)
        assert saved["step"] >= step  # at most the step that was going on is lost
        if (out / "log.jsonl").exists():
            assert all(map(json.loads, (out / "log.jsonl").read_text().splitlines()))
        network = out / "net/model.safetensors"
        if finished:
            assert saved["step"] == STEPS
            ends.append(load_file(network)["weight"].item())
        elif network.exists():
            load_file(network)

    kill_often(killer, train, (out,), check, lambda: shutil.rmtree(out))
    assert len(set(ends)) == 1  # broken or not, a run ends in the same weights


def test_generation_to_disk(killer, tmp_path):
    out, videos = tmp_path / "out.mp4", []

    def check(finished: bool) -> None:
        assert set(seen(tmp_path)) <= {"out.mp4", "out.json"}
        if out.exists():
            with open_clip(out) as clip:
                videos.append(clip.read(range(2)))
                assert clip.num_frames == 2
        if out.with_suffix(".json").exists():
            assert RunCard.load(out.with_suffix(".json")).request.sample_settings.seed == 5
        assert not finished or len(seen(tmp_path)) == 2

    kill_often(killer, generate, (out, 5), check, out.unlink)
    assert all(np.array_equal(video, videos[0]) for video in videos)


def test_conversion(killer, tmp_path):
    write_follow_your_pose(tmp_path / "files/fyp", TINY["unet"])
    write_stable_diffusion(tmp_path / "files/sd", TINY)
    out = tmp_path / "made/full"

    def check(finished: bool) -> None:
        if out.exists():
            verify_hashes(out)
        assert not finished or seen(tmp_path / "made") == ["full"]

    def again() -> None:
        shutil.rmtree(out)

    longest = 1.1 * killer.run(convert_model, out, tmp_path / "files")
    check(True)
    for _ in range(KILLS):
        if out.exists():
            again()
        check(killer.kill(convert_model, longest, out, tmp_path / "files"))


def test_download(killer, tmp_path):
    cache = tmp_path / "hub"
    snapshot = cache / "models--someone--poses/snapshots"

    def check(finished: bool) -> None:
        for path in snapshot.rglob("*"):
            name = path.relative_to(snapshot).as_posix().partition("/")[2]
            if path.is_file() and path.suffix == ".part":
                assert FILES[name.removesuffix(".part")].startswith(path.read_bytes())
            elif path.is_file():
                assert path.read_bytes() == FILES[name]
        assert not finished or len(list(snapshot.rglob("*.part"))) == 0

    with serve(pause=0.02) as (handler, address):
        kill_often(killer, download, (cache, address, SOURCE), check, lambda: shutil.rmtree(cache))
        asked = [part for path, part in handler.requests if CHECKPOINT in path and part]
    starts = [int(part.removeprefix("bytes=").split("-")[0]) for part in asked]
    assert all(0 < start < len(BIG) for start in starts)
