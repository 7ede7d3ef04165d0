"""Charts, galleries and tables of the lessons, each with a text that says what is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from IPython.display import Markdown, display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fyp_lite import data_dir
from fyp_lite.clip import prepare_clip
from fyp_lite.judges.scores import COARSE, FINE, Judge, follow_score
from fyp_lite.keypoints.file import KeypointClip
from fyp_lite.lessons.show import motion_reduced, show_picture, show_side_by_side, stills_only
from fyp_lite.lessons.sweep import ONE_COLUMN, Key, SweepResult
from fyp_lite.settings import ClipSettings

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


# ---------------------------------------------------------------------------- the judges' table

Asked = Mapping[str, Sequence[str]]  # such as {"character": ["panda"], "place": ["sea"]}

DRAWN = "cartoon"  # the bundled clip that was drawn, not generated, and what it shows
DRAWN_FACTS = {"character": ["girl"], "place": ["park"], "time": ["day"], "style": ["plain"]}
LEGEND = f"""
**joints**: the share of all joints that is found where the skeleton has them, within {COARSE:g} of
the person's size; **limbs**: of elbows, wrists, knees and ankles, within {FINE:g}. **(wrong
moment)**: the same for the skeleton of half a clip later, which is what standing in the right place
is worth. **asked for**: ✔ where just that is seen, and how sure the judge is of it. **ceiling**: a
clip that a program drew; what is missing there is the judges' own mistake."""


@dataclass(frozen=True)
class Judged:
    """What the judges say about one video, as shares 0...1.

    joints, limbs: the follow scores of all joints and, finer, of elbows, wrists, knees and ankles.
    wrong_joints, wrong_limbs: the same against the pose of half a clip later, which is what
        standing in the right place is worth. facts: what was asked for. sure: how sure the judge is
        of each attribute of it, the mean over the frames; of several names, the least. shown: the
        prompt score, whether just that is seen.
    """

    joints: float
    limbs: float
    wrong_joints: float
    wrong_limbs: float
    facts: Asked
    sure: dict[str, float]
    shown: dict[str, bool]


def judge_video(judge: Judge, video: np.ndarray, keypoints: np.ndarray, facts: Asked) -> Judged:
    """Let the judges look at a video.

    Args:
        video: `[f, h, w, 3]` uint8.
        keypoints: `[f, people, 17, 3]` that it was made from, in its pixels.
        facts: what its prompt asks for, at least one name of each attribute.

    Raises:
        ValueError: as `follow_score` and `Judge.prompt` do.
    """
    shown = judge.prompt(video, facts)
    found = judge.keypoints(video)
    later = np.roll(keypoints, -(len(keypoints) // 2), axis=0)
    right, wrong = (follow_score(found, k, *video.shape[1:3]) for k in (keypoints, later))
    seen = judge.facts.probabilities(video)
    sure = {
        part: min(float(seen[part][:, judge.names[part].index(name)].mean()) for name in names)
        for part, names in facts.items()
    }
    all_joints, limbs = f"joints @{COARSE}", f"limbs @{FINE}"
    follow = (right[all_joints], right[limbs], wrong[all_joints], wrong[limbs])
    return Judged(*follow, facts, sure, shown)


def drawn_clip(size: int) -> tuple[np.ndarray, np.ndarray, Asked]:
    """Eight frames without a mistake, drawn by the world's own renderer, for the judges' ceiling.

    Returns:
        frames `[8, size, size, 3]` uint8, their true keypoints `[8, 1, 17, 3]` in those pixels, and
        what they show.
    """
    path = data_dir() / "clips" / f"{DRAWN}.mp4"
    clip = prepare_clip(path, ClipSettings(), size)
    truth = KeypointClip.load(path.with_suffix(".json"))
    keypoints = truth.keypoints[clip.indices]
    keypoints[..., :2] *= size / truth.width  # the clip is square, and nothing is cropped
    return clip.frames, keypoints, DRAWN_FACTS


def show_scores(what: str, scores: Mapping[str, Judged], ceiling: Judged) -> None:
    """Show a table with a row for each video, the judges' own ceiling, and how to read it.

    Args:
        what: what the titles are, such as "prompt" or "steps".
        scores: {title: what `judge_video` returned}.
        ceiling: of `drawn_clip`.
    """
    rows = [f"| {title} | {_cells(score)} |" for title, score in scores.items()]
    head = f"| {what} | joints (wrong moment) | limbs (wrong moment) | asked for |"
    last = f"| **ceiling:** drawn, not generated | {_cells(ceiling)} |"
    display(Markdown("\n".join([head, "|---|---:|---:|---|", *rows, last, LEGEND])))


def _cells(score: Judged) -> str:
    asked = [
        f"{'✔' if score.shown[part] else '✘'} {' and '.join(names)} {score.sure[part]:.0%}"
        for part, names in score.facts.items()
    ]
    follow = (
        f"{score.joints:.0%} ({score.wrong_joints:.0%})",
        f"{score.limbs:.0%} ({score.wrong_limbs:.0%})",
    )
    return " | ".join([*follow, ", ".join(asked)])
