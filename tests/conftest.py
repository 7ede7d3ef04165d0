"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with the real clips and the reference tensors, which are not part of the project."""
    folder = Path(os.environ.get("FYP_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared folder at {folder}: set FYP_SHARED to the one with clips/")
    return folder
