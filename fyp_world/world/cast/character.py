"""What a character is: data for the shared parts, and measures that many have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fyp_world.world.cast.face import HeadPen
from fyp_world.world.cast.garments import Skirt
from fyp_world.world.cast.limbs import Band, Limb, Palette
from fyp_world.world.cast.torso import SLIM, Build, Wear

# Radii at the three joints, in heights.
ARM = (0.041, 0.036, 0.031)
LEG = (0.056, 0.045, 0.037)
THICK_ARM = (0.052, 0.048, 0.044)
THICK_LEG = (0.066, 0.056, 0.05)
SKIN = (255, 206, 164)
TAN = (226, 164, 116)
BROWN_SKIN = (176, 116, 78)
DARK = (46, 44, 54)
YELLOW = (255, 208, 60)


@dataclass(frozen=True)
class Character:
    """What the drawing of one character needs; colours are names in `palette`."""

    name: str
    palette: Palette
    head: Callable[[HeadPen, Palette], None]
    arm: Limb
    leg: Limb
    torso: str = "top"
    wear: tuple[Wear, ...] = ()  # drawn on the torso, in this order
    skirt: Skirt | None = None
    behind: tuple[Wear, ...] = ()  # on the back: hidden in front view, on top in back view
    before: tuple[Wear, ...] = ()  # on the chest, likewise
    build: Build = SLIM
    head_radius: float = 0.125  # in heights
    recolourable: bool = False  # palette["top"] may be changed


def sleeved(
    colour: str, stop: float, end: str = "skin", radii: tuple[float, float, float] = ARM
) -> Limb:
    """An arm with a sleeve to `stop`, or a leg with a trouser leg."""
    return Limb((Band(0, 2, "skin"), Band(0, stop, colour, 1.18)), radii, end)


def plain(colour: str, end: str, radii: tuple[float, float, float], *more: Band) -> Limb:
    return Limb((Band(0, 2, colour), *more), radii, end)
