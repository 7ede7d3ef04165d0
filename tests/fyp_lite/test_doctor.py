"""The doctor: every row says what is there, and a broken check is a row, not a traceback."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fyp_course import doctor as notebook
from fyp_lite.cli import doctor
from fyp_lite.cli.doctor import Row, diagnose, front_end, report

ROOT = Path(__file__).parents[2]
SLOW = (doctor._lite_model, doctor._full_model)
QUICK = tuple(check for check in doctor.CHECKS if check not in SLOW)


@pytest.fixture
def quick(monkeypatch):
    """Without the rows that load or count a model."""
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
    for name, least in doctor.MIN_VERSIONS.items():
        assert f'"{name}>={least}"' in project
    assert f'requires-python = ">={".".join(map(str, doctor.MIN_PYTHON))}"' in project


def test_every_bundled_clip_is_asked_for():
    found = sorted(path.name for path in (ROOT / "data" / "clips").glob("*.mp4"))
    assert list(doctor.CLIPS) == found


def test_an_old_package_and_a_missing_one_are_named(quick, monkeypatch):
    def version(name):
        if name == "diffusers":
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.3.1" if name == "torch" else "99.0"

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    rows = rows_by_name()
    assert rows["torch"].fix == 'pip install "torch>=2.5", then restart the kernel.'
    assert rows["diffusers"].found == "not installed" and "diffusers>=0.37" in rows["diffusers"].fix
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


def test_a_seat_at_a_hub_is_told_with_its_limits(quick, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "seat07")
    monkeypatch.setenv("MEM_LIMIT", str(2**30))
    monkeypatch.setenv("CPU_LIMIT", "2.0")
    rows = rows_by_name()
    assert rows["seat"].found == "seat07; 1.0 GB, 2.0 processors" and rows["seat"].ok
    assert not rows["memory"].ok  # what is free on the machine is more, but not for this seat
    monkeypatch.delenv("JUPYTERHUB_USER")
    assert "seat" not in rows_by_name()


def test_more_threads_than_processors_have_a_fix(quick, monkeypatch):
    import torch

    monkeypatch.setattr(doctor.os, "cpu_count", lambda: 2)
    for threads, fix in ((2, ""), (8, "export OMP_NUM_THREADS=2")):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        row = rows_by_name()["processors"]
        assert (row.found, row.fix) == (f"{threads} of 2 used by torch", fix)


def test_damaged_weights_are_named(quick, monkeypatch):
    from fyp_lite.files import hashes

    def damaged(folder):
        raise hashes.CheckpointError(f"{folder.name} was changed: reinstall fyp-lite.")

    monkeypatch.setattr(hashes, "verify_hashes", damaged)
    assert "reinstall" in rows_by_name()["weights"].fix


@pytest.mark.parametrize(("seconds", "ok"), [(4.0, True), (61.0, False)])
def test_the_lite_row_says_what_a_video_takes(tiny_pipeline, monkeypatch, seconds, ok):
    from fyp_lite import cost, loading

    monkeypatch.setattr(loading, "load_pipeline", lambda: tiny_pipeline)
    monkeypatch.setattr(cost, "estimate_seconds", lambda *_: seconds)
    (row,) = doctor._lite_model()
    assert row.ok is ok
    assert row.found == (f"runs: 8 frames in 20 steps take about {seconds:.0f} s (cpu, float32)")


@pytest.fixture
def full_costs(monkeypatch):
    """4 GB and a second for each frame of the full model, without counting it."""
    import torch

    from fyp_lite import cost, loading
    from fyp_lite.full import memory
    from fyp_lite.full.memory import MemoryEstimate

    def estimate(model, num_frames, mode, **_):
        return MemoryEstimate({"unet": 10**9}, {"unet": 3 * 10**9}, mode.offload)

    monkeypatch.setattr(memory, "estimate_memory", estimate)
    monkeypatch.setattr(memory, "free_memory", lambda device: 14 * 10**9)
    monkeypatch.setattr(cost, "estimate_seconds_unseen", lambda model, frames, *_: 1.0 * frames)
    monkeypatch.setattr(loading, "best_device", lambda: torch.device("cuda"))


def test_the_full_row_says_what_a_clip_would_cost(full_costs, tmp_path, monkeypatch):
    monkeypatch.setenv("FYP_LITE_HOME", str(tmp_path))
    (row,) = doctor._full_model()
    assert row.ok and row.found == (
        "8 frames in 50 steps take about 8 s and 4.0 GB of 14.0 GB free (cuda, float16); "
        "32 frames in 50 steps take about 32 s and 4.0 GB of 14.0 GB free (cuda, float16) "
        "(computed, not run). Its files are not here: docs/full_model.md."
    )
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "model_index.json").write_text("{}")
    (row,) = doctor._full_model()
    assert row.found.endswith("(computed, not run). Its files are here.")


def test_a_full_model_that_does_not_fit_is_no_fault(full_costs, monkeypatch):
    from fyp_lite.full import memory

    monkeypatch.setattr(memory, "free_memory", lambda device: 2 * 10**9)
    (row,) = doctor._full_model()
    assert row.ok and row.found.startswith("does not run: 8 frames need 4.0 GB even with float16")


def test_detectors_of_raw_video_are_told(monkeypatch):
    from fyp_lite.keypoints import detectors
    from fyp_lite.keypoints.detectors.base import BackendReport

    reports = [BackendReport("one", True, "reads people."), BackendReport("two", False, "get it.")]
    monkeypatch.setattr(detectors, "available_backends", lambda: reports)
    one, two = doctor._raw_video()
    assert one == Row("raw video: one", "ready: reads people.")
    assert two == Row("raw video: two", "not ready: get it.", missing=True)
    monkeypatch.setattr(doctor, "CHECKS", (doctor._raw_video,))
    ready, not_ready, *_ = report().splitlines()
    assert ready.startswith("ok   raw video: one  ready")
    assert not_ready.startswith("--   raw video: two  not ready") and two.ok
    assert "All is well" in report()


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
    monkeypatch.setattr(notebook, "display", lambda thing: shown.append(thing.data))
    notebook.doctor()
    (table,) = shown
    assert table.startswith("| | | found | fix |\n|---|---|---|---|\n| ✔ ok | python | ")
    body = [line for line in table.split("\n") if line.startswith("|")]
    assert all(line.count("|") == 5 for line in body)
