"""The quickstart: it runs from a clean kernel without a network, and its stored copy is up to date.

The same holds for every notebook: the tests take whatever lies in notebooks/src.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from helpers import forbid_network
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

from fyp_lite.model_folder import WEIGHTS

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
SECONDS = 300  # for one cell, on a slow machine
STORED_TYPES = {"text/plain", "text/markdown", "image/jpeg", "image/png"}

needs_weights = pytest.mark.skipif(
    not (WEIGHTS / "lite").is_dir(), reason="the bundled model is not in this tree yet"
)
WIDGET = "application/vnd.jupyter.widget-view+json"
every_notebook = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


@pytest.fixture
def builder(monkeypatch):
    """scripts/build_notebooks.py as a module."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    spec = importlib.util.spec_from_file_location("build_notebooks", SCRIPTS / "build_notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stored(source):
    return nbformat.read(ROOT / "notebooks" / f"{source.stem}.ipynb", as_version=4)


@needs_weights
def test_it_runs_from_a_clean_kernel_without_a_network(tmp_path, monkeypatch):
    forbid_network(tmp_path, monkeypatch)
    notebook = jupytext.read(ROOT / "notebooks" / "src" / "00_quickstart.py", fmt="py:percent")
    where = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=where)
    client.execute()  # a cell that fails raises

    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    pages = [out.data["text/html"] for out in outputs if "text/html" in out.get("data", {})]
    # Five videos or rows of videos, and two panels; each has its stills before it.
    assert sum('class="fyp-still"' in page for page in pages) == 7
    widgets = [out.data["text/plain"] for out in outputs if WIDGET in out.get("data", {})]
    assert len([text for text in widgets if not text]) == 7  # the others are progress bars
    printed = "".join(out.text for out in outputs if out.get("name") == "stdout")
    assert "the same as the first video: True" in printed
    assert "start_frame at most 99" in printed
    assert (tmp_path / "my_video.mp4").stat().st_size > 1000


@needs_weights
def test_stored_notebooks_are_up_to_date():
    command = [sys.executable, str(SCRIPTS / "build_notebooks.py"), "--check"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@needs_weights
@every_notebook
def test_stored_notebooks_hold_text_and_stills_only(source):
    path = ROOT / "notebooks" / f"{source.stem}.ipynb"
    assert path.stat().st_size <= 500_000
    notebook = stored(source)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata
    pictures = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            assert set(output.get("data", {})) <= STORED_TYPES
            assert "Loading" not in output.get("data", {}).get("text/plain", "")
            if "image/jpeg" in output.get("data", {}):
                pictures += 1
                assert output.data["text/plain"] == output.metadata["image/jpeg"]["alt"]
    assert pictures >= 1


@every_notebook
def test_a_notebook_opens_with_one_title_and_its_badge(source, builder):
    notebook = builder.read_source(source)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    titles = [line for text in texts for line in text.splitlines() if line.startswith("# ")]
    first = texts[0].splitlines()
    assert titles == [first[0]]
    assert first[2].startswith("[![Open in Colab]")
    assert f"notebooks/{source.stem}.ipynb" in first[2]


def test_only_the_set_up_cell_is_folded(builder):
    notebook = builder.read_source(SOURCES[0])
    builder.strip(notebook)
    builder.fold_set_up(notebook)
    folded = [cell.source for cell in notebook.cells if cell.metadata.get("jupyter")]
    assert len(folded) == 1 and "%pip install" in folded[0]
    nbformat.validate(notebook)


def test_cells_keep_their_names(builder):
    first, second = (builder.read_source(SOURCES[0]) for _ in range(2))
    assert [c.id for c in first.cells] == [c.id for c in second.cells]
    assert len({c.id for c in first.cells}) == len(first.cells)


def test_another_repository_address_makes_nothing_stale(builder, tmp_path, monkeypatch):
    (tmp_path / "fyp_lite").mkdir()
    for name in ("clips", "drawn", "expected"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "fyp_lite" / "a.py").write_text("a = 1\n")
    project, source = tmp_path / "pyproject.toml", tmp_path / "lesson.py"
    monkeypatch.setattr(builder, "ROOT", tmp_path)
    monkeypatch.setattr(builder, "DECIDING", ("fyp_lite",))
    hashes = []
    for name in ("one/kit", "two/kit"):
        project.write_text(f'Repository = "https://github.com/{name}"\n')
        source.write_text(f"# see https://github.com/{name}\n")
        hashes.append(builder.inputs_hash(source))
    (tmp_path / "fyp_lite" / "a.py").write_text("a = 2\n")
    hashes.append(builder.inputs_hash(source))
    assert hashes[0] == hashes[1] != hashes[2]


class Shell:
    """IPython's shell, as far as a cell's magics need one; records what pip is asked for."""

    def __init__(self, installed: bool, works: bool = True) -> None:
        self.installed, self.works = installed, works
        self.commands: list[str] = []
        self.names = {"get_ipython": lambda: self}

    def find_spec(self, name: str) -> str | None:
        return name if self.installed else None

    def run_line_magic(self, magic: str, line: str) -> None:
        assert magic == "pip"
        self.commands.append(line.format(**self.names))
        self.installed = self.works

    def run(self, code: str) -> None:
        exec(TransformerManager().transform_cell(code), self.names)


@pytest.fixture
def set_up(builder, tmp_path, monkeypatch):
    """Runs the set-up cell in a shell, from a folder that is no checkout."""
    notebook = builder.read_source(SOURCES[0])
    code = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(shell: Shell) -> list[str]:
        monkeypatch.setattr(importlib.util, "find_spec", shell.find_spec)
        shell.run(code)
        return shell.commands

    return run


def test_set_up_installs_nothing_where_the_package_is(set_up):
    assert set_up(Shell(installed=True)) == []


def test_set_up_installs_from_the_repository(set_up, builder):
    address = builder.OWNED.search((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[2]
    assert set_up(Shell(installed=False)) == [f"install -q git+{address}"]


def test_set_up_installs_the_checkout_that_it_lies_in(set_up, tmp_path):
    (tmp_path / "fyp_lite").mkdir()
    assert set_up(Shell(installed=False)) == ["install -q .."]


def test_set_up_says_what_to_do_without_a_network(set_up):
    with pytest.raises(SystemExit, match="connect to the internet .*docs/offline.md"):
        set_up(Shell(installed=False, works=False))


def test_what_decides_the_pictures_makes_a_notebook_stale(builder, tmp_path, monkeypatch):
    """Every declared file exists and counts; any other module does not."""
    source = builder.NOTEBOOKS / "src" / "00_quickstart.py"
    files = builder.deciding_files()
    assert all(path.is_file() for path in files)
    assert builder.ROOT / "fyp_lite" / "sampling.py" in files
    assert any(path.suffix == ".safetensors" for path in files)
    assert builder.ROOT / "fyp_course" / "exercises" / "quiz.py" not in files

    before = builder.inputs_hash(source)
    other = builder.ROOT / "fyp_lite" / "denoising.py"
    changed = {other: other.read_bytes() + b"#"}
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: changed.get(path) or read_bytes(path))
    assert builder.inputs_hash(source) != before
