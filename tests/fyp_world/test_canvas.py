"""Where skia cannot draw, one sentence says what it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TRY = "import fyp_world.world.scenes"


@pytest.mark.parametrize(
    ("skia", "sentence"),
    [
        ("raise ModuleNotFoundError('skia')", 'run pip install "skia-python>=87.6", then restart'),
        (
            "raise ImportError('libEGL.so.1: cannot open shared object file')",
            "needs a system library (libEGL.so.1: cannot open shared object file): "
            "on Debian, Ubuntu and Colab run apt-get install -y libegl1 libgl1",
        ),
    ],
)
def test_it_says_what_to_install(skia, sentence, tmp_path, monkeypatch):
    (tmp_path / "skia.py").write_text(skia)
    monkeypatch.syspath_prepend(str(tmp_path))
    code = f"import sys; sys.path[:0] = {sys.path!r}; {TRY}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert sentence in run.stderr.splitlines()[-1]


def test_binder_and_the_makefile_install_what_the_sentence_names():
    canvas = (ROOT / "fyp_world" / "world" / "canvas.py").read_text("utf-8")
    named = re.search(r"apt-get install -y ([\w ]+) \(", canvas)[1].split()
    listed = (ROOT / "apt.txt").read_text("utf-8").splitlines()
    assert [line for line in listed if not line.startswith("#")] == named
    assert f"import skia\"' {' '.join(named)}\n" in (ROOT / "Makefile").read_text("utf-8")
