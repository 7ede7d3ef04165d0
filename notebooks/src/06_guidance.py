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
# CFG stands for **classifier-free guidance**. At each step the network is asked twice, with your
# sentence and without it, and the **guidance scale** says how far to go from the second answer
# towards the first one, and beyond.
#
# **In 15 minutes you can**
#
# - compute guidance by hand, and get the pipeline's number,
# - tell a video with too little guidance from one with too much,
# - say what guidance costs: twice as much, once, and no more,
# - choose a scale for a video of your own.

# %% [markdown]
# ## Set-up · 1 minute
#
# Run each cell with **Shift + Enter**, from the top. The first one installs the package where it is
# missing (in Colab, say) and does nothing where it is not.

# %%
import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = os.environ.get("FYP_LITE_SOURCE", "git+https://github.com/fyp-lite/fyp-lite")

if importlib.util.find_spec("fyp_lite") is None:
    if Path("../fyp_lite").is_dir():  # this notebook lies in a checkout: use that
        sys.path.insert(0, str(Path("..").resolve()))
    else:
        # torch and NumPy, where they are installed, stay exactly as they are.
        names = {"torch", "torchvision", "numpy"}
        found = [d for d in importlib.metadata.distributions() if d.name in names]
        keep = Path(tempfile.mkdtemp()) / "keep.txt"
        keep.write_text("\n".join(f"{d.name}=={d.version}" for d in found))
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(keep)]
        subprocess.run([*pip, SOURCE], check=True)

import fyp_lite

print(f"fyp_lite {fyp_lite.__version__} is ready")

# %% [markdown]
# ## What this lesson starts from
#
# The trained networks (the **pipeline**), eight frames of a skeleton clip, a prompt, and the usual
# settings. Where a section doesn't need eight frames, it takes the first four, to save time.

# %%
from fyp_lite import ClipSettings, SampleSettings
from fyp_lite.clip import prepare_clip
from fyp_lite.lessons.checks import Exercise, predict
from fyp_lite.lessons.figures import show_chart, show_gallery
from fyp_lite.lessons.resume import resume

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

from fyp_lite.sampling import guide

print(inspect.getsource(guide))

# %%
predict(
    "By this line: which scale takes the answer with the sentence exactly as it is?",
    ["0", "1", "10"],
    answer="1",
    why="At 1 the line says uncond + text - uncond, which is text. "
    "At 0 the sentence drops out, and above 1 it is exaggerated.",
)

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
# **Your turn.** Without the sentence the network answers 0.2, with it 0.5. What does guidance make
# of it at scale 4? Put the number in place of the `...`.

# %%
hand_exercise = Exercise(
    "Guide 0.2 towards 0.5 at scale 4",
    lambda value: None if abs(value - 1.4) < 0.005 else f"{value:g} is not what comes out.",
    hints=[
        "Begin with the answer without the sentence, 0.2.",
        "Add four times the difference of the two answers.",
        "0.2 + 4 * (0.5 - 0.2)",
    ],
    solution=0.2 + 4 * (0.5 - 0.2),
)

my_number = ...
hand_exercise.check(my_number)

# %%
my_number = hand_exercise.solution()
hand_exercise.check(my_number)
print(f"{my_number:.1f} is outside of the span from 0.2 to 0.5: guidance exaggerates")

# %% [markdown]
# ## Too little: does the sentence matter? · 2 minutes
#
# Two sentences that have nothing in common, the same noise, the same pose.

# %%
predict(
    "At scale 0, how much do the videos of `a panda on the sea` and `a robot on the moon` differ?",
    ["Not at all", "A little, in the background", "As much as at any other scale"],
    answer="Not at all",
    why="At scale 0 the sentence has dropped out of the formula, so there is nothing in which the "
    "two runs could differ. The next cell measures it.",
)

# %%
import numpy as np

two = ["a panda on the sea", "a robot on the moon"]
SCALES = [0, 1, 3, 7.5, 12.5]
apart = []
for scale in SCALES:
    settings = SampleSettings(num_inference_steps=6, guidance_scale=scale)
    panda, robot = (pipeline(prompt, four_frames, settings).video for prompt in two)
    apart.append(float(np.abs(panda.astype(float) - robot).mean()))
    print(f"scale {scale:4}: the two videos differ by {apart[-1]:5.1f} of 255 per pixel")

show_chart("guidance scale", SCALES, "difference of two prompts (of 255)", {"difference": apart})

# %% [markdown]
# **What happened.** At 0 the two are one video: it follows the skeleton, because the pose feeds
# both answers, but it knows nothing of your sentence. From there on the sentence gains weight. How
# fast depends on the model: the printed column is that of the one you have.

# %% [markdown]
# ## Too much: what does a large scale do? · 3 minutes
#
# Now full runs over a wide span of scales. First what they cost:

# %%
predict(
    "A run at scale 30, compared with one at scale 3: how long does it take?",
    ["Ten times as long", "Somewhat longer", "Just as long"],
    answer="Just as long",
    why="The scale is a number in one multiplication. What costs time is asking the network, "
    "twice a step at both scales. The next cells count the calls and measure the seconds.",
)

# %%
from dataclasses import replace

from fyp_lite.cost import cost_line, network_calls

WIDE = [0, 1, 3, 12.5, 30]
recipes = {scale: replace(start.sample_settings, guidance_scale=scale) for scale in WIDE}
for scale, settings in recipes.items():
    print(f"scale {scale:4}: {cost_line(pipeline, start.clip_settings, settings)}")

# %%
import time

videos, seconds = {}, {}
for scale, settings in recipes.items():
    began = time.perf_counter()
    videos[scale] = pipeline(start.prompt, skeleton.frames, settings).video
    seconds[scale] = time.perf_counter() - began
titles = {f"scale {scale:g}": video for scale, video in videos.items()}
show_gallery(titles, skeleton.fps, "guidance scale")

# %% [markdown]
# Three measures tell what you see. **Clipped**: the share of colour values that have run into black
# or into full brightness. **Contrast**: how widely the values spread. **Colour**: how far red,
# green and blue lie apart.

# %%
print("scale  network calls  seconds  clipped  contrast  colour")
clipped = {}
for scale, video in videos.items():
    clipped[scale] = float(((video <= 2) | (video >= 253)).mean())
    spread = video.max(axis=-1).astype(float) - video.min(axis=-1)
    print(
        f"{scale:5}  {network_calls(pipeline, recipes[scale]):13}  {seconds[scale]:7.1f}"
        f"  {clipped[scale]:7.1%}  {video.std():8.1f}  {spread.mean():6.1f}"
    )

print(f"\nclipped at scale {WIDE[-1]}: {clipped[WIDE[-1]]:.1%}, at scale 1: {clipped[1]:.1%}")
print("The large scale", "clips more" if clipped[WIDE[-1]] > clipped[1] else "doesn't clip more")
print(f"seconds, scale 3 over scale 1:  {seconds[3] / seconds[1]:.1f}")
print(f"seconds, scale 30 over scale 3: {seconds[30] / seconds[3]:.1f}")

# %% [markdown]
# **What happened.** With too little guidance a video tends to be soft and only loosely about your
# sentence. Far above the model's own scale, the exaggerated answer lies outside of all that the
# network was trained on: colours harden, light can turn to white and shade to black, forms become
# crude. That is **over-guidance**. The columns and the verdict below them say how far it goes here.
#
# > **You may have read** that a larger CFG scale costs more time. The column of network calls and
# > the last two lines settle it. The cost doubles once, when the second question is asked, and it
# > stays there: scales 0 and 1 need one answer only. (Seconds wobble a little, because the computer
# > does other things too; the calls don't.)
#
# > **You may also have read** that the scale has to do with depth or with matting, which is cutting
# > a figure out of its background. Then the network would have to give a depth map or a mask. The
# > next cell looks at what it gives.

# %%
step = next(pipeline.steps(start.prompt, skeleton.frames, recipes[3]))
print("what the sampler holds: ", tuple(step.latents.shape))
print("what the network gives: ", tuple(step.model_output.shape))
print("One answer for each latent, nothing else:", step.latents.shape == step.model_output.shape)

# %% [markdown]
# Seeds are fixed, so your videos should be the expected ones:

# %%
from fyp_lite.lessons.expected import compare, match_expected

match_expected("06_scale_12", videos[12.5])
for scale in (0, 1):
    verdict, difference = compare(f"06_scale_{scale}", videos[scale])
    print(f"scale {scale}: {verdict} (difference {difference:.1f} of 255)")

# %% [markdown]
# ## What the judges say · 1 minute
#
# Does the video show the sentence, and does it still follow the skeleton? Two **judges** can be
# asked, small networks that were trained apart from the model. One looks for the panda and the sea
# (the **prompt score**). The other one finds joints: are they where the skeleton has them (the
# **follow score**)? Both err. So they also look at a clip that a program drew, in which nothing is
# wrong. What they say about it is their **ceiling**.

# %%
from fyp_lite.judges.scores import Judge
from fyp_lite.lessons.figures import drawn_clip, judge_video, show_scores
from fyp_lite.skeleton import read_skeletons

judge, keypoints = Judge(), read_skeletons(skeleton.frames)
wanted = {"character": ["panda"], "place": ["sea"]}
scores = {scale: judge_video(judge, video, keypoints, wanted) for scale, video in videos.items()}
ceiling = judge_video(judge, *drawn_clip(pipeline.size))

show_scores("scale", {f"{scale:g}": score for scale, score in scores.items()}, ceiling)
show_chart(
    "guidance scale",
    WIDE,
    "share (%)",
    {
        "limbs in place": [100 * score.limbs for score in scores.values()],
        "ceiling of limbs": [100 * ceiling.limbs for _ in WIDE],
        "how sure of the panda": [100 * score.sure["character"] for score in scores.values()],
        "how sure of the sea": [100 * score.sure["place"] for score in scores.values()],
    },
)

both = [f"{scale:g}" for scale, score in scores.items() if all(score.shown.values())]
best = max(scores, key=lambda scale: scores[scale].limbs)
print("Panda and sea are both seen at these scales:", *both or ["none"])
print(f"Most limbs in place: {scores[best].limbs:.0%} at scale {best:g}", end="")
print(f" (wrong moment {scores[best].wrong_limbs:.0%}, ceiling {ceiling.limbs:.0%})")

# %% [markdown]
# **What to look for.** You want a scale at which **both** judges are content; there may be several,
# or none. At 0 the sentence has no say: if the panda is seen there, it is a guess, of the model or
# of the judge. Then follow the lines to the right: does the judge grow surer of panda and sea? And
# do the limbs stay, or does over-guidance cost the dance, too? A difference that is smaller than
# what the judge misses in the drawn clip tells nothing, and one seed is one example.

# %% [markdown]
# ## The panel: scales against seeds · 2 minutes
#
# One example is luck. This panel makes a video for every scale in the rows and every seed in the
# columns, and plays all of them at once. Videos are stored in the folder as they come: stop it, and
# it goes on later where it was. Change the values to those that interest you.

# %%
import tempfile

from fyp_lite.lessons.sweep import Given
from fyp_lite.lessons.sweep_panel import SweepPanel

small, short = ClipSettings(num_frames=4), SampleSettings(num_inference_steps=8)
folder = tempfile.mkdtemp(prefix="fyp_lite_")  # name a folder of your own to keep the videos
sweep_panel = SweepPanel(
    pipeline, lambda: Given(start.clip, start.prompt, small, short), out=folder
)
sweep_panel.row_name.value, sweep_panel.row_values.value = "guidance_scale", "0, 1, 3, 12.5"
sweep_panel.column_name.value, sweep_panel.column_values.value = "seed", "0, 1"
sweep_panel.show()

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
# ## Your turn: half the cost · 2 minutes
#
# Make settings of **20 steps** that need only **20 network calls**, while the sentence still has
# its say. Put `SampleSettings(...)` with your values in place of the `...`.


# %%
def check_cheap(settings):
    calls = network_calls(pipeline, settings)
    if settings.num_inference_steps != 20:
        return f"That are {settings.num_inference_steps} steps, and 20 are asked for."
    if calls != 20:
        return f"These settings need {calls} network calls."
    if settings.guidance_scale == 0:
        return "At scale 0 there are 20 calls, but the sentence has no say."
    return None


cheap_exercise = Exercise(
    "Choose settings with 20 steps, 20 network calls, and the sentence in play",
    check_cheap,
    hints=[
        "Two scales need one answer per step only. The cost table above shows which.",
        "One of the two leaves the sentence out. Take the other one.",
        "SampleSettings(num_inference_steps=20, guidance_scale=1)",
    ],
    solution=SampleSettings(num_inference_steps=20, guidance_scale=1),
)

my_settings = ...
cheap_exercise.check(my_settings)

# %%
my_settings = cheap_exercise.solution()
cheap_exercise.check(my_settings)
print(cost_line(pipeline, start.clip_settings, my_settings))

# %% [markdown]
# Is the cheap one good enough? Compare the rows of scale 1 and of the larger scales in the gallery
# and in the judges' table.

# %% [markdown]
# <details><summary><b>For the curious</b></summary>
#
# - Guidance follows Ho and Salimans (2022). It sharpens: it samples from something like
#   p(x) · p(sentence | x) to the power of s, and pays for fidelity with variety. Run the panel with
#   more seeds to see the variety shrink.
# - The answer "without the sentence" is that of the empty prompt. The pipeline's `negative_prompt`
#   puts another sentence in its place, and guidance then leads away from it.
# - Both answers come from one call with two entries in its batch. A GPU with room to spare may do
#   that in less than twice the time: the printed ratio of seconds is that of your machine.
# - Paper and published checkpoint use 12.5 with Stable Diffusion. The scale is not portable: it
#   belongs to a model, its training and its prediction type.
#
# </details>

# %% [markdown]
# ## Recap
#
# | Scale | What is used | Network calls per step |
# |---|---|---|
# | 0 | the answer without the sentence; the pose still leads | 1 |
# | 1 | the answer with the sentence, as it is | 1 |
# | between 1 and the model's own | a gentle pull | 2 |
# | far above it | exaggeration: hard colours, crude forms | 2 |
#
# **Where to go next.** You have now set everything that a run can be given. Lesson 07 goes inside
# the network: what the skeleton and each word become on their way through it.
