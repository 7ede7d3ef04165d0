"""Run lessons, or their set-up cell alone, in a clean kernel of an environment."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jupytext
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

if TYPE_CHECKING:
    from recipes import Environment

SOURCES = sorted((Path(__file__).resolve().parents[2] / "notebooks" / "src").glob("*.py"))
WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS = 900  # for one cell, on a slow machine
MINUTES = "0.2"  # what the lesson on training may spend


@dataclass(frozen=True)
class Lesson:
    """What became of one lesson."""

    name: str
    seconds: float
    panels: int  # widgets that were shown
    fault: str  # the error that stopped it, in one line; "" where it ran to its end

    def __str__(self) -> str:
        ending = f"stops: {self.fault}" if self.fault else f"{self.panels} panels"
        return f"lesson {self.name}, {self.seconds:.0f} s, {ending}"


def run_lesson(source: Path, environment: Environment) -> Lesson:
    """Execute a lesson's text source in a folder of its own."""
    folder = environment.folder / "lessons" / source.stem
    folder.mkdir(parents=True)
    notebook = jupytext.read(source, fmt="py:percent")
    started = time.monotonic()
    fault = _execute(notebook, environment, folder)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    panels = sum(WIDGET in output.get("data", {}) for output in outputs)
    shutil.rmtree(folder)
    return Lesson(source.stem, time.monotonic() - started, panels, fault)


def run_set_up(environment: Environment) -> str:
    """Execute the set-up cell, which all lessons share; returns its fault, "" where it is well."""
    notebook = jupytext.read(SOURCES[0], fmt="py:percent")
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:1]
    return _execute(notebook, environment, environment.folder)


def _execute(notebook: NotebookNode, environment: Environment, folder: Path) -> str:
    spec = environment.folder / "jupyter" / "kernels" / "matrix" / "kernel.json"
    spec.parent.mkdir(parents=True, exist_ok=True)
    launch = [*environment.prefix, environment.python, "-m", "ipykernel_launcher", "-f"]
    spec.write_text(
        json.dumps({"argv": [*launch, "{connection_file}"], "display_name": "matrix"}),
        encoding="utf-8",
    )
    os.environ["JUPYTER_PATH"] = str(environment.folder / "jupyter")
    os.environ["JUPYTER_RUNTIME_DIR"] = str(environment.folder / "jupyter")
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="matrix", resources={"metadata": {"path": folder}}
    )
    try:
        client.execute(env=environment.environ() | {"FYP_LITE_MINUTES": MINUTES})
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}".replace("\n", " ")[:500]
    except Exception as error:  # a kernel that dies, a cell that takes too long
        return f"{type(error).__name__}: {error}".replace("\n", " ")[:500]
    return ""
