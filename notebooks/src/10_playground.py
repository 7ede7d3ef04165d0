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
# # Playground: everything in one panel
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/10_playground.ipynb)
#
# All settings of the course on one page. Make what you like. And learn to do what makes a
# discovery out of a lucky find: compare two videos fairly, try a whole range of values, and write
# down what you did so that anybody can repeat it.
#
# **In 20 minutes you can**
#
# - find every setting of the published app, and what it is called here,
# - compare two videos side by side, and say what may be concluded from it,
# - run a **sweep** over one or two settings, stop it, and go on with it later,
# - save a video and its **run card**, and make a video again from somebody else's card.
#
# You need nothing from other lessons, but they tell what each setting does. Each question marked
# **Predict** can be skipped, and nothing that you answer is stored or sent.

# %% [markdown]
# ## Set-up · 1 minute
#
# Run each cell with **Shift + Enter**, from the top. The first one installs the package where it
# is missing (in Colab, say) and does nothing where it is not. You need not read the code: the text
# says what is meant to be changed.

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
# ## The panel · 5 minutes
#
# | Group | Settings, with the names that other tools use | Lesson |
# |---|---|---|
# | Input | type of input video: skeleton or raw; which clip; for a raw one, the detector | 01 |
# | Time | start frame (temporal crop offset), stride (sampling stride), frames | 02 |
# | Space | crop left, right, top, bottom (spatial crop) | 03 |
# | Text | prompt; negative prompt: what to lead away from | 04, 06 |
# | Sampling | steps (number of DDIM steps), guidance scale (CFG scale), seed | 05, 06 |
#
# At the top, a **Preset** sets all of them at once. Below the video there are three tabs: **Compare
# A and B**, **Sweep**, **Save and share**. What you save goes into the folder that the next cell
# makes beside this notebook. If you only read,
# [this is the panel](https://github.com/fyp-lite/fyp-lite/blob/main/docs/playground.webp).
#
# Try, in this order:
#
# 1. **Generate** as it is. Open *Compare A and B* and press **Keep as A**.
# 2. Change one thing, say the seed, and generate again. Both play side by side, and the panel says
#    what differs.
# 3. Choose another clip at the top. With `two_people`, name two characters.
# 4. Take the preset `cute boy`, set the guidance scale to 4 and write *sunset* into **Negative**.
# 5. Under *Save and share*, save a run card as PNG, and look at it.
# 6. Set the input type to **raw** and choose the clip `cartoon`, or upload a video of somebody who
#    moves. The panel looks for people in every frame, once: you see how far it is, and can stop it.
#    Then their skeleton takes the place of the raw video, and all the rest works as before.

# %%
from pathlib import Path

from fyp_course.exercises import lesson_10 as tasks
from fyp_course.panels.playground import Playground
from fyp_course.start import resume
from fyp_lite import SampleSettings

lesson = resume("10")
pipeline, clip, prompt = lesson.pipeline, lesson.clip, lesson.prompt

folder = Path("playground")
folder.mkdir(exist_ok=True)

panel = Playground(pipeline, prompt=prompt, folder=folder)
panel.picker.bundled.value = clip.path
panel

# %% [markdown]
# The same notebook is a web app, too: the panel and the text, without the code. From a terminal, in
# the folder of the notebooks (it runs all cells first, so give it a minute):
#
# ```bash
# ../.venv/bin/voila 10_playground.ipynb
# ```

# %% [markdown]
# ## A and B: change one thing · 3 minutes

# %%
tasks.guess_what_is_known()

# %% [markdown]
# What the panel does can be done in cells, too. A video together with all that made it is kept on
# a **run card**. The next cell makes two videos and lets the cards say what differs. Eight steps
# each are quick, and with a guidance scale of 2 a negative prompt has an effect (lesson 06).

# %%
import time

from fyp_course.show import show_video
from fyp_lite.cards.card import RunCard, differences, make_card
from fyp_lite.cards.picture import class_picture, save_card
from fyp_lite.opening import prepare_clip
from fyp_lite.request import Request

quick = SampleSettings(num_inference_steps=8, guidance_scale=2)


def generate(request):
    """A video of a request, and its run card."""
    skeleton = prepare_clip(request.clip, request.clip_settings, pipeline.size).frames
    began = time.perf_counter()
    video = pipeline(
        request.prompt,
        skeleton,
        request.sample_settings,
        negative_prompt=request.negative_prompt,
    ).video
    return video, make_card(pipeline, request, video, time.perf_counter() - began)


request_a = Request(prompt, clip, sample_settings=quick)
video_a, card_a = generate(request_a)
video_b, card_b = generate(request_a.changed({"frame_stride": 6}))

show_video(video_a, card_a.made.fps, "A")
show_video(video_b, card_b.made.fps, "B")
print("A and B differ in", "; ".join(differences(card_a, card_b)))

# %% [markdown]
# **What happened.** One difference is printed, so this pair is a fair test of it. But is one pair
# enough? With another seed, the other one might win. That is what sweeps are for.

# %% [markdown]
# ## A sweep: all values, one sheet · 4 minutes
#
# A sweep makes one video for each value of a setting, or for each pair of values of two settings,
# and puts them all on one sheet with labelled axes. Everything else stays the same, the seed
# included, unless the seed is what you sweep.

# %%
tasks.guess_the_sweep()

# %%
from fyp_lite.cost import cost_line

SCALES, SEEDS = [1.5, 3, 6], [0, 1]

number = len(SCALES) * len(SEEDS)
print("One video:  ", cost_line(pipeline, lesson.clip_settings, quick))
print("All of them:", cost_line(pipeline, lesson.clip_settings, quick, num_videos=number))

# %% [markdown]
# Now the sweep, in two goes, as if it had been interrupted. The first one makes the outer two
# scales. The second asks for all three. Each video is stored as soon as it is finished, so what
# is there already is not made again.

# %%
from fyp_course.show import show_picture
from fyp_lite.sweeps.sheet import Sweep, sweep


def sweep_scales(scales):
    """Sweep the guidance scale on two seeds, and say how long it took."""
    began = time.perf_counter()
    result = sweep(
        pipeline,
        request_a,
        rows={"guidance_scale": scales},
        columns={"seed": SEEDS},
        out=folder / "sweep",
    )
    print(f"scales {scales}: {len(result.videos)} videos, {time.perf_counter() - began:.1f} s")
    return result


sweep_scales([SCALES[0], SCALES[-1]])
result = sweep_scales(SCALES)
show_picture(result.grid(), f"A sweep of the guidance scale on two seeds. {result.title}")

# %% [markdown]
# **What happened.** The second go made two videos and took the other four from the folder. Together
# the two lines should come to about what was estimated; a machine that is busy with other things
# takes longer than it said, or was busy when it was asked. If you run the cell again, even
# tomorrow, both take next to no time, and the sheet lies beside the videos as `grid.png`. Where the
# settings, the clip or the model change, new videos are made.
#
# Look along a row: only the seed changes. Look down a column: only the scale. A setting is worth
# talking about when it changes more than the seed does. The next cell compares the two.

# %%
import numpy as np

from fyp_course.charts import difference

scales, seeds = result.rows[1], result.columns[1]
videos = result.videos
by_seed = np.mean([difference(videos[scale, 0], videos[scale, 1]) for scale in scales])
print(f"another seed, same scale: {by_seed:.1f} of 255")

for scale in scales[1:]:
    by_scale = np.mean([difference(videos[scales[0], seed], videos[scale, seed]) for seed in seeds])
    verdict = "more" if by_scale > by_seed else "less"
    print(f"scale {scales[0]} → {scale}, same seed: {by_scale:.1f} of 255, {verdict} than that")

# %% [markdown]
# > **You may have read** comparisons of settings with one video each. Whether such a pair shows
# > the setting or mere chance, only several seeds can tell: the first printed line is what chance
# > alone does here. For a claim that others should believe, take five seeds or more.

# %% [markdown]
# ## The run card: make it again · 2 minutes
#
# A run card holds the prompt, all settings, the seed, the clip's and the model's fingerprints, the
# versions of the programs and a small picture. As a PNG it can be looked at, and the facts travel
# inside the file.

# %%
from PIL import Image

save_card(card_a, folder / "card_a.png")
picture = np.asarray(Image.open(folder / "card_a.png").convert("RGB"))
show_picture(picture, f"The run card of “{card_a.request.prompt}” with its frames and settings.")

# %%
tasks.guess_the_repeat()

# %%
loaded = RunCard.load(folder / "card_a.png")
again = loaded.run(pipeline)

print(f"difference: {difference(again, video_a):.2f} of 255")
print("the same video" if (again == video_a).all() else "not the same to the last pixel")

# %% [markdown]
# The JSON of a card can be mailed or pasted into a chat. In the panel, **Save and share** has a
# field to paste it, and a button that sets all controls as on the card. The next cell does the
# same: after it, the panel above is set to video B.

# %%
text = card_b.to_json()
print(f"{len(text)} characters, beginning with:", text[:60].replace("\n", " "))

panel.restore(RunCard.from_json(text))
print("The panel is now set to", panel.chooser.settings)

# %% [markdown]
# Save the video itself as an MP4 for players, as a GIF for chats, or as a WebP for web pages.

# %%
from fyp_lite import write_video

for suffix in (".mp4", ".gif", ".webp"):
    path = folder / f"video_a{suffix}"
    write_video(path, video_a, card_a.made.fps)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")

# %% [markdown]
# ## Break it · 1 minute
#
# Mistype a setting, sweep a value that the clip has no frames for, paste half a card. Each is
# refused before any time is spent.

# %%
for rows in ({"guidance": [1, 3]}, {"frame_stride": [1, 30]}, {"seed": [0, 0]}):
    try:
        Sweep(pipeline, request_a, rows, None, folder / "sweep")
    except ValueError as error:
        print(error)

try:
    RunCard.from_json(text[:500])
except ValueError as error:
    print(error)

# %% [markdown]
# ## Exercise 1: what did she do differently? · 2 minutes
#
# A friend follows your card A, and this is what she gets. She sends you her card. **Which one
# setting differs?** Put its name in place of the `...`, in quotation marks: `"seed"`, for example.
# The line with `differences` compares two cards: take its `#` away.

# %%
video_friend, card_friend = generate(request_a.changed({"negative_prompt": "moon"}))
show_video(video_friend, card_friend.made.fps, "The friend's video, after card A")
friend = tasks.find_the_difference()

# print(differences(card_a, card_friend))
my_answer = ...
friend.check(my_answer)

# %% [markdown]
# **Solution.** Without the cards you would have searched for long: the setting that differs is
# one that is empty most of the time. It leads the friend's video away from the very moon that the
# prompt asks for. At this scale a moon it still is: compare the ground and the sky.

# %%
my_answer = friend.solution()
print(my_answer, "|", *differences(card_a, card_friend))

# %% [markdown]
# Many cards make one **class picture**, with what was done beneath each video. Collect the PNG
# cards of a group in one folder; here it holds the three from above.

# %%
cards = folder / "cards"
cards.mkdir(exist_ok=True)
for name, card in {"a": card_a, "b": card_b, "friend": card_friend}.items():
    save_card(card, cards / f"{name}.png")

show_picture(
    class_picture([RunCard.load(path) for path in sorted(cards.glob("*.png"))]),
    "Three run cards in one picture, A, B and the friend's: four frames and the settings of each.",
)

# %% [markdown]
# ## Exercise 2: plan a sweep · 2 minutes
#
# Does the stride change the video more than the seed does? Plan the sweep that answers it:
# **three strides**, all of which fit the clip, on **two seeds**. Put rows and columns in place of
# the `...`, in this form: `{"rows": {"crop_top": [0, 100]}, "columns": {"guidance_scale": [1,
# 3]}}`. The check looks at the plan only; nothing is generated.

# %%
plan_sweep = tasks.plan_the_sweep(pipeline, request_a, folder / "sweep")

my_plan = ...
plan_sweep.check(my_plan)

# %% [markdown]
# **Solution.** To run it, type the same names and values into the panel's **Sweep** tab, or call
# `sweep` as above. Think before you compare the numbers: with another stride the skeleton itself
# differs, so some of the change is what you asked for.

# %%
my_plan = plan_sweep.solution()
job = Sweep(pipeline, request_a, my_plan["rows"], my_plan["columns"], folder / "sweep")
print(f"{len(job.cells)} videos:", cost_line(pipeline, lesson.clip_settings, quick, len(job.cells)))
print("All have in common:", job.title)

# %% [markdown]
# <details><summary><b>For the curious</b>: what "the same video" takes</summary>
#
# - **Noise from the CPU.** The first noise is drawn on the CPU in 32-bit numbers, whatever device
#   the network runs on. So a seed means the same noise on a laptop and on a GPU.
# - **Sums are not exact.** Networks add millions of rounded numbers, and processors add them in
#   different orders. The video stays the same to the eye, not to the last bit. That is why a card
#   records device, dtype and versions, and why checks against stored pictures have a
#   tolerance.
# - **Fingerprints.** A card holds a SHA-256 hash of the clip and one of the weights. With another
#   clip it refuses to run; with other weights it warns and runs.
# - **Whole or not at all.** A sweep writes each video to a temporary name and renames it when it
#   is complete. Pull the plug in the middle, and no half video passes for a finished one.
# - **Cards are data.** Loading one never runs code from it, so a card from a stranger is safe to
#   open.
#
# </details>

# %% [markdown]
# ## Recap
#
# | You want | do |
# |---|---|
# | to know what a setting does | change it alone, keep the seed |
# | to know that it was no accident | sweep it over several seeds |
# | to stop a long sweep and go on later | use the same folder: finished videos are kept |
# | to show others what you did | give them the run card, as a PNG or as JSON |
# | the work of a group on one page | `class_picture` of all their cards |
#
# **Where to go next.** Lesson 07, *Inside the model*, opens the box; lesson 08 trains one; lesson
# 09 takes the same settings to the full model on a GPU; [lesson 11](11_pose_strength.ipynb) asks
# how strongly a skeleton is followed. Without a notebook, from a terminal in the project's folder:
#
# ```bash
# .venv/bin/fyp-lite "batman in the city at night" --clip data/clips/kick.mp4 --frame-stride 6 \
#     --seed 1 --out batman.mp4
# ```
