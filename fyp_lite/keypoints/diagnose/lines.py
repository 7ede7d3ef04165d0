"""Are the lines wide, the people large and whole enough? Findings about what is drawn."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from fyp_lite.clip import CropBox, crop_and_resize
from fyp_lite.keypoints.diagnose.finding import Finding, sample
from fyp_lite.skeleton import BLACK_LEVEL, DRAWN_LEVEL, LINE_WIDTH, draw_skeletons
from fyp_lite.skeleton_reader import read_skeletons

MIN_LINE = LINE_WIDTH / 2  # of the short side; what the models have seen begins about here
MIN_PERSON = 0.25  # of the short side, the larger side of a person's box
ROOM = 1.3  # side of a repaired small person's square, in sides of the box around everybody
LEAST_ZOOM = 1.2
EDGE_LEVEL = 192  # a line that ends at the edge is dim there, one that goes on beyond is not
LEAST_WHOLE = 8  # frames: the shortest stretch that is worth keeping


def check_lines(frames: np.ndarray, _fps: float) -> Finding | None:
    """Lines so thin that they fade away when the frame is made smaller."""
    short = min(frames.shape[1:3])
    widths = [_line_width(frame) for frame in sample(frames)]
    width = float(np.median([width for width in widths if width > 0] or [short]))
    if width >= MIN_LINE * short:
        return None
    wanted = LINE_WIDTH * short
    return Finding(
        "thin lines",
        f"Lines are about {width:.1f} pixels wide, and {wanted:.1f} are usual in frames of "
        f"{frames.shape[2]} x {frames.shape[1]}: made smaller for the model, they fade away.",
        "Thicken the lines.",
        partial(_thicken, pixels=max(1, round(wanted - width))),
    )


def _line_width(frame: np.ndarray) -> float:
    """Of the lines in one frame, in pixels: their area over half of their outline."""
    ink = frame.max(axis=-1)
    shown = (ink > BLACK_LEVEL).astype(np.uint8)
    outlines, _ = cv2.findContours(shown, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(outline, True) for outline in outlines) / 2
    return float(ink[shown > 0].sum() / 255 / length) if length else 0.0


def _thicken(frames: np.ndarray, pixels: int) -> np.ndarray:
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pixels + 1, pixels + 1))
    return np.stack([cv2.dilate(frame, brush) for frame in frames])


def check_size(frames: np.ndarray, _fps: float) -> Finding | None:
    """People who are so small that their hands and feet are lost."""
    short = min(frames.shape[1:3])
    sizes = [size for frame in sample(frames) if (size := _largest_person(frame)) > 0]
    size = float(np.median(sizes or [short])) / short
    if size >= MIN_PERSON:
        return None
    box = _square_around(frames)
    zoom = short / (box.right - box.left)
    return Finding(
        "small",
        f"The largest person takes {size:.0%} of the frame's short side: hands and feet are lost.",
        f"Cut the square around everybody out ({zoom:.1f} times as large) and draw it again."
        if zoom >= LEAST_ZOOM
        else "Choose fewer frames or one person: together they fill the frame, each is too small.",
        partial(_enlarge, box=box) if zoom >= LEAST_ZOOM else None,
    )


def _largest_person(frame: np.ndarray) -> float:
    """The longer side of the largest figure's box, pixels; lines that hang together are one."""
    joined = cv2.dilate((frame.max(axis=-1) > DRAWN_LEVEL).astype(np.uint8), np.ones((5, 5)))
    _, _, facts, _ = cv2.connectedComponentsWithStats(joined)
    return float(facts[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(initial=4) - 4)


def _square_around(frames: np.ndarray) -> CropBox:
    """The square around all that is ever drawn, with room, inside the frame where it fits."""
    height, width = frames.shape[1:3]
    ink = np.zeros((height, width), np.uint8)
    for frame in frames:
        np.maximum(ink, frame.max(axis=-1), out=ink)
    rows, columns = np.nonzero(ink > DRAWN_LEVEL)
    ends = (columns.min(), columns.max() + 1), (rows.min(), rows.max() + 1)
    side = min(ROOM * max(high - low for low, high in ends), height, width)
    left, top = (
        float(np.clip((low + high - side) / 2, 0, full - side))
        for (low, high), full in zip(ends, (width, height), strict=True)
    )
    return CropBox(left, top, left + side, top + side)


def _enlarge(frames: np.ndarray, box: CropBox) -> np.ndarray:
    """Cut `box` out at the size of the frame's short side; lines get their usual width again."""
    side = min(frames.shape[1:3])
    near = crop_and_resize(frames, box, side - side % 2)  # an mp4 needs even sides
    keypoints = read_skeletons(near)
    read = (keypoints[..., 2] > 0).any(axis=(1, 2)) if keypoints.shape[1] else np.zeros(1)
    return draw_skeletons(keypoints, *near.shape[1:3]) if read.mean() > 0.9 else near


def check_edges(frames: np.ndarray, _fps: float) -> Finding | None:
    """Lines that go on beyond the frame's edges."""
    strips = {
        "top": frames[:, :1],
        "bottom": frames[:, -1:],
        "left": frames[:, :, :1],
        "right": frames[:, :, -1:],
    }
    touched = {side: (strip > EDGE_LEVEL).any(axis=(1, 2, 3)) for side, strip in strips.items()}
    cut = np.any(list(touched.values()), axis=0)
    if not cut.any():
        return None
    sides = " and ".join(side for side, where in touched.items() if where.any())
    first, last = longest_run(~cut)
    whole = last - first + 1
    return Finding(
        "cut off",
        f"In {cut.sum()} of {len(frames)} frames lines run out of the picture ({sides}): the "
        "joints out there are missing.",
        f"Keep frames {first} to {last}, in which everybody is whole."
        if whole >= LEAST_WHOLE
        else "Use a wider shot: a joint that is not drawn cannot be brought back.",
        (lambda given: given[first : last + 1]) if whole >= LEAST_WHOLE else None,
    )


def longest_run(good: np.ndarray) -> tuple[int, int]:
    """First and last number of the longest stretch that is all True; (0, -1) where none is."""
    best, start = (0, -1), 0
    for i, yes in enumerate(good):
        if not yes:
            start = i + 1
        elif i - start > best[1] - best[0]:
            best = start, i
    return best
