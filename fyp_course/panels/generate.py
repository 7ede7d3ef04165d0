"""The first panels: choose frames with a preview; generate, and stop."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Protocol

import ipywidgets as widgets
import numpy as np

from fyp_course.panels.base import (
    BREATH,
    LIVE_PREVIEWS,
    WIDE,
    Panel,
    Picture,
    RunPanel,
    note,
    show_frames,
)
from fyp_course.show import asked_motion, describe, motion_reduced, video_html
from fyp_lite.advice import prompt_advice
from fyp_lite.clip import Clip, ClipError
from fyp_lite.cost import cost_line
from fyp_lite.cropping import PreparedClip, choose_frames
from fyp_lite.opening import prepare_clip
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.request import Request
from fyp_lite.sampling import SampleStep
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.skeleton import check_skeleton_frames


class SkeletonChooser(Protocol):
    """What a panel needs from whatever chooses its skeleton frames."""

    clip: Clip
    sliders: widgets.Widget
    view: widgets.Widget
    caption: widgets.HTML

    @property
    def settings(self) -> ClipSettings: ...

    @property
    def prepared(self) -> PreparedClip: ...


class ClipPreview(Panel):
    """Sliders for start frame and stride over a looping preview of the frames that they choose.

    The sliders' ends follow the clip: each reaches as far as the other leaves frames for. Moving
    one updates the preview at once.

    Args:
        clip: an open clip, which the preview reads from as long as it lives.
        size: height and width of the preview and of `prepared`, in pixels.
        settings: where the sliders start; the crop and the number of frames stay as they are.

    Raises ClipError where the clip is too short for `settings`.
    """

    def __init__(self, clip: Clip, size: int, settings: ClipSettings | None = None) -> None:
        self.clip, self.size = clip, size
        self._given = settings or ClipSettings()
        choose_frames(clip, self._given)
        self.start_frame = widgets.IntSlider(
            self._given.start_frame,
            0,
            self._given.start_frame,
            description="Start frame",
            style=WIDE,
        )
        self.frame_stride = widgets.IntSlider(
            self._given.frame_stride, 1, self._given.frame_stride, description="Stride", style=WIDE
        )
        self.picture = Picture()
        self.caption = widgets.HTML()
        self.sliders = widgets.VBox([self.start_frame, self.frame_stride])
        self.view = widgets.VBox([self.picture, self.caption], layout={"width": "280px"})
        for slider in self.sliders.children:
            slider.layout.width = "420px"
            slider.observe(self._update, "value")
        self._update()
        super().__init__([self.sliders, self.view])

    @property
    def settings(self) -> ClipSettings:
        """What the sliders say."""
        chosen = {"start_frame": self.start_frame.value, "frame_stride": self.frame_stride.value}
        return ClipSettings(**(self._given.to_dict() | chosen))

    @property
    def prepared(self) -> PreparedClip:
        """The chosen frames, cropped and resized to `size`, ready for the pipeline."""
        return prepare_clip(self.clip, self.settings, self.size)

    def _update(self, _change: object = None) -> None:
        chosen = self.settings
        between = chosen.num_frames - 1
        self.start_frame.max = self.clip.num_frames - 1 - between * chosen.frame_stride
        room = self.clip.num_frames - 1 - chosen.start_frame
        self.frame_stride.max = room // between if between else max(1, room)
        try:
            prepared = self.clip.preview(self.settings, self.size)
        except ClipError as error:
            self.caption.value = note(str(error), "error")
            return
        last, seconds = prepared.indices[-1], between / prepared.fps
        text = (
            f"Frames {', '.join(map(str, prepared.indices[:3]))} … {last} of "
            f"{self.clip.num_frames}: {seconds:.1f} s of motion in {chosen.num_frames} pictures"
        )
        self.caption.value = text
        self.picture.play(prepared.frames, prepared.fps, f"Skeleton preview. {text}")

    def show_still(self) -> None:
        """Show the chosen frames."""
        show_frames(self.prepared.frames, "The panel's preview. " + self.caption.value)


class GenerateControls(RunPanel):
    """Prompt, seed, steps and guidance; Generate, Stop, progress, live preview and the video.

    Args:
        pipeline: makes the video.
        preview: chooses the skeleton frames; its sliders become part of this panel.
        prompt: what the prompt field starts with.

    Attributes:
        video: the last finished video `[f, h, w, 3]` uint8, `fps` its rate and `seconds` how long
            it took, None before.
        request: what that video was made from, None before.
    """

    def __init__(
        self, pipeline: FollowYourPosePipeline, preview: SkeletonChooser, prompt: str = ""
    ) -> None:
        self.pipeline = pipeline
        self.video: np.ndarray | None = None
        self.fps: float | None = None
        self.seconds: float | None = None
        self.request: Request | None = None
        self._make_bar("Generate")
        self._make_inputs(prompt)
        self.live = Picture()
        self.player = widgets.HTML()
        self.result = widgets.VBox([], layout={"width": "290px"})
        super().__init__()
        self.set_preview(preview)
        self._watch_cost(self.steps, self.guidance_scale)

    def set_preview(self, preview: SkeletonChooser) -> None:
        """Take the skeleton frames from another chooser; what was made stays."""
        self.preview = preview
        views = widgets.HBox([preview.view, self.result], layout={"flex_flow": "row wrap"})
        words = widgets.HBox([self.prompt, self.seed], layout={"flex_flow": "row wrap"})
        self.children = [preview.sliders, words, self.more, self.bar, self.message, views]

    def _make_inputs(self, prompt: str) -> None:
        defaults = SampleSettings()
        self.prompt = widgets.Text(
            prompt,
            description="Prompt",
            placeholder="a panda on the sea",
            style=WIDE,
            layout={"width": "560px"},
        )
        self.seed = widgets.IntText(
            defaults.seed,
            description="Seed",
            style={"description_width": "50px"},
            layout={"width": "170px"},
        )
        self.steps = widgets.IntSlider(
            defaults.num_inference_steps, 1, 50, description="Steps", style=WIDE
        )
        self.guidance_scale = widgets.FloatSlider(
            value=self.pipeline.guidance_scale(defaults),
            min=0,
            max=20,
            step=0.5,
            description="Guidance scale",
            style=WIDE,
        )
        for slider in (self.steps, self.guidance_scale):
            slider.layout.width = "420px"
        self.more = widgets.Accordion(
            [widgets.VBox([self.steps, self.guidance_scale])],
            selected_index=None,
            layout={"width": "560px"},
        )
        self.more.set_title(0, "Sampling: steps and guidance")

    def show_still(self) -> None:
        """Show the chosen frames."""
        prepared = self.preview.prepared
        show_frames(prepared.frames, "The panel's preview. " + self.preview.caption.value)

    @property
    def sample_settings(self) -> SampleSettings:
        """What the fields for the sampler say; raises SettingsError as they may."""
        return SampleSettings(
            num_inference_steps=self.steps.value,
            guidance_scale=self.guidance_scale.value,
            seed=self.seed.value,
        )

    def current_request(self) -> Request:
        """What the panel's controls say now; raises SettingsError as they may."""
        return Request(
            self.prompt.value.strip(),
            self.preview.clip,
            clip_settings=self.preview.settings,
            sample_settings=self.sample_settings,
        )

    async def _run(self) -> None:
        request = self.current_request()
        if not request.prompt:
            raise ValueError("The prompt is empty: say what to draw, such as 'a panda on the sea'.")
        prepared = self.preview.prepared
        check_skeleton_frames(prepared.frames)
        words = request.prompt, prepared.frames, request.negative_prompt
        advice = prompt_advice(self.pipeline, *words, request.sample_settings)
        self.message.value = note(" ".join(advice), "hint") if advice else ""
        await asyncio.sleep(BREATH)

        began = time.perf_counter()
        for step in self.pipeline.steps(
            request.prompt,
            prepared.frames,
            request.sample_settings,
            negative_prompt=request.negative_prompt,
        ):
            self._show_expected(step, prepared.fps)
            done, total = step.index + 1, step.num_steps
            left = (time.perf_counter() - began) / done * (total - done)
            text = f"step {done} of {total}, about {left:.0f} s left"
            if not await self._breathe(done, total, text):
                return
        self.video, self.fps = self.pipeline.decode(step.latents)[0], prepared.fps
        self.request = request
        self.seconds = time.perf_counter() - began
        title = f"{request.prompt}, seed {request.sample_settings.seed}"
        self._play(self.video, prepared.fps, title, asked_motion(prepared.frames))
        self.progress_label.value = f"done: {step.num_steps} steps in {self.seconds:.1f} s"

    def _play(self, video: np.ndarray, fps: float, title: str, asked: str) -> None:
        if motion_reduced():
            self.live.play(video, fps, describe(title, video, fps, asked))
            self.result.children = [self.live]
        else:
            self.player.value = video_html(video, fps, title, asked)
            self.result.children = [self.player]

    def _cost(self) -> str:
        return cost_line(self.pipeline, self.preview.settings, self.sample_settings)

    def _show_expected(self, step: SampleStep, fps: float) -> None:
        total = step.num_steps
        if step.index % math.ceil(total / LIVE_PREVIEWS) == 0:
            frames = self.pipeline.decode(step.pred_x0)[0]
            done = step.index + 1
            self.live.play(frames, fps, f"What the model expects after step {done} of {total}")
            self.result.children = [self.live]
