"""Time and memory on this machine: `make bench`. The last line of output is one JSON object.

Speeds of the sampling loop are also given as shares of the machine's own convolution peak, measured
in the same run, since machines differ and are noisy.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from fyp_lite import ClipSettings, SampleSettings, data_dir, load_pipeline
from fyp_lite.clip import open_clip, prepare_clip
from fyp_lite.video import encode_webp

PROMPT = "a panda on the sea"
CLIP = data_dir() / "clips" / "dance.mp4"


def best_seconds(function: Callable[[], object], repeats: int) -> float:
    """The fastest of some runs: noise only ever adds time."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


@torch.no_grad()
def convolution_peak(dtype: torch.dtype) -> float:
    """GFLOP/s of the fastest of a few 3 x 3 convolutions, channels-last."""
    peak = 0.0
    for channels, size in ((96, 32), (128, 64), (256, 32)):
        conv = torch.nn.Conv2d(channels, channels, 3, padding=1, dtype=dtype)
        conv.to(memory_format=torch.channels_last)
        frames = torch.randn(16, channels, size, size, dtype=dtype)
        frames = frames.contiguous(memory_format=torch.channels_last)
        flops = 2 * 9 * channels**2 * size**2 * 16
        conv(frames)
        peak = max(peak, flops / best_seconds(lambda c=conv, f=frames: c(f), 15) / 1e9)
    return peak


def measure_sampling(dtype: torch.dtype) -> dict[str, float]:
    """The default clip: 8 frames, 20 steps, guidance on."""
    pipeline = load_pipeline(device="cpu", dtype=dtype)
    pipeline.set_progress_bar_config(disable=True)
    skeletons = prepare_clip(CLIP, ClipSettings(), pipeline.size).frames
    settings = SampleSettings()
    with FlopCounterMode(display=False) as counter:
        next(pipeline.steps(PROMPT, skeletons, SampleSettings(num_inference_steps=1)))
        one_step = counter.get_total_flops()

    def loop() -> torch.Tensor:
        for step in pipeline.steps(PROMPT, skeletons, settings):
            latents = step.latents
        return latents

    peak = convolution_peak(dtype)
    loop_seconds = best_seconds(loop, 3)
    latents = loop()
    decode_seconds = best_seconds(lambda: pipeline.decode(latents), 3)
    # Text and pose are encoded once and are part of `one_step`: a hundredth of a run's operations.
    rate = one_step * settings.num_inference_steps / loop_seconds / 1e9
    return {
        "seconds": round(loop_seconds + decode_seconds, 2),
        "loop_seconds": round(loop_seconds, 2),
        "decode_seconds": round(decode_seconds, 2),
        "gflop_per_step": round(one_step / 1e9, 1),
        "gflop_per_second": round(rate),
        "convolution_peak": round(peak),
        "share_of_peak": round(rate / peak, 2),
    }


def measure_import() -> dict[str, object]:
    """Seconds that `import fyp_lite` adds to bare Python, and what it must not load."""

    def median(code: str) -> float:
        command = [sys.executable, "-c", code]
        return statistics.median(
            best_seconds(lambda: subprocess.run(command, check=True), 1) for _ in range(9)
        )

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


def measure_demo_memory() -> float:
    """Peak resident memory of `fyp-lite demo`, in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fyp_lite", "demo"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        assert (Path(folder) / "out" / "demo.mp4").is_file()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes


def main() -> None:
    results: dict[str, object] = {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "import": measure_import(),
        "preview": measure_preview(),
        "demo_peak_mib": round(measure_demo_memory()),
    }
    for dtype in (torch.bfloat16, torch.float32):
        results[str(dtype).removeprefix("torch.")] = measure_sampling(dtype)
    for name, value in results.items():
        print(f"{name:15} {value}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
