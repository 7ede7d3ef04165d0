"""The frame ruler: a whole clip along a line of frame numbers, and the frames chosen from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, pairwise

import cv2
import ipywidgets as widgets
import numpy as np
from PIL import Image

from fyp_course.panels.base import WIDE, Panel, note
from fyp_course.stage import RulerStage, Stage
from fyp_course.stills import show_picture
from fyp_lite.clip import Clip, ClipError
from fyp_lite.cropping import PreparedClip
from fyp_lite.drawing import BAD, DARK_BAD, DIM, INK, LIT, PAPER, Word, letter
from fyp_lite.opening import prepare_clip
from fyp_lite.settings import ClipSettings

WIDTH = 900  # pixels of a drawn ruler
TITLE = "chosen frames"
THUMBNAIL = 96  # pixels, the long side of a stored thumbnail
STRIP_HEIGHT = 64
MAX_CELLS = 16  # chosen frames that are drawn large; all of them have their pin
SIDE = 14  # pixels left free left and right

_STRIP_TOP = 12
_AXIS = _STRIP_TOP + STRIP_HEIGHT + 12
_CELLS_TOP = _AXIS + 78
_CELL = 104  # most pixels of a chosen frame's side


def draw_ruler(
    thumbnails: Mapping[int, np.ndarray], settings: ClipSettings, num_frames: int
) -> np.ndarray:
    """The whole clip as a film strip over its frame numbers, and the chosen frames below it.

    Frames that the settings ask for past the clip's end are red.

    Args:
        thumbnails: {frame number: `[h, w, 3]` uint8 RGB}, all of one size: of frames spread over
            the clip and of every chosen frame that the clip has.
        settings: which frames are chosen; they need not fit the clip.
        num_frames: of the clip.

    Returns:
        a picture `[H, 900, 3]` uint8 RGB.
    """
    wanted = settings.frame_indices()
    last = max(num_frames - 1, wanted[-1], 1)

    def across(frame: float) -> int:
        return round(SIDE + frame / last * (WIDTH - 2 * SIDE - 1))

    shown = _cells_shown(len(wanted))
    side = min(_CELL, (WIDTH - 2 * SIDE) // len(shown) - 10)
    canvas = np.full((_CELLS_TOP + side + 28, WIDTH, 3), PAPER, np.uint8)
    end = across(num_frames - 1)
    _draw_strip(canvas, thumbnails, wanted, num_frames, end)
    if wanted[-1] >= num_frames:
        _draw_past_end(canvas, end)
    step = (WIDTH - 2 * SIDE) / len(shown)
    lefts = [round(SIDE + step * (i + 0.5) - side / 2) for i in range(len(shown))]
    words = _axis_words(canvas, across, num_frames, last)
    for number in wanted:
        colour = LIT if number < num_frames else BAD
        cv2.line(canvas, (across(number), _AXIS - 8), (across(number), _AXIS + 5), colour, 2)
    for left, i in zip(lefts, shown, strict=True):
        _draw_cell(canvas, thumbnails.get(wanted[i]), across(wanted[i]), left, side)
    cells = [(left + side // 2, i, wanted[i]) for left, i in zip(lefts, shown, strict=True)]
    return letter(canvas, words + _cell_words(cells, side, num_frames))


def _cells_shown(count: int) -> list[int]:
    """Which of the chosen frames are drawn large: all, or evenly spread ones."""
    return np.linspace(0, count - 1, min(count, MAX_CELLS)).round().astype(int).tolist()


def _draw_strip(
    canvas: np.ndarray,
    thumbnails: Mapping[int, np.ndarray],
    wanted: list[int],
    num_frames: int,
    end: int,
) -> None:
    """The film strip: slots of equal width; those that hold a chosen frame are lit."""
    height, width = next(iter(thumbnails.values())).shape[:2]
    length = end - SIDE + 1
    slots = max(1, round(length / (STRIP_HEIGHT * width / height)))
    edges = np.linspace(SIDE, SIDE + length, slots + 1).round().astype(int)
    known = np.array(sorted(thumbnails))
    for i, (left, right) in enumerate(pairwise(edges)):
        if right - left < 3:
            continue  # where far more is asked for than the clip has
        first, after = i * num_frames / slots, (i + 1) * num_frames / slots
        chosen = [number for number in wanted if first <= number < after]
        number = chosen[0] if chosen else known[np.abs(known - (first + after) / 2).argmin()]
        picture = _fitted(thumbnails[int(number)], STRIP_HEIGHT, right - left - 2)
        brightness = 1.0 if chosen else 0.5
        slot = canvas[_STRIP_TOP : _STRIP_TOP + STRIP_HEIGHT, left + 1 : right - 1]
        slot[:] = np.maximum(picture * brightness, 8)
        if chosen:
            low, high = (left + 1, _STRIP_TOP - 4), (right - 2, _STRIP_TOP - 3)
            cv2.rectangle(canvas, low, high, LIT, -1)


def _fitted(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """The middle of `picture`, scaled to fill `height` x `width`."""
    full_height, full_width = picture.shape[:2]
    scale = max(height / full_height, width / full_width)
    y = max(0.0, (full_height - height / scale) / 2)
    x = max(0.0, (full_width - width / scale) / 2)
    box = (x, y, full_width - x, full_height - y)
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC, box)
    return np.asarray(resized)


def _draw_past_end(canvas: np.ndarray, end: int) -> None:
    """Red hatching where the clip has no frames any more."""
    zone = canvas[_STRIP_TOP : _STRIP_TOP + STRIP_HEIGHT, end + 2 : WIDTH - SIDE]
    rows, columns = np.indices(zone.shape[:2])
    zone[:] = DARK_BAD
    zone[(rows + columns) % 14 < 5] = (120, 38, 42)


def _draw_cell(
    canvas: np.ndarray, picture: np.ndarray | None, pin: int, left: int, side: int
) -> None:
    """One chosen frame, large, and the line that leads to its pin; red where there is none."""
    colour, middle = (BAD if picture is None else LIT), left + side // 2
    faint = tuple(round(0.55 * c + 0.45 * p) for c, p in zip(colour, PAPER, strict=True))
    path = np.array([(pin, _AXIS + 26), (pin, _AXIS + 32), (middle, _CELLS_TOP - 10)])
    cv2.polylines(canvas, [path], False, faint, 1, cv2.LINE_AA)
    cv2.line(canvas, (middle, _CELLS_TOP - 10), (middle, _CELLS_TOP - 2), faint, 1, cv2.LINE_AA)
    low, high = (left - 2, _CELLS_TOP - 2), (left + side + 1, _CELLS_TOP + side + 1)
    cv2.rectangle(canvas, low, high, colour, 2)
    cell = canvas[_CELLS_TOP : _CELLS_TOP + side, left : left + side]
    if picture is None:
        cell[:] = DARK_BAD
    else:
        cell[:] = _fitted(picture, side, side)


def _axis_words(
    canvas: np.ndarray, across: Callable[[float], int], num_frames: int, last: int
) -> list[Word]:
    """Draws the line of frame numbers; returns its labels."""
    end = across(num_frames - 1)
    cv2.line(canvas, (SIDE, _AXIS), (end, _AXIS), DIM, 1)
    if last >= num_frames:
        cv2.line(canvas, (end, _AXIS), (WIDTH - SIDE, _AXIS), BAD, 1)
        cv2.line(canvas, (end, _STRIP_TOP - 4), (end, _AXIS + 5), BAD, 2)
    gap = next(step for step in _nice_steps() if step * (across(last) - SIDE) / last >= 52)
    words = []
    for number in range(0, last + 1, gap):
        x, inside = across(number), number < num_frames
        cv2.line(canvas, (x, _AXIS), (x, _AXIS + 4), DIM if inside else BAD, 1)
        anchor = "la" if number == 0 else "ma" if x < WIDTH - 30 else "ra"
        at = SIDE if number == 0 else min(x, WIDTH - SIDE)
        words.append(Word(at, _AXIS + 8, str(number), DIM if inside else BAD, 11, anchor))
    return words


def _nice_steps() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50, ..."""
    for power in count():
        yield from (10**power, 2 * 10**power, 5 * 10**power)


def _cell_words(cells: list[tuple[int, int, int]], side: int, num_frames: int) -> list[Word]:
    """Labels of the chosen frames, given as (middle, index, frame number)."""
    words = []
    for middle, index, number in cells:
        fits = number < num_frames
        words.append(Word(middle, _CELLS_TOP + side + 15, str(number), LIT if fits else BAD, 12))
        if side >= 40:
            corner = middle - side // 2
            words.append(Word(corner + 5, _CELLS_TOP + 4, str(index + 1), INK, 11, "la", True))
        if not fits and side >= 70:
            words.append(Word(middle, _CELLS_TOP + side // 2, "past the end", INK, 11))
    return words


class FrameRuler(Panel):
    """Start frame, stride and count by slider or by hand on the ruler; the chosen frames play.

    The sliders reach beyond the end of the clip on purpose: the ruler shows what is missing in
    red, and the panel says which values would fit.

    Args:
        clip: an open clip, which the panel reads from as long as it lives.
        settings: where the sliders start; the crop stays as it is (see `follow`).
        size: height and width of the preview and of `prepared`, in pixels.
    """

    def __init__(self, clip: Clip, settings: ClipSettings | None = None, size: int = 256) -> None:
        self.clip, self.size = clip, size
        self._given = settings or ClipSettings()
        self.start_frame = self._slider("Start frame", self._given.start_frame, 0, clip.num_frames)
        self.frame_stride = self._slider(
            "Stride", self._given.frame_stride, 1, clip.num_frames // 4
        )
        self.num_frames = self._slider("Frames", self._given.num_frames, 1, 24)
        self.ruler = RulerStage(clip.read_small, clip.num_frames, self._given)
        self._link()
        self.stage = Stage({TITLE: self._blank()})
        self.caption = widgets.HTML()
        self.sliders = widgets.VBox(
            [self.start_frame, self.frame_stride, self.num_frames, self.ruler]
        )
        self.view = widgets.VBox([self.stage, self.caption], layout={"width": "320px"})
        self._play()
        super().__init__([self.sliders, self.view])

    def _slider(self, name: str, value: int, least: int, most: int) -> widgets.IntSlider:
        slider = widgets.IntSlider(
            value, least, max(value, most), description=name, style=WIDE, layout={"width": "520px"}
        )
        slider.observe(self._play, "value")
        return slider

    def _link(self) -> None:
        """Marks and sliders lead and follow each other."""
        for name in ("start_frame", "frame_stride", "num_frames"):
            widgets.link((getattr(self, name), "value"), (self.ruler, name))
        widgets.link((self.num_frames, "max"), (self.ruler, "max_frames"))

    @property
    def controls(self) -> Sequence[widgets.Widget]:
        """What changes the choice."""
        return self.start_frame, self.frame_stride, self.num_frames

    @property
    def settings(self) -> ClipSettings:
        """What the sliders say; it need not fit the clip."""
        return replace(
            self._given,
            start_frame=self.start_frame.value,
            frame_stride=self.frame_stride.value,
            num_frames=self.num_frames.value,
        )

    @property
    def prepared(self) -> PreparedClip:
        """The chosen frames, cropped and resized to `size`; ClipError where they do not fit."""
        return prepare_clip(self.clip, self.settings, self.size)

    def follow(self, settings: ClipSettings) -> None:
        """Take over the crop of `settings`; the sliders stay."""
        self._given = settings
        self._play()

    def _blank(self) -> np.ndarray:
        return np.zeros((1, self.size, self.size, 3), np.uint8)

    def _play(self, _change: object = None) -> None:
        try:
            prepared = self.clip.preview(self.settings, self.size)
        except ClipError as error:
            self.caption.value = note(str(error), "error")
            self.stage.show_videos({TITLE: self._blank()}, alt="No preview")
            return
        numbers = prepared.indices
        seconds = (numbers[-1] - numbers[0]) / self.clip.fps
        text = f"Frames {listed(numbers)} of {self.clip.num_frames}"
        text += f": {seconds:.1f} s of motion in {len(numbers)} pictures"
        self.caption.value = text
        alt = f"Preview of the chosen frames. {text}"
        self.stage.show_videos({TITLE: prepared.frames}, prepared.fps, alt=alt)

    def _thumbnails_of(self, chosen: ClipSettings) -> dict[int, np.ndarray]:
        """Small pictures of frames all over the clip and of the chosen ones."""
        last = self.clip.num_frames - 1
        spread = np.linspace(0, last, min(last + 1, 25)).round().astype(int).tolist()
        inside = [number for number in chosen.frame_indices() if number <= last]
        scale = THUMBNAIL / max(self.clip.height, self.clip.width)
        size = (max(1, round(self.clip.width * scale)), max(1, round(self.clip.height * scale)))
        thumbnails = {}
        for number in sorted({*spread, *inside}):
            picture = Image.fromarray(self.clip.read_small([number])[0])
            small = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
            thumbnails[number] = np.asarray(small)
        return thumbnails

    def show_still(self) -> None:
        """Show the ruler alone."""
        chosen = self.settings
        picture = draw_ruler(self._thumbnails_of(chosen), chosen, self.clip.num_frames)
        show_picture(picture, f"Frame ruler. {listed(chosen.frame_indices())}")


def listed(numbers: list[int]) -> str:
    """ "0, 3, 6 … 21", or all of them where there are no more than four."""
    if len(numbers) <= 4:
        return ", ".join(map(str, numbers))
    return f"{', '.join(map(str, numbers[:3]))} … {numbers[-1]}"
