"""The public playground as each visitor's kernel runs it; `serve.py` is the server before it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from IPython.display import HTML

from fyp_course.panels.playground import Playground
from fyp_course.visit import Limits, Visit, own_folder
from fyp_lite.loading import load_pipeline

NOTICE = """<div id="fyp-ended" role="alert" hidden style="position:fixed; inset:0 0 auto 0;
z-index:9999; padding:16px; background:#fff3cd; color:#222; border-bottom:2px solid #b58900;
font:16px sans-serif; text-align:center">This page has ended: nobody used it for {minutes} min,
or the server was stopped. What was not saved is gone.
<button style="margin-left:12px; padding:6px 14px; font:inherit">Start again</button></div>
<script>{script}</script>"""


def notice_of_the_end(idle_minutes: int) -> HTML:
    """What the page shows when its kernel has ended, and the script that watches for it."""
    script = Path(__file__).with_name("ended.js").read_text(encoding="utf-8")
    return HTML(NOTICE.format(minutes=idle_minutes, script=script))


def open_playground(limits: Limits) -> Playground:
    """The panel for one visitor, with a folder of its own for whatever comes to lie on disk."""
    folder = own_folder("visitor")
    tempfile.tempdir = str(folder)  # also for the libraries that the panel calls
    return Playground(load_pipeline(), folder=folder, visit=Visit(limits))
