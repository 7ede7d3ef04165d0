"""Every lesson of the course runs by itself, from a clean kernel and without a network.

Its exercises are then tried as a learner would: what the cell holds at first does not pass, what
`solution()` gives does.
"""

from __future__ import annotations

import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from helpers import forbid_network
from nbclient import NotebookClient

SOURCES = sorted((Path(__file__).resolve().parents[2] / "notebooks" / "src").glob("*.py"))
LESSONS = [source for source in SOURCES if not source.stem.startswith("00")]
SECONDS = 300  # for one cell, on a slow machine
ANSWERS = ("answer=", "solution=", "Exercise(", "predict(")
MINUTES = re.compile(r"^# ## .* · (\d+) minutes?$", re.MULTILINE)

# Goes in behind every cell that poses an exercise, and leaves it as it was.
TRY_EXERCISES = """
def try_exercises(tried):
    from fyp_course.exercises.quiz import Exercise

    for name, value in list(globals().items()):
        if not isinstance(value, Exercise) or id(value) in tried:
            continue
        tried.add(id(value))
        before = value.passed, value.tries
        value.passed = False
        value.check(...)
        assert not value.passed and value.tries == before[1], value.title
        value.check(object())
        assert not value.passed and value.tries == before[1] + 1, value.title
        value.check(value.solution())
        assert value.passed, value.title
        value.passed, value.tries = before
        print("exercise tried:", value.title)

tried_exercises = globals().get("tried_exercises", set())
try_exercises(tried_exercises)
"""


def set_up_cell(source: Path) -> str:
    cells = jupytext.read(source, fmt="py:percent").cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


@pytest.mark.parametrize("source", LESSONS, ids=lambda path: path.stem)
def test_all_lessons_set_up_alike(source):
    assert set_up_cell(source) == set_up_cell(SOURCES[0])


@pytest.mark.slow
@pytest.mark.parametrize("source", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_and_its_exercises_can_be_solved(source, tmp_path, monkeypatch):
    forbid_network(tmp_path, monkeypatch)
    monkeypatch.setenv("FYP_LITE_MINUTES", "0.2")  # what the lesson on training may spend
    notebook = jupytext.read(source, fmt="py:percent")
    for place, cell in reversed(list(enumerate(notebook.cells))):
        if cell.cell_type == "code" and ".check(" in cell.source:
            notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(TRY_EXERCISES))
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=where).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("exercise tried:" in out.get("text", "") for out in outputs)


@pytest.mark.parametrize("source", LESSONS, ids=lambda path: path.stem)
def test_no_lesson_shows_its_answers(source):
    text = source.read_text(encoding="utf-8")
    assert [word for word in ANSWERS if word in text] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_minutes_add_up_to_what_the_title_and_the_readme_promise(source):
    text = source.read_text(encoding="utf-8")
    readme = (source.parents[2] / "README.md").read_text(encoding="utf-8")
    title = re.search(r"\*\*In (\d+) minutes you can\*\*", text)
    row = re.search(rf"notebooks/{source.stem}\.ipynb\).* (\d+) \|", readme)
    assert sum(map(int, MINUTES.findall(text))) == int(title[1]) == int(row[1])
