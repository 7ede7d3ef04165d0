"""What every knob does to the scores and to the time: the figures that the lessons quote."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from fyp_lite import data_dir
from fyp_lite.clip import ClipError
from fyp_lite.cropping import PreparedClip
from fyp_lite.denoising import TRAINED_FRAMES, blend_weights, clip_windows
from fyp_lite.judges.scores import flickers
from fyp_lite.model.switches import SWITCHES, switched_off
from fyp_lite.opening import open_clip, open_skeleton, prepare_clip
from fyp_lite.settings import SCHEDULERS, ClipSettings, SampleSettings
from fyp_lite.skeleton import draw_skeletons
from fyp_lite.skeleton_reader import read_skeletons
from fyp_lite.vocabulary import PLACES
from fyp_world.evaluation.measures import (
    CLIP_FRAMES,
    Likeness,
    Scores,
    as_scores,
    caption_of,
    clips,
    generate,
    generate_stills,
    mean_of,
    measure,
    prompt_summary,
)
from fyp_world.evaluation.truth import part_psnr
from fyp_world.world.dataset import Clip, render_clip

STEPS = (1, 2, 5, 10, 20, 50)
GUIDANCE = (0.0, 1.0, 1.5, 2.0, 4.0, 7.5, 12.5)
STILLS_STEPS = (4, 6, 10, 20)
STILLS_GUIDANCE = (1.0, 1.5, 2.0, 3.0)
STILLS_PER_CLIP = 12
POSE_GUIDANCE = (0.6, 0.8, 1.0, 1.2, 1.5)
INTERVALS = ((0.0, 1.0), (0.0, 0.25), (0.0, 0.5), (0.0, 0.75), (0.25, 0.75), (0.25, 1.0))
INTERVAL_SCALE = 4.0
POSE_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
POSE_EDGES = (0.1, 0.25, 0.5, 0.75, 0.9)
SOLVER_STEPS = (5, 8, 12, 20)
STARTS = (0, 20, 40, 80)
STRIDES = (1, 2, 5, 10, 20)
CROPS = (100, 200)
LENGTHS = (8, 32, 128)
DEFAULT_CLIP = "dance.mp4"
# Of the clip's own prompts: what they say, in words and as facts.
PROMPTS = {
    "a panda on the beach": {"character": ["panda"], "place": ["beach"], "count": ["one"]},
    "an astronaut on the moon": {"character": ["astronaut"], "place": ["moon"], "count": ["one"]},
}


class Knobs:
    """One pipeline, its judge, and the clips that every setting is tried on.

    Args:
        likeness: the pipeline, its judge, and drawn pictures to hold stills against.
        num_clips: clips of one person in combinations that training has seen.
        num_steps: where the number of steps is not the knob.
        clip: a skeleton or raw video, for start frame, stride and crops; None for the bundled
            dancer.
    """

    def __init__(
        self, likeness: Likeness, num_clips: int, num_steps: int, clip: Path | None
    ) -> None:
        self.likeness = likeness
        self.pipeline, self.judge = likeness.pipeline, likeness.judge
        self.settings = SampleSettings(num_inference_steps=num_steps)
        self.path = clip or data_dir() / "clips" / DEFAULT_CLIP
        self.prompts = dict(list(PROMPTS.items())[:num_clips])
        self.clips = clips(num_clips, CLIP_FRAMES, held_out=False, max_people=1, stream=3)

    @cached_property
    def stills(self) -> list[Clip]:
        """Single pictures of held-out and, as many, of seen combinations."""
        count = STILLS_PER_CLIP * len(self.clips)
        held_out, seen = (clips(count, 1, held_out=h, stream=6 + h) for h in (True, False))
        return held_out + seen

    def scores(self, settings: SampleSettings, *off: str) -> Scores:
        """Mean scores of the clips, and seconds for one."""
        found, seconds = [], 0.0
        with switched_off(self.pipeline, *off):
            for clip in self.clips:
                began = time.perf_counter()
                video = generate(self.pipeline, clip, settings)
                seconds += time.perf_counter() - began
                found.append(measure(self.judge, video, clip))
        return short(mean_of(found)) | {"seconds": round(seconds / len(self.clips), 2)}

    def steps(self) -> dict[str, Scores]:
        """Scores against the number of steps."""
        return {str(n): self.scores(replace(self.settings, num_inference_steps=n)) for n in STEPS}

    def steps_stills(self) -> dict[str, Scores]:
        """The same on many single pictures, and how near their heads and people are to the drawn
        ones, in dB: from how many steps on more of them gain nothing."""
        drawn = np.concatenate([render_clip(still) for still in self.stills])
        result = {}
        for n in STILLS_STEPS:
            pictures = generate_stills(
                self.pipeline, self.stills, replace(self.settings, num_inference_steps=n)
            )
            near = part_psnr(np.concatenate(pictures), drawn, self.stills)
            near = {f"{part}, dB": near[part] for part in ("heads", "people")}
            result[str(n)] = self.judged_stills(pictures) | near
        return result

    def guidance(self) -> dict[str, Scores]:
        """Scores against the guidance scale."""
        return {f"{s:g}": self.scores(replace(self.settings, guidance_scale=s)) for s in GUIDANCE}

    def guidance_stills(self) -> dict[str, Scores]:
        """The same on many single pictures, of held-out and of seen combinations."""
        return {
            f"{s:g}": self.stills_scores(replace(self.settings, guidance_scale=s))
            for s in STILLS_GUIDANCE
        }

    def pose_guidance(self) -> dict[str, Scores]:
        """Scores of many stills against the scale of guidance by the pose, on top of what
        `training.s5_guided` taught: whether more or less should be."""
        result = {}
        for scale in POSE_GUIDANCE:
            result[f"{scale:g}"] = self.stills_scores(self.settings, scale)
        return result

    def stills_scores(self, settings: SampleSettings, pose_guidance: float = 1.0) -> Scores:
        """Mean scores of many single pictures, of held-out and of seen combinations."""
        pictures = generate_stills(self.pipeline, self.stills, settings, pose_guidance)
        return self.judged_stills(pictures)

    def judged_stills(self, pictures: list[np.ndarray]) -> Scores:
        """The same of generated pictures `[1, h, w, 3]` of the stills."""
        scores = mean_of(map(partial(measure, self.judge), pictures, self.stills))
        whole = prompt_summary(scores)["all right"]
        distance = self.likeness.distance(pictures)
        return short(scores) | {"all right": whole, "kernel distance": distance}

    def interval(self) -> dict[str, Scores]:
        """Scores against the part of the run in which guidance works, at INTERVAL_SCALE."""
        guided = replace(self.settings, guidance_scale=INTERVAL_SCALE)
        return {
            f"{start:g} to {end:g}": self.scores(
                replace(guided, guidance_start=start, guidance_end=end)
            )
            for start, end in INTERVALS
        }

    def pose_strength(self) -> dict[str, Scores]:
        """Scores against the factor of the pose features."""
        return {
            f"{s:g}": self.scores(replace(self.settings, pose_strength=s)) for s in POSE_STRENGTHS
        }

    def pose_window(self) -> dict[str, Scores]:
        """Scores where the network sees the pose in a first or in a last part of the run only."""
        until = {f"0 to {e:g}": replace(self.settings, pose_end=e) for e in POSE_EDGES}
        since = {f"{e:g} to 1": replace(self.settings, pose_start=e) for e in POSE_EDGES}
        return {window: self.scores(settings) for window, settings in (until | since).items()}

    def schedulers(self) -> dict[str, Scores]:
        """Scores of each scheduler against the number of steps."""
        return {
            f"{name}, {steps} steps": self.scores(
                replace(self.settings, scheduler=name, num_inference_steps=steps)
            )
            for name in SCHEDULERS
            for steps in SOLVER_STEPS
        }

    def switches(self) -> dict[str, Scores]:
        """Scores with everything on, and without each part."""
        whole = {"everything on": self.scores(self.settings)}
        return whole | {f"without {part}": self.scores(self.settings, part) for part in SWITCHES}

    def part(self, settings: ClipSettings) -> PreparedClip:
        """Of the clip; the people of a raw one are found once and kept."""
        with open_skeleton(self.path) as clip:
            return prepare_clip(clip, settings, self.pipeline.size)

    def of_clip(self, settings: ClipSettings) -> Scores:
        """Mean follow and prompt scores of one part of the clip."""
        part = self.part(settings)
        keypoints = read_skeletons(part.frames)
        found = []
        for prompt, facts in self.prompts.items():
            video = self.pipeline(prompt, part.frames, self.settings).video
            shown = as_scores(self.judge.prompt(video, facts))
            found.append(self.judge.follow(video, keypoints) | shown)
        return short(mean_of(found))

    def clip_settings(self) -> dict[str, dict[str, Scores]]:
        """Scores against start frame, stride and each crop; what does not fit is left out."""
        sides = [f"crop_{side}" for side in ("left", "right", "top", "bottom")]
        tries = {"start_frame": STARTS, "frame_stride": STRIDES} | dict.fromkeys(sides, CROPS)
        result: dict[str, dict[str, Scores]] = {"default": {"": self.of_clip(ClipSettings())}}
        for name, values in tries.items():
            for value in values:
                try:
                    scores = self.of_clip(ClipSettings.from_dict({name: value}))
                except ClipError:
                    continue
                result.setdefault(name, {})[str(value)] = scores
        return result

    def length(self) -> dict[str, Scores]:
        """Scores of ever longer parts of the clip, which the network sees through windows.

        The last eighth of the frames is furthest from the anchor. Flicker "at seams" is between
        frames that are mostly of different windows, and is not part of the other.
        """
        return {str(n): self.of_length(n) for n in LENGTHS if n <= self.most_frames()}

    def most_frames(self) -> int:
        with open_clip(self.path) as clip:
            return clip.num_frames

    def of_length(self, num_frames: int) -> Scores:
        settings = ClipSettings(frame_stride=1, num_frames=num_frames)
        part = self.part(settings)
        keypoints = read_skeletons(part.frames)
        began = time.perf_counter()
        video = self.pipeline(next(iter(self.prompts)), part.frames, self.settings).video
        seconds = time.perf_counter() - began
        seams, rates = seams_of(num_frames), flickers(video, keypoints)
        last = slice(num_frames - num_frames // 8, None)
        followed = [self.judge.follow(video[at], keypoints[at]) for at in (slice(None), last)]
        scores = {
            "joints @0.1": round(followed[0]["joints @0.1"], 3),
            "joints @0.1, last eighth": round(followed[1]["joints @0.1"], 3),
            "identity": round(self.judge.identity(video), 3),
            "flicker": round(float(rates[~seams].mean()), 2),
            "seconds a frame": round(seconds / num_frames, 2),
        }
        if seams.any():
            scores["flicker at seams"] = round(float(rates[seams].mean()), 2)
        return scores

    def raw_input(self) -> Scores:
        """Scores where the pose is what the judge reads from the rendered clips, as raw video."""
        size, found = self.pipeline.size, []
        for clip in self.clips:
            skeleton = draw_skeletons(self.judge.keypoints(render_clip(clip, size)), size, size)
            video = self.pipeline(caption_of(clip), skeleton, self.settings).video
            found.append(measure(self.judge, video, clip))
        return short(mean_of(found))

    def one_too_many(self) -> Scores:
        """What is seen where the prompt names one character more than there are people."""
        both, one = [], []
        for clip, other in zip(self.clips, self.clips[1:] + self.clips[:1], strict=True):
            names = [c.scene.characters[0].name for c in (clip, other)]
            prompt = f"a {names[0]} and a {names[1]} {place_of(clip)}"
            seen = self.judge.sees(generate(self.pipeline, clip, self.settings, prompt))
            both.append(set(names) <= seen["character"])
            one.append("one" in seen["count"])
        return {"shows both": float(np.mean(both)), "shows one person": float(np.mean(one))}


def seams_of(num_frames: int) -> np.ndarray:
    """`[f - 1]` bool: whether the windows that count most in a frame and in the next one differ."""
    views = clip_windows(num_frames, TRAINED_FRAMES)
    owners = blend_weights(views).argmax(dim=0).numpy()
    return owners[1:] != owners[:-1]


def place_of(clip: Clip) -> str:
    place = clip.scene.place
    return PLACES[place][0] if place in PLACES else place


def short(scores: Scores) -> Scores:
    """The few scores that tell what a knob does."""
    prompt = prompt_summary(scores)
    kept = ("joints @0.1", "limbs @0.05", "people", "identity", "flicker")
    return {k: scores[k] for k in kept if k in scores} | {"prompt": prompt["mean"]}
