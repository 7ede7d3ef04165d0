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
# **In 15 minutes you can**
#
# - name the parts of the network and say how large each one is,
# - see a skeleton as the network sees it (*pose features*),
# - see which places of the picture look at which word (*attention maps*),
# - switch parts off, one at a time, and tell what each is for,
# - explain why the network learns to move from videos that have no skeletons at all.

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
# ## The parts · 1 minute
#
# Four networks work together. The **text encoder** turns the sentence into numbers, the **pose
# encoder** does the same for the skeleton, the **UNet** takes noise away, and the **autoencoder**
# turns the UNet's small pictures (*latents*) into large ones. A *parameter* is one number that was
# found by training.

# %%
from fyp_lite import SampleSettings
from fyp_lite.lessons.checks import Exercise, predict
from fyp_lite.lessons.expected import match_expected
from fyp_lite.lessons.resume import resume

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
predict(
    "A feature map of the coarsest level has fewer places than one of the finest level. "
    "Is it of less use, then?",
    [
        "Yes: it is the same picture, only blurred",
        "No: each of its places holds more numbers and knows more of its surroundings",
    ],
    "No: each of its places holds more numbers and knows more of its surroundings",
    "The next cell prints the sizes as numbers per place x height x width.",
)

# %%
from fyp_lite.lessons.inside import show_features

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
from fyp_lite.lessons.inside import on_figure
from fyp_lite.skeleton import read_skeletons

keypoints = read_skeletons(skeleton.frames)
for level, feature in enumerate(features, 1):
    strength = feature[0].float().norm(dim=0).cpu().numpy()  # frames, height, width
    ratio = on_figure(strength, keypoints, pipeline.size)
    print(f"level {level}: features are {ratio:.2f} times as strong on the figure as elsewhere")

# %% [markdown]
# ## The way of a word · 4 minutes
#
# Every place of the picture may look at every word of the sentence, and decides by itself how much
# of its attention each word gets. This is **attention**: each place asks a question (*query*), each
# word offers a key (*key*), and the better they fit, the more of the word's content (*value*) the
# place takes in. The shares of all words add up to 1.

# %%
predict(
    "The prompt is `a panda on the sea`. Where should the word `panda` be looked for?",
    [
        "Everywhere alike",
        "Mostly where the figure stands",
        "Mostly in the sea",
    ],
    "Mostly where the figure stands",
    "At least, that would be sensible. Whether this network does so is measured two cells below.",
)

# %%
from fyp_lite.lessons.inside import WordExplorer, watch_words

word_steps = list(watch_words(pipeline, start.prompt, skeleton.frames, settings))
explorer = WordExplorer(word_steps)
explorer.show()

# %% [markdown]
# Move *Word* to see another word, and *Step* to see an earlier step of the run. Light places look
# at the word; below them, in grey, is the picture that the network expects in that step. A map in
# one even colour means that the word is looked for everywhere alike.
#
# **What happened.** The next cell says it in numbers. 1 means that the word is looked for on the
# figure as much as anywhere else.

# %%
last = word_steps[-1]
for word in ("panda", "sea"):
    ratio = on_figure(last.maps[:, last.words.index(word)], keypoints, pipeline.size)
    where = "on the figure" if ratio > 1.05 else "elsewhere" if ratio < 0.95 else "neither here"
    print(f"{word}: {ratio:.2f} times as much on the figure as elsewhere ({where})")

spoken = last.maps.sum(axis=1).mean()
print(f"all words of the sentence together get {spoken:.0%} of the attention")

# %% [markdown]
# The rest goes to tokens that are no words: the sentence's start, its end, and the padding that
# makes all sentences equally long. The text encoder has read the sentence before, so these tokens
# know about it too. That is why maps of attention are a good hint and no proof.
#
# **Break it.** With a guidance scale of 0 the prompt is not read at all, so there is nothing to
# watch.

# %%
try:
    next(watch_words(pipeline, start.prompt, skeleton.frames, SampleSettings(guidance_scale=0)))
except ValueError as error:
    print(error)

# %% [markdown]
# > **You may have read** that the network works *from coarse to fine*: a first network for a rough
# > picture, a second one for the details. It is one UNet, at one size, from the first step to the
# > last. The next cell writes down every call of it.

# %%
calls = []
hook = pipeline.unet.register_forward_pre_hook(
    lambda network, inputs: calls.append(tuple(inputs[0].shape))
)
for _step in pipeline.steps(start.prompt, skeleton.frames, settings):
    pass
hook.remove()

print(f"{settings.num_inference_steps} steps, {len(calls)} calls of the same UNet")
print("sizes (videos, channels, frames, height, width):", *sorted(set(calls)))

# %% [markdown]
# ## Looking across frames · 2 minutes
#
# A picture network would paint each frame by itself, and the panda would be another panda in every
# frame. Three parts look across frames:
#
# | Part | What a place looks at |
# |---|---|
# | **cross-frame attention** | all places of the first frame and of the previous frame |
# | **temporal attention** | the same place in all frames |
# | **temporal convolution** | the same place, one frame before and one after |
#
# The first of them is picked out of the network here. One frame is changed on the way in: in which
# frames does what comes out change?

# %%
import copy

import torch

from fyp_lite.model.attention import CrossFrameAttention, first_and_previous

modules = pipeline.unet.modules()
layer = next(module for module in modules if isinstance(module, CrossFrameAttention))
layer = copy.deepcopy(layer).float().cpu()


def frames_that_change(frame):
    """Which of eight frames come out differently when `frame` goes in differently."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(1, 8, 16, layer.to_q.in_features, generator=generator)
    changed = tokens.clone()
    changed[:, frame] += 1 + torch.rand(changed[:, frame].shape, generator=generator)
    with torch.no_grad():
        difference = (layer(tokens) - layer(changed)).abs().amax(dim=(0, 2, 3))
    return [number for number, size in enumerate(difference.tolist()) if size > 1e-6]


print(inspect.getsource(first_and_previous))
print("frame 0 is changed, and these come out differently:", frames_that_change(0))

# %% [markdown]
# Every frame looks at frame 0. It is the anchor that keeps the character's looks.
#
# **Exercise.** Now frame 3 is changed, counting from 0. Which frames come out differently? Give a
# list of numbers in place of the `...`.


# %%
def check_frames_that_change(value):
    right = frames_that_change(3)
    if sorted(value) == right:
        return None
    if 0 in value:
        return "Frame 0 looks at itself alone, so a change in frame 3 cannot reach it."
    return "Some frame is missing or too many: think of who looks at frame 3."


exercise = Exercise(
    "Which frames change with frame 3?",
    check_frames_that_change,
    hints=[
        "Frame 3 asks its own questions (queries), and these change.",
        "Frame i looks at frame 0 and at frame i - 1. For which i is that frame 3?",
        "There are two: frame 3 itself, and the frame after it.",
    ],
    solution=[3, 4],
)

answer = ...
exercise.check(answer)

# %%
answer = exercise.solution()
exercise.check(answer)
print("measured:", frames_that_change(3))

# %% [markdown]
# ## Switch it off · 4 minutes
#
# The best way to find out what a part does is to take it away. `switched_off` does that for as long
# as its `with` block lasts. The seed stays the same, so whatever changes is due to the part.

# %%
predict(
    "Which switch makes the figure forget the dance?",
    ["Pose encoder", "Cross-frame attention", "Temporal attention", "Temporal convolution"],
    "Pose encoder",
    "Its features are the only way by which the skeleton reaches the UNet.",
)

# %%
from fyp_lite.lessons.show import show_side_by_side
from fyp_lite.lessons.switches import SWITCHES, switched_off

videos = {"everything on": pipeline(start.prompt, skeleton.frames, start.sample_settings).video}
for part in SWITCHES:
    with switched_off(pipeline, part):
        video = pipeline(start.prompt, skeleton.frames, start.sample_settings).video
    videos[f"without {part}"] = video

show_side_by_side(videos, skeleton.fps)

# %% [markdown]
# **What happened.** Compare each video with the first one: where does the figure stand, does it
# dance, does it keep its looks, does the background hold still? Two of these are easy to measure:
# how far the video is from the first one, and how much the background changes from frame to frame
# (*flicker*).

# %%
from fyp_lite.judges.scores import flicker

whole = videos["everything on"].astype(float)
for name, video in videos.items():
    changed = abs(video - whole).mean()
    print(
        f"{name:30} differs by {changed:5.1f} of 255, "
        f"flicker {flicker(video, keypoints):5.1f} of 255"
    )
rates = {name: flicker(video, keypoints) for name, video in videos.items()}
print(f"\nleast flicker: {min(rates, key=rates.get)}; most: {max(rates, key=rates.get)}")

# %% [markdown]
# The other two questions take **judges**, small networks that were trained apart from the model.
# One finds joints: are they where the skeleton has them (the **follow score**)? The other one tells
# who is seen: is it the panda, and in how many frames is it the same character as in the whole
# video? Both err. So they also look at a clip that a program drew, in which nothing is wrong. What
# they say about it is their **ceiling**.

# %%
from fyp_lite.judges.scores import Judge
from fyp_lite.lessons.figures import drawn_clip, judge_video, show_scores

judge, wanted = Judge(), {"character": ["panda"]}
scores = {name: judge_video(judge, video, keypoints, wanted) for name, video in videos.items()}
drawn, true_keypoints, drawn_facts = drawn_clip(pipeline.size)
ceiling = judge_video(judge, drawn, true_keypoints, drawn_facts)
show_scores("video", scores, ceiling)

for name, video in {**videos, "ceiling": drawn}.items():
    print(f"{name:30} the same character in {judge.identity(video):4.0%} of the frames")

lead = {name: 100 * (score.limbs - score.wrong_limbs) for name, score in scores.items()}
least = min(lead, key=lead.get)
best = 100 * (ceiling.limbs - ceiling.wrong_limbs)
print("\nLimbs in place above those of the wrong moment, in percentage points:")
print(f"everything on {lead['everything on']:+.0f}, drawn clip {best:+.0f}")
print(f"the least is {lead[least]:+.0f}: {least}")

# %% [markdown]
# **What to look for.** A part that carries the dance shows in the first two columns: without it
# they fall, towards the numbers in brackets. A part that carries the looks shows in the panda and
# in the frames of the same character. Did your prediction come true? Where two rows differ by less
# than what a judge misses in the drawn clip, the table can't tell them apart: your eyes may.

# %% [markdown]
# Is your first video the one that was expected?

# %%
match_expected("07", videos["everything on"])

# %% [markdown]
# **Break it.** A switch that is not there says which ones are.

# %%
try:
    with switched_off(pipeline, "legs"):
        pass
except ValueError as error:
    print(error)

# %% [markdown]
# ## Two stages, and why videos without skeletons are enough · 2 minutes
#
# Videos with exact skeletons are rare. Pictures with skeletons, and videos without them, are easy
# to find. *Follow Your Pose* gets along with these two:
#
# | Stage | Learns from | What is trained | What it learns |
# |---|---|---|---|
# | 1 | pictures with skeletons | the pose encoder | to put each limb in its place |
# | 2 | videos without skeletons | the parts that look across frames | to stay the same figure |
#
# This can only work if the two do not need each other. Two measurements say that they don't. First:
# does the pose encoder need a video? One frame of the skeleton is painted black; which frames'
# features change?

# %%
dark = skeleton.frames.copy()
dark[5] = 0
changed = [
    (before - after).abs().float().amax(dim=(0, 1, 3, 4)) > 1e-3
    for before, after in zip(features, pipeline.encode_pose(dark), strict=True)
]
print("frames whose pose features change:", torch.stack(changed).any(dim=0).nonzero().flatten())

# %% [markdown]
# Only that one: the pose encoder sees one frame at a time, so single pictures can teach it
# everything. Second: do the parts that look across frames need a skeleton? This is what they are
# given:

# %%
from fyp_lite.model.attention import TemporalAttention, TemporalConvolution

for kind in (CrossFrameAttention, TemporalAttention, TemporalConvolution):
    print(f"{kind.__name__:20} {inspect.signature(kind.forward)}")

# As in the paper (section 3.3); lesson 08 takes the list from the package's training code.
trained = ("attn1.to_q", "attn_temp", "norm_temp", "conv_temporal")
sizes = {name: p.numel() for name, p in pipeline.unet.named_parameters()}
stage_2 = sum(size for name, size in sizes.items() if any(part in name for part in trained))
stage_1 = sum(p.numel() for p in pipeline.pose_encoder.parameters())
print(f"\nstage 1 trains {stage_1 / 1e6:.2f} M parameters, stage 2 {stage_2 / 1e6:.2f} M,")
print(f"of {(sum(sizes.values()) + stage_1) / 1e6:.2f} M in the UNet and the pose encoder")

# %% [markdown]
# Tokens, and nothing else: whatever the picture holds at that place. Where the limbs are is in the
# tokens already, for the pose features were added to them before.
#
# <details><summary><b>For the curious</b></summary>
#
# - The bundled model was trained a little differently from the table: text and pose together first,
#   then the parts that look across frames. Lesson 08 can run both orders, and says why.
# - Temporal attention and temporal convolution begin as *no change*: their last weights are zero at
#   first, so that the picture network works as before when the second stage starts.
# - One more thing spans the frames without being trained for it: the normalisation in the residual
#   blocks (`ClipGroupNorm` in `fyp_lite/model/blocks.py`) takes its mean and variance over all
#   frames of the clip. The published weights need it to be so.
# - The maps above repeat `softmax(q kᵀ / √d)` for the sake of the picture
#   (`fyp_lite.lessons.inside.word_attention`); the network itself uses PyTorch's fused
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
# | cross-frame attention | first and previous frame: the same character throughout |
# | temporal attention and convolution | the same place at other times: steady pictures |
# | autoencoder | from small latents to large pictures |
#
# **Where to go next.** In lesson 08 you train such a network yourself, with a character of your own
# in its world. Lesson 10 is the playground, with all controls on one panel.
