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
    "The negative prompt has no say at guidance scale 1: set guidance_scale to more, such as 2, or "
    "leave it out."
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
        settings: of the sampler: without guidance a negative prompt has no say.

    Raises:
        ValueError: a prompt that the model would refuse: advice on it would be of no use.
    """
    pipeline.tokens_of([prompt, negative_prompt])
    sentences = []
    unknown = pipeline.unknown_words(prompt) | pipeline.unknown_words(negative_prompt)
    for word, nearest in unknown.items():
        hint = f": did you mean {' or '.join(nearest)}?" if nearest else "."
        sentences.append(f"The model does not know the word “{word}”{hint}")
    if negative_prompt.strip() and pipeline.guidance_scale(settings or SampleSettings()) == 1:
        sentences.append(UNHEARD)
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


def count_people(skeleton_frames: np.ndarray) -> int:
    """The most people that one of the frames `[f, h, w, 3]` shows, as far as up to three go."""
    keypoints = read_skeletons(skeleton_frames)
    return int((keypoints[..., 2] > 0).any(axis=-1).sum(axis=-1).max(initial=0))
