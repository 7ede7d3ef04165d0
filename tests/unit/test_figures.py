"""Charts hold what they were given, and galleries turn into one sheet where nothing may move."""

from __future__ import annotations

import numpy as np
import pytest

from fyp_lite.lessons import figures
from fyp_lite.lessons.figures import chart_text, draw_chart, show_chart, show_gallery

X = [1, 5, 20]
LINES = {"distance": [30.0, 12.5, 0.0], "follow": [1.0, 2.0, 3.0]}


@pytest.fixture
def shown(monkeypatch):
    """(picture, text) of everything that is shown as a picture."""
    pictures = []
    monkeypatch.setattr(figures, "show_picture", lambda *given: pictures.append(given))
    return pictures


def pixels(picture, colour):
    return (np.abs(picture.astype(int) - colour).max(axis=-1) < 12).sum()


def test_each_line_is_drawn_in_its_colour():
    one = draw_chart("steps", X, "levels", {"distance": LINES["distance"]})
    two = draw_chart("steps", X, "levels", LINES)
    assert one.dtype == np.uint8 and one.shape == (352, 704, 3)
    blue, orange = (0x1F, 0x5F, 0xA8), (0xC8, 0x50, 0x1E)
    assert pixels(one, blue) > 200 and pixels(one, orange) == 0
    assert pixels(two, blue) > 200 and pixels(two, orange) > 200


def test_the_text_holds_every_number(shown):
    show_chart("steps", X, "levels", LINES)
    assert shown[0][1] == (
        "A chart of levels over steps. distance: 30 at 1, 12.5 at 5, 0 at 20. "
        "follow: 1 at 1, 2 at 5, 3 at 20."
    )
    assert chart_text("steps", [], "levels", {}) == "A chart of levels over steps."


def test_a_line_of_another_length_is_refused():
    with pytest.raises(ValueError, match="'distance' has 2 values for 3 places"):
        draw_chart("steps", X, "levels", {"distance": [1.0, 2.0]})
    with pytest.raises(ValueError, match="has 0 lines: give one to 4"):
        draw_chart("steps", X, "levels", {})


def test_a_gallery_is_one_sheet_where_stills_are_asked_for(shown, monkeypatch):
    red = np.full((4, 32, 32, 3), (200, 0, 0), np.uint8)
    videos = {"a panda": red, "a robot": red[..., ::-1].copy()}
    played = []
    monkeypatch.setattr(figures, "show_side_by_side", lambda *given: played.append(given))

    monkeypatch.delenv("FYP_LITE_STILLS", raising=False)
    show_gallery(videos, 8.0, "prompt")
    assert played[0][0].keys() == videos.keys() and not shown

    monkeypatch.setenv("FYP_LITE_STILLS", "1")
    show_gallery(videos, 8.0, "prompt")
    ((sheet, text),) = shown
    assert len(played) == 1
    assert text == "A few frames of each video, one prompt a row: a panda; a robot"
    assert pixels(sheet, (200, 0, 0)) == pixels(sheet, (0, 0, 200)) == 3 * 128 * 128
