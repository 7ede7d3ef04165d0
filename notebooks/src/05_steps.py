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
# # The number of steps: from noise to a video
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/05_steps.ipynb)
#
# A video is not painted in one go. It starts as noise, like an untuned television, and a network
# takes the noise away in steps. You choose how many.
#
# **In 20 minutes you can**
#
# - watch a video come out of noise, and say what the network sees and what it expects,
# - compute one step by hand, and get the sampler's number,
# - measure what more steps cost and what they bring,
# - find the *knee*: the point after which more steps hardly change anything,
# - tell a difference that steps make from one that another seed makes as well.

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
# settings.

# %%
from fyp_course.charts import show_chart, show_gallery
from fyp_course.exercises import lesson_05 as tasks
from fyp_course.start import resume
from fyp_lite import SampleSettings

start = resume("05")
pipeline, skeleton = start.pipeline, start.skeleton
pipeline.set_progress_bar_config(leave=False)
usual, own = start.sample_settings, pipeline.guidance_scale(start.sample_settings)
print(f"Prompt: {start.prompt}; {len(skeleton.frames)} frames; seed {usual.seed};", end=" ")
print(f"{usual.num_inference_steps} steps; guidance scale {own:g} (lesson 06)")

# %% [markdown]
# ## Watch the noise go · 4 minutes
#
# The network does not work on pixels but on **latents**: a small, compressed form of the frames,
# which another network turns back into pictures. The run is a loop. At every step
#
# 1. the network looks at the noisy latents, the sentence and the pose;
# 2. it says what clean video it expects behind the noise: `pred_x0`;
# 3. the **sampler** goes part of the way there and leaves the rest to the next step.

# %%
tasks.guess_the_first_expectation()

# %% [markdown]
# Press the button, wait, then drag the slider from left to right. For each step you see what the
# network was given, and what it expected from that.

# %%
from fyp_course.panels.scrubber import StepScrubber

twelve = SampleSettings(num_inference_steps=12, seed=start.sample_settings.seed)
scrubber = StepScrubber(pipeline, skeleton.frames, start.prompt, twelve, skeleton.fps)
scrubber

# %% [markdown]
# The same run in numbers. The pipeline hands out every step, so a plain loop can look at each.

# %%
from itertools import pairwise

alphas = pipeline.scheduler.alphas_cumprod  # share of the signal at each timestep
steps = list(pipeline.steps(start.prompt, skeleton.frames, twelve))
changes = [float((b.pred_x0 - a.pred_x0).abs().mean()) for a, b in pairwise(steps)]

print("step  timestep  noise   change of what is expected")
for step, change in zip(steps, [None, *changes], strict=True):
    noise = float(1 - alphas[step.timestep])
    bar = "" if change is None else f"{change:.3f}  {'█' * round(30 * change / max(changes))}"
    print(f"{step.index + 1:4}  {step.timestep:8}  {noise:5.0%}   {bar}")

largest, smallest = changes.index(max(changes)), changes.index(min(changes))
print(f"\nThe expectation changed most from step {largest + 1} to {largest + 2},")
print(f"and least from step {smallest + 1} to {smallest + 2}.")

# %% [markdown]
# **What happened.** The **timestep** is the network's clock: it runs from 999, all noise, to 0, all
# picture. The column *noise* says how much of what the network sees is noise. What it expects moves
# on from step to step: by the last two lines you can tell where this run was decided, and where
# only little was added.

# %% [markdown]
# ## One step by hand · 3 minutes
#
# The sampler here is called **DDIM**. This is its source itself: first how the network's answer
# becomes `pred_x0`, then how the sampler gets to the next, less noisy latents. Of the second part,
# the lines that count are those from `x0 =` to `prev_sample =`; the rest is bookkeeping.

# %%
import inspect

from fyp_lite.sampling import ExactDDIMScheduler, predict_x0

print(inspect.getsource(predict_x0))
print(inspect.getsource(ExactDDIMScheduler.step))

# %% [markdown]
# Now with plain numbers: one single latent, out of the middle of the first frame, at step 6. This
# network predicts a mixture of noise and picture that is called *v*.

# %%
before, step, after = steps[4], steps[5], steps[6]
place = (0, 0, 0, 16, 16)  # video, channel, frame, row, column

x_t = float(before.latents[place])  # what the network saw
v = float(step.model_output[place])  # what it answered
a_t = float(alphas[step.timestep])  # share of the signal now
a_s = float(alphas[after.timestep])  # and where the step is to end

x_0 = a_t**0.5 * x_t - (1 - a_t) ** 0.5 * v
noise = (x_t - a_t**0.5 * x_0) / (1 - a_t) ** 0.5
x_s = a_s**0.5 * x_0 + (1 - a_s) ** 0.5 * noise

print(f"seen {x_t:+.4f}, answered {v:+.4f}; signal {a_t:.4f} now, {a_s:.4f} after the step")
print(f"expected, by hand      {x_0:+.4f}   the sampler's {float(step.pred_x0[place]):+.4f}")
print(f"after the step, by hand {x_s:+.4f}   the sampler's {float(step.latents[place]):+.4f}")

# %% [markdown]
# One number could agree by luck. So the scheduler itself is asked for all of them, and compared
# with the run:

# %%
import copy

scheduler = copy.deepcopy(pipeline.scheduler)
scheduler.set_timesteps(twelve.num_inference_steps)
answer = scheduler.step(step.model_output, step.timestep, before.latents)
gap = float((answer.prev_sample - step.latents).abs().max())
print(f"{step.latents.numel()} latents, largest difference {gap:.1e}")
same = abs(x_s - float(answer.prev_sample[place])) < 1e-3
print("By hand and by the scheduler:", "the same" if same else "not the same")

# %% [markdown]
# **What happened.** A step splits what it sees into picture and noise, then mixes the two again
# with less noise. There is no more to DDIM.
#
# **Your turn.** The network sees 0.8 and answers `v = -0.5`, at a signal share of 0.36. What does
# it expect? Compute `x_0` as in the cell above, with these numbers, and put it in place of the
# `...`.

# %%
hand_exercise = tasks.expect_by_hand()

my_x_0 = ...
hand_exercise.check(my_x_0)

# %%
my_x_0 = hand_exercise.solution()
hand_exercise.check(my_x_0)

# %% [markdown]
# ## How many steps? · 4 minutes
#
# Fewer steps mean larger jumps along the same path. Two questions: what do more steps cost, and
# what do they bring?

# %%
tasks.guess_the_cost()

# %%
from dataclasses import replace

from fyp_lite.cost import cost_line, network_evaluations

COUNTS = [1, 2, 5, 10, 20, 50]  # add some, in rising order; cells below need these

recipes = {n: replace(start.sample_settings, num_inference_steps=n) for n in COUNTS}
for n, settings in recipes.items():
    print(f"{n:2} steps: {cost_line(pipeline, start.clip_settings, settings)}")

# %%
import time

videos, seconds = {}, {}
for n, settings in recipes.items():
    began = time.perf_counter()
    videos[n] = pipeline(start.prompt, skeleton.frames, settings).video
    seconds[n] = time.perf_counter() - began
titles = {f"steps: {n}": video for n, video in videos.items()}
show_gallery(titles, skeleton.fps, "number of steps", follows=skeleton.frames)

# %% [markdown]
# And what did they bring? The run with the most steps took the smallest jumps, so it serves as the
# yardstick: how far is each of the others from it, per pixel, on the scale from 0 to 255?

# %%
from fyp_course.charts import difference

distance = {n: difference(video, videos[COUNTS[-1]]) for n, video in videos.items()}

print("steps  evaluations  seconds  distance from the last")
for n in COUNTS:
    evaluations = network_evaluations(pipeline, recipes[n])
    print(f"{n:5}  {evaluations:11}  {seconds[n]:7.1f}  {distance[n]:22.1f}")

print("\nEach further step brought the video nearer by")
for fewer, more in pairwise(COUNTS):
    gain = (distance[fewer] - distance[more]) / (more - fewer)
    print(f"{gain:6.2f}  between {fewer} and {more} steps")
print(f"\n50 steps are 5 times 10 steps, and took {seconds[50] / seconds[10]:.1f} times as long.")

show_chart(
    "number of steps",
    COUNTS,
    f"distance from {COUNTS[-1]} steps (of 255)",
    {"distance": list(distance.values())},
)

# %% [markdown]
# **What happened.** Each step asks the network for one answer (for two, where guidance is at work:
# lesson 06), so their number follows the number of steps exactly, and the seconds follow the
# answers. (Every run also pays a little once, for reading the prompt and for turning latents into
# pictures; in short runs that is seen most.) What a step brings is another matter: compare the top
# and the bottom of the last list. Where the curve stops falling steeply is its **knee**: beyond it,
# each further step costs as much as before and brings less.
#
# Distance is not beauty. A video may be far from the yardstick and look fine, because small
# differences in the first steps can lead to another take of the same scene. Further down, two
# judges are asked.

# %%
tasks.guess_a_single_step()

# %%
only = next(pipeline.steps(start.prompt, skeleton.frames, recipes[1]))
gap = float((only.latents - only.pred_x0).abs().max())
print(f"largest difference between the result and pred_x0: {gap:.1e}")

# %% [markdown]
# **What happened.** One step is the network's first expectation and nothing more: what all videos
# that would fit have in common. So its forms are soft.
#
# Might **guidance** help? It exaggerates what the sentence is about (lesson 06), here in one go,
# with no later step to mend it. So the same single step at guidance scale 4:

# %%
PULL = 4

pulled = replace(recipes[1], guidance_scale=PULL)
single = {
    f"1 step, scale {own:g}": videos[1],
    f"1 step, scale {PULL:g}": pipeline(start.prompt, skeleton.frames, pulled).video,
    f"{COUNTS[-1]} steps, scale {own:g}": videos[COUNTS[-1]],
}
show_gallery(single, skeleton.fps, "run", follows=skeleton.frames)
for name, video in single.items():
    spread = video.max(axis=-1).astype(int) - video.min(axis=-1)
    print(f"{name:20} colourfulness {spread.mean():5.1f} of 255")

# %% [markdown]
# (*Colourfulness*: how far red, green and blue lie apart in a pixel, on average; in black and in
# white they don't, so a harsh picture may have more of it or less.) What comes with the scale is
# guidance's: harder contrasts and harder edges. The details of 50 steps do not come.
#
# Seeds are fixed, so your videos should be the expected ones:

# %%
from fyp_course.expected import compare, match_expected

match_expected("05", videos[20])
for n in (1, 5, 50):
    verdict, away = compare(f"05_steps_{n}", videos[n])
    print(f"{n:2} steps: {verdict} (difference {away:.1f} of 255)")

# %% [markdown]
# ## What the judges say · 3 minutes
#
# Distance does not tell whether a video does what it was told. Two **judges** can be asked, small
# networks that were trained apart from the model. One finds joints: are they where the skeleton has
# them (the **follow score**)? The other one is asked for the wizard and the forest (the
# **prompt score**). Both err. So they also look at the same wizard in the same dance as a program
# **draws** it, with nothing wrong. What they say about it is their **ceiling**. (With so few
# pictures a painted video may come out a little above it.)

# %%
from fyp_course.charts import drawn_case, judge_video, show_scores
from fyp_lite.judges.scores import Judge
from fyp_lite.skeleton_reader import read_skeletons

judge, keypoints = Judge(), read_skeletons(skeleton.frames)
wanted = {"character": ["wizard"], "place": ["forest"]}
scores = {n: judge_video(judge, video, keypoints, wanted) for n, video in videos.items()}
ceiling = judge_video(judge, drawn_case("05"), keypoints, wanted)

show_scores("steps", {str(n): score for n, score in scores.items()}, ceiling)
show_chart(
    "number of steps",
    COUNTS,
    "limbs in place (%)",
    {
        "follow score": [100 * score.limbs for score in scores.values()],
        "wrong moment": [100 * score.wrong_limbs for score in scores.values()],
    },
    ceiling=100 * ceiling.limbs,
)

# %% [markdown]
# Before you read anything into that line: how much does the follow score differ where *nothing* but
# the seed does? Three seeds, with ten steps each:

# %%
OTHER_SEEDS = [1, 2]

by_seed = {recipes[10].seed: scores[10]}
for seed in OTHER_SEEDS:
    other = replace(recipes[10], seed=seed)
    video = pipeline(start.prompt, skeleton.frames, other).video
    by_seed[seed] = judge_video(judge, video, keypoints, wanted)
for seed, score in by_seed.items():
    print(f"seed {seed}: limbs {score.limbs:.0%}, joints {score.joints:.0%}")

limbs = [score.limbs for score in by_seed.values()]
scatter = max(limbs) - min(limbs)
alike = [n for n in COUNTS if abs(scores[n].limbs - scores[COUNTS[-1]].limbs) <= scatter]
asked = [n for n in COUNTS if all(scores[n].shown.values())]
print(f"\nSeeds alone move the limbs by {100 * scatter:.0f} points.")
print(f"Within that of {COUNTS[-1]} steps lie the runs with", *alike, "steps.")
print("Wizard and forest, and nobody else, are seen with these steps:", *asked or ["none"])

# %% [markdown]
# **What to look for.** Two rows of the table that lie closer together than the seeds do can't be
# told apart by this one run: the next seed may turn them round. What lies farther apart than that
# may be due to the steps. If your three seeds agree, that is no proof that seeds don't matter:
# three are few, and one joint in one frame is worth nearly two points. Is there a number of steps
# from which on the follow score stays where it is? Does that come before the knee of the distance
# curve, at it or after it? And how much does the score gain beyond two steps?
#
# Where a row has a ✘, the brackets tell whom the judge sees in place of the wizard. Where none has,
# who and where are settled in the first step already.
#
# What these judges can't tell: the eight frames lie within two seconds, so whoever stands in the
# right place has most *joints* right at any moment. Only the space between *limbs* and their wrong
# moment is about the dance. And where you see limbs that the judge doesn't find, in a blur for
# instance, a low score is the judge's failure: look at the arms of the single step.

# %% [markdown]
# ## You may have read… · 1 minute
#
# > **You may have read** that the number of steps sets the depth of a "coarse-to-fine network". It
# > doesn't. The next cell watches the network through a run of five steps and writes down how large
# > it is and what goes in each time.

# %%
seen = []
hook = pipeline.unet.register_forward_pre_hook(lambda network, given: seen.append(given[0].shape))
for _ in pipeline.steps(start.prompt, skeleton.frames, recipes[5]):
    pass
hook.remove()

size = sum(parameter.numel() for parameter in pipeline.unet.parameters())
print(f"{len(seen)} calls of the network; it has {size:,} parameters each time")
print("shapes that went in:", *{tuple(shape) for shape in seen})

# %% [markdown]
# **What happened.** It is one network, called once per step, always with latents of one shape.
# Nothing gets deeper, and nothing starts small and grows. If early steps settle the large forms and
# late ones the details, it is because noise hides details longest, not because the network changes.

# %% [markdown]
# ## Break it · 1 minute
#
# Steps are whole numbers from 1 to 1000. Whatever else you type is refused in one sentence.

# %%
for wrong in (0, 2.5, 5000):
    try:
        SampleSettings(num_inference_steps=wrong)
    except ValueError as error:
        print(error)

# %% [markdown]
# ## Your turn: find the knee · 3 minutes
#
# Use the table above. Which is the **smallest** number of steps in it whose distance is **at most a
# quarter** of that of a single step?

# %%
print("distances:", {n: round(d, 1) for n, d in distance.items()}, f"limit: {distance[1] / 4:.1f}")
knee_exercise = tasks.find_the_knee(distance)

my_knee = ...
knee_exercise.check(my_knee)

# %%
my_knee = knee_exercise.solution()
knee_exercise.check(my_knee)
needed = [network_evaluations(pipeline, recipes[n]) for n in (my_knee, COUNTS[-1])]
print(f"{my_knee} steps: {needed[0] / needed[1]:.0%} of the answers that {COUNTS[-1]} steps need")

# %% [markdown]
# <details><summary><b>For the curious</b></summary>
#
# - DDIM with `eta=0` adds no fresh noise: prompt, pose and seed fix the path, and the number of
#   steps says how closely it is followed. With `SampleSettings(eta=1)` as much noise is added as in
#   DDPM.
# - `ExactDDIMScheduler` exists because diffusers' own DDIM rounds the distance between two
#   timesteps down. Where the number of steps doesn't divide 1000, it then ends short of the clean
#   picture.
# - Training used *v*-prediction with a zero terminal signal-to-noise ratio and trailing timesteps
#   (Lin et al. 2024, arXiv 2305.08891). *ε*-prediction cannot start from pure noise: there would be
#   a division by zero in `predict_x0`.
# - `pipeline.scheduler` can be exchanged, for DPM-Solver++ or UniPC say. They follow the path's
#   bends more closely and often need fewer steps: the same plot will tell.
#
# </details>

# %% [markdown]
# ## Recap
#
# | You saw | It means |
# |---|---|
# | latents | the compressed frames that the network works on |
# | `pred_x0` | the clean video that the network expects, at this step |
# | timestep | how noisy it is: 999 is all noise, 0 all picture |
# | `num_inference_steps` | how many jumps from noise to video; the cost grows with it |
# | the knee | from there on, more steps change little |
# | follow score, prompt score | what judges say: read it with ceiling, wrong moment, seeds |
#
# **Where to go next.** A step may ask the network for a second answer, one without the sentence.
# Lesson 06 says why, and what `guidance_scale` makes of the two.
