"""Memory modes give the plain path's result, and what they need is counted as it is allocated."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from helpers import build_tiny_pipeline
from torch.profiler import ProfilerActivity, profile

from fyp_lite import loading
from fyp_lite.full import footprint, memory
from fyp_lite.full.footprint import FULL, Blueprint, LiveBytes, blueprint, set_tiling
from fyp_lite.full.memory import (
    MemoryChoice,
    MemoryEstimate,
    MemoryMode,
    MemoryShortError,
    choose_memory_mode,
    estimate_memory,
    fit_to_memory,
    memory_mode,
    memory_modes,
    set_memory_mode,
)
from fyp_lite.loading import load_pipeline
from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.unet import FollowYourPoseUNet
from fyp_lite.pipeline import decode_frames
from fyp_lite.settings import SampleSettings
from fyp_lite.text import readable_bytes

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
PLAIN = MemoryMode(torch.float32)
MODES = {
    "slicing": MemoryMode(torch.float32, slicing=True),
    "chunking": MemoryMode(torch.float32, chunking=True),
    "in_turn": MemoryMode(torch.float32, in_turn=True),
    "offload": MemoryMode(torch.float32, offload=True),
    "all": MemoryMode(torch.float32, slicing=True, chunking=True, in_turn=True, offload=True),
}
WIDTHS = (32, 64)
LATENTS = 16
SMALL = Blueprint(
    {
        "unet": partial(
            FollowYourPoseUNet,
            sample_size=LATENTS,
            block_out_channels=WIDTHS,
            attention_levels=(True, False),
            cross_attention_dim=32,
            norm_num_groups=8,
        ),
        "pose_encoder": partial(PoseEncoder, WIDTHS),
        "vae": partial(
            AutoencoderKL,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(8, 16, 16, 16),
            norm_num_groups=4,
            sample_size=LATENTS * 8,
        ),
        "text_encoder": FULL.parts["text_encoder"],
    }
)


@pytest.fixture
def pipeline(tiny_pipeline):
    yield tiny_pipeline
    set_memory_mode(tiny_pipeline, PLAIN, CPU)


def sample(pipeline, num_frames: int = 10) -> torch.Tensor:
    """Latents of a clip of two windows, and its pictures in the same range."""
    skeleton = np.zeros((num_frames, pipeline.size, pipeline.size, 3), np.uint8)
    skeleton[:, 20:40, 20:30] = 255
    settings = SampleSettings(num_inference_steps=2, guidance_scale=3.0)
    output = pipeline("a panda", skeleton, settings)
    video = torch.from_numpy(output.video).float() / 255
    return torch.cat([output.latents.flatten(), video.flatten()])


@pytest.mark.parametrize("name", MODES)
def test_every_mode_equals_the_plain_path(pipeline, name):
    plain = sample(pipeline)
    set_memory_mode(pipeline, MODES[name], CPU)
    assert memory_mode(pipeline) == MODES[name]
    for _ in range(2):  # also when it runs again
        # Pictures are whole numbers of 255: a rounding may fall the other way.
        difference = (sample(pipeline) - plain).abs()
        assert difference[: -10 * 64 * 64 * 3].max() < 1e-4
        assert difference.max() < 1.1 / 255
    set_memory_mode(pipeline, PLAIN, CPU)
    assert memory_mode(pipeline) == PLAIN
    assert torch.equal(sample(pipeline), plain)


def test_modes_do_what_they_are_called(pipeline, monkeypatch):
    set_memory_mode(pipeline, MODES["all"], CPU)
    rows: dict[str, list[int]] = {"decode": [], "attention": [], "text": []}

    def spy(owner, method: str, name: str, which: int) -> None:
        real = getattr(owner, method)

        def seen(*arguments):
            rows[name].append(len(arguments[which]))
            return real(*arguments)

        monkeypatch.setattr(owner, method, seen)

    blocks = [m for m in pipeline.unet.modules() if isinstance(m, footprint.CrossFrameAttention)]
    spy(pipeline.vae, "decode", "decode", 0)
    spy(blocks[0], "attend", "attention", 0)
    spy(pipeline.unet, "forward", "text", 2)
    sample(pipeline, num_frames=3)
    assert rows["decode"] == [1, 1, 1]
    assert set(rows["attention"]) == {1}
    assert rows["text"] == [1, 1, 1, 1]  # two steps of two branches


def test_offload_brings_in_one_network_after_the_other(pipeline, monkeypatch):
    from accelerate.hooks import CpuOffload

    order = []
    real = CpuOffload.pre_forward

    def seen(hook, module, *arguments, **named):
        before = hook.prev_module_hook
        order.append((before and type(before.model).__name__, type(module).__name__))
        return real(hook, module, *arguments, **named)

    monkeypatch.setattr(CpuOffload, "pre_forward", seen)
    set_memory_mode(pipeline, MODES["offload"], CPU)
    sample(pipeline, num_frames=2)
    text, unet = type(pipeline.text_encoder).__name__, "FollowYourPoseUNet"
    assert list(dict.fromkeys(order)) == [
        (None, "PoseEncoder"),
        ("PoseEncoder", text),
        (text, unet),
        (unet, "FrameAutoencoder"),
    ]


def allocated(run, folder) -> int:
    """Bytes that PyTorch's own profiler saw allocated at the worst moment."""
    run()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    trace = folder / "trace.json"
    profiler.export_chrome_trace(str(trace))
    events = [e for e in json.loads(trace.read_text())["traceEvents"] if e["name"] == "[memory]"]
    events.sort(key=lambda event: event["ts"])
    totals = [event["args"]["Total Allocated"] for event in events]
    return max(totals) - (totals[0] - events[0]["args"]["Bytes"])


@pytest.mark.parametrize(
    ("dtype", "chunking"),
    [(torch.float32, False), (torch.float32, True), (torch.bfloat16, False)],
    ids=["float32", "chunking", "bfloat16"],
)
def test_the_count_is_what_is_allocated(tmp_path, dtype, chunking):
    networks = {n: make().to(dtype).eval() for n, make in SMALL.parts.items() if n != "vae"}
    footprint.set_chunking(networks["unet"], chunking)

    @torch.no_grad()
    def step():
        footprint._step(networks, 4, 2, LiveBytes())

    counted = footprint.count_denoise(SMALL, dtype, 4, 2, chunking, True)
    assert counted == pytest.approx(allocated(step, tmp_path), rel=0.15)


@pytest.mark.parametrize("frames_at_once", [1, 4])
def test_the_count_of_decoding_is_what_is_allocated(tmp_path, frames_at_once):
    vae = SMALL.parts["vae"]().eval().to(memory_format=torch.channels_last)

    @torch.no_grad()
    def decode():
        decode_frames(vae, torch.zeros(frames_at_once, 4, LATENTS, LATENTS), frames_at_once)

    counted = footprint.count_decode(SMALL, torch.float32, frames_at_once, False, True)
    assert counted == pytest.approx(allocated(decode, tmp_path), rel=0.15)


def test_only_what_is_alive_is_counted():
    held = torch.nn.Linear(256, 256)
    with torch.no_grad(), LiveBytes(held) as live:
        big = torch.zeros(1000)
        view = big.view(10, 100)[1:]
        assert live.live == 4000
        view.add_(1)
        held.weight.t()
        assert live.live == 4000
        del big, view
        assert live.live == 0
        assert live.peak == 4000


def test_each_mode_needs_less():
    modes = memory_modes([torch.float32], CUDA)
    needs = [estimate_memory(SMALL, 8, mode).peak for mode in modes]
    assert needs == sorted(needs, reverse=True) and needs[-1] < needs[0]
    half = estimate_memory(SMALL, 8, MemoryMode(torch.float16))
    assert sum(half.weights.values()) * 2 == sum(
        estimate_memory(SMALL, 8, modes[0]).weights.values()
    )


def test_a_long_clip_costs_what_is_kept_of_it():
    short, long = (estimate_memory(SMALL, n, PLAIN).live["unet"] for n in (8, 32))
    features = sum(width * (LATENTS >> i) ** 2 for i, width in enumerate(WIDTHS)) * 4
    assert long - short == 24 * features


def test_attention_without_a_fused_kernel_counts_its_scores():
    fused, plain = (
        estimate_memory(SMALL, 8, PLAIN, device_type=kind).live["unet"] for kind in ("cuda", "mps")
    )
    assert plain > fused


def test_the_goals_for_the_full_model():
    mode = MemoryMode(torch.float16, slicing=True)
    short, long = (estimate_memory(FULL, n, mode, device_type="cuda") for n in (8, 32))
    assert short.weights["unet"] + short.weights["pose_encoder"] == 2 * 998_470_084
    assert 3e9 < short.peak <= 8e9
    assert short.peak < long.peak <= 15e9


@pytest.fixture
def ladder(monkeypatch):
    """10 GB for the plain mode, 2 less for each thing that is switched on, half in half types."""

    def estimate(model, num_frames, mode, **_):
        switched = (mode.slicing, mode.chunking, mode.in_turn, mode.offload)
        need = (10 - 2 * sum(switched)) * 10**9
        return MemoryEstimate(
            {"unet": 0}, {"unet": need if mode.dtype.itemsize == 4 else need // 2}, mode.offload
        )

    monkeypatch.setattr(memory, "estimate_memory", estimate)


@pytest.mark.parametrize(
    ("free", "device", "line"),
    [
        (20, CPU, "float32: 10.0 GB of 20.0 GB free (cpu)"),
        (10, CPU, "float32, VAE slicing: 8.0 GB of 10.0 GB free (cpu)"),
        (4, CPU, "bfloat16, VAE slicing, attention chunking: 3.0 GB of 4.0 GB free (cpu)"),
        (
            1.5,
            CUDA,
            "bfloat16, VAE slicing, attention chunking, guidance branches in turn, model offload: "
            "1.0 GB of 1.5 GB free (cuda, computed, not run)",
        ),
    ],
)
def test_the_fastest_mode_that_fits_is_said_in_one_line(ladder, free, device, line):
    dtypes = [torch.float32, torch.bfloat16]
    choice = choose_memory_mode(SMALL, 8, device=device, free=int(free * 1e9), dtypes=dtypes)
    assert str(choice) == line


def test_what_does_not_fit_is_one_sentence(ladder):
    with pytest.raises(MemoryShortError) as caught:
        choose_memory_mode(SMALL, 8, device=CPU, free=10**9, dtypes=[torch.float32])
    assert str(caught.value) == (
        "8 frames need 4.0 GB even with float32, VAE slicing, attention chunking, guidance "
        "branches in turn, but cpu has 1.0 GB free, of which 85% can be planned with; close other "
        "programs, take fewer frames or use the lite model."
    )


def test_a_pipeline_is_fitted(pipeline, ladder, monkeypatch):
    weights = sum(memory.count_weights(blueprint(pipeline), torch.float32).values())
    # Weights that are in main memory already are as good as free.
    free = int(8e9 / memory.USABLE) - weights // 2
    monkeypatch.setattr(memory, "free_memory", lambda device: free)
    assert str(fit_to_memory(pipeline, CPU)) == "float32, VAE slicing: 8.0 GB of 9.4 GB free (cpu)"
    assert memory_mode(pipeline).slicing


def test_tiling_is_refused_where_there_is_none(pipeline):
    with pytest.raises(ValueError, match="FrameAutoencoder has no tiling.*slicing"):
        set_memory_mode(pipeline, MemoryMode(torch.float32, tiling=True), CPU)


def test_tiling_needs_less_and_changes_the_result():
    vae = SMALL.parts["vae"]().eval()
    latents = torch.randn(1, 4, LATENTS, LATENTS, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = vae.decode(latents).sample
        set_tiling(vae, LATENTS)
        tiled = vae.decode(latents).sample
    assert tiled.shape == whole.shape
    assert not torch.allclose(tiled, whole, atol=1e-4)
    tiling = footprint.count_decode(SMALL, torch.float32, 1, True, True)
    assert tiling < footprint.count_decode(SMALL, torch.float32, 1, False, True)


def test_bytes_are_rounded_as_an_estimate():
    assert [readable_bytes(size) for size in (5e7, 1e8, 3.14e9)] == [
        "less than 0.1 GB",
        "0.1 GB",
        "3.1 GB",
    ]


def test_a_large_model_is_fitted_when_it_is_loaded(tmp_path, monkeypatch, capsys, caplog):
    caplog.set_level("INFO", "fyp_lite")
    build_tiny_pipeline(["a", "panda"]).save_pretrained(tmp_path)
    load_pipeline(tmp_path, device="cpu", dtype=torch.float32)
    assert caplog.messages == []
    monkeypatch.setattr(loading, "LARGE", 0)
    pipeline = load_pipeline(tmp_path, device="cpu", dtype=torch.float32)
    (record,) = caplog.records
    assert record.getMessage().startswith("float32") and record.levelname == "INFO"
    assert pipeline.device.type == "cpu"
    caplog.clear()
    frugal = MemoryChoice(MemoryMode(torch.float32, slicing=True), 1, 2, "cpu")
    with monkeypatch.context() as patch:
        patch.setattr(loading, "fit_to_memory", lambda pipeline, device: frugal)
        load_pipeline(tmp_path, device="cpu", dtype=torch.float32)
    (record,) = caplog.records  # a slower mode, which a user should know of
    assert "VAE slicing" in record.getMessage() and record.levelname == "WARNING"
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(memory, "free_memory", lambda device: 1)
    with pytest.raises(MemoryShortError):
        load_pipeline(tmp_path, device="cpu", dtype=torch.float32)
