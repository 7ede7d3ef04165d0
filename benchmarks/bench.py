"""Time and memory on this machine: `make bench`. The last line of output is one JSON object.

Speeds are also given as shares of the machine's own convolution peak and as ratios to the published
way of working, all measured in the same run, since machines differ and are noisy. On a machine that
is busy with other things, OMP_NUM_THREADS=1 measures best: seconds are then the one thread's own.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from baseline import as_published
from busy import measure_busy
from clock import best_seconds, convolution_peak, gflop, interleaved, where_time_goes
from torch import nn
from training import measure_training

from fyp_lite import ClipSettings, SampleSettings, data_dir, load_pipeline
from fyp_lite.full.memory import free_memory
from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.unet import FollowYourPoseUNet
from fyp_lite.opening import open_clip, prepare_clip
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.text import readable_bytes
from fyp_lite.video import encode_webp, write_long_video

PROMPT = "a panda on the sea"
CLIP = data_dir() / "clips" / "dance.mp4"
MID = {
    "block_out_channels": (64, 128, 256, 256),
    "num_attention_heads": 8,
    "cross_attention_dim": 128,
}
FULL_BYTES = 14e9  # two copies in float32, one in bfloat16 that comes from a third
SIZE = 32  # height and width of the latents
NUMBERS_OF_FRAMES = (8, 16, 32, 64, 128)
DTYPES = (torch.float32, torch.bfloat16)
GUIDED = SampleSettings(guidance_scale=2)  # two network evaluations a step


def load_lite(dtype: torch.dtype) -> FollowYourPosePipeline:
    pipeline = load_pipeline(device="cpu", dtype=dtype)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def measure_sampling(dtype: torch.dtype, settings: SampleSettings) -> dict[str, float]:
    """The default clip: 8 frames, 20 steps."""
    pipeline = load_lite(dtype)
    skeletons = prepare_clip(CLIP, ClipSettings(), pipeline.size).frames
    one_step = replace(settings, num_inference_steps=1)
    work = gflop(lambda: next(pipeline.steps(PROMPT, skeletons, one_step)))["all"]

    def loop() -> torch.Tensor:
        for step in pipeline.steps(PROMPT, skeletons, settings):
            latents = step.latents
        return latents

    peak = convolution_peak(dtype)
    latents = loop()
    loop_seconds = best_seconds(loop, 3)
    decode_seconds = best_seconds(lambda: pipeline.decode(latents), 3)
    # Text and pose are encoded once and are part of `work`: a hundredth of a run's operations.
    rate = work * settings.num_inference_steps / loop_seconds
    return {
        "seconds": round(loop_seconds + decode_seconds, 2),
        "loop_seconds": round(loop_seconds, 2),
        "decode_seconds": round(decode_seconds, 2),
        "gflop_per_step": round(work, 1),
        "gflop_per_second": round(rate),
        "convolution_peak": round(peak),
        "share_of_peak": round(rate / peak, 2),
    }


class NetworkCall:
    """One look of a network at both branches of guidance: `sample` has one row, `text` two."""

    def __init__(
        self, unet: FollowYourPoseUNet, pose_encoder: PoseEncoder, num_frames: int, num_tokens: int
    ) -> None:
        self.networks: list[Any] = [
            network.eval().requires_grad_(False).to(memory_format=torch.contiguous_format)
            for network in (unet, pose_encoder)
        ]
        generator = torch.Generator().manual_seed(0)
        channels, width = unet.config.in_channels, unet.config.cross_attention_dim
        size, pixels = SIZE, SIZE * pose_encoder.config.patch
        self.sample = torch.randn(1, channels, num_frames, size, size, generator=generator)
        self.text = torch.randn(2, num_tokens, width, generator=generator)
        self.skeleton = torch.rand(1, num_frames, 3, pixels, pixels, generator=generator)

    def networks_in(self, dtype: torch.dtype, memory_format: torch.memory_format) -> list[Any]:
        if (dtype, memory_format) == (torch.float32, torch.contiguous_format):
            return self.networks
        copies = (nn.Module.to(copy.deepcopy(network), dtype) for network in self.networks)
        return [network.to(memory_format=memory_format) for network in copies]

    def ours(self, dtype: torch.dtype) -> Callable[[], torch.Tensor]:
        unet, pose_encoder = self.networks_in(dtype, torch.channels_last)
        sample, text, skeleton = (t.to(dtype) for t in (self.sample, self.text, self.skeleton))
        features = pose_encoder(skeleton)
        return lambda: unet(sample, 500, text, features).sample

    def published(self, dtype: torch.dtype) -> Callable[[], torch.Tensor]:
        unet, pose_encoder = self.networks_in(dtype, torch.contiguous_format)
        sample, skeleton = (t.to(dtype).repeat(2, 1, 1, 1, 1) for t in (self.sample, self.skeleton))
        text = self.text.to(dtype)

        def call() -> torch.Tensor:
            with as_published():
                return unet(sample, 500, text, pose_encoder(skeleton)).sample

        return call


@torch.no_grad()
def compare(call: NetworkCall, repeats: int) -> dict[str, dict[str, float]]:
    """Our way of working against the published one, in turn."""
    modes = {"published, float32": call.published(torch.float32)}
    modes |= {f"ours, {name_of(dtype)}": call.ours(dtype) for dtype in DTYPES}
    expected = modes["published, float32"]()
    times = interleaved(modes, repeats)
    table = {}
    for name, function in modes.items():
        work = gflop(function)["all"]
        table[name] = {
            "seconds": round(times[name], 3),
            "gflop": round(work, 1),
            "gflop_per_second": round(work / times[name]),
            "times_faster": round(times["published, float32"] / times[name], 2),
            "difference": float((function() - expected).abs().max() / expected.std()),
        }
    return table


def measure_full() -> dict[str, dict[str, float]] | str:
    """The published size, 2 x 4 frames of 32 x 32 latents, where its three copies have room."""
    if free_memory(torch.device("cpu")) < FULL_BYTES:
        return f"left out: it needs {readable_bytes(FULL_BYTES)} of free memory"
    return compare(NetworkCall(FollowYourPoseUNet(), PoseEncoder(), 4, 77), 3)


def measure_mid() -> dict[str, dict[str, float]]:
    """A network of a 25th of that, 2 x 8 frames."""
    pose_encoder = PoseEncoder(MID["block_out_channels"])
    return compare(NetworkCall(FollowYourPoseUNet(**MID), pose_encoder, 8, 77), 5)


@torch.no_grad()
def measure_profile() -> dict[str, dict[str, Any]]:
    """Where a step of the lite model spends its time, in the published way and in ours."""
    pipeline = load_lite(torch.float32)
    call = NetworkCall(pipeline.unet, pipeline.pose_encoder, 8, 24)
    table = {}
    for dtype in DTYPES:
        peak = convolution_peak(dtype)
        for way in ("published", "ours"):
            function = getattr(call, way)(dtype)
            times = where_time_goes(function, 8)
            work, whole = gflop(function), sum(times.values())
            table[f"{way}, {name_of(dtype)}"] = {
                "milliseconds": round(whole, 1),
                "share_of_peak": round(work["all"] / whole * 1e3 / peak, 2),
                "share_inside_convolutions": round(
                    work["convolution"] / times["convolution"] * 1e3 / peak, 2
                ),
                "by_kind": times,
            }
    return table


@torch.no_grad()
def measure_frames() -> dict[int, float]:
    """Seconds a frame for one step of ever longer clips, which are seen through windows."""
    pipeline = load_lite(torch.bfloat16)
    settings, found = SampleSettings(num_inference_steps=2), {}
    for num_frames in NUMBERS_OF_FRAMES:
        skeletons = torch.zeros(num_frames, pipeline.size, pipeline.size, 3, dtype=torch.uint8)
        steps = pipeline.steps(PROMPT, skeletons.numpy(), settings)
        next(steps)
        found[num_frames] = round(best_seconds(lambda s=steps: next(s), 1) / num_frames, 4)
    return found


def measure_frames_memory() -> dict[int, int]:
    """Peak resident memory in MiB of a process that makes two steps of clips of so many frames."""
    code = """
import resource, sys, numpy as np, torch
from fyp_lite import SampleSettings, load_pipeline
pipeline = load_pipeline(device="cpu", dtype=torch.bfloat16)
pipeline.set_progress_bar_config(disable=True)
skeletons = np.zeros((int(sys.argv[1]), pipeline.size, pipeline.size, 3), np.uint8)
pipeline("a panda", skeletons, SampleSettings(num_inference_steps=2))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    found = {}
    for num_frames in NUMBERS_OF_FRAMES:
        command = [sys.executable, "-c", code, str(num_frames)]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        found[num_frames] = mebibytes(int(ran.stdout))
    return found


def measure_raw() -> dict[str, float]:
    """Milliseconds a frame to find people, and how memory grows, in a raw video of 2,000 frames.

    The bundled cartoon, over and over. On one thread: time of the processor, not of the clock.
    """
    code = """
import resource, sys, time
from fyp_lite.keypoints.extract import extract_keypoints

def note(done, total):
    peaks.append((time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))

peaks = []
extract_keypoints(sys.argv[1], backend="cartoon", on_progress=note, cache=False)
(began, early), (ended, late) = peaks[99], peaks[1999]
print((ended - began) / 1900 * 1e3, early, late, peaks[-1][1])
"""
    with tempfile.TemporaryDirectory() as folder, open_clip(CLIP.with_stem("cartoon")) as clip:
        frames = clip.read(range(clip.num_frames))
        path = Path(folder) / "long.mp4"
        write_long_video(path, itertools.islice(itertools.cycle(frames), 2000), clip.fps)
        command = [sys.executable, "-c", code, path]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
    milliseconds, *peaks = map(float, ran.stdout.split())
    early, late, whole = (mebibytes(int(peak)) for peak in peaks)
    return {
        "ms_per_frame": round(milliseconds),
        "peak_mib": whole,
        "growth_from_frame_100_to_2000_mib": late - early,
        "growth_by_steadying_mib": whole - late,
    }


def mebibytes(peak: int) -> int:
    """Of what getrusage gives: macOS counts bytes, others count kilobytes."""
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


@torch.no_grad()
def measure_compile() -> dict[str, float]:
    """What torch.compile costs and gains for the lite network, in bfloat16."""
    pipeline = load_lite(torch.bfloat16)
    call = NetworkCall(pipeline.unet, pipeline.pose_encoder, 8, 24)
    eager = call.ours(torch.bfloat16)
    compiled = torch.compile(eager, dynamic=False, options={"freezing": True})
    began = time.perf_counter()
    compiled()
    compile_seconds = time.perf_counter() - began
    times = interleaved({"eager": eager, "compiled": compiled}, 10)
    return {
        "compile_seconds": round(compile_seconds),
        "times_faster": round(times["eager"] / times["compiled"], 2),
    }


def measure_import() -> dict[str, object]:
    """Seconds that `import fyp_lite` adds to bare Python, and what it must not load."""

    def median(code: str) -> float:
        command = [sys.executable, "-c", code]
        seconds = []
        for _ in range(9):
            began = time.perf_counter()
            subprocess.run(command, check=True)
            seconds.append(time.perf_counter() - began)
        return statistics.median(seconds)

    added = median("import fyp_lite") - median("pass")
    code = "import sys, fyp_lite; print([m for m in ('torch', 'ipywidgets') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return {"added_seconds": round(added, 3), "loads": loaded.stdout.decode().strip()}


def measure_preview() -> dict[str, float]:
    """Milliseconds from a slider's move to a preview: choose, crop and encode."""
    with open_clip(CLIP) as clip:
        settings = [ClipSettings(start_frame=start, crop_right=start) for start in range(0, 60, 6)]
        times = []
        for one in settings:
            began = time.perf_counter()
            prepared = prepare_clip(clip, one, 256)
            encode_webp(prepared.frames, prepared.fps)
            times.append((time.perf_counter() - began) * 1e3)
    return {"median_ms": round(statistics.median(times)), "worst_ms": round(max(times))}


def measure_demo_memory() -> int:
    """Peak resident memory of `fyp-lite demo`, in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fyp_lite", "demo"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        assert (Path(folder) / "out" / "demo.mp4").is_file()
    return mebibytes(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def measure_sweep() -> dict[str, float]:
    """Seconds of a sweep of 16 videos, with loading, in one process and with two workers."""
    seeds = ",".join(map(str, range(16)))
    command = [sys.executable, "-m", "fyp_lite", "sweep", PROMPT, "--clip", "dance"]
    command += ["--vary", f"seed={seeds}"]
    seconds = {}
    for name, workers in (("one process", []), ("two workers", ["--workers", "2"])):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            subprocess.run([*command, "--out", folder, *workers], check=True, capture_output=True)
            seconds[name] = round(time.perf_counter() - began, 1)
            assert len(list(Path(folder).glob("*.mp4"))) == 16
    return seconds | {"times_faster": round(seconds["one process"] / seconds["two workers"], 2)}


PARTS: dict[str, Callable[[], Any]] = {
    "import": measure_import,
    "preview": measure_preview,
    "demo_peak_mib": measure_demo_memory,
    "bfloat16": lambda: measure_sampling(torch.bfloat16, SampleSettings()),
    "float32": lambda: measure_sampling(torch.float32, SampleSettings()),
    "bfloat16_guided": lambda: measure_sampling(torch.bfloat16, GUIDED),
    "float32_guided": lambda: measure_sampling(torch.float32, GUIDED),
    "profile": measure_profile,
    "frames": measure_frames,
    "frames_memory": measure_frames_memory,
    "raw": measure_raw,
    "mid": measure_mid,
    "full": measure_full,
    "compile": measure_compile,
    "sweep": measure_sweep,
    "busy": measure_busy,
    "training": measure_training,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)} (default: all)")
    parts = parser.parse_args().parts or list(PARTS)
    for name in parts:
        if name not in PARTS:
            parser.error(f"there is no part {name!r}: choose from {', '.join(PARTS)}")
    results: dict[str, Any] = {"threads": torch.get_num_threads(), "torch": torch.__version__}
    for name in parts:
        results[name] = PARTS[name]()
        print(f"{name}: {json.dumps(results[name], indent=1)}", flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
