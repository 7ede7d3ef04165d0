"""The choreographer: people with bodies of their own perform named motions or random poses.

`perform` gives a motion from the repertoire a tempo, a size, a start and a body, and turns it into
one `Figure` per frame.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from fyp_world.world.figure import REST, Body, Figure, Pose, mirror, solve, to_figures
from fyp_world.world.repertoire import HELD_OUT_MOTIONS, MOTIONS, Motion

__all__ = ["HELD_OUT_MOTIONS", "MOTIONS", "Figure", "Motion", "body", "perform", "random_pose"]


def body(rng: np.random.Generator) -> Body:
    """A random person: lengths within 12 % of the usual, normalised to standing height 1."""
    usual = Body()
    scales = {f.name: rng.uniform(0.88, 1.12) for f in fields(Body)}
    scales["shoulder_half"] = rng.uniform(0.78, 1.15)
    scales["hip_half"] = rng.uniform(0.85, 1.35)
    scales["neck"] = rng.uniform(0.95, 1.3)
    scales["head"] = rng.uniform(0.8, 1.2)
    scales["nose_drop"] = rng.uniform(0.2, 2.0)
    scales["ankle"] = 1.0
    person = Body(**{name: getattr(usual, name) * scale for name, scale in scales.items()})
    lengths = ("thigh", "shin", "ankle", "torso", "neck", "head")
    return replace(person, **{n: getattr(person, n) / person.height for n in lengths})


def random_pose(rng: np.random.Generator) -> dict[str, float]:
    """Random plausible channels of one frame.

    Arms and legs are drawn wide (crossed arms, knees to the hip, high kicks, deep bends), and
    drawn again while a hand or an elbow would be inside the chest.
    """
    pose = {
        "x": rng.normal(0, 0.03),
        "y": -rng.choice([0.0, 0.06, 0.22], p=[0.5, 0.35, 0.15]) * rng.uniform(),
        "z": rng.normal(0, 0.03),
        "turn": rng.normal(0, 15),
        "twist": rng.normal(0, 15),
        "bend": rng.choice([rng.normal(3, 7), rng.uniform(10, 65)], p=[0.85, 0.15]),
        "side": rng.normal(0, 8),
        "nod": rng.normal(0, 9),
        "tilt": rng.normal(0, 7),
        "look": rng.normal(0, 22),
        "shrug": rng.uniform(-0.005, 0.02),
    }
    stance = rng.choice(["stand", "wide", "step", "knee", "kick"], p=[0.3, 0.2, 0.15, 0.2, 0.15])
    pose |= _random_legs(stance, rng)
    while True:
        for side in "lr":
            pose |= {
                f"{side}_lift": rng.choice([rng.uniform(0, 45), rng.uniform(0, 175)]),
                f"{side}_az": rng.uniform(-30, 125),
                f"{side}_elbow": rng.choice([rng.uniform(5, 60), rng.uniform(5, 145)]),
                f"{side}_roll": rng.uniform(-75, 105),
            }
        if _arms_clear(pose):
            return {name: float(value) for name, value in pose.items()}


def _random_legs(stance: str, rng: np.random.Generator) -> dict[str, float]:
    legs = {f"{s}_fx": rng.uniform(-0.02, 0.06) for s in "lr"}
    legs |= {f"{s}_knee": rng.uniform(-5, 40) for s in "lr"}
    side = rng.choice(["l", "r"])
    if stance == "wide":
        legs |= {f"{s}_fx": rng.uniform(0.04, 0.26) for s in "lr"}
    elif stance == "step":
        legs |= {f"{side}_fz": rng.uniform(0.05, 0.4), f"{side}_fx": rng.uniform(-0.06, 0.1)}
    elif stance == "knee":
        legs |= {
            f"{side}_fy": rng.uniform(0.05, 0.32),
            f"{side}_fz": rng.uniform(-0.22, 0.15),
            f"{side}_fx": rng.uniform(-0.1, 0.14),
            f"{side}_knee": rng.uniform(-10, 75),
        }
    elif stance == "kick":
        away, out = rng.uniform(0.25, 0.45), rng.uniform(-15, 100)
        legs |= {
            f"{side}_fy": rng.uniform(0.1, 0.65),
            f"{side}_fz": away * np.cos(np.radians(out)),
            f"{side}_fx": away * np.sin(np.radians(out)),
        }
    return legs


def _arms_clear(pose: dict[str, float]) -> bool:
    """Whether elbows and wrists are outside the chest and the head."""
    arms = {n: v for n, v in pose.items() if n[2:] in ("lift", "az", "elbow", "roll")}
    joints, _, _ = solve({"bend": 0.0, **arms}, Body(), 1)
    shoulders = joints[0, [5, 6]].mean(axis=0)
    x, y, z = (joints[0, 7:11] - shoulders).T
    in_chest = (np.abs(x) < 0.1) & (np.abs(z) < 0.075) & (y > -0.3) & (y < 0.02)
    in_head = np.hypot(x, z) < 0.055
    return not (in_chest | (in_head & (y > 0))).any()


def perform(
    motion: str | None,
    num_frames: int,
    fps: float,
    rng: np.random.Generator,
    *,
    yaw: float,
    height: float,
    position: tuple[float, float] | np.ndarray,
) -> list[Figure]:
    """One person with a body of its own performs a motion.

    Args:
        motion: a name in `MOTIONS`, or None to move between random poses.
        num_frames, fps: how many frames, and how many of them make a second.
        rng: decides body, size and tempo of the motion, its start and which side leads.
        yaw: direction in radians: 0 faces the camera, +pi/2 faces image right.
        height: standing height in pixels.
        position: pixel (x, y) of the ground below the pelvis, `(2,)` or one `[f, 2]` per frame.

    Raises:
        ValueError: an unknown motion.
    """
    if motion is not None and motion not in MOTIONS:
        raise ValueError(f"there is no motion '{motion}': choose from {', '.join(MOTIONS)}.")
    seconds = np.arange(num_frames) / fps
    person = body(rng)
    pose = _random_walk(seconds, rng) if motion is None else _choreograph(motion, seconds, rng)
    joints, torso_yaw, head_yaw = solve(pose, person, num_frames)
    where = np.broadcast_to(np.asarray(position, np.float64), (num_frames, 2))
    return to_figures(joints, torso_yaw, head_yaw, yaw=yaw, height=height, position=where)


def _choreograph(name: str, seconds: np.ndarray, rng: np.random.Generator) -> Pose:
    motion = MOTIONS[name]
    t = rng.uniform() + seconds * rng.uniform(0.75, 1.3) / motion.period
    pose = motion.track(t, rng.uniform(0.75, 1.15))
    if not motion.sided and rng.uniform() < 0.5:
        pose = mirror(pose)
    # Nobody repeats a motion exactly, nor holds the rest of the body still.
    for channel, size in (("twist", 3), ("side", 2), ("bend", 2), ("look", 8), ("tilt", 3)):
        drift = np.sin(2 * np.pi * (rng.uniform() + seconds * rng.uniform(0.1, 0.35)))
        pose[channel] = pose.get(channel, REST[channel]) + size * (drift + rng.normal())
    for channel in ("lift", "az", "elbow"):
        for side in "lr":
            key = f"{side}_{channel}"
            pose[key] = pose.get(key, REST[key]) + rng.normal(0, 5)
    for side in "lr":
        pose[f"{side}_elbow"] = np.clip(pose[f"{side}_elbow"], 2, 150)
    return pose


def _random_walk(seconds: np.ndarray, rng: np.random.Generator) -> Pose:
    """Ease from one random pose to the next, each move 0.3 to 0.9 seconds long."""
    moves = np.cumsum(rng.uniform(0.3, 0.9, size=int(seconds[-1] / 0.3) + 2))
    times = np.concatenate([[0.0], moves]) - rng.uniform(0, 0.3)
    keys = [REST | random_pose(rng) for _ in times]
    index = np.searchsorted(times, seconds, side="right") - 1
    part = (seconds - times[index]) / (times[index + 1] - times[index])
    ease = part * part * (3 - 2 * part)
    pose: Pose = {}
    for name in REST:
        values = np.array([key[name] for key in keys])
        pose[name] = values[index] * (1 - ease) + values[index + 1] * ease
    return pose
