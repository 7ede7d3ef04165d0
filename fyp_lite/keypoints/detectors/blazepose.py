"""BlazePose's geometry: squares of a frame in, people and joints out, without its networks.

"BlazePose: On-device Real-time Body Pose tracking" (Bazarevsky et al., 2020). One network, the
finder, sees people in a small picture, each as two points that make a square around the body,
turned with it. The other, the reader, gives 33 joints of the body in such a square, and two more
points that make the square for the next frame. Constants are those of MediaPipe 0.10.14's graph.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

FINDER_SIDE, READER_SIDE = 224, 256  # pixels of the pictures that the networks see
MARGIN = 1.25  # of the square around a body
MIN_SCORE = 0.5  # of a person found
MAX_VIEWS = 7  # of the short side's size, enough for frames four times as wide as high
# COCO-17 among BlazePose's 33 joints, then the two points of the next square.
FROM_BLAZEPOSE = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28, 33, 34)


class Square(NamedTuple):
    """A square of the frame: centre (x, y) and side in pixels, turned clockwise by radians."""

    x: float
    y: float
    side: float
    angle: float = 0.0


def square_of(centre: np.ndarray, top: np.ndarray) -> Square:
    """The square of a body whose middle and outermost point above it are given, (x, y) each."""
    right, down = top - centre
    side = max(1.0, float(2 * MARGIN * np.hypot(right, down)))
    return Square(float(centre[0]), float(centre[1]), side, float(np.arctan2(right, -down)))


def cut(
    frame: np.ndarray, square: Square, side: int, border: int = cv2.BORDER_CONSTANT
) -> tuple[np.ndarray, np.ndarray]:
    """The square as a `[side, side, 3]` uint8 picture, antialiased, and the `[2, 3]` matrix that
    takes the picture's points to the frame's."""
    scale = square.side / side  # frame's pixels per picture's
    sine, cosine = np.sin(square.angle) * scale, np.cos(square.angle) * scale
    turn = np.array([[cosine, -sine], [sine, cosine]])
    corner = np.array([square.x, square.y]) - turn @ [side / 2, side / 2]
    finer = min(max(1, round(scale / 1.5)), 8)  # sampled so much finer, then averaged
    # cv2 counts from the first pixel's centre, we from its corner.
    indices = np.column_stack([turn / finer, corner + turn @ [0.5 / finer, 0.5 / finer] - 0.5])
    size = (side * finer, side * finer)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    picture = cv2.warpAffine(frame, indices, size, flags=flags, borderMode=border)
    if finer > 1:
        picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return picture, np.column_stack([turn, corner])


def views(height: int, width: int) -> list[Square]:
    """Where to look for people: the frame in a square; a wide or tall frame also by overlapping
    squares of its short side, in which people are larger."""
    short, long = sorted((height, width))
    count = min(int(np.ceil(2 * (long / short - 1))) + 1, MAX_VIEWS) if long > 1.25 * short else 0
    along = np.linspace(short / 2, long - short / 2, count)
    whole = Square(width / 2, height / 2, long)
    if width > height:
        return [whole, *(Square(float(x), height / 2, short) for x in along)]
    return [whole, *(Square(width / 2, float(y), short) for y in along)]


# ---------------------------------------------------------------------------- find and read


def _anchors() -> np.ndarray:
    """`[2254, 2]`: the places that the finder's outputs are relative to, in 0...1."""
    places = []
    for stride, repeats in ((8, 2), (16, 2), (32, 6)):
        cells = np.arange(stride / 2, FINDER_SIDE, stride) / FINDER_SIDE
        grid = np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 2)
        places.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(places)


ANCHORS = _anchors()


def decode_people(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The finder's outputs to people, the surest first.

    Args:
        boxes: `[2254, 12]` of a box's (x, y, width, height) and four points, relative to
            `ANCHORS`, in the picture's pixels. scores: `[2254]` logits.

    Returns:
        `[people, 2, 2]`: a body's centre and its outermost point above, in 0...1 of the picture.
        Overlapping finds are averaged by their scores.
    """
    scores = _sigmoid(scores)
    order = np.argsort(-scores)[: int((scores >= MIN_SCORE).sum())]
    boxes, scores, anchors = boxes[order] / FINDER_SIDE, scores[order], ANCHORS[order]
    low = boxes[:, :2] + anchors - boxes[:, 2:4] / 2
    high = low + boxes[:, 2:4]
    points = boxes[:, 4:8].reshape(-1, 2, 2) + anchors[:, None]
    people = []
    left = np.arange(len(scores))
    while len(left):
        first = left[0]
        shared = np.minimum(high[left], high[first]) - np.maximum(low[left], low[first])
        shared = np.clip(shared, 0, None).prod(axis=1)
        areas = (high[left] - low[left]).prod(axis=1)
        same = shared > 0.3 * (areas + areas[0] - shared)
        same[0] = True
        people.append(np.average(points[left[same]], axis=0, weights=scores[left[same]]))
        left = left[~same]
    return np.array(people).reshape(-1, 2, 2)


def decode_joints(
    landmarks: np.ndarray, heatmaps: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """The reader's outputs to joints.

    Args:
        landmarks: `[39, 5]` of x, y, depth in the picture's pixels, and logits of how visible a
            joint is and of whether it is inside the picture. heatmaps: `[64, 64, 39]` logits.

    Returns:
        places `[19, 2]` in the picture's pixels, in `FROM_BLAZEPOSE`'s order, moved to the centre
        of the heat around them where it is clear; confidence `[19]`, the least of visible, inside
        and heat, as a hidden joint is often called visible; and the body's evidence, the mean heat
        of the joints inside.
    """
    chosen = landmarks[list(FROM_BLAZEPOSE)]
    places, (visible, inside) = chosen[:, :2].copy(), _sigmoid(chosen[:, 3:5].T)
    cell = READER_SIDE / heatmaps.shape[0]
    heat = np.zeros(len(places))
    for i, joint in enumerate(FROM_BLAZEPOSE):
        column, row = np.floor(places[i] / cell).astype(int)
        if not (0 <= column < heatmaps.shape[1] and 0 <= row < heatmaps.shape[0]):
            continue
        left, top = max(0, column - 3), max(0, row - 3)
        near = _sigmoid(heatmaps[top : row + 4, left : column + 4, joint])
        heat[i] = near.max()
        if heat[i] >= 0.5:
            columns, rows = left + np.arange(near.shape[1]), top + np.arange(near.shape[0])
            places[i] = near.sum(axis=0) @ columns, near.sum(axis=1) @ rows
            places[i] *= cell / near.sum()
    seen = inside[:17] >= 0.5
    evidence = float(heat[:17][seen].mean()) if seen.any() else 0.0
    return places, np.minimum(np.minimum(visible, inside), heat), evidence


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -50, 50)))
