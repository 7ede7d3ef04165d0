"""Sweeps over one or two settings, on one sheet with labelled axes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from fyp_lite.drawing import DIM, INK, LIT, PAPER, Word, font, letter, wrapped
from fyp_lite.files.writing import written_whole
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.sweeps.axes import Job, SweepError, Value
from fyp_lite.sweeps.run import Batch, Progress

if TYPE_CHECKING:
    from distributed import Client

CELL = 128  # pixels, the side of one frame on the sheet
STILLS = 3  # frames of each video on the sheet
LABEL = 128  # pixels for the names of the rows
Key = tuple[Value, Value]
Axis = Mapping[str, Sequence[Any]]
ONE_COLUMN: tuple[str, list[Value]] = ("", [None])


@dataclass(frozen=True)
class SweepResult:
    """The videos of a finished sweep.

    title: what all have in common. rows, columns: (name, values); the columns of a sweep over one
    setting are ("", [None]). videos: {(row value, column value): `[f, h, w, 3]` uint8}. fps: of
    each, by the same keys.
    """

    title: str
    rows: tuple[str, list[Value]]
    columns: tuple[str, list[Value]]
    videos: dict[Key, np.ndarray]
    fps: dict[Key, float]

    def grid(self) -> np.ndarray:
        """All videos on one sheet with labelled axes, three frames each: `[H, W, 3]` uint8."""
        strips = {}
        for key, video in self.videos.items():
            some = np.linspace(0, len(video) - 1, min(len(video), STILLS)).round().astype(int)
            strips[key] = np.concatenate([_small(frame) for frame in video[some]], axis=1)
        return _draw_sheet(self, strips)

    def grid_video(self) -> np.ndarray:
        """All videos playing beside each other with labelled axes: `[f, H, W, 3]` uint8.

        One that is shorter than the others stays at its last frame.
        """
        longest = max(map(len, self.videos.values()))
        sheets = []
        for at in range(longest):
            cells = {key: _small(v[min(at, len(v) - 1)]) for key, v in self.videos.items()}
            sheets.append(_draw_sheet(self, cells))
        return np.stack(sheets)


def sweep(
    pipeline: FollowYourPosePipeline,
    request: Request,
    rows: Axis,
    columns: Axis | None = None,
    *,
    out: str | os.PathLike[str],
    client: Client | str | None = None,
) -> SweepResult:
    """One video for each value in `rows`, or for each pair of values in `rows` and `columns`.

    Every video is stored in `out` as soon as it is finished, with its run card, and the sheet as
    grid.png at the end. What is stored already is not made again: run an interrupted sweep again to
    resume it. For more than two axes, see `sweeps.batch`.

    Args:
        pipeline: the model.
        request: what all videos have in common; so all start from the same noise, unless the seed
            is swept. The people of a raw video are found first.
        rows, columns: {name: values} with one name each: a field of ClipSettings or
            SampleSettings, "prompt", "negative_prompt" or "clip".
        out: a folder, made where it is missing.
        client: Dask workers that make the videos, as in `sweeps.batch`; None for this process.

    Raises:
        SweepError: a name that is none of these, twice the same, or no values; before the first
            video is made.
        SettingsError, ClipError: a value that is out of its range or does not fit the clip.
    """
    whole = Sweep(pipeline, request, rows, columns, out)
    for _ in whole.steps(client):
        pass
    return whole.result()


class Sweep:
    """A sweep to be walked step by step; `sweep` says what the arguments mean.

    Attributes:
        rows, columns, title: as in its SweepResult. cells: the jobs, row by row. out: its folder.
    """

    def __init__(
        self,
        pipeline: FollowYourPosePipeline,
        request: Request,
        rows: Axis,
        columns: Axis | None,
        out: str | os.PathLike[str],
    ) -> None:
        axes = _axis("rows", rows)
        if columns is not None:
            across = _axis("columns", columns)
            if axes.keys() == across.keys():
                raise SweepError(f"rows and columns both vary {next(iter(axes))}: vary two names.")
            axes |= across
        self.batch = Batch(pipeline, request, axes, out)  # made row by row
        self.rows, self.columns = axes_of_sheet(self.batch, *axes)
        self.title = _title(self.batch.jobs[0], axes)
        self.cells, self.out = self.batch.jobs, self.batch.store.folder

    def steps(self, client: Client | str | None = None) -> Iterator[Progress]:
        """Make and store what is missing, then the sheet; yields as `Batch.steps` does."""
        yield from self.batch.steps(client)
        write_sheet(self.result(), self.out)

    def result(self) -> SweepResult:
        """All videos, read from `out`. Raises SweepError where one is missing or damaged."""
        return result_of(self.batch, *filter(None, (self.rows[0], self.columns[0])))


def result_of(batch: Batch, rows: str, columns: str = "") -> SweepResult:
    """The stored videos of a batch in which no axis but these has several values."""
    videos, rates = {}, {}
    for job in batch.jobs:
        key = job.values[rows], job.values.get(columns)
        videos[key], rates[key] = batch.stored(job).load()
    axes = axes_of_sheet(batch, rows, columns)
    return SweepResult(_title(batch.jobs[0], (rows, columns)), *axes, videos, rates)


def axes_of_sheet(
    batch: Batch, rows: str, columns: str = ""
) -> tuple[tuple[str, list[Value]], tuple[str, list[Value]]]:
    """Names and values of the rows and of the columns."""

    def axis(name: str) -> tuple[str, list[Value]]:
        return name, list(dict.fromkeys(job.values[name] for job in batch.jobs))

    return axis(rows), axis(columns) if columns else ONE_COLUMN


def write_sheet(result: SweepResult, folder: Path) -> Path:
    """Draw the sheet as grid.png, whole or not at all."""
    sheet = Image.fromarray(result.grid())
    with written_whole(folder / "grid.png") as part:
        sheet.save(part, "PNG")
    return folder / "grid.png"


def _axis(what: str, axis: Axis) -> dict[str, Any]:
    """`rows` or `columns` as one axis of a batch, which checks its name and its values."""
    if not isinstance(axis, Mapping) or len(axis) != 1:
        raise SweepError(
            f"{what} is {axis!r}, but it must be one name with its values: for example "
            f'{what}={{"seed": [0, 1]}}.'
        )
    return dict(axis)


def _title(job: Job, swept: Iterable[str]) -> str:
    """The prompt, if it is common to all, and every setting that is not at its default."""
    defaults = ClipSettings().to_dict() | SampleSettings().to_dict()
    request = job.request
    settings = request.clip_settings.to_dict() | request.sample_settings.to_dict()
    shown = ("seed", "num_inference_steps")  # worth saying also where they are the default
    parts = [] if "prompt" in swept else [f"“{request.prompt}”"]
    if request.negative_prompt and "negative_prompt" not in swept:
        parts.append(f"without “{request.negative_prompt}”")
    parts += [
        f"{name} {value}"
        for name, value in settings.items()
        if name not in swept and (value != defaults[name] or name in shown)
    ]
    return " · ".join(parts)


# ---------------------------------------------------------------------------- the sheet


def _small(frame: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(frame).resize((CELL, CELL), Image.Resampling.LANCZOS))


def _draw_sheet(result: SweepResult, cells: Mapping[Key, np.ndarray]) -> np.ndarray:
    """Pictures of one height in a grid, the values of both axes beside them, the rest above."""
    gap, margin = 6, 14
    width = max(picture.shape[1] for picture in cells.values())
    name_of_rows, rows = result.rows
    name_of_columns, columns = result.columns
    across = margin + LABEL + len(columns) * (width + gap) - gap + margin
    title = _label(result.title, across - 2 * margin)
    heads = [_label(_shown(name_of_columns, v), width) if name_of_columns else [] for v in columns]
    top = margin + 18 * len(title) + 28
    if name_of_columns:
        top += 17 * max(map(len, heads)) + 4
    down = top + len(rows) * (CELL + gap) + margin - gap
    # Even sides, so that it can be stored as a video too.
    canvas = np.full((down + down % 2, across + across % 2, 3), PAPER, np.uint8)

    words = [Word(margin, margin + 6 + 18 * i, line, DIM, 13, "lm") for i, line in enumerate(title)]
    corner = margin + 18 * len(title) + 16
    words.append(Word(margin, top - 12, f"{name_of_rows} ↓", LIT, 12, "lm"))
    if name_of_columns:
        words.append(Word(margin + LABEL, corner, f"{name_of_columns} →", LIT, 12, "lm"))
    for i, row in enumerate(rows):
        y = top + i * (CELL + gap)
        label = _label(_shown(name_of_rows, row), LABEL - 12, 6)
        words += _stacked(label, margin, y + CELL / 2 - 17 * (len(label) - 1) / 2, "lm")
        for j, column in enumerate(columns):
            x = margin + LABEL + j * (width + gap)
            picture = cells[row, column]
            canvas[y : y + CELL, x : x + picture.shape[1]] = picture
    for j, head in enumerate(heads):
        x = margin + LABEL + j * (width + gap) + width / 2
        words += _stacked(head, x, corner + 19, "mm")
    return letter(canvas, words)


def _stacked(lines: list[str], x: float, y: float, anchor: str) -> list[Word]:
    return [Word(x, y + 17 * i, line, INK, 13, anchor, True) for i, line in enumerate(lines)]


def _label(text: str, width: int, most: int = 3) -> list[str]:
    """`text` in at most `most` lines of `width` pixels; the rest becomes an ellipsis."""
    lines = wrapped(text, font(13, True), width)
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"]


def _shown(name: str, value: Value) -> str:
    """A value as the sheet shows it: a clip without its folder."""
    return Path(str(value)).name if name == "clip" else str(value)
