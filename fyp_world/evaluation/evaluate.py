"""Figures of a trained model, on scenes and motions that training never saw.

    python -m fyp_world.evaluation.evaluate --json FILE
    python -m fyp_world.evaluation.evaluate --json FILE --quick --model FOLDER --pages FILE.png
    python -m fyp_world.evaluation.evaluate --json FILE --clip VIDEO --only follow

Every part is written as soon as it is known, and the same command resumes.

autoencoder: how well frames come back. denoising: the loss with the right prompt and pose against
none and against another clip's; a model that ignores either would show no difference. denoised: how
well clips come back that were made noisy up to a timestep, which tells at which ones the network is
weak. ceilings: what the judges say about rendered clips through the autoencoder. generated: what
they say about generated ones. follow the clip: what they say about a skeleton or raw video of
yours. truth: how near generated stills come to the drawn ones, and whether their heads can be told
apart. knob: what each setting does.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from fyp_lite import data_dir
from fyp_lite.files.hashes import file_hash
from fyp_lite.files.writing import written_whole
from fyp_lite.judges.scores import FOLDER, Judge
from fyp_lite.loading import load_pipeline
from fyp_lite.model_folder import WEIGHTS
from fyp_lite.opening import prepare_clip
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_world.evaluation.measures import (
    CLIP_FRAMES,
    Likeness,
    Scores,
    caption_of,
    clips,
    encode,
    floor_score,
    follow_parts,
    follow_summary,
    generate,
    generate_stills,
    mean_of,
    measure,
    parts_of,
    prompt_scores,
    prompt_summary,
    skeleton_of,
    through_autoencoder,
)
from fyp_world.evaluation.settings_tables import DEFAULT_CLIP, Knobs
from fyp_world.evaluation.truth import Truth, draw_heads
from fyp_world.training.generated_latents import denoised, noised
from fyp_world.training.s1_autoencoder import person_mask
from fyp_world.world.dataset import Clip, render_clip

Video = tuple[Clip, np.ndarray]  # what was asked for and `[f, h, w, 3]` uint8
TIMESTEPS = (150, 400, 650, 900)
DENOISED_FROM = (200, 350, 500, 999)
DENOISING_STEP = 50  # timesteps
KNOBS = (
    "steps",
    "steps_stills",
    "guidance",
    "guidance_stills",
    "pose_guidance",
    "interval",
    "pose_strength",
    "pose_window",
    "schedulers",
    "switches",
    "clip_settings",
    "length",
    "raw_input",
    "one_too_many",
)
GALLERY = (
    "A Panda on the sea",
    "A Robot is dancing in Sahara desert",
    "An Astronaut",
    "A man in the park, Van Gogh style",
    "Batman brown background",
    "Tiny cute boy in the beach, at sunset",
    "Iron man on the beach",
    "Astronaut on the moon",
    "A man in the forest, Minecraft",
)
PAGE_FRAMES = 6
FACE = "face @0.05"
CLIP_GUIDANCE = (1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class Effort:
    """How many of what."""

    frames: int  # for the autoencoder
    denoising: int  # clips
    denoised: int  # clips
    clips: int  # of each kind, seen and held out
    stills: int  # of each kind, on top, for the prompt score
    truth: int  # stills of each kind that are held against the drawn ones
    knob_clips: int
    num_steps: int


FULL = Effort(
    frames=240,
    denoising=24,
    denoised=8,
    clips=48,
    stills=144,
    truth=128,
    knob_clips=6,
    num_steps=20,
)
QUICK = Effort(
    frames=48, denoising=3, denoised=2, clips=8, stills=24, truth=24, knob_clips=1, num_steps=10
)


def psnr(error: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean(np.square(error))))


def evaluate_autoencoder(pipeline: FollowYourPosePipeline, judge: Judge, count: int) -> Scores:
    """PSNR in dB over whole frames, around people, and for the worst style; share of eyes and
    noses found before and afterwards."""
    frames, people, styles = [], [], []
    chosen = clips(count, 1, held_out=True, stream=4)
    for clip in chosen:
        frames.append(render_clip(clip)[0])
        people.append(person_mask(clip.keypoints()[0]))
        styles.append(clip.scene.style)
    decoded = np.concatenate(
        [through_autoencoder(pipeline, np.stack(frames[i : i + 8])) for i in range(0, count, 8)]
    )
    error = decoded.astype(np.float32) - np.stack(frames)
    before, after = (
        mean_of(judge.follow(f[None], c.keypoints()) for f, c in zip(shown, chosen, strict=True))
        for shown in (frames, decoded)
    )
    by_style = {style: psnr(error[[s == style for s in styles]]) for style in dict.fromkeys(styles)}
    worst = min(by_style, key=lambda style: by_style[style])
    return {
        "psnr": round(psnr(error), 2),
        "person_psnr": round(psnr(error[np.stack(people)]), 2),
        f"worst style, {worst}": round(by_style[worst], 2),
        "eyes and noses": after[FACE],
        "eyes and noses before": before[FACE],
    }


@torch.no_grad()
def evaluate_denoising(pipeline: FollowYourPosePipeline, count: int) -> Scores:
    """Mean squared error of the predicted velocity on held-out clips of eight frames."""
    chosen = clips(count, CLIP_FRAMES, held_out=True, stream=5)
    captions = [caption_of(clip) for clip in chosen]
    skeletons = [skeleton_of(clip, pipeline.size) for clip in chosen]
    losses: dict[str, list[float]] = {}
    for i, clip in enumerate(chosen):
        clean = encode(pipeline, render_clip(clip)).transpose(0, 1)[None]
        other = (i + 1) % count
        for name, caption, skeleton in (
            ("prompt and pose", captions[i], skeletons[i]),
            ("no pose", captions[i], None),
            ("another clip's pose", captions[i], skeletons[other]),
            ("no prompt", "", skeletons[i]),
            ("another clip's prompt", captions[other], skeletons[i]),
        ):
            loss = velocity_error(pipeline, clean, caption, skeleton, seed=i)
            losses.setdefault(name, []).append(loss)
    return {name: round(float(np.mean(values)), 4) for name, values in losses.items()}


def velocity_error(
    pipeline: FollowYourPosePipeline,
    clean: torch.Tensor,
    caption: str,
    skeleton: np.ndarray | None,
    seed: int,
) -> float:
    text = pipeline.encode_prompt([caption])
    features = None if skeleton is None else pipeline.encode_pose(skeleton)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed)).to(clean)
    total = 0.0
    for timestep in TIMESTEPS:
        alpha = pipeline.scheduler.alphas_cumprod[timestep].to(clean)
        noisy = noised(pipeline, clean, noise, timestep)
        velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
        predicted = pipeline.unet(noisy.to(pipeline.unet.dtype), timestep, text, features).sample
        total += (predicted.float() - velocity).square().mean().item()
    return total / len(TIMESTEPS)


@torch.no_grad()
def evaluate_denoised(pipeline: FollowYourPosePipeline, count: int) -> Scores:
    """Mean squared error of held-out clips' latents, made noisy and denoised, by first timestep."""
    errors: dict[str, list[float]] = {}
    for i, clip in enumerate(clips(count, CLIP_FRAMES, held_out=True, stream=5)):
        clean = encode(pipeline, render_clip(clip)).transpose(0, 1)[None]
        text = pipeline.encode_prompt([caption_of(clip)])
        features = pipeline.encode_pose(skeleton_of(clip, pipeline.size))
        noise = torch.randn(clean[:, :, :1].shape, generator=torch.Generator().manual_seed(i))
        for first in DENOISED_FROM:
            guess = denoised(
                pipeline, clean, noise.to(clean), text, features, first, DENOISING_STEP
            )
            error = (guess - clean).square().mean().item()
            errors.setdefault(f"from {first}", []).append(error)
    return {name: round(float(np.mean(values)), 4) for name, values in errors.items()}


class Judged:
    """What the judges say about clips of seen and of held-out combinations."""

    def __init__(self, pipeline: FollowYourPosePipeline, judge: Judge, effort: Effort) -> None:
        self.pipeline, self.judge, self.effort = pipeline, judge, effort
        self.settings = SampleSettings(num_inference_steps=effort.num_steps)
        self.likeness = Likeness(pipeline, judge, effort.stills)

    def ceilings(self, held_out: bool) -> dict[str, Scores]:
        """Scores of rendered clips through the autoencoder, by the same measures."""

        def rendered(clip: Clip) -> np.ndarray:
            return through_autoencoder(self.pipeline, render_clip(clip))

        return self.summary(
            [(clip, rendered(clip)) for clip in self.clips(held_out)],
            [(clip, rendered(clip)) for clip in self.stills(held_out)],
        )

    def generated(self, held_out: bool) -> dict[str, Scores]:
        """Scores of generated clips and stills."""
        pairs = [(c, generate(self.pipeline, c, self.settings)) for c in self.clips(held_out)]
        stills = self.stills(held_out)
        pictures = generate_stills(self.pipeline, stills, self.settings)
        return self.summary(pairs, list(zip(stills, pictures, strict=True)))

    def truth(self, held_out: bool) -> dict[str, Any]:
        """How near generated stills come to the drawn ones."""
        truth = Truth(self.pipeline, self.effort.truth, held_out=held_out)
        return truth.figures(self.judge, self.settings)

    def clips(self, held_out: bool) -> list[Clip]:
        return clips(self.effort.clips, CLIP_FRAMES, held_out=held_out, stream=1 + held_out)

    def stills(self, held_out: bool) -> list[Clip]:
        return clips(self.effort.stills, 1, held_out=held_out, stream=6 + held_out)

    def summary(self, pairs: list[Video], stills: list[Video]) -> dict[str, Scores]:
        scores = mean_of(measure(self.judge, video, clip) for clip, video in pairs)
        floor = mean_of(floor_score(self.judge, video, c, i) for i, (c, video) in enumerate(pairs))
        # Stills are cheap and clips are few: attributes are counted over both.
        shown = [prompt_scores(self.judge, video, clip) for clip, video in pairs + stills]
        return {
            "follow": follow_summary(scores),
            "follow, wrong motion": follow_summary(floor),
            "prompt": prompt_summary(mean_of(shown)),
            "stillness": {name: scores[name] for name in ("flicker", "identity")},
            "likeness": {"kernel distance": self.likeness.distance([v for _, v in stills])},
        }

    def clip_file(self, path: Path) -> dict[str, Scores]:
        """Follow scores on a skeleton or raw video that training never saw, by guidance scale.

        Each of the gallery's prompts leads a part of its own, from the clip's beginning to its end.
        """
        parts = parts_of(path, len(GALLERY), self.pipeline.size)
        return {
            f"guidance {scale:g}": follow_parts(
                self.pipeline, self.judge, dict(zip(GALLERY, parts, strict=True)),
                replace(self.settings, guidance_scale=scale),
            )
            for scale in CLIP_GUIDANCE
        }  # fmt: skip


def against_ceilings(figures: dict[str, Any], kind: str) -> Scores:
    """Scores of generated clips, as shares of what rendered ones get."""
    made, best = figures[f"generated, {kind}"], figures[f"ceilings, {kind}"]
    pairs = {
        f"{part}: {name}": (made[part][name], best[part].get(name, 0))
        for part in ("follow", "prompt", "stillness")
        for name in made[part]
    }
    return {name: round(ours / ceiling, 3) for name, (ours, ceiling) in pairs.items() if ceiling}


class Results:
    """The JSON file, written after every part; parts of an interrupted evaluation are kept.

    Parts whose name does not contain `only` are left out.
    """

    def __init__(self, path: Path, run: dict[str, Any], only: str = "") -> None:
        self.path, self.only = path, only
        self.figures: dict[str, Any] = {"run": run}
        if path.exists():
            earlier = json.loads(path.read_text(encoding="utf-8"))
            if earlier.get("run") == run:
                self.figures = earlier

    def add(self, name: str, make: Callable[[], Any]) -> None:
        if name in self.figures or self.only not in name:
            return
        began = time.monotonic()
        self.figures[name] = make()
        with written_whole(self.path) as part:
            part.write_text(json.dumps(self.figures, indent=1) + "\n")
        print(f"{name} ({time.monotonic() - began:.0f} s): {json.dumps(self.figures[name])}")


def draw_page(pipeline: FollowYourPosePipeline, settings: SampleSettings, path: Path) -> None:
    """The gallery's prompts on the bundled dancer, then held-out clips: asked for and generated."""
    clip = ClipSettings(num_frames=PAGE_FRAMES)
    skeleton = prepare_clip(data_dir() / "clips" / DEFAULT_CLIP, clip, pipeline.size).frames
    rows = {"the skeleton": skeleton}
    rows |= {prompt: pipeline(prompt, skeleton, settings).video for prompt in GALLERY}
    for clip_ in clips(6, PAGE_FRAMES, held_out=True, stream=9):
        caption = caption_of(clip_)
        rows[f"rendered: {caption}"] = render_clip(clip_)
        rows[f"generated: {caption}"] = generate(pipeline, clip_, settings)
    columns = 2
    figure = Figure(figsize=(14, 1.45 * -(-len(rows) // columns)), layout="constrained")
    axes = figure.subplots(-(-len(rows) // columns), columns).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, (title, frames) in zip(axes, rows.items(), strict=False):
        apart = np.pad(frames, ((0, 0), (0, 0), (0, 8), (0, 0)), constant_values=255)
        axis.imshow(np.concatenate(list(apart), axis=1))
        axis.set_title(title, fontsize=9)
    figure.savefig(path, dpi=110)


def describe_run(options: argparse.Namespace, pipeline: FollowYourPosePipeline) -> dict[str, Any]:
    """What the figures depend on: other values, other figures."""
    model = WEIGHTS / "lite" if options.model == "lite" else Path(options.model)
    weights = sorted([*model.rglob("*.safetensors"), *FOLDER.rglob("*.safetensors")])
    return {
        "model": options.model,
        "quick": options.quick,
        "clip": options.clip.name if options.clip else None,
        "weights": {f"{p.parent.name}": file_hash(p)[:12] for p in weights},
        "dtype": str(pipeline.unet.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": platform.machine(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="lite", help="'lite' or a folder")
    parser.add_argument("--json", type=Path, required=True, help="where to write the figures")
    parser.add_argument("--quick", action="store_true", help="few clips and steps")
    parser.add_argument("--clip", type=Path, help="a skeleton or raw video to follow")
    parser.add_argument("--pages", type=Path, help="where to write a page of pictures")
    parser.add_argument(
        "--only", metavar="WORDS", default="", help='parts with this in their name, as "knob"'
    )
    parser.add_argument("--heads", type=Path, help="where to write a sheet of heads")
    options = parser.parse_args()
    pipeline = load_pipeline(options.model)
    pipeline.set_progress_bar_config(disable=True)
    effort = QUICK if options.quick else FULL
    results = Results(options.json, describe_run(options, pipeline), options.only)
    judge = Judge()
    results.add("autoencoder", lambda: evaluate_autoencoder(pipeline, judge, effort.frames))
    results.add("denoising", lambda: evaluate_denoising(pipeline, effort.denoising))
    results.add("denoised", lambda: evaluate_denoised(pipeline, effort.denoised))
    judged = Judged(pipeline, judge, effort)
    for kind, held_out in (("held out", True), ("seen", False)):
        results.add(f"ceilings, {kind}", partial(judged.ceilings, held_out))
        results.add(f"generated, {kind}", partial(judged.generated, held_out))
        results.add(f"of ceilings, {kind}", partial(against_ceilings, results.figures, kind))
    for kind, held_out in (("held out", True), ("seen", False)):
        results.add(f"truth, {kind}", partial(judged.truth, held_out))
    if options.clip:
        results.add("follow the clip", lambda: judged.clip_file(options.clip))
    knobs = Knobs(judged.likeness, effort.knob_clips, effort.num_steps, options.clip)
    for name in KNOBS:
        results.add(f"knob, {name}", getattr(knobs, name))
    if options.pages:
        draw_page(pipeline, judged.settings, options.pages)
    if options.heads:
        draw_heads(Truth(pipeline, effort.truth, held_out=True), judged.settings, options.heads)


if __name__ == "__main__":
    main()
