"""The playground: every setting in one panel, two results side by side, sweeps, and run cards."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets

import fyp_lite
from fyp_course.panels.base import WIDE, Folds, close_all, note
from fyp_course.panels.clip_picker import ClipPicker, starting_settings
from fyp_course.panels.compare import Comparison, Share
from fyp_course.panels.generate import GenerateControls, SkeletonChooser
from fyp_course.panels.lens import CropLens
from fyp_course.panels.ruler import FrameRuler
from fyp_course.panels.sweep import SweepPanel
from fyp_course.visit import Visit
from fyp_lite.cards.card import CardError, RunCard, make_card, read_card
from fyp_lite.clip import Clip, ClipError
from fyp_lite.cropping import PreparedClip, choose_frames
from fyp_lite.files.hashes import file_hash
from fyp_lite.keypoints.advice import clip_advice
from fyp_lite.opening import open_clip
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings

# Of SampleSettings, by the panel:
CONTROLLED = (
    *("num_inference_steps", "guidance_scale", "seed"),
    *("pose_strength", "pose_start", "pose_end"),
)
TIME, SPACE = "Time: which frames", "Space: which part"


class ClipChooser:
    """Which frames of a clip, and which part of them: a ruler and a lens that know each other.

    Args:
        clip: an open clip.
        size: height and width of `prepared`, in pixels.
        wanted: where the sliders start, as far as the clip goes.
    """

    def __init__(self, clip: Clip, size: int, wanted: ClipSettings) -> None:
        start = starting_settings(clip.num_frames, wanted)
        self.clip = clip
        self.ruler, self.lens = FrameRuler(clip, start, size), CropLens(clip, start, size)
        self.caption = self.ruler.caption
        self.sliders = Folds({TIME: self.ruler.sliders, SPACE: self.lens}, TIME)
        self.sliders.buttons[SPACE].observe(self._look, "value")
        for control in (*self.lens.crops.values(), self.lens.pad):
            control.observe(lambda _change: self.ruler.follow(self.lens.settings), "value")

    @property
    def controls(self) -> Sequence[widgets.Widget]:
        """What changes the choice."""
        return *self.ruler.controls, *self.lens.controls

    @property
    def settings(self) -> ClipSettings:
        """What the sliders of both say; it need not fit the clip."""
        return self.ruler.settings  # the crop follows the lens

    @property
    def prepared(self) -> PreparedClip:
        """The chosen frames, cropped and resized; raises ClipError where the settings don't fit."""
        return self.ruler.prepared

    def restore(self, settings: ClipSettings) -> None:
        """Move all sliders to `settings`, which must fit the clip."""
        for name in ("start_frame", "frame_stride", "num_frames"):
            _move(getattr(self.ruler, name), getattr(settings, name))
        for side, slider in self.lens.crops.items():
            _move(slider, getattr(settings, f"crop_{side}"))
        self.lens.pad.value = settings.pad == "auto"
        self.lens.follow(settings)

    def _look(self, _change: object = None) -> None:
        """Turn the lens to the ruler's frames; not at its every move, as reading joints is slow."""
        try:
            self.lens.follow(self.ruler.settings)
        except ClipError as error:
            self.lens.caption.value = note(str(error), "error")


def uncontrolled(settings: SampleSettings) -> str:
    """A setting that differs from its default and that the panel lacks, as “eta is 0.5”; or ""."""
    for name, usual in SampleSettings().to_dict().items():
        value = getattr(settings, name)
        if name not in CONTROLLED and value != usual:
            return f"{name} is {value}"
    return ""


def _move(slider: widgets.Widget, value: float) -> None:
    slider.max = max(slider.max, value)
    slider.value = value


class Playground(GenerateControls):
    """Every setting in one panel, with comparison, sweeps, saving and run cards below it.

    Args:
        pipeline: makes the videos.
        prompt: what the prompt field starts with.
        folder: where results and sweeps are saved at first.
        visit: limits, where this is served to visitors: clips are bundled or uploaded, results
            are downloaded, and nobody chooses a folder.

    Attributes:
        card: the RunCard of the last finished video, None before.
    """

    def __init__(
        self,
        pipeline: FollowYourPosePipeline,
        prompt: str = "a panda on the sea",
        folder: str | Path = ".",
        visit: Visit | None = None,
    ) -> None:
        self.card: RunCard | None = None
        self._visit = visit
        self.picker = ClipPicker(self.use, visit)
        presets = sorted((fyp_lite.data_dir() / "presets").glob("*.json"))
        self.preset = widgets.Dropdown(
            options=[("none", ""), *((path.stem.replace("_", " "), path) for path in presets)],
            description="Preset",
            style=WIDE,
        )
        self.preset.observe(self._take_preset, "value")
        self.negative_prompt = widgets.Text(
            description="Negative",
            placeholder="what to lead away from; empty for nothing",
            style=WIDE,
            layout={"width": "560px"},
        )
        self.compare = Comparison()
        self.share = Share(self.restore, None if visit else Path(folder))
        self.sweep = SweepPanel(pipeline, self.current_request, Path(folder) / "sweep", visit)
        self.save_keypoints = widgets.Button(
            description="Save skeleton of the raw video (JSON)",
            icon="download",
            disabled=True,
            layout={"width": "auto"},
        )
        self.save_keypoints.on_click(self._save_keypoints)
        share = widgets.VBox([self.share, widgets.HBox([self.save_keypoints])])
        self.extras = Folds(
            {"Compare A and B": self.compare, "Sweep": self.sweep, "Save and share": share}
        )
        self.chooser = ClipChooser(self.picker.clip, pipeline.size, ClipSettings())
        super().__init__(pipeline, self.chooser, prompt)
        self._watch_cost(self.negative_prompt)
        self._watch(self.negative_prompt, self.picker.input_type)

    def use(self, clip: Clip) -> None:
        """Choose frames from this clip from now on; what was made stays."""
        before = self.chooser
        self.chooser = ClipChooser(clip, self.pipeline.size, before.settings)
        self.set_preview(self.chooser)
        for panel in (before.sliders, before.ruler, before.lens):
            close_all(panel)
        people = self.picker.extraction.keypoints
        self.save_keypoints.disabled = people is None
        if people is not None:
            with suppress(ClipError):  # sliders that do not fit are explained below them
                advice = clip_advice(people, self.chooser.settings, "sliders")
                self.message.value = note(" ".join(advice), "hint") if advice else ""

    def set_preview(self, preview: SkeletonChooser) -> None:
        """Lay the panel out around another chooser."""
        super().set_preview(preview)
        sliders, caption, words, *rest = self.children
        self.children = [
            self.preset,
            self.picker,
            sliders,
            caption,
            words,
            self.negative_prompt,
            *rest,
            self.extras,
        ]

    def current_request(self) -> Request:
        self.picker.check()
        return replace(
            super().current_request(),
            negative_prompt=self.negative_prompt.value.strip(),
            input_type="raw" if self.picker.input_type.value == "raw" else "auto",
            redraw=self.picker.redrawn,
        )

    async def _run(self) -> None:
        before = self.video
        if self._visit:
            self._visit.check_run(self.current_request())
            self._visit.begin(1)
        await super()._run()
        if self.video is before or self.video is None or self.request is None:
            return  # stopped
        self.card = make_card(self.pipeline, self.request, self.video, self.seconds or 0.0)
        for panel in (self.compare, self.share):
            panel.offer(self.card, self.video)

    def _cost(self) -> str:
        if self._visit:  # as the estimate makes two steps itself
            self._visit.check_run(self.current_request())
        return super()._cost()

    def restore(self, card: RunCard) -> None:
        """Set every control as on a run card.

        The people of a raw video are found again, or come from where they were kept.

        Raises CardError where its clip is neither bundled nor open, or where it has something
        that this panel has no control for; KeypointsError where its detector is not ready here.
        """
        request, name = card.request, Path(card.request.clip_name).name
        if other := uncontrolled(request.sample_settings):
            raise CardError(
                f"The card's {other}, and this panel has no control for it: use card.run(pipeline) "
                "in a cell."
            )
        self._open_bundled(name)
        clip = self.chooser.clip
        if clip.path.name != name or file_hash(clip.path) != card.made.clip_hash:
            fix = "upload it" if self._visit else "open it by its path"
            raise CardError(
                f"The card was made with the clip {name}, which is not the one that is open "
                f"here: {fix}, then restore again."
            )
        choose_frames(clip, request.clip_settings)
        self.picker.suit(card.detector)
        self._set(request)

    def take_preset(self, path: Path) -> None:
        """Set every control as in a preset, with defaults for what it leaves out.

        Raises ValueError for a file that cannot be used here; then no control has moved.
        """
        usual = {"prompt": self.prompt.value, "clip": self.chooser.clip.path.name}
        preset = Request.from_dict(usual | read_card(path))
        name = preset.clip_name
        other = uncontrolled(preset.sample_settings)
        other = other or (f"clip is {name}" if name not in self.picker.names else "")
        if other:
            raise ValueError(f"{path.name} cannot be taken: its {other}, which this panel lacks.")
        with open_clip(fyp_lite.data_dir() / "clips" / name) as clip:
            choose_frames(clip, preset.clip_settings)
        self._open_bundled(name)
        self.picker.suit(None)
        self._set(preset)

    def _take_preset(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.message.value = ""
            try:
                self.take_preset(change["new"])
            except ValueError as error:
                self.message.value = note(str(error), "error")

    def _open_bundled(self, name: str) -> None:
        if self.chooser.clip.path.name != name and name in self.picker.names:
            self.picker.bundled.value = fyp_lite.data_dir() / "clips" / name

    def _set(self, request: Request) -> None:
        sampling = request.sample_settings
        self.chooser.restore(request.clip_settings)
        self.prompt.value, self.negative_prompt.value = request.prompt, request.negative_prompt
        _move(self.steps, sampling.num_inference_steps)
        _move(self.guidance_scale, self.pipeline.guidance_scale(sampling))
        self.seed.value = sampling.seed
        _move(self.pose_strength, sampling.pose_strength)
        self.pose_window.value = (sampling.pose_start, sampling.pose_end)

    def _save_keypoints(self, _button: widgets.Button) -> None:
        people = self.picker.extraction.keypoints
        assert people is not None  # the button is disabled before
        self.share.keep("_keypoints.json", people.save)

    def _opens(self) -> None:
        for panel in (self, self.sweep):
            panel._cost_soon()

    def show_still(self) -> None:
        """Show its ruler and its lens."""
        self.chooser.ruler.show_still()
        self.chooser.lens.show_still()
