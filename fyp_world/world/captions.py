"""Sentences about the world, and the vocabulary that they are made of.

Every caption is drawn from here, so the vocabulary is complete by construction: the lite model's
tokenizer knows the words that `vocabulary()` lists and no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from fyp_lite.vocabulary import NOUNS, PLACES, SIZES, STYLES, TIMES, words_of

VERBS = ("", "", "", "is dancing", "dancing", "is walking", "walking", "is standing", "moving")
NUMBERS = {1: ("a", "a", "one", "the", ""), 2: ("two", "two", "a pair of"), 3: ("three", "three")}


@dataclass(frozen=True)
class CharacterSpec:
    """One kind of character in a scene and how it looks."""

    name: str
    colour: str | None = None  # of the clothes, where they can be recoloured
    size: str | None = None  # "tiny", "tall" or None
    cute: bool = False


def caption(
    characters: tuple[CharacterSpec, ...],
    scene: str,
    time: str,
    style: str,
    rng: np.random.Generator,
) -> str:
    """One sentence for a scene, with synonyms and grammar drawn from `rng`.

    Args:
        characters: one entry per person, equal entries for people of one kind.
        scene: a scene's name, or "<colour> background".
    """
    subject = describe_people(characters, rng)
    place = scene if scene.endswith("background") else choose(PLACES[scene], rng)
    if place.endswith("background") and rng.random() < 0.3:
        place = "on a " + place
    time_phrase, style_phrase = choose(TIMES[time], rng), choose(STYLES[style], rng)
    comma = ", " if rng.random() < 0.5 else " "
    verb = choose(VERBS, rng)
    if len(characters) > 1:
        verb = verb.replace("is ", "are ")
    sentence = " ".join(part for part in (subject, verb, place) if part)
    if time_phrase:
        sentence += comma + time_phrase
    if style_phrase:
        sentence += (", " if rng.random() < 0.8 else " ") + style_phrase
    return re.sub(r"\ba (?=[aeiou])", "an ", sentence)


def describe_people(characters: tuple[CharacterSpec, ...], rng: np.random.Generator) -> str:
    """ "a panda", "two tiny robots", "a man in red and a woman"."""
    kinds = list(dict.fromkeys(characters))
    phrases = [describe_kind(kind, characters.count(kind), rng) for kind in kinds]
    return " and ".join(phrases)


def describe_kind(kind: CharacterSpec, count: int, rng: np.random.Generator) -> str:
    nouns = NOUNS[kind.name]
    # The first noun is the commonest; the others share the rest.
    noun = nouns[0] if rng.random() < 0.6 else nouns[int(rng.integers(len(nouns)))]
    words = [choose(NUMBERS[count], rng)]
    words += [choose(SIZES[kind.size], rng)] if kind.size else []
    words += ["cute"] if kind.cute else []
    words += [noun[0] if count == 1 else noun[1]]
    if kind.colour:
        words += ["in " + kind.colour + ("" if rng.random() < 0.6 else " clothes")]
    return " ".join(word for word in words if word)


def choose(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def vocabulary(colours: list[str]) -> list[str]:
    """Every word that a caption can hold, sorted; `colours` are the world's colour names."""
    phrases = [form for nouns in NOUNS.values() for pair in nouns for form in pair]
    for table in (PLACES, TIMES, STYLES, SIZES):
        phrases += [phrase for options in table.values() for phrase in options]
    phrases += [phrase for options in NUMBERS.values() for phrase in options]
    phrases += [*VERBS, *colours, "an and are background on a in clothes cute"]
    return sorted({word for phrase in phrases for word in words_of(phrase)})
