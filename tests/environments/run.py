"""Build the environments that users have, do there what users do, and print a table.

    python tests/environments/run.py                          all four, all lessons
    python tests/environments/run.py colab --lessons 00,08    one, with some lessons

Each environment is built from nothing in out/matrix: see `recipes.py` for how. Then every lesson of
notebooks/src runs in a clean kernel there, and the tests of the dependencies' calls
(tests/project/test_dependencies.py) run too. The exit code is 1 where anything failed; what failed
is said below the table, and its environment is left for a look.
"""

from __future__ import annotations

import argparse
import datetime
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from interpreters import NoPythonError
from lessons import SOURCES, Lesson, run_lesson
from recipes import RECIPES, RecipeError, check_calls

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "out" / "matrix"
COLUMNS = ("torch", "diffusers", "transformers", "numpy", "av", "ipywidgets", "ipykernel")


@dataclass
class Result:
    """What became of one environment."""

    name: str
    python: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    built_in: float = 0.0  # seconds
    lessons: list[Lesson] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # sentences


def try_environment(name: str, sources: list[Path]) -> Result:
    """Build it, run the lessons and the checks; nothing that fails stops the rest."""
    result, folder = Result(name), WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started = time.monotonic()
    try:
        environment = RECIPES[name](folder)
    except (RecipeError, NoPythonError) as error:
        result.faults.append(str(error))
        return result
    result.built_in = time.monotonic() - started
    result.versions = environment.versions()
    result.python = environment.version
    say(f"{name}: built in {result.built_in:.0f} s, Python {result.python}")
    for source in sources:
        lesson = run_lesson(source, environment)
        result.lessons.append(lesson)
        say(f"{name}: {lesson}")
        if lesson.fault:
            result.faults.append(f"lesson {lesson.name} stops: {lesson.fault}")
    result.faults += check_calls(environment) + environment.changes()
    if not result.faults:
        shutil.rmtree(folder)
    return result


def table(results: list[Result]) -> str:
    """A Markdown table, one row for each environment."""
    head = ["environment", "Python", *COLUMNS, "lessons run", "panels", "on"]
    rows = [head, ["---"] * len(head)]
    today = datetime.date.today().isoformat()
    for result in results:
        names = ", ".join(lesson.name[:2] + "!" * bool(lesson.fault) for lesson in result.lessons)
        panels = str(sum(lesson.panels for lesson in result.lessons))
        versions = [result.versions.get(column, "") for column in COLUMNS]
        rows.append([result.name, result.python, *versions, names, panels, today])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def say(text: str) -> None:
    print(text, flush=True)


def choose_sources(wanted: str) -> list[Path]:
    """The lessons whose numbers are named, such as "00,08"; all where none is."""
    numbers = [number.strip() for number in wanted.split(",") if number.strip()]
    known = {source.name[:2]: source for source in SOURCES}
    if unknown := [number for number in numbers if number not in known]:
        raise ValueError(f"there is no lesson {unknown[0]}: the lessons are {', '.join(known)}.")
    return [known[number] for number in numbers] or SOURCES


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the lessons where users run them.")
    parser.add_argument("environments", nargs="*", help=f"{', '.join(RECIPES)}; all without")
    parser.add_argument("--lessons", default="", help="their numbers, such as 00,08; all without")
    arguments = parser.parse_args()
    names = arguments.environments or list(RECIPES)
    if unknown := [name for name in names if name not in RECIPES]:
        parser.error(f"there is no environment {unknown[0]}: choose from {', '.join(RECIPES)}.")
    try:
        sources = choose_sources(arguments.lessons)
    except ValueError as error:
        parser.error(str(error))
    results = [try_environment(name, sources) for name in names]
    say("\n" + table(results))
    faults = [(result.name, fault) for result in results for fault in result.faults]
    for name, fault in faults:
        say(f"\n{name}: {fault}")
    if faults:
        say(f"\nThe environments that failed are left in {WORK.relative_to(ROOT)}.")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
