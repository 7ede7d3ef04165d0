"""Skeleton frames back to keypoints, by the small network that was trained for it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fyp_lite.skeleton import PALETTE

if TYPE_CHECKING:
    from fyp_lite.keypoint_network import KeypointNet


def read_skeletons(skeleton_frames: np.ndarray) -> np.ndarray:
    """Read the keypoints of up to three people back from skeleton frames.

    Args:
        skeleton_frames: `[f, h, w, 3]` uint8 RGB, as `draw_skeletons` makes them.

    Returns:
        `[f, people, 17, 3]` float32 in the frames' pixels, people from left to right in every
        frame, padded with zeros to the largest count; confidence 0 = missing.
    """
    return _skeleton_reader().read_people(skeleton_frames, mirror_colours=mirror_colours())


def mirror_colours() -> np.ndarray:
    """`[3, 3]` float32: takes the left side's colour to the right's, and back; the middle stays."""
    middle, left, right = (PALETTE[side] for side in ("middle", "left", "right"))
    colours, swapped = np.array([middle, left, right]).T, np.array([middle, right, left]).T
    return (swapped @ np.linalg.inv(colours)).astype(np.float32)


@lru_cache(maxsize=1)
def _skeleton_reader() -> KeypointNet:
    # torch loads on the first reading, not on import.
    from fyp_lite.files.hashes import verify_hashes
    from fyp_lite.keypoint_network import KeypointNet

    folder = Path(__file__).parent / "weights" / "skeleton_reader"
    verify_hashes(folder)
    return KeypointNet.from_pretrained(folder).eval()
