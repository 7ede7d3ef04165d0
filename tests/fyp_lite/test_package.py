"""The package itself: a light import, lazy names, its bundled data."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fyp_lite
from fyp_lite import folders


def test_import_is_light():
    heavy = ("torch", "numpy", "ipywidgets", "diffusers", "cv2")
    code = f"import sys, fyp_lite; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["run", "sheet", "cluster"])
def test_sweeps_load_nothing_of_a_notebook(module):
    """Every worker of a cluster imports them."""
    heavy = ("IPython", "ipywidgets", "anywidget", "matplotlib", "fyp_course")
    code = f"import sys, fyp_lite.sweeps.{module}; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [name for name in fyp_lite.__all__ if name != "__version__"])
def test_every_public_name_loads(name):
    assert getattr(fyp_lite, name).__name__ == name
    assert name in dir(fyp_lite)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'fyp_lite' has no attribute 'ClipSetting'"):
        _ = fyp_lite.ClipSetting


def test_data_is_beside_or_inside_the_package():
    assert fyp_lite.data_dir().is_dir()


def test_missing_data_says_where_it_was_sought(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "__file__", str(tmp_path / "fyp_lite" / "folders.py"))
    with pytest.raises(FileNotFoundError, match="reinstall fyp-lite"):
        fyp_lite.data_dir()
