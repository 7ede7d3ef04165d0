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
# # Space: the spatial crop
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/03_space.ipynb)
#
# A camera operator decides what is in the picture. Here four numbers do: the **spatial crop**
# trims a clip on the left, right, top and bottom before the model sees it.
#
# **In 12 minutes you can**
#
# - say which part of a clip any four crop numbers leave, and why it is always a square,
# - zoom in on a figure, and tell beforehand which joints a crop cuts off,
# - leave one of two people out,
# - say what differs between a crop before and a crop after painting,
# - read what the program answers to a crop that cannot work, and fix it.
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
# ## Four numbers and a square · 3 minutes
#
# The model paints square pictures, so it has to be given square skeletons. What if a clip is
# wide, or if the dancer fills a corner of it only? Then a part is cut out. That happens in two
# moves:
#
# 1. **Trim** the four sides: `crop_left`, `crop_right`, `crop_top`, `crop_bottom`.
# 2. Take the **largest square in the middle** of what is left, and resize it to the model's size.
#
# Nothing is ever squeezed: a squeezed skeleton would be one of a shorter, fatter person. And where
# the square of a tall or wide clip would cut somebody off, black is added at the sides instead
# (`pad="auto"`; `pad="none"` cuts). All clips of this lesson fit into their square.

# %%
from fyp_course.exercises import lesson_03 as tasks
from fyp_course.start import resume
from fyp_lite import ClipSettings

lesson = resume("03")
pipeline, clip, prompt = lesson.pipeline, lesson.clip, lesson.prompt

print(f"{clip.path.name} has frames of {clip.width} x {clip.height} pixels")
print(f"the model sees and paints {pipeline.size} x {pipeline.size} pixels")
print("without a crop:", lesson.clip_settings)

# %% [markdown]
# The crop is counted in pixels of the **reference frame**: the clip resized so that its shorter
# side is 512. So 256 is half of a square clip, whatever its file holds.

# %%
tasks.guess_top_and_bottom()

# %% [markdown]
# One function decides it. Here it is, for those who read Python; the last line printed is what it
# says to that question, in reference pixels.

# %%
import inspect

from fyp_lite.cropping import crop_box

print(inspect.getsource(crop_box))
print(crop_box(512, 512, ClipSettings(crop_right=200)))

# %% [markdown]
# **Try it.** This is the **crop lens**. On the left is the whole frame: the yellow box stays,
# grey is what the four numbers trim, and the dark rest is what falls away so that a square is
# left. On the right is what the model sees. Below, in words, stands which joints are cut off, and
# in how many of the chosen frames.
#
# 1. **Crop right** stands at 200: look at the top and the bottom. Move it to 0 and back.
# 2. Now move **Crop top** to 200 too. The square does not shrink any further. Why?
# 3. Walk through the frames with **Look at frame**. The box stays, the dancer moves.
# 4. Find a crop that cuts no joint but makes the dancer larger. (You will need it below.)

# %%
from fyp_course.panels.lens import CropLens

lens = CropLens(clip, ClipSettings(crop_right=200), pipeline.size)
lens

# %% [markdown]
# To question 2: trimming the right had left 312 × 512. Trimming 200 at the top makes that 312 ×
# 312, a square already. The square only moved: it now ends at the bottom of the frame.
#
# ### The same number for every clip
#
# Clips come in all sizes. The next cell applies one crop to four of them. No video is needed for
# that, only a width and a height.

# %%
one_crop = ClipSettings(crop_right=100)

for width, height in ((320, 320), (640, 640), (1920, 1080), (1080, 1920)):
    box = crop_box(height, width, one_crop)
    side = box.right - box.left
    print(
        f"{width:4} x {height:4} pixels: square of {side:6.1f} source pixels, "
        f"{side / min(width, height):.0%} of the shorter side"
    )

# %% [markdown]
# **What happened.** Look at the last column: the two square clips agree, though one has four
# times as many pixels as the other. The wide clip keeps the most, because what was trimmed there
# would have fallen away anyway: it was too wide for a square.

# %% [markdown]
# ## Zero offset against right + top 200 · 3 minutes
#
# The model paints the whole skeleton, then a part of it. Both videos get the same sentence (the
# **prompt**) and the same **seed**, the number from which the first noise is drawn.

# %%
tasks.guess_what_is_left()

# %%
import time

from fyp_course.panels.lens import cut_joints, cut_sentence, zoom_sentence
from fyp_course.show import show_side_by_side
from fyp_lite.opening import prepare_clip
from fyp_lite.skeleton_reader import read_skeletons

crops = {
    "zero offset": ClipSettings(),
    "right + top 200": ClipSettings(crop_right=200, crop_top=200),
}
joints = read_skeletons(clip.read(ClipSettings().frame_indices()))
skeletons, videos = {}, {}

for name, settings in crops.items():
    skeletons[name] = prepare_clip(clip, settings, pipeline.size)
    began = time.perf_counter()
    videos[name] = pipeline(prompt, skeletons[name].frames, lesson.sample_settings).video
    seconds = time.perf_counter() - began
    box = skeletons[name].box
    print(f"{name}: painted in {seconds:.1f} s")
    print("  " + cut_sentence(cut_joints(joints, box), len(joints)))
    print("  " + zoom_sentence(clip.height, clip.width, box))
    show_side_by_side(
        {f"skeleton, {name}": skeletons[name].frames, f"{prompt}, {name}": videos[name]},
        skeletons[name].fps,
        follows=skeletons[name].frames,
    )

# %% [markdown]
# **What happened.** The crop was made on the skeleton, before anything was painted. What was cut
# off is not hidden: the model never knew of it. It paints a figure that goes on beyond the edge
# of the picture, at the size of the enlarged skeleton. (With little of the skeleton left it may
# err: look closely at what is painted between the bent arm and the chest.) A crop costs no time:
# the model paints the same number of pixels either way.
#
# Are these the videos that you should see? Two lines compare yours with stored ones, and the last
# one says more about the second. Where something differs, both are shown.

# %%
from fyp_course.expected import compare, match_expected

for name, stored in (("zero offset", "03_zero"), ("right + top 200", "03_right_top_200")):
    verdict, distance = compare(stored, videos[name])
    print(f"{name}: {verdict} (difference {distance:.1f} of 255)")

match_expected("03_right_top_200", videos["right + top 200"])

# %% [markdown]
# > **You may have read** that the four crop numbers change nothing. In the published code of the
# > Follow Your Pose demo that is so: it has fields for them, and the numbers get lost on the way
# > to the model. Here they arrive, and you can tell: the same prompt and the same seed repeat a
# > video exactly, so a setting that is ignored would leave a difference of 0. The next cell
# > prints it.

# %%
from fyp_course.charts import difference

for what, pair in {
    "skeletons": [skeletons[name].frames for name in crops],
    "videos": [videos[name] for name in crops],
}.items():
    print(f"{what}: {difference(*pair):.1f} of 255")

# %% [markdown]
# ## Crop first or crop afterwards? · 2 minutes
#
# You could also paint the whole scene and cut the finished video. The result is another one.

# %%
tasks.guess_the_detail()

# %%
import numpy as np

from fyp_course.show import show_picture
from fyp_lite.cropping import crop_and_resize

zero, cropped = crops  # their names
box = crop_box(pipeline.size, pipeline.size, crops[cropped])
afterwards = crop_and_resize(videos[zero], box, pipeline.size)

show_picture(
    np.concatenate([videos[cropped][-1], afterwards[-1]], axis=1),
    "Last frame. Left: cropped first, then painted. Right: painted first, then cropped.",
)
print("left: cropped first, then painted; right: painted first, then cropped")

side = box.right - box.left
print(f"painted pixels in the square: {pipeline.size}² against {side:.0f}²")

first, after = tasks.sharpness(videos[cropped]), tasks.sharpness(afterwards)
more = "crop first" if first > after else "crop afterwards"
print(f"sharpness: {first:.1f} against {after:.1f}; sharper here: {more}")

# %% [markdown]
# **What happened.** The number of painted pixels is certain, the sharpness is a hint: it also
# depends on what happens to be in the picture. And the scenes differ, because the model painted
# two pictures: a crop afterwards enlarges the background too, while a crop beforehand enlarges
# the figure and leaves it to the model what to paint around it.

# %% [markdown]
# ## Break it · 1 minute
#
# Trim so much that nothing is left, then a negative amount, then half a pixel. Each is refused
# with one sentence. Change the numbers to what the sentence says and run the cell again.

# %%
for wrong in ({"crop_left": 300, "crop_right": 300}, {"crop_top": -50}, {"crop_bottom": 10.5}):
    try:
        prepare_clip(clip, ClipSettings(**wrong), pipeline.size)
        print(wrong, "works")
    except ValueError as error:
        print(error)

# %% [markdown]
# And a crop that works, but misses the dancer: there is a picture, with nobody in it. Panels check
# for that before they start, with this function:

# %%
from fyp_lite.skeleton import check_skeleton_frames

missed = prepare_clip(clip, ClipSettings(crop_left=400), pipeline.size)
try:
    check_skeleton_frames(missed.frames)
except ValueError as error:
    print(error)

# %% [markdown]
# ## Exercise 1: zoom in, cut nothing · 1 minute
#
# Find a crop that makes the dancer **at least 1.3 times as large** and **cuts no joint** in the
# eight default frames. The crop lens above tells both. Put your settings in place of the `...`,
# for example `ClipSettings(crop_top=10, crop_bottom=20)`.

# %%
zoom_in = tasks.zoom_in(clip, joints)

my_settings = ...
zoom_in.check(my_settings)

# %% [markdown]
# **Solution.** This cell goes on with the right answer, whether or not you found it.

# %%
my_settings = zoom_in.solution()
CropLens(clip, my_settings, pipeline.size)

# %% [markdown]
# ## Exercise 2: one of two · 1 minute
#
# The next clip shows two people. The prompt for your video names one, so leave **only the person
# on the left side of the picture**. Keep this one's **face and both wrists** in all eight frames,
# and no joint of the other person.

# %%
from fyp_lite import data_dir
from fyp_lite.opening import open_clip

pair = open_clip(data_dir() / "clips" / "two_people.mp4")
people = read_skeletons(pair.read(ClipSettings().frame_indices()))  # from left to right

CropLens(pair, ClipSettings(), pipeline.size)

# %%
alone = tasks.one_of_two(pair, people)

my_settings = ...
alone.check(my_settings)

# %% [markdown]
# **Solution.** The feet are gone, and that is the price: with a square, less width is less height.

# %%
my_settings = alone.solution()
CropLens(pair, my_settings, pipeline.size)

# %% [markdown]
# ## Make your own · optional
#
# A crop lens with a prompt and a **Generate** button; beside it stands what a run will take on
# your machine. Try *a robot in the forest* with your crop of the two people.

# %%
from fyp_course.panels.generate import GenerateControls

panel = GenerateControls(pipeline, CropLens(pair, my_settings, pipeline.size), prompt=prompt)
panel

# %% [markdown]
# <details><summary><b>For the curious</b>: lines, pixels, and what a crop does to them</summary>
#
# - **Lines grow too.** A crop enlarges the drawing, so the lines of the skeleton become thicker
#   in what the model sees. A model trained on one line width only would be puzzled. This one was
#   trained on skeletons with random crops, sizes and line widths, so that it takes them as they
#   come.
# - **One resize.** Cutting and resizing are a single step from the source's pixels, and the edges
#   of the box may lie between two pixels. Two steps would blur twice.
# - **A filter that cannot ring.** Sharper filters overshoot: beside a bright line they leave a
#   darker or brighter seam. On black that would draw faint lines that nobody drew. A triangle
#   filter averages and never overshoots, so black stays black.
# - **Why not percent?** Percent of what? Of a wide frame, 10 % left and 10 % at the top are
#   different lengths. Reference pixels are one unit for both directions.
#
# </details>

# %% [markdown]
# ## Recap
#
# | You want | do |
# |---|---|
# | the figure larger | trim on opposite sides, and watch the lens for joints that are cut |
# | another part of the frame | trim one side more than the other |
# | one person fewer | trim on that person's side |
# | the same framing for a clip of another size | the same numbers: they count reference pixels |
#
# - What stays is always a square, so trimming one axis may take from the other.
# - The crop is made before painting: what is cut off, the model never knows of.
# - It costs nothing.
#
# **Where to go next.** Lesson 04, *The text prompt*, is about the sentence: who is painted, and
# where.
