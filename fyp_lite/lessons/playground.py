"""The playground: every setting in one panel, two results side by side, sweeps, and run cards."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
from IPython.display import display

import fyp_lite
from fyp_lite.clip import Clip, ClipError, PreparedClip, choose_frames, open_clip
from fyp_lite.hashes import file_hash
from fyp_lite.lessons.controls import WIDE, GenerateControls, Picture, SkeletonChooser, note
from fyp_lite.lessons.lens import CropLens
from fyp_lite.lessons.ruler import FrameRuler
from fyp_lite.lessons.runcard import CardError, RunCard, make_card
from fyp_lite.lessons.show import stills_only
from fyp_lite.lessons.sweep import Given, SweepPanel
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.sampling import SampleStep
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.video import write_video

RAW_NEEDS = (
    "A raw video shows people, and the model reads skeletons: extract the skeleton first (lesson "
    "01 shows how), store it as a video, and open that one here with the input type “skeleton”."
)


class ClipPicker(widgets.VBox):
    """Input type, and which clip: a bundled one, any path, or an upload.

    Args:
        opened: called with each clip that could be opened; the one before is then closed.
    """

    def __init__(self, opened: Callable[[Clip], None]) -> None:
        self._opened = opened
        self._uploads = tempfile.TemporaryDirectory(prefix="fyp_lite_")
        bundled = sorted((fyp_lite.data_dir() / "clips").glob("*.mp4"))
        self.input_type = widgets.Dropdown(
            options=["skeleton", "raw"], description="Input type", style=WIDE
        )
        self.bundled = widgets.Dropdown(
            options=[("your own", None), *((path.stem, path) for path in bundled)],
            value=next(path for path in bundled if path.stem == "dance"),
            description="Clip",
            style=WIDE,
        )
        self.path = widgets.Text(
            description="Path",
            placeholder="any video file, then Enter",
            continuous_update=False,
            style=WIDE,
            layout={"width": "420px"},
        )
        self.upload = widgets.FileUpload(
            accept=".mp4,.webm,.mov,.avi,.mkv,.gif,.webp", multiple=False, description="Upload"
        )
        self.message = widgets.HTML()
        self.input_type.observe(self._explain, "value")
        self.bundled.observe(lambda change: self._open(change["new"]), "value")
        self.path.observe(lambda change: self._open(change["new"].strip()), "value")
        self.upload.observe(self._take_upload, "value")
        own = widgets.HBox([self.path, self.upload], layout={"flex_flow": "row wrap"})
        super().__init__([self.input_type, self.bundled, own, self.message])

    def _explain(self, _change: object = None) -> None:
        self.message.value = note(RAW_NEEDS, "hint") if self.input_type.value == "raw" else ""

    def _take_upload(self, change: dict[str, Any]) -> None:
        for name, content in uploaded_files(change["new"]):
            path = Path(self._uploads.name) / Path(name).name
            path.write_bytes(content)
            self.path.value = str(path)

    def _open(self, path: str | Path | None) -> None:
        if not path:
            return
        try:
            self._opened(open_clip(path))
        except ClipError as error:
            self.message.value = note(str(error), "error")
            return
        if path != self.bundled.value:
            self.bundled.value = None
        self._explain()


def uploaded_files(value: Any) -> list[tuple[str, bytes]]:
    """What a FileUpload holds, as (name, content): a dict by name in ipywidgets 7, a tuple in 8."""
    if isinstance(value, dict):
        return [(name, bytes(file["content"])) for name, file in value.items()]
    return [(file["name"], bytes(file["content"])) for file in value]


def starting_settings(num_frames: int, wanted: ClipSettings) -> ClipSettings:
    """`wanted`, or for a clip that is too short what comes near: for where sliders begin."""
    count = min(wanted.num_frames, num_frames)
    between = max(1, count - 1)
    stride = max(1, min(wanted.frame_stride, (num_frames - 1) // between))
    start = min(wanted.start_frame, num_frames - 1 - (count - 1) * stride)
    return replace(wanted, start_frame=start, frame_stride=stride, num_frames=count)


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
        self.view, self.caption = self.ruler.view, self.ruler.caption
        self.sliders = widgets.Tab([self.ruler.sliders, self.lens])
        for i, title in enumerate(("Time: which frames", "Space: which part")):
            self.sliders.set_title(i, title)
        self.sliders.observe(self._look, "selected_index")
        for slider in self.lens.crops.values():
            slider.observe(lambda _change: self.ruler.follow(self.lens.settings), "value")

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
        self.lens.follow(settings)

    def _look(self, _change: object = None) -> None:
        """Turn the lens to the ruler's frames; not at its every move, as reading joints is slow."""
        try:
            self.lens.follow(self.ruler.settings)
        except ClipError as error:
            self.lens.caption.value = note(str(error), "error")


def _move(slider: widgets.Widget, value: float) -> None:
    slider.max = max(slider.max, value)
    slider.value = value


def differences(a: RunCard, b: RunCard) -> list[str]:
    """What two runs do not have in common, each as "seed: 0 → 1"; empty where nothing differs."""
    facts = [
        {"prompt": card.prompt, "negative prompt": card.negative_prompt, "clip": card.clip}
        | card.clip_settings.to_dict()
        | card.sample_settings.to_dict()
        | {"model": f"{card.model} {card.weights_hash[:8]}".strip()}
        for card in (a, b)
    ]
    one, other = facts
    return [f"{name}: {one[name]} → {other[name]}" for name in one if one[name] != other[name]]


class Comparison(widgets.VBox):
    """Keep a result as A; each later one is shown beside it as B, with what differs."""

    def __init__(self) -> None:
        self._kept: tuple[RunCard, np.ndarray] | None = None
        self._newest: tuple[RunCard, np.ndarray] | None = None
        self.keep = widgets.Button(description="Keep as A", icon="thumb-tack", disabled=True)
        self.keep.on_click(self._keep)
        self.differing = widgets.HTML("Generate a video, keep it as A, change one thing, go on.")
        self.pictures = Picture(), Picture()
        titled = [
            widgets.VBox([widgets.Label(name), picture])
            for name, picture in zip("AB", self.pictures, strict=True)
        ]
        self._pair = widgets.HBox(titled, layout={"flex_flow": "row wrap", "display": "none"})
        super().__init__([self.keep, self.differing, self._pair])

    def offer(self, card: RunCard, video: np.ndarray) -> None:
        """A new result: the next A, and B from now on."""
        self._newest = card, video
        self.keep.disabled = False
        self._show()

    def _keep(self, _button: widgets.Button) -> None:
        self._kept = self._newest
        self._show()

    def _show(self) -> None:
        if not (self._kept and self._newest):
            return
        found = differences(self._kept[0], self._newest[0])
        text = "; ".join(found) or "nothing: A and B are the same run"
        self.differing.value = f"<b>What differs</b> (A → B): {html.escape(text)}"
        for name, picture, (card, video) in zip(
            "AB", self.pictures, (self._kept, self._newest), strict=True
        ):
            picture.play(video, card.fps, f"Video {name}: {card.prompt}")
        self._pair.layout.display = ""


class Share(widgets.VBox):
    """Save the last result as a video or as a run card, and restore all controls from a card.

    Args:
        restore: called with the card that was pasted; a ValueError is explained in the panel.
        folder: where files go at first.
    """

    def __init__(self, restore: Callable[[RunCard], None], folder: Path) -> None:
        self._restore = restore
        self._result: tuple[RunCard, np.ndarray] | None = None
        self.folder = widgets.Text(str(folder), description="Folder", style=WIDE)
        self.name = widgets.Text("my_video", description="Name", style=WIDE)
        self.buttons = {
            suffix: widgets.Button(
                description=f"Save {label}",
                icon="download",
                disabled=True,
                layout={"width": "auto"},
            )
            for suffix, label in (
                *((".mp4", "MP4"), (".gif", "GIF")),
                *((".png", "run card (PNG)"), (".json", "run card (JSON)")),
            )
        }
        for suffix, button in self.buttons.items():
            button.on_click(lambda _button, suffix=suffix: self._tell(lambda: self._save(suffix)))
        self.pasted = widgets.Textarea(
            description="Run card",
            placeholder="paste the JSON of a run card here",
            style=WIDE,
            layout={"width": "560px", "height": "90px"},
        )
        self.restore = widgets.Button(
            description="Restore all controls", icon="undo", layout={"width": "190px"}
        )
        self.restore.on_click(lambda _button: self._tell(self._take_card))
        self.message = widgets.HTML()
        where = widgets.HBox([self.folder, self.name], layout={"flex_flow": "row wrap"})
        saving = widgets.HBox(list(self.buttons.values()), layout={"flex_flow": "row wrap"})
        super().__init__([where, saving, self.pasted, self.restore, self.message])

    def offer(self, card: RunCard, video: np.ndarray) -> None:
        """A new result: what the buttons save from now on."""
        self._result = card, video
        for button in self.buttons.values():
            button.disabled = False

    def _tell(self, act: Callable[[], str]) -> None:
        """Do what a button asks for; the panel says what came of it, or what is wrong."""
        try:
            self.message.value = html.escape(act())
        except (ValueError, OSError) as error:
            self.message.value = note(str(error), "error")

    def _save(self, suffix: str) -> str:
        assert self._result  # the buttons are disabled before
        card, video = self._result
        path = Path(self.folder.value).expanduser() / f"{self.name.value}{suffix}"
        if not path.parent.is_dir():
            raise ValueError(f"There is no folder {path.parent}: create it or name another.")
        if suffix in (".mp4", ".gif"):
            write_video(path, video, card.fps)
        else:
            card.save(path)
        return f"Saved {path}."

    def _take_card(self) -> str:
        card = RunCard.from_json(self.pasted.value)
        self._restore(card)
        return f"All controls are as on the card of “{card.prompt}”: press Generate."


class Playground(GenerateControls):
    """Every setting in one panel, with comparison, sweeps, saving and run cards below it.

    Args:
        pipeline: makes the videos.
        prompt: what the prompt field starts with.
        folder: where results and sweeps are saved at first.

    Attributes:
        card: the RunCard of the last finished video, None before.
    """

    def __init__(
        self,
        pipeline: FollowYourPosePipeline,
        prompt: str = "a panda on the sea",
        folder: str | Path = ".",
    ) -> None:
        self.card: RunCard | None = None
        self._negative = ""  # of the run that is going on
        self.picker = ClipPicker(self.use)
        self.negative_prompt = widgets.Text(
            description="Negative",
            placeholder="what to lead away from; empty for nothing",
            style=WIDE,
            layout={"width": "560px"},
        )
        self.compare, self.share = Comparison(), Share(self.restore, Path(folder))
        self.sweep = SweepPanel(pipeline, self._given, Path(folder) / "sweep")
        self.extras = widgets.Tab([self.compare, self.sweep, self.share])
        for i, title in enumerate(("Compare A and B", "Sweep", "Save and share")):
            self.extras.set_title(i, title)
        first = open_clip(self.picker.bundled.value)
        self.chooser = ClipChooser(first, pipeline.size, ClipSettings())
        super().__init__(pipeline, self.chooser, prompt)
        self._watch_cost(self.chooser.ruler.num_frames)
        self.more.selected_index = 0

    def use(self, clip: Clip) -> None:
        """Choose frames from this clip from now on; what was made stays."""
        self.chooser = ClipChooser(clip, self.pipeline.size, self.chooser.settings)
        self._watch_cost(self.chooser.ruler.num_frames)
        self.set_preview(self.chooser)

    def set_preview(self, preview: SkeletonChooser) -> None:
        """Lay the panel out around another chooser."""
        super().set_preview(preview)
        sliders, words, *rest = self.children
        self.children = [self.picker, sliders, words, self.negative_prompt, *rest, self.extras]

    def _given(self) -> Given:
        return Given(
            self.chooser.clip,
            self.prompt.value.strip(),
            self.chooser.settings,
            self.sample_settings,
            self.negative_prompt.value.strip(),
        )

    async def _run(self) -> None:
        if self.picker.input_type.value == "raw":
            raise ValueError(RAW_NEEDS)
        clip, before = self.chooser.clip, self.video
        self._negative = self.negative_prompt.value.strip()
        await super()._run()
        if self.video is before or self.video is None or self.settings is None:
            return  # stopped
        prompt, chosen, sampling = self.settings
        self.card = make_card(
            *(self.pipeline, clip, chosen, sampling, prompt, self.video),
            *(self.seconds or 0.0, self._negative),
        )
        for panel in (self.compare, self.share):
            panel.offer(self.card, self.video)

    def _steps(
        self, prompt: str, skeleton_frames: np.ndarray, sampling: SampleSettings
    ) -> Iterator[SampleStep]:
        return self.pipeline.steps(
            prompt, skeleton_frames, sampling, negative_prompt=self._negative
        )

    def restore(self, card: RunCard) -> None:
        """Set every control as on a run card.

        Raises CardError where its clip is neither bundled nor open, or where it holds something
        that this panel has no control for.
        """
        if card.sample_settings.eta:
            raise CardError(
                f"The card's eta is {card.sample_settings.eta:g}, and this panel has no control "
                "for it: use card.run(pipeline) in a cell."
            )
        bundled = fyp_lite.data_dir() / "clips" / card.clip
        if self.chooser.clip.path.name != card.clip and bundled.is_file():
            self.picker.bundled.value = bundled
        clip = self.chooser.clip
        if clip.path.name != card.clip or file_hash(clip.path) != card.clip_hash:
            raise CardError(
                f"The card was made with the clip {card.clip}, which is not the one that is open "
                "here: open it by its path, then restore again."
            )
        choose_frames(clip, card.clip_settings)
        self.picker.input_type.value = "skeleton"
        self.chooser.restore(card.clip_settings)
        self.prompt.value, self.negative_prompt.value = card.prompt, card.negative_prompt
        _move(self.steps, card.sample_settings.num_inference_steps)
        _move(self.guidance_scale, card.guidance_scale)
        self.seed.value = card.sample_settings.seed

    def show(self) -> None:
        """Show the panel, or its ruler and its lens where stills take the place of widgets."""
        if stills_only():
            self.chooser.ruler.show()
            self.chooser.lens.show()
        else:
            for panel in (self, self.sweep):
                panel._cost_soon()
            display(self)
