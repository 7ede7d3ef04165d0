"""Questions and exercises of lesson 04, the text prompt."""

from __future__ import annotations

import re

import numpy as np

from fyp_course.exercises.quiz import Exercise, predict
from fyp_lite.advice import prompt_advice
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.vocabulary import NOUNS, count_characters, words_of


def guess_capitals() -> None:
    """What do capitals and punctuation do?"""
    predict(
        "With one seed, how will the video of `batman, BROWN background.` differ from that of "
        "`Batman brown background`?",
        [
            "A little: every sign of the sentence counts",
            "Not at all: both become the same numbers",
            "The background gets stronger: capitals are louder",
        ],
        answer="Not at all: both become the same numbers",
        why="The tokenizer drops capitals and punctuation before it looks the words up. "
        "The next cell compares the numbers.",
    )


def guess_unknown_words() -> None:
    """How do two prompts differ whose only difference is an unknown word?"""
    predict(
        "The model knows neither unicorns nor dragons. With one seed, how do the videos of "
        "`a unicorn on the sea` and `a dragon on the sea` differ?",
        [
            "They differ: it guesses from the letters",
            "Neither is made: the program stops with an error",
            "Not at all: every unknown word is the same sign to it",
        ],
        answer="Not at all: every unknown word is the same sign to it",
        why="Each unknown word becomes the mark `<unknown>`. "
        "The next cell compares what the text encoder makes of the two sentences.",
    )


def guess_who_moves_the_arms() -> None:
    """Verb, skeleton or seed?"""
    predict(
        "`A Robot is dancing in Sahara desert`: what decides how the robot moves its arms?",
        ["The word `dancing`", "The skeleton", "The seed"],
        answer="The skeleton",
        why="The pose reaches every step of the run, frame by frame; the sentence is the same for "
        "all frames and holds no positions. The next cell compares the two.",
    )


def guess_the_second_panda() -> None:
    """What is a character without a skeleton missing?"""
    predict(
        "One person in the clip, two pandas in the prompt. What is the second panda missing?",
        [
            "A colour",
            "A skeleton: nothing says where it stands and how it moves",
            "A seed of its own",
        ],
        answer="A skeleton: nothing says where it stands and how it moves",
        why="In training, a sentence named as many characters as there were skeletons. "
        "For the second panda there is a word, but no place.",
    )


def write_the_robot(pipeline: FollowYourPosePipeline) -> Exercise:
    """A prompt of known words that says character, look, place, time and style."""
    needed = {
        "that it is cute": {"cute"},
        "the snow": {"snow", "ice", "antarctica"},
        "the sunset": {"sunset", "dusk"},
        "the watercolour": {"watercolour", "watercolor"},
    }

    def check(prompt: str) -> str | None:
        if unknown := pipeline.unknown_words(prompt):
            return f"The model does not know {', '.join(unknown)}."
        if named_kinds(prompt) != {"robot"} or count_characters(prompt) != 1:
            return "Who moves should be one robot and nobody else."
        for part, words in needed.items():
            if words.isdisjoint(words_of(prompt)):
                return f"The sentence does not say {part}."
        return None

    return Exercise(
        "Write the prompt of the cute robot",
        check,
        hints=[
            "The table of words above has a row for each part of the sentence.",
            "For the place say in the snow, for the time at sunset.",
            "The style comes last, after a comma: watercolour.",
        ],
        solution="a cute robot in the snow, at sunset, watercolour",
    )


def write_the_pair(pipeline: FollowYourPosePipeline, skeleton_frames: np.ndarray) -> Exercise:
    """A prompt with two different characters for frames `[f, h, w, 3]` of two people."""

    def check(prompt: str) -> str | None:
        if advice := prompt_advice(pipeline, prompt, skeleton_frames):
            return " ".join(advice)
        if (count := count_characters(prompt)) != 2:
            return f"It names {count} of the characters that the model knows; it takes two."
        if len(named_kinds(prompt)) < 2:
            return "Both characters are of one kind."
        return None

    return Exercise(
        "Write a prompt for two different characters",
        check,
        hints=[
            "Join two of the words in the row “who” by “and”.",
            "Give each an article of its own: a … and a … .",
            "For example a knight and a princess, in some place of the table.",
        ],
        solution="a knight and a princess at the castle",
    )


def named_kinds(prompt: str) -> set[str]:
    """The kinds of character that a sentence names: a man and a guy are of one."""
    kinds = {form: kind for kind, nouns in NOUNS.items() for pair in nouns for form in pair}
    longest_first = "|".join(sorted(kinds, key=len, reverse=True))
    sentence = " ".join(words_of(prompt))
    return {kinds[form] for form in re.findall(rf"\b({longest_first})\b", sentence)}
