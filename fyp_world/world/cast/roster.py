"""Who there is, by name, and the colours that plain clothes come in."""

from __future__ import annotations

from fyp_world.world.cast.character import Character
from fyp_world.world.cast.creatures import CREATURES
from fyp_world.world.cast.heroes import HEROES
from fyp_world.world.cast.pen import Colour
from fyp_world.world.cast.people import PEOPLE

CLOTHES_COLOURS: dict[str, Colour] = {
    "red": (222, 52, 52),
    "orange": (245, 138, 36),
    "yellow": (250, 208, 52),
    "green": (64, 170, 82),
    "blue": (52, 112, 220),
    "purple": (142, 76, 196),
    "pink": (246, 120, 178),
    "white": (244, 244, 248),
    "black": (52, 50, 60),
    "brown": (138, 88, 52),
}

CHARACTERS: dict[str, Character] = {
    character.name: character for character in (*PEOPLE, *HEROES, *CREATURES)
}
