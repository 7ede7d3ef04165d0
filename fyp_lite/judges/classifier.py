"""A small network that tells what a picture of the world shows: who, how many, where, when, how.

Place, time, style and number are told from the picture as a whole; who is there, from cells of it,
and the surest cell counts. It reads single frames. The names that it tells apart are part of its
configuration, so it needs neither the renderer nor the world's tables.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from fyp_lite.keypoint_network import SIZE, STRIDE, ConvNorm, Residual

OF_PEOPLE = ("character", "colour", "cute")  # any number of their names may be true
OF_PICTURES = ("count", "place", "time", "style")  # exactly one of their names is true
# What pictures are judged by, in the order of the network's numbers and of reports.
ATTRIBUTES = (*OF_PEOPLE, *OF_PICTURES)
CELL = 16  # pixels of a cell in which somebody may be seen
FRAMES_AT_ONCE = 16


class AttributeClassifier(ModelMixin, ConfigMixin):
    """Picture to one number per name.

    Args:
        attributes: the names of each of `ATTRIBUTES`.
        channels: width at 1/4, 1/8, 1/16 and 1/32 of the picture.
        hidden: width before the numbers.
    """

    @register_to_config
    def __init__(
        self,
        attributes: dict[str, list[str]],
        channels: tuple[int, ...] = (32, 56, 88, 120),
        hidden: int = 128,
    ) -> None:
        super().__init__()
        unknown = set(attributes) ^ set(ATTRIBUTES)
        if unknown:
            raise ValueError(
                f"attributes are wrong about {', '.join(sorted(unknown))}: give the names of each "
                f"of {', '.join(ATTRIBUTES)}."
            )
        # A saved configuration comes back with its keys sorted.
        self.names = {name: list(attributes[name]) for name in ATTRIBUTES}
        *_, near, far = channels
        layers: list[nn.Module] = [
            nn.PixelUnshuffle(STRIDE),
            ConvNorm(3 * STRIDE**2, channels[0]),
            Residual(channels[0]),
        ]
        for before, after in pairwise(channels[:-1]):
            layers += [ConvNorm(before, after, stride=2), Residual(after)]
        self.near = nn.Sequential(*layers)
        self.far = nn.Sequential(ConvNorm(near, far, stride=2), Residual(far))
        people, pictures = (
            sum(len(self.names[name]) for name in part) for part in (OF_PEOPLE, OF_PICTURES)
        )
        last = nn.Conv2d(hidden, people, 1)
        last.bias = nn.Parameter(torch.full((people,), -3.0))  # most of them are not there
        self.people = nn.Sequential(nn.Conv2d(near, hidden, 1), nn.ReLU(), last)
        self.picture = nn.Sequential(
            nn.Linear(2 * far, hidden), nn.ReLU(), nn.Linear(hidden, pictures)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Pictures `[b, 3, 256, 256]` in 0...1 to logits `[b, names]`, attribute by attribute."""
        return self.join(*self.maps(images))

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `[b, names of people, 16, 16]` in each cell, `[b, names of pictures]` of all."""
        near = self.near(images * 2 - 1)  # (b, c, 16, 16)
        return self.people(near).float(), self.picture(mean_and_most(self.far(near))).float()

    def join(self, cells: Tensor, whole: Tensor) -> Tensor:
        """What `maps` returns as `[b, names]`: somebody who is in any cell is in the picture."""
        return torch.cat([cells.flatten(2).amax(2), whole], dim=1)

    def split(self, values: Tensor) -> dict[str, Tensor]:
        """`[b, names]` as one `[b, names of the attribute]` per attribute."""
        parts = values.split([len(names) for names in self.names.values()], dim=1)
        return dict(zip(self.names, parts, strict=True))

    def probabilities(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        """How sure the network is of every name in every frame.

        Args:
            frames: `[f, h, w, 3]` uint8 RGB.

        Returns:
            `[f, names]` float32 in 0...1 per attribute; those of an attribute in `OF_PICTURES` add
            up to 1.
        """
        return {
            name: (part.softmax(1) if name in OF_PICTURES else part.sigmoid()).numpy()
            for name, part in self.split(self._of_frames(self, frames)).items()
        }

    def features(self, frames: np.ndarray) -> np.ndarray:
        """What the network sees in every frame before it names it, near and far: mean and most.

        Args:
            frames: `[f, h, w, 3]` uint8 RGB.

        Returns:
            `[f, features]` float32.
        """

        def seen(images: Tensor) -> Tensor:
            near = self.near(images * 2 - 1)
            return torch.cat([mean_and_most(near), mean_and_most(self.far(near))], dim=1).float()

        return self._of_frames(seen, frames).numpy()

    @torch.no_grad()
    def _of_frames(self, function: Callable[[Tensor], Tensor], frames: np.ndarray) -> Tensor:
        """`function` of pictures `[b, 3, 256, 256]` in 0...1, a few frames at a time."""
        frames = np.asarray(frames)
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not len(frames):
            raise ValueError(
                f"frames are {frames.dtype} of shape {frames.shape}: "
                "give uint8 RGB of shape [frames, height, width, 3]."
            )
        results = []
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            part = np.stack([_to_size(frame) for frame in frames[start : start + FRAMES_AT_ONCE]])
            images = torch.from_numpy(part).permute(0, 3, 1, 2).to(self.device, self.dtype)
            results.append(function(images / 255).cpu())
        return torch.cat(results)


def mean_and_most(maps: Tensor) -> Tensor:
    """`[b, c, h, w]` to `[b, 2 c]`: of every channel the mean and the largest value."""
    return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)


def _to_size(frame: np.ndarray) -> np.ndarray:
    if frame.shape[:2] == (SIZE, SIZE):
        return frame
    smooth = cv2.INTER_AREA if min(frame.shape[:2]) > SIZE else cv2.INTER_CUBIC
    return cv2.resize(frame, (SIZE, SIZE), interpolation=smooth)
