"""Lesson 01, the type of input video: its questions, its exercises, and what they work on."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

import cv2
import numpy as np

from fyp_course.alt_text import describe_motion
from fyp_course.exercises.quiz import Exercise, predict
from fyp_course.stills import show_picture
from fyp_lite.cropping import PreparedClip
from fyp_lite.judges.scores import follow_score
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.keypoints.diagnose import apply_repairs, diagnose
from fyp_lite.keypoints.edit import mirror
from fyp_lite.keypoints.formats import FROM_OPENPOSE
from fyp_lite.keypoints.rainbow import LIMBS as OPENPOSE_LIMBS
from fyp_lite.skeleton import JOINTS, MIN_CONFIDENCE, PARTNERS, check_skeleton_frames
from fyp_lite.skeleton_reader import read_skeletons
from fyp_lite.video import contact_sheet

SMALL = 192  # pixels, a frame of `show_one_of_each`
MIN_READ, MAX_AWAY = 0.9, 3  # share of the joints and pixels, of a repair that is right
CLOSE = 1.5  # pixels within which joints are the same

# ---------------------------------------------------------------------------- questions


def guess_the_green_arm() -> None:
    predict(
        "Green is the dancer's own left. The dancer of the skeleton video faces us. On which side "
        "of the picture is the green arm?",
        ["on the left side", "on the right side", "it depends on the arm's height"],
        answer="on the right side",
        why="Left is the dancer's own left, as a doctor would say it. Of somebody who faces you, "
        "that is the side of your right hand.",
    )


def guess_the_better_skeleton() -> None:
    predict(
        "Which videos follow the dance of the raw clip better?",
        ["those from the true skeleton", "those from the skeleton that was found", "both the same"],
        answer="those from the true skeleton",
        why="A detector's mistakes come on top of the model's own. How large they are is what the "
        "next two cells show.",
    )


def guess_who_passes() -> None:
    predict(
        "Before it generates, the program asks two things: is nearly everything black, and are "
        "the coloured pixels orange, green or blue? Which patient passes although its colours are "
        "wrong?",
        ["rainbow", "exchanged", "white", "raw"],
        answer="exchanged",
        why="Exchanged, orange turns into blue and blue into orange, and green stays. So the "
        "picture holds the same three colours as before, only on the wrong lines.",
    )


# ---------------------------------------------------------------------------- exercises


def two_things_wrong(mystery: np.ndarray, keypoints: np.ndarray, fps: float) -> Exercise:
    """Repair frames `[f, h, w, 3]` on white whose red and blue are exchanged.

    Args:
        keypoints: `[f, 1, 17, 3]` that they show, in their pixels.
    """

    def check(frames: np.ndarray) -> str | None:
        if frames.shape != mystery.shape or frames.dtype != np.uint8:
            return f"It is {frames.dtype} of shape {frames.shape}; uint8 of {mystery.shape} is due."
        if findings := diagnose(frames, fps):
            return f"The doctor says: {findings[0].sentence}"
        read = read_skeletons(frames)[:, :1]
        sure = read[..., 2] >= MIN_CONFIDENCE
        if sure.mean() < MIN_READ:
            return f"The doctor is content, but only {sure.mean():.0%} of the joints are read."
        away = np.linalg.norm((read - keypoints)[..., :2], axis=-1)[sure].mean()
        if away > MAX_AWAY:
            return f"The doctor is content, but joints are {away:.0f} pixels off on average."
        return None

    repaired = apply_repairs(np.ascontiguousarray(mystery), diagnose(mystery, fps))
    return Exercise(
        "A skeleton video out of the mystery",
        check,
        hints=[
            "What does `diagnose(mystery, skeleton.fps)` say?",
            "Its findings are in the order in which they have to be repaired.",
            "Hand `mystery` and the findings to `apply_repairs`.",
        ],
        solution=repaired,
    )


def dance_in_a_mirror(keypoints: np.ndarray, size: int) -> Exercise:
    """Mirror keypoints `[f, people, 17, 3]` in a picture of `size` pixels."""
    wanted = mirror(keypoints, size)
    flipped = wanted[:, :, PARTNERS]

    def check(joints: np.ndarray) -> str | None:
        if joints.shape != keypoints.shape:
            return f"Its shape is {joints.shape}, but {keypoints.shape} is needed."

        def same(other: np.ndarray) -> bool:
            return np.allclose(joints[..., :2], other[..., :2], atol=CLOSE)

        if same(wanted):
            return None
        if same(flipped):
            return "It is flipped, but the names stayed: in a mirror a left arm is a right arm."
        if same(keypoints[:, :, PARTNERS]):
            return "Left and right have changed their names, but every joint is where it was."
        said, due = describe_motion(joints), describe_motion(wanted)
        if said == due:
            away = np.linalg.norm((joints - wanted)[..., :2], axis=-1).mean()
            return f"The motion is right, but the joints are {away:.0f} pixels off on average."
        return f"It says: {said} Wanted: {due}"

    return Exercise(
        "The joints of the dance in a mirror",
        check,
        hints=[
            f"A joint at x = 10 comes to x = {size} - 10. Change a copy: `keypoints.copy()`.",
            "`joints[..., 0]` are all the x. `joints[:, :, PARTNERS]` exchanges left and right.",
            f"With `m = keypoints.copy()` and `m[..., 0] = {size} - m[..., 0]`, the answer is "
            "`m[:, :, PARTNERS]`.",
        ],
        solution=wanted,
    )


# ---------------------------------------------------------------------------- what they work on


def show_one_of_each(videos: Mapping[str, np.ndarray], when: str) -> None:
    """The last frame of each video `[f, h, w, 3]` in a row at one size."""
    side = (SMALL, SMALL)
    last = [cv2.resize(v[-1], side, interpolation=cv2.INTER_AREA) for v in videos.values()]
    order = f"A frame of each {when}, from left to right: {', '.join(videos)}"
    show_picture(contact_sheet(np.stack(last), columns=len(last)), order)
    print(order)


def joints_in_picture(clip: KeypointClip, prepared: PreparedClip) -> np.ndarray:
    """The joints of the chosen frames, `[f, people, 17, 3]` in pixels of the prepared picture."""
    joints = clip.keypoints[prepared.indices].copy()
    joints[..., :2] -= prepared.box[:2]
    joints[..., :2] *= len(prepared.frames[0]) / (prepared.box.right - prepared.box.left)
    return joints


def missing_most(keypoints: np.ndarray) -> str:
    """In words, which joint of the first person is missing (confidence 0) in most frames."""
    missing = (keypoints[:, 0, :, 2] == 0).sum(axis=0)
    if not missing.any():
        return "no joint is missing"
    name = JOINTS[missing.argmax()].replace("_", " ")
    return f"missing most often: the {name}, in {missing.max()} of {len(keypoints)} frames"


def in_place(clip: KeypointClip, truth: KeypointClip) -> float:
    """The share of the joints, 0 to 1, that is where `truth`, as long or longer, has them."""
    wanted = truth.keypoints[: clip.num_frames]
    return follow_score(clip.keypoints, wanted, clip.height, clip.width)["joints @0.1"]


def bridge_gaps(keypoints: np.ndarray) -> np.ndarray:
    """Every lost joint on a straight way from where it was last seen to where it is seen next."""
    bridged, times = keypoints.copy(), np.arange(len(keypoints))
    for person in range(keypoints.shape[1]):
        for joint in bridged[:, person].swapaxes(0, 1):  # (f, 3), a view
            lost = joint[:, 2] == 0
            if lost.any() and not lost.all():
                for axis in range(2):
                    joint[lost, axis] = np.interp(times[lost], times[~lost], joint[~lost, axis])
                joint[lost, 2] = 1
    return bridged


def draw_as_openpose(keypoints: np.ndarray, size: int) -> np.ndarray:
    """OpenPose's drawing of `[f, 1, 17, 3]`: thick dim limbs, a bright dot on every joint."""
    colours = [[255 * part for part in colorsys.hsv_to_rgb(i / 18, 1, 1)] for i in range(18)]
    frames = np.zeros((len(keypoints), size, size, 3), np.uint8)
    for frame, person in zip(frames, keypoints[:, 0], strict=True):
        places = np.zeros((18, 2), int)
        places[list(FROM_OPENPOSE)] = person[:, :2]
        places[1] = (places[2] + places[5]) / 2  # the neck, which COCO-17 does not have
        for (a, b), colour in zip(OPENPOSE_LIMBS, colours, strict=False):
            dim = [0.6 * part for part in colour]
            cv2.line(frame, places[a].tolist(), places[b].tolist(), dim, 6)
        for dot, colour in zip(places.tolist(), colours, strict=True):
            cv2.circle(frame, dot, 4, colour, -1)
    return frames


def quick_check(frames: np.ndarray) -> str:
    """The sentence with which the pipeline refuses frames, or “accepted”."""
    try:
        check_skeleton_frames(frames)
    except ValueError as error:
        return str(error)
    return "accepted"
