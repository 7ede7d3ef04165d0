"""One function per kind of head; each draws on a ball of radius 1 with a `HeadPen`."""

from __future__ import annotations

import math

from fyp_world.world.canvas import skia
from fyp_world.world.cast.face import PUPIL, HeadPen
from fyp_world.world.cast.limbs import Palette
from fyp_world.world.cast.pen import WHITE, blob, ellipse, hull, polygon, shade, tint

BLACK = (44, 42, 52)
GOLD = (255, 204, 64)


def _human(
    h: HeadPen,
    p: Palette,
    *,
    top: float = -0.42,
    half: float = 1.2,
    square: float = 0.6,
    jaw: float = 1.5,
) -> None:
    """A hair-coloured ball with the face let in; ears at the sides.

    Bare skin reaches `half` radians to either side at the brow and `jaw` below the ears.
    """
    h.ear_pair(1.6, 0.15, 0.2, 0.24, p["skin"], None)
    h.ball(p["hair"])
    h.patch(0.0, jaw, 0.08, 1.0, p["skin"], 0.5)
    h.patch(0.0, half, top, 1.0, p["skin"], square)
    for sign in (-1, 1):
        h.spot(sign * 1.55, 0.15, 0.2, 0.24, shade(p["skin"], 0.1))
    h.human_face(p["skin"])


def short_hair(h: HeadPen, p: Palette) -> None:
    _human(h, p)
    h.brows(p["hair"])


def long_hair(h: HeadPen, p: Palette) -> None:
    _human(h, p, top=-0.5, half=1.05, square=0.9, jaw=1.25)
    for sign in (-1, 1):
        h.spot(sign * 0.66, 0.46, 0.16, 0.1, (250, 140, 130))
    h.smile((205, 40, 70), y=0.52, half=0.28, thick=0.14)


def pigtails(h: HeadPen, p: Palette) -> None:
    sides = [(math.sin(h.yaw + turn), math.cos(h.yaw + turn)) for turn in (-1.75, 1.75)]
    for near in (False, True):
        for x, facing in sides:
            if (facing > 0.2) == near:
                h.shape(ellipse(complex(x * 1.25, 0.25), 0.34, 0.55, -0.3 * x), p["hair"])
                h.shape(ellipse(complex(x * 1.06, -0.28), 0.18, 0.18), p["top"])
        if not near:
            _human(h, p, top=-0.45, half=1.1, square=0.85)
            for sign in (-1, 1):
                h.spot(sign * 0.66, 0.45, 0.17, 0.11, (255, 140, 130))


def boy_cap(h: HeadPen, p: Palette) -> None:
    _human(h, p, top=-0.4)
    h.dome(p["hat"], -0.4, 1.1)
    h.peak(p["hat"], -0.52, 0.75)
    h.flat(ellipse(-1.1j, 0.12, 0.08), shade(p["hat"]))


def police_cap(h: HeadPen, p: Palette) -> None:
    _human(h, p, top=-0.4)
    crown = [complex(-1.0, -0.5), complex(-1.35, -1.1), complex(-0.5, -1.45)]
    mirror = [complex(-z.real, z.imag) for z in reversed(crown)]
    h.shape(blob([*crown, *mirror]), p["top"])
    h.shape(polygon([-0.94 - 0.74j, 0.94 - 0.74j, 0.98 - 0.46j, -0.98 - 0.46j]), BLACK)
    h.peak(BLACK, -0.5, 0.5)
    h.spot(0.0, -0.92, 0.26, 0.26, GOLD)


def fire_helmet(h: HeadPen, p: Palette) -> None:
    _human(h, p, top=-0.3)
    h.brim(shade(p["hat"]), -0.44, 1.36, 0.22)
    h.dome(p["hat"], -0.46, 1.14, curve=0.06)
    h.shape(ellipse(complex(0.1 * h.side, -0.95), 0.16 + 0.5 * abs(h.side), 0.3), GOLD)
    shield, facing = h.on(0.0, -0.62)
    if facing > 0.1:
        w = 0.3 * (0.3 + 0.7 * facing)
        corners = [shield + complex(-w, -0.3), shield + complex(w, -0.3), shield + complex(w, 0.1)]
        h.flat(polygon([*corners, shield + 0.32j, shield + complex(-w, 0.1)]), GOLD)


def panda(h: HeadPen, p: Palette) -> None:
    h.ear_pair(1.25, -0.74, 0.42, 0.42, p["dark"], None)
    h.ball(p["skin"], 1.1, 1.0)
    for sign in (-1, 1):
        h.spot(sign * 0.47, 0.08, 0.34, 0.42, p["dark"], 0.45 * sign)
    h.eye_pair(y=0.06, apart=0.42, rx=0.22, ry=0.25, white=None)
    h.nose(p["dark"], 0.42, 0.18)
    h.smile(p["dark"], y=0.62, half=0.3, dip=0.12)


def bear(h: HeadPen, p: Palette) -> None:
    h.ear_pair(1.25, -0.72, 0.4, 0.4, p["skin"], p["muzzle"])
    h.ball(p["skin"], 1.08, 1.0)
    _muzzle(h, p)
    h.eye_pair(y=-0.06, apart=0.46, rx=0.17, ry=0.22, white=None)


def _muzzle(h: HeadPen, p: Palette) -> None:
    if h.front > -0.3:
        centre = complex(0.72 * h.side, 0.42 + h.lift)
        h.shape(ellipse(centre, 0.46, 0.36), p["muzzle"])
        tip = complex(0.98 * h.side, 0.26 + h.lift)
        h.flat(ellipse(tip, 0.19, 0.14), PUPIL)
        h.smile(PUPIL, y=0.54, half=0.26, dip=0.1, thick=0.07)


def cat(h: HeadPen, p: Palette) -> None:
    h.point_pair(1.1, -0.45, 0.95, 0.38, p["skin"])
    h.ball(p["skin"], 1.1, 0.98)
    for azimuth in (-0.3, 0.0, 0.3):
        ends = [h.on(azimuth, y) for y in (-0.95, -0.55)]
        if min(f for _, f in ends) > 0:
            h.line_through([e for e, _ in ends], p["dark"], 0.13)
    h.patch(0.0, 0.55, 0.2, 0.85, p["muzzle"], 1.0)
    h.eye_pair(y=0.02, apart=0.5, rx=0.24, ry=0.28, white=(150, 224, 90))
    h.nose((240, 120, 130), 0.32, 0.13)
    h.smile(PUPIL, y=0.5, half=0.3, dip=0.1, thick=0.07)


def rabbit(h: HeadPen, p: Palette) -> None:
    for sign in (-1, 1):
        x = 0.5 * math.sin(h.yaw + sign * 1.3)
        h.shape(ellipse(complex(x, -1.35), 0.24, 0.7, 0.3 * x), p["skin"])
        if h.front > -0.2:
            h.flat(ellipse(complex(x, -1.3), 0.11, 0.48, 0.3 * x), p["inner"])
    h.ball(p["skin"], 1.05, 0.98)
    for sign in (-1, 1):
        h.spot(sign * 0.75, 0.4, 0.2, 0.14, p["inner"])
    h.eye_pair(y=0.0, apart=0.45, rx=0.17, ry=0.26, white=None)
    h.nose(p["inner"], 0.3, 0.15)
    h.smile(PUPIL, y=0.46, half=0.3, dip=0.12, thick=0.08)
    h.spot(0.0, 0.74, 0.14, 0.13, WHITE)


def robot(h: HeadPen, p: Palette) -> None:
    h.line_through([-0.8j, -1.45j], shade(p["skin"], 0.4), 0.14)
    h.shape(ellipse(-1.5j, 0.22, 0.22), p["lamp"])
    for sign in (-1, 1):
        x = 1.05 * math.sin(h.yaw + sign * math.pi / 2)
        h.shape(ellipse(complex(x, 0.05), 0.24, 0.32), p["joint"])
    box = [complex(x, y) for x, y in ((-0.95, -0.9), (0, -0.95), (0.95, -0.9), (1.08, 0))]
    box += [complex(x, y) for x, y in ((0.95, 0.9), (0, 0.95), (-0.95, 0.9), (-1.08, 0))]
    h.shape(blob([z * 1.12 for z in box]), p["skin"])
    h.patch(0.0, 1.2, -0.5, 0.6, p["screen"], 0.35)
    h.eye_pair(y=-0.08, apart=0.44, rx=0.24, ry=0.26, white=None, iris=p["light"])
    h.smile(p["light"], y=0.28, half=0.4, dip=0.1, thick=0.11)
    if h.front < -0.3:
        h.flat(ellipse(0.1 + 0.1j, 0.45, 0.12), shade(p["skin"]))
        h.flat(ellipse(0.1 + 0.45j, 0.45, 0.12), shade(p["skin"]))


def astronaut(h: HeadPen, p: Palette) -> None:
    h.ball(p["top"], 1.12, 1.12)
    for sign in (-1, 1):
        h.spot(sign * 1.5, 0.1, 0.26, 0.34, p["trim"])
    path = h.patch_path(0.0, 1.25, -0.56, 0.72, 0.75)
    if path is not None:
        h.outline(path, p["grey"])
        h.shaded(path, p["visor"])
    glass, facing = h.on(-0.55, -0.2)
    if facing > 0.2:
        h.flat(ellipse(glass, 0.14 * facing, 0.26, 0.5), (190, 225, 255))


def bat_cowl(h: HeadPen, p: Palette) -> None:
    h.point_pair(1.25, -0.5, 1.05, 0.24, p["dark"], 0.06)
    h.ball(p["dark"])
    h.patch(0.0, 0.95, 0.3, 1.0, p["skin"], 0.7)
    h.slanted_eyes(WHITE, -0.06, 0.24)
    h.nose(p["dark"], 0.3, 0.16)
    h.smile(shade(p["skin"], 0.5), y=0.68, half=0.26, dip=0.0)


def hero_hair(h: HeadPen, p: Palette) -> None:
    _human(h, p, top=-0.45, half=1.1)
    h.brows(p["hair"], -0.24, 0.05, 0.12)
    curl, facing = h.on(0.1, -0.5)
    if facing > 0.1:
        h.line_through([curl - 0.25j, curl + 0.12, curl + 0.05 + 0.16j], p["hair"], 0.14)


def gold_mask(h: HeadPen, p: Palette) -> None:
    h.ball(p["top"], 1.0, 1.04)
    h.patch(0.0, 1.05, -0.62, 0.96, p["gold"], 0.6)
    h.spot(0.0, -0.72, 0.3, 0.3, p["top"])
    for sign in (-1, 1):
        h.spot(sign * 1.5, 0.1, 0.24, 0.28, p["gold"])
        eye, facing = h.on(sign * 0.38, 0.0)
        if facing > 0.15:
            h.flat(ellipse(eye, 0.26 * facing, 0.13, 0.12 * sign), shade(p["top"], 0.7))
            h.flat(ellipse(eye, 0.2 * facing, 0.085, 0.12 * sign), p["glow"])
    h.smile(shade(p["gold"], 0.55), y=0.58, half=0.3, dip=0.0)


def hulk(h: HeadPen, p: Palette) -> None:
    _human(h, p, top=-0.5, half=1.15, square=0.5)
    h.patch(0.0, 0.85, -0.24, -0.02, shade(p["skin"], 0.3), 0.5)
    h.brows(p["hair"], -0.12, 0.1, 0.17)
    h.patch(0.0, 0.4, 0.48, 0.74, shade(p["skin"], 0.7), 0.6)
    h.patch(0.0, 0.33, 0.52, 0.64, WHITE, 0.4)


def trooper(h: HeadPen, p: Palette) -> None:
    h.ball(p["top"], 1.04, 1.08)
    h.patch(math.pi, 1.4, 0.8, 1.0, p["dark"], 0.4)
    h.patch(0.0, 1.25, -0.34, -0.2, p["dark"], 0.4)
    for sign in (-1, 1):
        corners = ((0.08, -0.04), (0.85, -0.14), (1.0, 0.26), (0.45, 0.36), (0.12, 0.22))
        seen = [h.on(sign * a, y) for a, y in corners]
        if min(f for _, f in seen) > -0.1:
            h.flat(polygon([z for z, _ in seen]), p["dark"])
        h.spot(sign * 0.72, 0.66, 0.16, 0.16, p["dark"])
    h.patch(0.0, 0.36, 0.56, 0.84, p["dark"], 0.5)
    h.patch(0.0, 0.3, 0.6, 0.7, p["grey"], 0.4)


def ninja(h: HeadPen, p: Palette) -> None:
    back = math.pi + h.yaw
    knot = complex(0.95 * math.sin(back), -0.2)
    for drop in (0.2, 0.75):
        tip = knot + complex(0.9 * math.sin(back) + 0.25, drop)
        if h.front < 0.75:
            h.line_through([knot, tip], shade(p["trim"], 0.2), 0.24)
    h.ball(p["top"])
    h.patch(0.0, 1.0, -0.2, 0.34, p["skin"], 0.6)
    h.eye_pair(y=0.08, rx=0.2, ry=0.2)
    h.brows(PUPIL, -0.12, 0.06)
    h.patch(_facing(h), 1.6, -0.6, -0.22, p["trim"], 0.2)
    if h.front < -0.3:
        h.shape(ellipse(complex(0.9 * math.sin(back), -0.4), 0.2, 0.2), p["trim"])


def _facing(h: HeadPen) -> float:
    """The azimuth that looks straight at the camera: for rings seen from everywhere."""
    return -h.yaw


def pirate(h: HeadPen, p: Palette) -> None:
    _human(h, p, top=-0.4)
    h.patch(0.0, 0.85, 0.5, 1.0, p["hair"], 0.7)
    h.smile((250, 235, 220), y=0.6, half=0.3, dip=0.1, thick=0.12)
    h.spot(0.42, 0.08, 0.27, 0.27, PUPIL)
    strap = [h.on(a, y)[0] for a, y in ((-0.6, -0.42), (0.42, 0.0)) if h.on(a, y)[1] > 0]
    if len(strap) == 2:
        h.line_through(strap, PUPIL, 0.08)
    brim = [complex(-1.5, -0.62), complex(-0.7, -1.35), complex(0, -1.5), complex(0.7, -1.35)]
    brim += [complex(1.5, -0.62), complex(0.8, -0.3), complex(0, -0.42), complex(-0.8, -0.3)]
    h.shape(blob([z * 1.08 for z in brim]), p["hat"])
    h.line_through([-1.15 - 0.62j, -0.5 - 0.4j, 0.5 - 0.4j, 1.15 - 0.62j], GOLD, 0.13)
    h.spot(0.0, -0.85, 0.24, 0.26, WHITE)


def knight(h: HeadPen, p: Palette) -> None:
    back = -h.side
    plume = [(-0.9j, 0.16), (complex(0.3 * back, -1.45), 0.3), (complex(0.95 * back, -1.2), 0.34)]
    h.shape(polygon(hull([*plume, (complex(1.25 * back, -0.8), 0.2)])), p["trim"])
    h.ball(p["steel"], 1.0, 1.06)
    path = h.patch_path(0.0, 1.1, -0.3, 1.0, 0.6)
    if path is not None:
        h.outline(path, p["steel"])
        h.shaded(path, tint(p["steel"], 0.35))
    h.patch(0.0, 0.95, -0.16, 0.14, PUPIL, 0.4)
    for azimuth in (-0.4, 0.0, 0.4):
        h.spot(azimuth, 0.55, 0.07, 0.2, PUPIL)


def wizard_hat(h: HeadPen, p: Palette) -> None:
    _human(h, p, top=-0.4)
    h.patch(0.0, 1.1, 0.4, 1.0, p["hair"], 0.6)
    h.nose(shade(p["skin"]), 0.34, 0.2)
    h.brim(shade(p["top"]), -0.5, 1.5, 0.24)
    cone = [-0.92 - 0.54j, 0.92 - 0.54j, 0.45 - 1.4j, 0.3 - 2.15j, -0.1 - 1.75j, -0.55 - 1.2j]
    h.shape(blob(cone), p["top"])
    h.line_through([-0.74 - 0.72j, -0.64j, 0.74 - 0.72j], GOLD, 0.2)
    h.flat(_star(0.05 - 1.2j, 0.28), GOLD)


def _star(centre: complex, radius: float) -> skia.Path:
    spokes = [radius * (1 if i % 2 == 0 else 0.45) for i in range(10)]
    turns = [complex(math.sin(math.pi * i / 5), -math.cos(math.pi * i / 5)) for i in range(10)]
    return polygon([centre + r * t for r, t in zip(spokes, turns, strict=True)])


def santa_hat(h: HeadPen, p: Palette) -> None:
    _human(h, p, top=-0.4)
    h.patch(0.0, 1.15, 0.42, 1.0, p["hair"], 0.6)
    h.nose((240, 130, 120), 0.32, 0.19)
    for sign in (-1, 1):
        h.spot(sign * 0.7, 0.34, 0.18, 0.13, (250, 140, 130))
    tip = -0.95 if h.side > 0 else 0.95
    h.shape(blob([-1 - 0.5j, 1 - 0.5j, 0.7 - 1.3j, tip * 1.1 - 1.4j, -0.7 - 1.2j]), p["top"])
    h.shape(ellipse(complex(tip * 1.15, -1.05), 0.26, 0.26), WHITE)
    h.brim(WHITE, -0.56, 1.06, 0.22)


def crown(h: HeadPen, p: Palette) -> None:
    long_hair(h, p)
    points = [-0.66 - 0.62j, -0.78 - 1.35j, -0.36 - 1.02j, -1.5j, 0.36 - 1.02j, 0.78 - 1.35j]
    h.shape(polygon([*points, 0.66 - 0.62j, -0.5j]), GOLD)
    h.spot(0.0, -0.78, 0.13, 0.15, (230, 50, 90))


def alien(h: HeadPen, p: Palette) -> None:
    for sign in (-1, 1):
        x = 0.6 * math.sin(h.yaw + sign * 1.3)
        stalk = [complex(x * 0.6, -0.8), complex(x * 1.2, -1.5)]
        h.line_through(stalk, shade(p["skin"], 0.3), 0.12)
        h.shape(ellipse(complex(x * 1.25, -1.55), 0.18, 0.18), p["skin"])
    half = [0.6 - 1.3j, 1.15 - 0.5j, 0.75 + 0.8j]
    mirror = [complex(-z.real, z.imag) for z in reversed(half)]
    h.shape(blob([*half, 1.2j, *mirror]), p["skin"])
    for sign in (-1, 1):
        eye, facing = h.on(sign * 0.55, -0.02)
        if facing > 0.12:
            wide = 0.3 * (0.3 + 0.7 * facing) * h.eyes
            h.flat(ellipse(eye, wide, 0.42 * h.eyes, -0.35 * sign), PUPIL)
            h.flat(ellipse(eye - 0.15j - 0.06, wide * 0.3, 0.11), WHITE)
    h.smile(shade(p["skin"], 0.55), y=0.66, half=0.26, dip=0.1)
