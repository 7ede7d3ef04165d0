# %% [markdown]
# # The stage, the ruler and the lens, on videos that say which frame they show

# %%
import numpy as np
from ipywidgets import HTML, IntSlider, VBox, link
from stage_videos import numbered

from fyp_course.stage import LensStage, RulerStage, Stage, show_live
from fyp_lite.settings import ClipSettings

# %%
stage = Stage(
    {"skeleton": numbered(20, 0), "result": numbered(20, 1)},
    fps=12,
    overlay=("skeleton", "result"),
    captions={"result": "“<b>a panda</b>” · seed 0"},
    alt="One person. Left arm up in frames 3 to 5 of 20.",
)
stage.keep_before()
stage.show_videos(
    {"skeleton": numbered(20, 0), "result": numbered(20, 2)},
    captions={"result": "“<b>a panda</b>” · seed 1"},
    alt="One person. Right arm up in frames 3 to 5 of 20.",
)
display(stage)  # noqa: F821 - a notebook has it

# %% [markdown]
# What the kernel hears, and what it says.

# %%
heard = HTML()


def tell(_change=None):
    heard.value = f"frame {stage.frame}, playing {stage.playing}"


stage.observe(tell, ["frame", "playing"])
tell()
stale = IntSlider(0, 0, 1, description="Stale")
link((stale, "value"), (stage, "stale"), transform=(bool, int))
show_live(VBox([heard, stale]), np.zeros((8, 8, 3), np.uint8), "what the kernel hears")

# %%
clip = numbered(100)
ruler = RulerStage(lambda numbers: clip[numbers], len(clip), ClipSettings(start_frame=20))
sliders = [
    IntSlider(20, 0, 120, description="Start frame"),
    IntSlider(3, 1, 25, description="Stride"),
    IntSlider(8, 1, 24, description="Frames"),
]
for slider, name in zip(sliders, ("start_frame", "frame_stride", "num_frames"), strict=True):
    link((slider, "value"), (ruler, name))
show_live(VBox([*sliders, ruler]), clip[0], "the ruler")

# %%
lens = LensStage(np.full((240, 320, 3), 120, np.uint8), ClipSettings(crop_left=100, crop_top=60))
crops = [IntSlider(0, 0, 600, description=f"Crop {s}") for s in ("left", "right", "top", "bottom")]
for slider, side in zip(crops, ("left", "right", "top", "bottom"), strict=True):
    link((lens, f"crop_{side}"), (slider, "value"))
show_live(VBox([*crops, lens]), clip[0], "the lens")
