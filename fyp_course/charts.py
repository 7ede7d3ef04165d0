"""Charts, galleries and tables of the lessons, each with a text that says what is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from IPython.display import Markdown, display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fyp_course.show import asked_motion, show_side_by_side
from fyp_course.stills import motion_reduced, plain, show_picture, stills_only
from fyp_lite import data_dir
from fyp_lite.judges.scores import COARSE, FINE, Judge, follow_score, seen_names
from fyp_lite.opening import open_clip
from fyp_lite.sweeps.sheet import ONE_COLUMN, Key, SweepResult
from fyp_lite.vocabulary import NOUNS, PLACES, SIZES, STYLES, TIMES, words_of
from fyp_world.world.captions import VERBS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SIZE = (6.4, 3.2)  # inches of a chart, at DPI dots each
DPI = 110
PAINTS = "red orange yellow green teal blue purple pink black white brown grey"
# Told apart by their shape too, not by colour alone.
LOOKS = (("#1f5fa8", "o"), ("#c8501e", "s"), ("#2f7d4f", "^"), ("#7a3f98", "D"))


def show_chart(
    x_name: str,
    x: Sequence[float],
    y_name: str,
    lines: Mapping[str, Sequence[float]],
    ceiling: float | None = None,
) -> None:
    """Show up to four lines over one axis; the alternative text holds every number.

    Args:
        x_name, y_name: what the axes say, with the unit.
        x: the points' places, rising.
        lines: {name: a value for each place}.
        ceiling: the most that the first line can reach, dashed; None for none.

    Raises:
        ValueError: more than four lines, or one that has more or fewer values than there are
            places.
    """
    text = chart_text(x_name, x, y_name, lines, ceiling)
    show_picture(draw_chart(x_name, x, y_name, lines, ceiling), text)


def draw_chart(
    x_name: str,
    x: Sequence[float],
    y_name: str,
    lines: Mapping[str, Sequence[float]],
    ceiling: float | None = None,
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
    if ceiling is not None:
        label = f"ceiling of {next(iter(lines))}"
        axes.axhline(ceiling, color="#555555", linestyle="--", label=label)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(axes.get_legend_handles_labels()[0]) > 1:  # above the lines, so that it covers none
        figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def chart_text(
    x_name: str,
    x: Sequence[float],
    y_name: str,
    lines: Mapping[str, Sequence[float]],
    ceiling: float | None = None,
) -> str:
    """All numbers of a chart as a sentence for each line."""
    sentences = [f"A chart of {y_name} over {x_name}."]
    for name, values in lines.items():
        points = [f"{value:.3g} at {place:g}" for place, value in zip(x, values, strict=True)]
        sentences.append(f"{name}: {', '.join(points)}.")
    if ceiling is not None:
        sentences.append(f"ceiling of {next(iter(lines))}: {ceiling:.3g}.")
    return " ".join(sentences)


def show_gallery(
    videos: Mapping[str, np.ndarray], fps: float, what: str, follows: np.ndarray | None = None
) -> None:
    """Show videos beside each other; where stills take their place, as one labelled sheet.

    Args:
        videos: {title: `[f, h, w, 3]` uint8 RGB}.
        fps: frames a second.
        what: what the titles are, such as "prompt" or "guidance scale".
        follows: the skeleton frames that all of them were made from, for their text.
    """
    if not (stills_only() or motion_reduced()):
        show_side_by_side(dict(videos), fps, follows)
        return
    cells: dict[Key, np.ndarray] = {(title, None): video for title, video in videos.items()}
    rates = dict.fromkeys(cells, fps)
    title = f"A few frames of each video, one {what} a row"
    sheet = SweepResult(title, (what, list(videos)), ONE_COLUMN, cells, rates).grid()
    text, asked = f"{title}: {'; '.join(videos)}", asked_motion(follows)
    show_picture(sheet, f"{text}. {asked}" if asked else text)


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute difference per pixel and colour of two videos `[f, h, w, 3]`, of 255."""
    return float(np.abs(first.astype(np.int16) - second).mean())


def word_table(tokenizer: PreTrainedTokenizerBase) -> str:
    """What the animated world's words decide, as a Markdown table; only words that the tokenizer
    knows.
    """
    known = tokenizer.get_vocab()
    kinds = {
        "who": [form for forms in NOUNS.values() for form, _ in forms],
        "how it looks": ["cute"],
        "where": [phrase for phrases in PLACES.values() for phrase in phrases],
        "when": [phrase for phrases in TIMES.values() for phrase in phrases],
        "style": [phrase for phrases in STYLES.values() for phrase in phrases],
        "colour of clothes, of a plain background": PAINTS.split(),
        "nothing: the skeleton decides the motion": VERBS,
        "nothing: the skeleton decides the size": [
            p for phrases in SIZES.values() for p in phrases
        ],
    }
    rows = ["| It decides | Words and phrases |", "|---|---|"]
    for kind, phrases in kinds.items():
        kept = [p for p in dict.fromkeys(phrases) if p and set(words_of(p)) <= known.keys()]
        if kept:
            rows.append(f"| {kind} | {'; '.join(kept)} |")
    return "\n".join(rows)


# ---------------------------------------------------------------------------- the judges' table

Asked = Mapping[str, Sequence[str]]  # such as {"character": ["panda"], "place": ["sea"]}

LEGEND = f"""
**joints**: the share of all joints that is found where the skeleton has them, within {COARSE:g} of
the person's size; **limbs**: of elbows, wrists, knees and ankles, within {FINE:g}. **(wrong
moment)**: the same for the skeleton of half a clip later, which is what standing in the right place
is worth. **asked for**: how sure the judge is of it on average; ✔ where it sees just that,
otherwise ✘ and, in brackets, what it sees. **drawn**: not generated, but drawn by a program; what
is missing there is the judges' own mistake."""


@dataclass(frozen=True)
class Judged:
    """What the judges say about one video, as shares 0...1.

    joints, limbs: the follow scores of all joints and, finer, of elbows, wrists, knees and ankles.
    wrong_joints, wrong_limbs: the same against the pose of half a clip later, which is what
        standing in the right place is worth. facts: what was asked for. sure: how sure the judge is
        of each attribute of it, the mean over the frames; of several names, the least. seen: the
        names that the judge gives to each of these attributes. shown: the prompt score, whether
        they are just those asked for.
    """

    joints: float
    limbs: float
    wrong_joints: float
    wrong_limbs: float
    facts: Asked
    sure: dict[str, float]
    seen: dict[str, frozenset[str]]
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
    chances = judge.facts.probabilities(video)
    sure = {
        part: min(float(chances[part][:, judge.names[part].index(name)].mean()) for name in names)
        for part, names in facts.items()
    }
    names_seen = seen_names(judge.names, chances)
    seen = {part: names_seen[part] for part in facts}
    all_joints, limbs = f"joints @{COARSE}", f"limbs @{FINE}"
    follow = (right[all_joints], right[limbs], wrong[all_joints], wrong[limbs])
    return Judged(*follow, facts, sure, seen, shown)


def drawn_case(name: str) -> np.ndarray:
    """What the animated world itself draws for a case of `lessons.resume`, with the same pose.

    A judge should be content with such a video: what it misses there is its own mistake.

    Args:
        name: of a file in data/drawn, such as "04_panda_sea".

    Returns:
        `[8, 256, 256, 3]` uint8, for the frames of that case.

    Raises:
        ValueError: there is none of this name.
    """
    folder = data_dir() / "drawn"
    path = folder / f"{name}.mp4"
    if not path.is_file():
        names = ", ".join(sorted(found.stem for found in folder.glob("*.mp4")))
        raise ValueError(f"There is no drawn case {name!r}: choose one of {names}.")
    with open_clip(path) as clip:
        return clip.read(range(clip.num_frames))


def show_scores(what: str, scores: Mapping[str, Judged], ceiling: Judged | None = None) -> None:
    """Show a table with a row for each video, the judges' own ceiling, and how to read it.

    Args:
        what: what the titles are, such as "prompt" or "steps".
        scores: {title: what `judge_video` returned}.
        ceiling: of a drawn video; None where `scores` holds such rows.
    """
    rows = [f"| {plain(title)} | {_cells(score)} |" for title, score in scores.items()]
    head = f"| {what} | joints (wrong moment) | limbs (wrong moment) | asked for |"
    if ceiling is not None:
        rows.append(f"| **ceiling:** drawn | {_cells(ceiling)} |")
    display(Markdown("\n".join([head, "|---|---:|---:|---|", *rows, LEGEND])))


def _cells(score: Judged) -> str:
    asked = []
    for part, names in score.facts.items():
        told = f"{' and '.join(names)} {score.sure[part]:.0%}"
        seen = " and ".join(sorted(score.seen[part]))
        asked.append(f"✔ {told}" if score.shown[part] else f"✘ {told} (sees {seen})")
    follow = (
        f"{score.joints:.0%} ({score.wrong_joints:.0%})",
        f"{score.limbs:.0%} ({score.wrong_limbs:.0%})",
    )
    return " | ".join([*follow, ", ".join(asked)])
