"""Clips to evaluate on, what a model makes of them, and what the judges say about it.

Everything here follows from fixed seeds: two evaluations of a model give the same scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import cycle
from pathlib import Path

import numpy as np
import torch

from fyp_lite.denoising import Denoise, guide
from fyp_lite.judges.scores import Judge, flicker, person_sizes
from fyp_lite.opening import open_skeleton, prepare_clip
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.skeleton import draw_skeletons
from fyp_lite.skeleton_reader import read_skeletons
from fyp_world.training.generated_latents import pose_of_stills
from fyp_world.world.characters import CHARACTERS
from fyp_world.world.dataset import FPS, TRAINING_MOTIONS, Clip, facts_of, random_clip, render_clip
from fyp_world.world.motion import perform

SEED = 20_260_101  # far from any training seed
CLIP_FRAMES = 8
STILLS_AT_ONCE = 8
Scores = dict[str, float]


def clips(
    count: int, num_frames: int, *, held_out: bool, max_people: int = 3, stream: int = 0
) -> list[Clip]:
    """Held-out motions of all characters in turn.

    Args:
        held_out: in combinations of character, place and style that training never sees, or in
            those that it does.
        max_people: no clip has more.
        stream: another number, other clips.
    """
    return [
        _clip_of(name, num_frames, held_out, max_people, (stream, i))
        for i, name in zip(range(count), cycle(CHARACTERS), strict=False)
    ]


def _clip_of(
    name: str, num_frames: int, held_out: bool, max_people: int, place: tuple[int, int]
) -> Clip:
    """The first random clip whose first person is the character `name`."""
    attempt = 0
    while True:
        clip = random_clip(
            np.random.default_rng([SEED, *place, attempt]),
            num_frames,
            held_out=held_out,
            held_out_motion=True,
        )
        people = clip.scene.characters
        if people[0].name == name and len(people) <= max_people:
            return clip
        attempt += 1


def caption_of(clip: Clip) -> str:
    return clip.scene.caption(np.random.default_rng([SEED, clip.scene.seed]))


def skeleton_of(clip: Clip, size: int) -> np.ndarray:
    """Skeleton frames `[f, size, size, 3]`; clips are made for 256 pixels."""
    keypoints = clip.keypoints()
    keypoints[..., :2] *= size / 256
    return draw_skeletons(keypoints, size, size)


def encode(pipeline: FollowYourPosePipeline, pixels: np.ndarray) -> torch.Tensor:
    """Frames `[b, h, w, 3]` 0...255 to scaled latents `[b, c, h / 8, w / 8]`."""
    pictures = torch.from_numpy(pixels.astype(np.float32)).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        latents = pipeline.vae.encode(pictures.to(pipeline.device, pipeline.vae.dtype)).latent_dist
    return latents.mode().float() * pipeline.vae.config.scaling_factor


def through_autoencoder(pipeline: FollowYourPosePipeline, frames: np.ndarray) -> np.ndarray:
    """Frames `[f, h, w, 3]` uint8 as the autoencoder gives them back."""
    return pipeline.decode(encode(pipeline, frames).transpose(0, 1)[None])[0]


def generate(
    pipeline: FollowYourPosePipeline,
    clip: Clip,
    settings: SampleSettings,
    prompt: str | None = None,
) -> np.ndarray:
    """A video `[f, h, w, 3]` of the clip's pose and of its caption, or of another prompt."""
    prompt = caption_of(clip) if prompt is None else prompt
    return pipeline(prompt, skeleton_of(clip, pipeline.size), settings).video


def generate_stills(
    pipeline: FollowYourPosePipeline,
    stills: list[Clip],
    settings: SampleSettings,
    pose_guidance: float = 1.0,
) -> list[np.ndarray]:
    """The same for clips of one frame, several at once: `[1, h, w, 3]` each.

    Args:
        pose_guidance: s in `without + s * (with - without)` the pose; 1 turns it off, others
            evaluate the network twice per step.
    """
    videos: list[np.ndarray] = []
    for start in range(0, len(stills), STILLS_AT_ONCE):
        part = stills[start : start + STILLS_AT_ONCE]
        skeletons = np.concatenate([skeleton_of(clip, pipeline.size) for clip in part])
        features = pose_of_stills(pipeline, skeletons)
        prompts = [caption_of(clip) for clip in part]
        seeds = [settings.seed + start + i for i in range(len(part))]
        denoise = pipeline.denoiser(prompts, features, settings)
        if pose_guidance != 1:
            no_pose = replace(settings, pose_strength=0.0)
            without = pipeline.denoiser(prompts, features, no_pose)
            denoise = led_by_pose(denoise, without, pose_guidance)
        for step in pipeline.sample(denoise, features[0].shape[2:], settings, seeds):
            latents = step.latents
        videos += pipeline.decode(latents)
    return videos


def led_by_pose(with_pose: Denoise, without: Denoise, scale: float) -> Denoise:
    """Guidance by the pose: without + scale * (with - without), at twice the cost."""
    return lambda x_t, t, index: guide(without(x_t, t, index), with_pose(x_t, t, index), scale)


def measure(judge: Judge, video: np.ndarray, clip: Clip) -> Scores:
    """Every score of one video `[f, 256, 256, 3]` of a clip; shares 0...1 and 8-bit levels."""
    keypoints = clip.keypoints()
    scores = judge.follow(video, keypoints)
    scores |= prompt_scores(judge, video, clip)
    if len(video) > 1:
        scores |= {"identity": judge.identity(video), "flicker": flicker(video, keypoints)}
    return scores


class Likeness:
    """How far pictures are from drawn ones as a crowd, in the classifier's eyes: whether anything
    is in them that drawn ones never have.

    Args:
        count: drawn pictures of seen combinations, through the autoencoder, to hold others against.
    """

    def __init__(self, pipeline: FollowYourPosePipeline, judge: Judge, count: int) -> None:
        self.pipeline, self.judge, self.count = pipeline, judge, count

    @cached_property
    def drawn(self) -> np.ndarray:
        """Features of the drawn pictures, `[count, features]`."""
        stills = clips(self.count, 1, held_out=False, stream=11)
        pictures = [through_autoencoder(self.pipeline, render_clip(clip)) for clip in stills]
        return self.judge.features(np.concatenate(pictures))

    def distance(self, videos: list[np.ndarray]) -> float:
        """`kernel_distance` of videos' first frames `[f, h, w, 3]` uint8 from drawn pictures."""
        made = self.judge.features(np.stack([video[0] for video in videos]))
        mean, spread = self.drawn.mean(axis=0), self.drawn.std(axis=0) + 1e-6
        made, drawn = ((features - mean) / spread for features in (made, self.drawn))
        return round(kernel_distance(made, drawn), 4)


def kernel_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Squared distance between the distributions that two sets of features `[n, d]` come from.

    0 where they are one, on average: of few pictures it may be a little below. The estimate and
    the kernel are those of the kernel inception distance (Bińkowski et al. 2018, "Demystifying MMD
    GANs", arXiv 1801.01401, section 4 and appendix C), the features are the caller's.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a.astype(np.float64) @ b.T / a.shape[1] + 1) ** 3

    def within(a: np.ndarray) -> float:  # without each one's likeness to itself
        of_all = kernel(a, a)
        return float((of_all.sum() - np.trace(of_all)) / (len(a) * (len(a) - 1)))

    return within(first) + within(second) - 2 * float(kernel(first, second).mean())


def prompt_scores(judge: Judge, video: np.ndarray, clip: Clip) -> Scores:
    """The prompt score as 0 or 1: "shows cute" for cute ones, "shows not cute" for the others."""
    shown = judge.prompt(video, facts_of(clip.scene))
    if not facts_of(clip.scene)["cute"]:
        shown["not cute"] = shown.pop("cute")
    return as_scores(shown)


def as_scores(shown: Mapping[str, bool]) -> Scores:
    """A prompt score for the mean over videos, with "shows all" of it."""
    return {f"shows {k}": float(v) for k, v in shown.items()} | {
        "shows all": float(all(shown.values()))
    }


def mean_of(scores: Iterable[Mapping[str, float]]) -> Scores:
    """The mean of every score over the videos that have it."""
    values: dict[str, list[float]] = {}
    for video in scores:
        for name, value in video.items():
            if not math.isnan(value):
                values.setdefault(name, []).append(value)
    return {name: round(float(np.mean(v)), 4) for name, v in values.items()}


def prompt_summary(scores: Scores) -> Scores:
    """The prompt scores among mean scores, with their mean and the worst."""
    shown = {k.removeprefix("shows "): v for k, v in scores.items() if k.startswith("shows ")}
    whole = shown.pop("all")
    mean, worst = round(float(np.mean([*shown.values()])), 4), min(shown, key=lambda k: shown[k])
    return {"mean": mean, f"worst, {worst}": shown[worst], "all right": whole, **shown}


def follow_summary(scores: Scores) -> Scores:
    """The follow scores among mean scores."""
    return {k: v for k, v in scores.items() if "@" in k or k in ("people", "size")}


def wrong_motion(keypoints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """People of another motion `[f, people, 17, 3]`, each as large and where the right one is."""
    wrong = np.zeros_like(keypoints)
    for p in range(keypoints.shape[1]):
        person = keypoints[:, p]
        if not person_sizes(person).any():
            continue
        figures = perform(
            str(rng.choice(TRAINING_MOTIONS)),
            len(keypoints),
            FPS / 3,
            rng,
            yaw=rng.normal(0, 0.5),
            height=1.0,
            position=(0.0, 0.0),
        )
        other = np.stack([figure.keypoints() for figure in figures])
        other[..., :2] *= person_sizes(person).max() / person_sizes(other).max()
        other[..., :2] += person[:, 5:, :2].mean((0, 1)) - other[:, 5:, :2].mean((0, 1))
        wrong[:, p] = other
    return wrong


def floor_score(judge: Judge, video: np.ndarray, clip: Clip, index: int) -> Scores:
    """The follow score of a video against a wrong motion."""
    rng = np.random.default_rng([SEED, index])
    return judge.follow(video, wrong_motion(clip.keypoints(), rng))


def parts_of(path: Path, count: int, size: int) -> list[np.ndarray]:
    """Skeleton frames `[f, size, size, 3]` of several parts of a skeleton or raw video, each with
    the default settings, spread from its beginning to its end."""
    with open_skeleton(path) as clip:
        last = clip.num_frames - 1 - ClipSettings().frame_indices()[-1]
        starts = np.linspace(0, max(0, last), count).round().astype(int).tolist()
        return [prepare_clip(clip, ClipSettings(start_frame=n), size).frames for n in starts]


def follow_parts(
    pipeline: FollowYourPosePipeline,
    judge: Judge,
    parts: Mapping[str, np.ndarray],
    settings: SampleSettings,
) -> Scores:
    """Mean follow scores of generated videos, and against the pose of half a part later.

    Args:
        parts: {prompt: skeleton frames `[f, h, w, 3]`}.
    """
    found = []
    for prompt, skeletons in parts.items():
        video = pipeline(prompt, skeletons, settings).video
        right = read_skeletons(skeletons)
        wrong = judge.follow(video, np.roll(right, len(right) // 2, axis=0))
        floor = {f"{name}, wrong moment": wrong[name] for name in wrong if "@" in name}
        found.append(judge.follow(video, right) | floor)
    return mean_of(found)
