"""Painting styles for finished frames.

Strokes, hatching, grain and paper are fixed in the frame for a seed, so that a styled video is as
steady as the plain one. There are `_LAYOUTS` layouts of each, computed once and then looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from fyp_world.world.scenes import unknown

_LAYOUTS = 12
_PAPER = np.array((248, 245, 236), np.float32)
_GREY = np.array((0.299, 0.587, 0.114), np.float32)


def apply_style(frame: np.ndarray, style: str, *, seed: int = 0) -> np.ndarray:
    """The frame as if made in a style.

    Args:
        frame: `[h, w, 3]` uint8 RGB.
        style: one of `STYLES`; "plain" returns the frame itself.
        seed: where strokes, blots and grain lie; use one seed for all frames of a clip.

    Returns:
        `[h, w, 3]` uint8 RGB.

    Raises:
        ValueError: unknown style, or not such a frame.
    """
    if style not in _PAINTERS:
        raise ValueError(unknown("style", style, STYLES))
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise ValueError(
            f"The frame is {frame.dtype} {frame.shape}: a style needs uint8 RGB [height, width, 3]."
        )
    return _PAINTERS[style](frame, seed % _LAYOUTS)


def _unit(frame: np.ndarray) -> float:
    """Pixels of this frame per pixel of a 256-pixel one."""
    return min(frame.shape[:2]) / 256


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 255).astype(np.uint8)


def _noise(shape: tuple[int, int], grain: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise with mean 0 and deviation 1, with blots of about `grain` pixels."""
    height, width = shape
    small = (max(2, round(height / grain)), max(2, round(width / grain)))
    noise = cv2.resize(
        rng.standard_normal(small).astype(np.float32),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    return (noise - noise.mean()) / (noise.std() + 1e-6)


# --- Van Gogh: brush strokes along a swirling flow


def _van_gogh(frame: np.ndarray, seed: int) -> np.ndarray:
    centres, strokes, relief = _brush_strokes(frame.shape[:2], seed)
    rich = _saturate(frame, 1.45)
    paint = rich.reshape(-1, 3)[centres][strokes]  # every stroke has the colour at its centre
    mixed = cv2.addWeighted(paint, 0.56, rich, 0.44, 0)
    return cv2.multiply(mixed, relief, dtype=cv2.CV_8U)


def _saturate(frame: np.ndarray, amount: float) -> np.ndarray:
    """Colours further from grey."""
    mix = amount * np.eye(3, dtype=np.float32) + (1 - amount) * _GREY
    return cv2.transform(frame, mix)


@lru_cache(maxsize=8)
def _brush_strokes(shape: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat pixel index of each stroke's centre, stroke of each pixel, paint's thickness and tint.

    Shapes `[strokes]`, `[h, w]` and `[h, w, 3]` (a factor near 1).
    """
    height, width = shape
    rng = np.random.default_rng(seed)
    unit = min(shape) / 256
    step = 3.8 * unit
    ys, xs = np.mgrid[step / 2 : height : step, step / 2 : width : step]
    spots = np.stack([xs.ravel(), ys.ravel()], 1) + rng.normal(0, 0.35 * step, (xs.size, 2))
    spots = np.clip(spots, 0, (width - 1, height - 1))[rng.permutation(xs.size)]
    angles = _flow(spots, shape, rng)
    along = 4.8 * unit * np.stack([np.cos(angles), np.sin(angles)], 1)
    across = 0.25 * np.stack([-along[:, 1], along[:, 0]], 1)
    ids = np.zeros(shape, np.int32)
    relief = np.ones(shape, np.float32)
    whole, ridge = max(1, round(5 * unit)), max(1, round(3 * unit))
    ends = [(spots + shift - along, spots + shift + along) for shift in (0, across, -across)]
    rows = np.round(np.concatenate([p for pair in ends for p in pair], 1)).astype(int).tolist()
    bright = rng.uniform(0.98, 1.2, len(rows)).tolist()
    for i, (ax, ay, bx, by, sax, say, sbx, sby, rax, ray, rbx, rby) in enumerate(rows):
        cv2.line(ids, (ax, ay), (bx, by), i, whole)
        cv2.line(relief, (sax, say), (sbx, sby), 0.84, whole)  # the stroke's shaded side
        cv2.line(relief, (rax, ray), (rbx, rby), bright[i], ridge)  # and its lit ridge
    tint = 1 + 0.07 * cv2.GaussianBlur(rng.standard_normal((len(rows), 3))[ids], (3, 3), 0)
    relief = cv2.GaussianBlur(relief, (0, 0), 0.6 * unit)[..., None] * tint
    centres = np.round(spots[:, 1]).astype(np.int64) * width + np.round(spots[:, 0]).astype(
        np.int64
    )
    return centres, ids, relief.astype(np.float32)


def _flow(points: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Direction at each (x, y) of `points` in radians: a wavy stream with a few vortices in it."""
    size = np.array(shape[::-1], np.float64)
    where = points / size
    phase = rng.uniform(0, 2 * np.pi)
    flow = np.stack([np.ones(len(where)), 0.8 * np.sin(2 * np.pi * where[:, 0] * 1.4 + phase)], 1)
    for i, corner in enumerate(((0.2, 0.22), (0.72, 0.3), (0.28, 0.8), (0.8, 0.84))):
        away = where - (corner + rng.normal(0, 0.07, 2))
        near = np.exp(-((away**2).sum(1) / 0.03))[:, None]
        flow += (1 if i % 2 else -1) * 26 * near * np.stack([-away[:, 1], away[:, 0]], 1)
    return np.arctan2(flow[:, 1], flow[:, 0])


# --- Minecraft: a world of blocks


def _minecraft(frame: np.ndarray, seed: int) -> np.ndarray:
    height, width = frame.shape[:2]
    block = max(2, round(8 * _unit(frame)))
    texture = _block_texture((height, width), block, seed)
    rows, columns = -(-height // block), -(-width // block)
    padded = cv2.copyMakeBorder(
        frame, 0, rows * block - height, 0, columns * block - width, cv2.BORDER_REPLICATE
    )
    small = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)
    levels = _bytes(np.round(_saturate(small, 1.3).astype(np.float32) / 17) * 17)
    blocks = np.repeat(np.repeat(levels, block, 0), block, 1)[:height, :width]
    return cv2.multiply(np.ascontiguousarray(blocks), texture, dtype=cv2.CV_8U)


@lru_cache(maxsize=8)
def _block_texture(shape: tuple[int, int], block: int, seed: int) -> np.ndarray:
    """`[h, w, 3]` factors: mottled quarters, a light upper left and a dark lower right edge."""
    height, width = shape
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    half = block / 2
    quarters = rng.uniform(0.93, 1.06, (int(height // half) + 1, int(width // half) + 1))
    texture = quarters[(y // half).astype(int), (x // half).astype(int)]
    edge = max(1, block // 8)
    texture[(x % block < edge) | (y % block < edge)] *= 1.1
    texture[(x % block >= block - edge) | (y % block >= block - edge)] *= 0.78
    return np.repeat(texture[..., None], 3, 2).astype(np.float32)


# --- pencil sketch: outlines and hatching on paper


def _pencil_sketch(frame: np.ndarray, seed: int) -> np.ndarray:
    unit = _unit(frame)
    hatching, paper = _hatching(frame.shape[:2], seed)
    soft = cv2.GaussianBlur(frame, (0, 0), 0.8 * unit)
    wide = cv2.GaussianBlur(frame, (0, 0), 2.6 * unit)
    # Edges in any colour channel, on the darker side only: one line for an edge.
    edge = cv2.subtract(wide, soft).max(2).astype(np.float32)
    outline = np.clip(1.12 - edge / 26, 0.14, 1)
    tone = np.sqrt(cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY) / np.float32(255))
    shade = 0.66 + 0.36 * tone
    for level, strokes in zip((0.86, 0.7, 0.5), hatching, strict=True):
        # A stroke is as strong as the picture is darker than the level.
        shade -= np.clip((level - tone) * 4, 0, 1) * strokes
    return cv2.multiply(paper, cv2.merge([shade * outline] * 3), dtype=cv2.CV_8U)


@lru_cache(maxsize=8)
def _hatching(shape: tuple[int, int], seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Three directions of pencil strokes, `[h, w]` in 0…0.3, and the paper `[h, w, 3]` 0…255."""
    rng = np.random.default_rng(seed)
    unit = min(shape) / 256
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    layers = []
    for degrees, period in ((50, 9.0), (128, 9.0), (86, 8.0)):
        angle = np.radians(degrees)
        wobble = 1.1 * unit * _noise(shape, 22 * unit, rng)
        across = (x * np.sin(angle) + y * np.cos(angle) + wobble) / (period * unit)
        pressure = np.clip(0.85 + 0.3 * _noise(shape, 14 * unit, rng), 0.2, 1.2)
        layers.append(0.17 * pressure * np.clip(0.5 + 0.9 * np.cos(2 * np.pi * across), 0, 1))
    grain = 1 + 0.012 * _noise(shape, 2.5 * unit, rng)
    return layers, (grain[..., None] * _PAPER).astype(np.float32)


# --- watercolour: soft washes with darker edges on white paper


def _watercolour(frame: np.ndarray, seed: int) -> np.ndarray:
    unit = _unit(frame)
    warp, pigment, paper = _wash(frame.shape[:2], seed)
    wobbly = cv2.remap(frame, *warp, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    flat = _saturate(cv2.medianBlur(wobbly, 2 * max(1, round(2 * unit)) + 1), 1.25)
    wide = cv2.blur(flat, (2 * round(3 * unit) + 1,) * 2)
    wash = cv2.subtract(flat, cv2.absdiff(wide, flat))  # paint gathers along edges
    # Thin paint lets the paper through.
    return cv2.blendLinear(wash, paper, pigment, 1 - pigment)


@lru_cache(maxsize=8)
def _wash(
    shape: tuple[int, int], seed: int
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Maps that make edges wobble, share of paint `[h, w]`, paper `[h, w, 3]` uint8."""
    rng = np.random.default_rng(seed)
    unit = min(shape) / 256
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    dx, dy = (1.3 * unit * _noise(shape, 14 * unit, rng) for _ in range(2))
    maps = cv2.convertMaps(x + dx, y + dy, cv2.CV_16SC2)
    blots = 0.07 * _noise(shape, 40 * unit, rng) + 0.04 * _noise(shape, 12 * unit, rng)
    border = np.minimum(np.minimum(x, shape[1] - 1 - x), np.minimum(y, shape[0] - 1 - y)) / unit
    ragged = border + 3.0 * _noise(shape, 16 * unit, rng)
    painted = np.clip((ragged - 5) / 3, 0, 1)  # the paper stays white along the border
    paper = (1 + 0.01 * _noise(shape, 3 * unit, rng))[..., None] * _PAPER
    pigment = np.clip(0.82 + blots, 0.6, 1) * painted
    return maps, pigment.astype(np.float32), _bytes(paper)


_PAINTERS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "plain": lambda frame, seed: frame,
    "Van Gogh": _van_gogh,
    "Minecraft": _minecraft,
    "pencil sketch": _pencil_sketch,
    "watercolour": _watercolour,
}
STYLES = tuple(_PAINTERS)
