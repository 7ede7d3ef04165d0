"""Who there is: every character as data for the shared parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fyp_lite.world.cast import heads
from fyp_lite.world.cast.face import HeadPen
from fyp_lite.world.cast.limbs import Band, Limb, Palette
from fyp_lite.world.cast.pen import Colour
from fyp_lite.world.cast.torso import (
    Build,
    Cape,
    Mane,
    Pack,
    Panel,
    Skirt,
    Spot,
    Stripe,
    Tail,
    Trousers,
    Wear,
)

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
    build: Build = Build()
    head_radius: float = 0.125  # in heights
    recolourable: bool = False  # palette["top"] may take any of CLOTHES_COLOURS


def _sleeved(
    colour: str, stop: float, end: str = "skin", radii: tuple[float, float, float] = ARM
) -> Limb:
    """An arm with a sleeve to `stop`, or a leg with a trouser leg."""
    return Limb((Band(0, 2, "skin"), Band(0, stop, colour, 1.18)), radii, end)


def _plain(colour: str, end: str, radii: tuple[float, float, float], *more: Band) -> Limb:
    return Limb((Band(0, 2, colour), *more), radii, end)


def _people() -> list[Character]:
    trousers = Trousers(0.1, "bottom")
    return [
        Character(
            "man",
            {"skin": SKIN, "hair": (88, 54, 34), "top": (52, 112, 220), "bottom": (58, 66, 96),
             "shoe": (112, 70, 44)},
            heads.short_hair,
            _sleeved("top", 0.75),
            _plain("bottom", "shoe", LEG),
            wear=(trousers, Stripe(0.12, 0.022, "shoe")),
            recolourable=True,
        ),
        Character(
            "woman",
            {"skin": SKIN, "hair": (150, 62, 34), "top": (222, 52, 52), "shoe": (150, 30, 50)},
            heads.long_hair,
            _sleeved("top", 0.35),
            _plain("skin", "shoe", LEG),
            skirt=Skirt(0.85, 0.075, "top"),
            wear=(Stripe(0.42, 0.035, "shoe"),),
            behind=(Mane(0.27, 0.12, "hair"),),
            build=Build(0.052, 0.05),
            recolourable=True,
        ),
        Character(
            "girl",
            {"skin": SKIN, "hair": (250, 200, 84), "top": (246, 120, 178), "shoe": (235, 70, 110),
             "sock": (250, 250, 252)},
            heads.pigtails,
            _sleeved("top", 0.4),
            _plain("skin", "shoe", LEG, Band(1.45, 2, "sock", 1.1)),
            skirt=Skirt(0.66, 0.09, "top"),
            wear=(Stripe(0.42, 0.035, "shoe"),),
            build=Build(0.055, 0.05),
            head_radius=0.15,
            recolourable=True,
        ),
        Character(
            "boy",
            {"skin": TAN, "hair": (60, 38, 30), "top": (64, 170, 82), "hat": (226, 60, 52),
             "bottom": (60, 86, 168), "shoe": (250, 250, 252), "line": (250, 250, 252)},
            heads.boy_cap,
            _sleeved("top", 0.6),
            Limb((Band(0, 2, "skin"), Band(0, 0.85, "bottom", 1.15)), LEG, "shoe", 1.15),
            wear=(Stripe(0.62, 0.055, "line"), trousers),
            head_radius=0.15,
            recolourable=True,
        ),
        Character(
            "police officer",
            {"skin": TAN, "hair": (60, 40, 30), "top": (44, 72, 150), "bottom": (36, 48, 96),
             "shoe": DARK, "belt": DARK, "gold": YELLOW, "shirt": (150, 196, 240)},
            heads.police_cap,
            _plain("top", "skin", ARM),
            _plain("bottom", "shoe", LEG),
            wear=(
                trousers,
                Panel(0, 0.3, 1.3, 0.72, "shirt"),
                Stripe(0.12, 0.045, "belt"),
                Spot(0, 0.06, 0.022, 0.022, "gold"),
                Spot(0.7, 0.68, 0.03, 0.03, "gold"),
            ),
        ),
        Character(
            "firefighter",
            {"skin": BROWN_SKIN, "hair": (40, 30, 30), "top": (66, 70, 92), "hat": (226, 44, 40),
             "band": (220, 250, 60), "shoe": DARK, "glove": (240, 150, 50)},
            heads.fire_helmet,
            Limb((Band(0, 2, "top"), Band(1.35, 1.75, "band", 1.12)), THICK_ARM, "glove"),
            Limb((Band(0, 2, "top"), Band(1.3, 1.6, "band", 1.1)), THICK_LEG, "shoe", 1.2),
            wear=(Stripe(0.62, 0.06, "band"), Stripe(0.0, 0.06, "band")),
            build=Build(0.066, 0.07),
        ),
        Character(
            "pirate",
            {"skin": TAN, "hair": (74, 44, 30), "top": (246, 240, 230), "red": (214, 48, 52),
             "vest": (110, 66, 42), "bottom": (52, 60, 110), "shoe": (60, 42, 36), "hat": DARK,
             "belt": YELLOW},
            heads.pirate,
            _sleeved("top", 1.5),
            _plain("bottom", "shoe", LEG, Band(1.3, 2, "shoe", 1.25)),
            wear=(
                *(Stripe(t, 0.035, "red") for t in (0.3, 0.56, 0.82, 1.06)),
                Panel(1.5, 0.95, 1.4, -0.5, "vest"),
                Panel(-1.5, 0.95, 1.4, -0.5, "vest"),
                Panel(3.1416, 0.9, 1.4, -0.5, "vest"),
                trousers,
                Stripe(0.12, 0.06, "red"),
                Spot(0, 0.06, 0.028, 0.028, "belt"),
            ),
        ),
        Character(
            "wizard",
            {"skin": SKIN, "hair": (238, 240, 248), "top": (106, 70, 190), "gold": YELLOW,
             "shoe": (120, 76, 48)},
            heads.wizard_hat,
            Limb((Band(0, 2, "top"), Band(1.2, 1.9, "top", 1.6), Band(1.72, 1.92, "gold", 1.65)),
                 (0.044, 0.042, 0.04)),
            _plain("top", "shoe", LEG),
            skirt=Skirt(1.78, 0.08, "top", "gold"),
            wear=(Stripe(0.44, 0.035, "gold"),),
            before=(Mane(0.32, 0.085, "hair", front=True),),
        ),
        Character(
            "santa",
            {"skin": SKIN, "hair": (250, 250, 252), "top": (216, 38, 44), "shoe": DARK,
             "belt": DARK, "gold": YELLOW, "glove": (60, 130, 70)},
            heads.santa_hat,
            Limb((Band(0, 2, "top"), Band(1.7, 2, "hair", 1.35)), THICK_ARM, "glove"),
            Limb((Band(0, 2, "top"), Band(1.4, 1.65, "hair", 1.3), Band(1.6, 2, "shoe", 1.15)),
                 THICK_LEG, "shoe", 1.15),
            wear=(
                Panel(0, 0.25, 1.4, -0.4, "hair"),
                Stripe(0.2, 0.05, "belt"),
                Spot(0, 0.12, 0.035, 0.03, "gold"),
            ),
            build=Build(0.066, 0.075, belly=0.125),
            before=(Mane(0.2, 0.095, "hair", front=True),),
        ),
        Character(
            "princess",
            {"skin": SKIN, "hair": (250, 206, 92), "top": (250, 140, 190), "trim": (255, 226, 240),
             "shoe": (240, 100, 160), "glove": (255, 236, 246)},
            heads.crown,
            Limb((Band(0, 2, "skin"), Band(0, 0.35, "top", 1.5), Band(1.0, 2, "glove", 1.1)), ARM,
                 "glove"),
            _plain("skin", "shoe", LEG),
            skirt=Skirt(1.7, 0.14, "top", "trim"),
            wear=(Stripe(0.44, 0.035, "trim"),),
            behind=(Mane(0.25, 0.12, "hair"),),
            build=Build(0.052, 0.05),
            recolourable=True,
        ),
    ]


def _heroes() -> list[Character]:
    return [
        Character(
            "batman",
            {"skin": SKIN, "top": (98, 102, 118), "dark": (48, 48, 66), "belt": YELLOW},
            heads.bat_cowl,
            _plain("top", "dark", THICK_ARM, Band(1.1, 2, "dark", 1.15)),
            _plain("top", "dark", LEG, Band(1.2, 2, "dark", 1.15)),
            wear=(Trousers(0.02, "dark"), Stripe(0.14, 0.055, "belt")),
            behind=(Cape(0.62, 0.3, "dark", points=4),),
            build=Build(0.068, 0.058, 0.8),
        ),
        Character(
            "superman",
            {"skin": SKIN, "hair": (36, 34, 50), "top": (40, 100, 224), "red": (222, 40, 48),
             "belt": YELLOW},
            heads.hero_hair,
            _plain("top", "skin", THICK_ARM),
            _plain("top", "red", LEG, Band(1.25, 2, "red", 1.15)),
            wear=(
                Trousers(0.1, "red"),
                Stripe(0.14, 0.045, "belt"),
                Spot(0, 0.76, 0.045, 0.04, "belt"),
            ),
            behind=(Cape(0.58, 0.25, "red"),),
            build=Build(0.068, 0.058, 0.8),
        ),
        Character(
            "iron man",
            {"top": (204, 34, 42), "gold": (250, 192, 56), "glow": (150, 244, 255),
             "skin": (204, 34, 42)},
            heads.gold_mask,
            _plain("gold", "top", THICK_ARM, Band(0, 0.3, "top", 1.25), Band(1.1, 2, "top", 1.15)),
            _plain("gold", "top", THICK_LEG, Band(1.0, 2, "top", 1.12)),
            wear=(
                Panel(1.2, 0.35, 0.55, -0.1, "gold"),
                Panel(-1.2, 0.35, 0.55, -0.1, "gold"),
                Spot(0, 0.7, 0.036, 0.036, "glow", glow=True),
                Spot(3.1416, 0.8, 0.05, 0.03, "gold"),
            ),
            build=Build(0.066, 0.06, 0.82),
        ),
        Character(
            "hulk",
            {"skin": (98, 186, 74), "chest": (124, 206, 96), "hair": (38, 44, 38), "bottom": (122, 70, 170)},
            heads.hulk,
            _plain("skin", "skin", (0.068, 0.064, 0.062)),
            _plain("skin", "skin", (0.08, 0.068, 0.056), Band(0, 1.3, "bottom", 1.15, torn=True)),
            torso="skin",
            wear=(
                Spot(0.62, 0.72, 0.06, 0.045, "chest"),
                Spot(-0.62, 0.72, 0.06, 0.045, "chest"),
                Trousers(0.08, "bottom"),
            ),
            build=Build(0.085, 0.07, 0.85),
            head_radius=0.118,
        ),
        Character(
            "stormtrooper",
            {"top": (246, 247, 250), "dark": (40, 40, 50), "grey": (150, 156, 170)},
            heads.trooper,
            _plain("dark", "dark", (0.038, 0.034, 0.03), Band(0, 0.75, "top", 1.35),
                   Band(1.15, 1.85, "top", 1.35)),
            _plain("dark", "top", LEG, Band(0.12, 0.82, "top", 1.15), Band(1.15, 2, "top", 1.25)),
            wear=(
                Stripe(0.34, 0.03, "dark"),
                Stripe(0.08, 0.045, "grey"),
                Spot(0.4, 0.22, 0.022, 0.016, "dark"),
            ),
            build=Build(0.064, 0.06, 0.74),
            head_radius=0.128,
        ),
        Character(
            "ninja",
            {"skin": SKIN, "top": (50, 52, 72), "trim": (226, 44, 52)},
            heads.ninja,
            _plain("top", "skin", ARM, Band(1.4, 1.9, "trim", 1.1)),
            _plain("top", "top", LEG, Band(1.4, 1.9, "trim", 1.1)),
            wear=(Stripe(0.14, 0.06, "trim"),),
        ),
        Character(
            "knight",
            {"steel": (178, 190, 210), "trim": (216, 44, 56), "cloth": (52, 98, 200),
             "gold": YELLOW, "dark": (96, 106, 128)},
            heads.knight,
            _plain("steel", "steel", THICK_ARM, Band(0, 0.35, "steel", 1.35),
                   Band(0.85, 1.15, "dark", 1.15)),
            _plain("steel", "steel", LEG, Band(0.85, 1.15, "dark", 1.2)),
            torso="steel",
            wear=(
                Panel(0, 0.62, 1.4, -0.6, "cloth"),
                Panel(3.1416, 0.62, 1.4, -0.6, "cloth"),
                Spot(0, 0.66, 0.035, 0.045, "gold"),
                Stripe(0.16, 0.035, "dark"),
            ),
            build=Build(0.066, 0.066, 0.74),
        ),
        Character(
            "astronaut",
            {"top": (244, 246, 250), "trim": (236, 96, 40), "visor": (46, 84, 150),
             "grey": (150, 160, 178), "light": (80, 200, 120)},
            heads.astronaut,
            _plain("top", "grey", (0.056, 0.052, 0.048), Band(0.35, 0.55, "trim", 1.06),
                   Band(1.75, 2, "grey", 1.1)),
            _plain("top", "grey", (0.068, 0.06, 0.056), Band(0.4, 0.58, "trim", 1.05)),
            wear=(
                Panel(0, 0.55, 0.74, 0.3, "grey"),
                Spot(-0.28, 0.58, 0.02, 0.02, "trim"),
                Spot(0.28, 0.58, 0.02, 0.02, "light"),
                Stripe(0.06, 0.03, "grey"),
            ),
            behind=(Pack(0.13, "grey"),),
            build=Build(0.076, 0.076),
            head_radius=0.138,
        ),
    ]


def _creatures() -> list[Character]:
    return [
        Character(
            "panda",
            {"skin": (250, 250, 250), "dark": DARK},
            heads.panda,
            _plain("dark", "dark", (0.056, 0.053, 0.05)),
            _plain("dark", "dark", (0.07, 0.062, 0.055)),
            torso="skin",
            wear=(Stripe(1.06, 0.12, "dark"),),
            build=Build(0.072, 0.08, belly=0.14),
            head_radius=0.138,
        ),
        Character(
            "bear",
            {"skin": (158, 98, 56), "muzzle": (240, 206, 160)},
            heads.bear,
            _plain("skin", "skin", (0.056, 0.053, 0.05)),
            _plain("skin", "skin", (0.07, 0.062, 0.055)),
            torso="skin",
            wear=(Panel(0, 0.85, 0.85, -0.2, "muzzle", 0.8),),
            build=Build(0.072, 0.08, belly=0.14),
            head_radius=0.138,
        ),
        Character(
            "cat",
            {"skin": (246, 152, 58), "dark": (190, 92, 34), "muzzle": (255, 238, 216)},
            heads.cat,
            _plain("skin", "muzzle", ARM, Band(0.5, 0.75, "dark", 1.02), Band(1.1, 1.35, "dark", 1.02)),
            _plain("skin", "muzzle", LEG, Band(0.6, 0.85, "dark", 1.02), Band(1.2, 1.45, "dark", 1.02)),
            torso="skin",
            wear=(Panel(0, 0.75, 0.95, -0.2, "muzzle", 0.8),),
            behind=(Tail(0.24, 0.045, "skin"),),
            head_radius=0.13,
        ),
        Character(
            "rabbit",
            {"skin": (244, 240, 244), "inner": (250, 150, 176), "belly": (255, 210, 222)},
            heads.rabbit,
            _plain("skin", "skin", ARM),
            _plain("skin", "skin", (0.062, 0.05, 0.042)),
            torso="skin",
            wear=(Panel(0, 0.8, 0.85, -0.2, "belly", 0.8),),
            build=Build(0.06, 0.07, belly=0.115),
            head_radius=0.125,
        ),
        Character(
            "robot",
            {"skin": (150, 186, 206), "joint": (240, 142, 48), "screen": (34, 46, 66),
             "light": (100, 240, 250), "lamp": (244, 70, 70), "dark": (92, 118, 140)},
            heads.robot,
            _plain("skin", "joint", ARM, Band(0, 0.12, "joint", 1.35), Band(0.84, 1.16, "joint", 1.3)),
            _plain("skin", "dark", LEG, Band(0.84, 1.16, "joint", 1.2)),
            torso="skin",
            wear=(
                Panel(0, 0.75, 0.9, 0.25, "screen"),
                Spot(-0.4, 0.7, 0.024, 0.024, "lamp"),
                Spot(0.05, 0.7, 0.024, 0.024, "joint"),
                Spot(0.0, 0.42, 0.07, 0.018, "light"),
                Stripe(0.06, 0.03, "dark"),
            ),
            build=Build(0.03, 0.03, 1.15, hip_spread=1.6, box=0.055),
            head_radius=0.125,
        ),
        Character(
            "alien",
            {"skin": (132, 222, 120), "top": (150, 96, 214), "trim": (240, 220, 90)},
            heads.alien,
            _sleeved("top", 1.6),
            _plain("top", "trim", LEG),
            wear=(Stripe(0.14, 0.04, "trim"), Spot(0, 0.68, 0.036, 0.036, "trim")),
            head_radius=0.125,
        ),
    ]


CHARACTERS: dict[str, Character] = {
    character.name: character for character in (*_people(), *_heroes(), *_creatures())
}
