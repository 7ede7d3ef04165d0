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
# # Quickstart: make a drawing dance
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/00_quickstart.ipynb)
#
# You give two things: a **skeleton video**, which says how to move, and a **sentence**, which says
# who moves and where. A neural network paints a video that obeys both.
#
# **In 10 minutes you can**
#
# - make a video from a skeleton clip and a sentence,
# - choose which moments of the clip are used (*start frame* and *stride*),
# - change the sentence (*prompt*) and the random start (*seed*), one thing at a time,
# - stop a run, and save a result.
#
# You need no experience with neural networks, no GPU and, once this is set up, no internet.

# %% [markdown]
# ## Set-up · 1 minute
#
# Run each cell with **Shift + Enter**, from the top. The first one installs the package where it is
# missing (in Colab, say) and does nothing where it is not. You need not read the code; numbers that
# you are meant to change are named in the text.

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
# ## Your first video · 1 minute
#
# Three ingredients: the **pipeline** (the trained networks, which come with the package), a
# **clip** of somebody dancing, drawn as a skeleton, and a sentence. The next cell gets the first
# two and shows eight frames from the end of the dance. Orange is the head and the torso; green is
# the dancer's own left, blue the dancer's own right.

# %%
from fyp_course.panels.generate import ClipPreview, GenerateControls
from fyp_course.show import show_side_by_side, show_video
from fyp_lite import ClipSettings, SampleSettings, data_dir, load_pipeline, write_video
from fyp_lite.opening import open_clip, prepare_clip

pipeline = load_pipeline()
clip = open_clip(data_dir() / "clips" / "dance.mp4")
skeleton = prepare_clip(clip, ClipSettings(start_frame=150), pipeline.size)

show_video(skeleton.frames, skeleton.fps, "The skeleton: how to move")

# %% [markdown]
# **Predict.** The sentence will be *a panda on the sea*. What will the panda do with its arms?
#
# 1. Whatever pandas usually do.
# 2. Copy the skeleton, picture by picture.
# 3. Start like the skeleton, then go its own way.
#
# Pick one, then run the cell.

# %%
import time

began = time.perf_counter()
result = pipeline("a panda on the sea", skeleton.frames, SampleSettings(seed=0))
seconds = time.perf_counter() - began

show_side_by_side(
    {"the skeleton": skeleton.frames, "a panda on the sea": result.video},
    skeleton.fps,
    follows=skeleton.frames,
)
print(f"{len(result.video)} frames in {seconds:.1f} s on this machine ({pipeline.device})")

# %% [markdown]
# **What happened.** Number 2 is what the network is trained for: compare where the figure stands
# and where its arms are, picture by picture. The run began with pure noise, like an untuned
# television, and in 20 small steps the network took noise away, each time towards *a panda on the
# sea* in the pose of the skeleton. The bundled model is small: faces and hands stay smudged.

# %% [markdown]
# ## Which moments? Start frame and stride · 2 minutes
#
# The clip is longer than the eight frames that were used. Two numbers choose them:
#
# - **Start frame**: how many frames of the clip to skip first.
# - **Stride**: take every frame (1), every second one (2), every third one (3), …
#
# **Predict.** You raise the stride from 3 to 12. Does the motion in the preview become
#
# 1. smoother, 2. coarser, but with more of the dance in it, or 3. the same, only later?
#
# Then move the sliders. They begin at frame 96, just before a knee is lifted. Nothing is generated
# yet: the preview shows which frames are chosen.

# %%
preview = ClipPreview(clip, pipeline.size, ClipSettings(start_frame=96))
preview

# %% [markdown]
# **What happened.** The preview keeps real time. A larger stride looks at the dance less often, so
# eight pictures span more of it and what happens between them is lost. The next cell says it in
# numbers, and shows the largest stride.

# %%
for stride in (1, 3, 12):
    chosen = prepare_clip(clip, ClipSettings(96, stride), pipeline.size)
    span = (chosen.indices[-1] - chosen.indices[0]) / clip.fps
    print(f"stride {stride:2}: frames {chosen.indices}, {span:.1f} s of the dance")

show_video(chosen.frames, chosen.fps, f"stride {stride}: knees, arms up, arms out, arms down")

# %% [markdown]
# The two sliders know each other: with a large stride the last start frames no longer leave room
# for eight pictures, so the start slider ends earlier. Typed into code, such a value is refused in
# one sentence that says what would fit.
#
# **Break it.** Change the numbers and read what comes back.

# %%
try:
    chosen = prepare_clip(clip, ClipSettings(start_frame=150, frame_stride=12), pipeline.size)
    print("That fits: frames", chosen.indices)
except ValueError as error:
    print(error)

# %% [markdown]
# ## The whole panel · 3 minutes
#
# The same sliders, with a **prompt**, a **seed** and a **Generate** button. Change *one* thing at a
# time: then you know what caused the difference.
#
# Try, in this order:
#
# 1. **Generate** as it is. While it runs, you see what the network expects so far.
# 2. Change a word of the prompt: *a robot on the sea*, *a panda in the forest*.
# 3. Write a word that it cannot know, such as *a pandda on the sea*, and read the panel's message.
# 4. Change the seed from 0 to 1 and leave the rest.
# 5. Start once more and press **Stop** in the middle.
#
# The preview on the left belongs to both panels: its sliders here and above are the same.

# %%
panel = GenerateControls(pipeline, preview, prompt="a panda on the sea")
panel

# %% [markdown]
# Whatever you finished last stays in the panel, also after Stop: the video in `panel.video`, and in
# `panel.request` what it was made from.

# %%
panel.request.to_dict() if panel.request else "You have made no video in the panel yet."

# %% [markdown]
# ## What the prompt changes, and what the seed changes · 2 minutes
#
# **Predict.** Three runs follow the same skeleton:
# *a panda on the sea* with seed 0, *a robot on the moon* with seed 0, and *a panda on the sea* with
# seed 1. Which of the last two is more like the first one?

# %%
prompts = ["a panda on the sea", "a robot on the moon", "a panda on the sea"]
seeds = [0, 0, 1]
videos = pipeline(prompts, skeleton.frames, seeds=seeds).videos

titles = [f"{prompt}, seed {seed}" for prompt, seed in zip(prompts, seeds, strict=True)]
show_side_by_side(dict(zip(titles, videos, strict=True)), skeleton.fps, follows=skeleton.frames)

for title, video in zip(titles[1:], videos[1:], strict=True):
    difference = abs(video.astype(float) - videos[0]).mean()
    print(f"{title}: differs from the first by {difference:.1f} of 255 per pixel on average")

# %% [markdown]
# **What happened.** The prompt decides who and where. The seed is the number from which the first
# noise is drawn: another seed is another take of the same scene. The printed differences say how
# much each of them changed. And the same seed is the same video, on every run:

# %%
again = pipeline(prompts[0], skeleton.frames, SampleSettings(seed=0)).video
print("the same as the first video:", (again == result.video).all())

# %% [markdown]
# ## Your turn · 1 minute
#
# Make *an astronaut on the moon* that begins at frame 132 of the clip, with stride 5 and seed 3,
# and save it as `astronaut.mp4`. Edit the cell below, which makes something else.

# %%
settings = ClipSettings(start_frame=48, frame_stride=6)
skeleton = prepare_clip(clip, settings, pipeline.size)
result = pipeline("a boy in the park", skeleton.frames, SampleSettings(seed=0))

write_video("my_video.mp4", result.video, skeleton.fps)
show_side_by_side(
    {"skeleton": skeleton.frames, "my video": result.video}, skeleton.fps, follows=skeleton.frames
)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# settings = ClipSettings(start_frame=132, frame_stride=5)
# skeleton = prepare_clip(clip, settings, pipeline.size)
# result = pipeline("an astronaut on the moon", skeleton.frames, SampleSettings(seed=3))
# write_video("astronaut.mp4", result.video, skeleton.fps)
# ```
#
# </details>
#
# More skeleton clips lie beside the first one: `walk.mp4`, `boxing.mp4`, `macarena.mp4`,
# `three_people.mp4`, … To use one, put its name in place of `dance.mp4` near the top and
# `ClipSettings()` in place of `ClipSettings(start_frame=150)`, as not all are that long. With a
# path, `open_clip` takes any skeleton video of your own. How to get one out of a video of people,
# lesson 01 shows.
#
# | You set | and it decides |
# |---|---|
# | the clip | how to move |
# | `start_frame` | where in the clip the video begins |
# | `frame_stride` | how much time lies between two pictures |
# | the prompt | who moves, and where |
# | the seed | which take you get; the same seed repeats it |
#
# **Where to go next.** Lesson 01, *The type of input video*, tells what a skeleton video is and
# gets one out of any video; or go on with 02, *Time*. The same settings work without a notebook, in
# a terminal in the project's folder, once `make demo` has installed it there:
#
# ```bash
# .venv/bin/fyp-lite "an astronaut on the moon" --clip data/clips/dance.mp4 --start-frame 132 \
#     --frame-stride 5 --seed 3 --out astronaut.mp4
# ```
