"""The repair panel and the doctor's panel: every control, on tiny clips."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import shown_bytes

from fyp_course.panels.diagnose import HEALTHY, SkeletonDoctor, report
from fyp_course.panels.repair import RepairPanel, keypoints_of
from fyp_course.panels.repair_stage import draw_stage
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.opening import open_clip
from fyp_lite.skeleton import JOINTS, draw_skeletons
from fyp_world.world.motion import perform

WRIST = JOINTS.index("left_wrist")
SIZE = 128


@pytest.fixture(scope="module")
def two():
    """Two people in eight frames of 128 x 128 pixels."""
    people = []
    for x, seed in ((40, 1), (90, 2)):
        figures = perform(
            "dance_disco", 8, 24, np.random.default_rng(seed), yaw=0, height=90, position=(x, 112)
        )
        people.append([figure.keypoints() for figure in figures])
    return KeypointClip(np.stack(people, axis=1).astype(np.float32), 24.0, SIZE, SIZE)


@pytest.fixture
def panel(two, tmp_path):
    return RepairPanel(two, tmp_path)


def test_a_nudge_is_drawn_said_and_undone(panel, two):
    panel.frame.value, panel.person.value, panel.step.value = 3, 1, 4.0
    before = shown_bytes(panel.picture)
    panel.nudges["up"].click()
    way = panel.clip.keypoints - two.keypoints
    assert way[3, 1, WRIST].tolist() == pytest.approx([0, -4, 0], abs=1e-4)
    assert np.count_nonzero(way) == 1
    assert "left wrist of person 2 moved up by 4" in panel.message.value
    assert shown_bytes(panel.picture) != before and panel.y.value == round(
        float(two.keypoints[3, 1, WRIST, 1]) - 4, 1
    )
    panel.undo.click()
    assert (panel.clip.keypoints == two.keypoints).all() and panel.undo.disabled


@pytest.mark.parametrize(
    ("way", "sign"), [("left", (-1, 0)), ("right", (1, 0)), ("up", (0, -1)), ("down", (0, 1))]
)
def test_arrows_point_where_they_say(panel, two, way, sign):
    panel.nudges[way].click()
    moved = (panel.clip.keypoints - two.keypoints)[0, 0, WRIST, :2]
    assert moved == pytest.approx(np.array(sign) * panel.step.value, abs=1e-4)


def test_reach_spreads_a_nudge(panel, two):
    panel.frame.value, panel.reach.value = 3, 2
    panel.nudges["right"].click()
    moved = (panel.clip.keypoints - two.keypoints)[:, 0, WRIST, 0]
    assert (moved > 0.1).tolist() == [False, True, True, True, True, True, False, False]


def test_a_hidden_joint_is_placed_again(panel):
    panel.hide.click()
    assert panel.clip.keypoints[0, 0, WRIST, 2] == 0
    assert "missing" in panel.caption.value and panel.nudges["up"].disabled and panel.hide.disabled
    panel.x.value, panel.y.value = 50.0, 60.0
    panel.place.click()
    assert panel.clip.keypoints[0, 0, WRIST].tolist() == [50, 60, 1]
    assert not panel.nudges["up"].disabled and "x 50.0, y 60.0" in panel.caption.value


def test_people_are_deleted_but_never_the_last(panel, two):
    panel.person.value = 1
    panel.delete.click()
    assert panel.clip.num_people == 1 and panel.person.value == 0
    assert (panel.clip.keypoints[:, 0] == two.keypoints[:, 0]).all()
    panel.delete.click()
    assert "only person" in panel.message.value and panel.clip.num_people == 1
    panel.undo.click()
    assert panel.clip.num_people == 2 and len(panel.person.options) == 2


def test_mirror_swap_and_retime(panel, two):
    panel.mirror.click()
    assert panel.clip.keypoints[0, 0, WRIST, 0] == pytest.approx(
        SIZE - two.keypoints[0, 0, JOINTS.index("right_wrist"), 0]
    )
    panel.undo.click()
    panel.swap.click()
    assert (panel.clip.keypoints[0, 0, WRIST] == two.keypoints[0, 0, WRIST + 1]).all()
    panel.frame.value, panel.speed.value = 7, 2.0
    panel.retime.click()
    assert panel.clip.num_frames == 4 and panel.frame.value == panel.frame.max == 3
    panel.speed.value = 0
    panel.retime.click()
    assert "from 0.1 to 10" in panel.message.value and panel.clip.num_frames == 4


def test_saving_and_reading_back(panel, tmp_path):
    panel.nudges["left"].click()
    panel.name.value = "mine"
    panel.save_json.click()
    assert KeypointClip.load(tmp_path / "mine.json").keypoints == pytest.approx(
        panel.clip.keypoints, abs=1e-3
    )
    panel.save_video.click()
    with open_clip(tmp_path / "mine.mp4") as clip:
        assert (clip.num_frames, clip.height, clip.fps) == (8, SIZE, 24)
    panel.folder.value = str(tmp_path / "nowhere")
    panel.save_json.click()
    assert "there is no folder" in panel.message.value


def test_every_control_has_a_label_and_the_picture_a_text(panel):
    controls = [panel.frame, panel.person, panel.joint, panel.step, panel.reach, panel.x, panel.y]
    buttons = [*panel.nudges.values(), panel.place, panel.hide, panel.swap, panel.delete]
    buttons += [panel.mirror, panel.retime, panel.undo, panel.play, panel.save_json]
    assert all(control.description for control in controls + buttons)
    assert "left wrist of person 1: x" in panel.picture.alt
    panel.play.click()
    assert panel.movie.layout.display == "" and "8 frames" in panel.message.value


def test_the_stage_shows_the_chosen_person_brightest(two):
    stage = draw_stage(two, 2, 1, WRIST)
    assert stage.shape == (384, 384, 3)
    assert stage[40:, 200:].max() > 250
    left, right = (stage[60:, part].astype(int).max(axis=-1) for part in (np.s_[:190], np.s_[200:]))
    assert np.quantile(left, 0.99) < np.quantile(right, 0.99)


def test_nobody_is_refused():
    with pytest.raises(ValueError, match="nobody"):
        RepairPanel(KeypointClip(np.zeros((2, 0, 17, 3), np.float32), 24.0, 64, 64))


def test_a_skeleton_video_becomes_keypoints(two):
    big = two.keypoints * [2, 2, 1]
    clip = keypoints_of(draw_skeletons(big, 256, 256), 24.0, "two.mp4")
    assert clip.keypoints.shape == big.shape and clip.source == "two.mp4"
    both = (clip.keypoints[..., 2] > 0) & (big[..., 2] > 0)
    away = np.linalg.norm((clip.keypoints - big)[..., :2], axis=-1)[both]
    assert both.mean() > 0.9 and away.mean() < 3


def test_the_doctor_applies_what_is_ticked(two):
    frames = draw_skeletons(two.keypoints * [2, 2, 1], 256, 256)
    bad = (255 - (255 - frames) * (frames.max(axis=-1, keepdims=True) > 0))[..., ::-1]
    bad = np.ascontiguousarray(bad.astype(np.uint8))
    doctor = SkeletonDoctor(bad, 24.0)
    assert [*doctor.ticks] == ["background", "swapped"] and not doctor.apply.disabled
    assert "**swapped**" in report(doctor.findings)
    doctor.ticks["swapped"].value = False
    doctor.apply.click()
    assert [*doctor.ticks] == ["swapped"] and "Repaired: background" in doctor.message.value
    doctor.apply.click()
    assert doctor.findings == [] and HEALTHY in doctor.list.children[0].value
    assert np.abs(doctor.frames.astype(int) - frames).mean() < 1
    doctor.undo.click()
    assert [*doctor.ticks] == ["background", "swapped"] and doctor.frames is bad


def test_the_doctor_says_what_it_cannot_repair():
    doctor = SkeletonDoctor(np.zeros((3, 64, 64, 3), np.uint8), 24.0)
    assert doctor.apply.disabled and doctor.ticks["empty"].disabled
    assert "All frames are black" in doctor.list.children[0].value
