"""How threads wait: what is set before torch, what the user set, and beside busy programs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import namedtuple

import psutil
import pytest
import torch
from helpers import build_tiny_pipeline

from fyp_lite import ClipSettings, SampleSettings, data_dir, prepare_clip, threads

Times = namedtuple("Times", "user nice system irq softirq steal idle", defaults=[0.0] * 7)


@pytest.fixture
def ours(monkeypatch):
    """The user has set nothing, and torch works with two threads."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    for name, value in threads.SPIN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(threads, "crowd", threads.Crowd())
    monkeypatch.setattr(threads, "neighbours", threads.Neighbours())
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    threads.crowd.leave()
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ({}, "10000 1"),
        ({"GOMP_SPINCOUNT": "5"}, "5 None"),
        ({"KMP_BLOCKTIME": "7"}, "None 7"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "None None"),
    ],
)
def test_threads_spin_briefly_unless_the_user_has_said_how(user, found):
    environment = {k: v for k, v in os.environ.items() if k not in threads.SPIN}
    environment.pop("OMP_WAIT_POLICY", None)
    code = "import fyp_lite, os; print(*map(os.environ.get, ('GOMP_SPINCOUNT', 'KMP_BLOCKTIME')))"
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment | user, capture_output=True, check=True
    )
    assert run.stdout.decode().strip() == found


def look(monkeypatch, *, others: float, own: float = 1.5) -> float:
    """What is measured on two processors of which `others` were kept busy by other programs, and
    `own` by this process."""
    clock = 0.0
    monkeypatch.setattr(threads.time, "monotonic", lambda: clock)
    monkeypatch.setattr(threads.time, "process_time", lambda: own * clock)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 2}, raising=False)

    def cpu_times(percpu: bool) -> list[Times]:
        busy = (own + others) * clock / 2
        other_half = Times(user=0.5 * busy, steal=0.5 * busy, idle=clock - busy)
        return [other_half, Times(user=clock), other_half]

    monkeypatch.setattr(psutil, "cpu_times", cpu_times)
    neighbours = threads.Neighbours()
    for clock in (1.0, 2.0, 2.01):  # noqa: B007  the last is too soon to measure again
        neighbours.look()
    assert neighbours.processors == 2
    return neighbours.busy


@pytest.mark.parametrize("others", [0, 0.25, 0.5])
def test_the_work_of_others_is_what_is_not_ours(monkeypatch, others):
    assert look(monkeypatch, others=others) == pytest.approx(others)


def test_after_a_pause_others_count_as_idle(monkeypatch):
    assert look(monkeypatch, others=1.0, own=0.05) == 0
    assert look(monkeypatch, others=1.0, own=0.25) == pytest.approx(1)


def number_of_threads() -> int:
    return psutil.Process().num_threads()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the environment is set")
def test_beside_busy_programs_threads_give_way_and_come_back(ours, monkeypatch):
    monkeypatch.setattr(threads.Neighbours, "look", lambda self: None)
    threads.neighbours.processors = 2
    torch.zeros(2**20).add_(1)
    before = number_of_threads()
    threads.give_way()
    assert number_of_threads() == before  # nobody else is busy
    threads.neighbours.busy = 1.0
    for _ in range(3):
        threads.give_way()
        assert number_of_threads() == before + 2  # one team of two, once
    assert torch.get_num_threads() == 2
    threads.neighbours.busy = 0.1
    threads.give_way()
    ends = time.monotonic() + 20
    while number_of_threads() > before and time.monotonic() < ends:
        time.sleep(0.01)
    assert number_of_threads() == before


def test_a_user_who_has_said_how_to_wait_is_left_alone(ours, monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setattr(threads.Crowd, "gather", lambda *_: pytest.fail("threads were started"))
    threads.neighbours.busy = 2.0
    threads.give_way()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the environment is set")
def test_a_video_is_the_same_beside_busy_programs(ours, monkeypatch):
    monkeypatch.setattr(threads.Neighbours, "look", lambda self: None)
    threads.neighbours.processors = 2
    pipeline = build_tiny_pipeline(["a", "panda"])
    clip = data_dir() / "clips" / "dance.mp4"
    frames = prepare_clip(clip, ClipSettings(num_frames=2), pipeline.size).frames
    latents = []
    for busy in (0.0, 2.0):
        threads.neighbours.busy = busy
        latents.append(pipeline("a panda", frames, SampleSettings(num_inference_steps=2)).latents)
        assert (threads.crowd._end is not None) == (busy > 0)
    assert torch.equal(*latents)
