"""The words that the lite model knows: characters, places, times of day, styles, sizes."""

from __future__ import annotations

import re

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
COUNTS = {"two": 2, "pair": 2, "three": 3, "four": 4, "five": 5, "six": 6}


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
    """(words, least number) of the longest noun that begins here; (0, 0) for none."""
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
