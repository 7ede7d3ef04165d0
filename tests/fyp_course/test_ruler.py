"""The frame ruler: what is drawn where, and sliders that may leave the clip."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest

import fyp_lite
from fyp_course.panels.ruler import SIDE, WIDTH, FrameRuler, draw_ruler, listed
from fyp_lite.clip import ClipError
from fyp_lite.drawing import BAD, LIT
from fyp_lite.opening import open_clip, prepare_clip
from fyp_lite.settings import ClipSettings


@pytest.fixture
def clip():
    with open_clip(fyp_lite.data_dir() / "clips" / "dance.mp4") as opened:
        yield opened


def thumbnails(*numbers, height=40, width=40):
    return {n: np.full((height, width, 3), 100, np.uint8) for n in numbers}


def columns_of(picture, colour, rows=slice(0, 100)):
    return np.flatnonzero((picture[rows] == colour).all(axis=-1).any(axis=0))


def test_pins_stand_where_the_frames_are():
    settings = ClipSettings(start_frame=50, frame_stride=10, num_frames=3)
    picture = draw_ruler(thumbnails(0, 50, 60, 70, 99), settings, 100)
    pins = columns_of(picture, LIT, slice(85, 86))
    wanted = [SIDE + n / 99 * (WIDTH - 2 * SIDE - 1) for n in (50, 60, 70)]
    assert np.abs(pins[:, None] - wanted).min(axis=1).max() <= 2
    assert all(np.abs(pins - x).min() <= 1 for x in wanted)


def test_nothing_is_red_where_all_fits_and_only_the_rest_where_not():
    fits = draw_ruler(thumbnails(0, 3, 6, 9), ClipSettings(num_frames=4), 10)
    assert not len(columns_of(fits, BAD, slice(None)))
    past = draw_ruler(thumbnails(0, 3, 6, 9), ClipSettings(num_frames=8), 10)
    red = columns_of(past, BAD, slice(0, 85))
    end = SIDE + 9 / 21 * (WIDTH - 2 * SIDE - 1)
    assert abs(red.min() - end) <= 2


def test_only_chosen_frames_are_bright_on_the_strip():
    picture = draw_ruler(thumbnails(0, 25, 50, 75, 99), ClipSettings(num_frames=1), 100)
    strip = picture[20:70]
    assert (strip[:, SIDE + 2 : SIDE + 50] == 100).mean() > 0.9
    assert (strip[:, WIDTH // 2 :] <= 50).all()


@pytest.mark.parametrize("shape", [(40, 71), (71, 40), (40, 400), (400, 40)])
@pytest.mark.parametrize("count", [1, 2, 17, 60])
def test_any_shape_and_any_count_can_be_drawn(shape, count):
    settings = ClipSettings(frame_stride=1, num_frames=count)
    picture = draw_ruler(thumbnails(*range(20), height=shape[0], width=shape[1]), settings, 20)
    assert picture.shape[1:] == (WIDTH, 3) and picture.dtype == np.uint8


def test_a_clip_of_one_frame_has_a_ruler():
    assert draw_ruler(thumbnails(0), ClipSettings(num_frames=1), 1).shape[1] == WIDTH


def test_every_slider_reaches_its_ends_and_bad_values_are_explained(clip):
    ruler = FrameRuler(clip, size=64)
    for slider in (ruler.start_frame, ruler.frame_stride, ruler.num_frames):
        before = slider.value
        for value in (slider.min, (slider.min + slider.max) // 2, slider.max):
            slider.value = value
            try:
                expected = prepare_clip(clip, ruler.settings, 64).indices
            except ClipError as error:
                assert str(error).split(":")[0] in ruler.caption.value
                with pytest.raises(ClipError):
                    _ = ruler.prepared
            else:
                assert f"Frames {listed(expected)} of 184" in ruler.caption.value
        slider.value = before
    ruler.start_frame.value = ruler.start_frame.max
    assert "start_frame 184" in ruler.caption.value


def test_a_move_changes_the_ruler_and_the_preview_at_once(clip):
    ruler, seconds = FrameRuler(clip), []
    for start in range(10, 100, 10):
        before = ruler.ruler.chosen["data"], ruler.stage.film["data"]
        began = perf_counter()
        ruler.start_frame.value = start
        seconds.append(perf_counter() - began)
        assert ruler.ruler.start_frame == start
        assert ruler.ruler.chosen["data"] != before[0] and ruler.stage.film["data"] != before[1]
    assert sorted(seconds)[len(seconds) // 2] < 0.5  # 0.1 s where the machine is free


def test_it_takes_a_crop_over(clip):
    ruler = FrameRuler(clip, size=64)
    ruler.start_frame.value = 20
    before = ruler.stage.film["data"]
    ruler.follow(ClipSettings(crop_right=200))
    assert ruler.settings == ClipSettings(start_frame=20, crop_right=200)
    assert ruler.stage.film["data"] != before


def test_labels_and_texts(clip):
    ruler = FrameRuler(clip, size=64)
    for control in (ruler.start_frame, ruler.frame_stride, ruler.num_frames):
        assert control.description
    assert "8 of 184 frames, 0 to 21 with stride 3." in ruler.ruler.described()
    assert "Preview of the chosen frames" in ruler.stage.alt


def test_a_drag_of_a_mark_moves_its_slider(clip):
    ruler = FrameRuler(clip, size=64)
    ruler.ruler.start_frame, ruler.ruler.frame_stride, ruler.ruler.num_frames = 40, 5, 6
    assert ruler.settings == ClipSettings(40, 5, 6)
    assert "Frames 40, 45, 50 … 65 of 184" in ruler.caption.value
    assert ruler.ruler.max_frames == ruler.num_frames.max == 24


def test_stills_show_the_ruler(clip, monkeypatch):
    shown = []
    monkeypatch.setenv("FYP_LITE_STILLS", "1")
    monkeypatch.setattr(
        "fyp_course.panels.ruler.show_picture",
        lambda picture, text: shown.append((picture.shape[1], text)),
    )
    FrameRuler(clip, size=64).show_still()
    assert shown == [(WIDTH, "Frame ruler. 0, 3, 6 … 21")]


def test_settings_past_the_end_show_no_old_preview(clip):
    ruler = FrameRuler(clip, size=64)
    before = ruler.stage.film["data"]
    ruler.start_frame.value = ruler.start_frame.max
    assert ruler.stage.alt == "No preview" and not ruler.stage.videos["chosen frames"].any()
    assert before != ruler.stage.film["data"]
