"""Charts hold what they were given, and galleries turn into one sheet where nothing may move."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fyp_course import charts
from fyp_course.charts import (
    chart_text,
    difference,
    draw_chart,
    drawn_case,
    judge_video,
    show_chart,
    show_gallery,
    show_scores,
    word_table,
)
from fyp_course.start import CASES
from fyp_lite import data_dir
from fyp_lite.judges.scores import Judge
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.model.text import build_tokenizer
from fyp_lite.opening import prepare_clip
from fyp_lite.settings import ClipSettings

X = [1, 5, 20]
LINES = {"distance": [30.0, 12.5, 0.0], "follow": [1.0, 2.0, 3.0]}


@pytest.fixture
def shown(monkeypatch):
    """(picture, text) of everything that is shown as a picture."""
    pictures = []
    monkeypatch.setattr(charts, "show_picture", lambda *given: pictures.append(given))
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


def test_the_ceiling_is_a_line_of_its_own(shown):
    grey = (0x55, 0x55, 0x55)
    without = draw_chart("steps", X, "levels", LINES)
    show_chart("steps", X, "levels", LINES, ceiling=20)
    picture, text = shown[0]
    assert text.endswith("follow: 1 at 1, 2 at 5, 3 at 20. ceiling of distance: 20.")
    assert pixels(picture, grey) > pixels(without, grey) + 100


def test_a_line_of_another_length_is_refused():
    with pytest.raises(ValueError, match="'distance' has 2 values for 3 places"):
        draw_chart("steps", X, "levels", {"distance": [1.0, 2.0]})
    with pytest.raises(ValueError, match="has 0 lines: give one to 4"):
        draw_chart("steps", X, "levels", {})


def test_a_gallery_is_one_sheet_where_stills_are_asked_for(shown, monkeypatch):
    red = np.full((4, 32, 32, 3), (200, 0, 0), np.uint8)
    videos = {"a panda": red, "a robot": red[..., ::-1].copy()}
    played = []
    monkeypatch.setattr(charts, "show_side_by_side", lambda *given: played.append(given))

    monkeypatch.delenv("FYP_LITE_STILLS", raising=False)
    show_gallery(videos, 8.0, "prompt")
    assert played[0][0].keys() == videos.keys() and not shown

    monkeypatch.setenv("FYP_LITE_STILLS", "1")
    show_gallery(videos, 8.0, "prompt")
    ((sheet, text),) = shown
    assert len(played) == 1
    assert text == "A few frames of each video, one prompt a row: a panda; a robot"
    assert pixels(sheet, (200, 0, 0)) == pixels(sheet, (0, 0, 200)) == 3 * 128 * 128

    dance = prepare_clip(data_dir() / "clips" / "dance.mp4", ClipSettings(), 256)
    show_gallery(videos, 8.0, "prompt", follows=dance.frames)
    assert shown[1][1].startswith(f"{text}. The skeleton it follows: One person. Left arm up")


class KnownJudge(Judge):
    """Finds the joints that it was given; surer of the panda from frame to frame."""

    def __init__(self, found):
        self.found = found
        sure = np.linspace(0.5, 1, len(found))
        probabilities = {
            "character": np.stack([0 * sure, sure], axis=1),
            "place": np.full((len(found), 2), 0.5),
        }
        self.facts = SimpleNamespace(
            names={"character": ["bear", "panda"], "place": ["park", "sea"]},
            probabilities=lambda video: probabilities,
        )

    def keypoints(self, video):
        return self.found


def dancing() -> tuple[np.ndarray, np.ndarray]:
    """Black frames `[8, 64, 64, 3]` and the joints of a dance in them, `[8, 1, 17, 3]`."""
    clip = KeypointClip.load(data_dir() / "clips" / "cartoon.json")
    keypoints = clip.keypoints[ClipSettings().frame_indices()]
    keypoints[..., :2] *= 64 / clip.width
    return np.zeros((8, 64, 64, 3), np.uint8), keypoints


def test_what_is_drawn_for_a_case_shows_what_the_lessons_say_of_it():
    frames = drawn_case("04_panda_sea")
    assert frames.shape == (8, 256, 256, 3)
    blue = frames[:, :, :40].reshape(-1, 3).mean(axis=0)  # beside the panda: sky and sea
    assert blue[2] > blue[0] + 30
    with pytest.raises(ValueError, match="no drawn case '04_unicorn': choose one of 04_astronaut,"):
        drawn_case("04_unicorn")
    assert {path.stem for path in (data_dir() / "drawn").glob("*.mp4")} <= set(CASES)


def test_the_difference_of_two_videos_is_per_pixel_and_colour():
    black = np.zeros((2, 4, 4, 3), np.uint8)
    other = black.copy()
    other[0, :, :, 0] = 60  # half of the frames, a third of the colours
    assert difference(black, other) == difference(other, black) == 10


def test_the_table_holds_words_that_the_model_knows_and_no_others():
    tokenizer = build_tokenizer(["panda", "bear", "on", "the", "sea", "cute", "gold"])
    assert word_table(tokenizer).splitlines()[2:] == [
        "| who | panda; panda bear; bear |",
        "| how it looks | cute |",
        "| where | on the sea |",
    ]


def test_scores_come_with_the_wrong_moment_and_how_sure_the_judge_is():
    frames, keypoints = dancing()
    facts = {"character": ["panda"], "place": ["sea"]}
    perfect = judge_video(KnownJudge(keypoints), frames, keypoints, facts)
    assert perfect.joints == perfect.limbs == 1
    assert perfect.wrong_limbs < perfect.wrong_joints < 1
    assert perfect.sure == {"character": 0.75, "place": 0.5}
    assert perfect.seen == {"character": {"panda"}, "place": {"park"}}
    assert perfect.shown == {"character": True, "place": False}
    late = judge_video(KnownJudge(np.roll(keypoints, -4, axis=0)), frames, keypoints, facts)
    assert late.wrong_limbs == 1 and late.limbs == perfect.wrong_limbs


def test_the_ceiling_is_the_last_row_of_the_table(monkeypatch):
    shown = []
    monkeypatch.setattr(charts, "display", lambda markdown: shown.append(markdown.data))
    frames, keypoints = dancing()
    ceiling = judge_video(KnownJudge(keypoints), frames, keypoints, {"place": ["park"]})
    nobody = np.zeros_like(keypoints)
    score = judge_video(KnownJudge(nobody), frames, keypoints, {"character": ["panda"]})
    show_scores("steps", {"5": score}, ceiling)
    show_scores("steps", {"5": score})
    lost = judge_video(KnownJudge(keypoints), frames, keypoints, {"place": ["sea"]})
    show_scores("steps", {"1": lost})
    assert "ceiling" not in shown[1]
    assert "| ✘ sea 50% (sees park) |" in shown[2]
    table, legend = shown[0].split("\n\n")
    head, _, row, last = table.splitlines()
    assert head.startswith("| steps |") and row == "| 5 | 0% (0%) | 0% (0%) | ✔ panda 75% |"
    assert last.startswith("| **ceiling:**") and last.endswith("| ✔ park 50% |")
    assert last.count("100% (") == 2
    assert "within 0.1 of" in legend and "within 0.05." in legend
