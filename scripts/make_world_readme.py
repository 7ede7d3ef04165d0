"""Write `fyp_world/world/README.md` from the world's code: `python scripts/make_world_readme.py`.

With `--check` nothing is written, and the exit code says whether the file is up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from textwrap import fill

from fyp_lite.vocabulary import NOUNS, PLACES, SIZES, STYLES, TIMES
from fyp_world.world.characters import CHARACTERS, CLOTHES_COLOURS
from fyp_world.world.dataset import MAX_PEOPLE, TRAINING_MOTIONS, is_held_out, world_vocabulary
from fyp_world.world.motion import HELD_OUT_MOTIONS, MOTIONS
from fyp_world.world.scenes import COLOURS, SCENES

README = Path(__file__).parents[1] / "fyp_world" / "world" / "README.md"
HEAD = """\
# The animated world

<!-- Written by scripts/make_world_readme.py from the code: change that, not this. -->

What the lite model has learned, and all that it has learned: {characters} characters in {places}
places and before {colours} plain backgrounds, at {times} times of day, in {styles} styles, 1 to
{people} people of one kind or of two, in {motions} motions and in random poses, seen from any side.
Everything is drawn by the code in this folder.
"""
HELD_OUT = """\
## Held out of training

Chosen by fixed rules before training, so that evaluation can ask for what was never seen.

**Motions**: every sixth name of the alphabetical list, from the fifth on ({count} of
{all_motions}): {motions}.

**Combinations** of character, place and style: those for which
`crc32("character|place|style") % 16 == 0` in UTF-8, {held} of {all_combinations} ({share:.1%}).
A scene is held out where any of its characters is; every character, place and style by itself is in
training. `world.dataset.is_held_out` is the rule. Per character:

{table}
"""


def names(values: Iterable[str]) -> str:
    return ", ".join(value.replace("_", " ") for value in values)


def phrases(options: tuple[str, ...]) -> str:
    """What captions say for one thing, each phrase once."""
    return names(dict.fromkeys(option for option in options if option)) or "(nothing)"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def wrapped(text: str) -> str:
    """Paragraphs of at most 100 columns; headings and tables stay as they are."""
    parts = text.strip().split("\n\n")
    return "\n\n".join(
        part if part.startswith(("#", "|", "<")) else fill(part, 100, break_on_hyphens=False)
        for part in parts
    )


def character_rows() -> Iterable[tuple[str, ...]]:
    for name, nouns in NOUNS.items():
        clothes = "in any colour" if CHARACTERS[name].recolourable else "its own"
        yield name, names(noun for noun, _ in nouns), clothes


def place_rows() -> Iterable[tuple[str, ...]]:
    for name, options in PLACES.items():
        yield name, phrases(options), names(SCENES[name].times)


def held_out_part() -> str:
    places = [*SCENES, *(f"{colour} background" for colour in COLOURS)]
    held = {
        name: [(p, s) for p, s in product(places, STYLES) if is_held_out(name, p, s)]
        for name in CHARACTERS
    }
    count, whole = sum(map(len, held.values())), len(CHARACTERS) * len(places) * len(STYLES)
    rows = ((name, "; ".join(f"{p}, {s}" for p, s in pairs)) for name, pairs in held.items())
    return HELD_OUT.format(
        count=len(HELD_OUT_MOTIONS),
        all_motions=len(MOTIONS),
        motions=names(HELD_OUT_MOTIONS),
        held=count,
        all_combinations=whole,
        share=count / whole,
        table=table(("Character", "Never seen in"), rows),
    )


def readme() -> str:
    head = HEAD.format(
        characters=len(CHARACTERS),
        places=len(SCENES),
        colours=len(COLOURS),
        styles=len(STYLES),
        times=len(TIMES),
        people=MAX_PEOPLE,
        motions=len(TRAINING_MOTIONS),
    )
    said = ("Name", "What captions say")
    vocabulary = world_vocabulary()
    parts = [
        head,
        "## Characters",
        table((*said, "Clothes"), character_rows()),
        f'Clothes come in {names(CLOTHES_COLOURS)}: "a man in red". Any character may be cute (a '
        "larger head), and tiny or tall; how tall it is drawn is decided by the skeleton alone.",
        "## Places",
        table((*said, "Times of day"), place_rows()),
        f'Plain backgrounds: {names(COLOURS)}, as in "brown background".',
        "## Times, styles and sizes",
        table(said, ((k, phrases(v)) for t in (TIMES, STYLES, SIZES) for k, v in t.items())),
        "## Motions",
        f"In training: {names(TRAINING_MOTIONS)}; and moves between random plausible poses.",
        held_out_part(),
        "## Words",
        f"{len(vocabulary)} words; case and punctuation do not matter, and other words are named "
        "and ignored.",
        names(vocabulary),
    ]
    return wrapped("\n\n".join(part.strip() for part in parts)) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only tell whether it is up to date")
    text = readme()
    if not parser.parse_args().check:
        README.write_bytes(text.encode())
    elif not README.exists() or README.read_bytes().decode() != text:
        sys.exit(f"{README.name} of the world is out of date: run scripts/make_world_readme.py.")


if __name__ == "__main__":
    main()
