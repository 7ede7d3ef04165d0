"""Train the skeleton reader: drawn skeletons in, keypoints out.

    python -m fyp_world.training.keypoint_network --minutes 25 --out runs/skeleton_reader

Data is made on the fly by the choreographer and never repeats. The run can be stopped and started
again with the same command: it goes on from its last checkpoint until the minutes are used up.
Minutes are the main thread's processor time: a busy machine trains as long as an idle one.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from fyp_lite.files.hashes import write_hashes
from fyp_lite.keypoint_network import MAX_PEOPLE, PARENTS, SIZE, STRIDE, KeypointNet
from fyp_lite.skeleton import LIMBS, LINE_WIDTH, draw_skeletons
from fyp_lite.skeleton_reader import mirror_colours
from fyp_world.world.motion import HELD_OUT_MOTIONS, MOTIONS, perform

# Draws pictures and labels: (rng, count) -> images `[n, 256, 256, 3]` uint8 and keypoints
# `[n, MAX_PEOPLE, 17, 3]` in pixels, confidence 1 = visible, 0 = not; absent people are zeros.
Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
Read = Callable[[np.ndarray], np.ndarray]  # as `read_skeletons`

TRAINING_MOTIONS = tuple(sorted(set(MOTIONS) - set(HELD_OUT_MOTIONS)))
LOSSES = ("people", "joints", "offset", "link")
CHECKPOINT_SECONDS = 40
SMALL_UNTIL = 0.7  # share of the time in which two batches in three are half as large


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
        keypoints: `[b, people, 17, 3]` as `Draw` gives them.
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


class _Stream(IterableDataset):
    def __init__(self, draw: Draw, batch_size: int, seed: int) -> None:
        self.draw, self.batch_size, self.seed = draw, batch_size, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng(self.seed)
        while True:
            images, labels = self.draw(rng, self.batch_size)
            yield torch.from_numpy(images), torch.from_numpy(labels)


def train(draw: Draw, out: Path, minutes: float, *, batch_size: int = 16, lr: float = 2e-3) -> None:
    """Train until `minutes` are used up over all runs; leaves the averaged weights in `out`.

    Args:
        draw: makes pictures and labels.
        out: folder for `checkpoint.pt`, `log.jsonl` and, at every checkpoint, the float16 weights.
        minutes: budget of processor time, which also sets the learning rate's cosine.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    network = KeypointNet().to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr, weight_decay=0.01)
    step, used = 0, 0.0
    if (out / "checkpoint.pt").exists():
        state = torch.load(out / "checkpoint.pt", weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, used = state["step"], state["used"]
    stream = DataLoader(_Stream(draw, batch_size, seed=step), batch_size=None, num_workers=1)
    began, saved = time.thread_time() - used, used
    sums = dict.fromkeys(LOSSES, 0.0)
    network.train()
    for images, labels in stream:
        used = time.thread_time() - began
        progress = min(used / (60 * minutes), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1, (step + 1) / 100) * (0.01 + 0.495 * _cosine(progress))
        pixels = images.permute(0, 3, 1, 2) / 255
        if progress < SMALL_UNTIL and step % 3:
            pixels, labels = F.avg_pool2d(pixels, 2), labels * torch.tensor([0.5, 0.5, 1.0])
        with torch.autocast("cpu", torch.bfloat16):
            maps = network(pixels)
        terms = loss(maps, labels)
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        step += 1
        _follow(average, network, min(0.998, step / (step + 10)))
        for name, value in terms.items():
            sums[name] += value.item() / 50
        if step % 50 == 0:
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps({"step": step, "minutes": used / 60, **sums}) + "\n")
            sums = dict.fromkeys(LOSSES, 0.0)
        if used - saved > CHECKPOINT_SECONDS or progress == 1:
            state = {"network": network.state_dict(), "average": average.state_dict()}
            state |= {"optimizer": optimizer.state_dict(), "step": step, "used": used}
            torch.save(state, out / "checkpoint.tmp")
            (out / "checkpoint.tmp").replace(out / "checkpoint.pt")
            copy.deepcopy(average).half().save_pretrained(out / "weights")
            write_hashes(out / "weights")
            saved = used
        if progress == 1:
            return


def _cosine(progress: float) -> float:
    return 1 + math.cos(math.pi * progress)


@torch.no_grad()
def _follow(average: torch.nn.Module, network: torch.nn.Module, keep: float) -> None:
    """Exponential moving average of weights and batch statistics."""
    ours, theirs = average.state_dict(), network.state_dict()
    for name, value in ours.items():
        if value.is_floating_point():
            value.lerp_(theirs[name], 1 - keep)
        else:
            value.copy_(theirs[name])


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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=25, help="processor time; 0 only reports")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.minutes > 0:
        train(draw_training, options.out, options.minutes)
    print(json.dumps(report(options.out / "weights")))


if __name__ == "__main__":
    main()
