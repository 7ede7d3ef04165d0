"""`make matrix`: what it builds follows the project's own lists, and it sees what went wrong."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "environments"
sys.path.append(str(HERE))

from interpreters import Interpreter, NoPythonError, interpreters, nearest  # noqa: E402
from lessons import Lesson, run_set_up  # noqa: E402
from recipes import COLAB, COLAB_PYTHON, Environment, conda_as_pip, tomllib  # noqa: E402
from run import Result, choose_sources, table  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PINNED = dict(re.findall(r"^([\w-]+)==([\d.]+)$", COLAB.read_text("utf-8"), re.MULTILINE))


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def requirements() -> list[Requirement]:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


def test_colab_has_all_the_versions_that_it_is_known_for():
    assert {"torch", "numpy", "diffusers", "ipywidgets", "ipykernel", "anywidget"} <= set(PINNED)


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_no_bound_excludes_what_colab_has(requirement):
    colab = {normal(name): version for name, version in PINNED.items()}
    version = colab.get(normal(requirement.name))
    assert version is None or version in requirement.specifier, (
        f"{requirement} does not take {version}, which Colab has: installing would replace it."
    )


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_only_what_colab_lacks_has_an_upper_bound(requirement):
    bounded = any(clause.operator in ("<", "<=", "==", "~=") for clause in requirement.specifier)
    assert not bounded or normal(requirement.name) not in map(normal, PINNED)


def test_environment_yml_as_pip_knows_it():
    python, names = conda_as_pip((ROOT / "environment.yml").read_text("utf-8"))
    assert python >= (3, 12)
    assert names[-1] == ".[lab]" and all(Requirement(name) for name in names[:-1])
    assert "torch>=2.5" in names and not any(name.startswith("pytorch") for name in names)


def test_the_nearest_python():
    found = {(3, minor): Interpreter((3, minor), f"python3.{minor}") for minor in (10, 11, 14)}
    assert nearest((3, 11), found).path == "python3.11"
    assert nearest((3, 12), found).path == "python3.11"
    assert nearest((3, 13), found).path == "python3.14"
    assert nearest(COLAB_PYTHON, found).path == "python3.14"
    with pytest.raises(NoPythonError, match="install one"):
        nearest((3, 11), {})


def test_pythons_at_hand_are_found_and_broken_ones_left_out(tmp_path, monkeypatch):
    (tmp_path / "python3.99").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3.98").write_text("#!/bin/sh\necho 3 98\n")
    for path in tmp_path.iterdir():
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = interpreters()
    assert (3, 98) in found and (3, 99) not in found


def test_what_was_preinstalled_and_changed_is_named(tmp_path):
    environment = Environment(tmp_path, (), sys.executable)
    now = environment.versions()
    environment.kept = {**now, "torch": "0.1", "never-there": "1.0"}
    assert environment.changes() == [
        f"torch was preinstalled as 0.1 and is now {now['torch']}.",
        "never-there was preinstalled as 1.0 and is now gone.",
    ]


def test_a_cell_that_fails_is_a_fault(tmp_path, monkeypatch):
    (tmp_path / "lesson.py").write_text("# %%\nprint(1 / 0)\n")
    monkeypatch.setattr("lessons.SOURCES", [tmp_path / "lesson.py"])
    assert run_set_up(Environment(tmp_path, (), sys.executable)).startswith("ZeroDivisionError")


def test_a_lesson_that_is_not_there_is_named():
    assert [source.name[:2] for source in choose_sources("08, 00")] == ["08", "00"]
    with pytest.raises(ValueError, match="there is no lesson 77: the lessons are 00, 01"):
        choose_sources("77")


def test_the_table_marks_what_failed():
    lessons = [Lesson("00_a", 60, 2, ""), Lesson("01_b", 60, 1, "TypeError: gone")]
    rows = table([Result("colab", "3.13", {"torch": "2.11.0"}, 60, lessons)]).splitlines()
    assert "| colab | 3.13 | 2.11.0 |" in rows[2] and "| 00, 01! | 3 |" in rows[2]
