"""Skeleton frames: draw COCO-17 keypoints as coloured limbs, check such frames, read them back.

This module owns the palette and the limb table. Limbs follow MMPose's COCO-17 drawing, the picture
that the published Follow Your Pose weights were trained on: round limbs, no dots on the joints,
a pure black background.

Pixel coordinates count from the frame's top left corner, so the first pixel's centre is at
(0.5, 0.5) and resizing a frame multiplies its keypoints by the same factor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    pass

JOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)

# The joint on the other side of the body, of each joint.
PARTNERS = tuple(
    JOINTS.index(name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right"))
    for name in JOINTS
)

# RGB. Left and right are the subject's own.
PALETTE = {"middle": (255, 153, 51), "left": (0, 255, 0), "right": (0, 128, 255)}

# (joint, joint, palette entry) in drawing order: a later limb lies over an earlier one.
LIMBS = (
    (15, 13, "left"),
    (13, 11, "left"),
    (16, 14, "right"),
    (14, 12, "right"),
    (11, 12, "middle"),
    (5, 11, "middle"),
    (6, 12, "middle"),
    (5, 6, "middle"),
    (5, 7, "left"),
    (6, 8, "right"),
    (7, 9, "left"),
    (8, 10, "right"),
    (1, 2, "middle"),
    (0, 1, "middle"),
    (0, 2, "middle"),
    (1, 3, "middle"),
    (2, 4, "middle"),
    (3, 5, "middle"),
    (4, 6, "middle"),
)

LINE_WIDTH = 1 / 90  # of the frame's short side
MIN_CONFIDENCE = 0.3  # of a joint; one that is less sure counts as missing
BLACK_LEVEL = 48  # brightest channel of a pixel that still counts as black after H.264
# Edges and compression smear the darker pixels: above this is a line's inside, which tells its hue.
DRAWN_LEVEL = 2 * BLACK_LEVEL
MIN_BLACK = 0.75  # share of black pixels in a skeleton video
MIN_PALETTE = 0.75  # share of the coloured pixels whose hue is in the palette
MIN_DRAWN = 2e-4  # share of coloured pixels below which a clip holds no skeleton
HUE_TOLERANCE = 18  # degrees
_SHIFT = 6  # cv2's fixed-point bits: 1/64 pixel


def draw_skeletons(
    keypoints: np.ndarray,
    height: int,
    width: int,
    *,
    line_width: float = LINE_WIDTH,
    min_confidence: float = MIN_CONFIDENCE,
) -> np.ndarray:
    """Draw every person's limbs on black.

    Args:
        keypoints: `[f, people, 17, 3]` of (x, y, confidence) in pixels of the output.
        height, width: size of the output in pixels, at least 1.
        line_width: as a fraction of the short side, above 0.
        min_confidence: a limb is drawn where both of its joints are at least this sure.

    Returns:
        `[f, height, width, 3]` uint8 RGB.

    Raises:
        ValueError: keypoints of another shape, an empty frame, or a line without width.
    """
    keypoints = np.asarray(keypoints, dtype=np.float32)
    if keypoints.ndim != 4 or keypoints.shape[2:] != (17, 3):
        raise ValueError(
            f"keypoints have shape {keypoints.shape}: "
            "give [frames, people, 17, 3] with (x, y, confidence) in COCO-17 order."
        )
    if height < 1 or width < 1:
        raise ValueError(f"the frame is {height} x {width} pixels: both must be at least 1.")
    if not line_width > 0:
        raise ValueError(f"line_width is {line_width}: give a fraction above 0, such as 1/90.")
    frames = np.zeros((len(keypoints), height, width, 3), np.uint8)
    radius = line_width * min(height, width) / 2
    for frame, people in zip(frames, keypoints, strict=True):
        for person in people:
            _draw_person(frame, person, radius, min_confidence)
    return frames


def _draw_person(
    frame: np.ndarray, person: np.ndarray, radius: float, min_confidence: float
) -> None:
    seen = (person[:, 2] >= min_confidence) & np.isfinite(person[:, :2]).all(axis=1)
    for a, b, side in LIMBS:
        if seen[a] and seen[b]:
            outline = _capsule(person[a, :2], person[b, :2], radius)
            cv2.fillConvexPoly(frame, outline, PALETTE[side], cv2.LINE_AA, _SHIFT)


def _capsule(start: np.ndarray, end: np.ndarray, radius: float) -> np.ndarray:
    """Outline of a round-ended line, `[n, 2]` in cv2's fixed-point pixel-centre coordinates."""
    angle = np.arctan2(end[1] - start[1], end[0] - start[0])
    turn = angle + np.linspace(-np.pi / 2, np.pi / 2, 9)
    # cv2's anti-aliased edge reaches outwards; drawing that much smaller keeps the width true.
    cap = max(radius - 0.75, 0.05) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    outline = np.concatenate([end + cap, start - cap]) - 0.5
    return np.round(np.clip(outline, -16000, 16000) * 2**_SHIFT).astype(np.int32)


def check_skeleton_frames(frames: np.ndarray) -> None:
    """Refuse frames that are not a skeleton video. Judges by hue, so H.264's colours pass.

    Args:
        frames: `[f, h, w, 3]` uint8 RGB.

    Raises:
        ValueError: the background is not black, the colours are another palette's, or the clip
            is black all over.
    """
    hue, brightest = hue_and_brightness(frames[:: max(1, len(frames) // 16)])
    black = float((brightest < BLACK_LEVEL).mean())
    if black < MIN_BLACK:
        raise ValueError(
            f"only {black:.0%} of the pixels are black and a skeleton video has at least "
            f"{MIN_BLACK:.0%}: this looks like a raw video, open it with "
            "open_skeleton or extract its skeleton with `fyp-lite skeleton`."
        )
    drawn = brightest > DRAWN_LEVEL
    if drawn.mean() < MIN_DRAWN:
        raise ValueError(
            "the clip is black and holds no skeleton: choose frames in which a person is drawn, or "
            "a crop that does not miss the person."
        )
    away = hue_distance(hue[drawn][:, None], palette_hues()).min(axis=1)
    share = float((away <= HUE_TOLERANCE).mean())
    if share < MIN_PALETTE:
        raise ValueError(
            f"only {share:.0%} of the drawn pixels have the skeleton palette's colours (orange, "
            f"green, blue) and {MIN_PALETTE:.0%} are needed: this is another drawing style, "
            "extract the skeleton again in that palette."
        )


def hue_and_brightness(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[f, h, w, 3]` uint8 RGB to hue in degrees and the brightest channel, each `[f, h, w]`."""
    shape = frames.shape[:3]
    flat = np.ascontiguousarray(frames.reshape(1, -1, 3))
    hsv = cv2.cvtColor(flat, cv2.COLOR_RGB2HSV_FULL).reshape(*shape, 3)
    return hsv[..., 0] * (360 / 255), hsv[..., 2]


def hue_distance(hue: np.ndarray, other: np.ndarray | float) -> np.ndarray:
    """Degrees between hues, the shorter way around: 0 to 180."""
    return np.abs((hue - other + 180) % 360 - 180)


def palette_hues() -> np.ndarray:
    """Of middle, left and right, in degrees: `[3]`."""
    colours = np.array(list(PALETTE.values()), np.uint8)[None, None]
    return hue_and_brightness(colours)[0].reshape(-1)
