"""The whole model from nothing, for whoever has a GPU for some minutes.

    python -m fyp_world.training.all --out FOLDER --minutes 10

Renders the world on all cores, encodes it, trains the stages one after the other, each for its
share of the minutes, and puts the model together: `FOLDER/model` is one that `load_pipeline` reads.
Rendering and encoding come on top; 30,000 pictures and 1,500 clips take seven core-minutes to
render, and 9 GB. Every stage saves each minute, and the same command resumes where it was stopped.
It runs on a CPU as well, where minutes become hours. The last stage of the bundled model,
`training.s7_decoder`, is not part of it, nor is `training.s6_close_ups`, which has shown no gain.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

# The stages and their shares of the minutes. Each starts from the one before it, except the
# autoencoder and the text encoder, which start from nothing.
SHARES = {
    "autoencoder": 0.12,
    "text": 0.03,
    "joint": 0.45,
    "temporal": 0.05,
    "guided": 0.35,
}
FIRST = ("autoencoder", "text")
CLIP_FRAMES = 8  # a batch of the temporal stage counts clips
SAVE_MINUTES = 1.0


def run(module: str, *arguments: object) -> None:
    """One command of `fyp_world.training`, in a process of its own."""
    command = [sys.executable, "-m", f"fyp_world.training.{module}", *map(str, arguments)]
    print(" ".join(command[2:]), flush=True)
    # Forked workers tokenize one after the other.
    done = subprocess.run(command, env=os.environ | {"TOKENIZERS_PARALLELISM": "false"})
    if done.returncode:
        raise SystemExit(f"training.{module} failed: mend what it says and run the command again.")


def batch_size(stage: str, batch: int) -> int:
    return max(1, batch // CLIP_FRAMES) if stage == "temporal" else batch


def train_all(out: Path, minutes: float, batch: int, sizes: tuple[object, ...], cores: int) -> None:
    """Every stage in turn.

    Args:
        minutes: of training, all stages together.
        batch: pictures a step.
        sizes: the options of `training.cache` that say how many pictures and clips.
        cores: processes that render and that prepare batches; 0 for none beside this one.
    """
    data = out / "data"
    run("cache", "frames", "--out", data, *sizes, "--workers", max(1, cores))
    before: Path | None = None
    for number, (stage, share) in enumerate(SHARES.items(), 1):
        folder = out / stage
        arguments = ["--out", folder, "--minutes", share * minutes]
        arguments += ["--batch-size", batch_size(stage, batch), "--workers", cores]
        arguments += ["--save-minutes", SAVE_MINUTES]
        if stage != "text":
            arguments += ["--data", data]
        if stage not in FIRST:
            arguments += ["--init", before]
        run(f"s{number}_{stage}", *arguments)
        if stage == "autoencoder" and not (data / "clips" / "latents.npy").exists():
            run("cache", "latents", "--out", data, "--vae", folder / "vae", *sizes)
        before = folder
    networks = ("--vae", out / "autoencoder" / "vae", "--networks", before)
    run("assemble", *networks, "--out", out / "model")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10, help="of training in all")
    parser.add_argument("--batch-size", type=int, default=256, help="pictures a step")
    parser.add_argument("--images", type=int, default=30000)
    parser.add_argument("--clips", type=int, default=1500)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes beside it")
    options = parser.parse_args()
    if options.minutes <= 0:
        parser.error(f"--minutes is {options.minutes:g}: give more than 0.")
    sizes = ("--images", options.images, "--clips", options.clips)
    train_all(options.out, options.minutes, options.batch_size, sizes, options.workers)


if __name__ == "__main__":
    main()
