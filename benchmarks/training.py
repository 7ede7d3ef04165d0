"""Steps a minute of lesson 08's stages in float32 and in bfloat16: `bench.py training`.

As on a processor without AVX-512 and without bfloat16 of its own, one thread:

    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 \\
        OMP_NUM_THREADS=1 python benchmarks/bench.py training
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from clock import interleaved
from torch import nn

from fyp_course.tiny import TinyWorld, halved, render, text_batches, text_stage, tiny_stage
from fyp_course.tiny_training import options_for
from fyp_lite import load_pipeline
from fyp_lite.model.text import build_tokenizer
from fyp_world.training import s3_joint, s4_temporal
from fyp_world.training.averages import Average
from fyp_world.training.batches import Draw, MakeBatch
from fyp_world.training.dtype import training_in
from fyp_world.training.loop import adamw
from fyp_world.world.dataset import world_vocabulary

WORLD = TinyWorld(("panda", "robot", "bear"), ("sea", "moon", "desert"))


def step_of(stage: nn.Module, make_batch: MakeBatch, dtype: torch.dtype) -> Callable[[], None]:
    """A training step as `training.loop.train` makes it."""
    trainable = [p for p in stage.parameters() if p.requires_grad]
    optimizer, average, numbers = adamw(trainable, 1e-3), Average(stage), count()

    def step() -> None:
        number = next(numbers)
        with training_in(dtype, torch.device("cpu")):
            losses = stage(make_batch(Draw(0, number)))
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(trainable, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average.update(stage, number)

    return step


def measure_training() -> dict[str, dict[str, float]]:
    """Steps a minute by stage and dtype, of the fastest step of each."""
    tokenizer, vae = build_tokenizer(world_vocabulary()), load_pipeline(device="cpu").vae
    found: dict[str, dict[str, float]] = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        images, _ = render(WORLD, vae, folder / "images", 32, num_frames=1, seed=0)
        clips, _ = render(WORLD, vae, folder / "clips", 4, num_frames=8, seed=0)
        words = text_stage(WORLD, tokenizer)
        pictures, motion = tiny_stage(tokenizer), tiny_stage(tokenizer)
        of_16 = options_for(folder, 1, batch_size=16, learning_rate=1e-3)
        of_2 = options_for(folder, 1, batch_size=2, learning_rate=1e-3)
        makers = {
            "words": (words, text_batches(WORLD, tokenizer, 64)),
            "pictures": (pictures, halved(s3_joint.batches(images, tokenizer, of_16))),
            "motion": (motion, halved(s4_temporal.batches(images, clips, tokenizer, of_2))),
        }
        for name, (stage, make_batch) in makers.items():
            stage.to(memory_format=torch.channels_last)
            if name == "pictures":
                stage.text_encoder.requires_grad_(False)
            if name == "motion":
                s3_joint.freeze_all_but(stage, s4_temporal.TRAINABLE)
            steps = {
                str(dtype).removeprefix("torch."): step_of(stage, make_batch, dtype)
                for dtype in (torch.float32, torch.bfloat16)
            }
            times = interleaved(steps, 4)
            found[name] = {dtype: round(60 / seconds, 1) for dtype, seconds in times.items()}
    return found
