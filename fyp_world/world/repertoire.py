"""The named motions.

A motion is a function of time in cycles that returns the channels it moves (see `figure.CHANNELS`
and `figure.SIDED_CHANNELS`); channels it leaves out rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fyp_world.world.figure import Pose

Track = Callable[[np.ndarray, float], Pose]


@dataclass(frozen=True)
class Motion:
    """A named motion: `track(t, a)` gives channels for `t` in cycles and amplitude `a` near 1."""

    track: Track
    period: float  # seconds a cycle takes at normal tempo
    sided: bool = False  # the name says which side moves: never mirrored


MOTIONS: dict[str, Motion] = {}


def _motion(period: float, sided: bool = False) -> Callable[[Track], Track]:
    def register(track: Track) -> Track:
        MOTIONS[track.__name__] = Motion(track, period, sided)
        return track

    return register


def _sin(t: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * t)


def _cos(t: np.ndarray) -> np.ndarray:
    return np.cos(2 * np.pi * t)


def _rise(t: np.ndarray) -> np.ndarray:
    """0 at the start of a cycle, 1 in its middle."""
    return (1 - _cos(t)) / 2


def _beat(t: np.ndarray) -> np.ndarray:
    """A bump in the first half of a cycle, 0 in the second."""
    return np.maximum(_sin(t), 0) ** 1.5


def _keys(t: np.ndarray, *values: float, snap: float = 1.0) -> np.ndarray:
    """Through the values once a cycle, easing in and out; `snap` above 1 moves faster and waits."""
    place = (t % 1.0) * len(values)
    index = place.astype(int)
    part = np.clip((place - index - 0.5) * snap + 0.5, 0, 1)
    ease = part * part * (3 - 2 * part)
    table = np.array([*values, values[0]], dtype=np.float64)
    return table[index] * (1 - ease) + table[index + 1] * ease


def _both(**channels: np.ndarray | float) -> Pose:
    """The same channels for the left and the right limb."""
    return {f"{s}_{name}": value for name, value in channels.items() for s in "lr"}


@_motion(4.0)
def idle(t: np.ndarray, a: float) -> Pose:
    s = _sin(t)
    return {"x": 0.015 * a * s, "twist": 3 * s, "look": 18 * a * _sin(t / 2), "side": -2 * s}


@_motion(1.1)
def walk(t: np.ndarray, a: float) -> Pose:
    c, s = _cos(t), _sin(t)
    return {
        "y": -0.012 + 0.012 * _cos(2 * t),
        "bend": 4,
        "twist": 6 * a * c,
        "x": 0.012 * s,
        **_both(az=85, roll=75, fx=0.0),
        "l_fz": 0.15 * a * c,
        "l_fy": 0.06 * a * np.maximum(-s, 0),
        "r_fz": -0.15 * a * c,
        "r_fy": 0.06 * a * np.maximum(s, 0),
        "l_lift": -28 * a * c,
        "r_lift": 28 * a * c,
        "l_elbow": 22 - 10 * c,
        "r_elbow": 22 + 10 * c,
    }


@_motion(0.75)
def run(t: np.ndarray, a: float) -> Pose:
    c = _cos(t)
    return {
        "y": -0.04,
        "jump": 0.025 * a * (1 - _cos(2 * t + 0.15)),
        "bend": 12,
        "twist": 10 * a * c,
        **_both(az=80, roll=70, fx=-0.01),
        "l_fz": 0.2 * a * c - 0.05,
        "l_fy": 0.2 * a * np.maximum(_sin(t + 0.45), 0),
        "r_fz": -0.2 * a * c - 0.05,
        "r_fy": 0.2 * a * np.maximum(_sin(t + 0.95), 0),
        "l_lift": -45 * a * c,
        "r_lift": 45 * a * c,
        "l_elbow": 90 - 15 * c,
        "r_elbow": 90 + 15 * c,
    }


@_motion(1.2)
def march(t: np.ndarray, a: float) -> Pose:
    left, right = _beat(t), _beat(t + 0.5)
    return {
        **_both(az=88, roll=85, fx=0.0, knee=2),
        "l_fy": 0.28 * a * left,
        "l_fz": 0.1 * a * left,
        "r_fy": 0.28 * a * right,
        "r_fz": 0.1 * a * right,
        "l_lift": 60 * a * (right - 0.4 * left),
        "r_lift": 60 * a * (left - 0.4 * right),
        "l_elbow": 15 + 30 * right,
        "r_elbow": 15 + 30 * left,
    }


@_motion(0.9)
def moonwalk(t: np.ndarray, a: float) -> Pose:
    left, right = _rise(t), _rise(t + 0.5)
    return {
        "y": -0.03,
        "bend": 8 + 3 * _sin(2 * t),
        "nod": 6 * _sin(2 * t),
        **_both(az=80, roll=70, elbow=35, fx=0.0),
        "l_fz": 0.16 * a * (left - 0.5),
        "r_fz": 0.16 * a * (right - 0.5),
        "l_fy": 0.05 * _beat(t),
        "r_fy": 0.05 * _beat(t + 0.5),
        "l_lift": 25 * a * (right - 0.5) + 5,
        "r_lift": 25 * a * (left - 0.5) + 5,
    }


def _waving(t: np.ndarray, a: float, side: str) -> Pose:
    wave: Pose = {"lift": 105, "az": 12, "elbow": 75 + 32 * a * _sin(t), "roll": 82}
    return {f"{side}_{name}": value for name, value in wave.items()}


@_motion(0.8, sided=True)
def wave_left(t: np.ndarray, a: float) -> Pose:
    return {"side": -3, "x": 0.01, **_waving(t, a, "l")}


@_motion(0.8, sided=True)
def wave_right(t: np.ndarray, a: float) -> Pose:
    return {"side": 3, "x": -0.01, **_waving(t, a, "r")}


@_motion(0.9)
def wave_both(t: np.ndarray, a: float) -> Pose:
    return {"x": 0.01 * _sin(t / 2), **_waving(t, a, "l"), **_waving(t, a, "r")}


@_motion(1.1)
def jumping_jacks(t: np.ndarray, a: float) -> Pose:
    up = _rise(t)
    return {
        "jump": 0.05 * a * _sin(t) ** 2,
        "y": -0.02 * (1 - _sin(t) ** 2),
        **_both(lift=12 + 150 * up * min(a, 1.08), elbow=12 + 15 * up, roll=60, fx=0.15 * a * up),
    }


@_motion(2.4)
def squat(t: np.ndarray, a: float) -> Pose:
    down = _rise(t)
    return {
        "y": -0.2 * a * down,
        "z": -0.09 * a * down,
        "bend": 4 + 30 * a * down,
        "nod": -15 * down,
        **_both(lift=10 + 80 * down, az=85, elbow=12, roll=10, fx=0.05, knee=22),
    }


@_motion(1.8)
def kick_front(t: np.ndarray, a: float) -> Pose:
    return {
        "bend": _keys(t, 2, 4, -12, 4),
        "y": -0.02,
        **_both(lift=32, az=50, elbow=105, roll=60, fx=0.02),
        "r_fy": a * _keys(t, 0, 0.22, 0.42, 0.2),
        "r_fz": a * _keys(t, -0.08, 0.06, 0.42, 0.05),
        "r_fx": -0.02,
        "l_lift": _keys(t, 32, 40, 55, 40),
    }


@_motion(2.0)
def kick_side(t: np.ndarray, a: float) -> Pose:
    kick = _keys(t, 0, 0.35, 1, 0.35)
    return {
        "side": 24 * a * kick,
        "x": 0.05 * kick,
        "y": -0.02,
        **_both(lift=35 + 25 * kick, az=35, elbow=95 - 40 * kick, roll=50),
        "r_fx": 0.02 + 0.42 * a * kick,
        "r_fy": 0.44 * a * kick,
        "r_knee": 45,
    }


@_motion(1.2)
def boxing(t: np.ndarray, a: float) -> Pose:
    left, right = _beat(t), _beat(t + 0.5)
    return {
        "y": -0.05 + 0.01 * _sin(2 * t),
        "twist": 24 * a * (right - left) + 4,
        "bend": 8,
        "l_fz": 0.09,
        "r_fz": -0.09,
        "l_lift": 30 + 55 * left,
        "r_lift": 30 + 55 * right,
        "l_az": 75 + 18 * left,
        "r_az": 75 + 18 * right,
        "l_elbow": 125 - 115 * left,
        "r_elbow": 125 - 115 * right,
        **_both(roll=55, fx=0.03),
    }


@_motion(0.8)
def clap(t: np.ndarray, a: float) -> Pose:
    apart = _rise(t)
    return {
        "y": 0.008 * _sin(t) - 0.01,
        "nod": 4 * _sin(t),
        **_both(lift=48 + 8 * apart, az=84 - 44 * a * apart, elbow=68 - 8 * apart, roll=12),
    }


@_motion(3.0)
def raise_arms(t: np.ndarray, a: float) -> Pose:
    up = _rise(t)
    return {"nod": -12 * up, **_both(lift=8 + 162 * min(a, 1.05) * up, az=8, elbow=10, roll=60)}


@_motion(2.6)
def dance_side_step(t: np.ndarray, a: float) -> Pose:
    return {
        "x": a * _keys(t, 0, 0.1, 0.2, 0.1),
        "l_fx": a * _keys(t, 0.01, 0.22, 0.21, 0.22),
        "r_fx": a * _keys(t, 0.01, 0.01, -0.19, 0.0),
        "l_fy": 0.05 * (_beat(2 * t) * (t % 1 < 0.25) + _beat(2 * t - 0.5) * (t % 1 > 0.75)),
        "r_fy": 0.05 * (_beat(2 * t - 0.5) * (t % 1 < 0.5) + _beat(2 * t) * (t % 1 > 0.5)),
        "y": -0.03 + 0.015 * _cos(4 * t),
        "side": 6 * _sin(2 * t),
        "l_lift": 45 + 35 * a * _sin(2 * t),
        "r_lift": 45 - 35 * a * _sin(2 * t),
        **_both(az=30, elbow=70 + 20 * _cos(2 * t), roll=50),
    }


@_motion(1.2)
def dance_twist(t: np.ndarray, a: float) -> Pose:
    s = _sin(t)
    return {
        "turn": 22 * a * s,
        "twist": -42 * a * s,
        "look": 20 * a * s,
        "y": -0.06 + 0.02 * _cos(2 * t),
        "bend": 6,
        **_both(lift=30, elbow=95, roll=40, fx=0.05, knee=18),
        "l_az": 55 + 30 * s,
        "r_az": 55 - 30 * s,
    }


@_motion(1.6)
def dance_disco(t: np.ndarray, a: float) -> Pose:
    up = _keys(t, 0, 1, snap=1.6)
    return {
        "x": 0.05 * a * (1 - 2 * up),
        "side": -5 + 10 * up,
        "twist": 12 * (2 * up - 1) * a,
        "look": 14 * (1 - 2 * up),
        "tilt": 5,
        **_both(fx=0.09, knee=16),
        "r_lift": 38 + 100 * up * min(a, 1.1),
        "r_az": 105 - 95 * up,
        "r_elbow": 14,
        "l_lift": 42,
        "l_az": -18,
        "l_elbow": 95,
        "l_roll": -72,
    }


@_motion(2.0)
def dance_knee_lift(t: np.ndarray, a: float) -> Pose:
    """Arms up on one side while the other knee comes up and out, then the same again mirrored."""
    left, right = _beat(t), _beat(t + 0.5)
    return {
        "x": 0.05 * (right - left),
        "side": 6 * (left - right),
        "y": -0.015,
        "l_fy": 0.2 * a * left,
        "l_fx": 0.05 + 0.07 * left,
        "l_knee": 25 + 30 * left,
        "r_fy": 0.2 * a * right,
        "r_fx": 0.05 + 0.07 * right,
        "r_knee": 25 + 30 * right,
        "r_lift": 42 + 100 * left * min(a, 1.1),
        "r_elbow": 110 - 75 * left,
        "l_lift": 42 + 100 * right * min(a, 1.1),
        "l_elbow": 110 - 75 * right,
        **_both(az=40, roll=45),
    }


@_motion(2.2)
def pirouette(t: np.ndarray, a: float) -> Pose:
    lifted = _keys(t, 0.6, 1, 1, 1)
    return {
        "turn": 360 * (t + 0.08 * _sin(t)),
        "look": -25 * _sin(t),
        "jump": 0.03 * lifted,
        "r_fy": 0.22 * lifted * a,
        "r_fx": -0.03 * lifted,
        "r_knee": 65,
        "l_fx": -0.03,
        "x": 0.03,
        **_both(lift=72 + 10 * _sin(t), az=55, elbow=48, roll=5),
    }


@_motion(5.0)
def macarena(t: np.ndarray, a: float) -> Pose:
    right = {
        "lift": (85, 85, 85, 60, 60, 150, 150, 45),
        "az": (88, 88, 88, 110, 110, 25, 25, -15),
        "elbow": (8, 8, 8, 120, 120, 120, 120, 95),
        "roll": (0, 0, 0, 25, 25, 70, 70, -72),
    }
    pose: Pose = {"x": 0.03 * a * _sin(4 * t), "side": -4 * _sin(4 * t), "y": -0.02}
    for name, values in right.items():
        pose[f"r_{name}"] = _keys(t, *values, snap=1.5)
        pose[f"l_{name}"] = _keys(t - 1 / 16, *values, snap=1.5)
    return pose


@_motion(6.0)
def tai_chi(t: np.ndarray, a: float) -> Pose:
    s, c = _sin(t), _cos(t)
    return {
        "y": -0.09 * a - 0.02 * _cos(2 * t),
        "x": 0.07 * a * s,
        "twist": 18 * a * s,
        "look": 8 * s,
        "l_lift": 62 + 28 * c,
        "r_lift": 62 - 28 * c,
        "l_az": 68 + 18 * s,
        "r_az": 68 - 18 * s,
        **_both(elbow=62 + 10 * _sin(2 * t), roll=15, fx=0.1, knee=25),
        "l_fz": 0.05,
        "r_fz": -0.05,
    }


@_motion(3.0)
def bow(t: np.ndarray, a: float) -> Pose:
    down = _keys(t, 0, 1, 1, 0)
    return {
        "bend": 2 + 62 * a * down,
        "z": -0.1 * a * down,
        "nod": 12 * down,
        **_both(lift=8 + 22 * down, az=80, elbow=12, roll=80, fx=0.0),
    }


@_motion(2.6)
def lunge(t: np.ndarray, a: float) -> Pose:
    ahead = _rise(t)
    return {
        "y": -0.13 * a * ahead,
        "z": 0.14 * a * ahead,
        "l_fz": 0.34 * a * ahead,
        "l_fy": 0.05 * _sin(t) ** 2,
        "r_fz": -0.08 * ahead,
        **_both(lift=42, az=-18, elbow=95, roll=-72, knee=4),
    }


@_motion(0.7)
def hop(t: np.ndarray, a: float) -> Pose:
    up = np.abs(_sin(t / 2))
    return {
        "jump": 0.08 * a * up,
        "y": -0.05 * (1 - up),
        "x": 0.04,
        "r_fy": 0.2,
        "r_fz": -0.16,
        "r_fx": 0.0,
        "l_fx": -0.03,
        **_both(lift=45 + 25 * a * up, az=15, elbow=35, roll=30),
    }


@_motion(2.2)
def shrug(t: np.ndarray, a: float) -> Pose:
    up = _keys(t, 0, 1, 1, 0)
    return {
        "shrug": 0.028 * a * up,
        "tilt": 9 * up,
        **_both(lift=12 + 14 * up, az=10, elbow=20 + 72 * a * up, roll=18 + 20 * up),
    }


@_motion(2.0)
def conduct(t: np.ndarray, a: float) -> Pose:
    s, c = _sin(t), _cos(t)
    return {
        "nod": 4 * _sin(2 * t),
        **_both(lift=68 + 24 * a * c, az=55 - 28 * a * s, elbow=62 + 18 * _sin(2 * t), roll=52),
    }


@_motion(3.2)
def robot_dance(t: np.ndarray, a: float) -> Pose:
    return {
        "turn": _keys(t, 0, 22, 0, -22, snap=4) * a,
        "look": _keys(t, 0, 25, -25, 0, snap=4),
        "tilt": _keys(t, 0, 0, 12, 0, snap=4),
        "l_lift": _keys(t, 88, 20, 88, 20, snap=3),
        "l_az": _keys(t, 5, 40, 5, 88, snap=3),
        "l_roll": _keys(t, 88, 40, -85, 60, snap=3),
        "r_lift": _keys(t, 88, 20, 20, 88, snap=3),
        "r_az": _keys(t, 5, 88, 40, 5, snap=3),
        "r_roll": _keys(t, -85, 60, 40, 88, snap=3),
        **_both(elbow=88, fx=0.04),
        "l_fy": _keys(t, 0, 0.06, 0, 0, snap=3),
        "r_fy": _keys(t, 0, 0, 0, 0.06, snap=3),
        "y": -0.015,
    }


@_motion(0.9)
def flap_arms(t: np.ndarray, a: float) -> Pose:
    s = _sin(t)
    return {
        "y": -0.03 + 0.02 * s,
        "jump": 0.012 * (1 + s),
        **_both(lift=78 + 42 * a * s, az=5, elbow=24 - 18 * _cos(t), roll=-70, fx=0.03),
    }


@_motion(0.9)
def cheer(t: np.ndarray, a: float) -> Pose:
    up = _sin(t / 2) ** 2
    return {
        "jump": 0.09 * a * up,
        "y": -0.06 * (1 - up),
        "nod": -10,
        **_both(lift=140 + 15 * up, az=20, elbow=60 - 45 * up, roll=70, fx=0.04),
    }


@_motion(1.6)
def swim(t: np.ndarray, a: float) -> Pose:
    return {
        "bend": 26,
        "twist": 14 * a * _sin(t),
        "nod": -18,
        "y": -0.05,
        "l_lift": -360 * t,
        "r_lift": -360 * t + 180,
        **_both(az=78, elbow=22, roll=80, fx=0.04),
    }


@_motion(2.4)
def throw(t: np.ndarray, a: float) -> Pose:
    return {
        "twist": a * _keys(t, -10, -38, 35, 15),
        "bend": _keys(t, 2, -6, 18, 8),
        "z": _keys(t, 0, -0.05, 0.08, 0.03),
        "l_fz": 0.16,
        "r_fz": -0.12,
        "y": -0.04,
        "r_lift": _keys(t, 45, 105, 95, 40),
        "r_az": _keys(t, 40, -15, 85, 100),
        "r_elbow": _keys(t, 60, 105, 12, 25),
        "r_roll": _keys(t, 70, 88, 60, 40),
        "l_lift": _keys(t, 40, 85, 35, 25),
        "l_az": _keys(t, 60, 60, 20, 30),
        "l_elbow": 30,
    }


@_motion(2.0)
def bat_swing(t: np.ndarray, a: float) -> Pose:
    swing = _keys(t, 0, -0.2, 1, 0.8)
    return {
        "twist": a * (-34 + 76 * swing),
        "look": 28 - 70 * swing * a,
        "y": -0.05,
        "x": 0.05 * swing,
        **_both(fx=0.09, roll=10),
        "l_lift": 78,
        "l_az": 128 - 38 * swing,
        "l_elbow": 42,
        "r_lift": 62 + 14 * swing,
        "r_az": 62 + 60 * swing,
        "r_elbow": 92 - 55 * swing,
    }


@_motion(3.4)
def stretch_side(t: np.ndarray, a: float) -> Pose:
    s = _sin(t)
    left, right = np.maximum(s, 0), np.maximum(-s, 0)
    return {
        "side": 26 * a * s,
        "x": -0.05 * s,
        **_both(fx=0.08, az=5, roll=88),
        "r_lift": 15 + 150 * left,
        "r_elbow": 15 + 40 * left,
        "l_lift": 15 + 150 * right,
        "l_elbow": 15 + 40 * right,
    }


@_motion(2.4)
def point_around(t: np.ndarray, a: float) -> Pose:
    return {
        "twist": a * _keys(t, -12, 25, 5, 25, snap=2),
        "look": a * _keys(t, -15, 35, 0, 35, snap=2),
        "l_lift": _keys(t, 25, 92, 60, 120, snap=2),
        "l_az": _keys(t, 60, 20, 88, 15, snap=2),
        "l_elbow": _keys(t, 70, 6, 70, 6, snap=2),
        "l_roll": 30,
        "r_lift": 42,
        "r_az": -18,
        "r_elbow": 95,
        "r_roll": -72,
        "l_fx": 0.06,
    }


@_motion(1.4)
def air_guitar(t: np.ndarray, a: float) -> Pose:
    strum = _sin(2 * t)
    return {
        "bend": 10 + 8 * a * _sin(t),
        "nod": 10 * _sin(2 * t),
        "side": -6,
        "y": -0.06,
        **_both(fx=0.08, knee=20),
        "l_lift": 62,
        "l_az": 28,
        "l_elbow": 62 + 8 * _sin(t),
        "l_roll": 30,
        "r_lift": 28,
        "r_az": 20,
        "r_elbow": 88 + 20 * a * strum,
        "r_roll": -20,
    }


# Never used in training: every sixth name in sorted order, starting with the fifth.
HELD_OUT_MOTIONS: tuple[str, ...] = tuple(sorted(MOTIONS)[4::6])
