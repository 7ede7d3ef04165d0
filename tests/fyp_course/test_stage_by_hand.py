"""The Python side of the ruler and the lens."""

from __future__ import annotations

import numpy as np
import pytest
from ipywidgets import IntSlider, link
from stage_videos import catch_outputs, numbered

from fyp_course.stage import LensStage, RulerStage
from fyp_lite.settings import ClipSettings


class Reader:
    """A clip of numbered frames that counts what is read."""

    def __init__(self, count: int) -> None:
        self.frames, self.asked = numbered(count), []

    def __call__(self, numbers: list[int]) -> np.ndarray:
        self.asked += numbers
        return self.frames[numbers]


def test_the_ruler_sends_frames_all_over_the_clip_and_the_chosen_ones():
    ruler = RulerStage(Reader(100), 100, ClipSettings(start_frame=20))
    spread = ruler.strip["numbers"]
    assert (spread[0], spread[-1], len(spread)) == (0, 99, 32)
    assert ruler.chosen["numbers"] == [20, 23, 26, 29, 32, 35, 38, 41]
    assert ruler.chosen["count"] == 8


def test_setting_a_mark_sends_what_is_chosen_now_and_reads_no_frame_twice():
    reader = Reader(100)
    ruler = RulerStage(reader, 100)
    ruler.frame_stride = 5
    ruler.start_frame = 90
    assert ruler.chosen["numbers"] == [90, 95]  # the clip has no more
    assert ruler.described() == (
        "Frame ruler: 8 of 100 frames, 90 to 125 with stride 5, but the clip ends at 99."
    )
    ruler.start_frame = 100
    assert ruler.chosen["numbers"] == []
    assert ruler.still_picture().ndim == 3
    ruler.start_frame, ruler.frame_stride = 0, 3
    assert len(reader.asked) == len(set(reader.asked))


def test_of_many_chosen_frames_sixteen_are_sent():
    ruler = RulerStage(Reader(100), 100, ClipSettings(frame_stride=2, num_frames=40))
    numbers = ruler.chosen["numbers"]
    assert (len(numbers), numbers[0], numbers[-1]) == (16, 0, 78)
    assert ruler.max_frames == 40


def test_thumbnails_are_small_and_few(monkeypatch):
    monkeypatch.setattr("fyp_course.stage.ruler.KEPT", 40)
    big = np.zeros((1, 500, 1000, 3), np.uint8)
    ruler = RulerStage(lambda numbers: big, 1000)
    assert (ruler.strip["tiles"][0]["width"], ruler.strip["tiles"][0]["height"]) == (112, 56)
    for start in range(0, 300, 30):
        ruler.start_frame = start
    assert len(ruler._thumbnails) <= 40


def test_marks_follow_sliders_and_lead_them():
    ruler, slider = RulerStage(Reader(50), 50), IntSlider(4, 0, 60)
    link((slider, "value"), (ruler, "start_frame"))
    assert ruler.start_frame == 4
    ruler.start_frame = 9
    assert slider.value == 9


def test_a_clip_of_one_frame_has_a_ruler():
    ruler = RulerStage(Reader(1), 1, ClipSettings(num_frames=1))
    assert (ruler.strip["numbers"], ruler.chosen["numbers"]) == ([0], [0])


def test_the_lens_sends_its_frame_and_keeps_the_box():
    lens = LensStage(numbered(1)[0], ClipSettings(crop_left=10, crop_bottom=4))
    assert (lens.crop_left, lens.crop_right, lens.crop_top, lens.crop_bottom) == (10, 0, 0, 4)
    lens.show_frame(numbered(4)[3])
    assert lens.film["count"] == 1
    assert lens.crop_left == 10
    assert lens.described() == (
        "Crop lens, of a short side of 512: left 10, right 0, top 0, bottom 4."
    )
    assert lens.still_picture().shape == (112, 112, 3)


@pytest.mark.parametrize(
    "made", [lambda: RulerStage(Reader(20), 20), lambda: LensStage(numbered(1)[0])]
)
def test_ruler_and_lens_are_shown_after_a_still(made, monkeypatch):
    outputs = catch_outputs(monkeypatch)
    made()._ipython_display_()
    assert len(outputs) == 2
    assert "Run the notebook to make it live." in outputs[0]["text/html"]
