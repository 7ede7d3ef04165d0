"""The first panels: choose frames with a preview; generate, and stop."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Sequence
from typing import Any, Protocol

import ipywidgets as widgets
import numpy as np

from fyp_course.panels.base import (
    BREATH,
    LIVE_PREVIEWS,
    WIDE,
    Folds,
    Panel,
    RunPanel,
    in_words,
    note,
    show_frames,
)
from fyp_course.show import asked_motion
from fyp_course.stage import Stage, caption_of
from fyp_course.stage.film import held
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

SKELETON, CHOSEN, EXPECTED, RESULT = "skeleton", "chosen now", "expected", "result"  # titles
SEEDS = 10_000  # from which a click draws one: few digits are easily told to somebody


def nothing(size: int) -> np.ndarray:
    """One black frame, `[1, size, size, 3]` uint8, where there are no frames to show."""
    return np.zeros((1, size, size, 3), np.uint8)


class SkeletonChooser(Protocol):
    """What a panel needs from whatever chooses its skeleton frames."""

    clip: Clip
    sliders: widgets.Widget
    caption: widgets.HTML

    @property
    def controls(self) -> Sequence[widgets.Widget]: ...

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
        self.stage = Stage({SKELETON: nothing(size)})
        self.caption = widgets.HTML()
        self.sliders = widgets.VBox([self.start_frame, self.frame_stride])
        self.view = widgets.VBox([self.stage, self.caption], layout={"width": "320px"})
        for slider in self.sliders.children:
            slider.layout.width = "420px"
            slider.observe(self._update, "value")
        self._update()
        super().__init__([self.sliders, self.view])

    @property
    def controls(self) -> Sequence[widgets.Widget]:
        """What changes the choice."""
        return self.start_frame, self.frame_stride

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
        videos = {SKELETON: prepared.frames}
        self.stage.show_videos(videos, prepared.fps, alt=f"Skeleton preview. {text}")

    def show_still(self) -> None:
        """Show the chosen frames."""
        show_frames(self.prepared.frames, "The panel's preview. " + self.caption.value)


class GenerateControls(RunPanel):
    """Prompt, seed, steps, guidance and pose; Generate, Stop, progress, and a stage.

    The stage shows the chosen skeleton at once, in a run what the model expects beside it, and then
    the result, with the last one before it. Where the controls no longer say what made the result,
    it is marked, and the frames that they choose now are shown beside it.

    Args:
        pipeline: makes the video.
        preview: chooses the skeleton frames; its sliders become part of this panel.
        prompt: what the prompt field starts with.

    Attributes:
        video: the last finished video `[f, h, w, 3]` uint8, `fps` its rate and `seconds` how long
            it took, None before.
        request: what that video was made from, None before.
        stage: where all of it is shown.
    """

    def __init__(
        self, pipeline: FollowYourPosePipeline, preview: SkeletonChooser, prompt: str = ""
    ) -> None:
        self.pipeline = pipeline
        self.video: np.ndarray | None = None
        self.fps: float | None = None
        self.seconds: float | None = None
        self.request: Request | None = None
        self._skeleton = nothing(pipeline.size)  # frames that the video was made from
        self._asked = ""  # their motion in words
        self._sampling = False
        self._make_bar("Generate")
        self._make_inputs(prompt)
        self.stage = Stage({SKELETON: self._skeleton}, overlay=(SKELETON, RESULT))
        super().__init__()
        self.set_preview(preview)
        sampling = self.steps, self.guidance_scale, self.pose_strength, self.pose_window
        self._watch_cost(*sampling)
        self._watch(self.prompt, self.seed, *sampling)

    def set_preview(self, preview: SkeletonChooser) -> None:
        """Take the skeleton frames from another chooser; what was made stays."""
        self.preview = preview
        words = widgets.HBox([self.prompt, self.seed, self.dice], layout={"flex_flow": "row wrap"})
        shown = self.bar, self.message, self.stage
        self.children = [preview.sliders, preview.caption, words, self.more, *shown]
        self._watch_cost(*preview.controls)
        for control in preview.controls:
            control.observe(self._show_chosen, "value")
        self._show_chosen()

    def _make_inputs(self, prompt: str) -> None:
        defaults = SampleSettings()
        self.prompt = widgets.Text(
            prompt,
            description="Prompt",
            placeholder="a panda on the sea",
            style=WIDE,
            layout={"width": "440px"},  # so that seed and dice fit beside it
        )
        self.prompt.on_msg(self._on_enter)
        self.seed = widgets.IntText(
            defaults.seed,
            description="Seed",
            style={"description_width": "50px"},
            layout={"width": "170px"},
        )
        self.dice = widgets.Button(
            description="Another seed", icon="random", layout={"width": "130px"}
        )
        self.dice.on_click(self._draw_seed)
        self._make_sampling(defaults)

    def _make_sampling(self, defaults: SampleSettings) -> None:
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
        self.pose_strength = widgets.FloatSlider(
            value=defaults.pose_strength,
            min=0,
            max=2,
            step=0.05,
            description="Pose strength",
            style=WIDE,
        )
        self.pose_window = widgets.FloatRangeSlider(
            value=(defaults.pose_start, defaults.pose_end),
            min=0,
            max=1,
            step=0.05,
            description="Pose window",
            style=WIDE,
        )
        sliders = self.steps, self.guidance_scale, self.pose_strength, self.pose_window
        for slider in sliders:
            slider.layout.width = "420px"
        self.more = Folds({"Sampling: steps, guidance and pose": widgets.VBox(sliders)})

    def show_still(self) -> None:
        """Show the chosen frames."""
        prepared = self.preview.prepared
        show_frames(prepared.frames, "The panel's preview. " + self.preview.caption.value)

    @property
    def sample_settings(self) -> SampleSettings:
        """What the fields for the sampler say; raises SettingsError as they may."""
        start, end = (round(value, 4) for value in self.pose_window.value)
        return SampleSettings(
            num_inference_steps=self.steps.value,
            guidance_scale=self.guidance_scale.value,
            seed=self.seed.value,
            pose_strength=self.pose_strength.value,
            pose_start=start,
            pose_end=end,
        )

    def current_request(self) -> Request:
        """What the panel's controls say now; raises SettingsError as they may."""
        return Request(
            self.prompt.value.strip(),
            self.preview.clip,
            clip_settings=self.preview.settings,
            sample_settings=self.sample_settings,
        )

    def _on_enter(self, _field: object, content: dict[str, Any], _buffers: object) -> None:
        if content.get("event") == "submit":
            self.generate_button.click()

    def _draw_seed(self, _button: widgets.Button) -> None:
        self.seed.value = random.choice([n for n in range(SEEDS) if n != self.seed.value])

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
        self._sampling, before = True, self.video
        self.stage.keep_before()
        try:
            await self._sample(request, prepared)
        finally:
            self._sampling = False
            if self.video is before:  # stopped: what would be its own "before" is still the result
                self.stage.forget_before()
            self._show_chosen()

    async def _sample(self, request: Request, prepared: PreparedClip) -> None:
        began = time.perf_counter()
        for step in self.pipeline.steps(
            request.prompt,
            prepared.frames,
            request.sample_settings,
            negative_prompt=request.negative_prompt,
        ):
            self._show_expected(step, prepared)
            done, total = step.index + 1, step.num_steps
            left = (time.perf_counter() - began) / done * (total - done)
            text = f"step {done} of {total}, about {left:.0f} s left"
            if not await self._breathe(done, total, text):
                return
        self.video, self.fps = self.pipeline.decode(step.latents)[0], prepared.fps
        self.request, self._skeleton = request, prepared.frames
        self.seconds = time.perf_counter() - began
        self._asked = asked_motion(prepared.frames)
        self.progress_label.value = f"done: {step.num_steps} steps in {self.seconds:.1f} s"

    def _cost(self) -> str:
        return cost_line(self.pipeline, self.preview.settings, self.sample_settings)

    def _show_expected(self, step: SampleStep, prepared: PreparedClip) -> None:
        total = step.num_steps
        if step.index % math.ceil(total / LIVE_PREVIEWS) == 0:
            frames = self.pipeline.decode(step.pred_x0)[0]
            text = f"What the model expects after step {step.index + 1} of {total}"
            videos = {SKELETON: prepared.frames, EXPECTED: frames}
            self.stage.show_videos(videos, prepared.fps, {EXPECTED: text}, text)

    def _show_chosen(self, _change: object = None) -> None:
        """Show the frames that are chosen, and the result where there is one."""
        if self._sampling:
            return
        try:
            chosen = self.preview.clip.preview(self.preview.settings, self.pipeline.size)
        except ClipError:  # the chooser explains it
            chosen = None
        if self.video is None or self.request is None:
            frames = nothing(self.pipeline.size) if chosen is None else chosen.frames
            fps = chosen.fps if chosen else None
            self.stage.show_videos({SKELETON: frames}, fps, alt=in_words(self.preview.caption))
            return
        request, fps = self.request, self.fps
        videos = {SKELETON: self._skeleton, RESULT: self.video}
        made = request.clip, request.clip_settings
        if chosen is not None and made != (self.preview.clip, self.preview.settings):
            alone = {title: held(video, len(chosen.frames)) for title, video in videos.items()}
            videos, fps = {CHOSEN: chosen.frames, **alone}, chosen.fps
        caption = caption_of(request.prompt, request.clip_settings, request.sample_settings)
        alt = f"Result: {caption}. {self._asked}".strip()
        self.stage.show_videos(videos, fps, {RESULT: caption}, alt)
        self._mark()

    def _watch(self, *controls: widgets.Widget) -> None:
        """Mark the result when these no longer say what made it."""
        for control in controls:
            control.observe(self._mark, "value")

    def _mark(self, _change: object = None) -> None:
        if self._sampling or self.request is None:
            return
        try:
            self.stage.stale = self.current_request() != self.request
        except ValueError:  # Generate will explain it
            self.stage.stale = True
