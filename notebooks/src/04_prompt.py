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
# # The text prompt: who, where and in which style
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/notebooks/04_prompt.ipynb)
#
# The skeleton says how to move. The **prompt**, one sentence, says all the rest: who moves, where,
# at what time of day, and how the picture is painted.
#
# **In 20 minutes you can**
#
# - tell how a sentence becomes the numbers that the network reads,
# - write prompts in words that the model knows, and spot a word that it doesn't,
# - measure what a single word does to the video,
# - read what two judge networks say about a video, and know where they can't tell,
# - say what happens when a prompt names more characters than the clip has people.

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
# ## What this lesson starts from
#
# `resume("04")` gets everything ready: the trained networks (the **pipeline**), eight frames of a
# skeleton clip, and the usual settings. You can begin at any lesson this way.

# %%
from fyp_course.charts import show_gallery
from fyp_course.exercises import lesson_04 as tasks
from fyp_course.show import show_video
from fyp_course.start import resume

start = resume("04")
pipeline, skeleton = start.pipeline, start.skeleton
pipeline.set_progress_bar_config(leave=False)
show_video(skeleton.frames, skeleton.fps, "The skeleton of this lesson")

# %% [markdown]
# ## A sentence becomes numbers · 3 minutes
#
# A network computes with numbers, so the sentence is translated first, in two stages:
#
# 1. The **tokenizer** splits it into words, puts the marks `<start>` and `<end>` around them, and
#    looks each one up in a fixed list, the **vocabulary**. Words and marks together are called
#    **tokens**. What comes out is one whole number per token.
# 2. The **text encoder**, a small network, turns these into **text embeddings**: one row of numbers
#    per token, in which words of similar use end up with similar rows.

# %%
tasks.guess_capitals()

# %%
pair = ["Batman brown background", "batman, BROWN background."]
numbers = [pipeline.tokenizer(prompt).input_ids for prompt in pair]

for prompt, ids in zip(pair, numbers, strict=True):
    print(prompt)
    print("  tokens: ", *pipeline.tokenizer.convert_ids_to_tokens(ids))
    print("  numbers:", *ids)
print("The same numbers:", numbers[0] == numbers[1])

# %% [markdown]
# **What happened.** The last line is the verdict. The marks tell the network where the sentence
# begins and where it ends.
#
# > **You may have read** that a prompt "constrains graphs". The next cell settles it. It writes
# > down everything that the painting network is handed in one step.

# %%
received = []
hook = pipeline.unet.register_forward_pre_hook(lambda network, given: received.append(given))
next(pipeline.steps("A Panda on the sea", skeleton.frames, start.sample_settings))
hook.remove()


def sizes(numbers, *names):
    return ", ".join(f"{n} {name}" for n, name in zip(numbers.shape, names, strict=True))


video, clock, sentence, pose = received[0]
print("the noisy video:", sizes(video, "video", "numbers a place", "frames", "rows", "columns"))
print("the step it is at: a clock that runs from 999 to 0, now at", int(clock))
print("the sentence:", sizes(sentence, "sentence", "tokens", "numbers each"))
for level in pose:
    print("the pose:", sizes(level, "video", "numbers a place", "frames", "rows", "columns"))

# %% [markdown]
# **What happened.** The list is complete, and there is no graph in it. The sentence is a block of
# numbers, with room for that many tokens and no more. (Where guidance is at work there are two, the
# second one empty: lesson 06. The clock is that of lesson 05.) The prompt constrains nothing by
# force; the network has learned to paint what such numbers stood for.

# %% [markdown]
# ## Which words does it know? · 2 minutes
#
# The bundled model learned in a small animated world that the project draws itself. It knows the
# words of that world and no others. Here they are, by what they decide.

# %%
from IPython.display import Markdown, display

from fyp_course.charts import word_table

display(Markdown(word_table(pipeline.tokenizer)))
words = set(pipeline.tokenizer.get_vocab()) - set(pipeline.tokenizer.all_special_tokens)
print(f"{len(words)} words in all, little ones such as “on” and “the” among them")

# %% [markdown]
# Colours are for clothes ("a man in red") and for plain backgrounds ("brown background"). `cute`
# gives a larger head with larger eyes. The last two rows are words that the model has read often
# and that decide nothing, because something stronger does: the skeleton says what is danced, and
# how tall the dancer is.
#
# The same thing was said to the model in many ways, so you need not learn a formula. Here are five
# sentences from which one and the same picture could have been learned:

# %%
import numpy as np

from fyp_world.world.captions import CharacterSpec, caption

rng = np.random.default_rng(4)
for _ in range(5):
    print("·", caption((CharacterSpec("panda", size="tiny"),), "sea", "sunset", "Van Gogh", rng))

# %%
tasks.guess_unknown_words()

# %%
from fyp_lite.advice import prompt_advice

unknown = ["a unicorn on the sea", "a dragon on the sea"]
for prompt in unknown:
    print(*pipeline.tokenizer.convert_ids_to_tokens(pipeline.tokenizer(prompt).input_ids))
first, second = pipeline.encode_prompt(unknown)
print("The same embeddings:", bool((first == second).all()))

print()
for prompt in (*unknown, "a pandda on the sea"):
    print(*prompt_advice(pipeline, prompt, skeleton.frames))

# %% [markdown]
# **What happened.** Both animals turned into `<unknown>`, so the network cannot tell them apart. An
# unknown word does not stop a run; it is lost, silently, as in any model with a fixed vocabulary.
# That is why the panels say it before they paint, with the nearest words that the model does know,
# where there are any.

# %% [markdown]
# ## Six prompts · 3 minutes
#
# The sentences below come from the gallery of the published Follow Your Pose. All follow the same
# skeleton and start from the same noise, so whatever differs comes from the words. First, what it
# costs:

# %%
from fyp_lite.cost import cost_line

gallery = {
    "04_panda_sea": "A Panda on the sea",
    "04_robot_desert": "A Robot is dancing in Sahara desert",
    "04_astronaut": "An Astronaut",
    "04_man_van_gogh": "A man in the park, Van Gogh style",
    "04_batman_brown": "Batman brown background",
    "04_tiny_boy_beach": "Tiny cute boy in the beach, at sunset",
}
print(cost_line(pipeline, start.clip_settings, start.sample_settings, len(gallery)))
unknown_in_gallery = [word for p in gallery.values() for word in pipeline.unknown_words(p)]
print("Words that the model does not know:", ", ".join(unknown_in_gallery) or "none")

# %%
videos = {
    prompt: pipeline(prompt, skeleton.frames, start.sample_settings).video
    for prompt in gallery.values()
}
show_gallery(videos, skeleton.fps, "prompt", follows=skeleton.frames)

# %% [markdown]
# Look for who is there, where, and whether all of them move alike. Van Gogh painted in short,
# curved strokes: are there any? (A judge is asked below.) **An Astronaut** names no place:
# nothing in the sentence decides it, so the model fills the gap with what it has seen most often
# and with what the noise suggests.
#
# The same seed gives the same video on every machine, up to rounding. Compare with what is
# expected:

# %%
from fyp_course.expected import compare, match_expected

match_expected("04_panda_sea", videos[gallery["04_panda_sea"]])
for name, prompt in gallery.items():
    verdict, difference = compare(name, videos[prompt])
    print(f"{verdict:8} (difference {difference:4.1f} of 255)  {prompt}")

# %% [markdown]
# ## What does a word do? · 2 minutes
#
# You can measure it: leave the word out, keep everything else, and see how much the video changes.
# Four frames and few steps are enough for that.

# %%
tasks.guess_who_moves_the_arms()

# %%
from fyp_course.charts import difference
from fyp_lite import ClipSettings, SampleSettings, data_dir
from fyp_lite.opening import open_clip, prepare_clip

quick, four = SampleSettings(num_inference_steps=4), ClipSettings(num_frames=4)
dance = prepare_clip(start.clip, four, pipeline.size).frames
with open_clip(data_dir() / "clips" / "walk.mp4") as walking:
    walk = prepare_clip(walking, four, pipeline.size).frames

dancing = pipeline("A Robot is dancing in Sahara desert", dance, quick).video
verb = difference(dancing, pipeline("A Robot is walking in Sahara desert", dance, quick).video)
pose = difference(dancing, pipeline("A Robot is dancing in Sahara desert", walk, quick).video)
print(f"another verb, the same skeleton: {verb:5.1f} of 255 per pixel")
print(f"the same verb, another skeleton: {pose:5.1f} of 255 per pixel")
print("The larger change came with another", "skeleton" if pose > verb else "verb")

# %% [markdown]
# Now every word of one prompt, one at a time:

# %%
prompt = "A man in the park, Van Gogh style"
words = prompt.split()
whole = pipeline(prompt, dance, quick).video
effects = {}
for i, word in enumerate(words):
    rest = " ".join(words[:i] + words[i + 1 :])
    effects[word.strip(",")] = difference(whole, pipeline(rest, dance, quick).video)

for word, effect in effects.items():
    print(f"without {word:6} {effect:5.1f}  {'█' * round(30 * effect / max(effects.values()))}")

# %% [markdown]
# **What happened.** The bars say which words carry this picture. Little words such as *a* and *the*
# need not be without effect: the text encoder reads the words in their order, so leaving one out
# changes the rows of all the words after it.

# %% [markdown]
# ## One character more than people · 2 minutes
#
# The clip shows one person. What if the prompt asks for two pandas?

# %%
tasks.guess_the_second_panda()

# %%
with open_clip(data_dir() / "clips" / "two_people.mp4") as pair_clip:
    pair_skeleton = prepare_clip(pair_clip, ClipSettings(), pipeline.size)

cases = {
    "one person, two pandas": ("Two pandas on the sea", skeleton),
    "two people, two pandas": ("Two pandas on the sea", pair_skeleton),
    "two people, a panda and a robot": ("A panda and a robot on the sea", pair_skeleton),
}
ten = SampleSettings(num_inference_steps=10)
people = {}
for title, (prompt, chosen) in cases.items():
    print(f"{title}: ", end="")
    print(*(prompt_advice(pipeline, prompt, chosen.frames) or ["nothing to say"]))
    people[title] = pipeline(prompt, chosen.frames, ten).video
show_gallery(people, skeleton.fps, "case")

# %% [markdown]
# **What happened.** The first case was announced before it ran: the advice counts the characters in
# your sentence and the skeletons in your frames. It is advice, not a ban. Look in the first video
# for the second panda: does it take part in the figure that is there, stand somewhere in the
# background, or not come at all? A judge in the next section counts, too.
#
# With two people in the clip, both sentences have somebody for each name. Which of two kinds goes
# to which skeleton, only their order says: in training, whoever was named first stood on the left.
# Does that hold here? If you see one kind only, or two that are half of each, the model has mixed
# the names up: every place of the picture may look at both, and their order is all that tells it
# which of the two is meant for it.

# %% [markdown]
# ## Let the judges look · 2 minutes
#
# Eyes are kind. So the package has two **judges**: small networks that were trained apart from the
# model, on pictures of the same animated world. One tells who is there, how many, where, when and
# in which style: does the video show what the sentence asks for (the **prompt score**)? The other
# one finds joints: are they where the skeleton has them (the **follow score**)?
#
# Judges err, too. So for every sentence they also look at a video that a program **drew**: the same
# dance, with the character, the place and the style that the sentence names. Nothing in it is
# wrong. What they say about it is their **ceiling** for this row. (A painted video may pass it, by
# chance, or because it is easier to read: a man without Van Gogh's strokes, say.) Here are three of
# the drawn ones; it is from very many such pictures that the model has learned.

# %%
from fyp_course.charts import drawn_case

drawings = {name: drawn_case(name) for name in gallery}
few = ("04_panda_sea", "04_man_van_gogh", "04_batman_brown")
show_gallery({f"drawn: {gallery[name]}": drawings[name] for name in few}, skeleton.fps, "prompt")

# %%
from fyp_course.charts import judge_video, show_scores
from fyp_lite.judges.scores import Judge
from fyp_lite.skeleton_reader import read_skeletons

wanted = {
    "04_panda_sea": {"character": ["panda"], "place": ["sea"]},
    "04_robot_desert": {"character": ["robot"], "place": ["desert"]},
    "04_astronaut": {"character": ["astronaut"]},
    "04_man_van_gogh": {"character": ["man"], "place": ["park"], "style": ["Van Gogh"]},
    "04_batman_brown": {"character": ["batman"], "place": ["brown background"]},
    "04_tiny_boy_beach": {"character": ["boy"], "place": ["beach"], "time": ["sunset"]},
}
judge, keypoints = Judge(), read_skeletons(skeleton.frames)
made, drawn, rows = {}, {}, {}
for name, facts in wanted.items():
    made[name] = judge_video(judge, videos[gallery[name]], keypoints, facts)
    drawn[name] = judge_video(judge, drawings[name], keypoints, facts)
    rows |= {gallery[name]: made[name], f"drawn: {gallery[name]}": drawn[name]}
show_scores("prompt", rows)

# %%
for part in ("character", "place", "style", "time"):
    asked = [name for name, facts in wanted.items() if part in facts]
    seen = [sum(scores[name].shown[part] for name in asked) for scores in (made, drawn)]
    print(f"{part:9} ✔ in {seen[0]} of {len(asked)} videos, and in {seen[1]} of the drawn ones")

print("\nRight beyond what the wrong moment gets, in percentage points (mean of the six):")
for title, scores in {"made by the model": made, "drawn": drawn}.items():
    joints = np.mean([score.joints - score.wrong_joints for score in scores.values()])
    limbs = np.mean([score.limbs - score.wrong_limbs for score in scores.values()])
    print(f"{title:18} joints {100 * joints:+4.0f}, limbs {100 * limbs:+4.0f}")

# %% [markdown]
# **What to look for.** Does a row have a ✘? Then is it who, where, when or the style that got lost?
# If the drawn video below it has a ✘ too, you can't blame the model. If none has, look at how sure
# the judge is of the painted videos, and of the drawn ones.
#
# Now the skeleton. The frames of this lesson lie within one second, in which the body hardly moves
# from its place. So whoever just stands there has most **joints** right at the wrong moment too:
# that column tells *where* somebody stands, and not much about the dance. Read the **limbs**, and
# only their lead over the number in brackets. The last two lines compare it with the lead that
# the judge finds where the dance is right. And the skeleton was the same for all six: rows of one
# column can still differ, because some figures are harder to paint, and some harder to read.
#
# The first judge also counts. Here is what it sees in the three videos of the section before, and
# in the drawn panda:

# %%
for title, video in {**people, "drawn: one panda": drawings["04_panda_sea"]}.items():
    seen = judge.sees(video)
    (count,) = seen["count"]
    print(f"{title:32} the judge sees {count}: {', '.join(sorted(seen['character']))}")

# %% [markdown]
# **What to look for.** Does its count agree with your eyes? It has to name a number and somebody,
# even where the picture is unclear. One example of each case is a story, not a proof: with another
# seed the second panda may come out otherwise.

# %% [markdown]
# ## The panel · 2 minutes
#
# Write your own. Before it paints, the panel tells you about words that it doesn't know and about
# characters without a skeleton. The clip is another one, too: jumping jacks. Try, one change at a
# time:
#
# 1. another character, the same place: *a wizard in the snow*;
# 2. another style: *a wizard in the snow, pencil sketch*;
# 3. a spelling mistake, and two characters for one skeleton.

# %%
from fyp_course.panels.generate import ClipPreview, GenerateControls

jacks = open_clip(data_dir() / "clips" / "jumping_jacks.mp4")
panel = GenerateControls(pipeline, ClipPreview(jacks, pipeline.size), prompt="santa in the snow")
panel

# %% [markdown]
# ## Break it · 1 minute
#
# The text encoder has room for a fixed number of tokens. What comes beyond it is not cut off behind
# your back: the prompt is refused, in one sentence.

# %%
try:
    pipeline("a very " + "very " * 30 + "tiny panda on the sea", skeleton.frames)
except ValueError as error:
    print(error)

# %% [markdown]
# ## Your turn · 2 minutes
#
# Write a prompt for a *cute robot in the snow, at sunset, in watercolour*. Every word must be one
# that the model knows. Put your sentence, in quotes, in place of the `...` and run the cell.

# %%
robot_exercise = tasks.write_the_robot(pipeline)

my_prompt = ...
robot_exercise.check(my_prompt)

# %% [markdown]
# The next cell paints your sentence, or a solution where it is not right yet, and the robot gets a
# dance of its own.

# %%
if not robot_exercise.passed:
    my_prompt = robot_exercise.solution()
with open_clip(data_dir() / "clips" / "robot_dance.mp4") as robot_clip:
    robot_dance = prepare_clip(robot_clip, ClipSettings(frame_stride=6), pipeline.size)

video = pipeline(my_prompt, robot_dance.frames, ten).video
show_video(video, robot_dance.fps, my_prompt, follows=robot_dance.frames)
seen = judge.sees(video)
print("The judge sees")
for part in ("character", "place", "time", "style"):
    print(f"  {part:9} {', '.join(sorted(seen[part]))}")

# %% [markdown]
# The second one: write a prompt with **two different** characters for the clip of two people, in
# any place. `prompt_advice` must have nothing to say about it. The cell after it paints yours, or a
# solution.

# %%
pair_exercise = tasks.write_the_pair(pipeline, pair_skeleton.frames)

my_pair = ...
pair_exercise.check(my_pair)

# %%
if not pair_exercise.passed:
    my_pair = pair_exercise.solution()
video = pipeline(my_pair, pair_skeleton.frames, ten).video
show_video(video, pair_skeleton.fps, my_pair, follows=pair_skeleton.frames)
print("The judge sees:", ", ".join(sorted(judge.sees(video)["character"])))

# %% [markdown]
# Where it names somebody whom you cannot see, the judge errs.
#
# <details><summary><b>For the curious</b></summary>
#
# - The lite model's tokenizer has one token per word, so that unknown words are explicit and
#   attention can be shown word by word (lesson 07). Stable Diffusion's splits unknown words into
#   known pieces: it never says "unknown", and misspellings pass unnoticed.
# - The text encoder is CLIP's architecture at a small size, with causal attention: a word sees only
#   the words before it. Padding is part of what the network reads.
# - One combination of character, place and style in sixteen was never shown in training
#   (`world.dataset.is_held_out`). Whether the model can paint those is the paper's question of
#   *concept composition*; the model card tells how far it gets.
#
# </details>

# %% [markdown]
# ## Recap
#
# | You saw | It means |
# |---|---|
# | tokenizer, vocabulary | words become numbers; capitals and punctuation don't count |
# | `<unknown>` | a word outside the vocabulary is lost, whichever it is |
# | `prompt_advice` | says before a run which words are lost and who has no skeleton |
# | leaving one word out | measures what the word does |
# | one skeleton, two names | name no more characters than the clip has people |
# | follow score, prompt score | what judges say, to be read beside ceiling and wrong moment |
#
# **Where to go next.** Lesson 05 opens the run itself: what the network sees and expects at each
# step, and how many steps are worth their time.
