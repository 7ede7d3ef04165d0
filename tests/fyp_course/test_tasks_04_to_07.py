"""The exercises of lessons 04 to 07: what passes, and what each slip is told."""

from __future__ import annotations

import pytest
from helpers import build_tiny_pipeline, passes, tried

from fyp_course.exercises import lesson_04, lesson_05, lesson_06, lesson_07, quiz
from fyp_lite import data_dir
from fyp_lite.opening import prepare_clip
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_world.world.captions import vocabulary


@pytest.fixture(scope="module")
def pipeline():
    """Random weights that know all words of the world."""
    return build_tiny_pipeline(vocabulary([]))


@pytest.fixture(scope="module")
def two_people():
    """Two frames of two people."""
    clip = data_dir() / "clips" / "two_people.mp4"
    return prepare_clip(clip, ClipSettings(num_frames=2), 256).frames


def test_the_robot_needs_every_part_in_known_words(pipeline, said):
    exercise = lesson_04.write_the_robot(pipeline)
    assert "does not know unicorn" in tried(exercise, said, "a unicorn in the snow")
    assert "does not say that it is cute" in tried(exercise, said, "a robot in the snow, at sunset")
    plain = "a cute robot in the snow at dusk"
    assert "does not say the watercolour" in tried(exercise, said, plain)
    for wrong in ("two cute robots", "a cute robot and a panda", "a cute panda"):
        full = f"{wrong} in the snow, at sunset, watercolour"
        assert "one robot and nobody else" in tried(exercise, said, full)
    assert "is of type int, but type str" in tried(exercise, said, 7)
    exercise.check("Cute robot on the ice, sunset, a watercolor painting!")
    assert exercise.passed
    assert passes(lesson_04.write_the_robot(pipeline), said)


def test_the_pair_needs_two_kinds_and_no_more(pipeline, two_people, said):
    exercise = lesson_04.write_the_pair(pipeline, two_people)
    assert "names 1 of the characters" in tried(exercise, said, "a panda on the sea")
    assert "of one kind" in tried(exercise, said, "two pandas on the sea")
    for same in ("a panda and a panda bear", "a man and a guy in the park", "a cop, a policeman"):
        assert "of one kind" in tried(exercise, said, same)
    three = "a panda and a robot and a man in the park"
    assert "names 3 characters, but these frames hold 2 people" in tried(exercise, said, three)
    assert lesson_04.named_kinds("Iron man, a brown bear") == {"iron man", "bear"}
    exercise.check("a panda, a robot on the beach")
    assert exercise.passed
    assert passes(lesson_04.write_the_pair(pipeline, two_people), said)


def test_the_expectation_and_the_guided_number_are_computed(said):
    expectation = lesson_05.expect_by_hand()
    assert "0.080 is not" in tried(expectation, said, 0.6 * 0.8 + 0.8 * -0.5)
    assert passes(expectation, said) and expectation.solution() == pytest.approx(0.88)
    guided = lesson_06.guide_by_hand()
    assert "2 is not" in tried(guided, said, 4 * 0.5)
    assert passes(guided, said) and guided.solution() == pytest.approx(1.4)


def test_the_knee_is_the_smallest_number_within_a_quarter(said):
    exercise = lesson_05.find_the_knee({1: 40.0, 2: 22.0, 5: 10.0, 10: 6.0, 50: 0.0})
    assert exercise.solution() == 5
    assert "choose one of 1, 2, 5, 10, 50" in tried(exercise, said, 7)
    assert "distance is 22.0, above the limit" in tried(exercise, said, 2)
    assert "a smaller number of them is, too" in tried(exercise, said, 10)
    assert passes(exercise, said)


def test_guidance_in_part_keeps_steps_and_scale(pipeline, said):
    exercise = lesson_06.guide_in_part(pipeline)
    assert "These are 10 steps" in tried(exercise, said, SampleSettings(num_inference_steps=10))
    assert "scale is 1; 4 is" in tried(exercise, said, SampleSettings(guidance_scale=1))
    assert "need 40 answers" in tried(exercise, said, SampleSettings(guidance_scale=4))
    never = SampleSettings(guidance_scale=4, guidance_start=0.49, guidance_end=0.51)
    assert "in no step at all" in tried(exercise, said, never)
    assert passes(exercise, said)


def test_a_frame_changes_itself_and_the_next_one(pipeline, said):
    exercise = lesson_07.find_who_changes(pipeline)
    assert exercise.solution() == [3, 4]
    assert "Frame 0 looks at itself alone" in tried(exercise, said, [0, 3])
    assert "one is too many" in tried(exercise, said, [3, 4, 5])
    assert passes(exercise, said)


@pytest.mark.parametrize("module", [lesson_04, lesson_05, lesson_06, lesson_07])
def test_every_question_can_be_asked(module, monkeypatch):
    questions = []
    monkeypatch.setattr(quiz, "display", questions.append)
    asked = [ask for name, ask in vars(module).items() if name.startswith("guess_")]
    for ask in asked:
        ask()
    assert len(questions) == len(asked) >= 2
    assert all(isinstance(question, quiz.Prediction) for question in questions)
