"""Is a skeleton drawn on black in our palette? Findings about background and colours."""

from __future__ import annotations

import cv2
import numpy as np

from fyp_lite.keypoints.diagnose.finding import Finding, Look, brightest
from fyp_lite.keypoints.diagnose.repaint import read_openpose
from fyp_lite.lazy_frames import changed
from fyp_lite.skeleton import (
    BLACK_LEVEL,
    DRAWN_LEVEL,
    HUE_TOLERANCE,
    MIN_BLACK,
    MIN_PALETTE,
    draw_skeletons,
    hue_and_brightness,
    hue_distance,
    palette_hues,
)

FLAT = 40  # levels within which a pixel belongs to a flat background
MIN_JOINTS = 8  # of 17 per frame: a rainbow with fewer is another program's
ONE_COLOUR = 0.97  # share of the drawn pixels with one of our hues
GREY = 0.4  # saturation of lines without colour


def check_background(look: Look) -> Finding | None:
    """Anything but lines on black: another flat colour, a raw video, nothing at all."""
    some = look.pixels
    black = float((brightest(some) < BLACK_LEVEL).mean())
    if black >= MIN_BLACK:
        return None if look.drawn.any() else EMPTY
    colour = np.median(some.reshape(-1, 3), axis=0)
    flat = float(np.mean([(_away(frame, colour) < FLAT).mean() for frame in some]))
    if flat < MIN_BLACK or _style(np.stack([_clear(frame, colour) for frame in some])) == "other":
        return Finding(
            "raw",
            f"Only {black:.0%} of the pixels are black, and what is there is no skeleton on a flat "
            "colour: this is a raw video.",
            "Extract its skeleton: `fyp-lite skeleton CLIP.mp4 --out skeleton.mp4`, or "
            "`extract_keypoints` in Python.",
        )
    red, green, blue = colour.astype(int).tolist()
    return Finding(
        "background",
        f"The background is not black but ({red}, {green}, {blue}), in {flat:.0%} of the pixels.",
        "Take that colour away, so that the lines stand on black.",
        lambda given: changed(given, lambda _number, frame: _clear(frame, colour)),
    )


EMPTY = Finding(
    "empty",
    "All frames are black: no skeleton is drawn in any of them.",
    "Choose another file, or look where the drawing went wrong.",
)


def _clear(frame: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Take a flat background away: p = a line + (1 - a) background, and black comes in its place.

    How much of a pixel is line, a, is told by how far it is from the background, compared with
    the furthest pixel beside it, which is all line.
    """
    away = _away(frame, colour)
    most = cv2.dilate(away, np.ones((5, 5), np.uint8))
    line = np.nonzero(most > FLAT)
    share = (away[line] / most[line])[:, None]
    cleared = np.zeros_like(frame)
    rest = np.clip(frame[line] - (1 - share) * colour, 0, 255).round()
    cleared[line] = rest * (share > 0.1)
    return cleared


def _away(frame: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """How far each pixel is from a colour in the channel that differs most: uint8 `[h, w]`."""
    return brightest(cv2.absdiff(frame, np.array([*colour, 0.0])))


def check_palette(look: Look) -> Finding | None:
    """Lines in the colours of another program."""
    style = _style(look.pixels)
    if style == "ours":
        return _one_colour(look)
    if style == "other" and _style(look.pixels[..., ::-1]) == "openpose":
        return Finding(
            "colours",
            "The colours are OpenPose's with red and blue exchanged, as OpenCV writes them. The "
            "models know orange, green and blue only.",
            "Read the joints from their dots and draw them again in the palette.",
            lambda given: changed(given, lambda _number, frame: _repainted(frame[..., ::-1])),
        )
    if style == "openpose":
        return Finding(
            "colours",
            "The colours are OpenPose's: eighteen hues, one for each joint. The models know "
            "orange, green and blue only.",
            "Read the joints from their dots and draw them again in the palette.",
            lambda given: changed(given, lambda _number, frame: _repainted(frame)),
        )
    return Finding(
        "colours",
        "Fewer than three quarters of the drawn pixels are orange, green or blue: this is another "
        "program's palette.",
        "Draw its keypoints with `draw_skeletons`, or extract the skeleton again.",
    )


def _one_colour(look: Look) -> Finding | None:
    """Left, right and middle in one of our three hues: no side can be told."""
    hue, _ = _inside_of_lines(look.pixels)
    shares = [(hue_distance(hue, ours) <= HUE_TOLERANCE).mean() for ours in palette_hues()]
    if max(shares) < ONE_COLOUR:
        return None
    return Finding(
        "colours",
        f"{max(shares):.0%} of the drawn pixels have one colour, but left limbs are green, right "
        "ones blue and the rest orange: left and right cannot be told apart.",
        "Use a drawing with a colour for each side, or extract the skeleton from the raw video.",
    )


def _repainted(frame: np.ndarray) -> np.ndarray:
    return draw_skeletons(read_openpose(frame[None]), *frame.shape[:2])[0]


def _style(frames: np.ndarray) -> str:
    """Whose colours are drawn on black: "ours" (sides may be exchanged), "openpose" or "other"."""
    hue, saturation = _inside_of_lines(frames)
    if len(hue) == 0:
        return "other"
    away = hue_distance(hue[:, None], palette_hues()).min(axis=1)
    if float(((away <= HUE_TOLERANCE) & (saturation > GREY)).mean()) >= MIN_PALETTE:
        return "ours"
    joints = (read_openpose(frames[:4])[..., 2] > 0).sum(axis=(1, 2))
    return "openpose" if np.median(joints) >= MIN_JOINTS else "other"


def check_sides(look: Look) -> Finding | None:
    """Orange and blue are one hue turned by half a circle, but orange is the paler of the two."""
    hue, saturation = _inside_of_lines(look.pixels)
    middle, _, right = palette_hues()
    orange, blue = (
        saturation[hue_distance(hue, nominal) <= HUE_TOLERANCE] for nominal in (middle, right)
    )
    if len(orange) == 0 or len(blue) == 0 or np.median(orange) <= np.median(blue):
        return None
    return Finding(
        "swapped",
        f"Red and blue are exchanged: the blue lines are paler (saturation {np.median(blue):.2f}) "
        f"than the orange ones ({np.median(orange):.2f}), which the palette has the other way "
        "round. OpenCV's order of colours does that, and MMPose draws so.",
        "Exchange red and blue.",
        lambda given: changed(given, lambda _number, frame: np.ascontiguousarray(frame[..., ::-1])),
    )


def _inside_of_lines(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hue in degrees and saturation 0 to 1 of the drawn pixels, each `[n]`."""
    inside = frames[brightest(frames) > DRAWN_LEVEL]
    if len(inside) == 0:
        return np.empty(0), np.empty(0)
    hue, value = (plane.reshape(-1) for plane in hue_and_brightness(inside[None, None]))
    return hue, 1 - inside.min(axis=-1) / value
