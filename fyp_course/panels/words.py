"""Look inside a run: pose features as pictures, and which places look at which word."""

from __future__ import annotations

import copy
import html
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import ipywidgets as widgets
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fyp_course.panels.base import WIDE, Panel, Picture
from fyp_course.stills import show_picture
from fyp_lite.denoising import blend_weights, clip_windows
from fyp_lite.drawing import DIM, INK, PAPER, Word, letter
from fyp_lite.judges.scores import people_mask
from fyp_lite.model.attention import CrossFrameAttention, TextAttention
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import SampleSettings

TILE = 144  # pixels, one picture in a row
MAX_TILES = 8


@dataclass(frozen=True)
class WordStep:
    """Where the network looked for each word in one step of the sampler.

    index: 0 for the first of num_steps. words: of the prompt, as the tokenizer splits it. maps:
    `[f, words, s, s]`, the share (0 to 1) of its attention that a place gives to a word, the mean
    over heads and layers. expected: the middle frame of pred_x0, decoded, `[h, w, 3]` uint8.
    latents: after the step, `[1, c, f, h, w]`.
    """

    index: int
    num_steps: int
    words: tuple[str, ...]
    maps: np.ndarray
    expected: np.ndarray
    latents: Tensor


def watch_words(
    pipeline: FollowYourPosePipeline,
    prompt: str,
    skeleton_frames: np.ndarray,
    settings: SampleSettings,
) -> Iterator[WordStep]:
    """Sample as `pipeline.steps` does and say where every word was looked for in each step.

    Raises:
        ValueError: a guidance scale of 0, with which no word is read.
    """
    if pipeline.guidance_scale(settings) == 0:
        raise ValueError("guidance_scale is 0, which reads no prompt: give 1 or more.")
    tokens = pipeline.tokenizer(prompt).input_ids
    words = tuple(pipeline.tokenizer.convert_ids_to_tokens(tokens[1:-1]))
    middle = len(skeleton_frames) // 2
    views = clip_windows(len(skeleton_frames), pipeline.config.num_frames)
    layers = len(text_layers(pipeline))
    with watching(pipeline) as seen:
        for step in pipeline.steps(prompt, skeleton_frames, settings):
            maps = whole_maps(seen, views, layers)[:, 1 : 1 + len(words)]  # without the start token
            seen.clear()
            expected = pipeline.decode(step.pred_x0[:, :, middle : middle + 1])[0][0]
            yield WordStep(step.index, step.num_steps, words, maps, expected, step.latents)


def text_layers(pipeline: FollowYourPosePipeline) -> list[TextAttention]:
    """The layers of the network that look at the prompt; each runs once in every evaluation."""
    return [m for m in pipeline.unet.modules() if isinstance(m, TextAttention)]


@contextmanager
def watching(pipeline: FollowYourPosePipeline) -> Iterator[list[Tensor]]:
    """Collect the attention to words, `[f, tokens, s, s]`, of each layer that runs meanwhile."""
    seen: list[Tensor] = []

    def keep(module: TextAttention, inputs: tuple[Tensor, Tensor], _output: Tensor) -> None:
        seen.append(word_attention(module, *(x[-1:] for x in inputs)))  # text comes after uncond

    hooks = [layer.register_forward_hook(keep) for layer in text_layers(pipeline)]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def word_attention(module: TextAttention, tokens: Tensor, text: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)), the weights that `Attention.attend` gives to the words.

    Args:
        tokens: `[1, f, n, c]` of n = s * s places.
        text: `[1, words, d]`.

    Returns:
        `[f, words, s, s]`, the mean over heads; over words it sums to 1.
    """
    query, key = (
        x.unflatten(-1, (module.num_heads, -1)).movedim(-2, -3).float()
        for x in (module.to_q(tokens[0]), module.to_k(text))
    )  # (f, heads, n, c per head), (1, heads, words, c per head)
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    side = round(tokens.shape[2] ** 0.5)
    return scores.softmax(dim=-1).mean(dim=1).transpose(1, 2).unflatten(-1, (side, side))


def whole_maps(seen: Sequence[Tensor], views: list[list[int]], layers: int) -> np.ndarray:
    """Maps of the whole clip `[f, words, s, s]` from one step, blended as predictions are.

    Args:
        seen: what `watching` collected in the step: layer by layer, window by window. Where the
            branches of guidance run in turn, the text branch comes last.
        views: the windows of the clip, from `windows.clip_windows`.
        layers: how many are watched.
    """
    text = seen[-len(views) * layers :]
    parts = [average_maps(text[n * layers : (n + 1) * layers]) for n in range(len(views))]
    whole = np.zeros((views[-1][-1] + 1, *parts[0].shape[1:]), np.float32)
    for frames, weights, part in zip(views, blend_weights(views).numpy(), parts, strict=True):
        whole[frames] += weights[frames, None, None, None] * part
    return whole


def average_maps(maps: Sequence[Tensor]) -> np.ndarray:
    """The mean of maps `[f, words, s, s]`, enlarged to the finest of them."""
    side = max(m.shape[-1] for m in maps)
    large = [F.interpolate(m, size=(side, side), mode="nearest") for m in maps]
    return torch.stack(large).mean(dim=0).cpu().numpy()


def on_figure(maps: np.ndarray, keypoints: np.ndarray, size: int) -> float:
    """How much stronger a map is on and around people than elsewhere: 1 makes no difference.

    Args:
        maps: `[f, s, s]`, at least 0.
        keypoints: `[f, people, 17, 3]` in frames of `size` x `size` pixels.
    """
    people = people_mask(keypoints, size, size)
    large = np.stack([cv2.resize(m, (size, size), interpolation=cv2.INTER_NEAREST) for m in maps])
    return float(large[people].mean() / large[~people].mean())


def frames_that_change(pipeline: FollowYourPosePipeline, frame: int) -> list[int]:
    """Of eight frames that go into a cross-frame attention of the network, with one of them
    changed: the numbers of those that come out differently, counted from 0.
    """
    modules = pipeline.unet.modules()
    layer = next(module for module in modules if isinstance(module, CrossFrameAttention))
    layer = copy.deepcopy(layer).float().cpu()
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(1, 8, 16, layer.to_q.in_features, generator=generator)
    changed = tokens.clone()
    changed[:, frame] += 1 + torch.rand(changed[:, frame].shape, generator=generator)
    with torch.no_grad():
        difference = (layer(tokens) - layer(changed)).abs().amax(dim=(0, 2, 3))
    return [number for number, size in enumerate(difference.tolist()) if size > 1e-6]


# ---------------------------------------------------------------------------- pictures


def heat(values: np.ndarray, most: float | None = None) -> np.ndarray:
    """Values `[h, w]`, at least 0, as colours `[h, w, 3]` uint8: dark for 0, light for `most`.

    `most` is their maximum where it is None.
    """
    most = float(values.max()) if most is None else most
    levels = np.round(255 * np.clip(values / max(most, 1e-9), 0, 1)).astype(np.uint8)
    return cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1]


def over(picture: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Shares `[s, s]` as colours over a picture `[h, w, 3]` uint8 that is grey below them.

    Even shares are half light: only where a word is looked for twice as much as elsewhere does it
    get bright.
    """
    height, width = picture.shape[:2]
    glow = heat(share, max(2 * float(share.mean()), float(share.max())))
    glow = cv2.resize(glow, (width, height), interpolation=cv2.INTER_CUBIC)
    grey = picture.mean(axis=2, keepdims=True)
    return np.clip(0.35 * grey + 0.75 * glow, 0, 255).astype(np.uint8)


def row_of(tiles: Sequence[tuple[str, str, np.ndarray]]) -> np.ndarray:
    """Pictures in a row, each with a line in bold and a line below it above.

    Args:
        tiles: at most eight of (title, note, picture `[h, w, 3]` uint8 of any square size).
    """
    gap, top = 8, 44
    canvas = np.full((top + TILE + gap, len(tiles) * (TILE + gap) + gap, 3), PAPER, np.uint8)
    words = []
    for number, (title, note, picture) in enumerate(tiles):
        x = gap + number * (TILE + gap)
        canvas[top : top + TILE, x : x + TILE] = enlarged(picture)
        words.append(Word(x + TILE / 2, 14, title, INK, 12, "mm", True))
        words.append(Word(x + TILE / 2, 31, note, DIM, 11))
    return letter(canvas, words)


def enlarged(picture: np.ndarray) -> np.ndarray:
    """To a tile's size; small pictures keep their pixels visible."""
    kind = cv2.INTER_NEAREST if len(picture) < TILE else cv2.INTER_AREA
    return cv2.resize(picture, (TILE, TILE), interpolation=kind)


def show_features(skeleton: np.ndarray, features: Sequence[Tensor], frame: int) -> None:
    """Show a skeleton frame and how strong its features are, level by level.

    Args:
        skeleton: frames `[f, h, w, 3]` uint8.
        features: of the pose encoder, one `[1, c, f, h, w]` per level.
    """
    height, width = skeleton.shape[1:3]
    tiles = [("skeleton", f"3 x {height} x {width}", skeleton[frame])]
    for level, feature in enumerate(features):
        strength = feature[0, :, frame].float().norm(dim=0).cpu().numpy()
        size = " x ".join(str(n) for n in (feature.shape[1], *feature.shape[3:]))
        tiles.append((f"level {level + 1}", size, heat(strength)))
    text = f"frame {frame + 1} of the skeleton and the strength of its features on each level: "
    show_picture(row_of(tiles), text + ", ".join(note for _, note, _ in tiles[1:]))


# ---------------------------------------------------------------------------- the panel


class WordExplorer(Panel):
    """Choose a word and a step: which places of the middle frame look at the word.

    Args:
        steps: what `watch_words` yielded.
    """

    def __init__(self, steps: Sequence[WordStep]) -> None:
        if not steps:
            raise ValueError("there are no steps to explore: give list(watch_words(...)).")
        self.steps = list(steps)
        # Numbers keep two equal words apart.
        options = [(f"{n}: {w}", n - 1) for n, w in enumerate(steps[0].words, 1)]
        self.word = widgets.SelectionSlider(options=options, description="Word", style=WIDE)
        self.step = widgets.IntSlider(len(steps), 1, len(steps), description="Step", style=WIDE)
        self.picture, self.caption = Picture(), widgets.HTML()
        for control in (self.word, self.step):
            control.layout.width = "420px"
            control.observe(self._draw, "value")
        self._draw()
        super().__init__([self.word, self.step, self.picture, self.caption])

    def _draw(self, _change: object = None) -> None:
        step = self.steps[self.step.value - 1]
        word = step.words[self.word.value]
        share = step.maps[len(step.maps) // 2, self.word.value]
        text = (
            f"Step {step.index + 1} of {step.num_steps}: light places look at “{word}”. "
            f"It gets {share.mean():.1%} of the attention, {share.max():.1%} at most."
        )
        self.picture.draw(over(step.expected, share), text)
        self.caption.value = html.escape(text)

    def show_still(self) -> None:
        """Show the last step's words."""
        step = self.steps[-1]
        middle = len(step.maps) // 2
        tiles = [("expected", f"step {step.index + 1}", step.expected)]
        for word, share in list(zip(step.words, step.maps[middle], strict=True))[: MAX_TILES - 1]:
            tiles.append((word, f"{share.mean():.1%} of all", over(step.expected, share)))
        text = "which places look at which word, light for much: "
        show_picture(row_of(tiles), text + ", ".join(step.words))
