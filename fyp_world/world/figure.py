"""The moving body: proportions, poses, and the way from a pose to joints in a picture.

Lengths are in standing heights (top of head to sole = 1). The body frame has x to the subject's
left, y up and z forward, with its origin on the ground below the place where the subject stands.
Legs reach for given foot positions (two-bone inverse kinematics), so feet stay on the ground and
knees bend forwards; arms follow joint angles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# What each channel of a pose means. Angles are degrees, lengths are standing heights.
# Left and right limbs mirror each other: "out" is away from the middle on either side.
CHANNELS = {
    "x": 0.0,  # pelvis to the subject's left
    "y": 0.0,  # pelvis above standing; negative crouches
    "z": 0.0,  # pelvis forward
    "jump": 0.0,  # the whole body, feet included, off the ground
    "turn": 0.0,  # the whole body to the subject's left
    "twist": 0.0,  # chest against pelvis, to the left
    "bend": 2.0,  # spine forward
    "side": 0.0,  # spine towards the subject's left
    "nod": 0.0,  # head forward
    "tilt": 0.0,  # head towards the left shoulder
    "look": 0.0,  # head turned to the left
    "shrug": 0.0,  # shoulders up
}
SIDED_CHANNELS = {
    "lift": 8.0,  # upper arm: 0 hangs, 90 is level, 180 points up
    "az": 0.0,  # where it is lifted to: 0 out, 90 forward, above 90 across the body
    "elbow": 15.0,  # 0 straight, 150 fully bent
    "roll": 0.0,  # where the elbow bends to: 0 towards larger az, 90 towards larger lift
    "fx": 0.02,  # foot: out from below the hip
    "fy": 0.0,  # foot above the ground
    "fz": 0.0,  # foot forward
    "knee": 8.0,  # knee points out from straight ahead
}
REST = CHANNELS | {f"{s}_{n}": v for n, v in SIDED_CHANNELS.items() for s in "lr"}
_SIGNED = ("x", "turn", "twist", "side", "tilt", "look")  # change sign in a mirror

Pose = dict[str, np.ndarray | float]  # channel -> `[f]` or constant; channels left out rest


@dataclass(frozen=True)
class Body:
    """Proportions of one person, in standing heights."""

    thigh: float = 0.245
    shin: float = 0.245
    ankle: float = 0.04
    torso: float = 0.29  # hips to shoulders
    neck: float = 0.11  # shoulders to the middle of the head
    upper_arm: float = 0.165
    forearm: float = 0.15
    shoulder_half: float = 0.11
    hip_half: float = 0.055
    head: float = 1.0  # size of the face
    nose_drop: float = 0.012  # nose below the middle of the head

    @property
    def height(self) -> float:
        """Top of head to sole when standing."""
        return self.ankle + self.shin + self.thigh + self.torso + self.neck + 0.07 * self.head


@dataclass(frozen=True)
class Figure:
    """One person in one frame, as the renderer needs it: every joint, also the hidden ones."""

    joints: np.ndarray  # (17, 2) float32 pixels, COCO-17
    depth: np.ndarray  # (17,) float32, larger = nearer the camera, in pixels, 0 at the pelvis
    yaw: float  # torso direction in radians: 0 faces the camera, +pi/2 image right, pi = back
    head_yaw: float  # same for the head
    height: float  # standing height of this person in pixels, independent of the pose

    def keypoints(self) -> np.ndarray:
        """`(17, 3)` float32 of (x, y, confidence) as a detector would give them.

        Body joints are always confident (detectors guess the covered ones); face points have
        confidence 0 where the head hides them: a back view has ears only, a side view lacks the
        far ear.
        """
        # Direction each face point looks in (degrees to the subject's left of straight ahead),
        # and how far from the camera's direction it can turn and still be seen.
        facing = np.degrees(self.head_yaw) + np.array([0, 32, -32, 95, -95])
        limit = np.array([105, 100, 100, 140, 140])
        seen = np.abs((facing + 180) % 360 - 180) <= limit
        confidence = np.ones(17, np.float32)
        confidence[:5] = seen
        return np.concatenate([self.joints, confidence[:, None]], axis=1).astype(np.float32)


def mirror(pose: Pose) -> Pose:
    """The same pose with left and right exchanged."""
    swapped = {}
    for name, value in pose.items():
        if name[:2] in ("l_", "r_"):
            name = ("r_" if name[0] == "l" else "l_") + name[2:]
        swapped[name] = -value if name in _SIGNED else value
    return swapped


def solve(pose: Pose, body: Body, num_frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Joints of a pose in the body frame.

    Returns:
        joints `[f, 17, 3]` in standing heights, and the directions of torso and head, each `[f]`
        radians to the subject's left.
    """
    p = {name: np.zeros(num_frames) + pose.get(name, rest) for name, rest in REST.items()}
    joints = np.zeros((num_frames, 17, 3))
    hips_turn = _about_y(p["turn"])
    pelvis = _place_legs(joints, p, body, hips_turn)

    chest = _about_y(p["turn"] + p["twist"]) @ _about_z(-p["side"]) @ _about_x(p["bend"])
    # The spine bends along its length: its chord leans less than the chest.
    spine = _about_y(p["turn"]) @ _about_z(-p["side"] * 0.8) @ _about_x(p["bend"] * 0.8)
    shoulders = pelvis + body.torso * spine[:, :, 1]
    for side, shoulder, sign in (("l", 5, 1), ("r", 6, -1)):
        joints[:, shoulder] = (
            shoulders
            + sign * body.shoulder_half * chest[:, :, 0]
            + p["shrug"][:, None] * chest[:, :, 1]
        )
        upper, fore = _arm_directions(*(p[f"{side}_{n}"] for n in ("lift", "az", "elbow", "roll")))
        flip = np.array([sign, 1, 1])
        joints[:, shoulder + 2] = joints[:, shoulder] + body.upper_arm * _turn(chest, upper * flip)
        joints[:, shoulder + 4] = joints[:, shoulder + 2] + body.forearm * _turn(chest, fore * flip)

    head_turn = p["turn"] + p["twist"] + p["look"]
    head = (
        _about_y(head_turn)
        @ _about_z(-p["side"] * 0.5 - p["tilt"])
        @ _about_x(p["bend"] * 0.6 + p["nod"])
    )
    middle = shoulders + body.neck * (0.5 * chest[:, :, 1] + 0.5 * head[:, :, 1])
    face = np.array(
        [
            [0, -body.nose_drop, 0.07],
            [0.027, 0.01, 0.055],
            [-0.027, 0.01, 0.055],
            [0.048, -0.006, -0.008],
            [-0.048, -0.006, -0.008],
        ]
    )
    joints[:, :5] = middle[:, None] + np.einsum("fij,kj->fki", head, face * body.head)
    torso_yaw = np.radians(p["turn"] + 0.5 * p["twist"])
    return joints, torso_yaw, np.radians(head_turn)


def to_figures(
    joints: np.ndarray,
    torso_yaw: np.ndarray,
    head_yaw: np.ndarray,
    *,
    yaw: float,
    height: float,
    position: np.ndarray,
) -> list[Figure]:
    """See the body from the camera, orthographically.

    Args:
        joints: `[f, 17, 3]` in standing heights; torso_yaw, head_yaw: `[f]`; all from `solve`.
        yaw: direction of the body frame in radians, 0 faces the camera, +pi/2 image right.
        height: standing height in pixels.
        position: `[f, 2]` pixel (x, y) of the body frame's origin on the ground.
    """
    cos, sin = np.cos(yaw), np.sin(yaw)
    right = joints[..., 0] * cos + joints[..., 2] * sin
    near = joints[..., 2] * cos - joints[..., 0] * sin
    near = near - near[:, 11:13].mean(axis=1, keepdims=True)
    pixels = np.stack([right, -joints[..., 1]], axis=-1) * height + position[:, None]
    return [
        Figure(
            joints=pixels[i].astype(np.float32),
            depth=(near[i] * height).astype(np.float32),
            yaw=float(yaw + torso_yaw[i]),
            head_yaw=float(yaw + head_yaw[i]),
            height=float(height),
        )
        for i in range(len(joints))
    ]


def _place_legs(
    joints: np.ndarray, p: dict[str, np.ndarray], body: Body, hips_turn: np.ndarray
) -> np.ndarray:
    """Fill in hips, knees and ankles; return the pelvis `[f, 3]`."""
    reach = body.thigh + body.shin
    stand = body.ankle + 0.99 * reach
    pelvis = np.stack([p["x"], stand + p["y"], p["z"]], axis=1)
    feet = {}
    for side, sign in (("l", 1), ("r", -1)):
        out = sign * (body.hip_half + p[f"{side}_fx"])
        foot = np.stack([out, body.ankle + p[f"{side}_fy"], p[f"{side}_fz"]], axis=1)
        feet[side] = _turn(hips_turn, foot)
        hip = pelvis + sign * body.hip_half * hips_turn[:, :, 0]
        away = np.linalg.norm((feet[side] - hip)[:, [0, 2]], axis=1)
        # A foot far away pulls the pelvis down to where the leg reaches.
        drop = np.sqrt(np.maximum((0.995 * reach) ** 2 - away**2, (0.45 * reach) ** 2))
        pelvis[:, 1] = np.minimum(pelvis[:, 1], feet[side][:, 1] + drop)
    pelvis[:, 1] += p["jump"]
    for side, sign, joint in (("l", 1, 11), ("r", -1, 12)):
        foot = feet[side]
        foot[:, 1] += p["jump"]
        joints[:, joint] = pelvis + sign * body.hip_half * hips_turn[:, :, 0]
        out = np.radians(p[f"{side}_knee"]) * sign
        pole = _turn(hips_turn, np.stack([np.sin(out), 0 * out, np.cos(out)], axis=1))
        joints[:, joint + 2], joints[:, joint + 4] = _reach(
            joints[:, joint], foot, body.thigh, body.shin, pole
        )
    return pelvis


def _reach(
    hip: np.ndarray, foot: np.ndarray, thigh: float, shin: float, pole: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Knee and ankle `[f, 3]` of a leg from `hip` towards `foot`, its knee towards `pole`."""
    way = foot - hip
    far = np.linalg.norm(way, axis=1, keepdims=True)
    along = way / np.maximum(far, 1e-6)
    far = np.clip(far, 0.3 * (thigh + shin), 0.999 * (thigh + shin))
    # The pole turns with the leg by the smallest rotation from straight down.
    down = np.array([0.0, -1.0, 0.0])
    cos = -along[:, 1:2]
    pole = pole - (pole * along).sum(1, keepdims=True) / np.maximum(1 + cos, 0.05) * (down + along)
    pole -= (pole * along).sum(1, keepdims=True) * along
    pole /= np.maximum(np.linalg.norm(pole, axis=1, keepdims=True), 1e-6)
    ahead = (thigh**2 - shin**2 + far**2) / (2 * far)
    aside = np.sqrt(np.maximum(thigh**2 - ahead**2, 0))
    return hip + ahead * along + aside * pole, hip + far * along


def _arm_directions(
    lift: np.ndarray, az: np.ndarray, elbow: np.ndarray, roll: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of a left upper arm and forearm in the chest's frame, each `[f, 3]`."""
    lift, az, elbow, roll = (np.radians(v) for v in (lift, az, elbow, roll))
    sin, cos, zero = np.sin, np.cos, np.zeros_like(lift)
    upper = np.stack([sin(lift) * cos(az), -cos(lift), sin(lift) * sin(az)], axis=1)
    across = np.stack([-sin(az), zero, cos(az)], axis=1)
    upward = np.stack([cos(lift) * cos(az), sin(lift), cos(lift) * sin(az)], axis=1)
    bent = cos(roll)[:, None] * across + sin(roll)[:, None] * upward
    return upper, cos(elbow)[:, None] * upper + sin(elbow)[:, None] * bent


def _turn(rotation: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.einsum("fij,fj->fi", rotation, vectors)


def _rotation(degrees: np.ndarray, first: int, second: int) -> np.ndarray:
    """`[f, 3, 3]` rotation that takes axis `first` towards axis `second`."""
    angle = np.radians(degrees)
    matrix = np.tile(np.eye(3), (len(angle), 1, 1))
    matrix[:, first, first] = matrix[:, second, second] = np.cos(angle)
    matrix[:, second, first] = np.sin(angle)
    matrix[:, first, second] = -np.sin(angle)
    return matrix


def _about_x(degrees: np.ndarray) -> np.ndarray:
    return _rotation(degrees, 1, 2)  # up tips forward


def _about_y(degrees: np.ndarray) -> np.ndarray:
    return _rotation(degrees, 2, 0)  # forward turns to the left


def _about_z(degrees: np.ndarray) -> np.ndarray:
    return _rotation(degrees, 0, 1)  # left tips up
