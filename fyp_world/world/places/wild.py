"""Scenes at the ends of the world: volcano, desert, snow, moon, space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fyp_world.world.canvas import skia
from fyp_world.world.places.brush import SIZE, Brush, Colour, Point, box, mix, oval, polygon, smooth


def volcano(b: Brush) -> None:
    horizon = b.between(140, 152)
    skies = {
        "day": ((128, 146, 190), (246, 208, 176)),
        "sunset": ((112, 34, 66), (250, 116, 58)),
        "night": ((20, 12, 40), (104, 30, 60)),
    }
    b.backdrop(*skies[b.time])
    if b.time == "night":
        b.stars(16, 70)
    x, top, half = b.beside(b.between(14, 44)), b.between(56, 66), 27
    smoke = mix(skies[b.time][0], (235, 225, 225) if b.time == "day" else (40, 26, 44), 0.55)
    for dx, dy, r in ((-4, -14, 20), (12, -30, 25), (-12, -44, 29), (26, -58, 30)):
        b.fill(oval(x + dx, top + dy, r, r * 0.8), smoke, 0.85)
    b.glow(x, top, 74, (255, 130, 40), 0.85)
    rock = b.tone((122, 92, 98))
    cone = [(x - half, top), (x - 60, top + 44), (x - 150, horizon + 14), (x + 150, horizon + 14)]
    cone += [(x + 60, top + 44), (x + half, top)]
    b.solid(polygon(cone), rock, 0.5)
    for dx, spread, width in ((0, 10, 10), (-15, -52, 7.5), (16, 62, 7.5)):
        stream = [
            (x + dx, top),
            (x + dx + 0.3 * spread, top + 26),
            (x + dx + 0.5 * spread, top + 46),
        ]
        stream += [(x + dx + 1.2 * spread, horizon + 8)]
        b.line(_open(stream), (232, 62, 22), width + 3)
        b.line(_open(stream), (255, 168, 44), width - 3)
    b.fill(oval(x, top, half + 1, 7), (255, 196, 70))
    b.ground(horizon + 6, b.tone((142, 108, 108)), b.tone((104, 78, 92)))
    for x0, y in ((b.beside(-76), 186), (b.beside(86), 212), (b.beside(-50), 240)):
        crack = [(x0 - 40, y + 4), (x0 - 14, y - 4), (x0 + 8, y + 5), (x0 + 44, y - 2)]
        b.line(_open(crack), (226, 62, 26), 8)
        b.line(_open(crack), (255, 184, 60), 3.5)
    b.rock(b.beside(106), horizon + 40, 17, b.tone((96, 70, 84)))
    b.rock(b.beside(-112), horizon + 56, 15, b.tone((96, 70, 84)))


def _open(points: Sequence[Point]) -> skia.Path:
    return smooth(points, closed=False)


def desert(b: Brush) -> None:
    horizon = b.between(116, 130)
    b.sky(horizon + 10, clouds=0)
    x = b.beside(-b.between(50, 66))
    if b.chance(0.6):
        for dx, height in ((44, 42), (0, 66)):
            tip, foot = (x + dx, horizon + 4 - height), horizon + 8
            b.fill(
                polygon([tip, (tip[0] - height, foot), (tip[0] + height, foot)]),
                b.tone((234, 190, 122), 0.1),
            )
            shade = polygon(
                [tip, (tip[0] - 0.25 * b.side * height, foot), (tip[0] - b.side * height, foot)]
            )
            b.fill(shade, b.tone((176, 124, 80), 0.1))
    b.fill(b.ridge(horizon, 9, 3), b.tone((244, 206, 142), 0.15))
    for i, (y, width) in enumerate(((horizon + 18, 130), (horizon + 44, 170), (horizon + 84, 210))):
        _dune(b, b.beside((-70, 60, -40)[i] + b.between(-20, 20)), y, width, i / 2)
    for offset, y, h in ((96, horizon + 70, 78), (-106, horizon + 44, 50)):
        _cactus(b, b.beside(offset), y, h * b.between(0.9, 1.1))


def _dune(b: Brush, x: float, y: float, width: float, near: float) -> None:
    """A crest with a lit slope towards the sun and a shaded one away from it."""
    rise, s = 0.17 * width, b.side
    sand = mix((250, 214, 142), (236, 176, 98), near)
    slope = skia.Path()
    slope.moveTo(-20, y + rise)
    slope.cubicTo(x - width, y + rise, x - 0.5 * width, y, x, y)
    slope.cubicTo(x + 0.5 * width, y, x + width, y + rise, 276, y + rise)
    slope.lineTo(276, SIZE)
    slope.lineTo(-20, SIZE)
    slope.close()
    b.fade(slope, b.tone(mix(sand, (255, 240, 196), 0.4)), b.tone(mix(sand, (196, 116, 66), 0.2)))
    shade = skia.Path()
    shade.moveTo(x, y)
    shade.cubicTo(x - 0.5 * s * width, y, x - s * width, y + rise, x - s * 300, y + rise)
    shade.cubicTo(x - s * 0.7 * width, y + 1.5 * rise, x - s * 0.1 * width, y + 1.5 * rise, x, y)
    b.fill(shade, b.tone((190, 112, 64)), 0.42)


def _cactus(b: Brush, x: float, base: float, h: float) -> None:
    green = b.tone((66, 144, 84))
    w = 0.095 * h
    b.fill(oval(x, base, 0.3 * h, 0.05 * h), (60, 24, 40), 0.25)
    for s, low, high in ((-1, 0.4, 0.72), (1, 0.28, 0.58)):
        arm = [
            (x, base - low * h),
            (x + s * 0.26 * h, base - low * h),
            (x + s * 0.26 * h, base - high * h),
        ]
        b.line(_open(arm), mix(green, (10, 30, 50), 0.18), 1.5 * w)
    b.solid(box(x - w, base - h, x + w, base, w), green, 0.4)


def snow(b: Brush) -> None:
    horizon = b.between(112, 126)
    b.sky(horizon + 4, clouds=2)
    b.canvas.save()
    b.canvas.clipRect(skia.Rect(0, 0, SIZE, horizon))
    for y, colour in ((30, (80, 240, 170)), (56, (120, 150, 250))):
        aurora = b.ridge(y, 10, 3)
        if b.time == "night":
            b.fade(aurora, colour, b.light.sky[2], alpha=0.42)
    b.canvas.restore()
    ice, sea = b.water((196, 228, 246), 0.8), b.water((74, 142, 190), 0.3)
    b.fill(box(0, horizon - 2, SIZE, horizon + 40), sea)
    for offset, h, half in ((-84, 58, 46), (30, 34, 36), (96, 74, 44)):
        x = b.beside(offset + b.between(-8, 8))
        berg = [
            (x - half, horizon + 8),
            (x - 0.62 * half, horizon - 0.7 * h),
            (x - 0.1 * half, horizon - h),
        ]
        berg += [(x + 0.4 * half, horizon - 0.55 * h), (x + half, horizon + 8)]
        b.fill(polygon(berg), ice)
        side = berg[3:] if b.side < 0 else [berg[1], berg[0]]
        b.fill(polygon([berg[2], *side, (x, horizon + 8)]), b.water((120, 176, 220), 0.1))
    b.fade(b.ridge(horizon + 20, 4, 3), b.tone((228, 242, 252)), b.tone((176, 206, 234)))
    b.fade(b.ridge(horizon + 58, 8, 2), b.tone((240, 248, 255)), b.tone((186, 212, 238)))
    _igloo(b, b.beside(-b.between(76, 86)), horizon + 62)
    for dx, dy in ((92, 54), (112, 68)):
        b.conifer(b.beside(dx), horizon + dy, b.between(50, 66), b.tone((58, 118, 118)), snow=True)
    for x, y in np.random.default_rng(b.rng.integers(9999)).uniform((0, 0), (SIZE, 210), (22, 2)):
        b.fill(oval(x, y, 2.2, 2.2), b.tone((255, 255, 255)), 0.9)


def _igloo(b: Brush, x: float, base: float) -> None:
    wall, seam = mix(b.tone((246, 250, 255)), b.light.shine, 0.3), b.tone((150, 180, 214))
    b.fill(oval(x, base, 44, 6), (30, 60, 110), 0.25)
    b.canvas.save()
    b.canvas.clipPath(box(0, 0, SIZE, base), True)
    b.solid(oval(x, base, 38, 42), wall, 0.25)
    b.line(oval(x, base, 38, 42), seam, 2.5)
    b.line(oval(x, base, 38, 26), seam, 2)
    b.line(oval(x, base + 4, 20, 44), seam, 2)
    door = x + 14 * b.side
    b.fill(oval(door, base, 18, 24), wall)
    b.line(oval(door, base, 18, 24), seam, 2.5)
    b.fill(oval(door, base, 11, 17), b.lamp((52, 84, 130)))
    b.canvas.restore()


def moon(b: Brush) -> None:
    horizon = b.between(128, 146)

    def dust(red: int, green: int, blue: int) -> Colour:
        grey = red, green, blue
        return mix(grey, b.tone(grey), {"day": 0.0, "sunset": 0.4, "night": 0.75}[b.time])

    b.backdrop((10, 10, 26), (34, 36, 66))
    b.stars(46, horizon)
    earth(b, b.beside(b.between(58, 82)), b.between(46, 62), b.between(26, 34))
    b.fill(b.ridge(horizon - 8, 8, 4), dust(112, 114, 130))
    b.fade(b.ridge(horizon + 8, 4, 3), dust(186, 186, 194), dust(134, 134, 150))
    for offset, below, radius in (
        (-84, 24, 22),
        (36, 18, 15),
        (100, 46, 28),
        (-30, 48, 19),
        (-104, 82, 34),
        (74, 96, 36),
    ):
        x, y, r = (
            b.beside(offset + b.between(-10, 10)),
            horizon + below,
            radius * b.between(0.85, 1.15),
        )
        b.fill(oval(x, y, r, 0.32 * r), dust(218, 218, 224))
        b.fill(oval(x, y + 0.05 * r, 0.86 * r, 0.25 * r), dust(92, 92, 112))
        b.fill(oval(x, y + 0.12 * r, 0.66 * r, 0.17 * r), dust(122, 122, 140))
    b.rock(b.beside(-112), horizon + 14, 13, dust(128, 128, 142))
    b.mist()


def space(b: Brush) -> None:
    clouds: dict[str, tuple[Colour, Colour, Colour]] = {
        "day": ((20, 20, 62), (92, 60, 170), (40, 110, 180)),
        "sunset": ((44, 16, 52), (206, 70, 110), (236, 128, 74)),
        "night": ((8, 12, 34), (28, 54, 110), (24, 84, 110)),
    }
    dark, one, two = clouds[b.time]
    b.backdrop(dark, mix(dark, one, 0.35))
    b.glow(b.beside(-b.between(30, 70)), b.between(60, 100), 130, one, 0.7)
    b.glow(b.beside(b.between(20, 60)), b.between(130, 190), 110, two, 0.5)
    b.stars(60, SIZE)
    planet_x, planet_y = b.beside(b.between(76, 92)), b.between(38, 54)
    b.solid(oval(planet_x, planet_y, 18, 18), (226, 158, 96), 0.55)
    b.canvas.save()
    b.canvas.rotate(-18 * b.side, planet_x, planet_y)
    ring = oval(planet_x, planet_y, 33, 7)
    b.canvas.clipPath(box(planet_x - 12, 0, planet_x + 12, planet_y), skia.ClipOp.kDifference, True)
    b.line(ring, (246, 214, 160), 3.6)
    b.canvas.restore()
    r = b.between(76, 90)
    earth(b, b.beside(-b.between(56, 80)), SIZE - 0.12 * r, r)


def earth(b: Brush, x: float, y: float, r: float) -> None:
    """The planet, lit from the scene's side."""
    b.glow(x, y, 1.45 * r, (96, 170, 255), 0.6)
    b.canvas.save()
    b.canvas.clipPath(oval(x, y, r, r), True)
    b.fill(oval(x, y, r, r), (46, 124, 214))
    america = [
        (-0.7, -0.6),
        (-0.1, -0.75),
        (0.0, -0.35),
        (-0.3, -0.1),
        (-0.05, 0.3),
        (-0.25, 0.75),
        (-0.5, 0.2),
    ]
    africa = [(0.35, -0.5), (0.85, -0.55), (1.0, 0.0), (0.7, 0.5), (0.5, 0.1), (0.3, -0.15)]
    for land in (america, africa):
        b.fill(smooth([(x + px * r, y + py * r) for px, py in land]), (92, 178, 92))
    for px, py, w in ((-0.35, -0.88, 0.6), (0.3, -0.2, 0.42), (-0.45, 0.5, 0.4), (0.2, 0.85, 0.6)):
        b.fill(oval(x + px * r, y + py * r, w * r, 0.11 * r), (248, 252, 255), 0.85)
    night_side = {"day": 0.5, "sunset": 0.62, "night": 0.3}[b.time]
    shadow = x - b.side * 1.1 * r
    b.glow(shadow, y + 0.3 * r, (1.5 + night_side) * r, (8, 10, 40), 0.9)
    b.canvas.restore()
