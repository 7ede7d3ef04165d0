"""Expected pictures: what a video of known settings looks like, beside the reader's own.

`data/expected/NAME.webp` holds up to eight frames in a row, `NAME.json` how they were made and how
far from them a right video may be. `scripts/make_expected.py` makes both for every case of
`lessons.resume.CASES`.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import numpy as np
from IPython.display import Markdown, display
from PIL import Image

from fyp_course.stills import show_picture
from fyp_lite import data_dir
from fyp_lite.files.decoding import check_frames
from fyp_lite.video import contact_sheet, few_frames, frames_of_strip, resized

SIZE = 128  # pixels, a frame of an expected picture
COMPARED = 64  # pixels, the frames that are compared
CLOSE = 3  # times the tolerance; another seed is about ten times away

Verdict = Literal["matches", "close", "differs"]


def match_expected(name: str, video: np.ndarray) -> None:
    """Say whether a video matches the expected one; where not, show both.

    Args:
        name: an expected picture, such as "00" or "02_stride_20": a key of `resume.CASES`.
        video: the reader's, `[f, h, w, 3]` uint8 RGB.

    Raises:
        ValueError: there is no expected picture of that name, or `video` is no such array.
    """
    verdict, difference = compare(name, video)
    expected, facts = load_expected(name)
    said = {
        "matches": "✔ **Matches** the expected video",
        "close": "≈ **Close: different hardware** or library versions",
        "differs": "✘ **Differs: check the seed, the prompt and the settings.** Expected is "
        + facts["made"],
    }[verdict]
    said += f" (difference {difference:.1f} of 255)."
    if verdict == "matches":
        stored = next(iter(facts["measured"].values()))
        said += f" The expected frames are stored compressed, which alone makes {stored:.1f}."
    else:
        said = f"Above: expected. Below: yours. {said}"
        show_picture(_two_rows(expected, reference_frames(video)), said.replace("*", ""))
    display(Markdown(said))


def compare(name: str, video: np.ndarray) -> tuple[Verdict, float]:
    """The verdict on `video`, and the mean absolute difference from the expected frames.

    Returns:
        "matches" within the tolerance that was measured for this picture, "close" within three
        times that, otherwise "differs"; and 0 to 255, of frames of 64 x 64 pixels, 255 for another
        number of frames.
    """
    expected, facts = load_expected(name)
    yours = reference_frames(video)
    if len(yours) != len(expected):
        return "differs", 255.0
    difference = frame_difference(expected, yours)
    if difference <= facts["tolerance"]:
        return "matches", difference
    return ("close" if difference <= CLOSE * facts["tolerance"] else "differs"), difference


def load_expected(name: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Expected frames `[n, 128, 128, 3]` uint8 and how they were made (see `write_expected`)."""
    folder = data_dir() / "expected"
    path = folder / f"{name}.json"
    if not path.is_file():
        names = sorted(found.stem for found in folder.glob("*.json"))
        near = get_close_matches(name, names, n=1)
        fix = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}."
        raise ValueError(f"There is no expected picture {name!r}: {fix}")
    facts = json.loads(path.read_text(encoding="utf-8"))
    return _read_frames(path.with_suffix(".webp")), facts


def write_expected(folder: Path, name: str, videos: dict[str, np.ndarray], facts: dict) -> None:
    """Write NAME.webp and NAME.json.

    Args:
        folder: where to; made where it is missing.
        videos: the same settings computed in several dtypes, {dtype: `[f, h, w, 3]`}. The
            picture shows the first; what the others differ from it makes the tolerance.
        facts: how the videos were made, ready for JSON; `made` is the same in a phrase.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frames = reference_frames(next(iter(videos.values())))
    sheet = Image.fromarray(contact_sheet(frames, len(frames)))
    sheet.save(folder / f"{name}.webp", quality=85, method=6)
    stored = _read_frames(folder / f"{name}.webp")  # as readers get them: compressed
    measured = {
        dtype: round(frame_difference(stored, reference_frames(video)), 2)
        for dtype, video in videos.items()
    }
    facts = facts | {"measured": measured, "tolerance": round(1.5 + max(measured.values()), 1)}
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


def _read_frames(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return frames_of_strip(np.asarray(picture.convert("RGB")), SIZE)


def reference_frames(video: np.ndarray) -> np.ndarray:
    """At most eight frames of a video, evenly chosen: `[n, 128, 128, 3]` uint8."""
    check_frames(video)
    return resized(few_frames(video), SIZE)


def frame_difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute difference of two videos, in 8-bit levels, of frames of 64 x 64 pixels."""
    small = [resized(video, COMPARED).astype(float) for video in (first, second)]
    return float(np.abs(small[0] - small[1]).mean())


def _two_rows(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Frames `[n, s, s, 3]` above `[m, s, s, 3]`, the shorter row filled up with white."""
    columns = max(len(above), len(below))
    white = np.full((columns, *above.shape[1:]), 255, np.uint8)
    rows = [np.concatenate([row, white])[:columns] for row in (above, below)]
    return contact_sheet(np.concatenate(rows), columns)
