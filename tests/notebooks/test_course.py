"""Every lesson of the course runs by itself, from a clean kernel and without a network.

Its exercises are then tried as a learner would: what the cell holds at first does not pass, what
`solution()` gives does.
"""

from __future__ import annotations

import os
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

SOURCES = sorted((Path(__file__).resolve().parents[2] / "notebooks" / "src").glob("*.py"))
LESSONS = [source for source in SOURCES if not source.stem.startswith("00")]
SECONDS = 300  # for one cell, on a slow machine

NO_NETWORK = """
import socket

def refuse(*arguments, **options):
    raise OSError(f"the network is forbidden here: {arguments}")

socket.getaddrinfo = refuse
socket.create_connection = refuse
"""
TRY_EXERCISES = """
from fyp_lite.lessons.checks import Exercise

tried = 0
for exercise in [value for value in list(globals().values()) if isinstance(value, Exercise)]:
    before = exercise.tries
    exercise.passed = False
    exercise.check(object())
    assert not exercise.passed and exercise.tries == before + 1, exercise.title
    exercise.check(exercise.solution())
    assert exercise.passed, exercise.title
    tried += 1
print("exercises tried:", tried)
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
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("FYP_LITE_MINUTES", "0.2")  # what the lesson on training may spend
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.cells.append(nbformat.v4.new_code_cell(TRY_EXERCISES))
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=where).execute()
    printed = "".join(out.get("text", "") for out in notebook.cells[-1].outputs)
    assert "exercises tried: 0" not in printed
