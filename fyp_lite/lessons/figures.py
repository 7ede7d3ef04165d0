"""Charts and galleries of the lessons, each with a text that says what is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fyp_lite.lessons.show import motion_reduced, show_picture, show_side_by_side, stills_only
from fyp_lite.lessons.sweep import ONE_COLUMN, Key, SweepResult

SIZE = (6.4, 3.2)  # inches of a chart, at DPI dots each
DPI = 110
# Told apart by their shape too, not by colour alone.
LOOKS = (("#1f5fa8", "o"), ("#c8501e", "s"), ("#2f7d4f", "^"), ("#7a3f98", "D"))


def show_chart(
    x_name: str, x: Sequence[float], y_name: str, lines: Mapping[str, Sequence[float]]
) -> None:
    """Show up to four lines over one axis; the alternative text holds every number.

    Args:
        x_name, y_name: what the axes say, with the unit.
        x: the points' places, rising.
        lines: {name: a value for each place}.

    Raises:
        ValueError: more than four lines, or one that has more or fewer values than there are
            places.
    """
    show_picture(draw_chart(x_name, x, y_name, lines), chart_text(x_name, x, y_name, lines))


def draw_chart(
    x_name: str, x: Sequence[float], y_name: str, lines: Mapping[str, Sequence[float]]
) -> np.ndarray:
    """The chart of `show_chart` as a picture `[h, w, 3]` uint8 RGB."""
    if not 1 <= len(lines) <= len(LOOKS):
        raise ValueError(f"the chart has {len(lines)} lines: give one to {len(LOOKS)}.")
    figure = Figure(SIZE, DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel=x_name, ylabel=y_name)
    for (name, values), (colour, marker) in zip(lines.items(), LOOKS, strict=False):
        if len(values) != len(x):
            raise ValueError(
                f"the line {name!r} has {len(values)} values for {len(x)} places: give one each."
            )
        axes.plot(x, values, marker=marker, color=colour, label=name)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1:
        axes.legend(frameon=False)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def chart_text(
    x_name: str, x: Sequence[float], y_name: str, lines: Mapping[str, Sequence[float]]
) -> str:
    """All numbers of a chart as a sentence for each line."""
    sentences = [f"A chart of {y_name} over {x_name}."]
    for name, values in lines.items():
        points = [f"{value:.3g} at {place:g}" for place, value in zip(x, values, strict=True)]
        sentences.append(f"{name}: {', '.join(points)}.")
    return " ".join(sentences)


def show_gallery(videos: Mapping[str, np.ndarray], fps: float, what: str) -> None:
    """Show videos beside each other; where stills take their place, as one labelled sheet.

    Args:
        videos: {title: `[f, h, w, 3]` uint8 RGB}.
        fps: frames a second.
        what: what the titles are, such as "prompt" or "guidance scale".
    """
    if not (stills_only() or motion_reduced()):
        show_side_by_side(dict(videos), fps)
        return
    cells: dict[Key, np.ndarray] = {(title, None): video for title, video in videos.items()}
    rates = dict.fromkeys(cells, fps)
    title = f"A few frames of each video, one {what} a row"
    sheet = SweepResult(title, (what, list(videos)), ONE_COLUMN, cells, rates).grid()
    show_picture(sheet, f"{title}: {'; '.join(videos)}")
