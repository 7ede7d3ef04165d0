"""Clips of any length, through a network that was trained on a few frames at a time.

A long clip is seen through overlapping windows of the trained length. Every window begins with
frame 0 of the clip, the anchor: cross-frame attention looks at the first frame of what it is given
for the character's looks, so all windows paint the same character. (Temporal attention has no sense
of position: to it the anchor is one frame more.) At every step of the sampler the predictions of
all windows are blended into one for the whole clip, so that each window hears of its neighbours at
the next step.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fyp_lite.model.unet import FollowYourPoseUNet

TRAINED_FRAMES = 8  # of the published model and of the lite model


def windows(num_frames: int, length: int, overlap: int) -> list[list[int]]:
    """The frame numbers of each window: the anchor 0, then `length - 1` frames in a row.

    All windows are of the same length, which is that of the clips the network was trained on: it
    normalises over all frames that it sees together. The last window is shifted back to end with
    the clip, and may overlap more. A clip that fits is one window.

    Args:
        num_frames: of the clip, at least 1.
        length: frames of a window, with the anchor.
        overlap: frames, the anchor not counted, that a window shares with the next one.

    Raises:
        ValueError: the clip is longer than a window, and windows of this overlap do not advance.
    """
    if num_frames <= length:
        return [list(range(num_frames))]
    if not 0 <= overlap <= length - 2:
        raise ValueError(
            f"A clip of {num_frames} frames cannot be seen through windows of length {length} that "
            f"overlap by {overlap}; give a length of at least 2 and an overlap of 0 to length - 2."
        )
    last = num_frames - length + 1
    starts = [*range(1, last, length - 1 - overlap), last]
    return [[0, *range(start, start + length - 1)] for start in starts]


def clip_windows(num_frames: int, length: int) -> list[list[int]]:
    """Windows of which each brings half its length in new frames.

    So a frame of a long clip costs less than twice what one of a short clip does.
    """
    return windows(num_frames, length, length // 2 - 1)


def blend_weights(views: list[list[int]]) -> Tensor:
    """The share of each window in each frame, `[windows, frames]` float32; columns sum to 1.

    A window fades in and out (as a Hann window), because its outer frames know the least of what
    comes before or after them. The anchor's prediction is taken from the first window alone, where
    its neighbours in time are its own.
    """
    weights = torch.zeros(len(views), views[-1][-1] + 1)
    for row, frames in zip(weights, views, strict=True):
        row[frames[1:]] = torch.hann_window(len(frames) + 1, periodic=False)[1:-1]
    weights[0, 0] = 1
    return weights / weights.sum(dim=0)


def predict(
    unet: FollowYourPoseUNet,
    sample: Tensor,
    timestep: Tensor,
    text_embeddings: Tensor,
    pose_features: list[Tensor] | None,
    views: list[list[int]],
    weights: Tensor,
) -> Tensor:
    """The network's prediction for a whole clip, `[rows, c, f, h, w]` float32, window by window.

    All windows start from the same x_t and a step of the sampler is linear in the prediction, so
    this weighted mean is that of the steps which the windows would take: MultiDiffusion's fusion
    (Bar-Tal et al. 2023), along time as in Gen-L-Video (Wang et al. 2023). One window is in memory
    at a time.

    Args:
        sample: noisy latents `[b, c, f, h, w]`.
        timestep, text_embeddings, pose_features: see `FollowYourPoseUNet.forward`.
        views: from `windows`.
        weights: from `blend_weights`.
    """
    shape = (len(text_embeddings), *sample.shape[1:])
    blended = torch.zeros(shape, device=sample.device)
    for frames, weight in zip(views, weights.to(sample.device), strict=True):
        pose = pose_features and [feature[:, :, frames] for feature in pose_features]
        output = unet(sample[:, :, frames], timestep, text_embeddings, pose).sample.float()
        blended[:, :, frames] += weight[frames, None, None] * output
    return blended


def guide(uncond: Tensor, text: Tensor, guidance_scale: float) -> Tensor:
    """Classifier-free guidance: uncond + s * (text - uncond) (Ho and Salimans 2022)."""
    return uncond + guidance_scale * (text - uncond)
