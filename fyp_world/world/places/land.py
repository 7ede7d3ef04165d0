"""Gentle scenes of the land: park, forest, mountain, farm, castle."""

from __future__ import annotations

import numpy as np

from fyp_world.world.canvas import skia
from fyp_world.world.places.brush import SIZE, Brush, Colour, box, mix, oval, polygon, smooth

GRASS: Colour = (122, 192, 84)


def park(b: Brush) -> None:
    horizon = b.between(104, 122)
    b.sky(horizon + 8, low_sun=34)
    b.fill(b.ridge(horizon - 12, 9, 9), b.tone((110, 170, 120), 0.35))
    b.fill(b.ridge(horizon, 3, 5), b.tone((92, 160, 78), 0.1))
    b.ground(horizon + 8, b.tone((142, 204, 92)), b.tone((78, 156, 66)))
    top, foot = b.beside(b.between(-20, 20)), b.beside(b.between(-30, 10))
    bend = b.beside(-50)
    path = [(top - 4, horizon + 6), (bend - 12, horizon + 46), (foot - 78, 280), (foot - 80, 420)]
    path += [(foot + 80, 420), (foot + 72, 280), (bend + 26, horizon + 46), (top + 4, horizon + 6)]
    b.fill(smooth(path), b.tone((232, 208, 158)))
    for x in (b.beside(-b.between(30, 50)), b.beside(b.between(35, 55))):
        b.leafy_tree(x, horizon + b.between(10, 16), b.between(48, 62), 0.22)
    b.leafy_tree(b.beside(-b.between(92, 108)), horizon + 30, b.between(108, 124))
    b.leafy_tree(b.beside(b.between(104, 120)), horizon + 44, b.between(126, 146))
    _bench(b, b.beside(b.between(70, 80)), horizon + 52)
    _lamp_post(b, b.beside(-b.between(66, 76)), horizon + 48)


def _bench(b: Brush, x: float, y: float) -> None:
    wood, iron = b.tone((190, 112, 60)), b.tone((62, 64, 84))
    b.fill(oval(x, y + 1, 30, 4), (16, 22, 30), 0.25)
    for leg in (-20, 17):
        b.fill(box(x + leg, y - 24, x + leg + 4, y + 1, 1), iron)
    for top in (-27, -20, -11):
        b.fill(box(x - 27, y + top, x + 27, y + top + 5, 1.5), wood)


def _lamp_post(b: Brush, x: float, y: float) -> None:
    iron = b.tone((58, 66, 84))
    if b.time != "day":
        b.glow(x, y - 76, 40, (255, 220, 130), 0.75)
    b.fill(box(x - 2, y - 70, x + 2, y), iron)
    b.fill(box(x - 5, y - 4, x + 5, y, 2), iron)
    bright = (255, 240, 190) if b.time != "day" else b.tone((250, 246, 220))
    b.fill(oval(x, y - 76, 7, 8), bright)
    b.fill(box(x - 7, y - 86, x + 7, y - 82, 2), iron)


def forest(b: Brush) -> None:
    horizon = b.between(128, 142)
    haze = b.tone((198, 226, 178))
    b.backdrop(mix(haze, b.light.sky[1], 0.75), mix(haze, b.light.sky[2], 0.4))
    sun_x = b.beside(b.between(20, 50))
    b.glow(sun_x, 40, 110, b.light.shine, 0.5 if b.time == "day" else 0.65)
    if b.time == "night":
        b.fill(oval(sun_x, 34, 13, 13), (244, 240, 214))
    layers = (
        (9, 118, 0.66, (110, 170, 112)),
        (7, 112, 0.36, (66, 136, 88)),
        (6, 92, 0.08, (40, 104, 68)),
    )
    for count, height, far, green in layers:
        colour = b.tone(green, far)
        b.fill(box(0, horizon - 8, SIZE, SIZE), mix(colour, (10, 40, 40), 0.12))
        spread = np.linspace(-8, SIZE + 8, count)
        for x in spread + b.rng.uniform(-9, 9, count):
            b.conifer(float(x), horizon + 8, height * b.between(0.85, 1.15), colour)
        horizon += 6
    b.ground(horizon, b.tone((74, 128, 66)), b.tone((46, 88, 56)))
    clearing = [(70, horizon + 4), (190, horizon + 4), (250, 262), (10, 262)]
    b.fill(smooth(clearing), b.tone((134, 162, 88)), 0.6)
    for side in (-1, 1):
        x = 128 + side * b.between(108, 120)
        bark = b.tone((104, 72, 52))
        roots = [
            (x - 15, -4),
            (x + 15, -4),
            (x + 15, 190),
            (x + 30, 226),
            (x - 30, 226),
            (x - 15, 190),
        ]
        b.solid(polygon(roots), bark, 0.45)
        for dx, r in ((-20, 13), (2, 17), (22, 12)):
            b.fill(oval(x + dx, 230 - 0.4 * r, r, r), b.tone((66, 146, 72)))
            b.fill(oval(x + dx, -2, 2 * r, 1.4 * r), b.tone((44, 112, 66)))
    x = b.beside(b.between(76, 86))
    for dx, r in ((0, 9), (15, 6)):
        b.fill(box(x + dx - 0.35 * r, 216, x + dx + 0.35 * r, 217 + r, 1), b.tone((250, 236, 210)))
        cap = [
            (x + dx - r, 217),
            (x + dx - 0.7 * r, 216 - r),
            (x + dx + 0.7 * r, 216 - r),
            (x + dx + r, 217),
        ]
        b.fill(smooth(cap), b.tone((222, 64, 54)))


def mountain(b: Brush) -> None:
    horizon = b.between(132, 146)
    b.sky(horizon, clouds=2, low_sun=84)
    b.fill(_range(b, horizon, 56, 5), b.tone((130, 156, 196), 0.42))
    for offset, height, half in ((b.between(52, 66), 84, 78), (-b.between(22, 40), 118, 104)):
        _peak(b, b.beside(offset), horizon + 6, height * b.between(0.92, 1.05), half)
    b.fill(b.ridge(horizon - 2, 6, 5), b.tone((92, 148, 110), 0.12))
    b.ground(horizon + 12, b.tone((128, 186, 88)), b.tone((84, 146, 68)))
    b.fill(b.ridge(horizon + 14, 6, 3), b.tone((132, 192, 92)))
    for x in (6, 30, 52, 206, 228, 250):
        base = horizon + 26 + abs(x - 128) * 0.16
        b.conifer(x + b.between(-5, 5), base, b.between(44, 66), b.tone((40, 106, 80)))
    b.rock(b.beside(92), 226, 17, b.tone((150, 152, 164)))
    b.rock(b.beside(-104), 206, 11, b.tone((150, 152, 164)))


def _range(b: Brush, y: float, rise: float, count: int) -> skia.Path:
    """A jagged skyline of `count` summits."""
    points = [(-10.0, SIZE)]
    for i in range(2 * count + 1):
        drop = rise * (b.between(0.75, 1.1) if i % 2 else b.between(0.2, 0.45))
        points.append((i * SIZE / (2 * count), y - drop))
    return polygon([*points, (SIZE + 10, SIZE)])


def _peak(b: Brush, x: float, base: float, height: float, half: float) -> None:
    """A mountain with a lit and a shaded face and a cap of snow."""
    tip, s = (x, base - height), -b.side
    ridge = [(x + 6 * s, base - 0.72 * height), (x - 5 * s, base - 0.4 * height), (x + 8 * s, base)]
    lit, dark = b.tone((150, 158, 186), 0.12), b.tone((92, 102, 140), 0.12)
    b.fill(polygon([tip, (x - half, base), (x + half, base)]), lit)
    b.fill(polygon([tip, *ridge, (x + half * s, base)]), dark)
    line = 0.34
    level = base - height * (1 - line)
    w = half * line
    zigzag = [(x + w, level), (x + 0.5 * w, level - 9), (x + 0.22 * w, level + 6)]
    zigzag += [(x - 0.2 * w, level - 7), (x - 0.55 * w, level + 7), (x - w, level)]
    b.fill(polygon([tip, *zigzag]), b.tone((250, 252, 255)))
    shaded = [p for p in zigzag if (p[0] - x) * s > 0]
    b.fill(polygon([tip, *(shaded if s > 0 else shaded[::-1]), ridge[0]]), b.tone((176, 196, 226)))


def farm(b: Brush) -> None:
    horizon = b.between(116, 130)
    b.sky(horizon, low_sun=26)
    b.fill(b.ridge(horizon - 6, 8, 4), b.tone((140, 188, 110), 0.3))
    b.ground(horizon + 4, b.tone((236, 204, 104)), b.tone((214, 164, 70)))
    far_x = b.beside(-30)
    for i in range(-7, 8):
        row = [(far_x + 9 * i - 2, horizon + 4), (far_x + 9 * i + 2, horizon + 4)]
        row += [(far_x + 62 * i + 12, SIZE), (far_x + 62 * i - 12, SIZE)]
        b.fill(polygon(row), b.tone((122, 164, 64)), 0.75)
    _barn(b, b.beside(-b.between(72, 80)), horizon + 22)
    b.leafy_tree(b.beside(b.between(106, 116)), horizon + 18, b.between(76, 92))
    x0, x1 = sorted((b.beside(62), b.beside(140)))
    for y in (horizon + 22, horizon + 33):
        b.fill(box(x0, y, x1, y + 4.5), b.tone((246, 240, 226)))
    for x in np.linspace(x0 + 4, x1 - 4, 4):
        b.fill(
            box(float(x) - 3, horizon + 16, float(x) + 3, horizon + 46, 1), b.tone((250, 246, 236))
        )
    x, y = b.beside(94), horizon + 82
    b.fill(oval(x, y + 17, 25, 5), (16, 22, 30), 0.25)
    b.solid(oval(x, y, 21, 19), b.tone((232, 188, 84)), 0.3)
    for r in (13, 6):
        b.line(oval(x, y, r, r * 0.9), b.tone((186, 134, 50)), 2.2)


def _barn(b: Brush, x: float, base: float) -> None:
    red, dark, white = b.tone((204, 58, 50)), b.tone((120, 52, 62)), b.tone((252, 246, 238))
    silo = x + 44 * b.side
    b.solid(box(silo - 12, base - 84, silo + 12, base), b.tone((190, 200, 212)), 0.4)
    b.solid(
        smooth(
            [
                (silo - 13, base - 80),
                (silo - 8, base - 99),
                (silo + 8, base - 99),
                (silo + 13, base - 80),
            ]
        ),
        dark,
    )
    wall = [(x - 36, base), (x - 36, base - 44), (x - 24, base - 66), (x, base - 78)]
    wall += [(x + 24, base - 66), (x + 36, base - 44), (x + 36, base)]
    b.fade(polygon(wall), red, mix(red, (50, 10, 40), 0.3))
    roof = [(x - 41, base - 42), *wall[2:5], (x + 41, base - 42)]
    b.line(polygon([*roof, *wall[2:5][::-1]]), dark, 6)
    b.fill(box(x - 8, base - 60, x + 8, base - 47), white)
    b.fill(box(x - 5, base - 57, x + 5, base - 47), b.lamp((70, 40, 50)))
    b.fill(box(x - 19, base - 36, x + 19, base), white)
    b.fill(box(x - 15, base - 32, x + 15, base), mix(red, (50, 10, 40), 0.25))
    for sign in (-1, 1):
        b.line(polygon([(x - 15 * sign, base - 32), (x + 15 * sign, base)]), white, 3.5)


def castle(b: Brush) -> None:
    horizon = b.between(148, 160)
    b.sky(horizon, clouds=2, low_sun=92)
    b.fill(b.ridge(horizon - 22, 10, 4), b.tone((120, 170, 150), 0.4))
    x = b.beside(-b.between(0, 24))
    b.fill(b.ridge(horizon + 2, 5, 2), b.tone(GRASS))
    _castle_walls(b, x, horizon + 8)
    b.ground(horizon + 6, b.tone((130, 190, 84)), b.tone((80, 148, 72)))
    path = [(x - 13, horizon + 4), (x + 13, horizon + 4), (182, 262), (74, 262)]
    b.fill(polygon(path), b.tone((226, 204, 164)))
    for dx in (-118, 118):
        b.leafy_tree(128 + dx, horizon + 40, b.between(72, 90))


def _castle_walls(b: Brush, x: float, base: float) -> None:
    stone, roof = b.tone((186, 186, 204)), b.tone((78, 96, 186))
    towers = ((-72, 19, 76), (72, 19, 76), (-31, 16, 102), (31, 16, 102))
    b.fade(box(x - 72, base - 52, x + 72, base), stone, mix(stone, (40, 36, 80), 0.25))
    _battlements(b, x - 72, x + 72, base - 52, stone)
    for dx, half, height in towers:
        tx, top = x + dx, base - height
        b.solid(box(tx - half, top, tx + half, base), b.tone((204, 204, 220)), 0.35)
        spire = [(tx - half - 5, top + 2), (tx, top - 1.9 * half), (tx + half + 5, top + 2)]
        b.solid(polygon(spire), roof, 0.4)
        flag_y = top - 1.9 * half
        b.fill(
            polygon([(tx, flag_y - 12), (tx + 12, flag_y - 8), (tx, flag_y - 3)]),
            b.tone((232, 70, 70)),
        )
        b.fill(box(tx - 1.2, flag_y - 12, tx + 1.2, flag_y + 3), b.tone((90, 80, 100)))
        b.fill(box(tx - 4.5, top + 16, tx + 4.5, top + 31, 4.5), b.lamp((74, 74, 110)))
    b.fill(box(x - 17, base - 40, x + 17, base + 10, 16), mix(stone, (40, 36, 80), 0.5))
    b.fill(box(x - 12.5, base - 35, x + 12.5, base + 10, 12), b.tone((112, 72, 52)))


def _battlements(b: Brush, x0: float, x1: float, y: float, colour: Colour) -> None:
    for x in np.arange(x0, x1, 14):
        b.fill(box(float(x), y - 8, float(x) + 8, y + 1), colour)
