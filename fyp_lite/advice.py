"""What to say about a prompt before it is painted: words the model cannot know, missing people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fyp_lite.skeleton import read_skeletons
from fyp_lite.world.captions import count_characters

if TYPE_CHECKING:
    from fyp_lite.pipeline import FollowYourPosePipeline


def prompt_advice(
    pipeline: FollowYourPosePipeline,
    prompt: str,
    skeleton_frames: np.ndarray,
    negative_prompt: str = "",
) -> list[str]:
    """Sentences that a user should read before the run; empty where all is well.

    Args:
        pipeline: the model that the prompt is for.
        prompt: any sentence.
        skeleton_frames: `[f, h, w, 3]` uint8 on black, as the pipeline gets them.
        negative_prompt: what to lead away from; its words are looked at, too.

    Raises:
        ValueError: a prompt that the model would refuse: advice on it would be of no use.
    """
    pipeline.tokens_of([prompt, negative_prompt])
    sentences = []
    unknown = pipeline.unknown_words(prompt) | pipeline.unknown_words(negative_prompt)
    for word, nearest in unknown.items():
        hint = f": did you mean {' or '.join(nearest)}?" if nearest else "."
        sentences.append(f"The model does not know the word “{word}”{hint}")
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
