"""Ways to make one prediction: guidance, the pose window, windows over long clips.

The sampler asks for one prediction per step: `denoise(x_t, t, index)`. The functions here build
such a `denoise` from smaller ones, so that nothing has to reach into the network:

    evaluate = through_windows(unet, num_frames)            clips of any length
    both = guided(evaluate, uncond, text, pose, scale)      classifier-free guidance
    denoise = within(settings.guided, both, text_alone)     only in some of the steps

A long clip goes through overlapping windows of the trained length. Every window begins with frame 0
of the clip, the anchor: cross-frame attention looks at the first frame of its input for the
character's looks, so all windows paint the same character. (Temporal attention has no sense of
position: the anchor is just one more frame.) At every step the predictions of all windows are
blended into one for the whole clip, so neighbouring windows influence each other at the next step.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fyp_lite.model.unet import FollowYourPoseUNet
from fyp_lite.settings import SampleSettings

TRAINED_FRAMES = 8  # of the published model and of the lite model

# (x_t `[b, c, f, h, w]` float32, timestep, index of the step) to the prediction, of x_t's shape.
Denoise = Callable[[Tensor, Tensor, int], Tensor]
# (x_t, timestep, text embeddings `[rows, tokens, d]`, pose features or None) to the prediction,
# `[rows, c, f, h, w]` float32. rows may be a multiple of b: see `FollowYourPoseUNet.forward`.
Evaluate = Callable[[Tensor, Tensor, Tensor, list[Tensor] | None], Tensor]


def guide(uncond: Tensor, text: Tensor, guidance_scale: float) -> Tensor:
    """Classifier-free guidance: uncond + s * (text - uncond) (Ho and Salimans 2022)."""
    return uncond + guidance_scale * (text - uncond)


def conditioned(evaluate: Evaluate, text: Tensor, pose: list[Tensor] | None) -> Denoise:
    """One evaluation per step, with these text embeddings and this pose."""
    return lambda x_t, t, index: evaluate(x_t, t, text, pose)


def guided(
    evaluate: Evaluate,
    uncond: Tensor,
    text: Tensor,
    pose: list[Tensor] | None,
    guidance_scale: float,
    together: bool = True,
) -> Denoise:
    """Classifier-free guidance: two evaluations per step.

    Args:
        uncond, text: embeddings of the empty or negative prompt and of the prompt.
        pose: for both branches.
        together: both branches in one batch, which is faster; one after the other, they need less
            memory.
    """

    def denoise(x_t: Tensor, t: Tensor, index: int) -> Tensor:
        if together:
            without, with_text = evaluate(x_t, t, torch.cat([uncond, text]), pose).chunk(2)
        else:
            without, with_text = (evaluate(x_t, t, words, pose) for words in (uncond, text))
        return guide(without, with_text, guidance_scale)

    return denoise


def within(steps: Callable[[int], bool], inside: Denoise, outside: Denoise) -> Denoise:
    """`inside` in the steps whose index `steps` accepts, `outside` in all others."""
    return lambda x_t, t, index: (inside if steps(index) else outside)(x_t, t, index)


def build_denoise(
    evaluate: Evaluate,
    settings: SampleSettings,
    text: Tensor | None,
    uncond: Tensor | None,
    pose_features: list[Tensor] | None,
    guidance_scale: float,
    branches_together: bool = True,
) -> Denoise:
    """Guidance in its interval and the pose in its window, as `settings` ask for them.

    Args:
        text: embeddings of the prompt; None only where guidance_scale is 0.
        uncond: of the empty or negative prompt; None only where guidance_scale is 1.
        pose_features: see `FollowYourPoseUNet.forward`; None leaves the pose out.
        guidance_scale: the settings' own, or the model's where they leave it open. 1 evaluates the
            text branch only, 0 the unconditional one only, others both.

    Raises:
        ValueError: embeddings that are needed are None.
    """
    for embeddings, name, without in ((text, "text", 0), (uncond, "uncond", 1)):
        if embeddings is None and guidance_scale != without:
            raise ValueError(f"{name} is None, but guidance_scale {guidance_scale} needs it.")

    def branches(pose: list[Tensor] | None) -> Denoise:
        if text is None or uncond is None:
            alone = uncond if text is None else text
            assert alone is not None
            return conditioned(evaluate, alone, pose)
        both = guided(evaluate, uncond, text, pose, guidance_scale, branches_together)
        return within(settings.guided, both, conditioned(evaluate, text, pose))

    if pose_features is None or settings.pose_strength == 0:
        return branches(None)
    if settings.pose_strength != 1:
        pose_features = [settings.pose_strength * feature for feature in pose_features]
    return within(settings.posed, branches(pose_features), branches(None))


# ---------------------------------------------------------------------------- clips of any length


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


def through_windows(
    unet: FollowYourPoseUNet, num_frames: int, trained_frames: int = TRAINED_FRAMES
) -> Evaluate:
    """The network for clips of `num_frames`: one evaluation per window, blended into one.

    All windows start from the same x_t and a step of the sampler is linear in the prediction, so
    this weighted mean equals the mean of the steps that the windows would take: MultiDiffusion's
    fusion (Bar-Tal et al. 2023), along time as in Gen-L-Video (Wang et al. 2023). One window is in
    memory at a time.

    Args:
        trained_frames: longer clips go through in overlapping windows of this length.
    """
    views = clip_windows(num_frames, trained_frames)
    weights = blend_weights(views)

    def evaluate(
        x_t: Tensor, t: Tensor, text: Tensor, pose_features: list[Tensor] | None
    ) -> Tensor:
        sample = x_t.to(unet.dtype)
        blended = torch.zeros((len(text), *sample.shape[1:]), device=sample.device)
        for frames, weight in zip(views, weights.to(sample.device), strict=True):
            pose = pose_features and [feature[:, :, frames] for feature in pose_features]
            output = unet(sample[:, :, frames], t, text, pose).sample.float()
            blended[:, :, frames] += weight[frames, None, None] * output
        return blended

    return evaluate
