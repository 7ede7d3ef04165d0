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
# # CFG scale: how strongly the sentence pulls
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/06_guidance.ipynb)
#
# CFG stands for **classifier-free guidance**. At each step the network can give two answers, one
# with your sentence and one without it, and the **guidance scale** says how far to go from the
# second answer towards the first one, and beyond. The published model can't do without: it runs at
# 12.5. The small one here can, and takes one answer a step unless you ask for more. This lesson
# asks for more.
#
# **In 20 minutes you can**
#
# - compute guidance by hand, and get the pipeline's number,
# - tell a video with too little guidance from one with too much,
# - say what guidance costs: a second answer in each step, however large the scale,
# - lead a video away from something,
# - choose a scale for a video of your own.

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
# The trained networks (the **pipeline**), eight frames of a skeleton clip, a prompt, and the usual
# settings. Where a section doesn't need eight frames, it takes the first four, to save time.

# %%
from fyp_course.charts import show_chart, show_gallery
from fyp_course.exercises import lesson_06 as tasks
from fyp_course.start import resume
from fyp_lite import ClipSettings, SampleSettings
from fyp_lite.opening import prepare_clip

start = resume("06")
pipeline, skeleton = start.pipeline, start.skeleton
pipeline.set_progress_bar_config(leave=False)
four_frames = prepare_clip(start.clip, ClipSettings(num_frames=4), pipeline.size).frames

own = pipeline.guidance_scale(start.sample_settings)
print(f"Prompt: {start.prompt}; this model's own guidance scale is {own:g}")

# %% [markdown]
# ## Two answers · 3 minutes
#
# In training, the sentence was left out now and then. So the network can answer two questions about
# the same noise: what would fit **this sentence**, and what would fit **any sentence**. The
# difference between the answers is what the sentence is about. Guidance makes more of it, in one
# line of code:

# %%
import inspect

from fyp_lite.denoising import guide

print(inspect.getsource(guide))

# %%
tasks.guess_the_plain_answer()

# %% [markdown]
# Now by hand. The cell takes the first step of three runs that differ in the scale only. At scale 0
# the pipeline hands out the answer without the sentence, at scale 1 the one with it. From these two
# you compute what must come out at scale 7.5, for one number out of the middle of the first frame.

# %%
SCALE = 7.5

answers = {}
for scale in (0, 1, SCALE):
    settings = SampleSettings(num_inference_steps=10, guidance_scale=scale)
    answers[scale] = next(pipeline.steps(start.prompt, four_frames, settings)).model_output

place = (0, 0, 0, 16, 16)  # video, channel, frame, row, column
uncond, text = float(answers[0][place]), float(answers[1][place])
by_hand = uncond + SCALE * (text - uncond)
print(f"without the sentence {uncond:+.4f}, with it {text:+.4f}")
print(f"by hand {by_hand:+.4f}, the pipeline's {float(answers[SCALE][place]):+.4f}")

# All numbers, with the package's function.
gap = (guide(answers[0], answers[1], SCALE) - answers[SCALE]).abs().mean()
size = answers[SCALE].abs().mean()
print(f"all {answers[SCALE].numel()} numbers: they differ by {float(gap / size):.2%} on average")

# %% [markdown]
# **What happened.** If a difference is left at all, it is rounding: the network computes with few
# digits where that is faster, and asking both questions at once may round a little otherwise than
# asking one after the other. The formula is all there is to guidance.
#
# **Your turn.** Without the sentence the network predicts 0.2, with it 0.5. What does guidance make
# of it at scale 4? Put the number in place of the `...`.

# %%
hand_exercise = tasks.guide_by_hand()

my_number = ...
hand_exercise.check(my_number)

# %%
my_number = hand_exercise.solution()
hand_exercise.check(my_number)
print(f"{my_number:.1f} is outside of the span from 0.2 to 0.5: guidance exaggerates")

# %% [markdown]
# ## Too little: does the sentence matter? · 3 minutes
#
# Two sentences that have nothing in common, the same noise, the same pose.

# %%
tasks.guess_scale_zero()

# %%
import numpy as np

from fyp_course.charts import difference

TWO = ["a panda on the sea", "a robot on the moon"]
SCALES = [0, 1, 3, 7.5, 12.5]  # begin with 0 and 1
apart, per_contrast = [], []
print("scale  difference  contrast  difference / contrast")
for scale in SCALES:
    settings = SampleSettings(num_inference_steps=6, guidance_scale=scale)
    first, second = (pipeline(prompt, four_frames, settings).video for prompt in TWO)
    apart.append(difference(first, second))
    contrast = float(np.concatenate([first, second]).std())
    per_contrast.append(apart[-1] / contrast)
    print(f"{scale:5}  {apart[-1]:10.1f}  {contrast:8.1f}  {per_contrast[-1]:21.2f}")

show_chart("guidance scale", SCALES, "difference of two prompts (of 255)", {"difference": apart})
rise = per_contrast[-1] / per_contrast[1]
print(f"From scale 1 to {SCALES[-1]} the difference grows {apart[-1] / apart[1]:.2f} times,")
print(f"measured by the contrast of the pictures {rise:.2f} times.")

# %% [markdown]
# **What happened.** At 0 the two are one video: it follows the skeleton, because the pose feeds
# both answers, but it knows nothing of your sentence. From 0 to 1 the sentence comes in. Beyond 1
# be careful with the *difference*: where all colours harden (the next section), any two videos lie
# farther apart. **Contrast**, how widely all values spread, grows along with them. Only what the
# last column gains beyond scale 1 can be due to the sentence. Where it gains nothing, the pictures
# have become harder, not more different: whether that is worth it, you see next.

# %% [markdown]
# ## Too much: what does a large scale do? · 4 minutes
#
# Now full runs over a wide span of scales. First what they cost:

# %%
tasks.guess_the_time()

# %%
from dataclasses import replace

from fyp_lite.cost import cost_line, network_evaluations

WIDE = sorted({0, 1, own, 2, 4, 12.5, 30})  # add some; cells below need these
recipes = {scale: replace(start.sample_settings, guidance_scale=scale) for scale in WIDE}
for scale, settings in recipes.items():
    print(f"scale {scale:4g}: {cost_line(pipeline, start.clip_settings, settings)}")

# %%
import time

videos, seconds = {}, {}
for scale, settings in recipes.items():
    began = time.perf_counter()
    videos[scale] = pipeline(start.prompt, skeleton.frames, settings).video
    seconds[scale] = time.perf_counter() - began
titles = {f"scale {scale:g}": video for scale, video in videos.items()}
show_gallery(titles, skeleton.fps, "guidance scale", follows=skeleton.frames)

# %% [markdown]
# Three measures tell what you see. **Clipped**: the share of colour values that have run into black
# or into full brightness. **Contrast**, as above. **Colour**: how far red, green and blue lie
# apart.

# %%
print("scale  evaluations  seconds  clipped  contrast  colour")
clipped = {}
for scale, video in videos.items():
    clipped[scale] = float(((video <= 2) | (video >= 253)).mean())
    spread = video.max(axis=-1).astype(float) - video.min(axis=-1)
    print(
        f"{scale:5g}  {network_evaluations(pipeline, recipes[scale]):11}  {seconds[scale]:7.1f}"
        f"  {clipped[scale]:7.1%}  {video.std():8.1f}  {spread.mean():6.1f}"
    )

print(f"\nclipped at scale {WIDE[-1]}: {clipped[WIDE[-1]]:.1%}, at scale 1: {clipped[1]:.1%}")
print("The large scale", "clips more" if clipped[WIDE[-1]] > clipped[1] else "doesn't clip more")
print(f"seconds, scale 4 over scale 1:  {seconds[4] / seconds[1]:.1f}")
print(f"seconds, scale 30 over scale 4: {seconds[30] / seconds[4]:.1f}")

# %% [markdown]
# **What happened.** Far above the model's own scale, the exaggerated answer lies outside of all
# that the network was trained on: colours harden, light can turn to white and shade to black,
# forms become crude. That is **over-guidance**. The columns and the verdict below them say how far
# it goes here. (*Colour* may fall all the same: black and white have none.)
#
# > **You may have read** that a larger CFG scale costs more time. The column of answers and the
# > last two lines settle it. The number of answers doubles once, when the second one is asked for,
# > and it stays there: scales 0 and 1 need one answer only. The seconds grow by less than that,
# > because both answers come from one call of the network, and reading the prompt and turning
# > latents into pictures are paid once anyway. (Seconds wobble, because the computer does other
# > things too; the answers don't.)
#
# > **You may also have read** that the scale has to do with depth or with matting, which is cutting
# > a figure out of its background. Then the network would have to give a depth map or a mask. The
# > next cell looks at what it gives.

# %%
step = next(pipeline.steps(start.prompt, skeleton.frames, recipes[4]))
print("what the sampler holds: ", tuple(step.latents.shape))
print("what the network gives: ", tuple(step.model_output.shape))
print("One number for each latent, nothing else:", step.latents.shape == step.model_output.shape)

# %% [markdown]
# Seeds are fixed, so your videos should be the expected ones:

# %%
from fyp_course.expected import compare, match_expected

match_expected("06_scale_12", videos[12.5])
match_expected("06", videos[own])
for scale in (0, 4):
    verdict, away = compare(f"06_scale_{scale}", videos[scale])
    print(f"scale {scale}: {verdict} (difference {away:.1f} of 255)")

# %% [markdown]
# ## What the judges say · 3 minutes
#
# Does the video show the sentence, and does it still follow the skeleton? Two **judges** can be
# asked, small networks that were trained apart from the model. One looks for the panda and the sea
# (the **prompt score**). The other one finds joints: are they where the skeleton has them (the
# **follow score**)? Both err. So they also look at the same panda in the same dance as a program
# **draws** it, with nothing wrong. What they say about it is their **ceiling**. (Pictures
# are few here: a painted video may come out a little above it.)

# %%
from fyp_course.charts import drawn_case, judge_video, show_scores
from fyp_lite.judges.scores import Judge
from fyp_lite.skeleton_reader import read_skeletons

judge, keypoints = Judge(), read_skeletons(skeleton.frames)
wanted = {"character": ["panda"], "place": ["sea"]}
scores = {scale: judge_video(judge, video, keypoints, wanted) for scale, video in videos.items()}
ceiling = judge_video(judge, drawn_case("06"), keypoints, wanted)

show_scores("scale", {f"{scale:g}": score for scale, score in scores.items()}, ceiling)
show_chart(
    "guidance scale",
    WIDE,
    "share (%)",
    {
        "limbs in place": [100 * score.limbs for score in scores.values()],
        "at the wrong moment": [100 * score.wrong_limbs for score in scores.values()],
        "sure of the panda": [100 * score.sure["character"] for score in scores.values()],
        "sure of the sea": [100 * score.sure["place"] for score in scores.values()],
    },
    ceiling=100 * ceiling.limbs,
)

both = [f"{scale:g}" for scale, score in scores.items() if all(score.shown.values())]
best = max(scores, key=lambda scale: scores[scale].limbs)
print("Panda and sea, and nobody else, are seen at these scales:", *both or ["none"])
print(f"Most limbs in place: {scores[best].limbs:.0%} at scale {best:g}; ", end="")
print(f"at the model's own, {own:g}, {scores[own].limbs:.0%}; ceiling {ceiling.limbs:.0%}")

# %% [markdown]
# **What to look for.** You want a scale at which **both** judges are content; there may be several.
# At 0 the sentence has no effect: who appears there is a guess, of the model or of the judge.
# Which is lost first to the right, the panda, the sea or the dance? A model's **own** scale is a
# compromise, chosen over several prompts: enough for the sentence, and as little as possible for
# the dance, since the exaggeration goes to the sentence's account and the pose has no part in it.
# This model's own is 1: of 144 pictures 61 % showed all of the sentence at scale 1 and 63 % at
# scale 2, but 74 and 71 % of the joints were in place, and at 1 a step costs one answer (the [model
# card](../fyp_lite/weights/lite/README.md) has the table).
# For one prompt and one seed another scale may be better, here too: compare the faces of the
# pandas. But mind the seeds, which lesson 05 is about, and mind the single joint: one in one frame
# is worth more than a point here. A lead of that size says nothing.
#
# What these judges can't tell: where colours are hard, look at the pictures before you believe the
# numbers. If you see the dance and the judge finds no limbs, then the judge has failed, and not the
# dance. And the eight frames lie close together in time: only the lead of *limbs* over the wrong
# moment is about the dance.

# %% [markdown]
# ## Lead away · 1 minute
#
# The answer *without* your sentence is in truth the answer to an empty sentence. Put another one in
# its place, a **negative prompt**, and guidance leads away from that. The prompt below names no
# place, so the model fills in something, often vague. A judge has to name a place, however little
# the picture looks like one, and the second run leads away from that.

# %%
OPEN, PULL = "a panda", 2

quick = SampleSettings(num_inference_steps=10, guidance_scale=PULL)
free = pipeline(OPEN, skeleton.frames, quick).video
(away,) = judge.sees(free)["place"]
led = pipeline(OPEN, skeleton.frames, quick, negative_prompt=away).video
pulled = {"no negative prompt": free, f"away from: {away}": led}
show_gallery(pulled, skeleton.fps, "negative prompt", follows=skeleton.frames)
for name, video in pulled.items():
    facts = {"character": ["panda"], "place": [away]}
    sure = judge_video(judge, video, keypoints, facts).sure
    print(f"{name:30} panda {sure['character']:4.0%}, {away} {sure['place']:4.0%}")

# %% [markdown]
# **What happened.** Compare the place, and what became of the panda. A negative prompt is a pull,
# and no ban: what the prompt itself asks for may well stay. (Try `OPEN = "a panda on the sea"`, or
# a pull of 4, from which the panda suffers too.) At scale 1, this model's own, it does nothing,
# because there the second answer has dropped out of the formula: that is why the cell asks for 2.
# The panels and the command line then say so.

# %% [markdown]
# ## The panel: scales against seeds · 2 minutes
#
# One example is luck. This panel makes a video for every scale in the rows and every seed in the
# columns, and plays all of them at once: eight short videos here. Videos are stored in the folder
# as they come: stop it, and run it again later to resume. Change the values to those that interest
# you.

# %%
import tempfile

from fyp_course.panels.sweep import SweepPanel

short = start.request.changed({"num_frames": 4, "num_inference_steps": 8})
folder = tempfile.mkdtemp(prefix="fyp_lite_")  # name a folder of your own to keep the videos
sweep_panel = SweepPanel(pipeline, lambda: short, out=folder)
sweep_panel.row_name.value, sweep_panel.row_values.value = "guidance_scale", "0, 1, 4, 12.5"
sweep_panel.column_name.value, sweep_panel.column_values.value = "seed", "0, 1"
sweep_panel

# %% [markdown]
# ## Break it · 1 minute
#
# A scale is a finite number of at least 0. Below 0 the sentence would push away from itself.

# %%
for wrong in (-3, float("inf"), "strong"):
    try:
        SampleSettings(guidance_scale=wrong)
    except ValueError as error:
        print(error)

# %% [markdown]
# ## Your turn: guidance at half the price · 2 minutes
#
# Guidance need not work in the whole run: `guidance_start` and `guidance_end` say in which part, 0
# being its beginning and 1 its end. Outside of it a step needs one answer. Without guidance 20
# steps need 20 answers, at scale 4 they need 40. Make settings of **20 steps** at **guidance scale
# 4** that need no more than **30 answers**. Put `SampleSettings(...)`
# with your values in place of the `...`.

# %%
cheap_exercise = tasks.guide_in_part(pipeline)

my_settings = ...
cheap_exercise.check(my_settings)

# %%
my_settings = cheap_exercise.solution()
cheap_exercise.check(my_settings)
print(cost_line(pipeline, start.clip_settings, my_settings))

# %% [markdown]
# How much of the whole pull does the cheap one keep? (What it saves, count in answers: in seconds,
# on a fast machine, it is lost in the rounding.)

# %%
cheap = pipeline(start.prompt, skeleton.frames, my_settings).video
in_part = {"scale 4 in part": cheap, "scale 4": videos[4]}
show_gallery(in_part, skeleton.fps, "run", follows=skeleton.frames)
for name, video in in_part.items():
    away = difference(video, videos[1])
    print(f"{name:16} contrast {video.std():5.1f}, from no guidance {away:5.1f}")

# %% [markdown]
# <details><summary><b>For the curious</b></summary>
#
# - Guidance follows Ho and Salimans (2022). It sharpens: it samples from something like
#   p(x) · p(sentence | x) to the power of s, and pays for fidelity with variety. Run the panel with
#   more seeds to see the variety shrink.
# - Both answers come from one call of the network with two entries in its batch. A GPU with room to
#   spare may do that in much less than twice the time: the printed ratio of seconds is that of
#   your machine.
# - Paper and published checkpoint use 12.5 with Stable Diffusion. The scale is not portable: it
#   belongs to a model, its training and its prediction type.
# - Where a model does without guidance, its training often has taught it to. This one learned to
#   answer as if it were guided, around people by the pose and elsewhere by the sentence (lesson 08,
#   `training.s5_guided`). Large models are taught the same, for speed (Chen et al. 2025).
#
# </details>

# %% [markdown]
# ## Recap
#
# | Scale | What is used | Answers per step |
# |---|---|---|
# | 0 | the answer without the sentence; the pose still leads | 1 |
# | 1 | the answer with the sentence, as it is | 1 |
# | a little above the model's own | a gentle pull | 2 |
# | far above it | exaggeration: hard colours, crude forms | 2 |
# | above 1, with a negative prompt | leads away from that prompt as well | 2 |
#
# **Where to go next.** You have now set everything that a run can be given. Lesson 07 goes inside
# the network: what the skeleton and each word become on their way through it.
