"""BlazePose: its geometry, networks that see painted joints, the two files, a real person."""

from __future__ import annotations

import sys
import zipfile

import cv2
import numpy as np
import pytest

from fyp_lite.keypoints.clip import KeypointsError
from fyp_lite.keypoints.detectors import blazepose, choose_backend, mediapipe
from fyp_lite.keypoints.detectors.blazepose import (
    ANCHORS,
    FROM_BLAZEPOSE,
    Square,
    cut,
    square_of,
    views,
)
from fyp_lite.keypoints.detectors.mediapipe import MediapipeBackend
from fyp_lite.opening import open_clip

# ---------------------------------------------------------------------------- BlazePose's geometry


def test_a_cut_shows_the_turned_square_and_its_matrix_leads_back():
    frame = np.zeros((300, 400, 3), np.uint8)
    cv2.circle(frame, (250, 90), 6, (255, 255, 255), -1)  # centre (250.5, 90.5)
    for side in (80.0, 256.0, 2000.0):
        square = Square(260, 100, side, 0.7)
        picture, to_frame = cut(frame, square, 256)
        light, index = picture[..., 0] / picture[..., 0].sum(), np.arange(256) + 0.5
        centre = np.array([light.sum(axis=0) @ index, light.sum(axis=1) @ index, 1])
        np.testing.assert_allclose(to_frame @ centre, [250.5, 90.5], atol=0.4)


def test_the_square_of_a_body_is_turned_with_it():
    middle = np.array([50.0, 60.0])
    for angle in (0.0, 0.5, -2.0, np.pi / 2):
        top = middle + 20 * np.array([np.sin(angle), -np.cos(angle)])
        np.testing.assert_allclose(square_of(middle, top), (50, 60, 50, angle), atol=1e-9)


def test_views_cover_wide_and_tall_frames():
    assert views(100, 110) == [Square(55, 50, 110)]
    wide = views(90, 160)
    assert wide[0] == Square(80, 45, 160) and len(wide) == 4
    assert [v.x for v in wide[1:]] == [45, 80, 115] and {v.side for v in wide[1:]} == {90}
    assert [(v.y, v.x, v.side) for v in views(160, 90)] == [(v.x, v.y, v.side) for v in wide]
    assert len(views(2, 2000)) == 1 + blazepose.MAX_VIEWS


def test_overlapping_finds_are_one_person_and_faint_ones_none():
    boxes, scores = np.zeros((2254, 12)), np.full(2254, -9.0)
    left, right = np.abs(ANCHORS - [0.25, 0.5]).sum(1), np.abs(ANCHORS - [0.75, 0.5]).sum(1)
    for near, count, logit in ((left, 2, 2.0), (right, 1, 3.0)):
        for i in np.argsort(near, kind="stable")[:count]:
            middle = 0.25 if near is left else 0.75
            points = np.array([(middle, 0.5), (middle, 0.3)])
            boxes[i, 2:4] = 50
            boxes[i, 4:8] = ((points - ANCHORS[i]) * 224).ravel()
            scores[i] = logit
    scores[np.argmax(left)] = -0.01  # just below a half
    people = blazepose.decode_people(boxes, scores)
    np.testing.assert_allclose(
        people, [[[0.75, 0.5], [0.75, 0.3]], [[0.25, 0.5], [0.25, 0.3]]], atol=1e-6
    )
    assert blazepose.decode_people(boxes, np.full(2254, -1e9)).shape == (0, 2, 2)


def test_confidence_is_the_least_of_three_witnesses():
    landmarks = np.zeros((39, 5))
    landmarks[:, :2], landmarks[:, 3:] = 130, 9
    heatmaps = np.full((64, 64, 39), -9.0)
    heatmaps[32, 34] = 9.0  # the pixel's number 34 of 64: 136 of 256
    landmarks[FROM_BLAZEPOSE[1], 3] = -1  # hidden
    landmarks[FROM_BLAZEPOSE[2], 4] = -1  # outside the picture
    heatmaps[:, :, FROM_BLAZEPOSE[3]] = -1  # no heat: the place stays what it was
    landmarks[FROM_BLAZEPOSE[4], :2] = 300  # beyond the heatmap
    places, confidence, evidence = blazepose.decode_joints(landmarks, heatmaps)
    low = 1 / (1 + np.exp(1))
    np.testing.assert_allclose(confidence[:6], [1, low, low, low, 0, 1], atol=1e-3)
    np.testing.assert_allclose(places[0], [136, 128], atol=0.5)
    np.testing.assert_allclose(places[3], [130, 130])
    assert evidence == pytest.approx((14 + low) / 16, abs=1e-3)  # the one outside has no say


# ---------------------------------------------------------------------------- painted people
# Joints are dots whose red tells which and whose blue tells whose; the networks below see them.

LAYOUT = np.array([(i % 5 - 2, i // 5 - 1.5) for i in range(17)]) * 0.3
LAYOUT = np.concatenate([LAYOUT, [(0.15, 0.0), (0.15, -1.0)]])  # the centre, and the top


def paint(frame, person, x, y, length=110.0, angle=0.0):
    """Dots of a person around (x, y), turned; returns its 17 joints, `[17, 2]`."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    places = LAYOUT @ turn.T * length + [x, y]
    for joint, place in enumerate(places):
        centre = np.round((place - 0.5) * 64).astype(int).tolist()
        colour = (40 + 10 * joint, 250, 60 + 60 * person)
        cv2.circle(frame, centre, 9 * 64, colour, -1, shift=6)
    return places[:17]


def dots(picture, person):
    """Centres of a person's 19 dots in a picture of 0...255, NaN where one is not there."""
    centres = np.full((19, 2), np.nan)
    mine = (np.abs(picture[..., 2] - 60 - 60 * person) < 4) & (picture[..., 1] > 240)
    for joint in range(19):
        rows, columns = np.nonzero(mine & (np.abs(picture[..., 0] - 40 - 10 * joint) < 4))
        if len(rows) > 2:
            centres[joint] = columns.mean() + 0.5, rows.mean() + 0.5
    return centres


class PaintedNetwork:
    """Stands in for both of MediapipeBackend's networks; counts its calls."""

    calls: dict[int, int]

    def __init__(self, content, side, outputs):
        self.side = side
        PaintedNetwork.calls[side] = 0

    def __call__(self, picture):
        assert picture.shape == (self.side, self.side, 3) and picture.dtype == np.float32
        PaintedNetwork.calls[self.side] += 1
        return self.find((picture + 1) * 127.5) if self.side == 224 else self.read(picture * 255)

    @staticmethod
    def find(picture):
        boxes, scores = np.zeros((1, 2254, 12)), np.full((1, 2254, 1), -99.0)
        for person in range(3):
            points = dots(picture, person)[17:]
            if np.isfinite(points).all():
                anchor = np.abs(ANCHORS * 224 - points[0]).sum(axis=1).argmin()
                boxes[0, anchor, 2:4] = 40
                boxes[0, anchor, 4:8] = (points - ANCHORS[anchor] * 224).ravel()
                scores[0, anchor] = 9 - person
        return {(1, 2254, 12): boxes, (1, 2254, 1): scores}

    @staticmethod
    def read(picture):
        people = [dots(picture, person) for person in range(3)]
        away = [np.linalg.norm(p[17] - 128) for p in people]
        landmarks, heat = np.full((39, 5), -9.0), np.full((1, 64, 64, 39), -9.0, np.float32)
        if np.isfinite(away).any():
            for joint, place in zip(FROM_BLAZEPOSE, people[np.nanargmin(away)], strict=True):
                if np.isfinite(place).all():
                    landmarks[joint] = [*place, 0, 9, 9]
                    column, row = (place / 4).astype(int)
                    heat[0, row, column, joint] = -0.1  # sure enough, too faint to move the joint
        flag = np.array([[float(np.isfinite(away).any())]])
        return {(1, 195): landmarks.reshape(1, 195), (1, 1): flag, (1, 64, 64, 39): heat}


@pytest.fixture
def painted(monkeypatch):
    monkeypatch.setattr(mediapipe, "Network", PaintedNetwork)
    monkeypatch.setattr(mediapipe, "read_networks", lambda weights: (b"", b""))
    # A heat that does not move the joint is below a half, and so is the evidence of all of them.
    monkeypatch.setattr(mediapipe, "MIN_EVIDENCE", 0.4)
    PaintedNetwork.calls = {}
    return PaintedNetwork


@pytest.mark.parametrize("angle", [0.0, 0.6, -2.5])
def test_joints_come_back_in_the_frames_pixels_however_the_body_lies(painted, angle):
    backend = MediapipeBackend()
    for shift in (0, 12):
        frame = np.zeros((480, 560, 3), np.uint8)
        joints = paint(frame, 0, 260 + shift, 240, angle=angle)
        people = backend.detect(frame)
        assert people.shape == (1, 17, 3) and people.dtype == np.float32
        np.testing.assert_allclose(people[0, :, :2], joints, atol=1.5)
        assert (people[0, :, 2] > 0.4).all()


def test_people_are_followed_and_only_now_and_then_looked_for(painted):
    backend = MediapipeBackend()
    for frame_number in range(mediapipe.FIND_EVERY):
        frame = np.zeros((480, 480, 3), np.uint8)
        paint(frame, 0, 220 + 3 * frame_number, 240)
        assert len(backend.detect(frame)) == 1
    assert painted.calls[224] == 1
    backend.detect(frame)
    assert painted.calls[224] == 2


def test_several_people_are_found_once_each_and_no_more_than_wanted(painted):
    frame = np.zeros((480, 900, 3), np.uint8)
    places = [paint(frame, person, 150 + 300 * person, 240) for person in range(3)]
    backend = MediapipeBackend()
    for _ in range(2):
        people = backend.detect(frame)
        assert len(people) == 3
        for joints in places:
            nearest = np.abs(people[..., :2] - joints).max(axis=(1, 2)).min()
            assert nearest < 2
    assert len(MediapipeBackend(max_people=2).detect(frame)) == 2


@pytest.mark.parametrize(("length", "takes_it"), [(220.0, True), (112.0, False)])
def test_somebody_plainly_larger_who_enters_late_takes_a_place(painted, length, takes_it):
    backend = MediapipeBackend(max_people=2)
    for number in range(2 * mediapipe.FIND_EVERY):
        frame = np.zeros((640, 1100, 3), np.uint8)
        early = [
            paint(frame, person, 150 + 250 * person, 240, 100 + 6 * person) for person in (0, 1)
        ]
        late = paint(frame, 2, 800, 300, length) if number >= 3 else None
        people = backend.detect(frame)
        assert len(people) == 2
    wanted = (early[1], late) if takes_it else early
    for joints in wanted:
        assert np.abs(people[..., :2] - joints).max(axis=(1, 2)).min() < 3


def test_somebody_lost_is_looked_for_in_the_same_frame(painted):
    backend = MediapipeBackend()
    for x in (120, 450, 120):  # jumps out of the square
        frame = np.zeros((480, 560, 3), np.uint8)
        joints = paint(frame, 0, x, 240)
        np.testing.assert_allclose(backend.detect(frame)[0, :, :2], joints, atol=1.5)


def test_nobody_is_an_empty_array_and_joints_out_of_frame_are_missing(painted):
    backend = MediapipeBackend()
    assert backend.detect(np.zeros((480, 480, 3), np.uint8)).shape == (0, 17, 3)
    frame = np.zeros((480, 480, 3), np.uint8)
    joints = paint(frame, 0, 50, 240)
    (person,) = backend.detect(frame)
    outside = joints[:, 0] < -9
    assert outside.any() and not person[outside].any()
    with pytest.raises(ValueError, match="uint8"):
        backend.detect(frame.astype(np.float32))


def test_a_body_without_evidence_is_nobody(painted, monkeypatch):
    frame = np.zeros((480, 480, 3), np.uint8)
    paint(frame, 0, 240, 240)
    monkeypatch.setattr(mediapipe, "MIN_EVIDENCE", 0.6)
    assert len(MediapipeBackend().detect(frame)) == 0


# ---------------------------------------------------------------------------- the two files


@pytest.mark.parametrize("number", [0, 1])
def test_the_networks_are_read_from_a_folder_an_archive_or_a_folder_with_one(tmp_path, number):
    names = mediapipe.FINDER[number], mediapipe.READER[number]
    loose, packed = tmp_path / "loose" / "deep", tmp_path / "packed"
    loose.mkdir(parents=True)
    packed.mkdir()
    archive = packed / ("mediapipe-0.10.14.whl", "pose_landmarker_full.task")[number]
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("another.tflite", b"no")
        for name, content in zip(names, (b"finder", b"reader"), strict=True):
            (loose / name).write_bytes(content)
            file.writestr(f"modules/{name}", content)
    for place in (tmp_path / "loose", archive, packed):
        assert mediapipe.read_networks(place) == (b"finder", b"reader")
    (loose / names[1]).unlink()
    with pytest.raises(KeypointsError, match="'loose' holds no pose_detection.tflite and pose_la"):
        mediapipe.read_networks(tmp_path / "loose")
    archive.write_bytes(b"cut short")
    with pytest.raises(KeypointsError, match=f"'{archive.name}' holds no"):
        mediapipe.read_networks(archive)


def test_without_litert_or_with_a_damaged_network_it_says_so(tmp_path, monkeypatch):
    for name in (mediapipe.FINDER[0], mediapipe.READER[0]):
        (tmp_path / name).write_bytes(b"TFL3 but no network")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
        patch.setattr(mediapipe, "find_spec", lambda name: None)
        with pytest.raises(KeypointsError, match="LiteRT is missing: run `pip install"):
            choose_backend("mediapipe", weights=tmp_path)
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed: the extra `pose`")
    with pytest.raises(KeypointsError, match="a network of mediapipe is damaged"):
        choose_backend("mediapipe", weights=tmp_path)


# ---------------------------------------------------------------------------- a real person


@pytest.fixture(scope="module")
def real_frames(shared_dir):
    ready, note = mediapipe.report()
    if not ready:
        pytest.skip(f"mediapipe is not ready: {note}")
    path = shared_dir / "clips" / "raw_person.mp4"
    if not path.is_file():
        pytest.skip("no clips/raw_person.mp4 in the shared folder")
    with open_clip(path) as clip:
        return clip.read(range(240, 256, 2))  # arms stretched out


def test_a_real_person_is_found_in_every_frame(real_frames):
    backend = choose_backend("mediapipe")
    found = [backend.detect(frame) for frame in real_frames]
    assert [len(people) for people in found] == [1] * len(found)
    joints = np.array(found)[:, 0]
    assert (joints[..., 2] > 0).mean() > 0.9
    assert (joints[:, 9, 0] > joints[:, 5, 0]).all()  # facing us, the left hand is on the right
    feet = joints[:, [15, 16]]  # some are cut off by the frame
    assert (feet[..., 2] > 0).any() and (feet[feet[..., 2] > 0][:, 1] > 900).all()


def test_two_crops_side_by_side_are_two_people(real_frames):
    backend = choose_backend("mediapipe")
    for frame, other in zip(real_frames[:3], real_frames[::-1], strict=False):
        people = backend.detect(np.concatenate([frame[:, 100:900], other[:, 100:900]], axis=1))
        assert len(people) == 2
        left, right = sorted(person[[5, 6, 11, 12], 0].mean() for person in people)
        assert 200 < left < 600 and 1000 < right < 1400


def test_a_bust_has_no_invented_legs_and_legs_alone_are_nobody(real_frames):
    (person,) = choose_backend("mediapipe").detect(real_frames[0][:560])
    assert person[[0, 5, 6], 2].all() and not person[13:].any()
    assert len(choose_backend("mediapipe").detect(real_frames[0][700:])) == 0
