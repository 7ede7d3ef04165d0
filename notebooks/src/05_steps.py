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
# **In 15 minutes you can**
#
# - watch a video come out of noise, and say what the network sees and what it expects,
# - compute one step by hand, and get the sampler's number,
# - measure what more steps cost and what they bring,
# - find the *knee*: the point after which more steps hardly change anything.

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
# settings.

# %%
from fyp_lite import SampleSettings
from fyp_lite.lessons.checks import Exercise, predict
from fyp_lite.lessons.figures import show_chart, show_gallery
from fyp_lite.lessons.resume import resume

start = resume("05")
pipeline, skeleton = start.pipeline, start.skeleton
pipeline.set_progress_bar_config(leave=False)
print(f"Prompt: {start.prompt}; {len(skeleton.frames)} frames; {start.sample_settings}")

# %% [markdown]
# ## Watch the noise go · 3 minutes
#
# The network does not work on pixels but on **latents**: a small, compressed form of the frames,
# which another network turns back into pictures. The run is a loop. At every step
#
# 1. the network looks at the noisy latents, the sentence and the pose;
# 2. it says what clean video it expects behind the noise: `pred_x0`;
# 3. the **sampler** goes part of the way there and leaves the rest to the next step.

# %%
predict(
    "At the first step the latents are nothing but noise. What can `pred_x0` be made from then?",
    [
        "From a video that is hidden in the noise",
        "From the sentence, the pose, and what training has taught",
        "From a picture that the program has stored",
    ],
    answer="From the sentence, the pose, and what training has taught",
    why="Pure noise hides nothing. So the first expectation is vague, close to an average of all "
    "that would fit; the noise only tips the scales. Drag the slider below to see it.",
)

# %% [markdown]
# Press the button, wait, then drag the slider from left to right. On the left is what the network
# was given at that step, on the right what it expected.

# %%
from fyp_lite.lessons.scrubber import StepScrubber

twelve = SampleSettings(num_inference_steps=12, seed=start.sample_settings.seed)
scrubber = StepScrubber(pipeline, skeleton.frames, start.prompt, twelve, skeleton.fps)
scrubber.show()

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
# The sampler here is called **DDIM**. Its step takes a few lines, and they exist once, in the
# package. This is the source itself: first how the network's answer becomes `pred_x0`, then how
# the sampler gets to the next, less noisy latents.

# %%
import inspect

from fyp_lite.sampling import ExactDDIMScheduler, predict_x0

print(inspect.getsource(predict_x0))
print(inspect.getsource(ExactDDIMScheduler.step))

# %% [markdown]
# Now with plain numbers: one single latent, out of the middle of the first frame, at step 6. This
# network answers with a mixture of noise and picture that is called *v*.

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
hand_exercise = Exercise(
    "Compute x_0 for x_t = 0.8, v = -0.5 and a_t = 0.36",
    lambda value: None if abs(value - 0.88) < 0.005 else f"{value:.3f} is not what comes out.",
    hints=[
        "Take the line that begins with `x_0 =` and put the three numbers in.",
        "The root of 0.36 is 0.6; that of 1 - 0.36 is 0.8.",
        "0.6 * 0.8 - 0.8 * (-0.5)",
    ],
    solution=0.6 * 0.8 - 0.8 * (-0.5),
)

my_x_0 = ...
hand_exercise.check(my_x_0)

# %%
my_x_0 = hand_exercise.solution()
hand_exercise.check(my_x_0)

# %% [markdown]
# ## How many steps? · 3 minutes
#
# Fewer steps mean larger jumps along the same path. Two questions: what do more steps cost, and
# what do they bring?

# %%
predict(
    "20 steps take a few seconds on your machine. What will 40 steps take?",
    [
        "The same: the video has as many frames as before",
        "Twice as long",
        "Four times as long: each step gets finer, too",
    ],
    answer="Twice as long",
    why="Every step asks the same network the same kind of question, so the cost grows with "
    "their number and with nothing else. The next two cells estimate it and measure it.",
)

# %%
from dataclasses import replace

from fyp_lite.cost import cost_line, network_calls

COUNTS = [1, 2, 5, 10, 20, 50]

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
show_gallery(titles, skeleton.fps, "number of steps")

# %% [markdown]
# And what did they bring? The run with the most steps took the smallest jumps, so it serves as the
# yardstick: how far is each of the others from it, per pixel, on the scale from 0 to 255?

# %%
import numpy as np

yardstick = videos[COUNTS[-1]].astype(float)
distance = {n: float(np.abs(video - yardstick).mean()) for n, video in videos.items()}

print("steps  network calls  seconds  distance from the last")
for n in COUNTS:
    calls = network_calls(pipeline, recipes[n])
    print(f"{n:5}  {calls:13}  {seconds[n]:7.1f}  {distance[n]:22.1f}")

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
# **What happened.** The network calls follow the number of steps exactly, and the seconds follow
# the calls. (Every run also pays a little once, for reading the prompt and for turning latents into
# pictures; in short runs that is seen most.) What a step brings is another matter: compare the top
# and the bottom of the last list. Where the curve stops falling steeply is its **knee**: beyond it,
# each further step costs as much as before and brings less.
#
# Distance is not beauty. A video may be far from the yardstick and look fine, because small
# differences in the first steps can lead to another take of the same scene. Further down, two
# judges are asked.

# %%
predict(
    "A run of one single step: what is the finished video?",
    [
        "The first `pred_x0` itself",
        "Noise, only a little weaker",
        "Nothing: it takes at least two steps",
    ],
    answer="The first `pred_x0` itself",
    why="The only step starts at pure noise and has to end at the clean video, so it goes all the "
    "way to what the network expects. The next cell compares the two.",
)

# %%
only = next(pipeline.steps(start.prompt, skeleton.frames, recipes[1]))
gap = float((only.latents - only.pred_x0).abs().max())
print(f"largest difference between the result and pred_x0: {gap:.1e}")

# %% [markdown]
# **What happened.** One step is the network's first expectation and nothing more. That it is
# correctly exposed, not washed out, is due to the schedule, which begins at pure noise; with
# schedules that begin a little later, as Stable Diffusion's does, a single step is spoiled.
#
# Seeds are fixed, so your videos should be the expected ones:

# %%
from fyp_lite.lessons.expected import compare, match_expected

match_expected("05", videos[20])
for n in (1, 5, 50):
    verdict, difference = compare(f"05_steps_{n}", videos[n])
    print(f"{n:2} steps: {verdict} (difference {difference:.1f} of 255)")

# %% [markdown]
# ## What the judges say · 1 minute
#
# Distance does not tell whether a video does what it was told. Two **judges** can be asked, small
# networks that were trained apart from the model. One finds joints: are they where the skeleton has
# them (the **follow score**)? The other one is asked for the panda and the sea (the **prompt
# score**). Both err. So they also look at a clip that a program drew, in which nothing is wrong.
# What they say about it is their **ceiling**.

# %%
from fyp_lite.judges.scores import Judge
from fyp_lite.lessons.figures import drawn_clip, judge_video, show_scores
from fyp_lite.skeleton import read_skeletons

judge, keypoints = Judge(), read_skeletons(skeleton.frames)
wanted = {"character": ["panda"], "place": ["sea"]}
scores = {n: judge_video(judge, video, keypoints, wanted) for n, video in videos.items()}
ceiling = judge_video(judge, *drawn_clip(pipeline.size))

show_scores("steps", {str(n): score for n, score in scores.items()}, ceiling)
show_chart(
    "number of steps",
    COUNTS,
    "limbs in place (%)",
    {
        "follow score": [100 * score.limbs for score in scores.values()],
        "wrong moment": [100 * score.wrong_limbs for score in scores.values()],
        "ceiling, drawn clip": [100 * ceiling.limbs for _ in COUNTS],
    },
)

error = 1 - ceiling.limbs
near = [n for n in COUNTS if scores[n].limbs >= scores[COUNTS[-1]].limbs - error]
asked = [n for n in COUNTS if all(scores[n].shown.values())]
print(f"The judge misses {error:.0%} of the limbs in the drawn clip.")
print(f"No further than that behind {COUNTS[-1]} steps:", *near)
print("Panda and sea are both seen with these numbers of steps:", *asked or ["none"])

# %% [markdown]
# **What to look for.** Is there a number of steps from which on the follow score stays where it is?
# Is it the knee of the distance curve, or does the dance sit long before the last details do? Only
# the space between the follow score and the wrong moment tells about the dance, and a difference
# that is smaller than what the judge misses in the drawn clip tells nothing. This is one clip, one
# prompt and one seed: run it again with others before you believe in a trend.

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

weights = sum(weight.numel() for weight in pipeline.unet.parameters())
print(f"the network was called {len(seen)} times; it has {weights:,} weights each time")
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
# ## Your turn: find the knee · 2 minutes
#
# Use the table above. Which is the **smallest** number of steps in it whose distance is **at most a
# quarter** of that of a single step?

# %%
limit = distance[1] / 4
print("distances:", {n: round(d, 1) for n, d in distance.items()}, f"limit: {limit:.1f}")


def check_knee(n):
    if n not in distance:
        return f"{n} is not in the table: choose one of {', '.join(map(str, COUNTS))}."
    if distance[n] > limit:
        return f"With {n} steps the distance is {distance[n]:.1f}, above the limit."
    if any(distance[fewer] <= limit for fewer in COUNTS if fewer < n):
        return f"{n} steps are near enough, but a smaller number is so too."
    return None


knee_exercise = Exercise(
    "Find the smallest number of steps within a quarter of the first distance",
    check_knee,
    hints=[
        "The printed limit is a quarter of the distance of a single step.",
        "Go through the distances from the left and stop at the first one that is not above it.",
        "In Python: min(n for n in COUNTS if distance[n] <= limit)",
    ],
    solution=min(n for n in COUNTS if distance[n] <= limit),
)

my_knee = ...
knee_exercise.check(my_knee)

# %%
my_knee = knee_exercise.solution()
knee_exercise.check(my_knee)
share = network_calls(pipeline, recipes[my_knee]) / network_calls(pipeline, recipes[COUNTS[-1]])
print(f"{my_knee} steps: {share:.0%} of the network calls of {COUNTS[-1]} steps")

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
# | follow score, prompt score | what judges say, to be read beside ceiling and wrong moment |
#
# **Where to go next.** Each step asks the network twice, with and without the sentence. Lesson 06
# says why, and what `guidance_scale` does with the two answers.
