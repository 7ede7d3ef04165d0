"""A small network that finds up to three people in a picture and their COCO-17 joints.

A heatmap marks the people's middles and one heatmap per joint marks the joints, with an offset
inside the cell, as in "Objects as Points" (Zhou et al., 2019). Whose joint it is, the joint itself
says: its link points at the joint it hangs from (a wrist at its elbow) or at its person's middle,
as in "PersonLab" (Papandreou et al., 2018). Short links are far easier to learn than the way from
the middle to a hand. What kind of picture the network reads is a matter of weights.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from fyp_lite.skeleton import PARTNERS
from fyp_lite.threads import give_way

SIZE = 256  # side of the pictures the network sees
STRIDE = 4  # pixels per cell of its maps
REACH = 8.0  # cells per unit of the links' output
MAX_PEOPLE = 3
MIN_JOINTS = 3  # fewer are no person
# The joint that each joint hangs from; None is the person's middle, the mean of its joints.
PARENTS = (None,) * 7 + (5, 6, 7, 8) + (None,) * 2 + (11, 12, 13, 14)
Maps = tuple[Tensor, Tensor, Tensor, Tensor]  # what `KeypointNet.forward` returns


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """ReLU(x + two convolutions of x)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm(self.second(self.first(x))))


def _head(channels: int, heatmaps: int, vectors: int) -> nn.Sequential:
    last = nn.Conv2d(channels, heatmaps + 2 * vectors, 1)
    nn.init.zeros_(last.weight)
    bias = torch.zeros(heatmaps + 2 * vectors)
    bias[:heatmaps] = -4.0  # most cells are empty
    last.bias = nn.Parameter(bias)
    return nn.Sequential(ConvNorm(channels, channels), last)


class KeypointNet(ModelMixin, ConfigMixin):
    """Picture to person and joint maps.

    Args:
        channels: width at 1/4, 1/8, 1/16 and 1/32 of the picture.
    """

    @register_to_config
    def __init__(self, channels: tuple[int, ...] = (32, 56, 80, 96)) -> None:
        super().__init__()
        first = channels[0]
        self.stem = nn.Sequential(nn.PixelUnshuffle(STRIDE), ConvNorm(3 * STRIDE**2, first))
        pairs = list(pairwise(channels))
        self.enter = nn.ModuleList(Residual(c) for c in channels)
        self.down = nn.ModuleList(ConvNorm(a, b, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.leave = nn.ModuleList(Residual(c) for c in channels[:-1])
        self.person = _head(first, 1, 0)
        self.joint = _head(first, 17, 34)

    def forward(self, images: Tensor) -> Maps:
        """Read pictures.

        Args:
            images: `[b, 3, 256, 256]` in 0...1.

        Returns:
            people `[b, 1, 64, 64]` and joints `[b, 17, 64, 64]`, both logits; offsets and links
            `[b, 17, 2, 64, 64]` from the centre of a joint's cell to the joint and to the joint
            it hangs from (see `PARENTS`), both (x, y) in cells.
        """
        x = self.stem(images * 2 - 1)  # (b, c, 64, 64)
        skips = []
        for enter, down in zip(self.enter, self.down, strict=False):
            x = enter(x)
            skips.append(x)
            x = down(x)
        x = self.enter[-1](x)  # (b, c, 8, 8)
        for up, leave in zip(reversed(self.up), reversed(self.leave), strict=True):
            x = leave(skips.pop() + F.interpolate(up(x), scale_factor=2.0, mode="nearest"))
        person, joint = self.person(x).float(), self.joint(x).float()
        vectors = joint[:, 17:].unflatten(1, (2, 17, 2))
        return person, joint[:, :17], vectors[:, 0], vectors[:, 1] * REACH

    @torch.no_grad()
    def read_people(
        self,
        frames: np.ndarray,
        *,
        min_confidence: float = 0.3,
        mirror_colours: np.ndarray | None = None,
    ) -> np.ndarray:
        """Find people and joints in frames of any size.

        Args:
            frames: `[f, h, w, 3]` uint8 RGB.
            min_confidence: a joint less sure than this is missing; so is such a person.
            mirror_colours: `[3, 3]`, gives each side's colour to the other, in drawings whose
                colours tell left from right. They are then read in a mirror as well, at twice the
                cost, and what either reading is sure of counts.

        Returns:
            `[f, people, 17, 3]` float32 (x, y, confidence) in the frames' pixels, people from
            left to right in every frame, padded with zeros to the largest count (0 to 3).
        """
        frames = np.asarray(frames)
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
            raise ValueError(
                f"frames are {frames.dtype} of shape {frames.shape}: "
                "give uint8 RGB of shape [frames, height, width, 3]."
            )
        scale, left, top = _letterbox(frames.shape[1], frames.shape[2])
        found: list[np.ndarray] = []
        for start in range(0, len(frames), 16):
            give_way()
            squares = [_to_square(frame, scale, left, top) for frame in frames[start : start + 16]]
            images = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
            images = images.to(self.device, self.dtype) / 255
            maps = self(images)
            if mirror_colours is not None:
                colours = torch.from_numpy(mirror_colours).to(images)
                swapped = torch.einsum("ij,bjhw->bihw", colours, images).clamp(0, 1)
                maps = surer(maps, unmirrored(self(swapped.flip(3))))
            found += decode(*(m.cpu() for m in maps), min_confidence=min_confidence)
        keypoints = np.zeros((len(frames), max(map(len, found), default=0), 17, 3), np.float32)
        for into, people in zip(keypoints, found, strict=True):
            people[..., :2] = (people[..., :2] - [left, top]) / scale
            people[people[..., 2] == 0] = 0
            into[: len(people)] = people
        return keypoints


def unmirrored(maps: Maps) -> Maps:
    """A mirrored picture's maps as maps of the picture itself."""
    people, joints, offsets, links = (m.flip(-1) for m in maps)
    other_way = torch.tensor([-1.0, 1.0]).to(offsets)[:, None, None]  # x runs backwards
    return (
        people,
        joints[:, PARTNERS],
        offsets[:, PARTNERS] * other_way,
        links[:, PARTNERS] * other_way,
    )


def surer(first: Maps, second: Maps) -> Maps:
    """Two readings of a picture as one: the higher heatmaps, the vectors' mean by confidence."""
    people, joints = (torch.maximum(a, b) for a, b in zip(first[:2], second[:2], strict=True))
    ours, theirs = (maps[1].sigmoid()[:, :, None] for maps in (first, second))
    share = ours / (ours + theirs).clamp(min=1e-6)
    offsets, links = (b + share * (a - b) for a, b in zip(first[2:], second[2:], strict=True))
    return people, joints, offsets, links


def decode(
    people: Tensor, joints: Tensor, offsets: Tensor, links: Tensor, *, min_confidence: float
) -> list[np.ndarray]:
    """The network's maps (see `KeypointNet.forward`) to people.

    From the trunk outwards each joint's heatmap peaks are handed out to the people, the best pair
    first: sure peaks whose link ends where that person's parent joint is. A peak belongs to one
    person only; a joint whose parent is missing is missing too.

    Returns:
        per picture `[people, 17, 3]` float32 (x, y, confidence) in pixels of the 256 x 256
        picture, from left to right; confidence 0 = missing.
    """
    width = people.shape[-1]
    middles, middle_cells = _peaks(people, 5, MAX_PEOPLE)
    peaks, cells = _peaks(joints, 3, 2 * MAX_PEOPLE)  # (b, 17, k)
    centres = _centres(cells, width)  # (b, 17, k, 2)
    places = centres + _at(offsets, cells)
    origins = centres + _at(links, cells)
    maps = (middles, _centres(middle_cells, width), peaks, places, origins)
    return [
        _group(*(m.numpy() for m in picture), min_confidence=min_confidence)
        for picture in zip(*maps, strict=True)
    ]


def _group(
    middles: np.ndarray,
    middle_places: np.ndarray,
    peaks: np.ndarray,
    places: np.ndarray,
    origins: np.ndarray,
    *,
    min_confidence: float,
) -> np.ndarray:
    """`decode` for one picture; everything in cells."""
    count = int((middles[0] > min_confidence).sum())
    result = np.zeros((count, 17, 3), np.float32)
    for joint, parent in enumerate(PARENTS):
        wanted = middle_places[0, :count] if parent is None else result[:, parent, :2]
        length = np.linalg.norm(origins[joint] - places[joint], axis=-1)  # (k,)
        away = np.linalg.norm(wanted[:, None] - origins[joint], axis=-1)  # (people, k)
        score = peaks[joint] * np.exp(-((away / (1.5 + 0.4 * length)) ** 2))
        score[:, peaks[joint] < min_confidence] = 0
        if parent is not None:
            score[result[:, parent, 2] == 0] = 0
        for _ in range(count):
            p, k = np.unravel_index(score.argmax(), score.shape)
            if score[p, k] < 0.02:
                break
            result[p, joint] = [*places[joint, k], peaks[joint, k]]
            score[p] = score[:, k] = 0
    result[..., :2] *= STRIDE
    seen = (result[..., 2] > 0).sum(axis=1)
    order = np.argsort(result[..., 0].sum(axis=1) / np.maximum(seen, 1))
    return result[[p for p in order if seen[p] >= MIN_JOINTS]]


def _peaks(logits: Tensor, window: int, count: int) -> tuple[Tensor, Tensor]:
    """The highest local maxima of `[b, c, h, w]` maps: values and flat cells, `[b, c, count]`."""
    heat = logits.sigmoid()
    highest = F.max_pool2d(heat, window, 1, window // 2)
    values, cells = (heat * (heat == highest)).flatten(2).topk(count, dim=2)
    return values, cells


def _centres(cells: Tensor, width: int) -> Tensor:
    """Flat cells to their centres (x, y) in cells, one more axis."""
    return torch.stack([cells % width, cells // width], dim=-1) + 0.5


def _at(vectors: Tensor, cells: Tensor) -> Tensor:
    """Look `[b, 17, 2, h, w]` vectors up at `[b, 17, k]` flat cells: `[b, 17, k, 2]`."""
    index = cells[:, :, None].expand(-1, -1, 2, -1)
    return vectors.flatten(3).gather(3, index).transpose(2, 3)


def _letterbox(height: int, width: int) -> tuple[float, float, float]:
    """Scale and left, top margins that put a frame into the middle of the network's square."""
    scale = SIZE / max(height, width)
    return scale, (SIZE - round(width * scale)) // 2, (SIZE - round(height * scale)) // 2


def _to_square(frame: np.ndarray, scale: float, left: float, top: float) -> np.ndarray:
    height, width = round(frame.shape[0] * scale), round(frame.shape[1] * scale)
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    square = np.zeros((SIZE, SIZE, 3), np.uint8)
    resized = cv2.resize(frame, (width, height), interpolation=smooth)
    square[top : top + height, left : left + width] = resized
    return square
