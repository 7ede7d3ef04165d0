"""Raw video in the panels: found once, with progress and Stop; wrong types and findings are said.

The detector here knows the joints, as they were kept when the bundled raw clip was drawn.
"""

from __future__ import annotations

import asyncio
import json
import re

import numpy as np
import pytest
from helpers import build_playground, press_generate, send_file

import fyp_lite
from fyp_course.panels.clip_picker import ClipPicker
from fyp_course.panels.playground import Playground
from fyp_lite.cards.card import RunCard, differences
from fyp_lite.files.hashes import file_hash
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
from fyp_lite.keypoints.detectors.base import BackendReport
from fyp_lite.opening import open_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.skeleton import check_skeleton_frames
from fyp_lite.video import write_video

CLIPS = fyp_lite.data_dir() / "clips"
RAW = CLIPS / "cartoon.mp4"
MISSING = BackendReport("openpose", False, "body_pose_model.pth is missing: run <this>.")


class Knowing:
    """A backend that finds what is true; `looked` counts the frames that all of them saw."""

    looked = 0

    def __init__(self, name: str) -> None:
        self.name = name
        self._true = iter(KeypointClip.load(CLIPS / "cartoon.json").keypoints)

    def detect(self, frame: np.ndarray) -> np.ndarray:
        Knowing.looked += 1
        return next(self._true)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def chosen(tmp_path, monkeypatch):
    """Names of the backends that were asked for; what is found is kept for this test alone."""
    names = []

    def choose(name, *, max_people, weights):
        names.append(name)
        return Knowing("mediapipe" if name == "auto" else name)

    ready = [BackendReport(name, True, f"{name} is ready.") for name in ("mediapipe", "cartoon")]
    reports = [ready[0], MISSING, ready[1]]
    monkeypatch.setattr("fyp_lite.keypoints.extract.choose_backend", choose)
    monkeypatch.setattr("fyp_course.panels.people.available_backends", lambda: reports)
    monkeypatch.setenv("FYP_LITE_HOME", str(tmp_path / "kept"))
    Knowing.looked = 0
    return names


@pytest.fixture
def opened():
    return []


@pytest.fixture
def picker(opened):
    return ClipPicker(opened.append)


def within_a_kernel(act, extraction) -> None:
    """Do something and let the loop run to the end of what it began."""

    async def session():
        act()
        await extraction.task

    asyncio.run(session())


def choose_raw(picker, path=RAW) -> None:
    def act():
        picker.input_type.value = "raw"
        picker.bundled.value = path

    within_a_kernel(act, picker.extraction)


# ------------------------------------------------------------------------------ finding people


def test_people_are_found_as_soon_as_a_raw_clip_is_opened(picker, opened, chosen):
    choose_raw(picker)
    *_, raw, skeleton = opened
    assert raw is picker.clip and raw.path == skeleton.path == RAW
    assert skeleton.num_frames == raw.num_frames == Knowing.looked
    check_skeleton_frames(skeleton.read(range(8)))
    people = picker.extraction.keypoints
    assert people.source == "cartoon.mp4" and people.backend == "cartoon"
    assert chosen == ["cartoon"]  # what “automatic” means for a clip that this kit drew
    label = picker.extraction.progress_label.value
    assert label.startswith("done: 1 person in 72 of 72 frames, found by cartoon in")
    assert picker.message.value == "" and picker.extraction.layout.display == ""


def test_nothing_is_detected_twice(picker, opened):
    choose_raw(picker)
    looked, found = Knowing.looked, picker.extraction.keypoints
    picker.input_type.value = "skeleton"
    assert picker.extraction.keypoints is None and picker.extraction.layout.display == "none"
    within_a_kernel(lambda: setattr(picker.input_type, "value", "raw"), picker.extraction)
    assert Knowing.looked == looked and len(opened) == 4  # raw, skeleton, raw, skeleton
    assert (picker.extraction.keypoints.keypoints == found.keypoints).all()


def test_progress_is_shown_and_stop_is_obeyed(picker, opened):
    extraction, seen = picker.extraction, []
    extraction.progress_label.observe(lambda change: seen.append(change["new"]), "value")

    async def session():
        picker.input_type.value = "raw"
        picker.bundled.value = RAW
        while extraction.progress.value < 5:
            await asyncio.sleep(0)
        extraction.stop_button.click()
        await extraction.task

    asyncio.run(session())
    total = picker.clip.num_frames
    assert any(re.fullmatch(rf"frame 3 of {total}, about \d+ s left", text) for text in seen)
    assert extraction.progress_label.value == f"stopped after frame {Knowing.looked}"
    assert Knowing.looked < total and extraction.keypoints is None
    assert opened[-1] is picker.clip and not extraction.generate_button.disabled
    with pytest.raises(KeypointsError, match=r"cartoon\.mp4 are not found yet: press “Find the"):
        picker.check()

    press_generate(extraction)
    assert extraction.keypoints is not None
    picker.check()


def test_another_clip_stops_the_search(picker, opened):
    async def session():
        picker.input_type.value = "raw"
        picker.bundled.value = RAW
        first = picker.extraction.task
        while picker.extraction.progress.value < 3:
            await asyncio.sleep(0)
        picker.bundled.value = CLIPS / "walk.mp4"
        await asyncio.wait([first], timeout=10)
        return first

    assert asyncio.run(session()).cancelled()
    assert opened[-1].path.stem == "walk" and picker.extraction.keypoints is None
    assert Knowing.looked < 10
    assert not picker.extraction.generate_button.disabled


def test_an_own_video_gets_a_detector_of_people(picker, chosen, tmp_path):
    own = tmp_path / "own.mp4"
    own.write_bytes(RAW.read_bytes())

    def act():
        picker.input_type.value = "raw"
        picker.path.value = str(own)

    within_a_kernel(act, picker.extraction)
    assert chosen == ["auto"] and picker.extraction.keypoints.source == "own.mp4"
    picker.extraction.detector.value = "cartoon"
    press_generate(picker.extraction)
    assert chosen == ["auto", "cartoon"]


def test_only_ready_detectors_are_offered_and_the_others_explained(picker):
    choose_raw(picker)
    assert picker.extraction.detector.options == ("automatic", "mediapipe", "cartoon")
    said = picker.extraction.about.value
    assert "2 of 3 detectors are ready here" in said
    assert "✘ <b>openpose</b>: body_pose_model.pth is missing: run &lt;this&gt;." in said


def test_a_detector_that_is_missing_is_one_sentence(picker, monkeypatch):
    def refuse(name, *, max_people, weights):
        raise KeypointsError(f"{name} cannot be used: {MISSING.note}")

    monkeypatch.setattr("fyp_lite.keypoints.extract.choose_backend", refuse)
    choose_raw(picker)
    assert "cartoon cannot be used: body_pose_model.pth" in picker.extraction.message.value
    assert picker.extraction.progress_label.value == "not found"
    assert picker.extraction.keypoints is None


# ------------------------------------------------------------------------------ what is odd


def test_a_raw_clip_opened_as_skeleton_is_named(picker):
    picker.bundled.value = RAW
    assert "cartoon.mp4 is a raw video" in picker.message.value
    assert "set the input type to “raw”" in picker.message.value
    picker.bundled.value = CLIPS / "walk.mp4"
    assert picker.message.value == ""


def test_a_skeleton_clip_opened_as_raw_is_named_and_not_searched(picker, opened):
    async def session():
        picker.input_type.value = "raw"

    asyncio.run(session())
    assert picker.extraction.task is None and picker.extraction.layout.display == ""
    assert "dance.mp4 is a skeleton video already" in picker.message.value
    picker.input_type.value = "skeleton"
    assert picker.message.value == "" and opened == []  # the panel shows it already


def test_no_bundled_skeleton_clip_is_criticised(picker):
    for name, path in picker.bundled.options:
        if path and name != "cartoon":
            picker.bundled.value = path
            assert picker.message.value == "", name


def test_a_finding_of_the_doctor_is_a_hint(picker, tmp_path):
    with open_clip(CLIPS / "walk.mp4") as clip:
        frames = clip.read(range(40))
    write_video(tmp_path / "exchanged.mp4", np.ascontiguousarray(frames[..., ::-1]), 24)
    picker.path.value = str(tmp_path / "exchanged.mp4")
    assert "exchanged.mp4, 4 frames looked at: Red and blue are exchanged" in picker.message.value
    assert picker.message.value.count("The doctor of lesson 01 does it for you.") == 1


def test_other_colours_are_used_only_when_drawn_again(picker, opened, tmp_path):
    assert picker.redraw.layout.display == "none"
    with open_clip(CLIPS / "walk.mp4") as clip:
        frames = clip.read(range(40))
    write_video(tmp_path / "exchanged.mp4", np.ascontiguousarray(frames[..., ::-1]), 24)
    picker.path.value = str(tmp_path / "exchanged.mp4")
    with pytest.raises(KeypointsError, match="exchanged.mp4: Red and blue .* Press “Draw it again"):
        picker.check()
    assert picker.redraw.layout.display == ""
    for _ in range(2):
        picker.redraw.click()
    picker.check()
    assert picker.redrawn and picker.redraw.layout.display == "none"
    assert "is drawn again" in picker.message.value
    assert len(opened) == 2  # as it is, so that it is seen, and drawn again
    check_skeleton_frames(opened[-1].read([0, 20]))
    picker.bundled.value = CLIPS / "walk.mp4"
    picker.check()
    assert not picker.redrawn


def test_one_colour_is_refused(picker, tmp_path):
    with open_clip(CLIPS / "walk.mp4") as clip:
        frames = clip.read(range(40))
    green = (frames.max(axis=-1, keepdims=True) > 100) * np.uint8([0, 255, 0])
    write_video(tmp_path / "green.mp4", green, 24)
    picker.path.value = str(tmp_path / "green.mp4")
    with pytest.raises(KeypointsError, match="left and right cannot be told apart"):
        picker.check()
    assert picker.redraw.layout.display == "none"


# ------------------------------------------------------------------------------ own clips


def upload(picker, name, path) -> str:
    return send_file(picker.upload, name, path.read_bytes())[-1]["sentence"]


def test_an_upload_of_the_same_name_is_opened_again(picker, opened):
    for name in ("walk", "kick"):
        upload(picker, "mine.mp4", CLIPS / f"{name}.mp4")
        picker.answers["skeleton"].click()
        assert file_hash(picker.clip.path) == file_hash(CLIPS / f"{name}.mp4")
        assert opened[-1] is picker.clip


def test_of_an_upload_is_asked_what_it_is_before_anything_else(picker, opened):
    before = picker.clip
    said = upload(picker, "party.mp4", RAW)
    assert said.startswith("Arrived: party.mp4: 72 frames of 320 × 320 pixels, ")
    assert picker.question.layout.display == "" and opened == [] and picker.clip is before
    assert "<b>party.mp4</b> looks like a raw video" in picker.asks.value
    assert "dance.mp4 stays the clip" in picker.asks.value
    assert picker.answers["raw"].button_style == "primary"
    assert picker.answers["skeleton"].button_style == ""
    with pytest.raises(KeypointsError, match=r"What party\.mp4 shows is not said yet"):
        picker.check()

    within_a_kernel(picker.answers["raw"].click, picker.extraction)
    assert picker.question.layout.display == "none" and picker.input_type.value == "raw"
    assert picker.clip.path.name == "party.mp4" and picker.extraction.keypoints is not None
    assert [clip.path.name for clip in opened] == ["party.mp4", "party.mp4"]  # raw, skeleton
    picker.check()


def test_the_dropdown_is_an_answer_too_and_names_the_upload(picker, opened):
    upload(picker, "mine.mp4", CLIPS / "walk.mp4")
    assert picker.bundled.label == "dance"
    picker.answers["skeleton"].click()
    mine = picker.clip.path
    assert picker.bundled.label == "mine.mp4" and picker.bundled.value == mine
    assert "In use: mine.mp4: 96 frames" in picker.about.value
    picker.bundled.value = CLIPS / "kick.mp4"
    assert "In use: kick.mp4" in picker.about.value
    picker.bundled.value = mine
    assert opened[-1].path == mine and "In use: mine.mp4" in picker.about.value

    upload(picker, "other.mp4", RAW)
    within_a_kernel(lambda: setattr(picker.input_type, "value", "raw"), picker.extraction)
    assert picker.clip.path.name == "other.mp4" and picker.question.layout.display == "none"


def test_another_clip_takes_the_question_back(picker, opened):
    upload(picker, "mine.mp4", RAW)
    picker.bundled.value = CLIPS / "walk.mp4"
    assert picker.question.layout.display == "none" and picker.clip.path.stem == "walk"
    picker.check()
    picker.input_type.value = "raw"
    assert picker.clip.path.stem == "walk"


def test_an_upload_that_is_no_clip_says_which_stays(picker, opened, tmp_path):
    (tmp_path / "text.txt").write_text("nothing but words")
    said = upload(picker, "text.mp4", tmp_path / "text.txt")
    assert said.startswith("text.mp4 is a text file") and said.endswith("dance.mp4 stays the clip.")
    assert opened == [] and picker.question.layout.display == "none"
    assert "In use: dance.mp4: 184 frames" in picker.about.value


def test_keypoints_are_no_question(picker, opened):
    upload(picker, "mine.json", RAW.with_suffix(".json"))
    assert picker.question.layout.display == "none" and opened[-1].path.name == "mine.json"


def test_a_path_that_does_not_look_as_it_is_said_is_asked_about(picker, opened, tmp_path):
    own = tmp_path / "own.mp4"
    own.write_bytes(RAW.read_bytes())
    picker.path.value = str(own)
    assert picker.question.layout.display == "" and opened == []
    picker.answers["skeleton"].click()  # taken at their word, and told
    assert opened[-1].path == own and "own.mp4 is a raw video" in picker.message.value


# ------------------------------------------------------------------------------ the playground


@pytest.fixture
def playground(tiny_pipeline, tmp_path):
    return build_playground(tiny_pipeline, tmp_path, steps=1)


def test_a_raw_clip_makes_a_video(playground, tiny_pipeline):
    playground.chooser.ruler.start_frame.value = 7
    choose_raw(playground.picker)
    chooser = playground.chooser
    assert chooser.settings == ClipSettings(start_frame=7, num_frames=2)
    assert "joint" in chooser.lens.caption.value and "only" not in chooser.lens.caption.value
    press_generate(playground)
    card = playground.card
    assert playground.message.value == "" and card.request.clip == "cartoon.mp4"
    assert card.made.clip_hash == file_hash(RAW) and card.detector == "cartoon"
    assert (card.request.input_type, card.request.backend) == ("raw", "cartoon")
    playground.sweep.row_values.value, playground.sweep.column_name.value = "1, 2", "none"
    press_generate(playground.sweep)
    assert playground.sweep.message.value == "" and playground.sweep.result is not None


def test_a_card_of_a_raw_clip_makes_the_video_again_and_names_its_detector(
    playground, tiny_pipeline
):
    choose_raw(playground.picker)
    press_generate(playground)
    first = playground.card
    looked = Knowing.looked
    assert (first.run(tiny_pipeline) == playground.video).all()
    assert Knowing.looked == looked  # the people come from where they were kept
    playground.picker.extraction.detector.value = "mediapipe"
    press_generate(playground.picker.extraction)
    press_generate(playground)
    assert differences(first, playground.card) == ["detector: cartoon → mediapipe"]


def test_nothing_is_made_of_a_raw_clip_without_skeleton(playground):
    playground.picker.input_type.value = "raw"
    playground.picker.bundled.value = RAW  # no loop runs here: nothing begins
    for panel in (playground, playground.sweep):
        press_generate(panel)
        assert "The people of cartoon.mp4 are not found yet" in panel.message.value
    playground.picker.input_type.value = "skeleton"
    press_generate(playground)
    assert "looks like a raw video" in playground.message.value and playground.video is None


def test_advice_on_the_people_is_given(playground):
    playground.chooser.lens.crops["right"].value = 300
    choose_raw(playground.picker)
    assert "of the joints lie outside the square" in playground.message.value


def test_the_skeleton_can_be_saved_and_opened(playground, tmp_path):
    assert playground.save_keypoints.disabled
    choose_raw(playground.picker)
    playground.save_keypoints.click()
    path = tmp_path / "my_video_keypoints.json"
    assert f"Saved {path}" in playground.share.message.value
    found = playground.picker.extraction.keypoints.keypoints
    assert np.abs(KeypointClip.load(path).keypoints - found).max() < 0.001
    playground.share.folder.value = str(tmp_path / "missing")
    playground.save_keypoints.click()
    assert "There is no folder" in playground.share.message.value

    playground.picker.input_type.value = "skeleton"
    playground.picker.path.value = str(path)
    assert playground.save_keypoints.disabled and playground.picker.message.value == ""
    press_generate(playground)
    assert playground.message.value == "" and playground.card.request.clip == path.name
    assert playground.card.detector is None


def test_a_card_of_a_raw_clip_is_restored(playground, tiny_pipeline, tmp_path):
    playground.chooser.ruler.start_frame.value = 9
    choose_raw(playground.picker)
    press_generate(playground)

    other = Playground(tiny_pipeline, folder=tmp_path)
    within_a_kernel(lambda: other.restore(playground.card), other.picker.extraction)
    assert other.picker.input_type.value == "raw"
    assert other.picker.extraction.detector.value == "cartoon"
    press_generate(other)
    assert (other.video == playground.video).all()
    assert other.card.request == playground.card.request

    searched = other.picker.extraction.task
    other.restore(playground.card)  # what it needs is there already
    assert other.picker.extraction.task is searched


def test_a_card_of_a_detector_that_is_not_ready_is_explained(playground):
    choose_raw(playground.picker)
    press_generate(playground)
    values = json.loads(playground.card.to_json())
    values["backend"] = "openpose"
    with pytest.raises(KeypointsError, match=r"'openpose' cannot be used here: body_pose_model"):
        playground.restore(RunCard.from_json(json.dumps(values)))
