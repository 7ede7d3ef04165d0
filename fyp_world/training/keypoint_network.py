"""Train the skeleton reader: drawn skeletons in, keypoints out.

    python -m fyp_world.training.keypoint_network --out RUN

Data is made on the fly by the choreographer and never repeats. `RUN/weights` is the trained network
in float16; how well it reads is printed at the end, and again by the same command.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fyp_lite.files.hashes import write_hashes
from fyp_lite.keypoint_network import MAX_PEOPLE, PARENTS, SIZE, STRIDE, KeypointNet
from fyp_lite.skeleton import LIMBS, LINE_WIDTH, draw_skeletons
from fyp_lite.skeleton_reader import mirror_colours
from fyp_world.training.assemble import forget_folders
from fyp_world.training.averages import settle_norms
from fyp_world.training.batches import Draw, Item, MakeBatch
from fyp_world.training.checkpoints import saved_whole
from fyp_world.training.loop import train
from fyp_world.training.options import parse_options
from fyp_world.world.motion import HELD_OUT_MOTIONS, MOTIONS, perform

# Draws pictures and labels: (rng, count) -> images `[n, 256, 256, 3]` uint8 and keypoints
# `[n, MAX_PEOPLE, 17, 3]` in pixels, confidence 1 = visible, 0 = not; absent people are zeros.
DrawPictures = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
Read = Callable[[np.ndarray], np.ndarray]  # as `read_skeletons`

TRAINING_MOTIONS = tuple(sorted(set(MOTIONS) - set(HELD_OUT_MOTIONS)))


def draw_training(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Skeletons as users' clips hold them: cut, thick or thin, compressed, joints missing."""
    performers = [_performer(rng, count) for _ in range(MAX_PEOPLE)]
    images, labels = [], []
    for i in range(count):
        people = np.zeros((MAX_PEOPLE, 17, 3), np.float32)
        alone = rng.uniform() < 0.4
        for p in range(1 if alone else rng.integers(2, MAX_PEOPLE + 1)):
            height = rng.uniform(130, 330) if alone else rng.uniform(90, 260)
            people[p] = _place(performers[p][i], height, rng)
            people[p] = _lose_joints(people[p], rng)
        width = LINE_WIDTH * np.exp(rng.uniform(np.log(0.5), np.log(2.5)))
        image = draw_skeletons(people[None], SIZE, SIZE, line_width=width)[0]
        images.append(_wear(image, rng))
        labels.append(drawn_joints(people))
    return np.stack(images), np.stack(labels)


def draw_held_out(
    rng: np.random.Generator, count: int, people: int
) -> tuple[np.ndarray, np.ndarray]:
    """Whole people in held-out motions, drawn plainly: what accuracy is measured on.

    They stand side by side at random distances (which overlap at times) and random yaw.
    """
    labels = np.zeros((count, MAX_PEOPLE, 17, 3), np.float32)
    for i in range(count):
        height = rng.uniform(150, 220) if people == 1 else rng.uniform(120, 190)
        gap = rng.uniform(0.3, 0.45) * height
        middle = SIZE / 2 + rng.uniform(-15, 15)
        for p in range(people):
            figure = perform(
                str(rng.choice(HELD_OUT_MOTIONS)),
                1,
                8,
                rng,
                yaw=rng.uniform(-np.pi, np.pi),
                height=height * rng.uniform(0.9, 1.1),
                position=(middle + (p - (people - 1) / 2) * gap, rng.uniform(215, 245)),
            )[0]
            labels[i, p] = figure.keypoints()
    return draw_skeletons(labels, SIZE, SIZE), np.stack([drawn_joints(k) for k in labels])


def drawn_joints(people: np.ndarray) -> np.ndarray:
    """`[people, 17, 3]` with confidence 0 where no drawn limb ends or outside the picture."""
    seen = people[..., 2] > 0
    ends = np.zeros_like(seen)
    for a, b, _ in LIMBS:
        both = seen[:, a] & seen[:, b]
        ends[:, a] |= both
        ends[:, b] |= both
    ends &= ((people[..., :2] >= 0) & (people[..., :2] < SIZE)).all(axis=-1)
    return people * ends[..., None]


def _performer(rng: np.random.Generator, count: int) -> np.ndarray:
    """One person's keypoints `[count, 17, 3]` at height 1, standing at the origin."""
    motion = None if rng.uniform() < 0.45 else str(rng.choice(TRAINING_MOTIONS))
    yaw = rng.normal(0, 0.6) if rng.uniform() < 0.5 else rng.uniform(-np.pi, np.pi)
    figures = perform(motion, count, 4.0, rng, yaw=yaw, height=1.0, position=(0.0, 0.0))
    return np.stack([figure.keypoints() for figure in figures])


def _place(person: np.ndarray, height: float, rng: np.random.Generator) -> np.ndarray:
    """Size, stretch and shift a person so that at least a part of it is in the picture."""
    person = person.copy()
    person[:, 0] *= height * rng.uniform(0.85, 1.15)
    person[:, 1] *= height
    person[:, :2] += rng.normal(0, 0.003 * height, (17, 2))
    middle = person[:, :2].mean(axis=0)
    person[:, 0] += rng.uniform(0.1, 0.9) * SIZE - middle[0]
    person[:, 1] += rng.normal(0.5, 0.12) * SIZE - middle[1]
    return person


def _lose_joints(person: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.uniform() < 0.3:
        person[rng.uniform(size=17) < 0.12] = 0
    if rng.uniform() < 0.05:
        person[:5] = 0
    return person


def _wear(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What video does to a drawing: smaller or blurred, darker, other hues, JPEG blocks."""
    if rng.uniform() < 0.3:
        side = int(rng.uniform(0.45, 0.95) * SIZE)
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    if rng.uniform() < 0.5:
        mix = np.eye(3) * rng.uniform(0.75, 1.0, 3) + rng.uniform(0, 0.12, (3, 3))
        image = cv2.transform(image, mix)
    if rng.uniform() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(25, 95))]
        blocks = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
        image = np.asarray(blocks)
    return image


def loss(maps: tuple[Tensor, Tensor, Tensor, Tensor], keypoints: Tensor) -> dict[str, Tensor]:
    """Focal loss on the heatmaps, L1 on offsets and links (Objects as Points, eq. 1 and 2).

    Args:
        maps: what `KeypointNet.forward` returns for b pictures.
        keypoints: `[b, people, 17, 3]` as `DrawPictures` gives them.
    """
    people, joints, offsets, links = maps
    visible = keypoints[..., 2] > 0  # (b, p, 17)
    place = keypoints[..., :2] / STRIDE
    present = visible.any(-1)
    middle = (place * visible[..., None]).sum(2) / visible.sum(2).clamp(min=1)[..., None]
    hangs = torch.tensor([17 if parent is None else parent for parent in PARENTS])
    origin = torch.cat([place, middle[:, :, None]], dim=2)[:, :, hangs]
    linked = visible & torch.cat([visible, present[..., None]], dim=2)[..., hangs]
    cells, count = people.shape[-1], present.sum().clamp(min=1)

    b, p, j = visible.nonzero(as_tuple=True)
    shift = link = torch.zeros((), device=place.device)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            # Neighbour cells learn as well: the highest cell is not always the nearest one.
            step = torch.tensor([dx, dy], device=place.device)
            cell = (place[b, p, j].long() + step).clamp(0, cells - 1)
            at = (b, j, slice(None), cell[:, 1], cell[:, 0])
            shift = shift + (offsets[at] + cell + 0.5 - place[b, p, j]).abs().sum()
            miss = (links[at] + cell + 0.5 - origin[b, p, j]).abs().sum(1)
            link = link + (miss * linked[b, p, j]).sum()
    seen = _gaussians(middle[:, :, None], present[..., None], 1.5, cells)
    return {
        "people": _focal(people, seen) / count,
        "joints": _focal(joints, _gaussians(place, visible, 1.0, cells)) / count / 4,
        "offset": shift / 9 / count / 16,
        "link": link / 9 / count / 40,
    }


def _gaussians(place: Tensor, visible: Tensor, sigma: float, cells: int) -> Tensor:
    """Bumps `[b, j, cells, cells]` at `[b, people, j, 2]`, exactly 1 in the cell that holds one."""
    line = torch.arange(cells, device=place.device)
    cell = place.floor()[..., None]
    x, y = torch.exp(-((line - cell) ** 2) / (2 * sigma**2)).unbind(3)  # (b, p, j, cells)
    return (x[..., None, :] * y[..., None] * visible[..., None, None]).amax(1)


def _focal(logits: Tensor, target: Tensor) -> Tensor:
    probability = logits.sigmoid()
    hit = (1 - probability) ** 2 * F.logsigmoid(logits)
    miss = (1 - target) ** 4 * probability**2 * F.logsigmoid(-logits)
    return -torch.where(target == 1, hit, miss).sum()


def score(read: Read, images: np.ndarray, labels: np.ndarray, within: float) -> float:
    """PCK: the share of visible joints read back within `within` of the person's extent.

    The extent is the longer side of the box around a person's joints. People are matched by
    their middles; joints of people who were not found count as wrong.
    """
    found = read(images)
    right = total = 0
    for people, truth in zip(found, labels, strict=True):
        free = [q for q in people if (q[:, 2] > 0).any()]
        for person in truth[(truth[..., 2] > 0).any(1)]:
            seen = person[:, 2] > 0
            total += seen.sum()
            if not free:
                continue
            middle = person[seen, :2].mean(0)
            gaps = [np.linalg.norm(q[q[:, 2] > 0, :2].mean(0) - middle) for q in free]
            match = free.pop(int(np.argmin(gaps)))
            far = np.linalg.norm(match[seen, :2] - person[seen, :2], axis=1)
            extent = np.ptp(person[seen, :2], axis=0).max()
            right += ((far <= within * extent) & (match[seen, 2] > 0)).sum()
    return float(right / max(total, 1))


class ReaderStage(nn.Module):
    """The network, and the loss of what it reads."""

    def __init__(self, network: KeypointNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Item) -> Item:
        """`pixels` `[b, h, w, 3]` uint8, `keypoints` `[b, people, 17, 3]` in pixels of 256.

        `half` `[b]`: 1 has the pictures of the batch read at half their size.
        """
        pixels, keypoints = batch["pixels"].permute(0, 3, 1, 2) / 255, batch["keypoints"]
        if batch["half"].any():
            pixels = F.avg_pool2d(pixels, 2)
            keypoints = keypoints * keypoints.new_tensor([0.5, 0.5, 1.0])
        terms = loss(self.network(pixels), keypoints)
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}


def batches(draw_pictures: DrawPictures, batch_size: int) -> MakeBatch:
    """Two batches in three are read at half their size: in the same time, twice as many."""

    def make_batch(draw: Draw) -> Item:
        rng = np.random.default_rng([draw.seed, draw.step, draw.process])
        images, labels = draw_pictures(rng, batch_size)
        return {
            "pixels": torch.from_numpy(images),
            "keypoints": torch.from_numpy(labels),
            "half": torch.full((batch_size,), draw.step % 3 > 0),
        }

    return make_batch


def save(network: Any, out: Path) -> None:
    """A network in float16 in the folder `out`, which is there whole or not at all."""
    with saved_whole(out.parent) as folder:
        network.cpu().eval().half().save_pretrained(folder / out.name)
        forget_folders(folder)
        write_hashes(folder / out.name)
    size = sum(p.stat().st_size for p in out.iterdir())
    print(f"{out}: {size / 1e6:.2f} MB")


def report(weights: Path, count: int = 1000) -> dict[str, float]:
    """PCK at 0.02 of the person's size on held-out motions, for one to three people.

    Of fewer pictures it would be a matter of luck: two draws of 200 differ by 0.005.
    """
    network = KeypointNet.from_pretrained(weights).float().eval()
    read = partial(network.read_people, mirror_colours=mirror_colours())
    result = {}
    for people in (1, 2, 3):
        images, labels = draw_held_out(np.random.default_rng(people), count, people)
        result[f"people_{people}"] = round(score(read, images, labels, 0.02), 4)
    images, labels = draw_training(np.random.default_rng(9), count)
    result["as_in_training"] = round(score(read, images, labels, 0.02), 4)
    return result


def main() -> None:
    options = parse_options(
        __doc__, minutes=25, batch_size=16, learning_rate=2e-3, needs_data=False
    )
    torch.manual_seed(options.seed)
    stage = ReaderStage(KeypointNet())
    make_batch = batches(draw_training, options.batch_size)
    if train(stage, make_batch, options):
        settle_norms(stage, make_batch, options.seed)
        save(stage.network, options.out / "weights")
        print(json.dumps(report(options.out / "weights")))


if __name__ == "__main__":
    main()
