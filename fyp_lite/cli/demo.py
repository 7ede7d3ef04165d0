"""Make a first video from a bundled clip into out/, with a sheet of skeletons and frames."""

from __future__ import annotations

import argparse
from pathlib import Path

USAGE = ""
DEMO_PROMPT = "a panda on the sea"
DEMO_CLIP = "dance.mp4"


def add_options(_parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(_arguments: argparse.Namespace, out_folder: Path = Path("out")) -> None:
    import numpy as np
    from PIL import Image

    from fyp_lite.cli.make import make
    from fyp_lite.opening import open_clip, prepare_clip
    from fyp_lite.request import Request
    from fyp_lite.video import contact_sheet

    out = out_folder / "demo.mp4"
    request = Request(DEMO_PROMPT, DEMO_CLIP)
    clip_path = make(request, out)
    with open_clip(out) as clip:
        video = clip.read(range(clip.num_frames))
    skeletons = prepare_clip(clip_path, request.clip_settings, video.shape[1]).frames
    sheet = contact_sheet(np.concatenate([skeletons, video]), columns=len(video))
    Image.fromarray(sheet).save(out.with_suffix(".png"))
    print(f"sheet     {out.with_suffix('.png')}")
    print(f"prompt    {DEMO_PROMPT}")
    print(f"clip      {clip_path}")
