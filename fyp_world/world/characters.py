"""Draw a character in a figure's pose: `draw_character(canvas, "panda", figure)`.

Every part is built from the figure's joints and drawn from the farthest to the nearest, so that
any pose works, seen from any side.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from fyp_world.world.canvas import skia
from fyp_world.world.cast.character import Character
from fyp_world.world.cast.face import HeadPen
from fyp_world.world.cast.frame import Body, measure
from fyp_world.world.cast.limbs import Palette, arm_poses, draw_arm, draw_leg, leg_poses
from fyp_world.world.cast.pen import Pen, capsule, shade
from fyp_world.world.cast.roster import CHARACTERS, CLOTHES_COLOURS
from fyp_world.world.cast.torso import torso_path

if TYPE_CHECKING:
    from fyp_world.world.figure import Figure

__all__ = ["CHARACTERS", "CLOTHES_COLOURS", "Character", "draw_character"]

CUTE = 1.5  # how much larger the head and the eyes of a cute character are
Layer = tuple[float, Callable[[], None]]


def draw_character(
    canvas: skia.Canvas,
    name: str,
    figure: Figure,
    *,
    colour: str | None = None,
    cute: bool = False,
) -> None:
    """Draw one character over what is on the canvas.

    Args:
        canvas: in the same pixels as the figure's joints.
        name: one of `CHARACTERS`.
        figure: joints `(17, 2)`, depth `(17,)` and height in pixels, all finite.
        colour: one of `CLOTHES_COLOURS` for the main garment, where the character is
            `recolourable`; None keeps its own.
        cute: a larger head with larger eyes.

    Raises:
        ValueError: unknown name or colour, a colour for a character that has no plain clothes,
            or a figure without a positive height or with joints that are not finite.
    """
    character = CHARACTERS.get(name)
    if character is None:
        raise ValueError(f"There is no character {name!r}{_near(name, CHARACTERS)}.")
    finite = np.isfinite(figure.joints).all() and np.isfinite(figure.depth).all()
    if not (0 < figure.height < np.inf and finite):
        raise ValueError(
            f"A figure needs finite joints and depths and a height above 0 pixels,"
            f" but this one has a height of {figure.height:g} and"
            f" {'only finite' if finite else 'some missing (NaN or infinite)'} joints."
        )
    palette = _dress(character, colour)
    body = measure(figure)
    line = max(0.0085 * body.height, 0.8)
    pen = Pen(canvas, line)
    layers = _limb_layers(pen, character, palette, body)
    layers += _torso_layers(pen, character, palette, body)
    layers += _head_layers(pen, character, palette, body, CUTE if cute else 1.0)
    for _, draw in sorted(layers, key=lambda layer: layer[0]):
        draw()


def _dress(character: Character, colour: str | None) -> Palette:
    if colour is None:
        return character.palette
    if colour not in CLOTHES_COLOURS:
        raise ValueError(f"There is no clothes colour {colour!r}{_near(colour, CLOTHES_COLOURS)}.")
    if not character.recolourable:
        able = ", ".join(c.name for c in CHARACTERS.values() if c.recolourable)
        raise ValueError(
            f"The clothes of the {character.name} have fixed colours, so {colour!r} cannot be used:"
            f" leave the colour out or choose one of {able}."
        )
    return {**character.palette, "top": CLOTHES_COLOURS[colour]}


def _near(name: str, known: Iterable[str]) -> str:
    """How a sentence about an unknown name goes on: with the nearest known ones, or all."""
    names = list(known)
    near = difflib.get_close_matches(str(name).lower(), names, n=3, cutoff=0.5)
    if near:
        return f"; the nearest are: {', '.join(near)}"
    return f"; choose from: {', '.join(names)}"


def _limb_layers(pen: Pen, character: Character, palette: Palette, body: Body) -> list[Layer]:
    layers: list[Layer] = []
    for pose in leg_poses(body):
        draw = partial(draw_leg, pen, pose, character.leg, palette, body)
        # A skirt covers the tops of both legs, however high they are raised.
        depth = min(pose.depth, -0.009 * body.height) if character.skirt else pose.depth
        layers.append((depth, draw))
    for pose in arm_poses(body):
        layers.append((pose.depth, partial(draw_arm, pen, pose, character.arm, palette, body)))
    return layers


def _torso_layers(pen: Pen, character: Character, palette: Palette, body: Body) -> list[Layer]:
    h = body.height
    path = torso_path(body, character.build)
    colour = palette[character.torso]

    def torso() -> None:
        pen.shaded(path, colour)
        pen.canvas.save()
        pen.canvas.clipPath(path, doAntiAlias=True)
        for thing in character.wear:
            thing.draw(pen, body, palette)
        pen.canvas.restore()

    # The outline goes under the legs, so that no line parts them from the hips.
    layers: list[Layer] = [(-0.02 * h, lambda: pen.outline(path, colour)), (0.0, torso)]
    if character.skirt:
        layers.append((0.001 * h, partial(character.skirt.draw, pen, body, palette)))
    for thing in character.behind:
        layers.append(((-0.09 * body.front - 0.005) * h, partial(thing.draw, pen, body, palette)))
    for thing in character.before:
        layers.append(((0.09 * body.front + 0.06) * h, partial(thing.draw, pen, body, palette)))
    return layers


def _head_layers(
    pen: Pen, character: Character, palette: Palette, body: Body, size: float
) -> list[Layer]:
    h = body.height
    head = body.head

    def draw() -> None:
        if "skin" in palette:
            neck = capsule(body.neck, head.centre, 0.042 * h, 0.042 * h)
            pen.flat(neck, shade(palette["skin"], 0.2))
        radius = character.head_radius * h * size
        with HeadPen(pen.canvas, head, radius, pen.line, size) as face:
            character.head(face, palette)

    # In front of hanging arms; only arms that reach well forward cover it.
    return [(head.depth + 0.14 * h, draw)]
