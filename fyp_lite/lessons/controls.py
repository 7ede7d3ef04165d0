"""Panels of core ipywidgets (7.7 and 8): choose frames with a preview, generate, stop.

A button starts an asyncio task that walks the sampling generator and lets the kernel breathe after
every step. So progress, live preview and Stop need no threads: a click is handled at the end of the
step that is running.
"""

from __future__ import annotations

import asyncio
import html
import math
import time

import ipywidgets as widgets
import numpy as np
import traitlets
from IPython.display import display

from fyp_lite.clip import Clip, ClipError, PreparedClip, choose_frames, prepare_clip
from fyp_lite.lessons.show import show_sheet, stills_only, video_html
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.sampling import SampleStep
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.skeleton import check_skeleton_frames
from fyp_lite.video import encode_webp

PICTURE = "256px"  # width of a preview and of a result
WIDE = {"description_width": "110px"}
LIVE_PREVIEWS = 4  # decoded predictions per run
MAX_PREVIEW_FPS = 60  # what screens show
# Seconds for the kernel between steps. A click passes several turns of its event loop before it is
# handled; with sleep(0), which is one turn, Stop comes about four steps late.
BREATH = 0.002


class Picture(widgets.Image):
    """An animated WebP that is replaced without a blank frame, with a text for screen readers."""

    # ipywidgets 8 shows the text (`tooltip`) as the picture's title, for widgets with an empty
    # description only; its own Image has none. ipywidgets 7 leaves the text out.
    description = traitlets.Unicode("").tag(sync=True)

    def __init__(self) -> None:
        super().__init__(format="webp", layout={"width": PICTURE, "height": PICTURE})

    def play(self, frames: np.ndarray, fps: float, text: str) -> None:
        """Show `frames` `[f, h, w, 3]` uint8 in a loop; `text` says what is seen."""
        self.value = encode_webp(frames, min(fps, MAX_PREVIEW_FPS))
        self.tooltip = text


class ClipPreview(widgets.VBox):
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
            prepared = self.prepared
        except ClipError as error:
            self.caption.value = _note(str(error), "error")
            return
        last, seconds = prepared.indices[-1], between / prepared.fps
        text = (
            f"Frames {', '.join(map(str, prepared.indices[:3]))} … {last} of "
            f"{self.clip.num_frames}: {seconds:.1f} s of motion in {chosen.num_frames} pictures"
        )
        self.caption.value = text
        self.picture.play(prepared.frames, prepared.fps, f"Skeleton preview. {text}")

    def show(self) -> None:
        """Show the panel, or its frames where stills take the place of widgets."""
        _show(self, self.prepared.frames, "The panel's preview. " + self.caption.value)


class GenerateControls(widgets.VBox):
    """Prompt, seed, steps and guidance; Generate, Stop, progress, live preview and the video.

    Args:
        pipeline: makes the video.
        preview: chooses the skeleton frames; its sliders become part of this panel.
        prompt: what the prompt field starts with.

    Attributes:
        video: the last finished video `[f, h, w, 3]` uint8 and `fps` its rate, None before.
        settings: (prompt, ClipSettings, SampleSettings) of that video, None before.
        task: the running or last run, to be awaited in a test.
    """

    def __init__(
        self, pipeline: FollowYourPosePipeline, preview: ClipPreview, prompt: str = ""
    ) -> None:
        self.pipeline, self.preview = pipeline, preview
        self.video: np.ndarray | None = None
        self.fps: float | None = None
        self.settings: tuple[str, ClipSettings, SampleSettings] | None = None
        self.task: asyncio.Task[None] | None = None
        self._stopped = False
        self._make_inputs(prompt)
        self._make_outputs()
        buttons = widgets.HBox(
            [self.generate_button, self.stop_button, self.progress, self.progress_label]
        )
        views = widgets.HBox([preview.view, self.result], layout={"flex_flow": "row wrap"})
        words = widgets.HBox([self.prompt, self.seed], layout={"flex_flow": "row wrap"})
        super().__init__([preview.sliders, words, self.more, buttons, self.message, views])

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

    def _make_outputs(self) -> None:
        self.generate_button = widgets.Button(
            description="Generate", button_style="primary", icon="play"
        )
        self.generate_button.on_click(self._on_generate)
        self.stop_button = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.stop_button.on_click(self._on_stop)
        self.progress = widgets.IntProgress(0, 0, 1, layout={"width": "190px"})
        self.progress_label = widgets.Label("ready")
        self.message = widgets.HTML()
        self.live = Picture()
        self.player = widgets.HTML()
        self.result = widgets.VBox([], layout={"width": "290px"})

    def show(self) -> None:
        """Show the panel, or its frames where stills take the place of widgets."""
        _show(
            self, self.preview.prepared.frames, "The panel's preview. " + self.preview.caption.value
        )

    def _on_generate(self, _button: widgets.Button) -> None:
        self.task = asyncio.get_running_loop().create_task(self.generate())

    def _on_stop(self, _button: widgets.Button) -> None:
        self._stopped = True

    async def generate(self) -> None:
        """Make a video from what the panel says; a value that cannot be used is explained in it."""
        self._stopped = False
        self.generate_button.disabled, self.stop_button.disabled = True, False
        self.progress.value, self.progress_label.value, self.message.value = 0, "starting", ""
        try:
            await self._run()
        except ValueError as error:
            self.progress_label.value = "not started"
            self.message.value = _note(str(error), "error")
        except Exception as error:
            self.progress_label.value = "failed"
            self.message.value = _note(f"{type(error).__name__}: {error}", "error")
            raise
        finally:
            self.generate_button.disabled, self.stop_button.disabled = False, True

    async def _run(self) -> None:
        prompt, chosen = self.prompt.value.strip(), self.preview.settings
        if not prompt:
            raise ValueError("The prompt is empty: say what to draw, such as 'a panda on the sea'.")
        sampling = SampleSettings(
            num_inference_steps=self.steps.value,
            guidance_scale=self.guidance_scale.value,
            seed=self.seed.value,
        )
        prepared = self.preview.prepared
        check_skeleton_frames(prepared.frames)
        self.message.value = self._unknown_words(prompt)
        self.progress.max = sampling.num_inference_steps
        await asyncio.sleep(BREATH)

        began = time.perf_counter()
        for step in self.pipeline.steps(prompt, prepared.frames, sampling):
            self._show_step(step, prepared.fps, time.perf_counter() - began)
            await asyncio.sleep(BREATH)
            if self._stopped:
                self.progress_label.value = f"stopped after step {step.index + 1}"
                return
        self.video, self.fps = self.pipeline.decode(step.latents)[0], prepared.fps
        self.settings = prompt, chosen, sampling
        self.player.value = video_html(self.video, self.fps, f"{prompt}, seed {sampling.seed}")
        self.result.children = [self.player]
        seconds = time.perf_counter() - began
        self.progress_label.value = f"done: {step.num_steps} steps in {seconds:.1f} s"

    def _show_step(self, step: SampleStep, fps: float, seconds: float) -> None:
        done, total = step.index + 1, step.num_steps
        self.progress.value = done
        left = seconds / done * (total - done)
        self.progress_label.value = f"step {done} of {total}, about {left:.0f} s left"
        if step.index % math.ceil(total / LIVE_PREVIEWS) == 0:
            frames = self.pipeline.decode(step.pred_x0)[0]
            self.live.play(frames, fps, f"What the model expects after step {done} of {total}")
            self.result.children = [self.live]

    def _unknown_words(self, prompt: str) -> str:
        sentences = []
        for word, near in self.pipeline.unknown_words(prompt).items():
            hint = f": did you mean {' or '.join(near)}?" if near else "."
            sentences.append(f"The model does not know the word “{word}”{hint}")
        return _note(" ".join(sentences), "hint") if sentences else ""


def _note(text: str, kind: str) -> str:
    colour = {"error": "#b3261e", "hint": "#7a5900"}[kind]
    return f'<span role="status" style="color:{colour}">{html.escape(text)}</span>'


def _show(panel: widgets.Widget, frames: np.ndarray, title: str) -> None:
    if stills_only():
        show_sheet(frames, title)
    else:
        display(panel)
