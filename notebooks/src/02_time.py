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
# # Time: temporal crop offset and sampling stride
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/02_time.ipynb)
#
# A clip has many frames. The model looks at a few of them, usually eight. Two numbers say which:
# the **temporal crop offset** (where to begin) and the **sampling stride** (how far apart).
#
# **In 13 minutes you can**
#
# - say which frames any two such numbers choose, without running anything,
# - turn a wish in seconds ("begin after two seconds") into frames,
# - choose a stride that shows the motion you want, and know what it leaves out,
# - say which setting costs time and which does not,
# - read what the program answers where the clip is too short, and fix it.
#
# You need nothing from other lessons. Each question marked **Predict** can be skipped, and nothing
# that you answer is stored or sent.

# %% [markdown]
# ## Set-up · 1 minute
#
# Run each cell with **Shift + Enter**, from the top. The first one installs the package where it
# is missing (in Colab, say) and does nothing where it is not. You need not read the code; numbers
# that you are meant to change are named in the text.

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
# ## Frames have numbers · 2 minutes
#
# A video is a row of still pictures, its **frames**. They are numbered from 0. How many are shown
# in a second is the **frame rate**. The next cell loads the model and a clip of somebody dancing.

# %%
from fyp_course.exercises import lesson_02 as tasks
from fyp_course.start import resume

lesson = resume("02")
pipeline, clip, prompt = lesson.pipeline, lesson.clip, lesson.prompt

print(f"{clip.path.name}: {clip.num_frames} frames, numbered 0 to {clip.num_frames - 1}")
print(f"{clip.fps:g} frames a second, so it lasts {clip.num_frames / clip.fps:.1f} s")

# %% [markdown]
# Three settings choose frames. They carry the same names in the code, in the panels and on the
# command line.
#
# | setting | also called | meaning | default |
# |---|---|---|---|
# | `start_frame` | temporal crop offset | how many frames to skip first | 0 |
# | `frame_stride` | sampling stride | 1 takes every frame, 2 every second one, 3 every third | 3 |
# | `num_frames` | | how many frames to take, so how many pictures you get | 8 |
#
# The rule is one line. Here it is, as the program itself has it:

# %%
import inspect

from fyp_lite import ClipSettings

print(inspect.getsource(ClipSettings.frame_indices))
print("With the defaults:", ClipSettings().frame_indices())

# %%
tasks.guess_the_beginning(clip.fps)

# %% [markdown]
# **Try it.** This is the **frame ruler**. Along the top runs the whole clip; frames that are
# chosen are lit and marked on the line of numbers. Below them you see the chosen frames, and at
# the bottom they play. Nothing is painted yet, so move the sliders as you like.
#
# 1. Move **Start frame** only. The marks keep their distances and travel together.
# 2. Move **Stride** only. The first mark stays, the others spread out.
# 3. Push one of them too far. What lies past the end of the clip turns red.

# %%
from fyp_course.panels.ruler import FrameRuler

ruler = FrameRuler(clip, ClipSettings(), pipeline.size)
ruler

# %% [markdown]
# ## Temporal crop offset: 8 against 32 · 2 minutes

# %%
tasks.guess_the_frames_in_both()

# %% [markdown]
# Beside the two comes a third video, which begins at frame 132. All get the same sentence, which
# says who dances where, and the same **seed**, the number from which the first noise is drawn. So
# whatever differs comes from the skeleton.

# %%
import time

import numpy as np

from fyp_course.show import show_side_by_side, show_video
from fyp_lite.opening import prepare_clip


def generate(settings):
    """A video of the lesson's prompt and seed: the pictures, the chosen frames, the seconds."""
    prepared = prepare_clip(clip, settings, pipeline.size)
    began = time.perf_counter()
    video = pipeline(prompt, prepared.frames, lesson.sample_settings).video
    return video, prepared, time.perf_counter() - began


offsets = {offset: generate(ClipSettings(start_frame=offset)) for offset in (8, 32, 132)}

for offset, (video, prepared, _) in offsets.items():
    pair = {f"skeleton from frame {offset}": prepared.frames, f"{prompt}, from {offset}": video}
    show_side_by_side(pair, prepared.fps, follows=prepared.frames)

for offset, (_, prepared, seconds) in offsets.items():
    print(
        f"start frame {offset:3}: frames {prepared.indices}, "
        f"from {offset / clip.fps:.2f} s of the clip, painted in {seconds:.1f} s"
    )

# %% [markdown]
# **What happened.** The offset moved the window along the clip: the same pace, the same length,
# other moments. From frame 8 the dancer lowers an arm; from 32, which is 24 frames or one second
# later, the same arm goes up again. So these two look alike, though they have no frame in common.
# From 132 come a knee and both arms. How much an offset changes, the clip decides: see the ruler.

# %% [markdown]
# ## Sampling stride: 1 against 20 · 3 minutes

# %%
tasks.guess_the_pace(clip.fps)

# %%
from fyp_lite.skeleton_reader import read_skeletons


def travel(keypoints):
    """How far a joint moves from one picture to the next, on average, in pixels."""
    steps = np.linalg.norm(np.diff(keypoints[..., :2], axis=0), axis=-1)
    seen = (keypoints[1:, ..., 2] > 0) & (keypoints[:-1, ..., 2] > 0)
    return steps[seen].mean()


strides = {stride: generate(ClipSettings(frame_stride=stride)) for stride in (1, 20)}

for stride, (video, prepared, _) in strides.items():
    title = f"{prompt}, stride {stride}"
    show_video(video, prepared.fps, title, follows=prepared.frames)

for stride, (_, prepared, seconds) in strides.items():
    span = (prepared.indices[-1] - prepared.indices[0]) / clip.fps
    print(
        f"stride {stride:2}: the eight pictures span {span:.1f} s of the dance and play at "
        f"{prepared.fps:.1f} a second; from one to the next a joint moves "
        f"{travel(read_skeletons(prepared.frames)):.1f} pixels; painted in {seconds:.1f} s"
    )

print("Other strides, without painting:")
for stride in (2, 4, 6, 12):
    prepared = prepare_clip(clip, ClipSettings(frame_stride=stride), pipeline.size)
    print(f"stride {stride:2}: {travel(read_skeletons(prepared.frames)):.1f} pixels")

# %% [markdown]
# **What happened.** Look at the printed lines. A small stride gives a short moment, smooth, with
# hardly a move in it. A large stride gives a long stretch of the dance with jumps in it: the
# model never sees what lies between two chosen frames, so it cannot paint it. For a dance, begin
# with a stride of 2 to 6 and look at the ruler: does enough happen, and does one picture still lead
# to the next?
#
# Are these the videos that you should see? Four lines compare yours with stored ones, and
# the last one says more about the largest stride. Where something differs, both are shown.

# %%
from fyp_course.expected import compare, match_expected

made = {f"02_offset_{offset}": offsets[offset][0] for offset in (8, 32)}
made |= {f"02_stride_{stride}": found[0] for stride, found in strides.items()}

for name, video in made.items():
    verdict, difference = compare(name, video)
    print(f"{name}: {verdict} (difference {difference:.1f} of 255)")

match_expected("02_stride_20", made["02_stride_20"])

# %% [markdown]
# > **You may have read** that a larger stride makes the motion faster. That is so where every
# > result is played at one fixed rate: then the stride is a fast-forward button. Here the rate
# > follows the stride, so the pace stays true. You can have either: the rate is a number that you
# > give when you show or save a video. The next cell says how fast a fixed rate would be.
# >
# > You may also have read that these settings change nothing. In the published code of the Follow
# > Your Pose demo that is so: its numbers get lost on the way to the model, which always begins
# > at frame 0 and takes every fifth frame. Here they arrive: the printed lists of frames above
# > show it.

# %%
FIXED_RATE = 4  # pictures a second

for stride in (1, 3, 5, 6, 20):
    true_rate = clip.fps / stride
    pace = FIXED_RATE / true_rate
    print(
        f"stride {stride:2}: true pace at {true_rate:4.1f} pictures a second; "
        f"at {FIXED_RATE} a second it plays {pace:.2f} times as fast"
    )

# %% [markdown]
# ## What costs time? · 2 minutes

# %%
tasks.guess_what_costs_time()

# %% [markdown]
# The next cell measures it, with five steps in place of twenty to be quick. Beside the seconds it
# prints the size of the array that the network works on: numbers for each place × pictures ×
# height × width. (Why it is smaller than the video, lesson 05 shows.)

# %%
from fyp_lite import SampleSettings

quick = SampleSettings(num_inference_steps=5)
measured = {}

for change in (
    ClipSettings(),
    ClipSettings(frame_stride=20),
    ClipSettings(start_frame=100),
    ClipSettings(num_frames=16),
):
    frames = prepare_clip(clip, change, pipeline.size).frames
    began = time.perf_counter()
    latents = pipeline(prompt, frames, quick).latents
    measured[change] = time.perf_counter() - began
    print(
        f"start {change.start_frame:3}, stride {change.frame_stride:2}, "
        f"{change.num_frames:2} frames: network array {tuple(latents.shape[1:])}, "
        f"{measured[change]:.1f} s"
    )

usual, *others = measured.values()
for what, seconds in zip(("the stride", "the offset", "twice the frames"), others, strict=True):
    print(f"{what}: {seconds / usual:.1f} times the time")

# %% [markdown]
# **What happened.** Stride and offset leave the array as it is, so the work is the same. (The
# seconds wobble a little: the computer does other things too.) Only the number of pictures makes
# the array longer, and the time grows with it. Beyond eight it may grow faster than the number:
# the model was trained on eight pictures at a time and sees a longer video in parts that overlap.
# So try strides and offsets freely, and raise `num_frames` last.

# %% [markdown]
# ## Break it · 1 minute
#
# The clip ends somewhere. Ask for more than it has and read what comes back. Then change the
# numbers to one of the proposals and run the cell again.

# %%
too_far = ClipSettings(start_frame=100, frame_stride=20)

try:
    prepare_clip(clip, too_far, pipeline.size)
except ValueError as error:
    print(error)

FrameRuler(clip, too_far, pipeline.size)

# %% [markdown]
# The program never quietly takes other frames than those you asked for. It says how many frames
# there are, how many you need, and what would fit if you changed one number only. Values that
# make no sense for any clip are refused earlier still, before a clip is opened:

# %%
for wrong in ({"frame_stride": 0}, {"start_frame": -5}, {"frame_stride": 2.5}):
    try:
        ClipSettings(**wrong)
    except ValueError as error:
        print(error)

# %% [markdown]
# ## Exercise 1: from seconds to frames · 1 minute
#
# Choose **eight pictures, a quarter of a second apart, the first one two seconds into the clip**.
# Put the settings in place of the `...`, for example `ClipSettings(start_frame=5,
# frame_stride=2)`.

# %%
quarter = tasks.a_quarter_of_a_second(clip)

my_settings = ...
quarter.check(my_settings)

# %% [markdown]
# **Solution.** This cell goes on with the right answer, whether or not you found it.

# %%
my_settings = quarter.solution()
print(my_settings.frame_indices())
print([round(number / clip.fps, 2) for number in my_settings.frame_indices()], "seconds")

# %% [markdown]
# ## Exercise 2: as much of the dance as possible · 1 minute
#
# Begin at frame 0, take eight pictures, and let them **span as much of the clip as they can**.
# The frame ruler above helps, and so does the sentence of an error.

# %%
whole = tasks.as_much_as_possible(clip)

my_settings = ...
whole.check(my_settings)

# %% [markdown]
# **Solution.**

# %%
my_settings = whole.solution()
print(my_settings.frame_indices(), f"of 0 to {clip.num_frames - 1}")

# %% [markdown]
# ## Make your own · optional
#
# The ruler again, this time with a prompt and a **Generate** button; beside it stands what a run
# will take on your machine. Its sliders are the same as in the ruler above: what you set here
# holds there too. (The printed line counts what the network is asked: here once per step. Lesson
# 06 tells when it is asked twice; each question is a *branch*.)

# %%
from fyp_course.panels.generate import GenerateControls
from fyp_lite.cost import cost_line

print("One video with the defaults:", cost_line(pipeline, ClipSettings(), SampleSettings()))

panel = GenerateControls(pipeline, ruler, prompt=prompt)
panel

# %% [markdown]
# ## For the curious: when the stride meets the rhythm
#
# A stride is a sampling interval, and sampling has a trap: a motion that repeats itself after
# exactly one stride seems to stand still, like wheels in old films. Engineers call it
# **aliasing**. The next cell takes somebody who walks, reads the joints of all frames, and looks
# for the stride, of half a second or more, at which they move least from one chosen frame to the
# next.

# %%
from fyp_lite import data_dir
from fyp_lite.opening import open_clip

with open_clip(data_dir() / "clips" / "walk.mp4") as walk:
    joints = read_skeletons(walk.read(range(walk.num_frames)))
    moves = {stride: travel(joints[::stride]) for stride in range(1, walk.num_frames // 2)}
    slow = [stride for stride in moves if stride >= walk.fps / 2]
    rhythm = min(slow, key=moves.get)
    for stride in (1, rhythm // 2, rhythm - 2, rhythm):
        print(f"stride {stride:2}: a joint moves {moves[stride]:4.1f} pixels between two pictures")
    few = 1 + (walk.num_frames - 1) // rhythm
    frozen = prepare_clip(walk, ClipSettings(0, rhythm, few), pipeline.size)

show_video(frozen.frames, frozen.fps, f"walk.mp4 with stride {rhythm}")

# %% [markdown]
# At the stride found, the walker takes two whole steps between two pictures and arrives in nearly
# the same pose: a walk that does not walk. Compare its printed distance with the one of stride 1.
# At half that stride, left and right change places every time. A little less than the whole would
# even walk backwards, slowly. So a stride well below half the rhythm of a motion is safe; that is
# the sampling theorem, for legs.

# %% [markdown]
# ## Recap
#
# | Setting | decides | does not change |
# |---|---|---|
# | `start_frame`, temporal crop offset | where in the clip the video begins | pace, length, cost |
# | `frame_stride`, sampling stride | how much motion the pictures span, how far they jump | cost |
# | `num_frames` | how many pictures are painted, and so the cost | which frame comes first |
#
# - Picture *i* shows frame `start_frame + i * frame_stride`, *i* counted from 0.
# - Seconds times frame rate are frames.
# - The pace stays true as long as the rate follows the stride: source rate / stride.
# - A clip that is too short is refused, with the values that would fit.
#
# **Where to go next.** Lesson 03, *Space*, chooses which **part** of the frames the model sees.
