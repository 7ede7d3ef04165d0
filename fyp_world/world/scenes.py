"""The places in which people of the world stand, by name, time of day and seed."""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from fyp_world.world.canvas import skia
from fyp_world.world.places import built, land, water, wild
from fyp_world.world.places.brush import SIZE, Brush

TIMES = ("day", "sunset", "night")
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (206, 62, 60),
    "orange": (238, 142, 60),
    "yellow": (244, 206, 84),
    "green": (96, 168, 92),
    "teal": (52, 150, 150),
    "blue": (76, 130, 212),
    "purple": (134, 92, 182),
    "pink": (240, 148, 180),
    "brown": (138, 94, 62),
    "grey": (140, 142, 150),
    "white": (238, 238, 242),
}


@dataclass(frozen=True)
class Scene:
    """A place and where people stand in it."""

    name: str
    paint: Callable[[Brush], None]
    ground: tuple[float, float]  # where feet may stand: highest and lowest, shares of the height
    has_sky: bool = True  # sunset and night change the whole picture
    times: tuple[str, ...] = TIMES  # those that make sense in a sentence


_ALL = (
    Scene("sea", water.sea, (0.7, 0.95)),
    Scene("beach", water.beach, (0.68, 0.96)),
    Scene("desert", wild.desert, (0.7, 0.96)),
    Scene("park", land.park, (0.66, 0.96)),
    Scene("forest", land.forest, (0.7, 0.96)),
    Scene("street", built.street, (0.68, 0.96)),
    Scene("mountain", land.mountain, (0.7, 0.96)),
    Scene("snow", wild.snow, (0.74, 0.96)),
    Scene("moon", wild.moon, (0.68, 0.96), has_sky=False, times=("day",)),
    Scene("space", wild.space, (0.6, 0.95), has_sky=False, times=("day",)),
    Scene("gym", built.gym, (0.7, 0.96), has_sky=False),
    Scene("stage", built.stage, (0.76, 0.94), has_sky=False, times=("day", "night")),
    Scene("castle", land.castle, (0.74, 0.96)),
    Scene("farm", land.farm, (0.66, 0.96)),
    Scene("kitchen", built.kitchen, (0.74, 0.96), has_sky=False),
    Scene("room", built.room, (0.78, 0.96), has_sky=False),
    Scene("underwater", water.underwater, (0.8, 0.96), has_sky=False),
    Scene("volcano", wild.volcano, (0.7, 0.96)),
)
SCENES: dict[str, Scene] = {scene.name: scene for scene in _ALL}


def draw_scene(
    canvas: skia.Canvas, name: str, *, time: str = "day", size: int = 256, seed: int = 0
) -> None:
    """Paint a place over the upper left `size` x `size` pixels of the canvas.

    Args:
        name: a name in `SCENES`, or "<colour> background" with a colour of `COLOURS`.
        time: one of `TIMES`. It changes only the ground's light on the moon, the colours of the
            nebula in space and the lamps on the stage; plain backgrounds look the same always.
        size: side of the square picture in pixels.
        seed: layout; the same seed gives the same layout at every time of day.

    Raises:
        ValueError: unknown name or time, or a size below 1.
    """
    if time not in TIMES:
        raise ValueError(unknown("time of day", time, TIMES))
    if size < 1:
        raise ValueError(f"size is {size}, but a picture needs at least 1 pixel: use 256.")
    colour = COLOURS.get(name.removesuffix(" background")) if name.endswith(" background") else None
    if name not in SCENES and colour is None:
        plain = [f"{known} background" for known in COLOURS]
        raise ValueError(unknown("scene", name, [*SCENES, *plain]))
    rng = np.random.default_rng((seed, zlib.crc32(name.encode())))
    canvas.save()
    canvas.clipRect(skia.Rect(0, 0, size, size))
    canvas.scale(size / SIZE, size / SIZE)
    brush = Brush(canvas, time, rng)
    if colour is None:
        SCENES[name].paint(brush)
        if SCENES[name].has_sky and time == "night":
            brush.mist()
    else:
        built.plain(brush, colour)
    canvas.restore()


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One sentence about a name that isn't known, with the nearest ones (or all) that are."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known
    return f"There is no {kind} called {name!r}: use {' or '.join(repr(n) for n in near)}."
