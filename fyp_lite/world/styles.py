"""Painting styles for finished frames.

Strokes, hatching, grain and paper are fixed in the frame for a seed, so that a styled video is as
steady as the plain one. They are computed once per size and seed and then only looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from fyp_lite.world.scenes import unknown

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
    return _PAINTERS[style](frame, seed)


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
        rng.standard_normal(small).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    return (noise - noise.mean()) / (noise.std() + 1e-6)


# --- Van Gogh: brush strokes along a swirling flow


def _van_gogh(frame: np.ndarray, seed: int) -> np.ndarray:
    centres, strokes, relief = _brush_strokes(frame.shape[:2], seed)
    rich = _saturate(frame, 1.45)
    paint = rich.reshape(-1, 3)[centres][strokes]  # every stroke has the colour at its centre
    mixed = cv2.addWeighted(paint, 0.62, rich, 0.38, 0)
    return cv2.multiply(mixed, relief, dtype=cv2.CV_8U)


def _saturate(frame: np.ndarray, amount: float) -> np.ndarray:
    """Colours further from grey."""
    mix = amount * np.eye(3, dtype=np.float32) + (1 - amount) * _GREY
    return cv2.transform(frame, mix)


@lru_cache(maxsize=8)
def _brush_strokes(
    shape: tuple[int, int], seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat pixel index of each stroke's centre, stroke of each pixel, paint's thickness and tint.

    Shapes `[strokes]`, `[h, w]` and `[h, w, 3]` (a factor near 1).
    """
    height, width = shape
    rng = np.random.default_rng(seed)
    unit = min(shape) / 256
    step = 3.6 * unit
    ys, xs = np.mgrid[step / 2 : height : step, step / 2 : width : step]
    spots = np.stack([xs.ravel(), ys.ravel()], 1) + rng.normal(0, 0.35 * step, (xs.size, 2))
    spots = np.clip(spots, 0, (width - 1, height - 1))[rng.permutation(xs.size)]
    angles = _flow(spots, shape, rng)
    ids = np.zeros(shape, np.int32)
    relief = np.ones(shape, np.float32)
    long, thick = 9.5 * unit, max(1.0, 2.3 * unit)
    for i, ((x, y), angle) in enumerate(zip(spots.tolist(), angles.tolist(), strict=True)):
        along = np.array((np.cos(angle), np.sin(angle)))
        across = 0.45 * thick * np.array((-along[1], along[0]))
        for canvas, value, shift, share in (
            (ids, i, 0 * across, 1.0),
            (relief, 0.84, across, 1.0),  # the stroke's shaded side
            (relief, float(rng.uniform(0.98, 1.2)), -across, 0.62),  # and its lit ridge
        ):
            a, b = (x, y) + shift - along * long / 2, (x, y) + shift + along * long / 2
            ends = [tuple(int(v) for v in np.round(p)) for p in (a, b)]
            cv2.line(canvas, *ends, value, max(1, round(2 * thick * share)))
    tint = 1 + 0.1 * cv2.GaussianBlur(rng.standard_normal((spots.shape[0], 3))[ids], (3, 3), 0)
    relief = cv2.GaussianBlur(relief, (0, 0), 0.6 * unit)[..., None] * tint
    centres = np.round(spots[:, 1]).astype(np.int64) * width + np.round(spots[:, 0]).astype(np.int64)
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
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    soft = cv2.GaussianBlur(grey, (0, 0), 1.0 * unit)
    wide = cv2.GaussianBlur(grey, (0, 0), 3.2 * unit)
    outline = np.clip(1.1 - 9 * np.abs(wide - soft), 0.12, 1)
    shade = np.ones_like(grey)
    for level, strokes in zip((0.78, 0.56, 0.36), hatching, strict=True):
        # A stroke is as strong as the picture is darker than the level.
        shade -= np.clip((level - wide) * 3.2, 0, 1) * strokes
    light = (0.72 + 0.28 * np.sqrt(soft)) * np.clip(shade, 0.2, 1) * outline
    return _bytes(paper * light[..., None])


@lru_cache(maxsize=8)
def _hatching(shape: tuple[int, int], seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Three directions of pencil strokes, `[h, w]` in 0…0.4, and the paper `[h, w, 3]` 0…255."""
    rng = np.random.default_rng(seed)
    unit = min(shape) / 256
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    layers = []
    for degrees, period in ((50, 8.0), (128, 8.0), (86, 7.0)):
        angle = np.radians(degrees)
        wobble = 1.1 * unit * _noise(shape, 22 * unit, rng)
        across = (x * np.sin(angle) + y * np.cos(angle) + wobble) / (period * unit)
        pressure = np.clip(0.85 + 0.3 * _noise(shape, 14 * unit, rng), 0.2, 1.2)
        layers.append(0.34 * pressure * np.clip(0.5 + 0.9 * np.cos(2 * np.pi * across), 0, 1))
    grain = 1 + 0.012 * _noise(shape, 2.5 * unit, rng)
    return layers, (grain[..., None] * _PAPER).astype(np.float32)


# --- watercolour: soft washes with darker edges on white paper


def _watercolour(frame: np.ndarray, seed: int) -> np.ndarray:
    unit = _unit(frame)
    warp, pigment, paper = _wash(frame.shape[:2], seed)
    wobbly = cv2.remap(frame, *warp, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    flat = cv2.medianBlur(wobbly, 2 * max(1, round(3 * unit)) + 1)
    wash = _saturate(flat, 1.25).astype(np.float32)
    small = cv2.GaussianBlur(flat, (0, 0), 1.2 * unit).astype(np.float32)
    pooled = cv2.GaussianBlur(small, (0, 0), 4.0 * unit) - small  # paint gathers along edges
    strength = (0.8 + pigment)[..., None]
    wet = paper - (paper - wash) * strength - 0.55 * np.abs(pooled)
    return _bytes(wet)


@lru_cache(maxsize=8)
def _wash(
    shape: tuple[int, int], seed: int
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Maps that make edges wobble, pigment added to the wash `[h, w]`, paper `[h, w, 3]`."""
    rng = np.random.default_rng(seed)
    unit = min(shape) / 256
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    dx, dy = (1.3 * unit * _noise(shape, 14 * unit, rng) for _ in range(2))
    maps = cv2.convertMaps(x + dx, y + dy, cv2.CV_16SC2)
    blots = 0.1 * _noise(shape, 34 * unit, rng) + 0.06 * _noise(shape, 11 * unit, rng)
    border = np.minimum(np.minimum(x, shape[1] - 1 - x), np.minimum(y, shape[0] - 1 - y)) / unit
    ragged = border + 3.0 * _noise(shape, 16 * unit, rng)
    painted = np.clip((ragged - 5) / 3, 0, 1)  # the paper stays white along the border
    paper = (1 + 0.01 * _noise(shape, 3 * unit, rng))[..., None] * _PAPER
    pigment = (0.8 + np.clip(blots, -0.28, 0.22)) * painted - 0.8
    return maps, pigment.astype(np.float32), paper.astype(np.float32)


_PAINTERS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "plain": lambda frame, seed: frame,
    "Van Gogh": _van_gogh,
    "Minecraft": _minecraft,
    "pencil sketch": _pencil_sketch,
    "watercolour": _watercolour,
}
STYLES = tuple(_PAINTERS)
