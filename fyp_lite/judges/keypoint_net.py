"""A small network that finds up to three people in a picture and their COCO-17 joints.

Every person is a point: a heatmap marks the people's middles, and from each middle the network
points at the 17 joints. That is coarse but says whose joint it is; one heatmap per joint, with an
offset inside its cell, says precisely where. Follows the multi-person pose estimation of "Objects
as Points" (Zhou et al., 2019, section 4.2). What kind of picture it reads is a matter of weights.
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

SIZE = 256  # side of the pictures the network sees
STRIDE = 4  # pixels per cell of its maps
CELLS = SIZE // STRIDE
REACH = 16.0  # cells per unit of the displacement output
MAX_PEOPLE = 3


class _Conv(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _Conv(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm(self.second(self.first(x))))


def _head(channels: int, heatmaps: int) -> nn.Sequential:
    """Heatmaps, then one (x, y) for each of the 17 joints."""
    last = nn.Conv2d(channels, heatmaps + 2 * 17, 1)
    nn.init.zeros_(last.weight)
    bias = torch.zeros(heatmaps + 2 * 17)
    bias[:heatmaps] = -4.0  # most cells are empty
    last.bias = nn.Parameter(bias)
    return nn.Sequential(_Conv(channels, channels), last)


class KeypointNet(ModelMixin, ConfigMixin):
    """Picture to person and joint maps.

    Args:
        channels: width at 1/4, 1/8, 1/16 and 1/32 of the picture.
    """

    @register_to_config
    def __init__(self, channels: tuple[int, ...] = (32, 56, 80, 96)) -> None:
        super().__init__()
        first = channels[0]
        self.stem = nn.Sequential(nn.PixelUnshuffle(STRIDE), _Conv(3 * STRIDE**2, first))
        pairs = list(pairwise(channels))
        self.enter = nn.ModuleList(_Residual(c) for c in channels)
        self.down = nn.ModuleList(_Conv(a, b, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.leave = nn.ModuleList(_Residual(c) for c in channels[:-1])
        self.person = _head(first, 1)
        self.joint = _head(first, 17)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Read pictures.

        Args:
            images: `[b, 3, 256, 256]` in 0...1.

        Returns:
            people `[b, 1, 64, 64]` and joints `[b, 17, 64, 64]`, both logits; displacements
            `[b, 17, 2, 64, 64]` from a person's cell to the joints and offsets
            `[b, 17, 2, 64, 64]` from a joint's cell to the joint, both (x, y) in cells.
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
        displacements = person[:, 1:].unflatten(1, (17, 2)) * REACH
        return person[:, :1], joint[:, :17], displacements, joint[:, 17:].unflatten(1, (17, 2))

    @torch.no_grad()
    def read_people(self, frames: np.ndarray, *, min_confidence: float = 0.3) -> np.ndarray:
        """Find people and joints in frames of any size.

        Args:
            frames: `[f, h, w, 3]` uint8 RGB.
            min_confidence: a joint less sure than this is missing; so is such a person.

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
            squares = [_to_square(frame, scale, left, top) for frame in frames[start : start + 16]]
            images = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
            maps = self(images.to(self.device, self.dtype) / 255)
            found += decode(*(m.cpu() for m in maps), min_confidence=min_confidence)
        keypoints = np.zeros((len(frames), max(map(len, found), default=0), 17, 3), np.float32)
        for into, people in zip(keypoints, found, strict=True):
            people[..., :2] = (people[..., :2] - [left, top]) / scale
            people[people[..., 2] == 0] = 0
            into[: len(people)] = people
        return keypoints


def decode(
    people: Tensor, joints: Tensor, displacements: Tensor, offsets: Tensor, *, min_confidence: float
) -> list[np.ndarray]:
    """The network's maps (see `KeypointNet.forward`) to people.

    Each joint's heatmap peaks are handed out to the people, the best pair first: sure peaks close
    to where the person points. A peak belongs to one person only.

    Returns:
        per picture `[people, 17, 3]` float32 (x, y, confidence) in pixels of the 256 x 256
        picture, from left to right; confidence 0 = missing.
    """
    middles, middle_cells = _peaks(people, 5, MAX_PEOPLE)
    peaks, cells = _peaks(joints, 3, 2 * MAX_PEOPLE)  # (b, 17, k)
    at_middle = middle_cells[:, 0, None, None].expand(-1, 17, 2, -1)
    coarse = displacements.flatten(3).gather(3, at_middle) + _centre(middle_cells)  # (b, 17, 2, p)
    fine = offsets.flatten(3).gather(3, cells[:, :, None].expand(-1, -1, 2, -1))
    fine = fine + torch.stack([_centre(cells[:, j : j + 1])[:, 0] for j in range(17)], 1)
    found = []
    for i in range(len(people)):
        count = int((middles[i, 0] > min_confidence).sum())
        result = np.zeros((count, 17, 3), np.float32)
        size = (coarse[i, :, :, :count].amax(0) - coarse[i, :, :, :count].amin(0)).amax(0)  # (p,)
        away = (coarse[i, :, :, :count, None] - fine[i, :, :, None]).norm(dim=1)  # (17, p, k)
        near = torch.exp(-((away / (0.15 * size[None, :, None] + 1.0)) ** 2))
        score = (near * peaks[i, :, None] * (peaks[i, :, None] > min_confidence)).numpy()
        for joint in range(17):
            for _ in range(count):
                p, k = np.unravel_index(score[joint].argmax(), score[joint].shape)
                if score[joint, p, k] < 0.02:
                    break
                result[p, joint, :2] = fine[i, joint, :, k].numpy() * STRIDE
                result[p, joint, 2] = peaks[i, joint, k]
                score[joint, p] = score[joint, :, k] = 0
        x = result[..., 0].sum(1) / np.maximum((result[..., 2] > 0).sum(1), 1)
        kept = [p for p in np.argsort(x) if (result[p, :, 2] > 0).sum() >= 3]
        found.append(result[kept])
    return found


def _peaks(logits: Tensor, window: int, count: int) -> tuple[Tensor, Tensor]:
    """The highest local maxima of `[b, c, h, w]` maps: values and flat cells, `[b, c, count]`."""
    heat = logits.sigmoid()
    highest = F.max_pool2d(heat, window, 1, window // 2)
    values, cells = (heat * (heat == highest)).flatten(2).topk(count, dim=2)
    return values, cells


def _centre(cells: Tensor) -> Tensor:
    """Flat cells `[b, 1, n]` to their centres `[b, 1, 2, n]`, (x, y) in cells."""
    return torch.stack([cells % CELLS, cells // CELLS], dim=2) + 0.5


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
