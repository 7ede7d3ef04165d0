"""Sentences about the world, and the vocabulary that they are made of.

Every caption is drawn from here, so the vocabulary is complete by construction: the lite model's
tokenizer knows the words that `vocabulary()` lists and no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

# Singular and plural of each character, the canonical name first.
NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "panda": (("panda", "pandas"), ("panda bear", "panda bears")),
    "bear": (("bear", "bears"), ("brown bear", "brown bears"), ("teddy bear", "teddy bears")),
    "cat": (("cat", "cats"), ("kitten", "kittens")),
    "rabbit": (("rabbit", "rabbits"), ("bunny", "bunnies")),
    "robot": (("robot", "robots"),),
    "astronaut": (("astronaut", "astronauts"), ("spaceman", "spacemen")),
    "man": (("man", "men"), ("guy", "guys")),
    "woman": (("woman", "women"), ("lady", "ladies")),
    "girl": (("girl", "girls"),),
    "boy": (("boy", "boys"), ("kid", "kids")),
    "police officer": (
        ("police officer", "police officers"),
        ("policeman", "policemen"),
        ("cop", "cops"),
    ),
    "firefighter": (("firefighter", "firefighters"), ("fireman", "firemen")),
    "batman": (("batman", "batmen"),),
    "superman": (("superman", "supermen"),),
    "iron man": (("iron man", "iron men"),),
    "hulk": (("hulk", "hulks"), ("green giant", "green giants")),
    "stormtrooper": (("stormtrooper", "stormtroopers"), ("trooper", "troopers")),
    "ninja": (("ninja", "ninjas"),),
    "pirate": (("pirate", "pirates"),),
    "knight": (("knight", "knights"),),
    "wizard": (("wizard", "wizards"),),
    "princess": (("princess", "princesses"),),
    "santa": (("santa", "santas"), ("santa claus", "santa clauses")),
    "alien": (("alien", "aliens"),),
}
# Where each scene puts its people; the first phrase is the commonest.
PLACES: dict[str, tuple[str, ...]] = {
    "sea": ("on the sea", "on the ocean", "at sea", "in the sea"),
    "beach": ("on the beach", "at the beach", "in the beach", "on a sandy beach"),
    "desert": ("in the desert", "in Sahara desert", "in the Sahara", "on the sand dunes"),
    "park": ("in the park", "in a green park", "at the park"),
    "forest": ("in the forest", "in the woods", "in a forest"),
    "street": ("on the street", "in the street", "in the city", "on the road"),
    "mountain": ("on the mountain", "in the mountains", "on a mountain"),
    "snow": ("in the snow", "in Antarctica", "on the ice"),
    "moon": ("on the moon", "on the lunar surface"),
    "space": ("in space", "in outer space", "floating in space"),
    "gym": ("in the gym", "at the gym"),
    "stage": ("on the stage", "on stage", "in the theater"),
    "castle": ("in front of the castle", "at the castle", "in front of a castle"),
    "farm": ("on the farm", "in the field", "on a farm"),
    "room": ("in the room", "in a room", "at home"),
    "kitchen": ("in the kitchen", "in a kitchen"),
    "underwater": ("underwater", "under water", "under the sea"),
    "volcano": ("on the volcano", "in front of a volcano", "at the volcano"),
}
TIMES: dict[str, tuple[str, ...]] = {
    "day": ("", "", "", "", "", "in the daytime", "on a sunny day"),
    "sunset": ("at sunset", "at sunset", "at dusk"),
    "night": ("at night", "at night", "under the stars"),
}
STYLES: dict[str, tuple[str, ...]] = {
    "plain": ("",),
    "Van Gogh": ("Van Gogh style", "Van Gogh", "in the style of Van Gogh", "a Van Gogh painting"),
    "Minecraft": ("Minecraft", "Minecraft style", "in Minecraft", "in the style of Minecraft"),
    "pencil sketch": ("pencil sketch", "a pencil drawing", "sketch style", "pencil sketch style"),
    "watercolour": ("watercolour", "watercolor style", "a watercolour painting", "watercolor"),
}
SIZES: dict[str, tuple[str, ...]] = {
    "tiny": ("tiny", "tiny", "small"),
    "tall": ("tall", "tall", "big"),
}
VERBS = ("", "", "", "is dancing", "dancing", "is walking", "walking", "is standing", "moving")
COUNTS = {"two": 2, "pair": 2, "three": 3, "four": 4, "five": 5, "six": 6}
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


def words_of(text: str) -> list[str]:
    """Lower-case words; everything that is neither letter nor digit separates them."""
    return re.findall(r"[^\W_]+", text.lower())


def count_characters(text: str) -> int:
    """How many characters a sentence names: "two tiny pandas and a robot" are three.

    A plural without a number counts as two.
    """
    words = words_of(text)
    total = place = 0
    while place < len(words):
        length, least = _noun_at(words, place)
        if length:
            number = _number_before(words[max(0, place - 4) : place])
            total += max(least, number)
        place += length or 1
    return total


def _noun_at(words: list[str], place: int) -> tuple[int, int]:
    """(words, least number) of the longest noun that begins here; (0, 0) where there is none."""
    best = (0, 0)
    for pair in (pair for nouns in NOUNS.values() for pair in nouns):
        for least, form in enumerate(pair, 1):
            parts = form.split()
            if words[place : place + len(parts)] == parts:
                best = max(best, (len(parts), least))
    return best


def _number_before(words: list[str]) -> int:
    """The number that the last of these words give, adjectives between it and the noun or not."""
    adjectives = {word for phrases in SIZES.values() for word in phrases} | {"cute", "of"}
    for word in reversed(words):
        if word in COUNTS:
            return COUNTS[word]
        if word.isdecimal():
            return int(word)
        if word not in adjectives:
            break
    return 1


def vocabulary(colours: list[str]) -> list[str]:
    """Every word that a caption can hold, sorted; `colours` are the world's colour names."""
    phrases = [form for nouns in NOUNS.values() for pair in nouns for form in pair]
    for table in (PLACES, TIMES, STYLES, SIZES):
        phrases += [phrase for options in table.values() for phrase in options]
    phrases += [phrase for options in NUMBERS.values() for phrase in options]
    phrases += [*VERBS, *colours, "an and are background on a in clothes cute"]
    return sorted({word for phrase in phrases for word in words_of(phrase)})
