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
# # Train it yourself: from noise to a figure in minutes
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/08_train_it_yourself.ipynb)
#
# You draw a small world, put a character of your own into it, and train networks on it from their
# first random numbers. The steps are those that made the bundled model; only everything is smaller:
# fewer characters, smaller pictures, minutes in place of hours.
#
# **In 15 minutes you can**
#
# - say what a training picture consists of,
# - run the three stages: words, then pictures with poses, then motion,
# - read a loss curve,
# - check with pictures that were kept back whether the network listens to prompt and pose,
# - start the full training with one command per stage.
#
# About five of the minutes are the computer's.

# %% [markdown]
# ## Set-up · 1 minute
#
# Run each cell with **Shift + Enter**, from the top. The first one installs the package where it is
# missing (in Colab, say) and does nothing where it is not.

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
# This lesson draws its own pictures, with `skia-python`. The next cell installs it where it is
# missing. On Linux it needs two system libraries, libEGL and libGL; where one is missing, the cell
# says how to install it.

# %%
if find_spec("skia") is None:
    print("Installing skia-python")
    # %pip install -q skia-python
try:
    import fyp_world.world.canvas  # noqa: F401
except ImportError as error:  # its sentence says what to do
    raise SystemExit(error) from None

# %% [markdown]
# ## How long? · half a minute
#
# `MINUTES` is the training time of all stages together. Five minutes on two quiet processor cores
# are enough to see colours, places and a figure appear. More is better.
#
# The cell says how long the run was that is stored with this notebook. Other minutes, or another
# machine, and yours looks better or worse. Before the long stage, this machine's own pace is
# measured.

# %%
import os
import shutil
from pathlib import Path

from fyp_course.tiny_training import check_minutes

MINUTES = float(os.environ.get("FYP_LITE_MINUTES", "5"))
check_minutes(MINUTES)

RUN = Path("tiny_run")  # everything that this lesson writes
shutil.rmtree(RUN, ignore_errors=True)  # start afresh

print(f"{MINUTES:g} minutes of training")
if MINUTES < 2:
    print("So short a run shows how it goes, but it paints hardly more than fog.")

# %% [markdown]
# ## Your own character · 3 minutes
#
# The world is drawn by code, not collected: each character is a short recipe of colours, a head,
# arms, legs and a torso. `replace` copies a recipe and changes some of it. Here is a frog: the
# recipe of the bear in other colours.

# %%
from dataclasses import replace

import numpy as np

from fyp_course.exercises import lesson_08 as tasks
from fyp_course.show import show_picture, show_side_by_side
from fyp_course.tiny import TINY_SIZE, TinyWorld, add_character, render
from fyp_world.world.characters import CHARACTERS
from fyp_world.world.dataset import render_clip

frog = replace(
    CHARACTERS["bear"], name="frog", palette={"skin": (86, 190, 76), "muzzle": (232, 240, 150)}
)
print("characters to start from, with the names of their colours:")
for name, character in CHARACTERS.items():
    print(f"{name:15} {', '.join(character.palette)}")

# %% [markdown]
# **Exercise.** Make a character of your own: a copy of any character, with a new name (one word, in
# lower case) and at least one other colour. Colours are red, green and blue, each 0 to 255. All
# names of colours are needed: `palette={**CHARACTERS["cat"].palette, "skin": (86, 190, 76)}` keeps
# those of the cat and changes one. Put your character in place of the `...`.


# %%
exercise = tasks.make_a_character(frog)

mine = ...
exercise.check(mine)

# %%
if not exercise.passed:
    mine = exercise.solution()
add_character(mine, plural=mine.name + "s")

# At once to be seen: three poses, in a place of each kind.
PLACES = ("sea", "moon", "desert")
poses = [
    render_clip(TinyWorld((mine.name,), (place,)).clip(np.random.default_rng(seed), 1))[0]
    for seed, place in enumerate(PLACES)
]
show_picture(np.concatenate(poses, axis=1), f"the new character, {mine.name}, in three poses")

# %% [markdown]
# **Break it.** A name can be given once.

# %%
try:
    add_character(replace(frog, name="panda"), plural="pandas")
except ValueError as error:
    print(error)

# %% [markdown]
# ## The training pictures · 1 minute
#
# A tiny world: three characters, three places. For every picture a random person takes a random
# pose in a random place. The program draws it, so it knows exactly what is there: the **caption**
# and the **joints**. Then the bundled autoencoder makes each picture small (*latents*); the
# networks learn on these.

# %%
import time

from fyp_lite import load_pipeline

lite = load_pipeline()  # its autoencoder is all that is borrowed from it
world = TinyWorld(cast=("panda", "robot", mine.name), places=PLACES)
count = int(min(800, max(96, 160 * MINUTES)))

began = time.perf_counter()
images, pictures = render(world, lite.vae, RUN / "images", count, num_frames=1, seed=0)
clips, clip_frames = render(world, lite.vae, RUN / "clips", count // 8, num_frames=8, seed=0)
kept_back, _ = render(world, lite.vae, RUN / "kept_back", 32, num_frames=1, seed=1)
seconds = time.perf_counter() - began

rng = np.random.default_rng(0)
captions = [scene.caption(rng) for scene in images.scenes[:8]]
show_picture(np.concatenate(pictures[:8, 0], axis=1), "training pictures: " + "; ".join(captions))
print(*captions, sep="\n")
print(f"\n{count} pictures and {count // 8} clips of 8 frames, drawn in {seconds:.0f} s")

# %% [markdown]
# ## Words: what they mean · 2 minutes
#
# The three stages are called by what they teach: *words*, *pictures and poses*, *motion*. Words
# and pictures together stand for stage 0, the base network; the paper's stage 1 adds the pose, its
# stage 2 is *motion*.
#
# Numbers for words come first. The text encoder reads captions and must tell, from its own numbers,
# who is there and where. A **loss** says how wrong it was, and after each small batch of examples
# every parameter is moved a little in the direction that makes the loss smaller. That is training,
# all of it: everything else is what to measure, and on which examples.
#
# This stage is short, so it gets a number of steps in place of minutes.

# %%
import torch

from fyp_course.tiny import text_batches, text_stage
from fyp_course.tiny_training import TrainingStoppedError, options_for, train_here
from fyp_lite.model.text import build_tokenizer
from fyp_world.training.batches import Draw, move
from fyp_world.world.dataset import world_vocabulary

tokenizer = build_tokenizer(world_vocabulary())
print(f"{len(tokenizer)} tokens, {mine.name!r} among them: {mine.name in tokenizer.get_vocab()}")

WORD_STEPS = 60

torch.manual_seed(0)
options = options_for(RUN / "text", MINUTES, batch_size=64, learning_rate=1e-3, steps=WORD_STEPS)
words = text_stage(world, tokenizer)
train_here("words", words, text_batches(world, tokenizer, 64), options)

with torch.no_grad():
    new_captions = text_batches(world, tokenizer, 200)(Draw(7, 0))
    wrong = float(words(move(new_captions, lite.device))["captions with an error"])
print(f"of 200 new captions it reads {1 - wrong:.0%} without a mistake, who and where")
if wrong > 0.1:
    raise TrainingStoppedError(
        "It cannot read yet, and the stages to come need that: double WORD_STEPS and run this cell "
        "again, it resumes."
    )

# %% [markdown]
# ## Pictures and poses · 4 minutes
#
# Now the heart of it. Take a picture, add noise, and let the UNet say how to take it away again,
# given the caption and the skeleton. Caption and skeleton are each left out now and then, so that
# the network also knows what is likely without them. (Lesson 06 needs this: guidance compares
# *with* and *without*.)

# %%
import inspect

from fyp_world.training.s3_joint import DiffusionStage

print(inspect.getsource(DiffusionStage.forward))

# %%
tasks.guess_the_losses()

# %%
from fyp_course.tiny import halved, held_back_losses, tiny_stage
from fyp_course.tiny_training import start_from
from fyp_world.training import s3_joint

stage = tiny_stage(tokenizer)
start_from(stage, "words", RUN / "text")
stage.text_encoder.requires_grad_(False)  # stays as the words left it

test_options = options_for(RUN / "test", MINUTES, batch_size=32, learning_rate=1e-3)
test_batch = halved(s3_joint.batches(kept_back, tokenizer, test_options, drop_pose=0))(Draw(7, 0))


def print_losses(stage):
    """The losses on the pictures that were kept back; returns them."""
    losses = held_back_losses(stage, test_batch)
    for name, loss in losses.items():
        print(f"  {name:26} {loss:.3f}")
    return losses


print("before training:")
before = print_losses(stage)

# %% [markdown]
# How far will it get? A step takes a quarter of a second on one machine and a second on another,
# and longer beside other programs. The next cell makes a few steps with a copy of the networks. It
# also tries which number type is faster here: numbers of 32 bits (`float32`), or of 16
# (`bfloat16`). Those save time on some processors; on others they take up to ten times as long.

# %%
from fyp_course.tiny_training import measured_pace

picture_minutes = 0.7 * MINUTES
options = options_for(RUN / "joint", picture_minutes, batch_size=16, learning_rate=1e-3)
batches = halved(s3_joint.batches(images, tokenizer, options))
steps_a_minute, dtype = measured_pace(stage, batches, options)
steps = steps_a_minute * picture_minutes
print(f"this machine makes {steps_a_minute:.0f} steps a minute, in {dtype}")
print(f"in {picture_minutes:.1f} minutes that is about {steps:.0f} steps")
if steps < 200:
    needed = MINUTES * 250 / steps
    print(f"a figure needs 250 or more: set MINUTES = {needed:.0f} and run again from there")

# %% [markdown]
# After 250 steps you can tell the figure by its colours, and its place; after 500 its limbs are
# there.
#
# The next cell is the long one: 70 % of `MINUTES`. The line below it is kept up to date. To stop
# early, interrupt the kernel (■). Run the cell again to resume from its last checkpoint, made every
# half minute.

# %%
train_here("pictures and poses", stage, batches, options)

print("after training:")
after = print_losses(stage)
right, *wrong = after.values()
print(f"\nthe loss fell from {before['right prompt and pose']:.3f} to {right:.3f}")
worst = max(after, key=after.get)
learned = max(wrong) > 1.01 * right
print(f"what hurts most is: {worst}" if learned else "it listens to nothing yet: train for longer")

# %% [markdown]
# **What happened.** If the wrong prompt makes the loss larger than the right one, the network
# listens to the prompt. The same goes for the pose. These pictures were never trained on, so it
# can't have learned them by heart.
#
# The running line and this list can't be compared: in training, people count more than
# the place around them, and other amounts of noise are drawn.
#
# Don't wonder if the pose changes the number less than the prompt does: a figure covers a small
# part of the picture, its place all the rest.
#
# ## Motion, from videos without skeletons · 2 minutes
#
# The stages before saw single frames. Now the parts that look across frames are trained on short
# clips, and no clip comes with its skeleton. All else stays as it is.

# %%
tasks.guess_what_stays()

# %%
from fyp_world.training import s4_temporal

moving = tiny_stage(tokenizer)
start_from(moving, "pictures and poses", RUN / "joint")
s3_joint.freeze_all_but(moving, s4_temporal.TRAINABLE)
print("trained are the parameters whose names hold one of", s4_temporal.TRAINABLE)

# %% [markdown]
# **Exercise.** Which share of all parameters of `moving` does this stage train? A parameter `p` is
# trained where `p.requires_grad` is true, and it has `p.numel()` numbers. Give a value between 0
# and 1.

# %%
share_exercise = tasks.share_that_is_trained(moving)

share = ...
share_exercise.check(share)

# %%
share = share_exercise.solution()
print(f"this stage trains {share:.1%} of the parameters")

poses_before = {k: v.clone() for k, v in moving.pose_encoder.state_dict().items()}
options = options_for(RUN / "temporal", 0.25 * MINUTES, batch_size=2, learning_rate=3e-4)
batches = halved(s4_temporal.batches(images, clips, tokenizer, options))
train_here("motion", moving, batches, options)

poses_after = moving.pose_encoder.state_dict()
same = all(torch.equal(poses_before[k], poses_after[k].cpu()) for k in poses_before)
print("the pose encoder is exactly what it was:", same)

# %% [markdown]
# ## What did it learn? · 2 minutes
#
# First the curves. A loss curve that falls and then levels off is a good one. It is seldom smooth:
# every batch is another one, some harder than others. So a curve that rises for a while says
# little, above all the one of *motion*, with its batches of only two and few steps. If its
# end differs from its beginning by no more than it jumps in between, that stage has shown no gain:
# it takes more minutes. Don't compare the curves with each other: they measure different things.

# %%
from fyp_course.tiny import show_losses

show_losses({"words": RUN / "text", "pictures": RUN / "joint", "motion": RUN / "temporal"})

# %% [markdown]
# And now your own character, in a dance that training never showed. The last video is what hours of
# the same training give: the bundled model's. (Yours is guided at scale 1.5, lesson 06; the bundled
# one needs no guidance.)

# %%
from fyp_course.tiny import to_pipeline
from fyp_lite import ClipSettings, SampleSettings, data_dir, prepare_clip
from fyp_lite.judges.scores import flicker
from fyp_lite.skeleton_reader import read_skeletons

dance = prepare_clip(data_dir() / "clips" / "dance.mp4", ClipSettings(), TINY_SIZE)
settings = SampleSettings(num_inference_steps=12, seed=0)
own, known = f"a {mine.name} on the sea", "a panda in the desert"
before_motion, yours = (to_pipeline(s, tokenizer, lite.vae) for s in (stage, moving))
large = prepare_clip(data_dir() / "clips" / "dance.mp4", ClipSettings(), lite.size)

videos = {
    "the skeleton": dance.frames,
    f"{own}, before motion": before_motion(own, dance.frames, settings).video,
    f"{own}, after motion": yours(own, dance.frames, settings).video,
    f"{known}, yours": yours(known, dance.frames, settings).video,
    f"{known}, bundled model": lite(known, large.frames, settings).video,
}
show_side_by_side(videos, dance.fps, follows=dance.frames)

keypoints = read_skeletons(dance.frames)
for title, video in list(videos.items())[1:3]:
    print(f"{title}: flicker {flicker(video, keypoints):.1f} of 255")

# %% [markdown]
# **What happened.** Colours of the place come first, because they cover most of the picture. Then
# comes a blot where the figure stands, then its colours, its limbs, and last of all its face.
# How far you got depends on `MINUTES` and on the machine: in a minute or two, or where other
# programs want the processor too, it is a place in its colours and a blot at best.
#
# The bundled model is this code with wider networks, larger pictures and hours. Its model card,
# `fyp_lite/weights/lite/README.md`, tells how many, stage by stage, and what is smudged still.
#
# *Flicker* is printed before and after the motion stage, and may even rise. All frames start from
# the same noise, so they hold together anyway, and in minutes there is little left for it to mend.
#
# For a better figure make `MINUTES` larger, and run the lesson again from there.
#
# Keep it, if you like: this saves the networks in a folder that `load_pipeline` reads.

# %%
yours.save_pretrained(RUN / "pipeline")
again = load_pipeline(RUN / "pipeline")
print(f"saved and loaded: {again.size} x {again.size} pixels, from {RUN / 'pipeline'}")

# %% [markdown]
# ## The paper's order · optional
#
# The paper begins with a text-to-image network that is finished already (Stable Diffusion). It is
# frozen, and a pose encoder is trained beside it. That is the way to go where the base network
# can't be trained again. The bundled model had no such base, so text and pose were trained
# together.
#
# The next cell trains in the paper's order, for as long as you say: half of it pictures from text
# alone, half of it the pose encoder beside the frozen UNet. Give it as many minutes as *pictures
# and poses* took, and compare how much the pose is worth.

# %%
PAPER_MINUTES = 0.0  # 0 skips it

if PAPER_MINUTES > 0:
    paper = tiny_stage(tokenizer)
    start_from(paper, "words", RUN / "text")
    s3_joint.freeze_all_but(paper, ("unet",))
    options = options_for(RUN / "image", PAPER_MINUTES / 2, batch_size=16, learning_rate=1e-3)
    text_only = s3_joint.batches(images, tokenizer, options, drop_pose=1)
    train_here("pictures from text", paper, halved(text_only), options)

    s3_joint.freeze_all_but(paper, ("pose_encoder",))
    options = options_for(RUN / "pose", PAPER_MINUTES / 2, batch_size=16, learning_rate=1e-3)
    with_pose = s3_joint.batches(images, tokenizer, options, drop_pose=0)
    train_here("the pose encoder alone", paper, halved(with_pose), options)

    for name, trained in (("together", stage), ("the paper's order", paper)):
        print(f"{name}:")
        losses = print_losses(trained)
        gain = losses["no pose"] - losses["right prompt and pose"]
        print(f"  the right pose lowers the loss by {gain:.3f}")
else:
    print("skipped: set PAPER_MINUTES to run it")

# %% [markdown]
# ## The full training · one command per stage
#
# The bundled model was trained by these commands, on the whole world. Each can be stopped and goes
# on where it was. With `python -m torch.distributed.run --nproc_per_node 2` in place of `python`
# they use two cores or GPUs.
#
# ```bash
# python -m fyp_world.training.cache frames --out DATA --images 24000 --clips 1000
# python -m fyp_world.training.s1_autoencoder --data DATA --out VAE
# python -m fyp_world.training.cache latents --out DATA --images 24000 --clips 1000 --vae VAE/vae
# python -m fyp_world.training.s2_text --out TEXT
# python -m fyp_world.training.s3_joint --data DATA --init TEXT --out JOINT
# python -m fyp_world.training.s4_temporal --data DATA --init JOINT --out TEMPORAL
# python -m fyp_world.training.s5_guided --data DATA --init TEMPORAL --out GUIDED
# python -m fyp_world.training.assemble --vae VAE/vae --networks GUIDED --out MODEL
# python -m fyp_world.training.generated_latents --data DATA --model MODEL
# python -m fyp_world.training.s6_decoder --data DATA --init MODEL --out DECODER
# python -m fyp_world.training.assemble --vae DECODER/vae --networks GUIDED --out MODEL
# ```
#
# With a GPU there is one command for all of them but `made` and `decoder`. It renders on all cores,
# saves every minute, and resumes where it was stopped:
#
# ```bash
# python -m fyp_world.training.all --out RUN --minutes 10
# ```
#
# In the paper's order, `training.image` and then `training.pose` take the place of
# `training.s3_joint`.
#
# <details><summary><b>For the curious</b></summary>
#
# - What is predicted is not the noise but the *velocity*, a mixture of noise and picture
#   (`DiffusionStage.forward` above). With it, even pure noise has a sensible answer.
# - People count three times in the loss, their heads eight times, and seven in ten timesteps lie in
#   the cleaner half, where outlines are made: see `loss_weight` and `timestep_at` in
#   `fyp_world/training/s3_joint.py`. The losses of the test above are unweighted.
# - The saved weights are a moving average of the last steps (`Average` in
#   `fyp_world/training/averages.py`): a steadier network than that of any single step.
# - In `training.s5_guided` the network learns to predict what guidance would (lesson 06), at no
#   extra cost in sampling: its target lies beyond the picture, away from what it predicts without
#   the pose (around people) or without the prompt (elsewhere).
# - The last stage, `training.s7_decoder`, leaves the network alone. The decoder learns to paint
#   clean pictures from the network's not quite clean latents; a small critic asks for sharp ones.
# - The text encoder is frozen after *words*. Trained along, it forgot what tells characters apart
#   before the UNet had learned to ask.
#
# </details>
#
# ## Recap
#
# | Stage | Learns from | Trains |
# |---|---|---|
# | words | captions | text encoder |
# | pictures and poses | single frames with captions and skeletons | UNet and pose encoder |
# | motion | short clips with captions, without skeletons | what looks across frames |
#
# | To find out | look at |
# |---|---|
# | whether it is still learning | the loss curve |
# | whether it listens to the prompt | the loss with another picture's prompt |
# | whether it listens to the pose | the loss with another picture's pose |
# | whether it learned by heart | the loss on pictures that were kept back |
#
# **Where to go next.** Lesson 09 has the published model with nearly a billion parameters, and what
# it takes to run it. Lesson 10 is the playground.
