"""Switch parts of the network off for a while, to see what they are for.

with switched_off(pipeline, "temporal attention"):
    video = pipeline(prompt, skeleton_frames).video

`own_noise` does the same to what is no part of it, the noise that all frames begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from fyp_lite.model.attention import CrossFrameAttention, TemporalAttention, TemporalConvolution
from fyp_lite.model.pose_encoder import PoseEncoder


class Networks(Protocol):
    """What is switched: a pipeline, or anything else that has these two networks."""

    unet: nn.Module
    pose_encoder: nn.Module
    config: Any

    def register_to_config(self, **changes: Any) -> None: ...


def no_pose(module: PoseEncoder, skeleton: Tensor) -> list[Tensor]:
    """The features that a network trained with poses left out has seen in their place."""
    return [torch.zeros_like(feature) for feature in type(module).forward(module, skeleton)]


def own_frame_only(module: CrossFrameAttention, tokens: Tensor) -> Tensor:
    """Every frame looks at itself, as Stable Diffusion's self-attention does."""
    frames = tokens.flatten(0, 1)  # (b f, n, c)
    out = module.attend(module.to_q(frames), module.to_k(frames), module.to_v(frames))
    return out.view_as(tokens)


def nothing_added(module: TemporalAttention, tokens: Tensor) -> Tensor:
    """What temporal attention would add is left out."""
    return torch.zeros_like(tokens)


def unchanged(module: TemporalConvolution, tokens: Tensor) -> Tensor:
    """Frames pass the temporal convolution as they are."""
    return tokens


# Of each part that can be switched off: its class, and what its modules do then.
SWITCHES: dict[str, tuple[type[nn.Module], Callable[..., Any]]] = {
    "pose encoder": (PoseEncoder, no_pose),
    "cross-frame attention": (CrossFrameAttention, own_frame_only),
    "temporal attention": (TemporalAttention, nothing_added),
    "temporal convolution": (TemporalConvolution, unchanged),
}
ACROSS_FRAMES = ("cross-frame attention", "temporal attention", "temporal convolution")


@contextmanager
def switched_off(pipeline: Networks, *parts: str) -> Iterator[None]:
    """The pipeline without these parts, until the `with` block ends, however it ends.

    Without cross-frame attention every frame looks at itself alone; other parts add nothing.

    Raises:
        ValueError: a part that is not in `SWITCHES`.
    """
    for part in parts:
        if part not in SWITCHES:
            raise ValueError(f"There is no switch {part!r}: choose from {', '.join(SWITCHES)}.")
    with ExitStack() as changed:
        for part in parts:
            kind, forward = SWITCHES[part]
            for network in (pipeline.pose_encoder, pipeline.unet):
                for module in network.modules():
                    if isinstance(module, kind):
                        changed.enter_context(other_forward(module, partial(forward, module)))
        yield


@contextmanager
def other_forward(module: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """The module computes `forward`, until the `with` block ends, however it ends."""
    before = module.__dict__.get("forward")  # of a block around this one
    module.__dict__["forward"] = forward
    try:
        yield
    finally:
        if before is None:
            del module.__dict__["forward"]
        else:
            module.__dict__["forward"] = before


@contextmanager
def own_noise(pipeline: Networks) -> Iterator[None]:
    """Every frame begins with noise of its own, until the `with` block ends, however it ends."""
    shared = pipeline.config.shared_noise
    pipeline.register_to_config(shared_noise=0.0)
    try:
        yield
    finally:
        pipeline.register_to_config(shared_noise=shared)
