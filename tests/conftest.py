"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers import build_tiny_pipeline

from fyp_course.exercises import quiz
from fyp_lite.pipeline import FollowYourPosePipeline


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with the real clips and the reference tensors, which are not part of the project."""
    folder = Path(os.environ.get("FYP_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared folder at {folder}: set FYP_SHARED to the one with clips/")
    return folder


@pytest.fixture(scope="module")
def tiny_pipeline() -> FollowYourPosePipeline:
    """Networks of a few thousand random weights that know five words: 64 x 64 pixels."""
    return build_tiny_pipeline(["a", "panda", "on", "the", "sea"])


@pytest.fixture
def said(monkeypatch):
    """What an exercise answers, in order."""
    texts = []
    monkeypatch.setattr(quiz, "_say", texts.append)
    return texts
