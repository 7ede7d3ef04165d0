"""What to say about a prompt before it is painted: what the model cannot know or will not hear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fyp_lite.settings import SampleSettings
from fyp_lite.skeleton_reader import read_skeletons
from fyp_lite.vocabulary import count_characters

if TYPE_CHECKING:
    from fyp_lite.pipeline import FollowYourPosePipeline

UNHEARD = (
    "The negative prompt has no effect at guidance scale 1: set guidance_scale to more, such as 2, "
    "or leave it out."
)


def prompt_advice(
    pipeline: FollowYourPosePipeline,
    prompt: str,
    skeleton_frames: np.ndarray,
    negative_prompt: str = "",
    settings: SampleSettings | None = None,
) -> list[str]:
    """Sentences that a user should read before the run; empty where all is well.

    Args:
        pipeline: the model that the prompt is for.
        prompt: any sentence.
        skeleton_frames: `[f, h, w, 3]` uint8 on black, as the pipeline gets them.
        negative_prompt: what to lead away from; its words are looked at, too.
        settings: of the sampler: without guidance a negative prompt has no effect.

    Raises:
        ValueError: a prompt that the model would refuse: advice on it would be of no use.
    """
    pipeline.tokens_of([prompt, negative_prompt])
    sentences = []
    unknown = pipeline.unknown_words(prompt) | pipeline.unknown_words(negative_prompt)
    for word, nearest in unknown.items():
        hint = f": did you mean {' or '.join(nearest)}?" if nearest else "."
        sentences.append(f"The model does not know the word “{word}”{hint}")
    settings = settings or SampleSettings()
    scale = pipeline.guidance_scale(settings)
    if negative_prompt.strip() and scale == 1:
        sentences.append(UNHEARD)
    if sentence := unguided(settings, scale):
        sentences.append(sentence)
    characters = count_characters(prompt)
    if characters > 1:
        people = count_people(skeleton_frames)
        if characters > people:
            sentences.append(
                f"The prompt names {characters} characters, but these frames hold "
                f"{people} {'person' if people == 1 else 'people'}: the model paints one character "
                "for each skeleton, so name no more than that or choose another clip."
            )
    return sentences


def unguided(settings: SampleSettings, guidance_scale: float) -> str:
    """A sentence where guidance is asked for and works in no step; "" where all is well."""
    count = settings.num_inference_steps
    if guidance_scale in (0, 1) or any(map(settings.guided, range(count))):
        return ""
    start, end = settings.guidance_start, settings.guidance_end
    middles = [(index + 0.5) / count for index in range(count)]
    nearest = min(middles, key=lambda middle: max(start - middle, middle - end))
    return (
        f"Guidance works in none of the {count} steps: its interval, guidance_start {start:g} to "
        f"guidance_end {end:g}, must hold the middle of a step, and the nearest is at {nearest:g}; "
        "make it wider, or take more steps."
    )


def count_people(skeleton_frames: np.ndarray) -> int:
    """The most people that one of the frames `[f, h, w, 3]` shows, as far as up to three go."""
    keypoints = read_skeletons(skeleton_frames)
    return int((keypoints[..., 2] > 0).any(axis=-1).sum(axis=-1).max(initial=0))
