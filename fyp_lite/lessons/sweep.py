"""Sweeps: one video for each value of one or two settings, stored as they come, on one sheet."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import torch
from PIL import Image

from fyp_lite.clip import Clip, choose_frames, crop_box, open_clip, prepare_clip
from fyp_lite.hashes import file_hash
from fyp_lite.lessons.drawing import DIM, INK, LIT, PAPER, Word, font, letter, wrapped
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.skeleton import check_skeleton_frames

CELL = 128  # pixels, the side of one frame on the sheet
STILLS = 3  # frames of each video on the sheet
LABEL = 128  # pixels for the names of the rows
CLIP_NAMES = tuple(field.name for field in fields(ClipSettings))
SAMPLE_NAMES = tuple(field.name for field in fields(SampleSettings))
Value = int | float | str | None
Key = tuple[Value, Value]
Axis = Mapping[str, Sequence[Value]]
ONE_COLUMN: tuple[str, list[Value]] = ("", [None])


class SweepError(ValueError):
    """A sweep that cannot be run: one sentence with the name or value and the fix."""


class Given(NamedTuple):
    """What all videos of a sweep have in common."""

    clip: Clip
    prompt: str
    clip_settings: ClipSettings
    sample_settings: SampleSettings
    negative_prompt: str = ""


class Progress(NamedTuple):
    """How far a sweep is: `done` of `total` videos are stored, and of the next one `step` of
    `num_steps` steps are made."""

    done: int
    total: int
    step: int
    num_steps: int


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


class _Cell(NamedTuple):
    """One video of a sweep: where it belongs, how it is made, and its file."""

    key: Key
    clip_settings: ClipSettings
    sample_settings: SampleSettings
    recipe: dict[str, Any]  # every fact that decides what the video looks like
    path: Path


def sweep(
    pipeline: FollowYourPosePipeline,
    clip: Clip | str | os.PathLike[str],
    prompt: str,
    clip_settings: ClipSettings,
    sample_settings: SampleSettings,
    rows: Axis,
    columns: Axis | None = None,
    *,
    out: str | os.PathLike[str],
    negative_prompt: str = "",
) -> SweepResult:
    """One video for each value in `rows`, or for each pair of values in `rows` and `columns`.

    Every video is stored in `out` as soon as it is finished, and the sheet as grid.png at the end.
    What is stored already is not made again: a sweep that was interrupted goes on where it was.

    Args:
        pipeline: the model.
        clip: an open clip, or its path.
        prompt, clip_settings, sample_settings, negative_prompt: what all videos have in common; so
            all start from the same noise, unless the seed is swept.
        rows, columns: {name: values} with one name each: a field of ClipSettings or
            SampleSettings, or "prompt".
        out: a folder, made where it is missing.

    Raises:
        SweepError: a name that is none of these, twice the same, or no values; before the first
            video is made.
        SettingsError, ClipError: a value that is out of its range or does not fit the clip.
    """
    if not isinstance(clip, Clip):
        with open_clip(clip) as opened:
            return sweep(
                *(pipeline, opened, prompt, clip_settings, sample_settings, rows, columns),
                out=out,
                negative_prompt=negative_prompt,
            )
    given = Given(clip, prompt, clip_settings, sample_settings, negative_prompt)
    job = Sweep(pipeline, given, rows, columns, out)
    for _ in job.steps():
        pass
    return job.result()


class Sweep:
    """A sweep to be walked step by step; `sweep` says what the arguments mean."""

    def __init__(
        self,
        pipeline: FollowYourPosePipeline,
        given: Given,
        rows: Axis,
        columns: Axis | None,
        out: str | os.PathLike[str],
    ) -> None:
        self.pipeline, self.given, self.out = pipeline, given, Path(out).expanduser()
        self.rows = _axis("rows", rows)
        self.columns = ONE_COLUMN if columns is None else _axis("columns", columns)
        if self.rows[0] == self.columns[0]:
            raise SweepError(f"rows and columns both vary {self.rows[0]}: vary another in one.")
        common: dict[str, Any] = {"prompt": given.prompt, "negative_prompt": given.negative_prompt}
        common |= given.clip_settings.to_dict() | given.sample_settings.to_dict()
        swept = {self.rows[0], self.columns[0]}
        self.title = _title({name: v for name, v in common.items() if name not in swept})
        source = file_hash(given.clip.path) + _fingerprint(pipeline)
        self.cells = [
            self._cell(common, key, source)
            for key in itertools.product(self.rows[1], self.columns[1])
        ]

    def _cell(self, common: dict[str, Any], key: Key, source: str) -> _Cell:
        values = common | dict(zip((self.rows[0], self.columns[0]), key, strict=True))
        clip_settings = ClipSettings.from_dict({name: values[name] for name in CLIP_NAMES})
        sample_settings = SampleSettings.from_dict({name: values[name] for name in SAMPLE_NAMES})
        clip = self.given.clip
        choose_frames(clip, clip_settings)
        crop_box(clip.height, clip.width, clip_settings)
        scale = float(self.pipeline.guidance_scale(sample_settings))
        recipe = values | {"guidance_scale": scale, "clip": clip.path.name, "source": source}
        name = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
        return _Cell(key, clip_settings, sample_settings, recipe, self.out / f"{name}.npz")

    def steps(self) -> Iterator[Progress]:
        """Make and store what is missing; yields after every step and after every video."""
        self.out.mkdir(parents=True, exist_ok=True)
        for done, cell in enumerate(self.cells):
            if not cell.path.is_file():
                yield from self._make(cell, done)
            yield Progress(done + 1, len(self.cells), 0, cell.sample_settings.num_inference_steps)
        sheet = Image.fromarray(self.result().grid())
        _write(self.out / "grid.png", lambda file: sheet.save(file, "PNG"))

    def _make(self, cell: _Cell, done: int) -> Iterator[Progress]:
        prepared = prepare_clip(self.given.clip, cell.clip_settings, self.pipeline.size)
        check_skeleton_frames(prepared.frames)
        for step in self.pipeline.steps(
            cell.recipe["prompt"],
            prepared.frames,
            cell.sample_settings,
            negative_prompt=self.given.negative_prompt,
        ):
            yield Progress(done, len(self.cells), step.index + 1, step.num_steps)
        video, recipe = self.pipeline.decode(step.latents)[0], json.dumps(cell.recipe)
        arrays: dict[str, Any] = {"video": video, "fps": prepared.fps, "recipe": recipe}
        _write(cell.path, lambda file: np.savez_compressed(file, **arrays))

    def result(self) -> SweepResult:
        """All videos, read from `out`. Raises SweepError where one is missing or damaged."""
        videos, rates = {}, {}
        for cell in self.cells:
            try:
                with np.load(cell.path, allow_pickle=False) as stored:
                    videos[cell.key], rates[cell.key] = stored["video"], float(stored["fps"])
            except FileNotFoundError:
                raise SweepError(
                    f"the video for {cell.key} is not made yet: let the sweep go on."
                ) from None
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                raise SweepError(
                    f"{cell.path} is damaged ({error}): delete it, then run the sweep again."
                ) from error
        return SweepResult(self.title, self.rows, self.columns, videos, rates)


def _axis(what: str, axis: Axis) -> tuple[str, list[Value]]:
    """`rows` or `columns`, checked, as (name, values)."""
    if not isinstance(axis, Mapping) or len(axis) != 1:
        raise SweepError(
            f"{what} is {axis!r}, but it must be one name with its values: for example "
            f'{what}={{"seed": [0, 1]}}.'
        )
    ((name, values),) = axis.items()
    known = ("prompt", *CLIP_NAMES, *SAMPLE_NAMES)
    if name not in known:
        near = get_close_matches(str(name), known, n=1, cutoff=0.5)
        fix = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}."
        raise SweepError(f"{what} varies {name!r}, which is no setting: {fix}")
    values = [values] if isinstance(values, str) else list(values)
    if not values or len(set(values)) != len(values):
        raise SweepError(
            f"{what} has the values {values} for {name}: give each once, at least one."
        )
    return name, values


def _title(common: Mapping[str, Any]) -> str:
    """The prompt, if it is common to all, and every setting that is not at its default."""
    defaults = ClipSettings().to_dict() | SampleSettings().to_dict()
    shown = ("seed", "num_inference_steps")  # worth saying also where they are the default
    parts = [f"“{common['prompt']}”"] if "prompt" in common else []
    if common["negative_prompt"]:
        parts.append(f"without “{common['negative_prompt']}”")
    parts += [
        f"{name} {value}"
        for name, value in common.items()
        if name in defaults and (value != defaults[name] or name in shown)
    ]
    return " · ".join(parts)


def _fingerprint(pipeline: FollowYourPosePipeline) -> str:
    """Tells networks apart by a few numbers out of every tensor, their type and their schedule."""
    digest = hashlib.sha256(json.dumps(dict(pipeline.scheduler.config), default=str).encode())
    digest.update(f"{pipeline.config.shared_noise} {pipeline.unet.dtype}".encode())
    for part in (pipeline.text_encoder, pipeline.unet, pipeline.pose_encoder, pipeline.vae):
        for tensor in part.state_dict().values():
            some = tensor.detach().flatten()[:64].to("cpu", torch.float32)
            digest.update(some.numpy().tobytes())
    return digest.hexdigest()


def _write(path: Path, save: Callable[[BinaryIO], object]) -> None:
    """The file appears whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            save(file)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


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
    heads = [[] if v is None else _label(str(v), width) for v in columns]
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
        label = _label(str(row), LABEL - 12, 6)
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
    """`text` in at most so many lines of so many pixels; the rest becomes an ellipsis."""
    lines = wrapped(text, font(13, True), width)
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"]
