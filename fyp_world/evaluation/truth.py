"""How near generated pictures come to the truth, which a drawn world knows.

Pose and prompt of a still fix nearly everything in it, above all its people, so the drawn frame of
the same still is what the model should have painted. `Truth` measures the distance of heads, hands
and people in dB. Above it stands the autoencoder as ceiling, below it another character in the same
pose and place as floor. `two_sample` asks the other question, whether anything is wrong with heads
at all: one layer on features of the classifier and of edges learns to tell generated heads from
drawn ones.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.image import imsave
from torch import Tensor

from fyp_lite.judges.scores import Judge
from fyp_lite.keypoint_network import Residual
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import SampleSettings
from fyp_world.evaluation.measures import Scores, clips, generate_stills, through_autoencoder
from fyp_world.training.s1_autoencoder import person_mask
from fyp_world.world.characters import CHARACTERS, CUTE
from fyp_world.world.dataset import Clip, render_clip
from fyp_world.world.figure import Figure

STREAM = 12  # of the stills that are reported; choose by another one
PARTS = ("heads", "hands", "people")
# Half the side of the boxes, in standing heights of the person.
HEAD_REACH, HAND_REACH = 0.14, 0.06
MIN_HEAD = 12  # pixels of a head's box, for the two-sample test
CROP = 64  # pixels to which heads are resized there
DECAY = 1.0  # of the weights there
WRISTS = (9, 10)
SHEET_COLUMNS = 16

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


def head_boxes(clip: Clip, frame: int = 0) -> list[Box]:
    """A square around each head, hats and ears for the most part included."""
    boxes = []
    for figure, person in zip(clip.figures[frame], clip.scene.characters, strict=True):
        reach = HEAD_REACH * figure.height * (CUTE if person.cute else 1.0)
        boxes.append(_box(figure.joints[:5].mean(axis=0), reach))
    return boxes


def hand_boxes(figures: list[Figure]) -> list[Box]:
    """A square around each wrist."""
    return [_box(f.joints[wrist], HAND_REACH * f.height) for f in figures for wrist in WRISTS]


def _box(centre: np.ndarray, reach: float) -> Box:
    x, y = (float(value) for value in centre)
    return round(x - reach), round(y - reach), round(x + reach), round(y + reach)


def cut(picture: np.ndarray, box: Box) -> np.ndarray:
    """The part of a picture `[h, w, 3]` that lies in a box, as much of it as there is."""
    left, top, right, bottom = (max(edge, 0) for edge in box)
    return picture[top:bottom, left:right]


def part_masks(clip: Clip, size: int = 256) -> dict[str, np.ndarray]:
    """`[size, size]` bool for each of `PARTS` of a clip's first frame: boxes of heads and hands."""

    def mask(boxes: list[Box]) -> np.ndarray:
        inside = np.zeros((size, size), bool)
        for box in boxes:
            cut(inside, box)[:] = True
        return inside

    return {
        "heads": mask(head_boxes(clip)),
        "hands": mask(hand_boxes(clip.figures[0])),
        "people": person_mask(clip.keypoints()[0]),
    }


def part_psnr(pictures: np.ndarray, drawn: np.ndarray, stills: list[Clip]) -> Scores:
    """PSNR of each of `PARTS` in dB, from the mean squared error over all stills.

    Args:
        pictures, drawn: `[n, 256, 256, 3]` uint8.
        stills: what was drawn.
    """
    error = np.square(pictures.astype(np.float32) - drawn).mean(axis=-1)
    masks = [part_masks(still) for still in stills]
    scores = {}
    for part in PARTS:
        inside = np.stack([mask[part] for mask in masks])
        if inside.any():
            scores[part] = round(float(10 * np.log10(255**2 / (error[inside].mean() + 1e-9))), 2)
    return scores


def as_another_character(clip: Clip) -> Clip:
    """The same people in the same place, each as the character a third of the list further on."""
    names = list(CHARACTERS)

    def other(name: str) -> str:
        return names[(names.index(name) + len(names) // 3) % len(names)]

    people = tuple(replace(p, name=other(p.name), colour=None) for p in clip.scene.characters)
    return replace(clip, scene=replace(clip.scene, characters=people))


def is_plain(clip: Clip) -> bool:
    """Whether pose and prompt fix how the people look: plain style and one kind of character."""
    return clip.scene.style == "plain" and len(set(clip.scene.characters)) == 1


class Truth:
    """Drawn stills of held-out or seen combinations, against which pictures are measured."""

    def __init__(
        self,
        pipeline: FollowYourPosePipeline,
        count: int,
        *,
        held_out: bool,
        stream: int = STREAM,
    ) -> None:
        self.pipeline = pipeline
        self.stills = clips(count, 1, held_out=held_out, stream=stream + held_out)
        self.drawn = self._render(self.stills)

    @staticmethod
    def _render(stills: list[Clip]) -> np.ndarray:
        return np.concatenate([render_clip(still) for still in stills])

    @cached_property
    def decoded(self) -> np.ndarray:
        """The drawn stills through the autoencoder, `[n, 256, 256, 3]`."""
        return self._through(self.drawn)

    def _through(self, pictures: np.ndarray) -> np.ndarray:
        at_once = 8
        starts = range(0, len(pictures), at_once)
        parts = [through_autoencoder(self.pipeline, pictures[i : i + at_once]) for i in starts]
        return np.concatenate(parts)

    def psnr(self, pictures: np.ndarray) -> dict[str, Scores]:
        """`part_psnr` of pictures `[n, 256, 256, 3]` in plain style with one kind of character,
        and of all of them."""
        plain = [i for i, still in enumerate(self.stills) if is_plain(still)]
        chosen = {"plain": plain, "all": list(range(len(self.stills)))}
        return {
            name: part_psnr(pictures[of], self.drawn[of], [self.stills[i] for i in of])
            for name, of in chosen.items()
            if of
        }

    def generated(self, settings: SampleSettings) -> np.ndarray:
        """What the model makes of the stills' captions and poses, `[n, 256, 256, 3]`."""
        return np.concatenate(generate_stills(self.pipeline, self.stills, settings))

    def figures(self, judge: Judge, settings: SampleSettings) -> dict[str, Any]:
        """Everything that is said about the model."""
        other = self._render([as_another_character(still) for still in self.stills])
        made = self.generated(settings)
        return {
            "generated": self.psnr(made),
            "ceiling, through the autoencoder": self.psnr(self.decoded),
            "floor, another character": self.psnr(self._through(other)),
            "heads told from drawn ones": self.told_apart(judge, made),
        }

    def told_apart(self, judge: Judge, pictures: np.ndarray) -> float:
        """`two_sample` of the heads in pictures `[n, 256, 256, 3]` and in drawn ones through the
        autoencoder: a share 0.5...1."""
        made = crop_features(judge, self.heads(pictures))
        drawn = crop_features(judge, self.heads(self.decoded))
        still = [i for i, clip in enumerate(self.stills) for _ in self._boxes(clip)]
        return two_sample(made, drawn, np.array(still))

    @staticmethod
    def _boxes(clip: Clip) -> list[Box]:
        """Of heads of which enough is in the picture."""
        seen = np.zeros((256, 256, 1))
        return [b for b in head_boxes(clip) if min(cut(seen, b).shape[:2]) >= MIN_HEAD]

    def heads(self, pictures: np.ndarray) -> np.ndarray:
        """The heads of pictures `[n, 256, 256, 3]` of the stills: `[heads, CROP, CROP, 3]`."""
        return np.stack(
            [
                cv2.resize(cut(picture, box), (CROP, CROP), interpolation=cv2.INTER_LINEAR)
                for picture, still in zip(pictures, self.stills, strict=True)
                for box in self._boxes(still)
            ]
        )


def draw_heads(truth: Truth, settings: SampleSettings, path: Path) -> None:
    """A sheet of heads: drawn, through the autoencoder, generated, one below the other."""
    rows = [truth.heads(p) for p in (truth.drawn, truth.decoded, truth.generated(settings))]
    bands = []
    columns = min(SHEET_COLUMNS, len(rows[0]))
    for start in range(0, len(rows[0]) - columns + 1, columns):
        band = [np.concatenate(list(row[start : start + columns]), axis=1) for row in rows]
        bands.append(np.pad(np.concatenate(band), ((0, 8), (0, 0), (0, 0)), constant_values=255))
    imsave(path, np.concatenate(bands))


def crop_features(judge: Judge, crops: np.ndarray) -> Tensor:
    """What can be measured in crops `[n, h, w, 3]` uint8: `[n, features]`.

    Mean and spread of what the classifier's first layers see, the spread as a logarithm as well,
    since a blurred crop has the same share less of it whatever the crop shows; and how rough the
    crop itself is.
    """
    found = []
    with torch.no_grad():
        maps = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1
        across, down = maps.diff(dim=-1), maps.diff(dim=-2)
        for slope in (across, down, across.diff(dim=-1), down.diff(dim=-2)):
            found.append((slope.std((2, 3)) + 1e-3).log())
        for layer in judge.facts.near:
            maps = layer(maps)
            if isinstance(layer, Residual):
                spread = maps.std((2, 3))
                found += [maps.mean((2, 3)), spread, (spread + 1e-2).log()]
        found.append(maps.amax((2, 3)))
    return torch.cat(found, dim=1)


def two_sample(first: Tensor, second: Tensor, groups: np.ndarray) -> float:
    """How often one tells which of two sets unseen pictures come from: 0.5 is chance.

    One layer learns it from the features of half of the groups and is asked about the other half,
    so all of one still is always on the same side (Lopez-Paz and Oquab 2017, "Revisiting classifier
    two-sample tests", arXiv 1610.06545). The more pictures there are, the more it can learn, so
    only accuracies of as many pictures can be compared.

    Args:
        first, second: features `[n, d]`.
        groups: `[n]` to which group, a still, the pictures of each index belong.
    """
    mean, spread = second.mean(dim=0), second.std(dim=0) + 1e-6
    first, second = ((features - mean) / spread for features in (first, second))
    odd = torch.from_numpy(groups % 2 == 1)
    right = []
    for learned in (odd, ~odd):
        features = torch.cat([first[learned], second[learned]])
        truth = torch.cat([torch.zeros(len(first[learned])), torch.ones(len(second[learned]))])
        weight, bias = logistic_layer(features, truth)
        right += [first[~learned] @ weight + bias < 0, second[~learned] @ weight + bias > 0]
    return round(torch.cat(right).float().mean().item(), 4)


def logistic_layer(features: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Weight `[d]` and bias that tell features `[n, d]` of truth `[n]` 1 from those of 0."""
    weight = torch.zeros(features.shape[1], requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(features @ weight + bias, truth)
        loss = loss + DECAY / 2 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weight.detach(), bias.detach()
