"""The drawn frame of the repair panel: the chosen joint, its person, its way, everybody else."""

from __future__ import annotations

import cv2
import numpy as np

from fyp_lite.drawing import DIM, INK, LIT, PAPER, Word, letter
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.skeleton import draw_skeletons

STAGE = 384  # pixels, the height of the drawn frame
TRAIL = 8  # frames before and after whose place of the joint is marked
OTHERS = 0.35  # brightness of the people who are not chosen


def draw_stage(clip: KeypointClip, frame: int, person: int, joint: int) -> np.ndarray:
    """One frame with the chosen joint ringed and its way through the frames around it.

    Returns:
        a picture `[384, w, 3]` uint8 RGB: the chosen person bright, the others dim, a number over
        everyone; yellow dots where the joint comes from, grey ones where it goes.
    """
    scale = STAGE / clip.height
    width = max(1, round(clip.width * scale))
    keypoints = clip.keypoints * np.array([scale, scale, 1], np.float32)
    chosen = draw_skeletons(keypoints[frame : frame + 1, person : person + 1], STAGE, width)[0]
    rest = np.delete(keypoints[frame : frame + 1], person, axis=1)
    others = draw_skeletons(rest, STAGE, width)[0] * OTHERS
    picture = np.maximum(np.maximum(chosen, others.astype(np.uint8)), np.array(PAPER, np.uint8))
    for number in range(max(0, frame - TRAIL), min(len(keypoints), frame + TRAIL + 1)):
        x, y, sure = keypoints[number, person, joint]
        if sure > 0 and number != frame:
            colour = LIT if number < frame else DIM
            cv2.circle(picture, (round(float(x)), round(float(y))), 2, colour, -1, cv2.LINE_AA)
    x, y, sure = keypoints[frame, person, joint]
    if sure > 0:
        cv2.circle(picture, (round(float(x)), round(float(y))), 9, LIT, 2, cv2.LINE_AA)
    title = Word(10, 14, f"frame {frame}", INK, 13, "lm")
    return letter(picture, [title, *_numbers(keypoints[frame], person)])


def _numbers(people: np.ndarray, person: int) -> list[Word]:
    """A number over the head of everyone who is seen."""
    words = []
    for index, joints in enumerate(people):
        seen = joints[joints[:, 2] > 0]
        if len(seen):
            x, y = seen[:, 0].mean(), max(30.0, seen[:, 1].min() - 14)
            colour = LIT if index == person else DIM
            words.append(Word(x, y, str(index + 1), colour, 13, "mm", True))
    return words
