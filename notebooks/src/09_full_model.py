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
# # The full model: what changes on a GPU
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/09_full_model.ipynb)
#
# The bundled *lite* model is a small brother of the published one. This lesson has the large one:
# the same code, the same settings, nearly a billion parameters. Running it needs a graphics
# processor (**GPU**) and a download. Everything else here runs on any machine, and where there
# is no GPU the lesson says so and shows no result that it did not make.
#
# **In 15 minutes you can**
#
# - build the full network and count it, without its memory,
# - load published weights by their published names, and read what a wrong file leads to,
# - say what each setting costs on the full model,
# - choose settings for a GPU with less memory.

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
# ## What is here? · half a minute

# %%
import torch

from fyp_course.exercises import lesson_09 as tasks
from fyp_course.start import resume
from fyp_lite import SampleSettings, load_pipeline

start = resume("09")
lite = start.pipeline

HAS_GPU = torch.cuda.is_available()
if HAS_GPU:
    gpu = torch.cuda.get_device_properties(0)
    print(f"GPU: {gpu.name} with {gpu.total_memory / 1e9:.0f} GB")
else:
    print("There is no CUDA GPU here. All cells run; those that need one say what they would do.")
    print("In Colab: Runtime, Change runtime type, T4 GPU, then run all cells again.")

# %% [markdown]
# ## The same network, larger · 2 minutes
#
# Both models are the same classes with other numbers (and one other word: beyond the ends of a clip
# the published temporal convolution sees zeros, that of the lite model the outer frame again). This
# is the published configuration, under its published names. On PyTorch's *meta* device a network
# has shapes but no memory, so that a laptop can hold it.

# %%
tasks.guess_the_size()

# %%
from fyp_lite.full.published import networks_from_published_config

PUBLISHED = {
    "sample_size": 64,  # latents; pictures are eight times as large
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": [320, 640, 1280, 1280],
    "down_block_types": [*["CrossAttnDownBlock3D"] * 3, "DownBlock3D"],
    "layers_per_block": 2,
    "attention_head_dim": 8,
    "cross_attention_dim": 768,
    "norm_num_groups": 32,
    "norm_eps": 1e-5,
}

with torch.device("meta"):
    full_unet, full_pose_encoder = networks_from_published_config(PUBLISHED)


def count(*networks):
    return sum(p.numel() for network in networks for p in network.parameters())


large, small = count(full_unet, full_pose_encoder), count(lite.unet, lite.pose_encoder)
names = len(full_unet.state_dict()) + len(full_pose_encoder.state_dict())
print(f"full: {large:,} parameters in {names} tensors, {large * 2 / 1e9:.1f} GB in float16")
print(f"lite: {small:,} parameters, {small * 2 / 1e9:.2f} GB in float16")
print(f"the full model has {large / small:.0f} times as many")

# %% [markdown]
# **What happened.** The weights alone fill that many gigabytes of a GPU's memory. The text encoder,
# the autoencoder and the pictures in the making come on top.
#
# ## The same settings · 1 minute
#
# Frames are chosen by number, and crops count pixels of a frame whose short side is 512, whatever
# the model. So a setting means the same for both, and the full model only sees it larger.

# %%
from fyp_course.show import show_sheet
from fyp_lite import ClipSettings, prepare_clip

settings = ClipSettings(start_frame=8, frame_stride=4, num_frames=4, crop_right=100)
full_size = PUBLISHED["sample_size"] * 8

for name, size in (("lite", lite.size), ("full", full_size)):
    prepared = prepare_clip(start.clip, settings, size)
    print(f"{name}: frames {prepared.indices}, {prepared.frames.shape[1:3]} pixels")
show_sheet(prepared.frames, "what the full model would see")

# %% [markdown]
# ## What it costs · 3 minutes
#
# A processor's work is counted in multiplications and additions. PyTorch counts them from the
# shapes, without computing anything. `operations` does so for one step of a video.

# %%
from torch.utils.flop_counter import FlopCounterMode


def operations(unet, num_frames, latent_size, guided=True):
    """Multiplications and additions of one step."""
    branches = 2 if guided else 1
    config = unet.config
    video = torch.empty(
        branches, config.in_channels, num_frames, latent_size, latent_size, device="meta"
    )
    words = 77 if unet is full_unet else lite.tokenizer.model_max_length
    text = torch.empty(branches, words, config.cross_attention_dim, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        unet(video, torch.tensor(500, device="meta"), text)
    return counter.get_total_flops()


with torch.device("meta"):
    lite_on_paper = type(lite.unet).from_config(lite.unet.config)

work = {
    "lite": operations(lite_on_paper, 8, lite.unet.config.sample_size),
    "full": operations(full_unet, 8, PUBLISHED["sample_size"]),
}
for name, number in work.items():
    print(f"{name}: {number / 1e9:9,.0f} billion operations a step, 8 frames")
ratio = work["full"] / work["lite"]
print(f"a step of the full model is {ratio:.0f} times the work")

# %% [markdown]
# How long is that? The lite model's time on this machine is measured, and the full model's is
# worked out from it, as if it used the processor equally well. It is an estimate and is called so.

# %%
from fyp_lite.cost import estimate_seconds
from fyp_lite.text import readable_seconds

steps = 50  # the published default
lite_seconds = estimate_seconds(
    lite, ClipSettings(), SampleSettings(num_inference_steps=steps, guidance_scale=3)
)
print(f"measured, lite on {lite.device}: {readable_seconds(lite_seconds)} for {steps} guided steps")
print(f"estimated, full on the same: {readable_seconds(lite_seconds * ratio)}")

# %% [markdown]
# That is why this lesson is about GPUs.
#
# ## Less work · 2 minutes
#
# What can be made smaller, and what that saves:

# %%
variants = {
    "8 frames, 512 x 512, guided": (8, 64, True),
    "4 frames": (4, 64, True),
    "without guidance (scale 1)": (8, 64, False),
    "256 x 256": (8, 32, True),
}
for name, (num_frames, latent_size, guided) in variants.items():
    share = operations(full_unet, num_frames, latent_size, guided) / work["full"]
    print(f"{name:30} {share:6.1%} of the work of a step")

# %% [markdown]
# - **Fewer frames** save work. What one run makes can be continued from another `start_frame`, but
#   nothing ties the two runs' figures together.
# - **Guidance scale 1** runs one branch in place of two. The lite model is made for it; the
#   published one runs at 12.5, so expect it to obey the prompt less.
# - **256 × 256** is the largest saving, and the published weights were not trained for it: expect
#   worse pictures.
# - **Fewer steps** save as many times the work of one (lesson 05).
#
# ## Memory modes · 3 minutes
#
# On a GPU, `load_pipeline` takes numbers of 16 bits, which halves the memory. The same video can be
# made with less still, more slowly: decode one frame at a time (*VAE slicing*), let attention take
# one frame at a time (*chunking*), ask for the two answers of guidance one after the other, keep
# only the network at work on the GPU (*offload*). `load_pipeline` takes the fastest of these
# **modes** that fits into the free memory.
#
# A clip longer than eight frames, 128 say, goes through **windows** of eight that overlap.

# %%
tasks.guess_the_long_clip()

# %% [markdown]
# The next cell lets the whole network run on tensors that have shapes and no contents, and adds up
# the bytes that live at once. So these figures are **computed, not run**; it takes about a minute.

# %%
from fyp_lite.cost import count_windows
from fyp_lite.full.footprint import FULL
from fyp_lite.full.memory import choose_memory_mode, estimate_memory, memory_modes
from fyp_lite.text import readable_bytes

GPU, HALF, LENGTHS = torch.device("cuda"), [torch.float16], [4, 8, 32, 128]


def print_row(values, name):
    print("".join(f"{value:>8}" for value in values), f" {name}")


print("peak memory at 512 x 512, computed, not run:\n")
print_row(LENGTHS, "frames")  # both models were trained on clips of eight
print_row([count_windows(lite, length) for length in LENGTHS], "windows")
for mode in memory_modes(HALF, GPU):
    peaks = [estimate_memory(FULL, n, mode, device_type="cuda").peak for n in LENGTHS]
    print_row([readable_bytes(peak) for peak in peaks], mode)

print("\nchosen for 32 frames:")
for gigabytes in (4, 8, 15, 40):
    free = gigabytes * 10**9
    print(choose_memory_mode(FULL, 32, device=GPU, free=free, dtypes=HALF))

# %% [markdown]
# **What to look for.** Down the table, each mode needs less, or as much, and takes more time.
# Across it, four frames mostly need less than eight, but from there on little is added: only one
# window is at work at a time. Time grows with the number of windows. The count leaves out the
# libraries and the work space of single kernels, so part of the free memory is kept back when a
# mode is chosen.
#
# ## What guidance costs · 1 minute
#
# > **You may have read** that a larger CFG scale takes more time. It is a factor in a sum: the same
# > network evaluations, with another number in front.

# %%
from fyp_lite.cost import network_evaluations

for scale in (1.0, 2.0, 12.5):
    chosen = SampleSettings(num_inference_steps=steps, guidance_scale=scale)
    print(f"guidance scale {scale:4}: {network_evaluations(lite, chosen)} network evaluations")

# %% [markdown]
# **Exercise.** A shared GPU gives you a quarter of the work of the published run (50 steps,
# guidance scale 12.5, 8 frames, 512 × 512). Keep frames, size and guidance scale. Put
# `SampleSettings(num_inference_steps=…, guidance_scale=…)` in place of the `...`, with the most
# steps that fit.

# %%
exercise = tasks.quarter_of_the_work(lite)

budget = ...
exercise.check(budget)

# %%
budget = exercise.solution()
exercise.check(budget)

# %% [markdown]
# ## Published weights · 2 minutes
#
# `load_published` takes the published tensors by their published names, uses each of them, and
# accepts no file in which one is missing or left over. To see it at work without a download, here
# is a miniature of the same design with random weights, written under the published names and read
# back.

# %%
import inspect

from fyp_lite.full.published import load_published, to_published_keys

print(inspect.getdoc(load_published))

miniature = PUBLISHED | {
    "block_out_channels": [16, 24, 32, 32],
    "norm_num_groups": 8,
    "attention_head_dim": 4,
    "cross_attention_dim": 32,
}
torch.manual_seed(0)
made = networks_from_published_config(miniature)
state_dict = to_published_keys(*(network.state_dict() for network in made))
loaded = load_published(state_dict, miniature)

same = all(
    torch.equal(value, after.state_dict()[name])
    for before, after in zip(made, loaded, strict=True)
    for name, value in before.state_dict().items()
)
print(f"{len(state_dict)} tensors (the full network has {names}), read back alike: {same}")

# %% [markdown]
# **Break it.** A file that was cut short, and a name that is not a model.

# %%
cut = dict(list(state_dict.items())[:-1])
try:
    load_published(cut, miniature)
except ValueError as error:
    print(error)

try:
    load_pipeline("fulll")
except ValueError as error:
    print("\n" + str(error))

# %% [markdown]
# ## Run it
#
# The published files are not part of this package: **Stable Diffusion 1.4** gives the text encoder
# and the autoencoder, the **Follow Your Pose** checkpoint of the paper's authors the rest. Each has
# a licence of its own that you should read. `load_pipeline("full")` finds them in the hub's cache,
# converts them once, and from then on loads what it made in seconds. It fetches nothing unless you
# let it, and says before how much that is and under which licence. For files that you already have,
# other Stable Diffusion 1.x models and LoRA, see `fyp-lite convert --help`.
#
# To be plain: all of this was tested on files of the same layout with random weights, also at full
# size. The run with the published files themselves has not been tried with this version.

# %%
DOWNLOAD = False  # True: fetch about 5 GB, where they are not here yet

full, missing = None, "a CUDA GPU" if not HAS_GPU else ""
if HAS_GPU:
    try:
        full = load_pipeline("full", download=DOWNLOAD)
    except ValueError as error:
        missing = str(error)

from dataclasses import replace

chosen = SampleSettings(num_inference_steps=steps, seed=0)
if missing:
    print("Not run here. Missing:", missing)
    print("\nWith it, this would run, and its result would be shown:")
    print(f"  {start.prompt!r}, 8 frames of {full_size} x {full_size}, {steps} steps, seed 0:")
    seconds = readable_seconds(lite_seconds * ratio)
    guided = replace(chosen, guidance_scale=12.5)  # the published model's own
    evaluations = network_evaluations(lite, guided)
    print(f"  {evaluations} network evaluations; on {lite.device} here, {seconds}")

# %% [markdown]
# The settings leave the guidance scale open: each model then takes its own. A **run card** holds
# the number that was used, so that it makes the same video again.

# %%
import time

from fyp_course.show import show_side_by_side
from fyp_lite.cards.card import make_card

videos = {}
for name, pipeline in {"lite": lite, "full": full}.items():
    if pipeline is None:
        print(f"{name}: nothing was made, so nothing is shown.")
        continue
    skeleton = prepare_clip(start.clip, start.clip_settings, pipeline.size)
    began = time.perf_counter()
    videos[name] = pipeline(start.prompt, skeleton.frames, chosen).video
    seconds = time.perf_counter() - began
    card = make_card(
        pipeline, replace(start.request, sample_settings=chosen), videos[name], seconds
    )
    asked, used = chosen.guidance_scale, card.request.sample_settings.guidance_scale
    print(f"{name}: {seconds:.0f} s, guidance scale {asked} in the settings, {used} on the card")
if HAS_GPU:
    print(f"{torch.cuda.max_memory_allocated() / 1e9:.1f} GB of the GPU's memory at most")
show_side_by_side(videos, skeleton.fps, follows=skeleton.frames)

# %% [markdown]
# <details><summary><b>For the curious</b></summary>
#
# - That the code computes what the published code computes was tested with random weights: the
#   tensors of both agree, layer by layer and through the sampling loop (`tests/parity`).
# - Details that the published weights rely on: normalisation in the residual blocks spans the
#   frames, `attention_head_dim` is the *number* of heads, and the frame itself is never among the
#   keys of its cross-frame attention (but for the first).
# - The published schedule predicts the noise and ends just short of the clean picture; the lite
#   model predicts velocity, with trailing timesteps (`lite_scheduler` in `fyp_lite/sampling.py`).
# - Pose features are computed once per clip here, not once per step, and attention is PyTorch's
#   fused one, so memory does not grow with the square of the number of places.
#
# </details>
#
# ## Recap
#
# | Question | Answer |
# |---|---|
# | What is different in the full model? | numbers and a word in a configuration; code is the same |
# | Do settings mean the same? | yes: frame numbers, and crops of a frame with short side 512 |
# | What costs? | frames, pixels, steps; guidance doubles it once |
# | What if memory is short? | `load_pipeline` chooses a mode; then take fewer than eight frames |
# | What if time is short? | fewer steps or frames, then no guidance, then a smaller size |
# | What if there is no GPU? | the lite model: every lesson but this one needs no other |
#
# **Where to go next.** Lesson 10 is the playground: all settings on one panel, side by side.
