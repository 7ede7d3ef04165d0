"""The estimate before a run: linear in steps, counted in network evaluations, never timed here."""

from __future__ import annotations

import pytest
import torch

from fyp_lite import cost
from fyp_lite.cost import Probe, cost_line, estimate_seconds, network_evaluations
from fyp_lite.full.footprint import blueprint, count_operations
from fyp_lite.full.memory import MemoryMode, set_memory_mode
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.text import readable_seconds

CLIP = ClipSettings(num_frames=2)


@pytest.fixture(autouse=True)
def no_probes_kept(monkeypatch):
    monkeypatch.setattr(cost, "_probes", {})


def settings(steps: int, scale: float | None = None) -> SampleSettings:
    return SampleSettings(num_inference_steps=steps, guidance_scale=scale)


def test_linear_in_steps_plus_one_decoding(tiny_pipeline, monkeypatch):
    monkeypatch.setattr(cost, "_measure", lambda *_: Probe(step=0.5, decode=0.25))
    found = [estimate_seconds(tiny_pipeline, CLIP, settings(steps)) for steps in (1, 10, 20)]
    assert found == [0.75, 5.25, 10.25]
    assert estimate_seconds(tiny_pipeline, CLIP, settings(10), num_videos=3) == 3 * 5.25


@pytest.mark.parametrize(("scale", "rows"), [(0, 1), (1, 1), (3, 2), (None, 2), (12.5, 2)])
def test_the_calls_counted_are_the_calls_made(tiny_pipeline, monkeypatch, scale, rows):
    made = []
    forward = tiny_pipeline.unet.forward

    def counting(sample, timestep, text, *arguments):
        made.append(len(text))
        return forward(sample, timestep, text, *arguments)

    monkeypatch.setattr(tiny_pipeline.unet, "forward", counting)
    assert network_evaluations(tiny_pipeline, settings(4, scale)) == 4 * rows
    assert estimate_seconds(tiny_pipeline, CLIP, settings(4, scale)) > 0
    assert made == [rows] * 4  # one step to warm up, three that are timed


def test_one_probe_serves_every_number_of_steps_but_not_every_shape(tiny_pipeline, monkeypatch):
    probed = []

    def measure(_pipeline, num_frames, branches):
        probed.append((num_frames, branches))
        return Probe(1.0, 0.0)

    monkeypatch.setattr(cost, "_measure", measure)
    for steps in (1, 5, 50):
        estimate_seconds(tiny_pipeline, CLIP, settings(steps, 3))
    estimate_seconds(tiny_pipeline, ClipSettings(num_frames=4), settings(5, 3))
    estimate_seconds(tiny_pipeline, CLIP, settings(5, 1))
    assert probed == [(2, 2), (4, 2), (2, 1)]


def test_the_line_says_what_is_counted(tiny_pipeline, monkeypatch):
    monkeypatch.setattr(cost, "_measure", lambda *_: Probe(step=0.5, decode=0.1))
    assert cost_line(tiny_pipeline, CLIP, settings(8, 3)) == (
        "about 4 s on this machine (16 network evaluations: 8 steps × 2 branches)"
    )
    assert cost_line(tiny_pipeline, CLIP, settings(1, 1)) == (
        "less than 1 s on this machine (1 network evaluation: 1 step × 1 branch)"
    )
    assert "(60 network evaluations: 10 steps × 2 branches × 3 videos)" in cost_line(
        tiny_pipeline, CLIP, settings(10), num_videos=3
    )


def test_seconds_are_rounded_as_an_estimate():
    assert [readable_seconds(s) for s in (0.4, 4.4, 89, 91, 600, 7300)] == [
        "less than 1 s",
        "about 4 s",
        "about 89 s",
        "about 2 min",
        "about 10 min",
        "about 2 h",
    ]


def test_a_long_clip_is_counted_by_windows(tiny_pipeline, monkeypatch):
    monkeypatch.setattr(cost, "_measure", lambda *_: Probe(step=1.0, decode=0.0))
    assert network_evaluations(tiny_pipeline, settings(4, 3), num_frames=8) == 8
    assert network_evaluations(tiny_pipeline, settings(4, 3), num_frames=16) == 3 * 8
    line = cost_line(tiny_pipeline, ClipSettings(num_frames=16), settings(4, 3))
    assert line.endswith("(24 network evaluations: 4 steps × 2 branches × 3 windows)")


def test_a_guidance_interval_saves_a_branch_in_the_other_steps(tiny_pipeline, monkeypatch):
    monkeypatch.setattr(cost, "_measure", lambda _, frames, count: Probe(count, decode=0.5))
    half = SampleSettings(num_inference_steps=8, guidance_scale=3, guidance_end=0.5)
    assert network_evaluations(tiny_pipeline, half) == 4 * 2 + 4
    assert estimate_seconds(tiny_pipeline, CLIP, half) == 4 * 2 + 4 + 0.5
    assert "(12 network evaluations: 4 steps × 2 branches + 4 steps × 1 branch)" in cost_line(
        tiny_pipeline, CLIP, half
    )
    long = cost_line(tiny_pipeline, ClipSettings(num_frames=16), half)
    assert (
        "(36 network evaluations: (4 steps × 2 branches + 4 steps × 1 branch) × 3 windows)" in long
    )
    off = SampleSettings(num_inference_steps=8, guidance_scale=1, guidance_end=0.5)
    assert network_evaluations(tiny_pipeline, off) == 8


def test_memory_follows_the_mode_and_a_gpu_is_said_to_be_computed(tiny_pipeline, monkeypatch):
    monkeypatch.setattr(cost, "_measure", lambda *_: Probe(step=1.0, decode=0.0))
    asked = []

    class Estimate:
        peak = 4 * 10**9

    def estimate(model, num_frames, mode, *, branches, device_type):
        asked.append((num_frames, mode.slicing, branches, device_type))
        return Estimate

    monkeypatch.setattr(cost, "estimate_memory", estimate)
    assert "about 4 s and 4.0 GB on" in cost_line(tiny_pipeline, CLIP, settings(4, 3))
    cpu, plain = torch.device("cpu"), MemoryMode(torch.float32)
    set_memory_mode(tiny_pipeline, MemoryMode(torch.float32, slicing=True), cpu)
    cost_line(tiny_pipeline, CLIP, settings(4, 1))
    set_memory_mode(tiny_pipeline, plain, cpu)
    assert asked == [(2, False, 2, "cpu"), (2, True, 1, "cpu")]
    gpu = property(lambda self: torch.device("cuda"))
    monkeypatch.setattr(type(tiny_pipeline), "_execution_device", gpu)
    line = cost_line(tiny_pipeline, CLIP, settings(4, 3))
    assert line.startswith("about 4 s and 4.0 GB (computed, not run) on this machine")


def test_time_of_a_model_that_is_not_here(tiny_pipeline, monkeypatch):
    monkeypatch.setattr(cost, "convolution_speed", lambda device, dtype: 1e6)
    model, cpu = blueprint(tiny_pipeline), torch.device("cpu")
    step = count_operations(model, torch.float32, 8, 2)
    assert step > 1.9 * count_operations(model, torch.float32, 4, 2)
    found = [
        cost.estimate_seconds_unseen(model, num_frames, 10, cpu, torch.float32)
        for num_frames in (8, 16)
    ]
    assert found == pytest.approx([10 * step / 0.5e6, 3 * 10 * step / 0.5e6])


def test_the_speed_of_a_convolution_is_a_speed():
    assert 1e8 < cost.convolution_speed(torch.device("cpu"), torch.float32) < 1e14
