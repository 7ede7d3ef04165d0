"""Are the lines wide, the people large and whole enough? Findings about what is drawn."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from fyp_lite.cropping import CropBox, crop_and_resize
from fyp_lite.keypoints.diagnose.finding import Finding, Look, brightest
from fyp_lite.lazy_frames import Frames, changed
from fyp_lite.skeleton import BLACK_LEVEL, DRAWN_LEVEL, LINE_WIDTH, draw_skeletons
from fyp_lite.skeleton_reader import read_skeletons

MIN_LINE = LINE_WIDTH / 2  # of the short side; what the models have seen begins about here
MIN_PERSON = 0.25  # of the short side, the larger side of a person's box
ROOM = 1.3  # side of a repaired small person's square, in sides of the box around everybody
MIN_ZOOM = 1.2
EDGE_LEVEL = 192  # a line that ends at the edge is dim there, one that goes on beyond is not
SIDES = ("top", "bottom", "left", "right")
MIN_WHOLE = 8  # frames: the shortest stretch that is worth keeping


def check_lines(look: Look) -> Finding | None:
    """Lines so thin that they fade away when the frame is made smaller."""
    short = min(look.height, look.width)
    widths = [_line_width(frame) for frame in look.sample]
    width = float(np.median([width for width in widths if width > 0] or [short]))
    if width >= MIN_LINE * short:
        return None
    wanted = LINE_WIDTH * short
    pixels = max(1, round(wanted - width))
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pixels + 1, pixels + 1))
    return Finding(
        "thin lines",
        f"Lines are about {width:.1f} pixels wide, and {wanted:.1f} are usual in frames of "
        f"{look.width} x {look.height}: made smaller for the model, they fade away.",
        "Thicken the lines.",
        lambda given: changed(given, lambda _number, frame: cv2.dilate(frame, brush)),
    )


def _line_width(frame: np.ndarray) -> float:
    """Of the lines in one frame, in pixels: their area over half of their outline."""
    ink = brightest(frame)
    shown = (ink > BLACK_LEVEL).astype(np.uint8)
    outlines, _ = cv2.findContours(shown, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(outline, True) for outline in outlines) / 2
    return float(ink[shown > 0].sum() / 255 / length) if length else 0.0


def check_size(look: Look) -> Finding | None:
    """People who are so small that their hands and feet are lost."""
    short = min(look.height, look.width)
    sizes = [size for frame in look.sample if (size := _largest_person(frame)) > 0]
    size = float(np.median(sizes or [short])) / short
    if size >= MIN_PERSON:
        return None
    box = _square_around(look.ink)
    zoom = short / (box.right - box.left)
    return Finding(
        "small",
        f"The largest person takes {size:.0%} of the frame's short side: hands and feet are lost.",
        f"Cut the square around everybody out ({zoom:.1f} times as large) and draw it again."
        if zoom >= MIN_ZOOM
        else "Choose fewer frames or one person: together they fill the frame, each is too small.",
        _enlarging(look, box) if zoom >= MIN_ZOOM else None,
    )


def _largest_person(frame: np.ndarray) -> float:
    """The longer side of the largest figure's box, pixels; lines that hang together are one."""
    joined = cv2.dilate((brightest(frame) > DRAWN_LEVEL).astype(np.uint8), np.ones((5, 5)))
    _, _, facts, _ = cv2.connectedComponentsWithStats(joined)
    return float(facts[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(initial=4) - 4)


def _square_around(ink: np.ndarray) -> CropBox:
    """The square around all that is ever drawn, with room, inside the frame where it fits."""
    height, width = ink.shape
    rows, columns = np.nonzero(ink > DRAWN_LEVEL)
    ends = (columns.min(), columns.max() + 1), (rows.min(), rows.max() + 1)
    side = min(ROOM * max(high - low for low, high in ends), height, width)
    left, top = (
        float(np.clip((low + high - side) / 2, 0, full - side))
        for (low, high), full in zip(ends, (width, height), strict=True)
    )
    return CropBox(left, top, left + side, top + side)


def _enlarging(look: Look, box: CropBox) -> Callable[[Frames], Frames]:
    """Cut `box` out at the size of the frame's short side; lines get their usual width again."""
    side = min(look.height, look.width)
    side -= side % 2  # an mp4 needs even sides

    def near(frame: np.ndarray) -> np.ndarray:
        return crop_and_resize(frame[None], box, side)

    def drawn_again(frame: np.ndarray) -> np.ndarray:
        return draw_skeletons(read_skeletons(near(frame)), side, side)

    found = [(read_skeletons(near(frame))[..., 2] > 0).any() for frame in look.sample]
    draw = drawn_again if np.mean(found) > 0.9 else near
    return lambda given: changed(given, lambda _number, frame: draw(frame)[0])


def check_edges(look: Look) -> Finding | None:
    """Lines that go on beyond the frame's edges."""
    touched = look.touched > EDGE_LEVEL
    cut = np.asarray(touched.any(axis=1))
    if not cut.any():
        return None
    sides = " and ".join(np.array(SIDES)[touched.any(axis=0)])
    first, last = longest_run(~cut)
    whole = last - first + 1
    return Finding(
        "cut off",
        f"In {cut.sum()} of {len(cut)} frames lines run out of the picture ({sides}): the "
        "joints out there are missing.",
        f"Keep frames {first} to {last}, in which everybody is whole."
        if whole >= MIN_WHOLE
        else "Use a wider shot: a joint that is not drawn cannot be brought back.",
        (lambda given: given[first : last + 1]) if whole >= MIN_WHOLE else None,
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
