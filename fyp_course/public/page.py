"""The public playground as each visitor's kernel runs it; `serve.py` is the server before it."""

from __future__ import annotations

import tempfile

from fyp_course.panels.playground import Playground
from fyp_course.visit import Limits, Visit, own_folder
from fyp_lite.loading import load_pipeline


def open_playground(limits: Limits) -> Playground:
    """The panel for one visitor, with a folder of its own for whatever comes to lie on disk."""
    folder = own_folder("visitor")
    tempfile.tempdir = str(folder)  # also for the libraries that the panel calls
    return Playground(load_pipeline(), folder=folder, visit=Visit(limits))
