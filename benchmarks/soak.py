"""A long session in one kernel: does memory or time grow?

    python benchmarks/soak.py [--generations 200] [--moves 500] [--steps 2] [--frames 2]
    python benchmarks/soak.py --clips-only

A Jupyter kernel opens the quickstart's panel with the bundled model, presses Generate again and
again, then moves the sliders of the preview. One JSON line compares the kernel's own memory and the
time per run, early and late; seconds are the kernel's own, which other processes do not lengthen.
Steps and frames are few, so that it takes minutes: what leaks does so once a run.

Another kernel looks at clips of 1080p and 4K (large_clips.py), within limits of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import large_clips

MEASURED = 20  # runs, early and late
# Runs after which everything has been used: compiled kernels and pools after a few generations, and
# the preview's store of frames, which has a limit, once the sliders have been nearly everywhere.
GENERATIONS_BEFORE, MOVES_BEFORE = 20, 250
PROMPTS = ("a panda on the sea", "a robot on the moon", "an astronaut in the park")


def own_mb() -> float:
    """Memory that only this process has; the files' pages that it shares come and go."""
    import psutil

    return psutil.Process().memory_full_info().uss / 2**20


class Tally:
    """Memory after every run, in MB, and what each took, in the process's own seconds."""

    def __init__(self, runs_before: int) -> None:
        self.runs_before = runs_before
        self.memory: list[float] = []
        self.seconds: list[float] = []

    def add(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.memory.append(own_mb())

    def summary(self) -> dict[str, Any]:
        """The medians of `MEASURED` runs after the first ones, and of the last ones."""
        early = slice(self.runs_before, self.runs_before + MEASURED)
        parts = {"early": early, "late": slice(-MEASURED, None)}
        facts: dict[str, Any] = {"runs": len(self.seconds)}
        for name, values, digits in (("mb", self.memory, 1), ("seconds", self.seconds, 4)):
            early, late = (median(values[part]) for part in parts.values())
            facts |= {f"{name}_early": round(early, digits), f"{name}_late": round(late, digits)}
            facts[f"{name}_drift_percent"] = round(100 * (late / early - 1), 1)
        return facts


async def session(generations: int, moves: int, steps: int, frames: int) -> dict[str, Any]:
    """Runs inside the kernel, where the panel's messages go out to the front end."""
    from fyp_course.panels.generate import ClipPreview, GenerateControls
    from fyp_lite import ClipSettings, data_dir, load_pipeline
    from fyp_lite.opening import open_clip

    pipeline = load_pipeline()
    clip = open_clip(data_dir() / "clips" / "dance.mp4")
    preview = ClipPreview(clip, pipeline.size, ClipSettings(num_frames=frames))
    panel = GenerateControls(pipeline, preview, PROMPTS[0])
    panel.show()
    panel.steps.value = steps
    chance, generated, moved = random.Random(0), Tally(GENERATIONS_BEFORE), Tally(MOVES_BEFORE)
    for number in range(generations):
        panel.prompt.value, panel.seed.value = PROMPTS[number % len(PROMPTS)], number
        began = time.process_time()
        panel.generate_button.click()
        await panel.task
        generated.add(time.process_time() - began)
        if not panel.progress_label.value.startswith("done"):
            raise RuntimeError(f"run {number}: {panel.progress_label.value} {panel.message.value}")
    for number in range(moves):
        slider = (preview.start_frame, preview.frame_stride)[number % 2]
        other = [value for value in range(slider.min, slider.max + 1) if value != slider.value]
        began = time.process_time()
        slider.value = chance.choice(other)
        moved.add(time.process_time() - began)
    facts = {"generations": generated.summary(), "slider_moves": moved.summary()}
    return facts | {"steps": steps, "frames": frames}


def run_in_kernel(code: str) -> str:
    """What `code` prints in a new kernel, which is shut down afterwards."""
    from jupyter_client.manager import start_new_kernel

    printed = []

    def listen(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    manager, client = start_new_kernel(extra_arguments=["--log-level=ERROR"])
    try:
        reply = client.execute_interactive(code, output_hook=listen, timeout=None)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    if reply["content"]["status"] != "ok":
        raise RuntimeError("\n".join(reply["content"]["traceback"]))
    return "".join(printed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--generations", type=int, default=200)
    parser.add_argument("--moves", type=int, default=500)
    parser.add_argument("--steps", type=int, default=2, help="of each generation")
    parser.add_argument("--frames", type=int, default=2, help="of each generation")
    parser.add_argument("--clips-only", action="store_true", help="only the large clips")
    options = vars(parser.parse_args())
    clips_only = options.pop("clips_only")
    least = [before + 2 * MEASURED for before in (GENERATIONS_BEFORE, MOVES_BEFORE)]
    if options["generations"] < least[0] or options["moves"] < least[1]:
        parser.error("at least {} generations and {} moves are needed".format(*least))
    failed = []
    if not clips_only:
        facts = facts_of("soak", options)
        memory = max(facts[part]["mb_drift_percent"] for part in ("generations", "slider_moves"))
        failed += [f"memory grew by {memory} %, more than 5"] if memory > 5 else []
    failed += large_clips.too_much(facts_of("large_clips", {}))
    sys.exit("; ".join(failed) or 0)


def facts_of(module: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run a module's session in a new kernel; what it found, also printed as a JSON line."""
    folder = str(Path(__file__).resolve().parent)
    printed = run_in_kernel(
        f"import sys, json; sys.path.insert(0, {folder!r}); import {module}\n"
        f"facts = await {module}.session(**{arguments})\nprint(json.dumps(facts))"
    )
    facts = json.loads(printed.strip().splitlines()[-1])
    print(json.dumps(facts), flush=True)
    return facts


if __name__ == "__main__":
    main()
