"""Sweeps on Dask workers, and sweeps that are killed: nothing is lost, nothing is made twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import fyp_lite
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.sweeps.axes import SweepError
from fyp_lite.sweeps.cluster import local_client
from fyp_lite.sweeps.run import Batch, batch
from fyp_lite.sweeps.worker import loaded

pytestmark = pytest.mark.slow
DANCE = str(fyp_lite.data_dir() / "clips" / "dance.mp4")
SHORT = ClipSettings(num_frames=2)
QUICK = Request("a panda", DANCE, "", SHORT, SampleSettings(num_inference_steps=2))
SLOW = QUICK.changed({"num_inference_steps": 60})


@pytest.fixture(scope="module")
def folder(tiny_pipeline, tmp_path_factory):
    """The tiny pipeline, saved where workers find it."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny_pipeline.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def client():
    with local_client(2) as client:
        client.wait_for_workers(2)
        yield client


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npz")}


def test_workers_make_what_this_process_makes(folder, client, tmp_path):
    pipeline, _ = loaded(str(folder), "float32")
    axes = {"prompt": ["a panda", "the sea"], "seed": [0, 1]}
    here = batch(pipeline, QUICK, axes, out=tmp_path / "here")
    there = batch(pipeline, QUICK, axes, out=tmp_path / "there", client=client)
    assert [files.exact.name for files in here] == [files.exact.name for files in there]
    for one, other in zip(here, there, strict=True):
        assert np.abs(one.load()[0].astype(int) - other.load()[0]).max() <= 1  # of 255
    again = Batch(folder, QUICK, axes, tmp_path / "there")
    assert len(list(again.steps(client))) == 1  # all is stored, so it only begins


def test_a_network_that_is_not_the_saved_one_is_refused(folder, client, tmp_path):
    loaded.cache_clear()
    pipeline, _ = loaded(str(folder), "float32")
    loaded.cache_clear()
    next(pipeline.unet.parameters()).data += 0.5
    with pytest.raises(SweepError, match="are not those in"):
        batch(pipeline, QUICK, {}, out=tmp_path / "new", client=client)
    with pytest.raises(ValueError, match="shorten it"):
        batch(folder, QUICK, {"prompt": "a " * 200}, out=tmp_path / "new", client=client)
    assert not (tmp_path / "new").exists()


def test_a_killed_workers_video_is_made_again(folder, client, tmp_path, monkeypatch):
    whole = Batch(folder, SLOW, {"seed": range(6)}, tmp_path)
    kept, keep = [], whole.store.keep
    monkeypatch.setattr(whole.store, "keep", lambda s, f: (kept.append(s.exact.name), keep(s, f)))
    steps = whole.steps(client)
    next(at for at in steps if at.done == 1)
    pids = client.run(os.getpid)
    address, key = next((a, keys[0]) for a, keys in client.processing().items() if keys)
    os.kill(pids[address], signal.SIGKILL)
    assert not (tmp_path / f"{key.removeprefix('fyp-lite-')}.npz").exists()  # in the middle of it
    before = times(tmp_path)
    assert [at.done for at in steps][-1] == 6
    assert len(kept) == len(set(kept)) == len(times(tmp_path)) == 6
    assert f"{key.removeprefix('fyp-lite-')}.npz" in kept
    assert before.items() <= times(tmp_path).items() and not list(tmp_path.glob(".*.part"))
    client.wait_for_workers(2)
    assert pids[address] not in client.run(os.getpid).values()


def test_a_sweep_killed_at_any_moment_is_resumed(folder, tmp_path):
    command = [sys.executable, "-m", "fyp_lite", "sweep", "a panda", "--clip", "dance"]
    command += ["--model", str(folder), "--vary", "seed=0,1,2,3,4,5,6,7", "--steps", "60"]
    command += ["--num-frames", "2", "--out", str(tmp_path / "out")]
    moments, seen = random.Random(0), {}
    for stored in (1, 3, 5):
        process = subprocess.Popen(command)
        while len(times(tmp_path / "out")) < stored:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.2))
        process.kill()
        process.wait()
        assert seen.items() <= times(tmp_path / "out").items() and process.returncode == -9
        seen = times(tmp_path / "out")
        assert len(seen) >= stored
        for name in seen:
            assert len(np.load(tmp_path / "out" / name)["video"]) == 2
    subprocess.run(command, check=True)
    assert seen.items() <= times(tmp_path / "out").items() and len(times(tmp_path / "out")) == 8


def test_workers_keep_the_memory_that_a_network_needs_again(client):
    found = client.run(os.environ.get, "MALLOC_TRIM_THRESHOLD_")
    assert list(found.values()) == [None, None]
