"""Make the bundled skeleton clips: `python scripts/make_clips.py` writes data/clips/*.mp4.

People of the animated world's choreographer perform, drawn as skeletons. Every clip has fixed
seeds, so the command makes the same clips again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fyp_lite.skeleton import draw_skeletons
from fyp_lite.video import write_video
from fyp_world.world.motion import perform

CLIPS = Path(__file__).resolve().parent.parent / "data" / "clips"
SIZE = 320  # pixels, both sides
FPS = 24
BLEND = 12  # frames over which one motion becomes the next


@dataclass(frozen=True)
class Performer:
    """One person: motions one after the other, `seed` for body and tempo."""

    motions: tuple[str, ...]
    seed: int
    x: float = 0.5  # of the frame's width
    yaw: float = 0.0  # degrees, 0 faces the camera, 90 faces image right
    height: float = 0.75  # of the frame's height


@dataclass(frozen=True)
class Recipe:
    """A clip: who performs, and for how many frames."""

    num_frames: int
    people: tuple[Performer, ...]


RECIPES = {
    "dance": Recipe(
        184,
        (Performer(("dance_disco", "dance_side_step", "dance_knee_lift", "raise_arms"), seed=5),),
    ),
    "walk": Recipe(96, (Performer(("walk",), seed=6, yaw=50),)),
    "wave": Recipe(96, (Performer(("wave_left", "wave_both"), seed=7),)),
    "kick": Recipe(120, (Performer(("kick_front", "kick_side"), seed=9, yaw=35),)),
    "two_people": Recipe(
        120,
        (
            Performer(("dance_disco",), seed=11, x=0.29, height=0.62),
            Performer(("raise_arms",), seed=12, x=0.77, height=0.54),
        ),
    ),
    "jumping_jacks": Recipe(96, (Performer(("jumping_jacks",), seed=13, height=0.7),)),
    "run": Recipe(72, (Performer(("run",), seed=14, yaw=-70),)),
    "boxing": Recipe(96, (Performer(("boxing",), seed=15, yaw=40),)),
    "macarena": Recipe(144, (Performer(("macarena",), seed=16),)),
    "robot_dance": Recipe(120, (Performer(("robot_dance",), seed=17, yaw=-15),)),
    "pirouette": Recipe(96, (Performer(("pirouette",), seed=18),)),
    "three_people": Recipe(
        120,
        (
            Performer(("dance_side_step",), seed=19, x=0.2, height=0.56),
            Performer(("cheer",), seed=20, x=0.52, height=0.62),
            Performer(("march",), seed=21, x=0.82, height=0.52),
        ),
    ),
}


def keypoints(person: Performer, num_frames: int) -> np.ndarray:
    """The person's joints `[f, 17, 3]` in pixels, motions blended where they meet."""
    part = num_frames // len(person.motions)
    # Every motion is performed through the whole clip with the same seed, hence by the same body.
    takes = [
        perform(
            motion,
            num_frames,
            FPS,
            np.random.default_rng(person.seed),
            yaw=np.radians(person.yaw),
            height=person.height * SIZE,
            position=(person.x * SIZE, 0.93 * SIZE),
        )
        for motion in person.motions
    ]
    joints = np.stack([[figure.keypoints() for figure in take] for take in takes])
    result = joints[0]
    for number, take in enumerate(joints[1:], 1):
        into = np.clip((np.arange(num_frames) - number * part) / BLEND + 0.5, 0, 1)
        ease = (into * into * (3 - 2 * into))[:, None, None]
        result = (1 - ease) * result + ease * take
    return result


def main() -> None:
    CLIPS.mkdir(parents=True, exist_ok=True)
    for name, recipe in RECIPES.items():
        people = np.stack([keypoints(p, recipe.num_frames) for p in recipe.people], axis=1)
        path = CLIPS / f"{name}.mp4"
        write_video(path, draw_skeletons(people, SIZE, SIZE), FPS)
        print(f"{path.name}: {recipe.num_frames} frames, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
