"""Skeletons both ways: drawing, recognising and reading back."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from fyp_lite.skeleton import JOINTS, LIMBS, PALETTE, check_skeleton_frames, draw_skeletons
from fyp_lite.skeleton_reader import mirror_colours, read_skeletons
from fyp_world.world.motion import perform


def standing(height: int = 256, width: int = 256, people: int = 1, size: float = 0.8) -> np.ndarray:
    """`[1, people, 17, 3]` keypoints of people side by side."""
    rng = np.random.default_rng(5)
    figures = [
        perform("idle", 1, 8, rng, yaw=0, height=size * height, position=(x, 0.9 * height))[0]
        for x in (np.arange(people) + 0.5) * width / people
    ]
    return np.stack([figure.keypoints() for figure in figures])[None]


def load(path, every: int) -> np.ndarray:
    capture, frames = cv2.VideoCapture(str(path)), []
    for index in itertools.count():
        more, frame = capture.read()
        if not more:
            return np.stack(frames)
        if index % every == 0:
            frames.append(frame[..., ::-1])


def test_limbs_are_coco_17_in_the_published_colours():
    assert len(JOINTS) == 17
    assert len(LIMBS) == 19
    assert PALETTE == {"middle": (255, 153, 51), "left": (0, 255, 0), "right": (0, 128, 255)}


def test_colours_are_exact_at_line_centres():
    keypoints = standing()
    frame = draw_skeletons(keypoints, 256, 256)[0]
    for a, b, side in ((5, 6, "middle"), (13, 15, "left"), (14, 16, "right")):
        x, y = keypoints[0, 0, [a, b], :2].mean(axis=0)
        assert tuple(frame[int(y), int(x)]) == PALETTE[side]
    assert tuple(frame[0, 0]) == (0, 0, 0)


@pytest.mark.parametrize("size", [256, 512, 1080])
def test_line_width_and_place_are_true_to_a_fraction_of_a_pixel(size):
    keypoints = np.zeros((1, 1, 17, 3), np.float32)
    keypoints[0, 0, [5, 6]] = [[0.1 * size, 0.4003 * size, 1], [0.9 * size, 0.4003 * size, 1]]
    column = draw_skeletons(keypoints, size, size)[0, :, size // 2, 0] / 255.0
    assert column.sum() == pytest.approx(size / 90, abs=0.5)
    centre = (column * (np.arange(size) + 0.5)).sum() / column.sum()
    assert centre == pytest.approx(0.4003 * size, abs=0.05)


def test_missing_and_unsure_joints_are_skipped():
    keypoints = standing()
    without = keypoints.copy()
    without[0, 0, 9, 2] = 0.1
    gone = draw_skeletons(keypoints, 256, 256) != draw_skeletons(without, 256, 256)
    rows, columns = np.nonzero(gone[0].any(-1))
    x, y = keypoints[0, 0, [7, 9], 0], keypoints[0, 0, [7, 9], 1]
    assert len(rows) > 0
    assert columns.min() >= x.min() - 4
    assert columns.max() <= x.max() + 4
    assert rows.min() >= y.min() - 4
    assert rows.max() <= y.max() + 4
    keypoints[..., 2] = 0
    keypoints[0, 0, 3, :2] = np.nan
    assert draw_skeletons(keypoints, 256, 256).max() == 0


@pytest.mark.parametrize("size", [(64, 64), (200, 320), (1084, 1080), (1, 1)])
def test_any_size(size):
    assert draw_skeletons(standing(*size), *size).shape == (1, *size, 3)


def test_several_people_and_frames():
    two = np.repeat(standing(people=2), 3, axis=0)
    frames = draw_skeletons(two, 256, 256)
    assert frames.shape == (3, 256, 256, 3)
    assert frames[:, :, :128].any()
    assert frames[:, :, 128:].any()
    assert draw_skeletons(two[:, :0], 256, 256).max() == 0


def test_far_outside_joints_do_not_wrap_around():
    keypoints = standing()
    keypoints[0, 0, 9, :2] = [1e7, 100]
    assert not draw_skeletons(keypoints, 256, 256)[0, :, :60].any()


@pytest.mark.parametrize(
    ("keypoints", "size", "line_width", "message"),
    [
        (np.zeros((2, 17, 3)), 64, 0.01, r"\[frames, people, 17, 3\]"),
        (np.zeros((1, 1, 17, 3)), 0, 0.01, "at least 1"),
        (np.zeros((1, 1, 17, 3)), 64, 0.0, "line_width is 0.0"),
    ],
)
def test_bad_input_is_named(keypoints, size, line_width, message):
    with pytest.raises(ValueError, match=message):
        draw_skeletons(keypoints, size, size, line_width=line_width)


def test_check_accepts_our_drawings():
    for width in (1 / 180, 1 / 90, 1 / 36):
        check_skeleton_frames(draw_skeletons(standing(people=3), 256, 256, line_width=width))


def test_check_refuses_what_is_no_skeleton():
    noise = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match="raw video"):
        check_skeleton_frames(noise)
    with pytest.raises(ValueError, match="holds no skeleton"):
        check_skeleton_frames(np.zeros((2, 64, 64, 3), np.uint8))
    pink = draw_skeletons(standing(), 256, 256)[..., [0, 2, 0]] // 2 + 40
    pink[draw_skeletons(standing(), 256, 256).max(-1) == 0] = 0
    with pytest.raises(ValueError, match="another drawing style"):
        check_skeleton_frames(pink)


def test_check_judges_the_published_clips(shared_dir):
    check_skeleton_frames(load(shared_dir / "clips" / "skeleton_dance.mp4", 25))
    with pytest.raises(ValueError, match="raw video"):
        check_skeleton_frames(load(shared_dir / "clips" / "raw_person.mp4", 40))


@pytest.mark.parametrize(
    ("people", "count", "wanted"),
    [(1, 300, 0.98), (2, 60, 0.95), (3, 60, 0.95)],
)
def test_reading_back_held_out_motions(people, count, wanted):
    from fyp_world.training.keypoint_network import draw_held_out, score

    images, labels = draw_held_out(np.random.default_rng(77), count, people)
    assert score(read_skeletons, images, labels, 0.02) >= wanted


def test_reading_keeps_order_scale_and_missing_joints():
    keypoints = standing(360, 640, people=2, size=0.85)
    keypoints[0, 1, [7, 9]] = 0
    found = read_skeletons(draw_skeletons(keypoints, 360, 640))
    assert found.shape == (1, 2, 17, 3)
    seen = keypoints[..., 2] > 0
    assert (found[..., 2] > 0).tolist() == seen.tolist()
    far = found - keypoints
    assert np.abs(far[..., :2][seen]).max() < 0.03 * 360


def test_reading_black_frames_finds_nobody():
    assert read_skeletons(np.zeros((2, 100, 100, 3), np.uint8)).shape == (2, 0, 17, 3)


def test_reading_and_redrawing_covers_the_published_clip(shared_dir):
    frames = load(shared_dir / "clips" / "skeleton_dance.mp4", 25)
    again = draw_skeletons(read_skeletons(frames), *frames.shape[1:3])
    for original, drawn in zip(frames, again, strict=True):
        masks = [
            cv2.dilate((image.max(-1) > 96).astype(np.uint8), np.ones((9, 9)))
            for image in (original, drawn)
        ]
        overlap = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
        assert overlap > 0.7


def test_the_two_readings_of_a_frame_complete_each_other():
    from fyp_lite.skeleton_reader import _skeleton_reader

    keypoints = standing()
    keypoints[0, 0, :, 0] += 40
    frames = draw_skeletons(keypoints, 256, 256)
    plain = _skeleton_reader().read_people(frames)
    both = read_skeletons(frames)
    np.testing.assert_allclose(both[..., :2], plain[..., :2], atol=2.5)
    assert (both[..., 2] >= plain[..., 2] - 1e-6).all()


def test_colours_in_a_mirror_change_places():
    swapped = mirror_colours() @ np.array([PALETTE[s] for s in ("middle", "left", "right")]).T
    wanted = np.array([PALETTE[s] for s in ("middle", "right", "left")]).T
    np.testing.assert_allclose(swapped, wanted, atol=1e-3)
