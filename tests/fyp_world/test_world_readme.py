"""The world's README says what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_it_is_up_to_date():
    script = Path(__file__).parents[2] / "scripts" / "make_world_readme.py"
    run = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
