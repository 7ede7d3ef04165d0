"""The crop lens: which joints a crop cuts, and what is drawn of it."""

from __future__ import annotations

import numpy as np
import pytest

import fyp_lite
from fyp_course.panels.lens import (
    CropLens,
    crop_sentence,
    cut_joints,
    cut_sentence,
    draw_lens,
    zoom_sentence,
)
from fyp_lite.clip import ClipError
from fyp_lite.cropping import CropBox, crop_and_resize, crop_box
from fyp_lite.opening import open_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.skeleton import JOINTS
from fyp_lite.video import write_video

BOX = CropBox(10, 10, 50, 50)


@pytest.fixture
def clip():
    with open_clip(fyp_lite.data_dir() / "clips" / "dance.mp4") as opened:
        yield opened


def people(frames, count=1):
    """All joints of all people inside BOX."""
    keypoints = np.full((frames, count, 17, 3), 30, np.float32)
    keypoints[..., 2] = 1
    return keypoints


def test_joints_outside_are_counted_by_frame():
    keypoints = people(8)
    keypoints[:5, 0, JOINTS.index("left_wrist"), 0] = 60
    keypoints[:2, 0, JOINTS.index("right_ankle"), 1] = 5
    assert cut_joints(keypoints, BOX) == {"left_wrist": 5, "right_ankle": 2}
    assert list(cut_joints(keypoints, BOX)) == ["left_wrist", "right_ankle"]


def test_edges_belong_to_the_box_as_pixels_do():
    keypoints = people(1)
    keypoints[0, 0, 9, :2] = 10, 49.9
    keypoints[0, 0, 10, :2] = 50, 30
    assert cut_joints(keypoints, BOX) == {"right_wrist": 1}


def test_missing_joints_are_not_cut_and_a_second_person_counts_once():
    keypoints = people(3, count=2)
    keypoints[..., 9, 0] = 60  # of both, in every frame
    keypoints[1, :, 9, 2] = 0  # missing in one
    assert cut_joints(keypoints, BOX) == {"left_wrist": 2}
    assert cut_joints(np.zeros((3, 0, 17, 3), np.float32), BOX) == {}


def test_the_sentence():
    cut = {"left_wrist": 5, "nose": 4, "left_eye": 4, "right_ankle": 2}
    assert cut_sentence(cut, 8) == "Left wrist cut in 5 of 8 frames; face in 4; right ankle in 2."
    assert cut_sentence({}, 8) == "No joint is cut off in the 8 frames."
    everything = dict.fromkeys(JOINTS, 8)
    assert cut_sentence(everything, 8).endswith("; and 8 more joints.")
    six = dict.fromkeys(JOINTS[5:11], 1)
    assert cut_sentence(six, 8).endswith("; right wrist in 1.")


def test_who_is_left_out_is_not_cut():
    keypoints = people(8, count=2)
    assert crop_sentence(keypoints, BOX) == "No joint is cut off in the 8 frames."
    keypoints[:, 1, :, 0] = 60
    keypoints[:3, 0, JOINTS.index("left_ankle"), 1] = 55
    said = "1 of 2 people is outside the crop. Left ankle cut in 3 of 8 frames."
    assert crop_sentence(keypoints, BOX) == said
    keypoints[0, 1, 0, 0] = 30  # inside in one frame: cut in the others
    assert "outside" not in crop_sentence(keypoints, BOX)
    keypoints[:, :, :, 0] = 60
    assert crop_sentence(keypoints, BOX) == "Nobody is inside the crop."


def test_the_zoom():
    box = crop_box(320, 320, ClipSettings(crop_right=256))
    assert "256 × 256 reference pixels, so everything is 2.00 times as large" in zoom_sentence(
        320, 320, box
    )
    assert "nothing is enlarged" in zoom_sentence(320, 640, crop_box(320, 640, ClipSettings()))


def test_the_picture_shows_what_the_model_sees():
    frame = np.random.default_rng(0).integers(0, 256, (128, 200, 3), dtype=np.uint8)
    settings = ClipSettings(crop_left=100, crop_top=40)
    seen = crop_and_resize(frame[None], crop_box(128, 200, settings), 256)[0]
    picture = draw_lens(frame, settings)
    right = picture[30 : 30 + 256, -14 - 256 : -14]
    assert (right == seen).all()


def test_what_is_cropped_is_dark_and_what_is_kept_is_not():
    picture = draw_lens(np.full((256, 256, 3), 255, np.uint8), ClipSettings(crop_left=256))
    source = picture[30:286, 14:270].mean(axis=-1)
    trimmed, lost, kept = source[:, 10:120].max(), source[4:55, 140:].max(), source[70:180, 140:250]
    assert trimmed < lost < kept.min() == 255


def test_every_slider_reaches_its_ends(clip):
    lens = CropLens(clip, size=64)
    for slider in (*lens.crops.values(), lens.frame):
        for value in (slider.min, (slider.min + slider.max) // 2, slider.max):
            slider.value = value
            assert lens.prepared.frames.shape == (8, 64, 64, 3)
        assert slider.max in (512 - 16, 8)
        slider.value = slider.min


def test_the_sentence_follows_the_sliders(clip):
    lens = CropLens(clip)
    assert "No joint is cut off" in lens.caption.value
    lens.crops["bottom"].value = 120
    assert "ankle cut in 8 of 8 frames" in lens.caption.value
    assert "1.31 times as large" in lens.caption.value
    assert lens.stage.crop_bottom == 120 and "bottom 120" in lens.stage.described()


def test_a_drag_of_the_box_moves_the_sliders(clip):
    lens = CropLens(clip)
    lens.stage.crop_bottom = 120
    lens.stage.crop_left = 40
    assert lens.settings == ClipSettings(crop_bottom=120, crop_left=40)
    assert "ankle cut in 8 of 8 frames" in lens.caption.value


def test_the_lens_shows_the_frame_that_is_looked_at(clip):
    lens = CropLens(clip)
    before = lens.stage.film["data"]
    lens.frame.value = 5
    assert lens.stage.film["data"] != before


def test_where_black_is_added_a_picture_takes_the_place_of_the_box(tmp_path):
    write_video(tmp_path / "wide.mp4", np.full((24, 64, 128, 3), 250, np.uint8), 24)
    with open_clip(tmp_path / "wide.mp4") as clip:
        lens = CropLens(clip)
        assert (lens.stage.layout.display, lens.picture.layout.display) == (None, "none")


def test_stills_show_the_lens(clip, monkeypatch):
    shown = []
    monkeypatch.setattr("fyp_course.panels.lens.show_picture", lambda _, text: shown.append(text))
    CropLens(clip, size=64).show_still()
    assert len(shown) == 1
    assert shown[0].startswith("Crop lens at frame 0. No joint is cut off in the 8 frames.")


def test_crops_that_leave_nothing_are_explained(clip):
    lens = CropLens(clip, size=64)
    lens.crops["left"].value = lens.crops["right"].value = 400
    assert "crop_left 400 and crop_right 400 leave 0" in lens.caption.value
    lens.frame.value = 3
    with pytest.raises(ClipError):
        _ = lens.prepared


def test_joints_are_read_once(clip, monkeypatch):
    read = []

    def reader(frames):
        read.append(len(frames))
        return np.zeros((len(frames), 1, 17, 3), np.float32)

    monkeypatch.setattr("fyp_course.panels.lens.read_skeletons", reader)
    lens = CropLens(clip, ClipSettings(frame_stride=1))
    lens.crops["left"].value = 50
    lens.follow(ClipSettings(start_frame=2, frame_stride=1))
    assert read == [8, 2]
    assert lens.settings == ClipSettings(start_frame=2, frame_stride=1, crop_left=50)


def test_a_raw_clip_has_no_joints_but_a_lens(tmp_path):
    write_video(tmp_path / "white.mp4", np.full((24, 64, 64, 3), 250, np.uint8), 24)
    with open_clip(tmp_path / "white.mp4") as clip:
        assert "for skeleton clips only" in CropLens(clip).caption.value


def test_every_control_has_a_label(clip):
    lens = CropLens(clip, size=64)
    assert all(control.description for control in (*lens.controls, lens.frame))
