"""One command moves every link of the project to another repository."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "relink.py"
NEW = "https://github.com/someone/my-pose.kit"

spec = importlib.util.spec_from_file_location("relink", SCRIPT)
relink = importlib.util.module_from_spec(spec)
spec.loader.exec_module(relink)

PAGE = (
    "![licence](https://img.shields.io/github/license/fyp-lite/fyp-lite) "
    "[Colab](https://colab.research.google.com/github/fyp-lite/fyp-lite/blob/main/a.ipynb) "
    "[Binder](https://mybinder.org/v2/gh/fyp-lite/fyp-lite/HEAD?urlpath=lab)\r\n"
    "`pip install git+https://github.com/fyp-lite/fyp-lite.git`, "
    "see https://github.com/fyp-lite/fyp-lite.\r\n"
    "[Get](http://hub/git-pull?repo=https%3A%2F%2Fgithub.com%2Ffyp-lite%2Ffyp-lite&branch=main)\r\n"
)
OTHERS = (
    "https://github.com/fyp-lite/fyp-lite-data and our-fyp-lite/fyp-lite and import fyp_lite\n"
    "repo=https%3A%2F%2Fgithub.com%2Ffyp-lite%2Ffyp-lite-data\n"
)


@pytest.fixture
def project(tmp_path):
    """A small project: the address in pyproject.toml, in a page and in a notebook."""
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    (tmp_path / "notebooks" / "values.yaml").write_text(f"# {PAGE}", newline="")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "fyp-lite"\n\n[project.urls]\n'
        'Repository = "https://github.com/fyp-lite/fyp-lite"\n'
    )
    (tmp_path / "README.md").write_bytes((PAGE + OTHERS).encode())
    cell = {"cell_type": "markdown", "metadata": {}, "source": [PAGE]}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "notebooks" / "a.ipynb").write_text(json.dumps(notebook))
    (tmp_path / "notebooks" / "src" / "a.py").write_text(f"# {PAGE}", newline="")
    return tmp_path


def contents(project):
    return {p: p.read_bytes() for p in project.rglob("*") if p.is_file()}


def test_every_link_moves_and_nothing_else(project):
    changed = relink.relink(project, NEW)

    assert [p.name for p in changed] == [
        "pyproject.toml",
        "README.md",
        "a.ipynb",
        "a.py",
        "values.yaml",
    ]
    moved = PAGE.replace("fyp-lite/fyp-lite", "someone/my-pose.kit")
    moved = moved.replace("fyp-lite%2Ffyp-lite", "someone%2Fmy-pose.kit")
    assert (project / "README.md").read_bytes().decode() == moved + OTHERS
    notebook = json.loads((project / "notebooks" / "a.ipynb").read_text())
    assert notebook["cells"][0]["source"] == [moved]
    assert f'name = "fyp-lite"\n\n[project.urls]\nRepository = "{NEW}"' in changed[0].read_text()


def test_there_and_back_restores_every_byte(project):
    before = contents(project)
    relink.relink(project, NEW)
    relink.relink(project, "https://github.com/fyp-lite/fyp-lite")
    assert contents(project) == before


@pytest.mark.parametrize("ending", ["", "/", ".git"])
def test_the_address_may_end_as_it_does_when_copied(project, ending):
    relink.relink(project, NEW + ending)
    assert f'Repository = "{NEW}"\n' in (project / "pyproject.toml").read_text()


def test_the_same_address_changes_nothing(project):
    assert relink.relink(project, "https://github.com/fyp-lite/fyp-lite") == []


@pytest.mark.parametrize(
    "address",
    ["someone/kit", "https://gitlab.com/a/b", "https://github.com/a", "https://github.com/a/b/c"],
)
def test_an_unusable_address_touches_no_file(project, address):
    before = contents(project)
    with pytest.raises(ValueError, match="https://github.com/OWNER/NAME"):
        relink.relink(project, address)
    assert contents(project) == before


def test_without_an_address_one_line_says_what_to_type():
    run = subprocess.run([sys.executable, SCRIPT, ""], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr == "Name the new address: make relink URL=https://github.com/OWNER/NAME\n"


def test_no_other_file_cites_the_address():
    address = relink.OWNED.search((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[2]
    files = [ROOT / "Makefile", ROOT / "environment.yml", ROOT / ".ci" / "run"]
    for pattern in ("fyp_lite/**/*.py", "fyp_lite/**/*.md", "benchmarks/**/*.py", "data/**/*.md"):
        files += ROOT.glob(pattern)
    assert [p for p in files if address in p.read_text(encoding="utf-8")] == []
