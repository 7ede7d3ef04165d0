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
# # Inside the model: follow a skeleton and a word
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/07_inside_the_model.ipynb)
#
# So far the network was a box: a skeleton and a sentence went in, a video came out. In this lesson
# you open the box and follow both of them through it.
#
# **In 20 minutes you can**
#
# - name the parts of the network and say how large each one is,
# - see a skeleton as the network sees it (*pose features*),
# - see which places of the picture look at which word (*attention maps*),
# - switch parts off, one at a time, and tell what each is for,
# - say what keeps the frames of a video together, and how you know,
# - explain why the network learns to move from videos that have no skeletons at all.

# %% [markdown]
# ## Set-up · 1 minute
#
# Run each cell with **Shift + Enter**, from the top. The first one installs the package where it is
# missing (in Colab, say) and does nothing where it is not. You need not read the code: the text
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
# ## The parts · 1 minute
#
# Four networks work together. The **text encoder** turns the sentence into numbers, the **pose
# encoder** does the same for the skeleton, the **UNet** takes noise away, and the **autoencoder**
# turns the UNet's small pictures (*latents*) into large ones. A *parameter* is one number that was
# found by training.

# %%
from fyp_course.exercises import lesson_07 as tasks
from fyp_course.expected import match_expected
from fyp_course.start import resume
from fyp_lite import SampleSettings

start = resume("07")
pipeline, skeleton = start.pipeline, start.skeleton
settings = SampleSettings(num_inference_steps=10, seed=0)

parts = {
    "text encoder": pipeline.text_encoder,
    "pose encoder": pipeline.pose_encoder,
    "UNet": pipeline.unet,
    "autoencoder": pipeline.vae,
}
for name, network in parts.items():
    print(f"{name:12} {sum(p.numel() for p in network.parameters()) / 1e6:6.2f} M parameters")

# %% [markdown]
# ## The way of the skeleton · 3 minutes
#
# The UNet works on several **levels**: a fine one with small details, and coarser ones that see
# more of the picture at once. The pose encoder makes one set of **pose features** for each level.
# They are added to what the UNet computes there.

# %%
tasks.guess_the_coarsest_level()

# %%
from fyp_course.panels.words import show_features

features = pipeline.encode_pose(skeleton.frames)
show_features(skeleton.frames, features, frame=0)

for level, feature in enumerate(features, 1):
    numbers, frames, height, width = feature.shape[1:]
    print(f"level {level}: {numbers} numbers at each of {height} x {width} places, {frames} frames")

# %% [markdown]
# **What happened.** Light places are where the features are strong. This is all that the UNet ever
# learns about the skeleton. How it is made takes a few lines, and here they are:

# %%
import inspect

from fyp_lite.model.pose_encoder import PoseEncoder

print(inspect.getsource(PoseEncoder.forward))

# %% [markdown]
# Are the features strong where somebody stands? `on_figure` compares the places on and around the
# figure with all others.

# %%
from fyp_course.panels.words import on_figure
from fyp_lite.skeleton_reader import read_skeletons

keypoints = read_skeletons(skeleton.frames)
for level, feature in enumerate(features, 1):
    strength = feature[0].float().norm(dim=0).cpu().numpy()  # frames, height, width
    ratio = on_figure(strength, keypoints, pipeline.size)
    print(f"level {level}: features are {ratio:.2f} times as strong on the figure as elsewhere")

# %% [markdown]
# **What happened.** On the finest level a place is small, and most places hold either a piece of a
# limb or nothing. On the coarsest one a place is as wide as the trunk, and its numbers tell of what
# lies around it as well, so the figure mostly stands out less there. Even a ratio near 1 would not
# mean that nothing is known.

# %% [markdown]
# ## The way of a word · 4 minutes
#
# Every place of the picture may look at every word of the sentence, and decides by itself how much
# of its attention each word gets. This is **attention**: each place asks a question (*query*), each
# word offers a key (*key*), and the better they fit, the more of the word's content (*value*) the
# place takes in. The shares of all words add up to 1.

# %%
tasks.guess_where_ninja_is()

# %%
from fyp_course.panels.words import WordExplorer, watch_words

word_steps = list(watch_words(pipeline, start.prompt, skeleton.frames, settings))
explorer = WordExplorer(word_steps)
explorer

# %% [markdown]
# Move *Word* to see another word, and *Step* to see an earlier step of the run. Light places look
# at the word; behind them, in grey, is the picture that the network expects in that step. A map in
# one even colour means that the word is looked for everywhere alike. Each map has a scale of its
# own: compare places within one map, and two maps by their per cent.
#
# **What happened.** The next cell says it in numbers, over all frames. 1 means that the word is
# looked for on the figure as much as anywhere else.

# %%
last = word_steps[-1]
for word in ("ninja", "stage"):
    ratio = on_figure(last.maps[:, last.words.index(word)], keypoints, pipeline.size)
    where = "on the figure" if ratio > 1.05 else "elsewhere" if ratio < 0.95 else "on both alike"
    print(f"{word}: {ratio:.2f} times as much on the figure as elsewhere ({where})")

spoken = last.maps.sum(axis=1).mean()
print(f"all words of the sentence together get {spoken:.0%} of the attention")

# %% [markdown]
# The rest goes to tokens that are no words: the sentence's start, its end, and the padding that
# makes all sentences equally long. The text encoder has read the sentence before, so these tokens
# know about it too. That is why maps of attention are a good hint and no proof: they show where a
# word is looked for, not what is done with it there. Where *stage* is looked for on the figure
# too, it may well be that the network asks what the figure stands in front of.
#
# **Break it.** With a guidance scale of 0 the prompt is not read at all, so there is nothing to
# watch.

# %%
try:
    next(watch_words(pipeline, start.prompt, skeleton.frames, SampleSettings(guidance_scale=0)))
except ValueError as error:
    print(error)

# %% [markdown]
# ## Looking across frames · 3 minutes
#
# A picture network would paint each frame by itself, and nothing would make the frames agree. Three
# parts of this one look across frames:
#
# | Part | What a place looks at |
# |---|---|
# | **cross-frame attention** | all places of the first frame and of the previous frame |
# | **temporal attention** | the same place in all frames |
# | **temporal convolution** | the same place, up to two frames before and after |
#
# One more thing holds the frames together, and it is no part of the network: the **noise**. Every
# frame begins with noise (lesson 05), and in the lite model the frames share theirs; the cell below
# prints how much of it. Where neither noise nor pose nor sentence changes from one frame to the
# next, nothing gives the background a reason to come out differently.
#
# First the cross-frame attention. It is picked out of the network and one frame is changed on the
# way in: in which frames does what comes out change?

# %%
from fyp_course.panels.words import frames_that_change
from fyp_lite.model.attention import first_and_previous

print(inspect.getsource(first_and_previous))
print("frame 0 is changed, and these come out differently:", frames_that_change(pipeline, 0))
print(f"noise that all frames have in common: {pipeline.config.shared_noise:.0%} of its variance")

# %% [markdown]
# Every frame looks at frame 0. It can serve as an anchor for the character's looks.
#
# **Exercise.** Now frame 3 is changed, counting from 0. Which frames come out differently? Give a
# list of numbers in place of the `...`.

# %%
exercise = tasks.find_who_changes(pipeline)

answer = ...
exercise.check(answer)

# %%
answer = exercise.solution()
exercise.check(answer)
print("measured:", frames_that_change(pipeline, 3))

# %% [markdown]
# ## Switch it off · 5 minutes
#
# The best way to find out what a part does is to take it away. `switched_off` does that for as long
# as its `with` block lasts, and `own_noise` gives every frame noise of its own. Seed and prompt
# stay the same, so whatever changes is due to what was taken away. Two guesses first:

# %%
tasks.guess_what_forgets_the_kick()

# %%
tasks.guess_what_holds_still()

# %%
from fyp_course.charts import show_gallery
from fyp_lite.model.switches import ACROSS_FRAMES, SWITCHES, own_noise, switched_off


def paint():
    return pipeline(start.prompt, skeleton.frames, settings).video


videos = {"everything on": paint()}
for part in SWITCHES:
    with switched_off(pipeline, part):
        videos[f"without {part}"] = paint()
with switched_off(pipeline, *ACROSS_FRAMES):
    videos["without all three"] = paint()
with own_noise(pipeline):
    videos["own noise"] = paint()
with own_noise(pipeline), switched_off(pipeline, *ACROSS_FRAMES):
    videos["own noise, without all three"] = paint()

show_gallery(videos, skeleton.fps, "switch", follows=skeleton.frames)

# %% [markdown]
# Compare each video with the first one: where does the figure stand, does it kick, does it keep
# its looks, does the background hold still? Two of these are easy to measure: how far the video is
# from the first one, and how much the background changes from frame to frame (**flicker**).

# %%
from fyp_course.charts import difference
from fyp_lite.judges.scores import flicker, flickers

whole = videos["everything on"]
rates = {name: round(flicker(video, keypoints), 1) for name, video in videos.items()}
print("of 255 levels                   difference  flicker")
for name, video in videos.items():
    print(f"{name:30}  {difference(video, whole):10.1f}  {rates[name]:7.1f}")
pairs = (f"{rate:.1f}" for rate in flickers(whole, keypoints))
print("everything on, from each frame to the next:", *pairs)

by_noise = rates["own noise"] - rates["everything on"]
by_parts = rates["without all three"] - rates["everything on"]
helped = rates["own noise, without all three"] - rates["own noise"]
print(f"\nTaking away the shared noise adds {by_noise:+.1f} to the flicker,")
print(f"taking away all three parts {by_parts:+.1f}.")
print(f"Where each frame has noise of its own, the parts spare {helped:+.1f}.")
print("Most of the stillness here comes from", "the noise" if by_noise > by_parts else "the parts")

# %% [markdown]
# **What happened.** Read the last lines against the picture above, and against your guess. In this
# small model the frames agree first of all because they begin alike. Taking away one of the parts
# that look across frames hardly moves the flicker, up or down.
#
# Then why have the three parts? In the paper every frame begins with noise of its own, and the
# parts are large and long trained: there they have to do all of it. Here they were trained for a
# short time, on frames that began alike, so there was little left for them to learn. That is no
# excuse but a finding, and a good habit: a part is *meant* for something, and what it *does* is
# measured.
#
# What the shared noise can't do is to paint a moving figure. For that there are the other
# questions, and they take **judges**, small networks that were trained apart from the model. One
# finds joints: are they where the skeleton has them (the **follow score**)? The other one tells
# whether the ninja is seen. Both err. So they also look at the same ninja in the same kick as a
# program **draws** it, with nothing wrong. What they say about it is their **ceiling**.

# %%
from fyp_course.charts import drawn_case, judge_video, show_scores
from fyp_lite.judges.scores import Judge

judge, wanted = Judge(), {"character": ["ninja"], "place": ["stage"]}
scores = {name: judge_video(judge, video, keypoints, wanted) for name, video in videos.items()}
ceiling = judge_video(judge, drawn_case("07"), keypoints, wanted)
show_scores("video", scores, ceiling)

lead = {name: 100 * (score.limbs - score.wrong_limbs) for name, score in scores.items()}
print("Limbs in place above those of the wrong moment, in percentage points:")
for name, points in lead.items():
    print(f"{name:30} {points:+4.0f}")
print(f"{'ceiling':30} {100 * (ceiling.limbs - ceiling.wrong_limbs):+4.0f}")
least = min(lead.values())
print("The least:", ", ".join(name for name, points in lead.items() if points < least + 0.5))

# %% [markdown]
# **What to look for.** A part that carries the kick shows in the lead: without it, it falls
# to about 0. A part that carries the looks shows in the ninja; but look at the pictures,
# too, since a patchwork in its colours may content the judge. Did your first guess come true?
#
# What the judge can't tell: the eight frames lie close together in time, so whoever stands in the
# right place has most *joints* right at any moment, and even the *limbs* are 64 elbows, wrists,
# knees and ankles at most. A handful of them is a few points. Another seed would move the rows by
# as much (lesson 05 measures it), so small steps between rows tell nothing: large ones do.
# That is why a row may even lie a little above *everything on*, or above the ceiling: this does not
# make it the better video.
#
# Is a video of the usual settings the one that was expected?

# %%
usual = pipeline(start.prompt, skeleton.frames, start.sample_settings).video
match_expected("07", usual)

# %% [markdown]
# **Break it.** A switch that is not there says which ones are.

# %%
try:
    with switched_off(pipeline, "legs"):
        pass
except ValueError as error:
    print(error)

# %% [markdown]
# ## Two stages, and why videos without skeletons are enough · 3 minutes
#
# Videos with exact skeletons are rare. Pictures with skeletons, and videos without them, are easy
# to find. *Follow Your Pose* gets along with these two:
#
# | Stage | Learns from | What is trained | What it learns |
# |---|---|---|---|
# | **poses** | pictures with skeletons | the pose encoder | to put each limb in its place |
# | **motion** | videos without skeletons | what looks across frames | to stay the same figure |
#
# (The paper calls them stages 1 and 2. Before both comes a network that has learned to paint single
# pictures from **words**: in the paper, Stable Diffusion.)
#
# This can only work if the two do not need each other. Two measurements say that they don't. First:
# does the pose encoder need a video? One frame of the skeleton is painted black; which frames'
# features change?

# %%
import torch

dark = skeleton.frames.copy()
dark[5] = 0
changed = [
    (before - after).abs().float().amax(dim=(0, 1, 3, 4)) > 1e-3
    for before, after in zip(features, pipeline.encode_pose(dark), strict=True)
]
which = torch.stack(changed).any(dim=0).nonzero().flatten().tolist()
print("frames whose pose features change, counted from 0:", which)

# %% [markdown]
# Only that one: the pose encoder sees one frame at a time, so single pictures can teach it
# everything. Second: do the parts that look across frames need a skeleton? This is what they are
# given:

# %%
from fyp_lite.model.attention import CrossFrameAttention, TemporalAttention, TemporalConvolution

for kind in (CrossFrameAttention, TemporalAttention, TemporalConvolution):
    print(f"{kind.__name__:20} {inspect.signature(kind.forward)}")

# As in the paper (section 3.3); lesson 08 takes the list from the package's training code.
trained = ("attn1.to_q", "attn_temp", "norm_temp", "conv_temporal")
sizes = {name: p.numel() for name, p in pipeline.unet.named_parameters()}
motion = sum(size for name, size in sizes.items() if any(part in name for part in trained))
poses = sum(p.numel() for p in pipeline.pose_encoder.parameters())
print(f"\nposes train {poses / 1e6:.2f} M parameters, motion {motion / 1e6:.2f} M,")
print(f"of {(sum(sizes.values()) + poses) / 1e6:.2f} M in the UNet and the pose encoder")

# %% [markdown]
# Numbers of places (`tokens`), and nothing else: whatever the picture holds there. Where the limbs
# are is in the tokens already, for the pose features were added to them before.
#
# <details><summary><b>For the curious</b></summary>
#
# - The bundled model was trained a little differently from the table: text and pose together first,
#   then the parts that look across frames, at last all of them with a lead towards pose and prompt.
#   Lesson 08 can run both orders, and says why.
# - Temporal attention and temporal convolution begin as *no change*: their last weights are zero at
#   first, so that the picture network works as before when the second stage starts.
# - A temporal convolution looks two frames back and two ahead: it is two convolutions in a row, and
#   each looks one frame far. But a clip has ends. The published network sees zeros there. The lite
#   model sees the outer frame once more (`temporal_padding="replicate"`): its background is to hold
#   as still there as anywhere, and the flicker from each frame to the next, printed above, tells
#   whether it does.
# - One more part spans the frames without being trained for it: the normalisation in the residual
#   blocks (`ClipGroupNorm` in `fyp_lite/model/blocks.py`) takes its mean and variance over all
#   frames of the clip. The published weights need it to be so.
# - The maps above repeat `softmax(q kᵀ / √d)` for the sake of the picture
#   (`fyp_course.panels.words.word_attention`); the network itself uses PyTorch's fused
#   `scaled_dot_product_attention`, which never writes these shares down.
#
# </details>
#
# ## Recap
#
# | Part | What it is for |
# |---|---|
# | pose encoder | tells every level of the UNet where the limbs are, frame by frame |
# | text attention | lets each place look at each word |
# | cross-frame attention | looks at the first and the previous frame |
# | temporal attention and convolution | look at the same place at other times |
# | the noise that frames share | no part, and yet: measured above against the three |
# | autoencoder | from small latents to large pictures |
#
# **Where to go next.** In lesson 08 you train such a network yourself, with a character of your own
# in its world. Lesson 10 is the playground, with all controls on one panel.
