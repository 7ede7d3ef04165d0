"""Predictions, exercises, expected pictures, reduced motion and motion in words."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import fyp_lite
from fyp_course import expected, show, stills
from fyp_course import start as resuming
from fyp_course.alt_text import describe_motion
from fyp_course.exercises import quiz
from fyp_course.exercises.quiz import Exercise, Prediction, predict
from fyp_course.start import CASES, find_case, resume
from fyp_lite.settings import ClipSettings
from fyp_lite.skeleton import JOINTS, draw_skeletons

QUESTION = (
    "Does `num_frames` < 3 cost more?",
    ["Yes", "No, the *same* as `1`"],
    "Yes",
    "Cost & frames.",
)


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in order: text of Markdown, or the object itself."""
    seen = []

    def display(thing, **_):
        seen.append(getattr(thing, "data", thing))

    for module in (quiz, expected, show, stills):
        monkeypatch.setattr(module, "display", display)
    return seen


# ------------------------------------------------------------------------------ predictions


@pytest.mark.parametrize(
    ("guess", "said"),
    [
        (None, "The answer: Yes"),
        ("Yes", "✔ Right: Yes"),
        ("No, the *same* as `1`", "✘ Not this time. The answer: Yes"),
    ],
)
def test_the_answer_comes_with_or_without_a_guess(guess, said):
    prediction = Prediction(*QUESTION)
    assert prediction.choice.value is None and prediction.verdict.value == ""
    prediction.choice.value = guess
    prediction.reveal.click()
    assert said in prediction.verdict.value
    assert "Cost &amp; frames." in prediction.verdict.value
    assert 'role="status"' in prediction.verdict.value


def test_controls_are_labelled_and_text_is_no_markup():
    prediction = Prediction(*QUESTION)
    assert prediction.choice.description and prediction.reveal.description
    assert "<code>num_frames</code> &lt; 3" in prediction.children[0].value
    assert prediction.choice._options_labels == ("Yes", "No, the *same* as 1")


def test_stills_show_the_question_without_the_answer(shown, monkeypatch):
    monkeypatch.setenv("FYP_LITE_STILLS", "1")
    predict(*QUESTION)
    assert shown == [f"**Predict.** {QUESTION[0]}\n\n1. Yes\n2. No, the *same* as `1`"]
    monkeypatch.delenv("FYP_LITE_STILLS")
    predict(*QUESTION)
    assert isinstance(shown[1], Prediction)


def test_an_answer_that_is_no_choice_is_refused():
    with pytest.raises(ValueError, match="answer is 'Maybe', which is not one of the choices"):
        Prediction("?", ["Yes", "No"], "Maybe", "")


# ------------------------------------------------------------------------------ exercises


def check_stride(settings: ClipSettings) -> str | None:
    if settings.frame_stride != 2:
        return f"The stride is {settings.frame_stride}, but every second frame is wanted."
    return None


@pytest.fixture
def exercise(monkeypatch):
    monkeypatch.setattr(quiz, "_wrong_tries", {})
    return second_frames()


def second_frames():
    hints = ["Look at stride.", "It is even.", "It is 2."]
    return Exercise("Every second frame", check_stride, hints, ClipSettings(frame_stride=2))


def test_wrong_tries_reveal_one_hint_after_the_other(exercise, shown):
    for _ in range(4):
        exercise.check(ClipSettings(frame_stride=5))
    assert all("The stride is 5" in text for text in shown)
    hints = ("Hint 1 of 3:* Look", "Hint 2 of 3:* It is even", "Hint 3 of 3:* It is 2")
    for text, hint in zip(shown, hints, strict=False):
        assert hint in text
    assert ".solution()" in shown[3]
    assert not exercise.passed and exercise.tries == 4


def test_hints_go_on_where_the_cell_is_run_again(exercise, shown):
    for number in (1, 2, 3):
        second_frames().check(ClipSettings())
        assert f"Hint {number} of 3" in shown.pop()
    again = second_frames()
    assert again.tries == 3 and not again.passed
    again.check(again.solution())
    second_frames().check(ClipSettings())
    assert "Hint 1 of 3" in shown.pop()


def test_the_solution_passes_and_a_right_try_stays_passed(exercise, shown):
    exercise.check(exercise.solution())
    assert exercise.passed and shown == ["✔ **Right.** Every second frame: done."]
    exercise.check(ClipSettings())
    assert exercise.passed


def test_an_untouched_stub_is_not_done_and_costs_no_hint(exercise, shown):
    exercise.check(...)
    assert "Not done yet" in shown[0]
    assert not exercise.passed and exercise.tries == 0


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "Your value is of type int, but type ClipSettings is expected."),
        (None, "Your value is of type NoneType, but"),
        (np.zeros((2, 3)), "Your value is of type ndarray, shape (2, 3), but type"),
    ],
)
def test_a_strange_value_is_explained(exercise, shown, value, said):
    exercise.check(value)
    assert said in shown[0] and not exercise.passed


def test_a_check_that_fails_on_the_right_kind_says_why(shown):
    exercise = Exercise("Divide", lambda value: None if 1 / value else "no", [], 1)
    exercise.check(0)
    assert "cannot be checked (ZeroDivisionError: division by zero)" in shown[0]


def test_four_hints_are_refused():
    with pytest.raises(ValueError, match="4 hints, but three at most"):
        Exercise("x", check_stride, ["a"] * 4, None)


# ------------------------------------------------------------------------------ expected pictures


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder with one expected picture, "one", of `video(0)`."""
    monkeypatch.setattr(expected, "data_dir", lambda: tmp_path)
    noisy = np.clip(video(0).astype(int) + 2, 0, 255).astype(np.uint8)
    videos = {"float32": video(0), "bfloat16": noisy}
    expected.write_expected(tmp_path / "expected", "one", videos, {"made": "seed 0 of dance.mp4"})
    return tmp_path / "expected"


def video(seed: int, num_frames: int = 10) -> np.ndarray:
    """Soft random pictures `[num_frames, 256, 256, 3]`."""
    coarse = np.random.default_rng(seed).integers(0, 256, (num_frames, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(64, axis=1).repeat(64, axis=2)


def test_verdicts(folder):
    base = video(0).astype(int)
    tolerance = json.loads((folder / "one.json").read_text())["tolerance"]
    assert tolerance < 10
    assert expected.compare("one", video(0))[0] == "matches"
    near = (base * 9 // 10).astype(np.uint8)
    verdict, difference = expected.compare("one", near)
    assert verdict == "close" and tolerance < difference < 3 * tolerance
    assert expected.compare("one", video(1))[0] == "differs"
    assert expected.compare("one", video(0, num_frames=5)) == ("differs", 255.0)


def test_the_stored_frames_come_back(folder):
    frames, facts = expected.load_expected("one")
    assert frames.shape == (8, 128, 128, 3)
    assert facts["measured"].keys() == {"float32", "bfloat16"}
    assert facts["measured"]["bfloat16"] > facts["measured"]["float32"]
    for stored, frame in zip(frames, expected.reference_frames(video(0)), strict=True):
        assert np.abs(stored.astype(int) - frame).mean() < 6


def test_both_are_shown_where_they_do_not_match(folder, shown):
    expected.match_expected("one", video(0))
    (text,) = shown
    assert text.startswith("✔ **Matches** the expected video (difference ")
    assert re.search(r"stored compressed, which alone makes \d+\.\d\.$", text)
    expected.match_expected("one", video(1, num_frames=3))
    assert re.match('<img alt="Above: expected. Below: yours. ✘ Differs', shown[1])
    assert "check the seed, the prompt and the settings" in shown[2]
    assert "seed 0 of dance.mp4" in shown[2]


def test_an_unknown_name_says_which_there_are(folder):
    with pytest.raises(ValueError, match="no expected picture 'on': did you mean 'one'"):
        expected.compare("on", video(0))
    with pytest.raises(ValueError, match="there are one"):
        expected.compare("something", video(0))
    with pytest.raises(ValueError, match="frames are float64"):
        expected.compare("one", video(0) / 255)


# ------------------------------------------------------------------------------ resume


def test_every_notebook_has_a_starting_point():
    assert {f"{number:02}" for number in range(12)} <= CASES.keys()
    assert find_case("02_offset_8").clip_settings == ClipSettings(start_frame=8)
    with pytest.raises(ValueError, match="no case '02_offset': did you mean '02_offset_"):
        find_case("02_offset")


def test_resuming_brings_all_that_a_cell_needs(tiny_pipeline, monkeypatch):
    monkeypatch.setattr(resuming, "load_pipeline", lambda: tiny_pipeline)
    start = resume("02_offset_8")
    with start.clip:
        assert start.clip.num_frames == 184
    assert start.skeleton.indices[:2] == [8, 11]
    assert start.skeleton.frames.shape == (8, 64, 64, 3)
    few = replace(start.sample_settings, num_inference_steps=1)
    assert len(start.pipeline(start.prompt, start.skeleton.frames, few).video) == 8


# ------------------------------------------------------------------------------ reduced motion


def test_reduced_motion_shows_strips(shown):
    for reduced in (False, True, False):
        show.reduced_motion(reduced)
        show.show_video(video(0), 8, "a video")
        assert shown.pop().film["reduced"] == show.motion_reduced() == reduced


def test_videos_play_in_step_and_the_skeleton_can_be_laid_over_its_result(shown):
    skeleton = draw_skeletons(standing(10), 256, 256)
    more = {f"{i}": video(i) for i in range(5)}
    videos = {"first": video(9), "the skeleton": skeleton} | more | {"long": video(0)[:2]}
    show.show_side_by_side(videos, 8, follows=skeleton)
    assert [list(stage.videos) for stage in shown] == [
        ["first", "the skeleton", "0", "1", "2", "3"],
        ["4"],
        ["long"],
    ]
    assert [stage.film["overlay"] for stage in shown] == [[1, 2], [], []]
    assert all(stage.alt.startswith("The skeleton it follows: One person") for stage in shown)


def test_a_strip_holds_at_most_eight_frames():
    assert show.strip(video(0), 32).shape == (32, 8 * 32 + 7, 3)
    assert show.strip(video(0, num_frames=2), 32).shape == (32, 2 * 32 + 1, 3)
    assert (show.few_frames(video(0))[[0, -1]] == video(0)[[0, -1]]).all()


# ------------------------------------------------------------------------------ motion in words


def standing(num_frames: int = 8) -> np.ndarray:
    """One person `[f, 1, 17, 3]`, arms down, 200 pixels tall."""
    person = {
        "nose": (0, 0), "left_eye": (4, -4), "right_eye": (-4, -4), "left_ear": (8, -2),
        "right_ear": (-8, -2), "left_shoulder": (20, 30), "right_shoulder": (-20, 30),
        "left_elbow": (25, 60), "right_elbow": (-25, 60), "left_wrist": (25, 90),
        "right_wrist": (-25, 90), "left_hip": (12, 100), "right_hip": (-12, 100),
        "left_knee": (12, 145), "right_knee": (-12, 145), "left_ankle": (12, 190),
        "right_ankle": (-12, 190),
    }  # fmt: skip
    points = np.array([(*person[name], 1) for name in JOINTS], np.float32) + np.array([128, 40, 0])
    return np.repeat(points[None, None], num_frames, axis=0).astype(np.float32)


def test_arms_and_legs_in_words():
    keypoints = standing()
    assert describe_motion(keypoints) == "One person. No arm or leg raised, stays in place."
    keypoints[2:5, 0, JOINTS.index("left_wrist"), 1] = 20
    keypoints[7, 0, JOINTS.index("right_ankle"), 1] = 150
    assert describe_motion(keypoints) == (
        "One person. Left arm up in frames 3 to 5 of 8; right leg raised in frame 8 of 8."
    )
    keypoints[..., JOINTS.index("right_wrist"), 1] = 20
    assert "Both arms up in frames 3 to 5 of 8; right arm up in frames 1 to 2, 6 to 8 of 8" in (
        describe_motion(keypoints)
    )


def test_a_level_arm_is_not_up_and_a_raised_one_brings_nobody_closer():
    keypoints = standing()
    keypoints[4:, 0, JOINTS.index("right_wrist"), :2] = (40, 66)
    assert "stays in place" in describe_motion(keypoints)
    keypoints[4:, 0, JOINTS.index("right_wrist"), :2] = (90, -40)
    assert describe_motion(keypoints) == "One person. Right arm up in frames 5 to 8 of 8."


def test_a_joint_that_is_not_seen_raises_no_arm():
    keypoints = standing()
    keypoints[:, 0, JOINTS.index("left_wrist")] = 0
    assert "stays in place" in describe_motion(keypoints)


def test_travel_in_words():
    keypoints = standing()
    keypoints[..., 0] -= np.linspace(0, 60, 8)[:, None, None]
    assert "Moves to the left of the picture." in describe_motion(keypoints)
    assert "leg" not in describe_motion(keypoints)
    closer = standing()
    closer[..., :2] *= np.linspace(1, 1.5, 8)[:, None, None, None]
    assert "comes closer" in describe_motion(closer)


def test_people_are_counted_and_told_apart():
    keypoints = np.concatenate([standing(), standing() + np.array([100, 0, 0])], axis=1).astype(
        np.float32
    )
    keypoints[:, 1, JOINTS.index("left_wrist"), 1] = 20
    assert describe_motion(keypoints) == (
        "Two people. Person 1 from the left: no arm or leg raised, stays in place. "
        "Person 2 from the left: left arm up in every frame."
    )
    assert describe_motion(np.zeros((4, 1, 17, 3), np.float32)) == "Nobody."


@pytest.mark.parametrize("num_frames", [8, 16, 60])
def test_people_who_cross_keep_their_sentences(num_frames):
    left, right = standing(num_frames) * [0.5, 0.5, 1], standing(num_frames) * [0.5, 0.5, 1]
    left[..., 0] += np.linspace(-20, 145, num_frames)[:, None, None]
    right[..., 0] += np.linspace(145, -20, num_frames)[:, None, None]
    right[..., 1] += 90
    for name, x, y in (("left_elbow", 25, 110), ("left_wrist", 35, 85)):
        joint = right[:, 0, JOINTS.index(name)]
        joint[:, 0] = right[:, 0, JOINTS.index("nose"), 0] + x
        joint[:, 1] = y
    keypoints = np.concatenate([left, right], axis=1).astype(np.float32)
    said = show.asked_motion(draw_skeletons(keypoints, 256, 256))
    assert "Person 1 from the left: moves to the right of the picture." in said
    assert re.search(r"Person 2 from the left: left arm up in [^;]*; moves to the left", said)


def test_people_are_numbered_from_where_they_first_appear():
    keypoints = np.concatenate([standing() + np.array([100, 0, 0]), standing()], axis=1).astype(
        np.float32
    )
    keypoints[:, 0, JOINTS.index("left_wrist"), 1] = 20
    assert "Person 2 from the left: left arm up" in describe_motion(keypoints)


def test_a_skeleton_video_is_described_and_another_is_not(shown):
    keypoints = standing()
    keypoints[:, 0, JOINTS.index("left_wrist")] = (175, 25, 1)
    keypoints[:, 0, JOINTS.index("left_elbow")] = (170, 50, 1)
    show.show_video(draw_skeletons(keypoints, 256, 256), 8, "the skeleton")
    said = shown.pop().described()
    assert said.startswith("8 frames in step: the skeleton. One person. Left arm up in every frame")
    long = draw_skeletons(keypoints.repeat(5, axis=0), 256, 256)
    assert "At 8 moments: One person. Left arm up" in show.asked_motion(long)
    show.show_video(video(0), 8, "noise")
    assert shown.pop().described() == "10 frames in step: noise."


def test_a_generated_video_is_described_by_the_motion_it_was_asked_for(shown, monkeypatch):
    keypoints = standing()
    keypoints[:, 0, JOINTS.index("left_wrist")] = (175, 25, 1)
    keypoints[:, 0, JOINTS.index("left_elbow")] = (170, 50, 1)
    skeleton = draw_skeletons(keypoints, 256, 256)
    wanted = "a panda. The skeleton it follows: One person. Left arm up in every frame"
    show.show_video(video(0), 8, "a panda", follows=skeleton)
    assert wanted in shown.pop().described()
    monkeypatch.setenv("FYP_LITE_STILLS", "1")
    show.show_side_by_side({"the skeleton": skeleton, "a panda": video(0)}, 8, follows=skeleton)
    strips = [thing["text/plain"] for thing in shown if isinstance(thing, dict)]
    assert wanted in strips[1]
    assert strips[0].count("One person") == 1 and "it follows" not in strips[0]
    assert show.asked_motion(None) == show.asked_motion(video(0)) == ""


def test_every_case_of_the_lessons_has_its_expected_picture():
    folder = fyp_lite.data_dir() / "expected"
    assert {path.stem for path in folder.glob("*.webp")} == set(CASES)
    assert {path.stem for path in folder.glob("*.json")} == set(CASES)


# ------------------------------------------------------------------------------ text


def test_text_of_readers_is_never_markup(shown):
    hostile = "<img src=x onerror=run()> *a*"
    show.show_picture(video(0)[0], f'{hostile} "quoted"')
    assert 'alt="&lt;img src=x onerror=run()&gt; *a* &quot;quoted&quot;"' in shown.pop()
    show.show_sheet(video(0), hostile)
    assert shown[0] == r"*&lt;img src=x onerror=run()&gt; \*a\**"
    Exercise("Title", lambda value: value, hints=[], solution="").check(hostile)
    assert "&lt;img" in shown[-1] and "<img" not in shown[-1]
