"""The doctor for skeleton videos: clean clips are clean, every trouble is found and mended."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import fyp_lite
from fyp_lite.keypoints.diagnose import apply_repairs, diagnose
from fyp_lite.keypoints.diagnose.repaint import read_openpose
from fyp_lite.keypoints.edit import fill_frames
from fyp_lite.keypoints.formats import FROM_OPENPOSE
from fyp_lite.keypoints.rainbow import LIMBS as OPENPOSE_LIMBS
from fyp_lite.opening import open_clip
from fyp_lite.skeleton import LIMBS, check_skeleton_frames, draw_skeletons
from fyp_lite.skeleton_reader import read_skeletons
from fyp_lite.video import write_video
from fyp_world.world.motion import perform

CLIPS = sorted((fyp_lite.data_dir() / "clips").glob("*.mp4"))
SIZE, FPS = 256, 24.0
BOTH = (
    ("white background", "background"),
    ("green background", "background"),
    ("openpose", "colours"),
    ("swapped", "swapped"),
    ("thin", "thin lines"),
    ("small", "small"),
    ("blank", "missing frames"),
    ("frozen", "missing frames"),
)


def dancer(frames: int = 24, height: float = 190, x: float = 128, seed: int = 5) -> np.ndarray:
    """`[f, 1, 17, 3]` of somebody who dances in a square of 256 pixels."""
    rng = np.random.default_rng(seed)
    figures = perform("dance_disco", frames, FPS, rng, yaw=0, height=height, position=(x, 225))
    return np.stack([figure.keypoints() for figure in figures])[:, None].astype(np.float32)


def draw(keypoints: np.ndarray) -> np.ndarray:
    return draw_skeletons(keypoints, SIZE, SIZE)


def on_colour(frames: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """The same lines on another background."""
    share = frames.max(axis=-1, keepdims=True) / 255
    return (frames + (1 - share) * colour).round().astype(np.uint8)


def rainbow_person(canvas: np.ndarray, person: np.ndarray) -> None:
    """Draw one person as OpenPose does: limbs at 0.6 of the brightness, a dot on every joint."""
    hues = np.arange(18, dtype=np.float32) * 20
    hsv = np.stack([hues, np.ones(18), np.ones(18)], axis=-1).astype(np.float32)
    colours = (cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0] * 255).round()
    joints = np.zeros((18, 3))
    joints[list(FROM_OPENPOSE)] = person
    if (person[5:7, 2] > 0).all():
        joints[1] = person[5:7].mean(axis=0)
    seen = joints[:, 2] > 0
    for colour, (a, b) in zip(colours, OPENPOSE_LIMBS, strict=False):
        if seen[a] and seen[b]:
            (ax, ay), (bx, by) = joints[[a, b], :2]
            middle = round((ax + bx) / 2), round((ay + by) / 2)
            axes = int(np.hypot(ax - bx, ay - by) / 2), 4
            angle = int(np.degrees(np.arctan2(ay - by, ax - bx)))
            cv2.fillConvexPoly(
                canvas, cv2.ellipse2Poly(middle, axes, angle, 0, 360, 1), (colour * 0.6).tolist()
            )
    for colour, (x, y, sure) in zip(colours, joints, strict=True):
        if sure > 0:
            cv2.circle(canvas, (int(x), int(y)), 4, colour.tolist(), -1)


def openpose(keypoints: np.ndarray, size: int = 512) -> np.ndarray:
    frames = np.zeros((len(keypoints), size, size, 3), np.uint8)
    for frame, people in zip(frames, keypoints * [size / SIZE, size / SIZE, 1], strict=True):
        for person in people:
            rainbow_person(frame, person)
    return frames


def trouble(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """(frames with that trouble, keypoints that a repair should bring back)."""
    keypoints = dancer()
    frames = draw(keypoints)
    if kind.endswith("background"):
        colour = (255, 255, 255) if kind.startswith("white") else (40, 110, 60)
        return on_colour(frames, colour), keypoints
    if kind == "openpose":
        return openpose(keypoints), keypoints * [2, 2, 1]
    if kind == "swapped":
        return frames[..., ::-1], keypoints
    if kind == "thin":
        keypoints = keypoints * [2, 2, 1]
        return draw_skeletons(keypoints, 2 * SIZE, 2 * SIZE, line_width=1 / 250), keypoints
    if kind == "small":
        keypoints = dancer(height=55, x=100)
        return draw(keypoints), keypoints
    if kind == "blank":
        frames[[5, 6, 15]] = 0
        return frames, keypoints
    if kind == "frozen":
        frames[[12, 13]] = frames[11]
        return frames, keypoints
    raise AssertionError(kind)


def off(frames: np.ndarray, keypoints: np.ndarray) -> float:
    """How far the joints that are read are from the truth, pixels; infinite where many miss."""
    found = read_skeletons(frames)
    if found.shape != keypoints.shape:
        return np.inf
    both = (found[..., 2] > 0) & (keypoints[..., 2] > 0)
    if both.sum() < 0.93 * (keypoints[..., 2] > 0).sum():
        return np.inf
    return float(np.linalg.norm((found - keypoints)[..., :2], axis=-1)[both].mean())


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_bundled_clips_are_clean(path):
    with open_clip(path) as clip:
        frames = clip.read(range(clip.num_frames))
        try:
            check_skeleton_frames(frames)
        except ValueError:
            assert [finding.name for finding in diagnose(frames, clip.fps)] == ["raw"]
        else:
            assert diagnose(frames, clip.fps) == []


def test_published_clips(shared_dir):
    with open_clip(shared_dir / "clips" / "skeleton_dance.mp4") as clip:
        assert diagnose(clip.read(range(60)), clip.fps) == []  # every pose is stored three times
    with open_clip(shared_dir / "clips" / "raw_person.mp4") as clip:
        (finding,) = diagnose(clip.read(range(0, 60, 20)), clip.fps)
    assert finding.name == "raw" and "fyp-lite skeleton" in finding.fix


@pytest.mark.parametrize(("kind", "name"), BOTH)
def test_a_trouble_is_found_and_mended(kind, name):
    frames, keypoints = trouble(kind)
    before = frames.copy()
    findings = diagnose(frames, FPS)
    assert [finding.name for finding in findings] == [name]
    assert all(finding.sentence.endswith(".") and finding.fix for finding in findings)
    mended = apply_repairs(frames, findings)
    assert (frames == before).all()
    assert mended.dtype == np.uint8
    assert diagnose(mended, FPS) == []
    check_skeleton_frames(mended)
    if name != "small":
        assert off(mended, keypoints) < 2 * len(mended[0]) / SIZE


@pytest.mark.parametrize("kind", ["white background", "openpose", "swapped", "thin"])
def test_a_trouble_is_found_and_mended_after_compression(kind, tmp_path):
    frames, keypoints = trouble(kind)
    write_video(tmp_path / "clip.mp4", frames, FPS)
    with open_clip(tmp_path / "clip.mp4") as clip:
        stored = clip.read(range(clip.num_frames))
    findings = diagnose(stored, FPS)
    assert [finding.name for finding in findings] == [dict(BOTH)[kind]]
    assert off(apply_repairs(stored, findings), keypoints) < 2 * len(stored[0]) / SIZE


def test_the_small_person_is_as_large_as_the_frame_lets_it():
    frames, keypoints = trouble("small")
    findings = diagnose(frames, FPS)
    large = apply_repairs(frames, findings)
    found = read_skeletons(large)
    assert np.ptp(found[:, 0, :, 1]) > 0.6 * SIZE
    # The same dance: the two differ by one scale and one shift only.
    a, b = (k[:, 0, 5:, :2].reshape(-1, 2) for k in (keypoints, found))
    scale = b.std(axis=0) / a.std(axis=0)
    assert scale[0] == pytest.approx(scale[1], rel=0.05)
    rest = (b - b.mean(axis=0)) - scale * (a - a.mean(axis=0))
    assert np.abs(rest).mean() < 3


def test_two_troubles_are_mended_one_after_the_other():
    keypoints = dancer()
    frames = on_colour(draw(keypoints), (255, 255, 255))[..., ::-1]
    findings = diagnose(frames, FPS)
    assert [finding.name for finding in findings] == ["background", "swapped"]
    assert off(apply_repairs(frames, findings), keypoints) < 2


def test_lines_that_run_out_of_the_picture():
    keypoints = dancer()
    keypoints[10:, :, :, 1] += 60  # the feet leave
    findings = diagnose(draw(keypoints), FPS)
    assert [finding.name for finding in findings] == ["cut off"]
    assert "In 14 of 24 frames lines run out of the picture (bottom)" in findings[0].sentence
    assert (apply_repairs(draw(keypoints), findings) == draw(keypoints[:10])).all()
    (finding,) = diagnose(draw(keypoints[4:]), FPS)
    assert finding.repair is None and "wider shot" in finding.fix


def test_long_gaps_are_not_filled():
    frames = draw(dancer(48))
    frames[10:30] = 0
    frames[35] = 0
    (finding,) = diagnose(frames, FPS)
    assert "21 of 48 frames are black" in finding.sentence and "frame 10" in finding.sentence
    assert "Frames 30 to 47 are kept" in finding.fix
    assert len(apply_repairs(frames, [finding])) == 18
    (finding,) = diagnose(frames[4:34], FPS)
    assert finding.repair is None


def test_a_held_pose_and_a_slow_rate_are_no_missing_frames():
    keypoints = dancer(48)
    held = fill_frames(keypoints, np.isin(np.arange(48), [20, 21, 22, 26, 27, 28]))
    held[23:26] = held[24]  # slows down, stands, speeds up
    held[[22, 26]] = (held[[21, 27]] + 4 * held[24]) / 5
    held[[21, 27]] = (held[[20, 28]] + held[24]) / 2
    assert diagnose(draw(held), FPS) == []
    assert diagnose(draw(np.repeat(keypoints[:16], 3, axis=0)), FPS) == []
    assert diagnose(draw(np.repeat(keypoints[:1], 24, axis=0)), FPS) == []


def test_two_people_in_openposes_colours():
    keypoints = np.concatenate([dancer(8, 170, 75), dancer(8, 170, 185, seed=8)], axis=1)
    found = read_openpose(openpose(keypoints))
    assert found.shape == keypoints.shape
    assert (found[..., 2] > 0).mean() > 0.95  # of the faces some dots are covered
    away = np.linalg.norm((found - keypoints * [2, 2, 1])[..., :2], axis=-1)
    away = away[found[..., 2] > 0]
    assert (away < 4).mean() > 0.96 and away.max() < 10  # a covered one is where its limb ends


def test_another_rainbow_is_not_repainted():
    rng = np.random.default_rng(0)
    frames = np.zeros((4, SIZE, SIZE, 3), np.uint8)
    colours = rng.integers(0, 2, (len(LIMBS), 3)) * 155 + 100
    for frame, people in zip(frames, dancer(4), strict=True):
        for (a, b, _), colour in zip(LIMBS, colours.tolist(), strict=True):
            ends = (tuple(people[0, joint, :2].round().astype(int).tolist()) for joint in (a, b))
            cv2.line(frame, *ends, colour, 3)
    (finding,) = diagnose(frames, FPS)
    assert finding.name == "colours" and finding.repair is None
    assert "draw_skeletons" in finding.fix


@pytest.mark.parametrize(
    ("frames", "name"),
    [
        (np.zeros((4, 64, 64, 3), np.uint8), "empty"),
        (np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), np.uint8), "raw"),
        (np.full((4, 64, 64, 3), 200, np.uint8), "raw"),
    ],
)
def test_what_is_no_skeleton_at_all(frames, name):
    (finding,) = diagnose(frames, FPS)
    assert finding.name == name and finding.repair is None
    assert apply_repairs(frames, [finding]) is frames


def test_other_arrays_are_refused():
    with pytest.raises(ValueError, match="uint8 array"):
        diagnose(np.zeros((4, 64, 64)), FPS)
