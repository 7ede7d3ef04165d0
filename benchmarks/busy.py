"""The default clip beside busy programs: `bench.py busy`.

Whether threads wait well shows only where they don't get a processor each. How badly others come in
between depends on who they are, so there are several kinds: loops, and networks whose threads wait
for each other, too. Each runs in a session of its own, as programs in other windows do.

Every way of waiting has a process of its own, which makes a clip when asked; they take turns, so
that what else the machine does meets all of them. A machine that works for others as well measures
right in a scheduling group that outweighs them (Linux; root):

    setsid -w sh -c 'echo -19 > /proc/self/autogroup; exec python benchmarks/bench.py busy'
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

# A clip of 20 steps, or what it would have taken after 20 seconds of it.
CLIP = """
import sys, time
if {torch_first}: import torch
from fyp_lite import ClipSettings, SampleSettings, data_dir, load_pipeline, prepare_clip
pipeline = load_pipeline(device="cpu")
clip = prepare_clip(data_dir() / "clips" / "dance.mp4", ClipSettings(), pipeline.size)
settings = SampleSettings()
for _ in sys.stdin:
    began = time.perf_counter()
    for step in pipeline.steps("a panda on the sea", clip.frames, settings):
        seconds = time.perf_counter() - began
        if seconds > 20: break
    seconds *= settings.num_inference_steps / (step.index + 1)
    began = time.perf_counter()
    pipeline.decode(step.latents)
    print(seconds + time.perf_counter() - began, flush=True)
"""
LOOP = "while True: pass"
NETWORK = """
import torch
convolution = torch.nn.Conv2d(32, 32, 3, padding=1).requires_grad_(False)
frames = torch.randn(2, 32, 32, 32)
while True: convolution(frames)
"""
LOADS = {
    "nothing else": [],
    "one busy loop": [LOOP],
    "two busy loops": [LOOP] * 2,
    "two busy networks": [NETWORK] * 2,
}
# As libgomp and LLVM wait by themselves; set, the kit leaves it.
UNTOUCHED = {"GOMP_SPINCOUNT": "300000", "KMP_BLOCKTIME": "200"}
WAYS: dict[str, tuple[bool, dict[str, str]]] = {
    "fyp_lite first": (False, {}),
    "torch first": (True, {}),
    "as OpenMP waits by itself": (False, UNTOUCHED),
    "OMP_WAIT_POLICY=PASSIVE": (False, {"OMP_WAIT_POLICY": "PASSIVE"}),
}
GROUP = Path("/proc/self/autogroup")


def start(code: str, extra: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k not in {*UNTOUCHED, "OMP_WAIT_POLICY"}}
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, env=environment | (extra or {}), text=True, **options)


@contextmanager
def running(load: list[str]) -> Iterator[None]:
    """Programs that keep processors busy, each as important to the scheduler as this one."""
    weight = GROUP.read_text().split()[-1] if GROUP.exists() else ""
    others = [start(code, start_new_session=True) for code in load]
    try:
        for other in others:
            if weight not in ("", "0"):
                Path(f"/proc/{other.pid}/autogroup").write_text(weight)
        time.sleep(4 if NETWORK in load else 1)  # torch takes a while to be imported
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def seconds_of_clip(process: subprocess.Popen[str]) -> float:
    assert process.stdin and process.stdout
    process.stdin.write("clip\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def measure_busy(repeats: int = 3) -> dict[str, dict[str, Any]]:
    """Seconds of the default clip beside others, and how many times as long as on an idle machine.

    Medians; "spread" is the fastest and the slowest. The idle machine's is UNTOUCHED, beside
    nothing else: what spins all the time loses least to what else runs on a machine that is not
    quite idle.
    """
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ExitStack() as stack:
        makers = {}
        for way, (torch_first, extra) in WAYS.items():
            code = CLIP.format(torch_first=torch_first)
            makers[way] = stack.enter_context(start(code, extra, **pipes))
            stack.callback(makers[way].kill)
            seconds_of_clip(makers[way])  # the first clip also gets things ready
        times: dict[str, dict[str, list[float]]] = {w: {n: [] for n in LOADS} for w in makers}
        for _ in range(repeats):
            for name, load in LOADS.items():
                with running(load):
                    for way, maker in makers.items():
                        times[way][name].append(seconds_of_clip(maker))
    idle = statistics.median(times["as OpenMP waits by itself"]["nothing else"])
    table: dict[str, dict[str, Any]] = {}
    for way, of_loads in times.items():
        table[way] = {
            name: {
                "seconds": round(statistics.median(found), 2),
                "times_idle": round(statistics.median(found) / idle, 2),
                "spread": [round(min(found), 2), round(max(found), 2)],
            }
            for name, found in of_loads.items()
        }
    return table


if __name__ == "__main__":
    print(json.dumps(measure_busy(), indent=1))
