"""The step scrubber: run once, then look at each step: what the network saw, what it expected."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
from PIL import Image
from torch import Tensor

from fyp_course.panels.base import WIDE, Picture, RunPanel
from fyp_course.stills import show_picture
from fyp_lite.cost import cost_line
from fyp_lite.drawing import DIM, INK, LIT, PAPER, Word, letter
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.skeleton import check_skeleton_frames

STILL = 104  # pixels, a picture in a strip
MAX_STILLS = 8  # steps in a strip


@dataclass(frozen=True)
class StepView:
    """One step of the sampler, as the network had it before it.

    index: 0 for the first of num_steps. timestep: of the schedule. noise_share: how much of the
    latents' variance is noise, 0 to 1 (1 - alpha_cumprod). latents: what the network saw, and
    pred_x0: the clean latents that it expected, both `[1, c, f, h, w]`. seen, expected: the middle
    frame of the two, decoded, `[h, w, 3]` uint8. result: latents after the step.
    """

    index: int
    num_steps: int
    timestep: int
    noise_share: float
    latents: Tensor
    pred_x0: Tensor
    seen: np.ndarray
    expected: np.ndarray
    result: Tensor


def watch_steps(
    pipeline: FollowYourPosePipeline,
    prompt: str,
    skeleton_frames: np.ndarray,
    settings: SampleSettings,
) -> Iterator[StepView]:
    """Sample as `pipeline.steps` does, with a decoded middle frame before and after each step."""
    steps = pipeline.steps(prompt, skeleton_frames, settings)
    middle = slice(len(skeleton_frames) // 2, len(skeleton_frames) // 2 + 1)
    alphas = pipeline.scheduler.alphas_cumprod
    for step in steps:
        yield StepView(
            step.index,
            step.num_steps,
            step.timestep,
            float(1 - alphas[step.timestep]),
            step.latents_before,
            step.pred_x0,
            pipeline.decode(step.latents_before[:, :, middle])[0][0],
            pipeline.decode(step.pred_x0[:, :, middle])[0][0],
            step.latents,
        )


def draw_strip(steps: Sequence[StepView]) -> np.ndarray:
    """Up to eight steps from left to right: what the network saw, and what it expected.

    Args:
        steps: at least one, as `watch_steps` yields them.

    Returns:
        a picture `[H, W, 3]` uint8 RGB.
    """
    if not steps:
        raise ValueError("there are no steps to draw: run the sampler first.")
    chosen = np.linspace(0, len(steps) - 1, min(len(steps), MAX_STILLS)).round().astype(int)
    left, top, gap = 92, 44, 6
    height = top + 2 * (STILL + gap) + 6
    canvas = np.full((height, left + len(chosen) * (STILL + gap) + 8, 3), PAPER, np.uint8)
    rows = [top, top + STILL + gap]
    words = [
        Word(12, rows[0] + STILL / 2 - 8, "the network", DIM, 12, "lm"),
        Word(12, rows[0] + STILL / 2 + 8, "sees", INK, 12, "lm", True),
        Word(12, rows[1] + STILL / 2 - 8, "and", DIM, 12, "lm"),
        Word(12, rows[1] + STILL / 2 + 8, "expects", LIT, 12, "lm", True),
    ]
    for column, number in enumerate(chosen):
        view, x = steps[number], left + column * (STILL + gap)
        for y, picture in zip(rows, (view.seen, view.expected), strict=True):
            small = Image.fromarray(picture).resize((STILL, STILL), Image.Resampling.LANCZOS)
            canvas[y : y + STILL, x : x + STILL] = np.asarray(small)
        words += [
            Word(x + STILL / 2, 14, f"step {view.index + 1}", INK, 12, "mm", True),
            Word(x + STILL / 2, 31, f"{view.noise_share:.0%} noise", DIM, 11),
        ]
    return letter(canvas, words)


class StepScrubber(RunPanel):
    """Run a prompt once, then scrub through its steps.

    Args:
        pipeline: makes the video.
        skeleton_frames: `[f, h, w, 3]` uint8 on black, as `prepare_clip` makes them.
        prompt, settings: of the run.
        fps: of the finished video.

    Attributes:
        steps: a StepView for each step of the last run, also of one that was stopped.
        video: the finished video `[f, h, w, 3]` uint8, None before.
    """

    def __init__(
        self,
        pipeline: FollowYourPosePipeline,
        skeleton_frames: np.ndarray,
        prompt: str,
        settings: SampleSettings | None = None,
        fps: float = 8.0,
    ) -> None:
        check_skeleton_frames(skeleton_frames)
        self.pipeline, self.skeleton_frames, self.fps = pipeline, skeleton_frames, fps
        self.prompt, self.settings = prompt, settings or SampleSettings()
        self.steps: list[StepView] = []
        self.video: np.ndarray | None = None
        self._make_bar("Run all steps")
        self.step = widgets.IntSlider(1, 1, 1, description="Step", style=WIDE, disabled=True)
        self.step.layout.width = "560px"
        self.step.observe(self._show_step, "value")
        self.caption = widgets.HTML(
            f"Press the button: “{html.escape(prompt)}” in "
            f"{self.settings.num_inference_steps} steps. Then drag the slider."
        )
        self.seen, self.expected, self.result = Picture(), Picture(), Picture()
        views = widgets.HBox([], layout={"flex_flow": "row wrap"})
        titles = ("What the network sees", "What it expects (pred_x0)", "The finished video")
        self._views, self._figures = (
            views,
            [
                widgets.VBox([widgets.Label(title), picture])
                for title, picture in zip(
                    titles, (self.seen, self.expected, self.result), strict=True
                )
            ],
        )
        self._cost_soon()
        super().__init__([self.bar, self.message, self.step, self.caption, views])

    def _cost(self) -> str:
        frames = ClipSettings(num_frames=len(self.skeleton_frames))
        return cost_line(self.pipeline, frames, self.settings)

    async def _run(self) -> None:
        self.steps, self.video = [], None
        self._views.children = self._figures[:2]
        self.step.disabled = True
        began = time.perf_counter()
        for view in watch_steps(self.pipeline, self.prompt, self.skeleton_frames, self.settings):
            self.steps.append(view)
            self._follow()
            left = (
                (time.perf_counter() - began) / len(self.steps) * (view.num_steps - len(self.steps))
            )
            text = f"step {len(self.steps)} of {view.num_steps}, about {left:.0f} s left"
            if not await self._breathe(len(self.steps), view.num_steps, text):
                return
        self.video = self.pipeline.decode(view.result)[0]
        self.result.play(self.video, self.fps, f"The finished video: {self.prompt}")
        self._views.children = self._figures
        self.progress_label.value = f"done in {time.perf_counter() - began:.1f} s: now scrub"

    def _follow(self) -> None:
        """Show the newest step, and let the slider reach it."""
        self.step.disabled = False
        self.step.max = max(1, len(self.steps))
        self.step.value = len(self.steps)
        self._show_step()

    def _show_step(self, _change: object = None) -> None:
        if not self.steps:
            return
        view = self.steps[self.step.value - 1]
        text = f"step {view.index + 1} of {view.num_steps}"
        self.seen.draw(view.seen, f"What the network sees in {text}")
        self.expected.draw(view.expected, f"What the network expects in {text}")
        self.caption.value = (
            f"<b>Step {view.index + 1} of {view.num_steps}</b> · timestep {view.timestep} · "
            f"{view.noise_share:.0%} of what the network sees is noise"
        )

    def show_still(self) -> None:
        """Show a strip of all steps."""
        steps = self.steps or list(
            watch_steps(self.pipeline, self.prompt, self.skeleton_frames, self.settings)
        )
        text = f"what the network sees and expects, step by step: {self.prompt}"
        show_picture(draw_strip(steps), f"{len(steps)} steps, {text}")
