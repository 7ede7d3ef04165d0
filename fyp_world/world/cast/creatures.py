"""Animals, a robot and an alien."""

from __future__ import annotations

from fyp_world.world.cast import heads
from fyp_world.world.cast.character import ARM, DARK, LEG, Character, plain, sleeved
from fyp_world.world.cast.garments import Tail
from fyp_world.world.cast.limbs import Band
from fyp_world.world.cast.torso import Build, Panel, Spot, Stripe

CREATURES: tuple[Character, ...] = (
    Character(
        "panda",
        {"skin": (250, 250, 250), "dark": DARK},
        heads.panda,
        plain("dark", "dark", (0.056, 0.053, 0.05)),
        plain("dark", "dark", (0.07, 0.062, 0.055)),
        torso="skin",
        wear=(Stripe(1.06, 0.12, "dark"),),
        build=Build(0.072, 0.08, belly=0.14),
        head_radius=0.138,
    ),
    Character(
        "bear",
        {"skin": (158, 98, 56), "muzzle": (240, 206, 160)},
        heads.bear,
        plain("skin", "skin", (0.056, 0.053, 0.05)),
        plain("skin", "skin", (0.07, 0.062, 0.055)),
        torso="skin",
        wear=(Panel(0, 0.85, 0.85, -0.2, "muzzle", 0.8),),
        build=Build(0.072, 0.08, belly=0.14),
        head_radius=0.138,
    ),
    Character(
        "cat",
        {"skin": (246, 152, 58), "dark": (190, 92, 34), "muzzle": (255, 238, 216)},
        heads.cat,
        plain("skin", "muzzle", ARM, Band(0.5, 0.75, "dark", 1.02), Band(1.1, 1.35, "dark", 1.02)),
        plain("skin", "muzzle", LEG, Band(0.6, 0.85, "dark", 1.02), Band(1.2, 1.45, "dark", 1.02)),
        torso="skin",
        wear=(Panel(0, 0.75, 0.95, -0.2, "muzzle", 0.8),),
        behind=(Tail(0.24, 0.045, "skin"),),
        head_radius=0.13,
    ),
    Character(
        "rabbit",
        {"skin": (244, 240, 244), "inner": (250, 150, 176), "belly": (255, 210, 222)},
        heads.rabbit,
        plain("skin", "skin", ARM),
        plain("skin", "skin", (0.062, 0.05, 0.042)),
        torso="skin",
        wear=(Panel(0, 0.8, 0.85, -0.2, "belly", 0.8),),
        build=Build(0.06, 0.07, belly=0.115),
        head_radius=0.125,
    ),
    Character(
        "robot",
        {
            "skin": (150, 186, 206),
            "joint": (240, 142, 48),
            "screen": (34, 46, 66),
            "light": (100, 240, 250),
            "lamp": (244, 70, 70),
            "dark": (92, 118, 140),
        },
        heads.robot,
        plain("skin", "joint", ARM, Band(0, 0.12, "joint", 1.35), Band(0.84, 1.16, "joint", 1.3)),
        plain("skin", "dark", LEG, Band(0.84, 1.16, "joint", 1.2)),
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
        sleeved("top", 1.6),
        plain("top", "trim", LEG),
        wear=(Stripe(0.14, 0.04, "trim"), Spot(0, 0.68, 0.036, 0.036, "trim")),
        head_radius=0.125,
    ),
)
