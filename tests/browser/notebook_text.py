# %% [markdown]
# Text that would run if it were taken for HTML, in every place where a reader's text is shown.

# %%
import json
import shutil

from helpers import build_tiny_pipeline
from IPython.display import display

from fyp_course.exercises.quiz import Exercise
from fyp_course.panels.playground import Playground
from fyp_course.panels.scrubber import StepScrubber
from fyp_course.show import reduced_motion, show_side_by_side, show_video
from fyp_lite import ClipSettings, Request, SampleSettings, data_dir
from fyp_lite.cards.card import make_card
from fyp_lite.opening import prepare_clip

HOSTILE = '<img src=x onerror="window.ran=1"><script>window.ran=1</script> a panda'
CARD_CLIP = "<img src=x onerror=window.ran=3>.mp4"

pipeline = build_tiny_pipeline(["a", "panda"])
clip_path = data_dir() / "clips" / "dance.mp4"
shutil.copy(clip_path, "<img src=x onerror=window.ran=1>.mp4")
frames = prepare_clip(clip_path, ClipSettings(), pipeline.size).frames

panel = Playground(pipeline, prompt=HOSTILE)
panel.steps.value = 2
panel

# %% [markdown]
# A run card with such a text in each of its fields waits to be restored.

# %%
one_step = SampleSettings(num_inference_steps=1)
request = Request(HOSTILE, panel.chooser.clip, HOSTILE, sample_settings=one_step)
card = make_card(pipeline, request, frames, 1.0)
panel.share.pasted.value = json.dumps(json.loads(card.to_json()) | {"clip": CARD_CLIP})

# %% [markdown]
# Titles and answers.

# %%
show_side_by_side({f"beside {HOSTILE}": frames, f"{HOSTILE} beside": frames}, 8)
reduced_motion()
show_video(frames, 8, f"strip {HOSTILE}")
reduced_motion(False)
display(StepScrubber(pipeline, frames, f"scrub {HOSTILE}"))
Exercise("Title", lambda value: f"wrong {value}", hints=[], solution="").check(HOSTILE)
