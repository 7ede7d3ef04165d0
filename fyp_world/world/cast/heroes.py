"""Heroes, armour and space suits."""

from __future__ import annotations

from fyp_world.world.cast import heads
from fyp_world.world.cast.character import (
    ARM,
    LEG,
    SKIN,
    THICK_ARM,
    THICK_LEG,
    YELLOW,
    Character,
    plain,
)
from fyp_world.world.cast.garments import Cape, Pack
from fyp_world.world.cast.limbs import Band
from fyp_world.world.cast.torso import Build, Panel, Spot, Stripe, Trousers

HEROES: tuple[Character, ...] = (
    Character(
        "batman",
        {"skin": SKIN, "top": (98, 102, 118), "dark": (48, 48, 66), "belt": YELLOW},
        heads.bat_cowl,
        plain("top", "dark", THICK_ARM, Band(1.1, 2, "dark", 1.15)),
        plain("top", "dark", LEG, Band(1.2, 2, "dark", 1.15)),
        wear=(Trousers(0.02, "dark"), Stripe(0.14, 0.055, "belt")),
        behind=(Cape(0.62, 0.3, "dark", points=4),),
        build=Build(0.068, 0.058, 0.8),
    ),
    Character(
        "superman",
        {
            "skin": SKIN,
            "hair": (36, 34, 50),
            "top": (40, 100, 224),
            "red": (222, 40, 48),
            "belt": YELLOW,
        },
        heads.hero_hair,
        plain("top", "skin", THICK_ARM),
        plain("top", "red", LEG, Band(1.25, 2, "red", 1.15)),
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
        {
            "top": (204, 34, 42),
            "gold": (250, 192, 56),
            "glow": (150, 244, 255),
            "skin": (204, 34, 42),
        },
        heads.gold_mask,
        plain("gold", "top", THICK_ARM, Band(0, 0.3, "top", 1.25), Band(1.1, 2, "top", 1.15)),
        plain("gold", "top", THICK_LEG, Band(1.0, 2, "top", 1.12)),
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
        {
            "skin": (98, 186, 74),
            "chest": (124, 206, 96),
            "hair": (38, 44, 38),
            "bottom": (122, 70, 170),
        },
        heads.hulk,
        plain("skin", "skin", (0.068, 0.064, 0.062)),
        plain("skin", "skin", (0.08, 0.068, 0.056), Band(0, 1.3, "bottom", 1.15, torn=True)),
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
        plain(
            "dark",
            "dark",
            (0.038, 0.034, 0.03),
            Band(0, 0.75, "top", 1.35),
            Band(1.15, 1.85, "top", 1.35),
        ),
        plain("dark", "top", LEG, Band(0.12, 0.82, "top", 1.15), Band(1.15, 2, "top", 1.25)),
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
        plain("top", "skin", ARM, Band(1.4, 1.9, "trim", 1.1)),
        plain("top", "top", LEG, Band(1.4, 1.9, "trim", 1.1)),
        wear=(Stripe(0.14, 0.06, "trim"),),
    ),
    Character(
        "knight",
        {
            "steel": (178, 190, 210),
            "trim": (216, 44, 56),
            "cloth": (52, 98, 200),
            "gold": YELLOW,
            "dark": (96, 106, 128),
        },
        heads.knight,
        plain(
            "steel",
            "steel",
            THICK_ARM,
            Band(0, 0.35, "steel", 1.35),
            Band(0.85, 1.15, "dark", 1.15),
        ),
        plain("steel", "steel", LEG, Band(0.85, 1.15, "dark", 1.2)),
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
        {
            "top": (244, 246, 250),
            "trim": (236, 96, 40),
            "visor": (46, 84, 150),
            "grey": (150, 160, 178),
            "light": (80, 200, 120),
        },
        heads.astronaut,
        plain(
            "top",
            "grey",
            (0.056, 0.052, 0.048),
            Band(0.35, 0.55, "trim", 1.06),
            Band(1.75, 2, "grey", 1.1),
        ),
        plain("top", "grey", (0.068, 0.06, 0.056), Band(0.4, 0.58, "trim", 1.05)),
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
)
