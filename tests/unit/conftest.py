"""What several unit tests share."""

from __future__ import annotations

import pytest
from helpers import build_tiny_pipeline

from fyp_course.exercises import quiz
from fyp_lite.pipeline import FollowYourPosePipeline


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
