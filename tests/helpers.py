"""What tests of several files share."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Sequence
from pathlib import Path

import torch

from fyp_course.panels.base import Picture
from fyp_course.panels.playground import Playground
from fyp_course.panels.upload import Upload
from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.text import build_text_encoder, build_tokenizer
from fyp_lite.model.unet import FollowYourPoseUNet
from fyp_lite.model.vae import FrameAutoencoder
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.sampling import lite_scheduler

# Loaded by a kernel before anything else: whoever asks for another machine is refused.
NO_NETWORK = """
import socket

def refuse(*arguments, **options):
    raise OSError(f"the network is forbidden here: {arguments}")

socket.getaddrinfo = refuse
socket.create_connection = refuse
"""


def build_tiny_pipeline(
    words: Sequence[str], *, guidance_scale: float = 3.0, shared_noise: float = 0.0
) -> FollowYourPosePipeline:
    """The real pipeline with networks of a few thousand random weights: 64 x 64 pixels."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer(list(words))
    pipeline = FollowYourPosePipeline(
        vae=FrameAutoencoder(8, (16, 16), (16, 16)),
        text_encoder=build_text_encoder(tokenizer, width=16),
        tokenizer=tokenizer,
        unet=FollowYourPoseUNet(
            sample_size=8,
            in_channels=8,
            out_channels=8,
            block_out_channels=(16, 16),
            attention_levels=(False, True),
            layers_per_block=1,
            num_attention_heads=2,
            cross_attention_dim=16,
            norm_num_groups=4,
        ),
        pose_encoder=PoseEncoder((16, 16)),
        scheduler=lite_scheduler(),
        default_guidance_scale=guidance_scale,
        shared_noise=shared_noise,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def build_playground(pipeline: FollowYourPosePipeline, folder: Path, *, steps: int) -> Playground:
    """The panel with everything in it, set to so few steps and two frames."""
    panel = Playground(pipeline, folder=folder)
    panel.steps.value = steps
    panel.chooser.ruler.num_frames.value = 2
    return panel


def shown_bytes(picture: Picture) -> bytes:
    """The file that a panel's picture holds."""
    return base64.b64decode(picture.value.split("base64,")[1].split('"')[0])


def press_generate(panel, during=None) -> None:
    """Click Generate and let the loop run to the end of the task, as a kernel does."""

    async def session():
        panel.generate_button.click()
        if during:
            await during()
        await panel.task

    asyncio.run(session())


def send_file(upload: Upload, name: str, content: bytes, size: int | None = None) -> list[dict]:
    """Do what the browser does with a file, until a final answer; returns all that was answered."""
    pieces, answers = upload.pieces, []
    pieces.send = lambda answer, buffers=None: answers.append(answer)
    size = len(content) if size is None else size
    message, buffers = {"kind": "begin", "id": name, "name": name, "size": size}, []
    while True:
        known = len(answers)
        pieces._handle_custom_msg(message, buffers)
        kind = answers[-1]["kind"]
        if kind in ("done", "no"):
            return answers
        assert len(answers) == known + 1 and kind == "next"
        at = answers[-1]["offset"]
        message = {"kind": "piece", "id": name, "offset": at}
        buffers = [memoryview(content)[at : at + pieces.piece]]


def forbid_network(folder: Path, monkeypatch) -> None:
    """Kernels that start from now on have no network; `folder` takes what tells them so."""
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def tried(exercise, said, value) -> str:
    """What `value` is told, of an exercise that it does not pass."""
    exercise.check(value)
    assert not exercise.passed
    return said[-1]


def passes(exercise, said) -> bool:
    assert "Not done yet" in tried(exercise, said, ...)
    exercise.check(exercise.solution())
    return exercise.passed
