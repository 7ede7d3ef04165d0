"""The Python side of the stage: what is sent, refused, kept, downloaded and shown as a still."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from ipywidgets import HBox, Label, VBox
from PIL import Image
from stage_videos import catch_outputs, numbered

from fyp_course.stage import Stage, caption_of, show_live
from fyp_course.stage.display import VIEW
from fyp_course.stage.downloads import encode_file, side_by_side
from fyp_course.stage.film import encode_film
from fyp_course.stills import reduced_motion
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.video import contact_sheet

PAIR = ("skeleton", "result")


def pair(count: int = 6, which: int = 1) -> dict[str, np.ndarray]:
    return {"skeleton": numbered(count), "result": numbered(count, which)}


def pictures(film: dict) -> list[np.ndarray]:
    """The pictures of a film, decoded."""
    ends = np.cumsum(film["sizes"])
    parts = [film["data"][end - size : end] for end, size in zip(ends, film["sizes"], strict=True)]
    return [np.asarray(Image.open(io.BytesIO(part))) for part in parts]


# ------------------------------------------------------------------------------------- the film


def test_a_picture_of_the_film_holds_one_frame_of_every_video():
    videos = {"a": numbered(5), "b": numbered(5, 1)[:, :100, :70]}
    film = encode_film(videos)
    assert film["count"] == 5
    assert [tile["x"] % 16 for tile in film["tiles"]] == [0, 0]
    for number, picture in enumerate(pictures(film)):
        for tile, video in zip(film["tiles"], videos.values(), strict=True):
            shown = picture[: tile["height"], tile["x"] : tile["x"] + tile["width"]]
            assert shown.shape == video[number].shape
            difference = np.abs(shown.astype(int) - video[number])
            assert difference.mean() < 3  # a JPEG with full chroma
    assert sum(film["sizes"]) == len(film["data"])


def test_thin_coloured_lines_survive():
    video = np.zeros((1, 64, 64, 3), np.uint8)
    video[0, 31:33] = (0, 128, 255)  # a limb two pixels thin
    (picture,) = pictures(encode_film({"a": video}))
    assert np.abs(picture[31:33].astype(int) - (0, 128, 255)).mean() < 12


def test_a_very_large_film_is_shown_smaller(monkeypatch):
    monkeypatch.setattr("fyp_course.stage.film.MAX_DECODED", 6 * 112 * 112 * 4 // 4)
    (tile,) = encode_film({"a": numbered(6)})["tiles"]
    assert (tile["width"], tile["height"]) == (56, 56)


def test_a_long_film_is_compressed_more(monkeypatch):
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), np.uint8)
    fine = len(encode_film({"a": noise})["data"])
    monkeypatch.setattr("fyp_course.stage.film.MAX_BYTES", fine - 1)
    assert len(encode_film({"a": noise})["data"]) < 0.7 * fine


@pytest.mark.parametrize(
    ("videos", "said"),
    [
        ({}, "there are 0 videos, but a stage shows 1 to 6"),
        ({str(i): numbered(2) for i in range(7)}, "there are 7 videos"),
        ({"a": numbered(2), "b": numbered(3)}, "'a' 2 and 'b' 3: cut them to 2"),
        ({"a": numbered(2) / 255}, "'a' is float64 of shape [2, 112, 112, 3]"),
        ({"a": numbered(2)[0]}, "'a' is uint8 of shape [112, 112, 3]"),
        ({"a": numbered(0)}, "with at least one frame"),
        ({"a": None}, "'a' is NoneType of shape []"),
    ],
)
def test_what_cannot_play_in_step_is_refused(videos, said):
    with pytest.raises(ValueError) as refused:
        Stage(videos)
    assert said in str(refused.value)


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), 1000])
def test_a_rate_that_nothing_plays_is_refused(fps):
    with pytest.raises(ValueError, match=r"fps is .*, but a stage plays above 0"):
        Stage(pair(), fps=fps)


def test_a_caption_needs_its_video():
    with pytest.raises(ValueError, match="a caption for 'panda', but the videos are 'skeleton'"):
        Stage(pair(), captions={"panda": "seed 0"})


def test_a_refused_update_leaves_the_stage_as_it_was():
    stage = Stage(pair(), captions={"result": "one"}, fps=5)
    film = stage.film
    with pytest.raises(ValueError):
        stage.show_videos({"a": numbered(2), "b": numbered(3)}, fps=7)
    with pytest.raises(ValueError):
        stage.show_videos(pair(), fps=7, captions={"x": "y"})
    assert stage.film is film
    assert stage.fps == 5


# -------------------------------------------------------------------------------------- updates


def test_what_belongs_together_changes_at_once():
    stage = Stage(pair(), overlay=PAIR, fps=6)
    stage.stale = True
    seen = []
    stage.observe(lambda change: seen.append(change.new), "film")
    stage.show_videos(pair(4), fps=12, captions={"result": "seed 1"}, alt="Nobody.")
    (film,) = seen
    assert (film["count"], film["fps"], film["overlay"], film["result"]) == (4, 12, [0, 1], 1)
    assert [tile["caption"] for tile in film["tiles"]] == ["", "seed 1"]
    assert (stage.stale, stage.alt) == (False, "Nobody.")


def test_an_overlay_needs_both_its_videos():
    stage = Stage({"skeleton": numbered(3)}, overlay=PAIR)
    assert (stage.film["overlay"], stage.film["result"]) == ([], -1)
    stage.show_videos(pair(3))
    assert (stage.film["overlay"], stage.film["result"]) == ([0, 1], 1)


@pytest.mark.parametrize("length", [2, 6, 9])
def test_the_last_result_stays_beside_the_new_one(length):
    stage = Stage(pair(length, 2), overlay=PAIR, captions={"result": "seed 0"})
    old = stage.videos["result"]
    stage.keep_before()
    stage.show_videos(pair(6), captions={"result": "seed 1"})
    assert list(stage.videos) == ["skeleton", "before", "result"]
    assert [tile["caption"] for tile in stage.film["tiles"]] == ["", "seed 0", "seed 1"]
    assert (stage.film["before"], stage.film["result"], stage.film["overlay"]) == (1, 2, [0, 2])
    for number, frame in enumerate(stage.videos["before"]):
        assert np.array_equal(frame, old[min(number, length - 1)])
    stage.show_videos({"skeleton": numbered(6)})  # while a run has nothing to show
    assert (list(stage.videos), stage.film["before"]) == (["skeleton"], -1)
    stage.show_videos(pair(6))
    stage.forget_before()
    assert list(stage.videos) == ["skeleton", "result"]


def test_the_last_result_gives_way_where_there_is_no_room():
    stage = Stage(pair(2), overlay=PAIR)
    stage.keep_before()
    stage.show_videos({"before": numbered(2, 3)} | pair(2))
    assert (len(stage.videos), stage.film["before"]) == (3, -1)
    stage.show_videos(pair(2) | {str(i): numbered(2) for i in range(4)})
    assert "before" not in stage.videos


def test_a_frame_beyond_the_film_is_its_last_one():
    stage = Stage(pair(6))
    stage.frame = 5
    stage.show_videos(pair(3))
    assert stage.frame == 2
    stage.frame = 99
    assert stage.frame == 2
    stage.frame = -1
    assert stage.frame == 0


def test_readers_may_ask_for_less_motion():
    reduced_motion()
    try:
        assert Stage(pair()).film["reduced"]
    finally:
        reduced_motion(False)
    assert not Stage(pair()).film["reduced"]


def test_a_caption_says_what_made_the_video():
    chosen = ClipSettings(start_frame=96, frame_stride=3, num_frames=8)
    text = caption_of("a panda", chosen, SampleSettings(num_inference_steps=4, seed=7))
    assert text == "“a panda” · frames 96 to 117, stride 3 · 4 steps · seed 7"
    one = caption_of("a panda", ClipSettings(num_frames=1), SampleSettings(num_inference_steps=1))
    assert one == "“a panda” · frame 0 · 1 step · seed 0"


# ------------------------------------------------------------------------------------ downloads


def ask(stage: Stage, **content: str) -> list[tuple[dict, list]]:
    """What the stage answers to a view."""
    answers: list[tuple[dict, list]] = []
    stage.send = lambda content, buffers=None: answers.append((content, buffers or []))
    stage._handle_custom_msg({"ask": "file", **content}, [])
    return answers


@pytest.mark.parametrize("kind", ["mp4", "gif", "webp"])
def test_a_download_holds_all_frames_side_by_side(kind, tmp_path):
    stage = Stage(pair(6), fps=6, overlay=PAIR)
    ((said, (data,)),) = ask(stage, format=kind)
    assert said == {"answer": "file", "name": f"skeleton_result.{kind}"}
    if kind == "mp4":
        with av.open(io.BytesIO(data)) as file:
            frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    else:
        picture = Image.open(io.BytesIO(data))
        frames = []
        for number in range(picture.n_frames):
            picture.seek(number)
            frames.append(np.asarray(picture.convert("RGB")))
    expected = side_by_side(list(stage.videos.values()))
    assert np.shape(frames) == expected.shape == (6, 112, 232, 3)
    assert np.abs(np.array(frames).astype(int) - expected).mean() < 8


def test_one_video_can_be_downloaded_alone():
    stage = Stage(pair(3), overlay=PAIR)
    ((said, (data,)),) = ask(stage, format="png", title="result")
    assert said["name"] == "result.png"
    sheet = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(sheet, contact_sheet(stage.videos["result"]))


def test_a_sheet_has_one_row_for_each_video():
    videos = {"a": numbered(11), "b": numbered(11, 1)}
    sheet = np.asarray(Image.open(io.BytesIO(encode_file(videos, 8, "png"))))
    gap = 1
    step = 112 + gap
    assert sheet.shape == (4 * step - gap, 6 * step - gap, 3)
    cell = {
        (row, column): sheet[row * step :, column * step :][:112, :112]
        for row in range(4)
        for column in range(6)
    }
    assert np.array_equal(cell[0, 5], videos["a"][5])
    assert np.array_equal(cell[1, 5], videos["b"][5])
    assert np.array_equal(cell[3, 4], videos["b"][10])
    assert (cell[3, 5] == 255).all()


def test_videos_of_different_size_and_odd_sides_are_downloaded():
    videos = {"a": numbered(2)[:, :, :75], "b": numbered(2, 1)[:, :51, :51]}
    row = side_by_side(list(videos.values()))
    assert row.shape[1] % 2 == row.shape[2] % 2 == 0
    assert encode_file(videos, 8, "mp4")


def test_a_rate_that_a_format_cannot_hold_is_said_in_a_sentence():
    ((said, _),) = ask(Stage(pair(), fps=100), format="gif")
    assert said["answer"] == "problem"
    assert "fps is 100, but a .gif plays" in said["text"]
    ((said, _),) = ask(Stage(pair()), format="exe")
    assert said["text"] == "the format is 'exe', but it must be one of mp4, gif, webp, png."


def test_a_file_name_is_one_everywhere():
    stage = Stage({'a/..\\"<b>": ' + "x" * 300: numbered(2)})
    ((said, _),) = ask(stage, format="png")
    assert said["name"].startswith("a_b_x")
    assert len(said["name"]) <= 64


# --------------------------------------------------------------------------------------- stills


def test_a_stage_is_shown_after_a_still_sheet_of_itself(monkeypatch):
    outputs = catch_outputs(monkeypatch)
    stage = Stage(pair(11), captions={"result": "<b>seed</b> 0"}, alt="One person.")
    stage._ipython_display_()
    still, view = outputs
    assert "Run the notebook to make it live." in still["text/html"]
    assert f'id="{stage.still}"' in still["text/html"]
    assert (
        "11 frames in step: skeleton; result (&lt;b&gt;seed&lt;/b&gt; 0). One person."
        in (still["text/html"])
    )
    assert view[VIEW]["model_id"] == stage.model_id
    assert view["text/plain"] == ""  # the classic notebook shows it where there is no kernel
    assert still["text/plain"] == stage.described()


def test_the_still_sheet_has_eight_moments_of_every_video():
    sheet = Stage(pair(20)).still_picture()
    assert sheet.shape == (2 * 130 - 2, 8 * 130 - 2, 3)


def test_where_stills_are_stored_the_sheet_is_all(monkeypatch):
    monkeypatch.setenv("FYP_LITE_STILLS", "1")
    outputs = catch_outputs(monkeypatch)
    Stage(pair())._ipython_display_()
    (output,) = outputs
    assert set(output) == {"image/jpeg", "text/plain"}


def test_a_panel_finds_the_stages_in_it(monkeypatch):
    outputs = catch_outputs(monkeypatch)
    stage = Stage(pair())
    panel = VBox([Label("x"), HBox([stage])])
    show_live(panel, stage.still_picture(), "a panel")
    still, view = outputs
    assert f'id="{stage.still}"' in still["text/html"]
    assert view[VIEW]["model_id"] == panel.model_id
