"""Draw what the lessons ask the model for: `python scripts/make_drawn.py` writes data/drawn/*.mp4.

Each video shows the frames and the sentence of one of the lessons' cases
(`fyp_course.start.CASES`), drawn by the animated world itself. Nothing in it is wrong, so
what the judges miss there is their own mistake.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from make_clips import FPS, RECIPES

from fyp_course.start import CASES
from fyp_lite.video import write_video
from fyp_world.world.captions import CharacterSpec
from fyp_world.world.dataset import Clip, Scene, render_clip
from fyp_world.world.motion import perform

OUT = Path(__file__).resolve().parent.parent / "data" / "drawn"
SIZE = 256  # pixels, both sides: the lite model's
SEED = 3  # of the layout

SCENES = {
    "04_panda_sea": (CharacterSpec("panda"), "sea", "day", "plain"),
    "04_robot_desert": (CharacterSpec("robot"), "desert", "day", "plain"),
    "04_astronaut": (CharacterSpec("astronaut"), "moon", "day", "plain"),
    "04_man_van_gogh": (CharacterSpec("man"), "park", "day", "Van Gogh"),
    "04_batman_brown": (CharacterSpec("batman"), "brown background", "day", "plain"),
    "04_tiny_boy_beach": (CharacterSpec("boy", size="tiny", cute=True), "beach", "sunset", "plain"),
    "05": (CharacterSpec("wizard"), "forest", "day", "plain"),
    "06": (CharacterSpec("panda"), "sea", "day", "plain"),
    "07": (CharacterSpec("ninja"), "stage", "day", "plain"),
}


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (character, place, time, style) in SCENES.items():
        case = CASES[name]
        recipe, chosen = RECIPES[Path(case.clip_name).stem], case.clip_settings
        (dancer,) = recipe.people
        # The frames lie before the first blend, so they are of the first motion alone.
        figures = perform(
            dancer.motions[0],
            recipe.num_frames,
            FPS,
            np.random.default_rng(dancer.seed),
            yaw=np.radians(dancer.yaw),
            height=dancer.height * SIZE,
            position=(dancer.x * SIZE, 0.93 * SIZE),
        )
        scene = Scene((character,), place, time, style, SEED)
        frames = render_clip(Clip(scene, [[figures[n]] for n in chosen.frame_indices()]), SIZE)
        path = OUT / f"{name}.mp4"
        write_video(path, frames, FPS / chosen.frame_stride)
        print(f"{path.name}: {len(frames)} frames, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
