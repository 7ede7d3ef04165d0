"""Make data/expected with the bundled model, from the table `fyp_course.start.CASES`.

python scripts/make_expected.py             all of them, and removes those no longer in the table
python scripts/make_expected.py 00 02_      only those whose names begin so
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from fyp_course.expected import write_expected
from fyp_course.start import CASES
from fyp_lite import data_dir, load_pipeline
from fyp_lite.opening import prepare_clip
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.request import Request

OUT = Path(__file__).parents[1] / "data" / "expected"
DTYPES = (torch.float32, torch.bfloat16)


def main(beginnings: list[str]) -> None:
    pipelines = {
        str(dtype).removeprefix("torch."): load_pipeline(device="cpu", dtype=dtype)
        for dtype in DTYPES
    }
    for pipeline in pipelines.values():
        pipeline.set_progress_bar_config(disable=True)
    if not beginnings:
        for path in OUT.glob("*.*"):
            path.unlink()
    made: dict[Request, dict] = {}  # cases that several notebooks share are made once
    for name, case in CASES.items():
        if not name.startswith(tuple(beginnings) or ""):
            continue
        if case not in made:
            made[case] = {dtype: make(pipeline, case) for dtype, pipeline in pipelines.items()}
        write_expected(OUT, name, made[case], facts(pipelines["float32"], case))
        print(name, flush=True)


def make(pipeline: FollowYourPosePipeline, case: Request) -> np.ndarray:
    skeleton = prepare_clip(
        data_dir() / "clips" / case.clip_name, case.clip_settings, pipeline.size
    )
    return pipeline(case.prompt, skeleton.frames, case.sample_settings).video


def facts(pipeline: FollowYourPosePipeline, case: Request) -> dict:
    """How the video was made, as values and as a phrase."""
    sampling, indices = case.sample_settings, case.clip_settings.frame_indices()
    scale = pipeline.guidance_scale(sampling)
    crops = {k: v for k, v in case.clip_settings.to_dict().items() if k.startswith("crop_") and v}
    return {
        "made": f"“{case.prompt}”, seed {sampling.seed}, {sampling.num_inference_steps} steps, "
        f"guidance scale {scale:g}, frames {indices[0]}, {indices[1]} … {indices[-1]} of "
        + case.clip_name
        + "".join(f", {name} {value}" for name, value in crops.items()),
        "prompt": case.prompt,
        "clip": case.clip_name,
        "clip_settings": case.clip_settings.to_dict(),
        "sample_settings": sampling.to_dict(),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
