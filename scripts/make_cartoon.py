"""Make the bundled raw clip: `python scripts/make_cartoon.py` writes data/clips/cartoon.mp4.

A character of the animated world dances: a raw video that can be read without a network for real
people, and whose true joints are known. They lie beside it, in cartoon.json.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.video import write_video
from fyp_world.world.captions import CharacterSpec
from fyp_world.world.dataset import FPS, Clip, Scene, render_clip
from fyp_world.world.motion import perform

CLIPS = Path(__file__).resolve().parent.parent / "data" / "clips"
SIZE = 320  # pixels, both sides
NUM_FRAMES = 72
SCENE = Scene((CharacterSpec("girl"),), "park", "day", "plain", seed=3)


def main() -> None:
    figures = perform(
        "dance_disco",
        NUM_FRAMES,
        FPS,
        np.random.default_rng(22),
        yaw=0.0,
        height=0.72 * SIZE,
        position=(0.5 * SIZE, 0.92 * SIZE),
    )
    clip = Clip(SCENE, [[figure] for figure in figures])
    path = CLIPS / "cartoon.mp4"
    write_video(path, render_clip(clip, SIZE), FPS)
    truth = KeypointClip(clip.keypoints()[:, :1], FPS, SIZE, SIZE, "truth", path.name)
    truth.save(path.with_suffix(".json"))
    print(f"{path.name}: {NUM_FRAMES} frames, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
