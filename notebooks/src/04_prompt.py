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
# **In 15 minutes you can**
#
# - tell how a sentence becomes the numbers that the network reads,
# - write prompts in words that the model knows, and spot a word that it doesn't,
# - measure what a single word does to the video,
# - read what two judge networks say about a video, beside their own ceiling,
# - say what happens when a prompt names more characters than the clip has people.

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
# `resume("04")` gets everything ready: the trained networks (the **pipeline**), eight frames of a
# skeleton clip, and the usual settings. You can begin at any lesson this way.

# %%
from fyp_lite.lessons.checks import Exercise, predict
from fyp_lite.lessons.figures import show_gallery
from fyp_lite.lessons.resume import resume
from fyp_lite.lessons.show import show_video

start = resume("04")
pipeline, skeleton = start.pipeline, start.skeleton
pipeline.set_progress_bar_config(leave=False)
show_video(skeleton.frames, skeleton.fps, "The skeleton of this lesson")

# %% [markdown]
# ## A sentence becomes numbers · 2 minutes
#
# A network computes with numbers, so the sentence is translated first, in two stages:
#
# 1. The **tokenizer** splits it into words and looks each one up in a fixed list, the
#    **vocabulary**. What comes out is one whole number per word.
# 2. The **text encoder**, a small network, turns these into **text embeddings**: one row of numbers
#    per word, in which words of similar use end up with similar rows.

# %%
predict(
    "With one seed, how will the video of `batman, BROWN background.` differ from that of "
    "`Batman brown background`?",
    [
        "A little: every sign of the sentence counts",
        "Not at all: both become the same numbers",
        "The background gets stronger: capitals are louder",
    ],
    answer="Not at all: both become the same numbers",
    why="The tokenizer drops capitals and punctuation before it looks the words up. "
    "The next cell compares the numbers.",
)

# %%
pair = ["Batman brown background", "batman, BROWN background."]
numbers = [pipeline.tokenizer(prompt).input_ids for prompt in pair]

for prompt, ids in zip(pair, numbers, strict=True):
    print(prompt)
    print("  words:  ", *pipeline.tokenizer.convert_ids_to_tokens(ids))
    print("  numbers:", *ids)
print("The same numbers:", numbers[0] == numbers[1])

# %% [markdown]
# **What happened.** The last line is the verdict. The marks `<start>` and `<end>` are put around
# every sentence, so that the network knows where it begins and where it ends.
#
# > **You may have read** that a prompt "constrains graphs". The next cell settles it. It writes
# > down everything that the painting network is handed in one step.

# %%
received = []
hook = pipeline.unet.register_forward_pre_hook(lambda network, given: received.append(given))
next(pipeline.steps("A Panda on the sea", skeleton.frames, start.sample_settings))
hook.remove()

latents, timestep, text_embeddings, pose_features = received[0]
print("the noisy video       ", tuple(latents.shape))
print("the step it is at     ", int(timestep))
print("the sentence          ", tuple(text_embeddings.shape))
for features in pose_features:
    print("the pose, one size    ", tuple(features.shape))

# %% [markdown]
# **What happened.** The list is complete, and there is no graph in it. The sentence is a block of
# numbers: its last two figures are the most words that fit, and the numbers per word. (The first
# figure is 2 because the network is asked twice, with and without the sentence: lesson 06.) The
# prompt constrains nothing by force; the network has learned to paint what such numbers stood for.

# %% [markdown]
# ## Which words does it know? · 2 minutes
#
# The bundled model learned in a small animated world that the project draws itself. It knows the
# words of that world and no others. Here they are, by what they decide.

# %%
from IPython.display import Markdown, display

from fyp_lite.world.captions import NOUNS, PLACES, SIZES, STYLES, TIMES

vocabulary = pipeline.tokenizer.get_vocab()
some_colours = "black blue brown gold green grey orange pink purple red silver teal white yellow"
parts = {
    "who": [form for forms in NOUNS.values() for form, _ in forms],
    "where": [phrase for phrases in PLACES.values() for phrase in phrases],
    "when": [phrase for phrases in TIMES.values() for phrase in phrases],
    "style": [phrase for phrases in STYLES.values() for phrase in phrases],
    "size": [phrase for phrases in SIZES.values() for phrase in phrases],
    "colours": [colour for colour in some_colours.split() if colour in vocabulary],
}
rows = [f"| {part} | {'; '.join(dict.fromkeys(filter(None, p)))} |" for part, p in parts.items()]
display(Markdown("\n".join(["| It decides | Words and phrases |", "|---|---|", *rows])))
print(f"{len(vocabulary)} words in all; “{'”, “'.join(sorted(vocabulary)[4:10])}” are some of them")

# %% [markdown]
# Colours are for clothes ("a man in red") and for plain backgrounds ("brown background"). `cute`
# gives a larger head with larger eyes.
#
# The same thing was said to the model in many ways, so you need not learn a formula. Here are five
# sentences from which one and the same picture could have been learned:

# %%
import numpy as np

from fyp_lite.world.captions import CharacterSpec, caption

rng = np.random.default_rng(4)
for _ in range(5):
    print("·", caption((CharacterSpec("panda", size="tiny"),), "sea", "sunset", "Van Gogh", rng))

# %%
predict(
    "The model knows neither unicorns nor dragons. With one seed, how do the videos of "
    "`a unicorn on the sea` and `a dragon on the sea` differ?",
    [
        "They differ: it guesses from the letters",
        "Neither is made: the program stops with an error",
        "Not at all: every unknown word is the same sign to it",
    ],
    answer="Not at all: every unknown word is the same sign to it",
    why="Each unknown word becomes the mark `<unknown>`. "
    "The next cell compares what the text encoder makes of the two sentences.",
)

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
# That is why the panels say it before they paint, with the nearest words that the model does know.

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
show_gallery(videos, skeleton.fps, "prompt")

# %% [markdown]
# Look for who is there, where, and whether all of them move alike. **An Astronaut** names no place:
# nothing in the sentence decides it, so the model fills the gap with what it has seen most often
# and with what the noise suggests.
#
# The same seed gives the same video on every machine, up to rounding. Compare with what is
# expected:

# %%
from fyp_lite.lessons.expected import compare, match_expected

match_expected("04_panda_sea", videos[gallery["04_panda_sea"]])
for name, prompt in gallery.items():
    verdict, difference = compare(name, videos[prompt])
    print(f"{verdict:8} (difference {difference:4.1f} of 255)  {prompt}")

# %% [markdown]
# ## What does a word do? · 1 minute
#
# You can measure it: leave the word out, keep everything else, and see how much the video changes.
# Four frames and few steps are enough for that.

# %%
predict(
    "`A Robot is dancing in Sahara desert`: what decides how the robot moves its arms?",
    ["The word `dancing`", "The skeleton", "The seed"],
    answer="The skeleton",
    why="The pose reaches every step of the run, frame by frame; the sentence is the same for "
    "all frames and holds no positions. The next cell compares the two.",
)

# %%
from fyp_lite import ClipSettings, SampleSettings, data_dir
from fyp_lite.clip import open_clip, prepare_clip

quick, four = SampleSettings(num_inference_steps=4), ClipSettings(num_frames=4)
dance = prepare_clip(start.clip, four, pipeline.size).frames
with open_clip(data_dir() / "clips" / "walk.mp4") as walking:
    walk = prepare_clip(walking, four, pipeline.size).frames


def change(first, second):
    """Mean difference per pixel and colour of two videos, of 255."""
    return float(np.abs(first.astype(float) - second).mean())


dancing = pipeline("A Robot is dancing in Sahara desert", dance, quick).video
verb = change(dancing, pipeline("A Robot is walking in Sahara desert", dance, quick).video)
pose = change(dancing, pipeline("A Robot is dancing in Sahara desert", walk, quick).video)
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
    effects[word.strip(",")] = change(whole, pipeline(rest, dance, quick).video)

for word, effect in effects.items():
    print(f"without {word:6} {effect:5.1f}  {'█' * round(30 * effect / max(effects.values()))}")

# %% [markdown]
# **What happened.** The bars say which words carry this picture. Little words such as *a* and *the*
# need not be without effect: the text encoder reads the words in their order, so leaving one out
# changes the rows of all the words after it.

# %% [markdown]
# ## One character more than people · 1 minute
#
# The clip shows one person. What if the prompt asks for two pandas?

# %%
predict(
    "One person in the clip, two pandas in the prompt. What is the second panda missing?",
    [
        "A colour",
        "A skeleton: nothing says where it stands and how it moves",
        "A seed of its own",
    ],
    answer="A skeleton: nothing says where it stands and how it moves",
    why="In training, a sentence named as many characters as there were skeletons. "
    "For the second panda there is a word, but no place.",
)

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
# background, or not come at all? A judge in the next section counts, too. With two people in the
# clip, both sentences have somebody for each name. Which of two kinds goes to which skeleton is not
# yours to say: nothing in the sentence tells.

# %% [markdown]
# ## Let the judges look · 1 minute
#
# Eyes are kind. So the package has two **judges**: small networks that were trained apart from the
# model, on pictures of the same animated world. One tells who is there, how many, where, when and
# in which style: does the video show what the sentence asks for (the **prompt score**)? The other
# one finds joints: are they where the skeleton has them (the **follow score**)?
#
# Judges err, too. So they also look at a clip of a girl in a park by day that a program drew, in
# which every joint is known and nothing is wrong. What they say about it is their **ceiling**.

# %%
from fyp_lite.judges.scores import Judge
from fyp_lite.lessons.figures import drawn_clip, judge_video, show_scores
from fyp_lite.skeleton import read_skeletons

wanted = {
    "A Panda on the sea": {"character": ["panda"], "place": ["sea"]},
    "A Robot is dancing in Sahara desert": {"character": ["robot"], "place": ["desert"]},
    "An Astronaut": {"character": ["astronaut"]},
    "A man in the park, Van Gogh style": {
        "character": ["man"],
        "place": ["park"],
        "style": ["Van Gogh"],
    },
    "Batman brown background": {"character": ["batman"], "place": ["brown background"]},
    "Tiny cute boy in the beach, at sunset": {
        "character": ["boy"],
        "place": ["beach"],
        "time": ["sunset"],
    },
}
judge, keypoints = Judge(), read_skeletons(skeleton.frames)
scores = {p: judge_video(judge, videos[p], keypoints, facts) for p, facts in wanted.items()}
drawn, true_keypoints, drawn_facts = drawn_clip(pipeline.size)
ceiling = judge_video(judge, drawn, true_keypoints, drawn_facts)
show_scores("prompt", scores, ceiling)

for part in ceiling.shown:
    marks = [score.shown[part] for score in scores.values() if part in score.shown]
    limit = "✔" if ceiling.shown[part] else "✘"
    print(f"{part:9} ✔ in {sum(marks)} of {len(marks)} videos; in the drawn clip {limit}")
limbs = [score.limbs for score in scores.values()]
print(f"limbs     {min(limbs):.0%} to {max(limbs):.0%}; in the drawn clip {ceiling.limbs:.0%}")

# %% [markdown]
# **What to look for.** Where a row has a ✘: is it who, where, when or the style that got lost? The
# lines below the table count it. Then go down the column of limbs. The skeleton was the same for
# all, so the words should make no difference there; where they do, either the figure was harder to
# hold or the judge found it harder to read. And where the score is hardly above the one in
# brackets, the figure stands there but you can't say that it dances *this* dance.
#
# The other judge also counts. Here is what it sees in the videos of one character too many, and in
# the drawn clip, which shows one girl:

# %%
for title, video in {**people, "drawn: one girl": drawn}.items():
    seen = judge.sees(video)
    (count,) = seen["count"]
    print(f"{title:32} the judge sees {count}: {', '.join(sorted(seen['character']))}")

# %% [markdown]
# **What to look for.** Does its count agree with your eyes? It has to name a number and somebody,
# even where the picture is unclear. The last line tells how far to trust it; one drawn clip is a
# small sample, so trust it a little less than that.

# %% [markdown]
# ## The panel · 1 minute
#
# Write your own. Before it paints, the panel tells you about words that it doesn't know and about
# characters without a skeleton. Try, one change at a time:
#
# 1. another character, the same place: *a wizard on the sea*;
# 2. another style: *a wizard on the sea, pencil sketch*;
# 3. a spelling mistake, and two characters for one skeleton.

# %%
from fyp_lite.lessons.controls import ClipPreview, GenerateControls

panel = GenerateControls(pipeline, ClipPreview(start.clip, pipeline.size), prompt=start.prompt)
panel.show()

# %% [markdown]
# ## Break it · 1 minute
#
# The text encoder has room for a fixed number of words. What comes beyond it is not cut off behind
# your back: the prompt is refused, in one sentence.

# %%
try:
    pipeline("a very " + "very " * 30 + "tiny panda on the sea", skeleton.frames)
except ValueError as error:
    print(error)

# %% [markdown]
# ## Your turn · 2 minutes
#
# Write a prompt for a *small robot in the snow, by night, drawn with a pencil*. Every word must be
# one that the model knows. Put your sentence, in quotes, in place of the `...` and run the cell.

# %%
NEEDED = {
    "the robot": ("robot",),
    "its size": SIZES["tiny"],
    "the snow": PLACES["snow"],
    "the night": TIMES["night"],
    "the pencil": STYLES["pencil sketch"],
}


def check_prompt(prompt):
    if unknown := pipeline.unknown_words(prompt):
        return f"The model does not know {', '.join(unknown)}."
    for part, phrases in NEEDED.items():
        if not any(phrase.lower() in prompt.lower() for phrase in phrases):
            return f"The sentence does not say {part} in a way that the model has learned."
    return None


robot_exercise = Exercise(
    "Write the prompt of the small robot",
    check_prompt,
    hints=[
        "The table of words above has a row for each part of the sentence.",
        "For the size say tiny, for the place in the snow, for the time at night.",
        "The style comes last, after a comma: pencil sketch.",
    ],
    solution="a tiny robot in the snow, at night, pencil sketch",
)

my_prompt = ...
robot_exercise.check(my_prompt)

# %% [markdown]
# **A solution**, so that you can go on in any case:

# %%
my_prompt = robot_exercise.solution()
robot_exercise.check(my_prompt)
result = pipeline(my_prompt, skeleton.frames, ten)
show_video(result.video, skeleton.fps, my_prompt)

# %% [markdown]
# The second one: write a prompt with **two different** characters for the clip of two people, in
# any place. `prompt_advice` must have nothing to say about it.

# %%
from fyp_lite.world.captions import count_characters


def check_pair(prompt):
    if advice := prompt_advice(pipeline, prompt, pair_skeleton.frames):
        return " ".join(advice)
    if (count := count_characters(prompt)) != 2:
        return f"The sentence names {count} of the characters that the model knows; it takes two."
    if " and " not in prompt:
        return "Both characters are of one kind."
    return None


pair_exercise = Exercise(
    "Write a prompt for two different characters",
    check_pair,
    hints=[
        "Join two of the words in the row “who” by “and”.",
        "Give each an article of its own: a … and a … .",
        "For example a knight and a princess, in some place of the table.",
    ],
    solution="a knight and a princess at the castle",
)

my_pair = ...
pair_exercise.check(my_pair)

# %%
my_pair = pair_exercise.solution()
pair_exercise.check(my_pair)

# %% [markdown]
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
