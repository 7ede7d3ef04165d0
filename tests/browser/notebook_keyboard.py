# %% [markdown]
# The quickstart's panel, on networks that need no time.

# %%
from helpers import build_tiny_pipeline

from fyp_course.panels.generate import ClipPreview, GenerateControls
from fyp_lite import data_dir
from fyp_lite.opening import open_clip

pipeline = build_tiny_pipeline(["a", "panda"])
clip = open_clip(data_dir() / "clips" / "dance.mp4")
panel = GenerateControls(pipeline, ClipPreview(clip, pipeline.size), prompt="a panda")
panel.steps.value = 2
panel
