"""Make the README's picture with the bundled model: `python scripts/make_pictures.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from fyp_lite import ClipSettings, SampleSettings, contact_sheet, data_dir, load_pipeline
from fyp_lite.opening import prepare_clip

PROMPTS = ("a panda on the sea", "an astronaut on the moon", "a robot in the desert at sunset")
COLUMNS = 6
SIZE = 160  # of one frame in the picture, in pixels


def main() -> None:
    pipeline = load_pipeline()
    settings = ClipSettings(frame_stride=5, num_frames=8)
    clip = prepare_clip(data_dir() / "clips" / "dance.mp4", settings, pipeline.size)
    videos = [clip.frames]
    for prompt in PROMPTS:
        videos.append(pipeline(prompt, clip.frames, SampleSettings(seed=1)).video)
    frames = np.concatenate([video[:COLUMNS] for video in videos])
    small = np.stack(
        [
            np.asarray(Image.fromarray(f).resize((SIZE, SIZE), Image.Resampling.LANCZOS))
            for f in frames
        ]
    )
    out = Path(__file__).parents[1] / "docs" / "result.jpg"
    out.parent.mkdir(exist_ok=True)
    Image.fromarray(contact_sheet(small, columns=COLUMNS)).save(out, quality=88, optimize=True)
    print(f"{out}: {out.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
