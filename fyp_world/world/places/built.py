"""Scenes that people built: street, gym, stage, kitchen, room; and plain backgrounds."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np

from fyp_world.world.canvas import skia
from fyp_world.world.places.brush import SIZE, Brush, Colour, box, mix, oval, polygon, smooth

FACADES: tuple[Colour, ...] = (
    (206, 104, 84),
    (238, 186, 110),
    (112, 150, 186),
    (196, 150, 176),
    (120, 172, 156),
)


def street(b: Brush) -> None:
    horizon, vx = b.between(116, 130), 128 + b.between(-16, 16)
    b.sky(horizon, clouds=2)
    far = b.tone((120, 140, 176), 0.35)
    for x in np.arange(vx - 60, vx + 60, 20):
        b.fill(box(float(x), horizon - b.between(24, 58), float(x) + 18, horizon + 4), far)
    b.ground(horizon, b.tone((196, 192, 196)), b.tone((172, 168, 176)))
    road = [(vx - 9, horizon), (vx + 9, horizon), (vx + 150, SIZE), (vx - 150, SIZE)]
    b.fade(polygon(road), b.tone((116, 118, 134)), b.tone((88, 90, 108)))
    for near, deep in ((1.0, 0.76), (0.6, 0.46), (0.37, 0.28), (0.22, 0.17)):
        y0, y1 = horizon + deep * 132, horizon + near * 132
        dash = [(vx - 7 * deep, y0), (vx + 7 * deep, y0), (vx + 7 * near, y1), (vx - 7 * near, y1)]
        b.fill(polygon(dash), b.tone((250, 220, 110)))
    colours = b.rng.permutation(len(FACADES))
    for side in (-1, 1):
        for i, (outer, inner) in enumerate(((0.24, 0.13), (0.46, 0.25), (1.0, 0.48))):
            facade = FACADES[colours[(i + (side > 0) * 2) % 5]]
            _house(b, vx, horizon, side, outer, inner, facade, b.between(0.8, 1.15), 0.3 - 0.15 * i)
    _street_lamp(b, b.beside(-92), 206)


def _house(
    b: Brush, vx: float, horizon: float, side: int, outer: float, inner: float, facade: Colour,
    tall: float, far: float,
) -> None:  # fmt: skip
    """A house front in perspective: `outer` and `inner` are its ends as shares of the way out."""

    def at(depth: float, level: float) -> tuple[float, float]:
        return vx + side * 150 * depth, horizon + (26 - 150 * tall * level) * depth

    colour = b.tone(facade, far)
    wall = [at(outer, 0), at(outer, 1), at(inner, 1), at(inner, 0)]
    b.fill(polygon(wall), colour if side == b.side else mix(colour, (30, 20, 70), 0.22))
    b.fill(
        polygon([at(outer, 1), at(inner, 1), at(inner, 0.94), at(outer, 0.94)]),
        mix(colour, (30, 20, 60), 0.35),
    )
    span = outer - inner
    for column in (0.14, 0.56):
        a, c = inner + span * column, inner + span * (column + 0.28)
        for low in (0.3, 0.52, 0.74):
            glass = (
                b.lamp((188, 224, 244))
                if b.chance(0.7) or b.time != "night"
                else b.tone((70, 84, 120))
            )
            b.fill(polygon([at(a, low), at(c, low), at(c, low + 0.13), at(a, low + 0.13)]), glass)
    a, c = inner + span * 0.3, inner + span * 0.66
    b.fill(polygon([at(a, 0), at(c, 0), at(c, 0.2), at(a, 0.2)]), b.tone((92, 60, 66), far))


def _street_lamp(b: Brush, x: float, y: float) -> None:
    iron = b.tone((56, 62, 84))
    arm = x + 22 * b.side
    b.fill(box(x - 2.5, y - 128, x + 2.5, y, 2), iron)
    b.line(smooth([(x, y - 120), (x, y - 138), (arm, y - 136)], closed=False), iron, 4.5)
    if b.time != "day":
        b.glow(arm, y - 130, 44, (255, 220, 130), 0.8)
    b.fill(
        oval(arm, y - 132, 9, 5), (255, 244, 200) if b.time != "day" else b.tone((236, 238, 240))
    )


def _view(b: Brush, x0: float, y0: float, x1: float, y1: float, frame: Colour) -> None:
    """A window onto the sky of this time of day."""
    b.fill(box(x0 - 5, y0 - 5, x1 + 5, y1 + 5, 2), frame)
    b.fade(box(x0, y0, x1, y1), b.light.sky[0], b.light.sky[2])
    x, y = x0 + 0.68 * (x1 - x0), y0 + 0.38 * (y1 - y0)
    if b.time == "day":
        b.fill(oval(x, y + 6, 13, 5), (255, 255, 255))
    else:
        b.fill(oval(x, y, 8, 8), (250, 244, 210) if b.time == "night" else (255, 236, 150))
    b.fill(box((x0 + x1) / 2 - 2, y0, (x0 + x1) / 2 + 2, y1), frame)


def _indoor(b: Brush, red: int, green: int, blue: int) -> Colour:
    """A surface indoors: lamps soften what the time of day does."""
    share = {"day": 0.0, "sunset": 0.6, "night": 0.62}[b.time]
    colour = red, green, blue
    return mix(colour, b.tone(colour), share)


def gym(b: Brush) -> None:
    floor = b.between(146, 158)
    paint = partial(_indoor, b)
    b.backdrop(paint(206, 222, 230), paint(160, 186, 204))
    b.fill(box(0, floor - 40, SIZE, floor), paint(96, 150, 186))
    for x in (14, 100, 186):
        _view(b, x, 14, x + 56, 48, paint(246, 248, 250))
    b.ground(floor, paint(232, 178, 112), paint(196, 134, 76))
    for i in range(-6, 7):
        board = [
            (128 + 24 * i - 0.8, floor),
            (128 + 24 * i + 0.8, floor),
            (128 + 52 * i + 2, SIZE),
            (128 + 52 * i - 2, SIZE),
        ]
        b.fill(polygon(board), paint(176, 116, 68), 0.7)
    b.line(oval(128, floor + 62, 104, 30), paint(250, 250, 250), 4.5)
    _wall_bars(b, b.beside(b.between(74, 84)), floor + 8, paint(184, 112, 56), paint(246, 200, 134))
    bag = b.beside(-b.between(84, 94))
    b.fill(box(bag - 1.5, 0, bag + 1.5, 66), paint(70, 74, 90))
    b.fill(oval(bag, floor + 22, 22, 5), (40, 20, 30), 0.3)
    b.solid(box(bag - 16, 64, bag + 16, 142, 9), paint(214, 56, 56), 0.45)
    b.fill(box(bag - 16, 80, bag + 16, 88), paint(250, 250, 250))
    _barbell(b, b.beside(-82), floor + 58)


def _wall_bars(b: Brush, x: float, base: float, post: Colour, rung: Colour) -> None:
    for y in np.arange(64, base - 6, 14):
        b.fill(box(x - 33, float(y), x + 33, float(y) + 5, 2), rung)
    for dx in (-36, 30):
        b.fill(box(x + dx, 56, x + dx + 6, base, 1), post)


def _barbell(b: Brush, x: float, y: float) -> None:
    b.fill(oval(x, y + 17, 42, 4), (40, 20, 30), 0.3)
    b.fill(box(x - 40, y - 2, x + 40, y + 2, 2), _indoor(b, 190, 196, 206))
    for dx, half in ((-34, 10), (-25, 17), (25, 17), (34, 10)):
        b.fill(box(x + dx - 4, y - half, x + dx + 4, y + half, 3), _indoor(b, 52, 56, 74))


def stage(b: Brush) -> None:
    floor = b.between(166, 178)
    moods: dict[str, tuple[Colour, Colour, Colour]] = {
        "day": ((112, 84, 140), (255, 244, 200), (214, 40, 56)),
        "sunset": ((150, 66, 92), (255, 176, 84), (196, 44, 40)),
        "night": ((38, 40, 104), (110, 170, 255), (120, 26, 78)),
    }
    back, beam, curtain = moods[b.time]
    b.backdrop(mix(back, (20, 10, 40), 0.35), back)
    b.fade(
        box(0, floor, SIZE, SIZE), mix((214, 146, 90), back, 0.35), mix((160, 98, 62), back, 0.3)
    )
    for i in range(-8, 9):
        board = [
            (128 + 20 * i - 0.8, floor),
            (128 + 20 * i + 0.8, floor),
            (128 + 34 * i + 1.6, SIZE),
            (128 + 34 * i - 1.6, SIZE),
        ]
        b.fill(polygon(board), (70, 34, 40), 0.4)
    for x, target in ((b.beside(-70), b.beside(16)), (b.beside(62), b.beside(-22))):
        cone = polygon([(x - 5, 28), (x + 5, 28), (target + 58, 226), (target - 58, 226)])
        b.fade(cone, mix(back, beam, 0.85), mix(back, beam, 0.5), alpha=0.5)
        b.fill(oval(target, 226, 58, 15), beam, 0.5)
    for side in (-1, 1):
        _curtain(b, 128 + side * 128, side, curtain, b.between(42, 54))
    for i in range(9):
        x = i * 32
        b.fade(
            oval(x, 12, 20, 24), mix(curtain, (255, 120, 110), 0.12), mix(curtain, (40, 0, 30), 0.4)
        )
    b.fill(box(0, 0, SIZE, 9), mix(curtain, (40, 0, 30), 0.35))
    b.fill(box(0, 246, SIZE, SIZE), mix((70, 40, 48), back, 0.3))
    for x in range(20, 256, 36):
        b.fill(oval(x, 246, 7, 6), mix(beam, (255, 255, 255), 0.4))


def _curtain(b: Brush, edge: float, side: int, colour: Colour, width: float) -> None:
    for i in range(4):
        near, far = edge - side * width * i / 4, edge - side * width * (i + 1) / 4
        sway = -side * 7.0
        fold = [(near, 0), (far, 0), (far + sway, 130), (far - sway, 232), (near - sway, 232)]
        light, dark = mix(colour, (255, 130, 110), 0.15), mix(colour, (40, 0, 30), 0.5)
        b.fade(polygon(fold), *((light, dark) if i % 2 else (dark, light)), sideways=True)
    rope = edge - side * width * 0.8
    b.fill(box(min(edge, rope), 140, max(edge, rope), 147, 3), (250, 204, 90))


def kitchen(b: Brush) -> None:
    floor = b.between(160, 170)
    paint = partial(_indoor, b)
    b.backdrop(paint(252, 232, 186), paint(244, 214, 160))
    _tiles(b, floor, paint(246, 240, 228), paint(128, 186, 190))
    b.fill(box(0, floor - 62, SIZE, floor), paint(236, 244, 240))
    cabinet, edge, top = paint(84, 160, 164), paint(52, 118, 130), paint(150, 98, 66)
    window = 128 + b.side * b.between(-6, 6)
    _view(b, window - 34, 22, window + 34, 78, paint(255, 255, 255))
    b.fade(box(0, floor - 54, SIZE, floor), cabinet, mix(cabinet, (20, 30, 60), 0.2))
    for x in range(8, 256, 48):
        b.fill(box(x, floor - 44, x + 40, floor - 6, 3), edge, 0.55)
        b.fill(box(x + 14, floor - 38, x + 26, floor - 34, 2), paint(250, 246, 236))
    b.fill(box(0, floor - 62, SIZE, floor - 53), top)
    fridge = b.beside(b.between(92, 100))
    b.solid(box(fridge - 30, 34, fridge + 30, floor + 8, 8), paint(238, 242, 246), 0.25)
    b.fill(box(fridge - 30, 86, fridge + 30, 90), paint(150, 162, 176))
    for y in (58, 98):
        b.fill(
            box(fridge - 22 * b.side - 2.5, y, fridge - 22 * b.side + 2.5, y + 22, 2),
            paint(130, 140, 156),
        )
    _cooker(b, b.beside(-b.between(82, 92)), floor)


def _tiles(b: Brush, floor: float, light: Colour, dark: Colour) -> None:
    b.ground(floor, light, light)
    depths = [0.0, 0.16, 0.38, 0.66, 1.02]
    for row, (a, c) in enumerate(pairwise(depths)):
        y0, y1 = floor + a * (SIZE - floor), floor + c * (SIZE - floor)
        for i in range(-8 + row % 2, 8, 2):
            w0, w1 = 24 + 26 * a, 24 + 26 * c
            tile = [
                (128 + i * w0, y0),
                (128 + (i + 1) * w0, y0),
                (128 + (i + 1) * w1, y1),
                (128 + i * w1, y1),
            ]
            b.fill(polygon(tile), dark)


def _cooker(b: Brush, x: float, floor: float) -> None:
    steel, dark = _indoor(b, 206, 212, 220), _indoor(b, 60, 64, 84)
    hood = [(x - 12, -2), (x + 12, -2), (x + 14, 26), (x + 34, 48), (x - 34, 48), (x - 14, 26)]
    b.solid(polygon(hood), steel, 0.35)
    b.solid(box(x - 34, floor - 62, x + 34, floor + 6, 4), steel, 0.3)
    b.fill(box(x - 34, floor - 64, x + 34, floor - 57), dark)
    b.fill(box(x - 25, floor - 36, x + 25, floor - 4, 4), dark)
    b.fill(box(x - 19, floor - 30, x + 19, floor - 10, 3), (255, 170, 70))
    for dx in (-20, -7, 7, 20):
        b.fill(oval(x + dx, floor - 47, 3.8, 3.8), dark)
    b.solid(box(x - 20, floor - 84, x + 8, floor - 63, 4), _indoor(b, 226, 72, 64), 0.35)
    b.fill(box(x + 6, floor - 80, x + 24, floor - 75, 2), dark)


def room(b: Brush) -> None:
    floor = b.between(166, 178)
    paint = partial(_indoor, b)
    b.backdrop(paint(164, 196, 190), paint(188, 214, 202))
    b.ground(floor, paint(190, 132, 88), paint(160, 104, 70))
    b.fill(box(0, floor - 7, SIZE, floor), paint(246, 242, 232))
    b.fill(oval(128, 228, 112, 26), paint(206, 84, 84))
    b.line(oval(128, 228, 98, 21), paint(250, 220, 180), 4)
    window = b.beside(-b.between(64, 76))
    _view(b, window - 34, 30, window + 34, 104, paint(252, 250, 244))
    for s in (-1, 1):
        x = window + s * 42
        b.fade(box(x - 12, 20, x + 12, 134, 4), paint(246, 186, 96), paint(222, 148, 66))
    b.fill(box(window - 60, 16, window + 60, 22, 3), paint(120, 78, 56))
    picture = b.beside(b.between(50, 62))
    b.fill(box(picture - 27, 34, picture + 27, 74), paint(150, 96, 60))
    b.fill(box(picture - 22, 39, picture + 22, 69), paint(250, 240, 220))
    b.fill(
        polygon([(picture - 22, 69), (picture - 6, 48), (picture + 22, 69)]), paint(100, 150, 190)
    )
    _sofa(b, b.beside(b.between(38, 50)), floor + 14)
    _floor_lamp(b, b.beside(110), floor + 18)
    plant = b.beside(-112)
    for dx, h in ((-16, 56), (0, 76), (15, 60)):
        b.fill(oval(plant + dx, floor - 14 - h / 2, 9, h / 2), paint(66, 140 - dx, 84))
    pot = [
        (plant - 16, floor - 18),
        (plant + 16, floor - 18),
        (plant + 11, floor + 14),
        (plant - 11, floor + 14),
    ]
    b.solid(polygon(pot), paint(214, 110, 72), 0.4)


def _sofa(b: Brush, x: float, base: float) -> None:
    blue = _indoor(b, 74, 110, 178)
    b.fill(oval(x, base + 1, 66, 6), (20, 14, 34), 0.3)
    b.solid(box(x - 54, base - 64, x + 54, base - 8, 12), blue, 0.3)
    b.fade(box(x - 50, base - 34, x + 50, base - 4, 7), mix(blue, (255, 255, 255), 0.18), blue)
    for dx in (-58, 58):
        b.solid(
            box(x + dx - 11, base - 44, x + dx + 11, base, 9), mix(blue, (20, 14, 60), 0.15), 0.35
        )
    b.fill(box(x - 1, base - 34, x + 1, base - 6), mix(blue, (20, 14, 60), 0.4))


def _floor_lamp(b: Brush, x: float, base: float) -> None:
    if b.time != "day":
        b.glow(x, 84, 74, (255, 214, 120), 0.8)
    b.fill(box(x - 2, 96, x + 2, base), _indoor(b, 80, 64, 66))
    b.fill(oval(x, base, 14, 4), _indoor(b, 80, 64, 66))
    shade = polygon([(x - 12, 66), (x + 12, 66), (x + 21, 98), (x - 21, 98)])
    b.fill(shade, (255, 232, 160) if b.time != "day" else (250, 236, 206))


def plain(b: Brush, colour: Colour) -> None:
    """A studio backdrop: brighter behind the person, a soft floor below."""
    edge = mix(colour, (20, 14, 40), 0.26)
    b.backdrop(edge, edge)
    b.glow(
        128 + b.between(-14, 14), b.between(92, 116), 205, mix(colour, (255, 255, 255), 0.1), 1.0
    )
    floor = b.between(186, 202)
    b.canvas.save()
    b.canvas.clipPath(skia.Path.Rect(skia.Rect(0, floor, SIZE, SIZE)), True)
    b.fade(
        box(0, floor, SIZE, SIZE),
        mix(colour, (20, 14, 40), 0.16),
        mix(colour, (255, 255, 255), 0.06),
        alpha=0.55,
    )
    b.canvas.restore()
