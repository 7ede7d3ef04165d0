"""The doctor: every row says what is there, and a broken check is a row, not a traceback."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fyp_lite.lessons import doctor
from fyp_lite.lessons.doctor import Row, diagnose, front_end, report

ROOT = Path(__file__).parents[2]
QUICK = tuple(check for check in doctor.CHECKS if check is not doctor._speed)


@pytest.fixture
def quick(monkeypatch):
    """Without the row that loads the model."""
    monkeypatch.setattr(doctor, "CHECKS", QUICK)


def rows_by_name() -> dict[str, Row]:
    return {row.name: row for row in diagnose()}


def test_a_whole_installation_passes(quick):
    rows = rows_by_name()
    for name in ("python", "torch", "ipywidgets", "weights", "clips", "reading video", "writing"):
        assert rows[name].ok, rows[name]
    assert "All is well" in report()


def test_versions_are_those_of_the_project():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name, least in doctor.LEAST_VERSIONS.items():
        assert f'"{name}>={least}"' in project
    assert f'requires-python = ">={".".join(map(str, doctor.LEAST_PYTHON))}"' in project


def test_every_bundled_clip_is_asked_for():
    found = sorted(path.name for path in (ROOT / "data" / "clips").glob("*.mp4"))
    assert set(doctor.CLIPS) <= set(found)


def test_an_old_package_and_a_missing_one_are_named(quick, monkeypatch):
    def version(name):
        if name == "diffusers":
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.3.1" if name == "torch" else "99.0"

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    rows = rows_by_name()
    assert rows["torch"].fix == 'pip install "torch>=2.4", then restart the kernel.'
    assert rows["diffusers"].found == "not installed" and "diffusers>=0.36" in rows["diffusers"].fix
    assert rows["numpy"].ok
    assert "2 of " in report() and "FIX" in report()


def test_a_check_that_fails_is_a_row(monkeypatch):
    def _strange():
        raise RuntimeError("two\nlines")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (_strange, doctor._network))
    strange, network = diagnose()
    assert strange.name == "strange" and strange.found == "RuntimeError: two lines"
    assert not strange.ok and network.ok


def test_little_memory_and_a_locked_folder_have_a_fix(quick, monkeypatch):
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**29))

    def locked(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", locked)
    rows = rows_by_name()
    assert rows["memory"].found == "0.5 GB free, 1.5 needed" and not rows["memory"].ok
    assert "Permission denied" in rows["writing"].found and "own" in rows["writing"].fix


def test_damaged_weights_are_named(quick, monkeypatch):
    from fyp_lite import hashes

    def damaged(folder):
        raise hashes.CheckpointError(f"{folder.name} was changed: reinstall fyp-lite.")

    monkeypatch.setattr(hashes, "verify_hashes", damaged)
    assert "reinstall" in rows_by_name()["weights"].fix


@pytest.mark.parametrize(("seconds", "ok"), [(4.0, True), (61.0, False)])
def test_the_speed_row_says_what_a_video_takes(tiny_pipeline, monkeypatch, seconds, ok):
    from fyp_lite import checkpoints, cost

    monkeypatch.setattr(checkpoints, "load_pipeline", lambda: tiny_pipeline)
    monkeypatch.setattr(cost, "estimate_seconds", lambda *_: seconds)
    (row,) = doctor._speed()
    assert row.ok is ok and f"about {seconds:.0f} s (cpu, float32)" in row.found


def test_the_front_end_is_told(monkeypatch):
    for name in ("VSCODE_PID", "VSCODE_CWD", "SERVER_SOFTWARE"):
        monkeypatch.delenv(name, raising=False)
    assert front_end() == "a terminal: panels need a notebook"
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5.8")
    assert front_end() == "Voila"
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    assert front_end() == "Colab"


def test_the_notebook_table_is_markdown(quick, monkeypatch):
    shown = []
    monkeypatch.setattr(doctor, "display", lambda thing: shown.append(thing.data))
    doctor.doctor()
    (table,) = shown
    assert table.startswith("| | | found | fix |\n|---|---|---|---|\n| ✔ ok | python | ")
    body = [line for line in table.split("\n") if line.startswith("|")]
    assert all(line.count("|") == 5 for line in body)
