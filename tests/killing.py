"""Jobs that tests/kill kills, and how: by SIGKILL, at a random moment, from a warm process.

A fork server imports what the jobs need once, so that a kill costs what the job does until then.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from torch import nn

from fyp_lite import loading
from fyp_lite.cli.main import main
from fyp_lite.full import convert, hub
from fyp_lite.full.sources import FullSources
from fyp_world.training import loop
from fyp_world.training.batches import Draw, Item, normal, stack
from fyp_world.training.checkpoints import saved_whole
from fyp_world.training.options import Options

STEPS = 40  # of a training run


class Killer:
    """Starts jobs, and kills them at moments that a seed draws."""

    def __init__(self, seed: int) -> None:
        self.moments = random.Random(seed)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["killing"])

    def run(self, job: Callable[..., None], *arguments: object) -> float:
        """Run a job to its end; returns its seconds."""
        began = time.monotonic()
        process = self._start(job, arguments)
        process.join()
        assert process.exitcode == 0
        return time.monotonic() - began

    def kill(self, job: Callable[..., None], longest: float, *arguments: object) -> bool:
        """Run a job and kill it before `longest` seconds; returns whether it had finished."""
        process = self._start(job, arguments)
        process.join(self.moments.uniform(0, longest))
        process.kill()
        process.join()
        assert process.exitcode in (0, -9)
        return process.exitcode == 0

    def _start(self, job: Callable[..., None], arguments: tuple) -> multiprocessing.Process:
        process = self._context.Process(target=quietly, args=(job, arguments))
        process.start()
        return process


def quietly(job: Callable[..., None], arguments: tuple) -> None:
    """Run a job whose words nobody reads."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    torch.set_num_threads(1)
    job(*arguments)


# ---------------------------------------------------------------------------- jobs


class Toy(nn.Module):
    """A stage of one weight, whose items are single numbers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Linear(1, 1)

    def forward(self, batch: Item) -> Item:
        return {"loss": (self.net(batch["x"]) - batch["quantile"]).square().mean()}


def train(out: Path) -> None:
    """Train with a checkpoint after every step, then save the network beside it."""
    out.mkdir(exist_ok=True)
    marks = os.open(out / "begun", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def make_batch(draw: Draw) -> Item:
        os.write(marks, f"{draw.step}\n".encode())
        return stack(
            [
                {"x": normal((1,), rng), "quantile": torch.tensor([quantile])}
                for rng, quantile in draw.items(4)
            ]
        )

    options = Options(Path(), out, 1.0, STEPS, 4, 0.1, 3, 0.0, None)
    stage = Toy()
    if loop.train(stage, make_batch, options):
        with saved_whole(out) as folder:
            (folder / "net").mkdir()
            save_file(stage.net.state_dict(), folder / "net/model.safetensors")


def generate(out: Path, seed: int) -> None:
    """`fyp-lite make "a panda" ... --out OUT`, with a tiny network that is made in a moment."""
    from helpers import build_tiny_pipeline

    loading.load_pipeline = lambda model: build_tiny_pipeline(["a", "panda"])
    short = ["--clip", "dance", "--steps", "1", "--num-frames", "2", "--guidance-scale", "1"]
    sys.exit(main(["make", "a panda", *short, "--seed", str(seed), "--out", str(out)]))


def convert_model(out: Path, published: Path) -> None:
    """`fyp-lite convert`, of small files in the published layout."""
    sources = FullSources(str(published / "sd"), str(published / "fyp"))
    convert.convert_full(out, sources, say=lambda line: None)


def download(cache: Path, address: str, source: hub.Source) -> None:
    """What `fyp-lite convert --download` fetches, in small pieces."""
    constants.HF_HUB_CACHE = str(cache)
    constants.ENDPOINT = address
    constants.HUGGINGFACE_CO_URL_TEMPLATE = address + "/{repo_id}/resolve/{revision}/{filename}"
    constants.HF_HUB_OFFLINE = False
    constants.DOWNLOAD_CHUNK_SIZE = 4096
    if hub.locate(source) is None:
        hub.fetch(hub.ask(source))
