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
# # The type of input video: raw or skeleton
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/01_input_video.ipynb)
#
# A video of a dancer comes in two types. A **raw video** is what a camera or a painter makes. A
# **skeleton video** shows nothing but the dancer's joints, linked by coloured lines on black. The
# model reads skeleton videos only, so a raw video has to be turned into one first.
#
# **In 20 minutes you can**
#
# - tell raw from skeleton, say what every line stands for and whose left is green,
# - make a skeleton video out of a raw one, and look at it before you generate,
# - see by follow scores what that way costs, and why a clean skeleton video is the safer one,
# - let the doctor find what is wrong with a skeleton video, and have it repaired.
#
# You need nothing from other lessons. Each question marked **Predict** can be skipped, and nothing
# that you answer is stored or sent. What is called *optional* is not in the 20 minutes.

# %% [markdown]
# ## Set-up · 1 minute
#
# Run each cell with **Shift + Enter**, from the top. The first one installs the package where it
# is missing (in Colab, say) and does nothing where it is not. You need not read the code.

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
# ## Raw or skeleton? · 3 minutes
#
# The next cell loads the model and two bundled clips, one of each type. `find_input_type` looks at
# a few frames of a clip and says which it is.

# %%
from fyp_course.exercises import lesson_01 as tasks
from fyp_course.show import show_side_by_side, show_video, stills_only
from fyp_course.start import resume
from fyp_lite import data_dir
from fyp_lite.cropping import crop_and_resize
from fyp_lite.opening import find_input_type, open_clip, prepare_clip

lesson = resume("01")
pipeline, skeleton, prompt = lesson.pipeline, lesson.skeleton, lesson.prompt
pipeline.set_progress_bar_config(leave=False)
size = pipeline.size

bundled_raw = open_clip(data_dir() / "clips" / "cartoon.mp4")
raw_frames = prepare_clip(bundled_raw, lesson.clip_settings, size).frames

for clip in (bundled_raw, lesson.clip):
    print(f"{clip.path.name}: {clip.num_frames} frames, type {find_input_type(clip)!r}")
tasks.show_one_of_each({"a raw video": raw_frames, "a skeleton video": skeleton.frames}, "type")

# %% [markdown]
# In a skeleton, a person has 17 **joints**, always in the same order. The list is known as
# **COCO-17**, after a collection of photographs, and most programs that find people in pictures can
# use it. Lines link the joints, in three colours. Here are both, as the program itself has them:

# %%
from fyp_lite.skeleton import JOINTS, LIMBS, PALETTE

print("Joints:", ", ".join(f"{number} {name}" for number, name in enumerate(JOINTS)))

for side, colour in PALETTE.items():
    links = [f"{JOINTS[a]}–{JOINTS[b]}" for a, b, of in LIMBS if of == side]
    print(f"\n{side}, colour {colour} of red, green, blue:\n  {', '.join(links)}")

# %%
tasks.guess_the_green_arm()

# %% [markdown]
# Let us not trust our eyes but read the joints back. For every joint, `read_skeletons` gives three
# numbers: *x* (pixels from the left edge), *y* (pixels from the top edge) and how sure it is, from
# 0 to 1. A 0 means: not seen.

# %%
from fyp_course.alt_text import describe_motion
from fyp_lite.skeleton_reader import read_skeletons

keypoints = read_skeletons(skeleton.frames)

print("frames, people, joints, numbers:", keypoints.shape)
for name in ("left_shoulder", "right_shoulder", "left_wrist", "right_wrist"):
    x, y, sure = keypoints[0, 0, JOINTS.index(name)]
    print(f"{name:14}: x {x:5.1f}, y {y:5.1f}, sure {sure:.2f}")
print("In words:", describe_motion(keypoints))

# %% [markdown]
# **What happened.** Compare the two printed *x* of the shoulders: the left one is further to the
# right in the picture. Such numbers are called **keypoints**. The sentence at the end is made from
# them, and its *left* is the dancer's own, too.

# %% [markdown]
# ## From raw video to skeleton · 3 minutes
#
# A **detector** is a network that finds people in pictures and says where their joints are. The
# program has three behind one function. Which of them can be used here?

# %%
from fyp_lite.keypoints.detectors import available_backends

for backend in available_backends():
    print(f"{'ready    ' if backend.ready else 'not ready'} {backend.name}: {backend.note}")

# %% [markdown]
# `cartoon` comes with the program and reads figures like those that the model paints. The bundled
# raw clip shows such a figure, so the lesson uses it unless you say otherwise. For a video of real
# people, **upload** it with the button (up to 200 MB), wait until it says *Arrived*, and run the
# cells from there on; then `"auto"` chooses the detector. Or write the path of any video, and
# `"auto"`, into the cell after next: what you drag into the list of files on the left is there by
# its name.

# %%
from IPython.display import display

from fyp_course.panels.upload import Upload

upload = Upload("Upload a video")
if not stills_only():
    display(upload)

# %%
import tempfile

from fyp_lite.opening import find_input_type

raw_path = upload.path or bundled_raw.path  # or the path of any video of yours, "party.mp4"
detector = "auto" if upload.path else "cartoon"  # "auto" for real people

print(upload.said)
raw = open_clip(raw_path)
if find_input_type(raw) == "skeleton":
    print(f"{raw.path.name} is a skeleton video: there is nobody to find. Take it to the doctor.")
    raw, raw_path, detector = bundled_raw, bundled_raw.path, "cartoon"
print(f"In use: {raw.path.name}, {raw.num_frames} frames of {raw.width} x {raw.height} pixels")

# %% [markdown]
# `extract_keypoints` looks at **every frame**, whole and at the source's own rate. Then it follows
# each person from frame to frame, fills short gaps and takes out the trembling. Choosing frames and
# cropping come later, so no slider ever has to detect again.

# %%
from fyp_lite.keypoints.extract import extract_keypoints

people = extract_keypoints(raw, backend=detector)
from_raw = prepare_clip(people, lesson.clip_settings, size)
camera = prepare_clip(raw, lesson.clip_settings, size)

show_side_by_side(
    {"the raw video": camera.frames, "the skeleton found in it": from_raw.frames}, from_raw.fps
)

print(f"{people.num_people} followed through {people.num_frames} frames by {people.backend}")
print(tasks.missing_most(people.keypoints))

# %% [markdown]
# **What happened.** Compare the two, frame by frame. Is every arm and every leg there? The last
# printed line says which joint is missing most often, if any. A limb that is not drawn is a limb
# that the model is not told about.
#
# In a terminal the same is `fyp-lite skeleton IN.mp4 --out skeleton.mp4 --keypoints k.json`.

# %% [markdown]
# ## What does that way cost? · 4 minutes
#
# A program drew the bundled raw clip, so the true place of every joint is known. Let the model
# paint with one sentence from two skeletons: from the **true** one, as if you had got a clean
# skeleton video, and from the one that was **found**. One run may be lucky, so each is painted
# with two seeds.

# %%
from fyp_lite.cost import cost_line

print(cost_line(pipeline, lesson.clip_settings, lesson.sample_settings, 4))

tasks.guess_the_better_skeleton()

# %%
from fyp_lite import SampleSettings
from fyp_lite.keypoints.clip import KeypointClip

is_bundled = raw_path == bundled_raw.path
truth = KeypointClip.load(bundled_raw.path.with_suffix(".json"))
known = truth if is_bundled else people
skeletons = {"true": prepare_clip(known, lesson.clip_settings, size), "found": from_raw}

painted = {
    f"{which}, seed {seed}": pipeline(prompt, prepared.frames, SampleSettings(seed=seed)).video
    for seed in (0, 1)
    for which, prepared in skeletons.items()
}
for which, prepared in skeletons.items():
    pair = {
        f"the {which} skeleton": prepared.frames,
        f"{prompt}, {which}, seed 0": painted[f"{which}, seed 0"],
    }
    show_side_by_side(pair, prepared.fps, follows=prepared.frames)

# %% [markdown]
# The **follow score** says which share of the joints in the painted video is where the skeleton
# asked for it. A network reads the joints from the painted frames: a **judge**. It errs, too, so
# the last row shows what it says of the raw clip itself, in which every joint is right. (With so
# few pictures a painted video may come out a little above it.) And somebody who stands still in
# the right place gets many joints right as well: the numbers in brackets say how many.

# %%
import numpy as np

from fyp_course.charts import drawn_case, judge_video, show_scores
from fyp_lite.judges.scores import Judge, follow_score
from fyp_lite.keypoints.tracking import jitter

judge, asked = Judge(), {"character": ["panda"], "place": ["sea"]}
wanted = tasks.joints_in_picture(known, from_raw)
true_joints = tasks.joints_in_picture(truth, prepare_clip(truth, lesson.clip_settings, size))
ceiling = judge_video(judge, raw_frames, true_joints, {"character": ["girl"], "place": ["park"]})
scores = {title: judge_video(judge, video, wanted, asked) for title, video in painted.items()}
show_scores("skeleton", scores, ceiling)

found = follow_score(tasks.joints_in_picture(people, from_raw), wanted, size, size)
print("Of the skeleton that was found, before anything is painted:")
print(f"  joints in place {found['joints @0.1']:.0%}, limbs {found['limbs @0.05']:.0%}")
print(f"  its joints tremble by {jitter(people.keypoints):.2f} % of the body from frame to frame,")
print(f"  those of the true skeleton by {jitter(known.keypoints):.2f} %")

for part in ("joints", "limbs"):
    print(f"Painted, mean of the seeds: {part}", end="")
    for which in skeletons:
        shares = [getattr(s, part) for title, s in scores.items() if title.startswith(which)]
        print(f", {which} {np.mean(shares):.0%}", end="")
    print()

# %% [markdown]
# **What happened.** Below the table, the first lines say where the damage begins, before anything
# is painted: joints that are a little off or, in other clips, lost, and joints that tremble, though
# what was found has been smoothed already. The last two lines compare what arrives in the painted
# videos: look at the limbs first. Compare their distance with the one between two seeds in the
# table: eight pictures are a small sample, and one of the two lines may well come out the other way
# round.
#
# A detector can only lose something, and what it loses no painter brings back. So: **if you have a
# clean skeleton video of a motion, use that. If you have only a raw one, look at its skeleton
# before you generate.** (With a video of your own no truth is known. Then what was found is taken
# for true, and the rows in pairs are the same.)

# %% [markdown]
# ## Break it: film in the dark · 2 minutes
#
# The bundled raw clip is bright and sharp. The next cell takes light away and adds grain, as a
# phone does in the evening, and detects again.

# %%
from fyp_lite.video import write_video

moments = bundled_raw.read(range(24))
grain = np.random.default_rng(0).normal(0, 12, moments.shape)
evening = Path(tempfile.mkdtemp()) / "evening.mp4"
found_at = {}

for light in (1, 0.5, 0.35, 0.1):
    dark = (light * moments + grain).clip(0, 255).astype(np.uint8)
    write_video(evening, dark, bundled_raw.fps)
    try:
        seen = extract_keypoints(evening, backend="cartoon", cache=False)
        found_at[light] = dark, seen
        said = f"{tasks.in_place(seen, truth):.0%} of the joints in place, "
        said += tasks.missing_most(seen.keypoints)
    except ValueError as error:
        said = str(error)
    print(f"{light:.0%} of the light: {said}")

# %% [markdown]
# The numbers show how the skeleton decays, and where the detector gives up it says so in one
# sentence.
#
# **Predict.** At dusk, with 35% of the light, a raised arm is lost. Does the model, which knows
# what a panda looks like, paint that arm all the same?

# %%
dusk, found_at_dusk = found_at[0.35]
from_dusk = prepare_clip(found_at_dusk, lesson.clip_settings, size)
painted_at_dusk = pipeline(prompt, from_dusk.frames, lesson.sample_settings).video
dusk_shown = {
    "filmed at dusk": crop_and_resize(dusk[from_dusk.indices], from_dusk.box, size),
    "the skeleton found in it": from_dusk.frames,
    f"{prompt}, from that skeleton": painted_at_dusk,
}
show_side_by_side(dusk_shown, from_dusk.fps)

# %% [markdown]
# **What happened.** A bad skeleton looks like a skeleton all the same: bright lines on black. But
# an arm that was not found is not drawn, and the model paints what is drawn: look for the arm here,
# and in the panda that had the true skeleton. What a detector loses, nothing after it brings back.
# So film with light, the whole body in the picture, one person at first.

# %% [markdown]
# ## The doctor · 5 minutes
#
# Many clips are called skeleton videos and are none, or none that the model can read. Let us make
# some patients from the dance at the top:
#
# - **rainbow**: OpenPose's colours, a hue for every joint; many programs draw so,
# - **exchanged**: red and blue exchanged. OpenCV, a well-known library, stores colours in the order
#   blue, green, red; who forgets that gets this,
# - **white**: a white background,
# - **raw**: the raw clip, with a wrong label.

# %%
from fyp_lite.skeleton import draw_skeletons

clean = draw_skeletons(keypoints, size, size)
opacity = clean.max(axis=-1, keepdims=True) / 255  # 1 on a line, 0 beside it

patients = {
    "rainbow": tasks.draw_as_openpose(keypoints * (2, 2, 1), 2 * size),
    "exchanged": np.ascontiguousarray(clean[..., ::-1]),
    "white": (clean + 255 * (1 - opacity)).round().astype(np.uint8),
    "raw": raw_frames,
}
tasks.show_one_of_each(patients, "as it came")

# %%
tasks.guess_who_passes()

# %%
from fyp_lite.keypoints.diagnose import apply_repairs, diagnose

for title, frames in {"the clip itself": clean, **patients}.items():
    print(f"{title}\n   the quick check: {tasks.quick_check(frames)}")
    for finding in diagnose(frames, skeleton.fps):
        print(f"   the doctor: {finding.sentence}\n      {finding.fix}")

# %% [markdown]
# **What happened.** The quick check lets the exchanged clip pass. The doctor looks closer: true
# orange is paler than true blue, and exchanged they are the other way round. It also measures the
# width of the lines and the size of the people, and finds lines that run out of the picture and
# frames that are lost. Nothing is changed without you: each finding *offers* its repair, and
# `apply_repairs` does what you hand it. The raw clip stays what it is: there are no lines to
# repair, and the doctor names the way, which you have just gone.

# %%
healed = {
    title: apply_repairs(frames, diagnose(frames, skeleton.fps))
    for title, frames in patients.items()
}
tasks.show_one_of_each(healed, "after the repair")

videos = {
    "exchanged, as it came": pipeline(prompt, patients["exchanged"], lesson.sample_settings).video,
    "exchanged, repaired": pipeline(prompt, healed["exchanged"], lesson.sample_settings).video,
}
scores = {title: judge_video(judge, video, keypoints, asked) for title, video in videos.items()}
ceiling = judge_video(judge, drawn_case("04_panda_sea"), keypoints, asked)
show_scores("skeleton", scores, ceiling)
some = {title: video[::2] for title, video in videos.items()}
show_side_by_side(some, skeleton.fps / 2, follows=clean[::2])

# %% [markdown]
# > **You may have read** that any stick figure will do. Compare the two rows above: the same dance,
# > the same sentence, the same seed, and only the colours of the lines differ. A network knows what
# > it has seen in training. The bundled model and the published Follow Your Pose model have seen
# > this one palette. OpenPose's rainbow is the usual trap.
#
# Do the repaired frames lead to the video that is expected of the clip itself?

# %%
from fyp_course.expected import match_expected

match_expected("01", videos["exchanged, repaired"])

# %% [markdown]
# **Try it.** The same as a panel, with a tick for every repair. It begins with the white patient.
# For a skeleton video of yours write its path in place of `None` and run the cell again.

# %%
from fyp_course.panels.diagnose import SkeletonDoctor

my_video = None  # or the path of a skeleton video of yours, such as "my_dance.mp4"

if my_video:
    mine = open_clip(my_video, max_frames=600)
    doctor = SkeletonDoctor(mine.frames, mine.fps)
else:
    doctor = SkeletonDoctor(patients["white"], skeleton.fps)
doctor

# %% [markdown]
# What is repaired is in `doctor.frames`. The next cell writes it to a file beside this notebook.

# %%
write_video("repaired.mp4", doctor.frames, doctor.fps)
print(f"Saved repaired.mp4, {len(doctor.frames)} frames")

# %% [markdown]
# ## Exercise: two things wrong at once · 2 minutes
#
# `mystery` has a white background **and** red and blue exchanged. Make skeleton frames of it that
# the doctor has nothing to say about, as an array of the same shape. You may use the doctor, or
# NumPy.

# %%
mystery = np.ascontiguousarray(patients["white"][..., ::-1])
repair = tasks.two_things_wrong(mystery, keypoints, skeleton.fps)

my_frames = ...
repair.check(my_frames)

# %% [markdown]
# **Solution.** This cell goes on with the right answer, whether or not you found it.

# %%
my_frames = repair.solution()
print("the quick check:", tasks.quick_check(my_frames))
print("findings of the doctor:", len(diagnose(my_frames, skeleton.fps)))

# %% [markdown]
# ## Repair by hand · optional, 4 minutes
#
# The doctor mends what is wrong everywhere; the arm that was lost at dusk is another matter. A
# program can make a beginning: the next cell puts every lost joint on a straight way from the last
# place where it was seen to the next one. Before it was first seen, it waits there.

# %%
from dataclasses import replace

bridged = replace(found_at_dusk, keypoints=tasks.bridge_gaps(found_at_dusk.keypoints))
for title, clip in {"as it was found": found_at_dusk, "bridged": bridged}.items():
    print(f"{title}: {tasks.in_place(clip, truth):.0%} of the joints in place")

# %% [markdown]
# No joint is missing now, but an arm that was never seen up is not up. That is for you to mend.
#
# **Try it.** The panel shows a frame in which the right arm should be up. The ring is the chosen
# joint, the dots are where it comes from (yellow) and where it goes (grey). Press *up* twice and
# *left* once: the wrist moves by **Step**, and in the frames within **Reach** less and less, so
# that nothing jumps. Then choose the right elbow and press *up* once. **Undo** takes a step back,
# **Play** shows the clip as it is now. What does the cell below the panel say?

# %%
from fyp_course.panels.repair import RepairPanel

panel = RepairPanel(bridged, folder=".")
panel.frame.value, panel.joint.value = 6, JOINTS.index("right_wrist")
panel.step.value, panel.reach.value = 30, 12
panel

# %%
if panel.clip.num_frames == bridged.num_frames:
    print(f"after your repair: {tasks.in_place(panel.clip, truth):.0%} of the joints in place")
else:
    print("This clip has other frames than the one filmed at dusk: its truth is not known here.")

# %% [markdown]
# What the panel has made of the clip is in `panel.clip`. The two buttons at its end save it: as
# keypoints (JSON), which `open_clip` and the command line take in place of a clip, or as a skeleton
# video. For a clip of yours, put `people` in place of `bridged`.

# %% [markdown]
# ## Draw your own · optional, 3 minutes
#
# A skeleton need not come from a camera: `draw_skeletons` turns numbers into frames, so you can
# compute a dance that nobody has danced.
#
# **Exercise.** Make **the joints of the dance at the top as seen in a mirror**, at the same size,
# as an array like `keypoints`. Two things change in a mirror. One is *x*: what was near the left
# edge is near the right edge. What is the other? Put your array in place of the `...`. The list
# `PARTNERS` may help: it says for every joint which one it is on the other side of the body.

# %%
from fyp_lite.skeleton import PARTNERS

print("PARTNERS:", *PARTNERS)
mirror = tasks.dance_in_a_mirror(keypoints, size)

my_joints = ...
mirror.check(my_joints)

# %% [markdown]
# **Solution.**

# %%
my_joints = mirror.solution()
show_video(draw_skeletons(my_joints, size, size), skeleton.fps, "The dance in a mirror")
print("as it was:    ", describe_motion(keypoints))
print("in the mirror:", describe_motion(my_joints))

# %% [markdown]
# ## Make your own · optional
#
# The panel below holds the skeleton that was found in the raw video. Beside **Generate** stands
# what a run will take on your machine. Put `panel.clip` in place of `people`, and it holds what you
# have repaired.

# %%
from fyp_course.panels.generate import ClipPreview, GenerateControls

controls = GenerateControls(pipeline, ClipPreview(people.open(), size), prompt=prompt)
controls

# %% [markdown]
# ## For the curious: what compression does to colours
#
# A video file does not store every pixel. **H.264**, the usual method behind `.mp4`, throws away
# what the eye hardly sees, colours first. The next cell writes two seconds of the dance as `.mp4`,
# reads the file back, and compares colours. A **tone** is the place on the colour circle, in
# degrees; **saturation** says how far a colour is from grey, from 0 to 1.

# %%
import colorsys

sharp = draw_skeletons(read_skeletons(lesson.clip.read(range(48))), *moments.shape[1:3])
stored_path = Path(tempfile.mkdtemp()) / "my_dance.mp4"
write_video(stored_path, sharp, lesson.clip.fps)
stored = open_clip(stored_path).read(range(48))

for side, colour in PALETTE.items():
    pixels = stored[(sharp == colour).all(axis=-1)]
    typical = tuple(np.median(pixels, axis=0).astype(int).tolist())
    (tone, pale, _), (new_tone, new_pale, _) = (colorsys.rgb_to_hsv(*c) for c in (colour, typical))
    print(
        f"{side:6}: drawn {colour}, typical in the file {typical}, "
        f"{(pixels == colour).all(axis=-1).mean():.1%} unchanged; tone {360 * tone:.0f}° → "
        f"{360 * new_tone:.0f}°, saturation {pale:.2f} → {new_pale:.2f}"
    )
print("the quick check:", tasks.quick_check(stored))
print("findings of the doctor:", len(diagnose(stored, lesson.clip.fps)))

# %% [markdown]
# The exact colours change, the tones hardly do. That is why the quick check compares tones, and why
# you should never search a video file for exactly (0, 255, 0). Orange and blue lie opposite each
# other on the colour circle, and to exchange red and blue maps each onto the other: no set of tones
# tells the two drawings apart. What does is saturation, and the printed lines show that its order
# survives: orange is the paler one, before and after.

# %% [markdown]
# ## Recap
#
# | You have | what to do |
# |---|---|
# | a skeleton video, compressed or not | ask the doctor: `diagnose(frames, fps)` |
# | findings with a repair | `apply_repairs(frames, findings)`, or the panel `SkeletonDoctor` |
# | a raw video | `extract_keypoints`, then look at the skeleton |
# | a joint that jumps or is lost | the panel `RepairPanel` |
# | keypoints in COCO-17 | `draw_skeletons`, or `KeypointClip` and its `.open()` |
# | both, raw and skeleton | the skeleton video: its motion went through no detector |
#
# - Orange is head and torso, green the dancer's **own** left, blue the dancer's own right.
# - `read_skeletons` turns drawn frames into joints, `draw_skeletons` joints into frames.
# - A bad skeleton looks like a skeleton, too: look for missing limbs.
#
# **Where to go next.** Lesson 02, *Time*, chooses which **moments** of a clip the model sees.
