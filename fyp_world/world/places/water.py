"""Scenes at the sea and in it: sea, beach, underwater."""

from __future__ import annotations

import numpy as np

from fyp_world.world.canvas import skia
from fyp_world.world.places.brush import SIZE, Brush, Colour, box, mix, oval, polygon, smooth


def sea(b: Brush) -> None:
    horizon = b.between(92, 112)
    sun_x = b.sky(horizon)
    if b.chance(0.5):
        island = b.beside(-b.between(70, 95))
        hill = [
            (island - 44, horizon + 1),
            (island - 20, horizon - 16),
            (island + 14, horizon - 12),
            (island + 40, horizon + 1),
        ]
        b.fill(smooth(hill), b.tone((90, 150, 130), 0.35))
    b.ground(horizon, b.water((84, 186, 214), 0.9), b.water((16, 84, 152), 0.0))
    if b.time != "day":
        b.shimmer(sun_x, horizon, horizon + 70)
    y, step = horizon + 12, 9.0
    while y < SIZE + 10:
        _waves(b, y, step, (y - horizon) / (SIZE - horizon))
        y, step = y + step * 1.45, step * 1.3
    _sailboat(b, b.beside(-b.between(48, 84)), horizon + 12)


def _waves(b: Brush, y: float, size: float, near: float) -> None:
    """One row of round waves with bright crests."""
    colour = b.water(mix((70, 172, 208), (22, 98, 168), near), 0.75 * (1 - near))
    crest = mix(colour, b.light.shine, 0.5)
    width = 2.6 * size
    shift = b.between(0, width)
    row = skia.Path()
    row.moveTo(-width - shift, y)
    for i in range(int(SIZE / width) + 3):
        x = (i - 1) * width - shift
        row.quadTo(x + 0.5 * width, y + 0.55 * size, x + width, y)
    closed = skia.Path(row)
    closed.lineTo(SIZE + 3 * width, y + 2.5 * size)
    closed.lineTo(-2 * width, y + 2.5 * size)
    closed.close()
    b.fill(closed, colour, 0.75)
    b.line(row, crest, max(1.6, 0.2 * size), 0.75)


def _sailboat(b: Brush, x: float, y: float) -> None:
    b.fill(polygon([(x - 2, y - 44), (x - 2, y - 8), (x - 24, y - 8)]), b.tone((250, 250, 250)))
    b.fill(polygon([(x + 2, y - 52), (x + 2, y - 8), (x + 26, y - 8)]), b.tone((240, 84, 66)))
    hull = [(x - 28, y - 5), (x + 30, y - 5), (x + 19, y + 8), (x - 19, y + 8)]
    b.fade(polygon(hull), b.tone((140, 84, 54)), b.tone((88, 50, 44)))


def beach(b: Brush) -> None:
    horizon, shore = b.between(90, 104), b.between(134, 146)
    sun_x = b.sky(horizon)
    b.fade(
        box(0, horizon, SIZE, SIZE), b.water((30, 134, 190), 0.3), b.water((110, 226, 220), 0.85)
    )
    if b.time != "day":
        b.shimmer(sun_x, horizon, shore - 6)
    b.fill(b.ridge(shore, 5, 3), b.tone((255, 255, 255)))
    b.canvas.translate(0, 8)
    sand = b.ridge(shore, 4, 3)
    b.fade(sand, b.tone((238, 206, 146)), b.tone((246, 220, 164)))
    b.canvas.translate(0, -8)
    if b.chance(0.5):
        _sailboat(b, b.beside(-36), horizon + 10)
    _parasol(b, b.beside(b.between(82, 92)), shore + b.between(44, 52))
    _palm(b, b.beside(-b.between(98, 112)), shore + b.between(46, 58), b.between(136, 150))
    _starfish(b, b.beside(-b.between(48, 76)), 232)
    ball = b.beside(b.between(50, 96))
    b.fill(oval(ball, 240, 14, 4), (60, 30, 40), 0.25)
    b.fill(oval(ball, 228, 12, 12), b.tone((250, 250, 250)))
    b.fill(oval(ball, 228, 5, 12), b.tone((70, 150, 230)))
    b.line(oval(ball, 228, 12, 12), b.tone((236, 80, 74)), 3)


def _palm(b: Brush, x: float, base: float, h: float) -> None:
    lean = 0.16 * h * b.side
    crown = (x + lean, base - h)
    trunk = [(x - 7, base), (x - 5 + 0.2 * lean, base - 0.5 * h), (crown[0] - 3, crown[1])]
    trunk += [(crown[0] + 3, crown[1]), (x + 5 + 0.2 * lean, base - 0.5 * h), (x + 7, base)]
    b.fill(oval(x, base, 24, 5), (60, 30, 40), 0.25)
    b.solid(polygon(trunk), b.tone((164, 112, 66)), 0.4)
    for i, angle in enumerate((-2.75, -0.35, -2.2, -0.95, 2.85, 0.3)):
        tip = (crown[0] + 54 * np.cos(angle), crown[1] + 30 * np.sin(angle) + 20)
        mid = (crown[0] + 32 * np.cos(angle), crown[1] + 34 * np.sin(angle) - 6)
        leaf = skia.Path()
        leaf.moveTo(*crown)
        leaf.quadTo(mid[0], mid[1] - 9, *tip)
        leaf.quadTo(mid[0], mid[1] + 13, *crown)
        b.fill(leaf, b.tone(mix((44, 140, 74), (104, 184, 76), i / 5)))
    for dx in (-5, 5):
        b.fill(oval(crown[0] + dx, crown[1] + 6, 5, 5), b.tone((120, 74, 46)))


def _parasol(b: Brush, x: float, base: float) -> None:
    top = base - 66
    b.fill(oval(x, base + 2, 36, 6), (60, 30, 40), 0.25)
    b.fill(box(x - 1.8, top, x + 1.8, base), b.tone((250, 246, 236)))
    b.canvas.save()
    b.canvas.clipPath(box(0, 0, SIZE, top + 22), True)
    for half, colour in ((38, (236, 80, 74)), (24, (255, 248, 236)), (9, (236, 80, 74))):
        b.fill(oval(x, top + 22, half, 27), b.tone(colour))
    b.canvas.restore()
    b.fill(box(x - 28, base - 3, x + 28, base + 4, 3), b.tone((70, 170, 214)))


def _starfish(b: Brush, x: float, y: float) -> None:
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    radii = np.where(np.arange(10) % 2, 4.5, 11.0)
    star = [
        (x + r * np.cos(a), y + 0.7 * r * np.sin(a)) for a, r in zip(angles, radii, strict=True)
    ]
    b.fill(polygon(star), b.tone((242, 120, 80)))


def underwater(b: Brush) -> None:
    waters: dict[str, tuple[Colour, Colour]] = {
        "day": ((92, 216, 232), (16, 96, 168)),
        "sunset": ((246, 158, 140), (76, 56, 134)),
        "night": ((36, 72, 142), (12, 20, 70)),
    }
    top, deep = waters[b.time]
    b.backdrop(top, deep)
    origin = b.beside(b.between(10, 60))
    for x in (-120, -62, -6, 58, 120):
        ray = [
            (origin + 0.3 * x - 7, -4),
            (origin + 0.3 * x + 7, -4),
            (origin + x + 30, 214),
            (origin + x - 6, 214),
        ]
        b.fade(polygon(ray), mix(top, b.light.shine, 0.5), mix(top, deep, 0.75), alpha=0.32)
    b.fill(b.ridge(178, 15, 3), mix(b.tone((50, 110, 150)), deep, 0.35))
    floor = b.between(200, 210)
    b.fade(
        b.ridge(floor, 5, 3),
        mix(b.tone((238, 214, 160)), deep, 0.12),
        mix(b.tone((200, 164, 120)), deep, 0.25),
    )
    _coral(b, b.beside(b.between(92, 104)), floor + 26, (240, 96, 120))
    _coral(b, b.beside(-b.between(106, 116)), floor + 14, (246, 150, 74))
    for x in (-88, -72, 70):
        _seaweed(b, b.beside(x), floor + b.between(8, 22), b.between(56, 92))
    for colour in ((255, 158, 50), (255, 214, 70), (236, 92, 110)):
        away = b.between(64, 104) * (1 if b.chance(0.5) else -1)
        _fish(b, 128 + away, b.between(30, 150), colour)
    if b.time == "night":
        for across, down in ((b.beside(80), 62), (b.beside(-92), 108)):
            _jellyfish(b, across, down)
    for _ in range(7):
        r = b.between(3, 6.5)
        b.line(oval(b.between(10, 246), b.between(20, 190), r, r), (225, 245, 255), 1.8, 0.7)


def _coral(b: Brush, x: float, y: float, colour: Colour) -> None:
    paint = mix(colour, b.tone(colour), 0.6)
    for dx, h, w in ((-16, 36, 9), (0, 54, 11), (17, 40, 9)):
        bend = [(x, y), (x + 0.9 * dx, y - 0.4 * h), (x + dx, y - h)]
        b.line(smooth(bend, closed=False), paint, w)
        b.fill(oval(x + dx, y - h, w * 0.75, w * 0.75), mix(paint, b.light.shine, 0.25))


def _seaweed(b: Brush, x: float, y: float, h: float) -> None:
    for dx, tall in ((-7, 0.75), (5, 1.0)):
        points = [(x + dx + 6 * np.sin(2.6 * i + dx), y - tall * h * i / 5) for i in range(6)]
        b.line(smooth(points, closed=False), b.tone((56, 160, 90)), 6.5)


def _jellyfish(b: Brush, x: float, y: float) -> None:
    b.glow(x, y, 46, (150, 130, 255), 0.7)
    for dx in (-9, -3, 3, 9):
        tail = [(x + dx, y), (x + dx + 4, y + 12), (x + dx - 4, y + 22), (x + dx + 1, y + 32)]
        b.line(smooth(tail, closed=False), (196, 160, 250), 2.5)
    bell = [(x - 17, y + 4), (x - 15, y - 17), (x + 15, y - 17), (x + 17, y + 4)]
    b.fill(smooth(bell), (226, 180, 255))


def _fish(b: Brush, x: float, y: float, colour: Colour) -> None:
    s, paint = -b.side, mix(colour, b.tone(colour), 0.5)
    b.fill(
        polygon([(x - 9 * s, y), (x - 22 * s, y - 9), (x - 22 * s, y + 9)]),
        mix(paint, (120, 20, 60), 0.25),
    )
    b.fade(oval(x, y, 15, 10), paint, mix(paint, (255, 255, 255), 0.35))
    b.fill(oval(x + 7 * s, y - 2, 3.2, 3.2), (250, 250, 250))
    b.fill(oval(x + 8 * s, y - 2, 1.8, 1.8), (24, 22, 50))
