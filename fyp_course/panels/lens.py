"""The crop lens: the crop on the source frame, what the model sees of it, and what it cuts off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import ipywidgets as widgets
import numpy as np
from PIL import Image

from fyp_course.panels.base import WIDE, Panel, Picture, in_words, note
from fyp_course.stage import LensStage
from fyp_course.stills import show_picture
from fyp_lite.clip import Clip, ClipError, find_box
from fyp_lite.cropping import (
    CropBox,
    PreparedClip,
    add_black,
    black_outside,
    choose_frames,
    crop_and_resize,
    crop_box,
    kept_area,
    padded_box,
)
from fyp_lite.drawing import INK, LIT, PAPER, Word, letter
from fyp_lite.opening import prepare_clip
from fyp_lite.settings import REFERENCE_SIZE, ClipSettings
from fyp_lite.skeleton import JOINTS, check_skeleton_frames
from fyp_lite.skeleton_reader import read_skeletons

TINT = (0.55, 0.62, 0.8)  # of what falls away: on black, darkness alone would not show
VIEW = 256  # pixels, the height of both pictures of a drawn lens
MAX_NAMED = 5  # joints that the sentence names
SIDES = ("left", "right", "top", "bottom")


def cut_joints(keypoints: np.ndarray, box: CropBox) -> dict[str, int]:
    """In how many frames a crop cuts each joint off; joints that it never cuts are left out.

    Args:
        keypoints: `[f, people, 17, 3]` (x, y, confidence) in source pixels; joints of confidence
            0 are missing already and do not count.
        box: the crop, in source pixels.

    Returns:
        {name of `skeleton.JOINTS`: frames in which it is outside for at least one person}, the
        most often cut first.
    """
    cut = ((keypoints[..., 2] > 0) & ~_inside(keypoints, box)).any(axis=1).sum(axis=0)  # (17,)
    return {
        JOINTS[joint]: int(cut[joint]) for joint in np.argsort(-cut, kind="stable") if cut[joint]
    }


def _inside(keypoints: np.ndarray, box: CropBox) -> np.ndarray:
    """Which joints are seen inside the crop, `[f, people, 17]` bool."""
    x, y, seen = keypoints[..., 0], keypoints[..., 1], keypoints[..., 2] > 0
    return seen & (box.left <= x) & (x < box.right) & (box.top <= y) & (y < box.bottom)


def crop_sentence(keypoints: np.ndarray, box: CropBox) -> str:
    """Who is left out by a crop, and which joints of the others it cuts off.

    Args: as of `cut_joints`.
    """
    people = (keypoints[..., 2] > 0).any(axis=(0, 2))
    inside = _inside(keypoints, box).any(axis=(0, 2))  # somebody who is never inside is left out
    out = int((people & ~inside).sum())
    cut = cut_sentence(cut_joints(keypoints[:, inside], box), len(keypoints))
    if not out:
        return cut
    if not inside.any():
        return "Nobody is inside the crop."
    return f"{out} of {people.sum()} people {'is' if out == 1 else 'are'} outside the crop. {cut}"


def cut_sentence(cut: Mapping[str, int], num_frames: int) -> str:
    """What `cut_joints` found, for a reader: "Left wrist cut in 5 of 8 frames; face in 2."

    The five joints of the face count as one.
    """
    if not cut:
        return f"No joint is cut off in the {num_frames} frames."
    parts: dict[str, int] = {}
    for name, frames in cut.items():
        part = "face" if name in JOINTS[:5] else name.replace("_", " ")
        parts[part] = max(frames, parts.get(part, 0))
    names = [f"{part} in {frames}" for part, frames in parts.items()]
    first = names[0].replace(" in ", " cut in ") + f" of {num_frames} frames"
    more = len(names) - MAX_NAMED
    rest = [f"and {more} more joints" if more > 1 else names[-1]] if more > 0 else []
    sentence = "; ".join([first, *names[1:MAX_NAMED], *rest])
    return f"{sentence[0].upper()}{sentence[1:]}."


def zoom_sentence(height: int, width: int, box: CropBox) -> str:
    """How much larger everything is than without a crop: "The model sees ... of ..."."""
    short = min(height, width)
    side = (box.right - box.left) / short * REFERENCE_SIZE
    zoom = REFERENCE_SIZE / side
    same = abs(zoom - 1) <= 0.005
    larger = "nothing is enlarged" if same else f"everything is {zoom:.2f} times as large"
    return f"The model sees {side:.0f} × {side:.0f} reference pixels, so {larger}."


def padding_sentence(height: int, width: int) -> str:
    """Why black is added to the frames of a clip."""
    sides = "left and right" if height > width else "at the top and bottom"
    return f"Black is added {sides}, as the square alone would cut somebody off."


def draw_lens(
    frame: np.ndarray,
    settings: ClipSettings,
    size: int = VIEW,
    *,
    padded: bool = False,
    source_size: tuple[int, int] | None = None,
) -> np.ndarray:
    """The source frame with its crop box beside what the model sees.

    What the crop trims is darkest; what falls away because the rest must be square is half dark.

    Args:
        frame: `[h, w, 3]` uint8 RGB, whole.
        settings: of which the crop is used.
        size: height of both pictures.
        padded: whether black is added instead of cutting.
        source_size: height and width that are named, where `frame` is a reduced copy.

    Returns:
        a picture `[H, W, 3]` uint8 RGB. Raises ClipError as `crop_box` does.
    """
    height, width = frame.shape[:2]
    box = (padded_box if padded else crop_box)(height, width, settings)
    kept = kept_area(height, width, settings)
    seen = crop_and_resize(frame[None], box, size)
    black_outside(seen, box, kept)
    canvas, square = add_black(frame, box)
    scale = size / len(canvas)
    across = max(1, round(canvas.shape[1] * scale))
    small = np.asarray(Image.fromarray(canvas).resize((across, size), Image.Resampling.BILINEAR))
    moved = np.array(kept) + np.array(square) - np.array(box)  # by the black that was added
    source = _shaded(small, moved * scale, np.array(square) * scale, bright=padded)

    margin, gap, top = 14, 44, 30
    canvas = np.full((top + size + margin, across + size + gap + 2 * margin, 3), PAPER, np.uint8)
    right = margin + across + gap
    canvas[top : top + size, margin : margin + across] = source
    canvas[top : top + size, right : right + size] = seen[0]
    cv2.rectangle(canvas, (right - 2, top - 2), (right + size + 1, top + size + 1), LIT, 2)
    middle = top + size // 2
    ends = (margin + across + 8, middle), (right - 10, middle)
    cv2.arrowedLine(canvas, *ends, LIT, 2, cv2.LINE_AA, tipLength=0.35)
    rows, columns = source_size or (height, width)
    return letter(
        canvas,
        [
            Word(margin, 16, f"source, {columns} × {rows}", INK, 12, "lm"),
            Word(right, 16, "what the model sees", LIT, 12, "lm"),
        ],
    )


def _shaded(
    picture: np.ndarray, kept: np.ndarray, square: np.ndarray, *, bright: bool
) -> np.ndarray:
    """`picture` with all but the crop's square darkened, and the square outlined.

    Where black is added, the square is larger than what is `kept`, and that is `bright` instead.
    """
    light = np.full(picture.shape[:2], 0.2)
    parts = ((square, 0.5), (kept, 1.0)) if bright else ((kept, 0.5), (square, 1.0))
    for (left, top, right, bottom), brightness in parts:
        light[round(top) : round(bottom), round(left) : round(right)] = brightness
    lifted = picture * light[..., None] + (95 * (1 - light))[..., None] * TINT
    shaded = lifted.round().astype(np.uint8)
    left, top, right, bottom = (round(edge) for edge in square)
    cv2.rectangle(shaded, (left, top), (right - 1, bottom - 1), LIT, 2)
    return shaded


class CropLens(Panel):
    """The four crops by slider or by hand on the lens, with the joints that the crop cuts off.

    Where black is added, the lens is a picture, as no box can then be dragged.

    Args:
        clip: an open clip, which the panel reads from as long as it lives.
        settings: the frames that are looked at, and where the sliders start.
        size: height and width of `prepared`, in pixels.

    Raises ClipError where the clip is too short for `settings`.
    """

    def __init__(self, clip: Clip, settings: ClipSettings | None = None, size: int = 256) -> None:
        self.clip, self.size = clip, size
        self._given = settings or ClipSettings()
        self._joints: dict[int, np.ndarray] = {}  # of each frame that was read
        unit = min(clip.height, clip.width) / REFERENCE_SIZE
        ends = dict.fromkeys(SIDES[:2], clip.width / unit) | dict.fromkeys(
            SIDES[2:], clip.height / unit
        )
        self.crops = {side: self._crop_slider(side, int(ends[side]) - 16) for side in SIDES}
        self.frame = widgets.IntSlider(1, 1, 1, description="Look at frame", style=WIDE)
        self.frame.layout.width = "420px"
        self.frame.observe(self._draw, "value")
        self.pad = widgets.Checkbox(
            self._given.pad == "auto",
            description="Add black rather than cut people off",
            indent=False,
        )
        self.pad.layout.display = None if clip.height != clip.width else "none"
        self.pad.observe(self._update, "value")
        self._numbers = choose_frames(clip, self._given)
        self._shown = self._numbers[0], False
        self.stage = LensStage(clip.read_small(self._numbers[:1])[0], self._given)
        self.stage.layout.flex = "1 1 420px"
        for side, slider in self.crops.items():
            widgets.link((slider, "value"), (self.stage, f"crop_{side}"))
        self.picture = Picture(None, "auto")
        self.caption = widgets.HTML()
        fields = widgets.VBox([*self.crops.values(), self.pad, self.frame])
        both = [fields, self.stage, self.picture]
        self.sliders = widgets.HBox(both, layout={"flex_flow": "row wrap"})
        self.follow(self._given)
        super().__init__([self.sliders, self.caption])

    def _crop_slider(self, side: str, most: int) -> widgets.IntSlider:
        value = getattr(self._given, f"crop_{side}")
        slider = widgets.IntSlider(
            value,
            0,
            max(value, most),
            description=f"Crop {side}",
            style=WIDE,
            layout={"width": "420px"},
        )
        slider.observe(self._update, "value")
        return slider

    @property
    def controls(self) -> Sequence[widgets.Widget]:
        """What changes the choice."""
        return *self.crops.values(), self.pad

    @property
    def settings(self) -> ClipSettings:
        """What the sliders say; opposite crops may leave too little, which `prepared` refuses."""
        crops = {f"crop_{side}": slider.value for side, slider in self.crops.items()}
        return replace(self._given, **crops, pad="auto" if self.pad.value else "none")

    @property
    def prepared(self) -> PreparedClip:
        """The chosen frames, cropped and resized to `size`; ClipError where too little is left."""
        return prepare_clip(self.clip, self.settings, self.size)

    def follow(self, settings: ClipSettings) -> None:
        """Look at the frames that `settings` choose; the crop sliders stay."""
        self._numbers = choose_frames(self.clip, settings)
        self._given = settings
        self.frame.max = len(self._numbers)
        self._keypoints = self._read_keypoints()
        self._update()

    def _read_keypoints(self) -> np.ndarray | None:
        """Of the chosen frames, `[f, people, 17, 3]`, each read once; None for no skeleton clip."""
        missing = [number for number in self._numbers if number not in self._joints]
        if missing:
            frames = self.clip.read_small(missing)
            try:
                check_skeleton_frames(frames)
            except ValueError:
                return None
            joints = read_skeletons(frames)
            joints[..., :2] *= self.clip.height / frames.shape[1]
            self._joints.update(zip(missing, joints, strict=True))
        found = [self._joints[number] for number in self._numbers]
        people = np.zeros((len(found), max(map(len, found)), 17, 3), np.float32)
        for into, joints in zip(people, found, strict=True):
            into[: len(joints)] = joints
        return people

    def _update(self, _change: object = None) -> None:
        height, width = self.clip.height, self.clip.width
        try:
            box = find_box(self.clip, self.settings)
        except ClipError as error:
            self.caption.value = note(str(error), "error")
            return
        text = "Joints can be told for skeleton clips only."
        if self._keypoints is not None:
            text = crop_sentence(self._keypoints, box)
        if box != crop_box(height, width, self.settings):
            text = f"{padding_sentence(height, width)} {text}"
        self.caption.value = f"{text}<br>{zoom_sentence(height, width, box)}"
        self._draw()

    def _draw(self, _change: object = None) -> None:
        size = self.clip.height, self.clip.width
        try:
            padded = find_box(self.clip, self.settings) != crop_box(*size, self.settings)
        except ClipError:
            return  # `_update` has said it, and the stage draws it as wrong
        self.stage.layout.display = "none" if padded else None
        self.picture.layout.display = None if padded else "none"
        if padded:
            text = in_words(self.caption)
            self.picture.draw(self._picture(), f"Crop lens at frame {self._number}. {text}")
            return
        wanted = self._number, self._is_close()
        if wanted != self._shown:
            self.stage.show_frame(self._frame())
            self._shown = wanted

    @property
    def _number(self) -> int:
        return self._numbers[self.frame.value - 1]

    def _picture(self) -> np.ndarray:
        size = self.clip.height, self.clip.width
        box = crop_box(*size, self.settings)
        padded = find_box(self.clip, self.settings) != box
        return draw_lens(self._frame(), self.settings, padded=padded, source_size=size)

    def _is_close(self) -> bool:
        """Whether the crop is too close for reduced frames."""
        size = self.clip.height, self.clip.width
        box = crop_box(*size, self.settings)
        small = self.clip.read_small([self._number])[0]
        return box.right - box.left < VIEW * size[0] / len(small)

    def _frame(self) -> np.ndarray:
        read = self.clip.read if self._is_close() else self.clip.read_small
        return read([self._number])[0]

    def show_still(self) -> None:
        """Show the lens alone."""
        text = in_words(self.caption)
        show_picture(self._picture(), f"Crop lens at frame {self._number}. {text}")
