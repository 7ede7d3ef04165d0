"""Skeletons in OpenPose's colours, as ControlNet-like tools draw and expect them.

Eighteen hues, one for each joint, 20 degrees apart; a limb has the same hues at 0.6 of the
brightness, and every joint has a dot. The published weights do not know this palette.
"""

from __future__ import annotations

import cv2
import numpy as np

from fyp_lite.keypoints.formats import to_openpose
from fyp_lite.skeleton import MIN_CONFIDENCE

# (joint, joint) in OpenPose's numbers, in the order of the limbs' colours.
LIMBS = (
    *((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11)),
    *((11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17)),
)
HUE_STEP = 20  # degrees from one joint's colour to the next, the first at 0
DIM = 0.6  # brightness of a limb
RADIUS = 4 / 512  # of a dot, and half of a limb's width, in short sides
_SHIFT = 6  # cv2's fixed-point bits: 1/64 pixel


def _colours() -> np.ndarray:
    """`[18, 3]` uint8 RGB."""
    hues = np.arange(18, dtype=np.float32) * HUE_STEP
    hsv = np.stack([hues, np.ones(18), np.ones(18)], axis=-1).astype(np.float32)
    return (cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0] * 255).round().astype(np.uint8)


COLOURS = _colours()


def draw_openpose(keypoints: np.ndarray, height: int, width: int) -> np.ndarray:
    """Draw everybody's limbs and joints on black in OpenPose's colours.

    Args:
        keypoints: `[f, people, 17, 3]` of (x, y, confidence) in pixels of the output.
        height, width: size of the output in pixels, at least 1.

    Returns:
        `[f, height, width, 3]` uint8 RGB.
    """
    frames = np.zeros((len(keypoints), height, width, 3), np.uint8)
    radius = max(1.0, RADIUS * min(height, width))
    for frame, people in zip(frames, to_openpose(np.asarray(keypoints)), strict=True):
        for person in people:
            seen = person[:, 2] >= MIN_CONFIDENCE
            for colour, (a, b) in zip(COLOURS, LIMBS, strict=False):
                if seen[a] and seen[b]:
                    outline = _ellipse(person[a, :2], person[b, :2], radius)
                    cv2.fillConvexPoly(frame, outline, (DIM * colour).tolist(), shift=_SHIFT)
            for colour, place in zip(COLOURS[seen], person[seen, :2], strict=True):
                cv2.circle(
                    frame,
                    _fixed(place).tolist(),
                    int(radius * 2**_SHIFT),
                    colour.tolist(),
                    cv2.FILLED,
                    shift=_SHIFT,
                )
    return frames


def _ellipse(start: np.ndarray, end: np.ndarray, radius: float) -> np.ndarray:
    """Outline of a limb: an ellipse from joint to joint, `[n, 2]` in fixed point."""
    along = (end - start) / 2
    length = max(float(np.hypot(*along)), 1e-6)
    across = np.array([-along[1], along[0]]) * (radius / length)
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)[:, None]
    return _fixed((start + end) / 2 + np.cos(turn) * along + np.sin(turn) * across)


def _fixed(places: np.ndarray) -> np.ndarray:
    """Pixels to cv2's fixed-point coordinates, which count from the first pixel's centre."""
    return np.round((np.clip(places, -16000, 16000) - 0.5) * 2**_SHIFT).astype(np.int32)
