# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How strongly to follow
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/11_pose_strength.ipynb)
#
# So far the skeleton was obeyed or, in lesson 07, switched off. Two dials lie between:
# **pose strength** says how loudly the network hears the skeleton, and the **pose window** in which
# part of the run. Some of today's large systems have the same two dials. Here you measure what they
# do.
#
# **In 15 minutes you can**
#
# - say what a pose strength below and above 1 does, and what 0 is,
# - tell in which steps a motion is decided, from a measured curve,
# - save the skeleton for the steps that need it,
# - name what a stick figure can't say, and choose between a skeleton and a raw video.

# %% [markdown]
# ## Set-up · 1 minute
#
# Run each cell with **Shift + Enter**, from the top. The first one installs the package where it is
# missing (in Colab, say) and does nothing where it is not. You need not read the code: the text
# says what is meant to be changed, and numbers to play with are in CAPITALS.

# %%
from importlib.util import find_spec
from pathlib import Path

if find_spec("fyp_lite") is None:  # a checkout installs itself
    source = ".." if Path("../fyp_lite").is_dir() else "git+https://github.com/fyp-lite/fyp-lite"
    # %pip install -q {source}
if find_spec("fyp_lite") is None:
    raise SystemExit(
        "fyp_lite is not installed: connect to the internet and run this cell again, or use the "
        "offline bundle (docs/offline.md). If pip has just installed it, restart the kernel."
    )

import fyp_lite

print(f"fyp_lite {fyp_lite.__version__} is ready")

# %% [markdown]
# ## What this lesson starts from
#
# A clip of jumping jacks, an astronaut, and a judge: the small network of lesson 01 that finds
# joints in a painted video. *Joints in place* are those within a tenth of the body's size of where
# the skeleton has them. All runs have 10 steps, to be quick.

# %%
from dataclasses import replace

from fyp_course.charts import show_chart, show_gallery
from fyp_course.exercises import lesson_11 as tasks
from fyp_course.start import resume
from fyp_lite.judges.scores import Judge
from fyp_lite.skeleton_reader import read_skeletons

start = resume("11")
pipeline, skeleton, quick = start.pipeline, start.skeleton, start.sample_settings
pipeline.set_progress_bar_config(leave=False)
judge, keypoints = Judge(), read_skeletons(skeleton.frames)


def paint(settings):
    return pipeline(start.prompt, skeleton.frames, settings).video


def joints_of(video):
    return judge.follow(video, keypoints)["joints @0.1"]


print(f"Prompt: {start.prompt}; {quick.num_inference_steps} steps, seed {quick.seed}")

# %% [markdown]
# ## The strength · 4 minutes
#
# The pose encoder turns the skeleton into numbers that are **added** to the network's own, at every
# level (lesson 07). Pose strength multiplies them first:
#
# - 1: as in training,
# - 0: nothing is added, the network has no skeleton,
# - between: a quiet skeleton; above 1: a loud one.

# %%
tasks.guess_half_the_strength()

# %%
STRENGTHS = [0, 0.25, 0.5, 1, 1.5]  # change or add some, rising

videos = {s: paint(replace(quick, pose_strength=s)) for s in STRENGTHS}
shown = {f"strength {s:g}": video for s, video in videos.items()}
show_gallery(shown, skeleton.fps, "pose strength", follows=skeleton.frames)

# %%
found = [joints_of(videos[s]) for s in STRENGTHS]
show_chart("pose strength", STRENGTHS, "share of joints in place", {"joints in place": found})

# %% [markdown]
# **What happened.** At 0 there is no astronaut doing something else: there is a heap with the
# colours of one. In nearly all of its training the model was told where limbs are, and without that
# it builds no body here. With this clip a quarter of the strength brings nearly the whole motion;
# what improves up to 1 is where hands and feet end. Above 1 you see hardly a difference. The curve
# is steep at first and then flat: a dial that is turned halfway does not do half.
#
# > **You may have read** that a low pose strength lets a character move "more freely". Look at the
# > row of 0.25: it isn't another dance, it is the same one with crumbling arms.
#
# How steep it is depends on the clip. Over six others a quarter of the strength brings
# 36 % of the joints, half of it 69 %, and all of it 80 %
# ([model card](https://github.com/fyp-lite/fyp-lite/blob/main/fyp_lite/weights/lite/README.md)).

# %% [markdown]
# ## When is the motion decided? · 4 minutes
#
# `pose_start` and `pose_end` say in which part of the run the skeleton is seen, 0 being the pure
# noise at its beginning and 1 its end. In the other steps the network runs without it.

# %%
tasks.guess_when_it_is_decided()

# %%
PARTS = {
    "first two steps": (0, 0.2),
    "four steps in the middle": (0.3, 0.7),
    "last two steps": (0.8, 1),
}

parts = {}
for name, (since, until) in PARTS.items():
    parts[name] = paint(replace(quick, pose_start=since, pose_end=until))
show_gallery(parts, skeleton.fps, "pose window", follows=skeleton.frames)
for name, video in parts.items():
    print(f"{name:25} {joints_of(video):4.0%} of the joints in place")

# %% [markdown]
# Now the whole curve, from both sides: the skeleton up to a moment, and from that moment on.

# %%
MOMENTS = [0.2, 0.4, 0.6, 0.8]

until = [joints_of(paint(replace(quick, pose_end=moment))) for moment in MOMENTS]
since = [joints_of(paint(replace(quick, pose_start=moment))) for moment in MOMENTS]
lines = {"skeleton until then": until, "skeleton from then on": since}
show_chart("moment of the run", MOMENTS, "share of joints in place", lines)

# %% [markdown]
# **What happened.** The two lines cross around the middle of the run. Before, there is so much
# noise that nothing is settled: a skeleton that comes a little late loses little. After, the forms
# stand, and a skeleton that comes only now finds a heap that it rarely rebuilds. So the motion is
# decided in the middle, and the last steps place hands and feet more exactly. Other seeds give
# other numbers, above all where the skeleton comes at 0.8: 0 to 60 % with six of them.
#
# > **You may have read** that motion is established early in a run, and that ending the pose at 0.7
# > only loosens details. That is said of systems of another size. Here it was measured, with this
# > model: look at what ending at 0.6 costs, and what starting at 0.4 does.
#
# The skeleton is encoded once, before the first step, and adding it costs next to nothing. So a
# narrow window saves no time in this model; it is a dial for the picture.

# %% [markdown]
# ## Your turn: as little skeleton as you can · 3 minutes
#
# Make settings with 10 steps of which at most **6 see the skeleton**, and keep 95 % of the joints
# that are in place with all of them. Put `SampleSettings(...)` with your values in place of the
# `...`; the check paints the video. Leave the seed at 0, as the share to keep was measured with it.

# %%
window_exercise = tasks.save_the_skeleton(lambda s: joints_of(paint(s)), joints_of(videos[1]))

my_settings = ...
window_exercise.check(my_settings)

# %%
my_settings = window_exercise.solution()
window_exercise.check(my_settings)

# %% [markdown]
# ## What a stick figure can't say · 3 minutes
#
# A skeleton video is flat. Take an arm that points towards the camera, and one that points away, by
# the same angle: in space they are a metre apart. The cell puts both onto the picture's plane.

# %%
import numpy as np

from fyp_course.show import show_picture
from fyp_lite.skeleton import draw_skeletons

arm = np.array([0.0, 60.0, 0.0])  # right, down, away from the camera, in pixels


def turned(bone, degrees):
    """A bone that hangs down, swung away from the camera (or towards it, below 0)."""
    angle = np.deg2rad(degrees)
    return np.array([bone[0], bone[1] * np.cos(angle), bone[1] * np.sin(angle)])


drawings = []
for degrees in (60, -60):
    person = keypoints[:1].copy()
    shoulder, bone = person[0, 0, 6, :2], turned(arm, degrees)
    person[0, 0, 8, :2] = shoulder + bone[:2]  # the elbow; depth, bone[2], has no place in it
    person[0, 0, 10, :2] = shoulder + 2 * bone[:2]  # the wrist
    print(f"swung by {degrees:+} degrees: the wrist lies {2 * bone[2]:+.0f} pixels in depth")
    drawings.append(draw_skeletons(person, pipeline.size, pipeline.size)[0])
show_picture(np.concatenate(drawings, axis=1), "Two arms, two skeletons: they look the same")
print("pixels that differ:", int((drawings[0] != drawings[1]).any(axis=-1).sum()))

# %% [markdown]
# **What happened.** Not one pixel differs, so no network can tell them apart. A skeleton does not
# say either who stands in front where two people cross, whether a hand touches something, what
# fingers and faces do, or how far away somebody is: a child nearby and an adult far off may have
# the same skeleton. What is missing, the model makes up.
#
# Systems of 2025 and 2026 therefore begin to leave the skeleton out and take the raw video itself:
#
# | System | Date | Motion from | Pose dials |
# |---|---|---|---|
# | Follow Your Pose (arXiv 2304.01186) | 2023-04 | skeleton video | none |
# | Wan2.2-Animate 14B | 2025-09 | skeleton video, crops of the face | none |
# | SteadyDancer 14B (arXiv 2511.19320) | 2025-11 | skeleton video | guidance by the pose |
# | SCAIL-2 14B (arXiv 2606.10804) | 2026-06 | raw video, a mask a person | strength, window |
# | Wan-Animate-2 14B | 2026-08 | raw video | strength, window |
#
# (State of November 2026, from the systems' papers, model cards and the documentation of ComfyUI.)
#
# Take **a skeleton** where you want to draw, repair or mirror a motion, use one motion for many
# characters, keep everything else of the filmed person out of the result, or run a small model.
# Take **a raw video** where depth, contact, hands or faces matter, and where there is a GPU with
# tens of gigabytes.

# %% [markdown]
# <details><summary><b>For the curious</b></summary>
#
# - Strength multiplies the pose features of all levels alike, before they are added
#   (`fyp_lite/denoising.py`).
# - Strength is not guidance. Guidance compares two predictions and exaggerates their difference
#   (lesson 06); strength changes what goes into one prediction.
# - Try a window on the prompt side as well: `guidance_start` and `guidance_end`.
#
# </details>

# %% [markdown]
# ## Recap
#
# | Setting | What you saw |
# |---|---|
# | `pose_strength=0` | no body at all: the model leans on the skeleton |
# | `pose_strength` 0.25 to 1 | here the same motion, more and more exact |
# | `pose_strength` above 1 | hardly a difference |
# | `pose_start` up to 0.4 | costs little: the first steps are noise |
# | `pose_end` below 0.8 | costs exactness, below 0.4 the motion |
#
# **Where to go next.** The [playground](10_playground.ipynb) has both dials under the prompt: try
# them with a clip of your own.
