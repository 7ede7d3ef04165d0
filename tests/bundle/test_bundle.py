"""The offline bundle, used as on a learner's machine: checked, installed and run with no network.

`make bundle-test` makes out/bundle first, or FYP_LITE_BUNDLE names one that is there.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = Path(os.environ.get("FYP_LITE_BUNDLE", ROOT / "out" / "bundle"))


def without_network(*command: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run in a network namespace of its own, where not even a name can be looked up."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run(
        ["unshare", "--map-root-user", "--net", *command],
        env=environment | {"TMPDIR": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
    )


@pytest.mark.bundle
@pytest.mark.skipif(not BUNDLE.is_dir(), reason="no bundle yet: make bundle")
@pytest.mark.skipif(not shutil.which("unshare"), reason="only Linux can take the network away")
def test_the_bundle_installs_and_works_without_a_network(tmp_path):
    done = without_network("sh", BUNDLE / "install.sh", home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "fyp-lite"
    assert len(list((folder / "notebooks").glob("*.ipynb"))) >= 10
    assert list((tmp_path / ".cache" / "fyp_lite" / "mediapipe").glob("*.whl"))

    command = folder / ".venv" / "bin" / "fyp-lite"
    made = without_network(command, "demo", home=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    assert (tmp_path / "out" / "demo.mp4").stat().st_size > 1000
    imports = "import ai_edge_litert.interpreter, jupyterlab, skia, voila"
    found = without_network(command.with_name("python"), "-c", imports, home=tmp_path)
    assert found.returncode == 0, found.stderr


def test_a_damaged_bundle_and_another_machine_are_refused(tmp_path):
    for path in (ROOT / "scripts" / "bundle").iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    command = [sys.executable, tmp_path / "install.py", tmp_path / "there"]
    facts = runpy.run_path(str(tmp_path / "install.py"))["machine"]()
    for machine, sums, said in (
        (facts | {"python": "2.7"}, "", "This bundle is for Python 2.7 on"),
        (facts, f"{'0' * 64}  README.md\n", "README.md is damaged: copy the whole folder again."),
        (facts, f"{'0' * 64}  wheels/a.whl\n", "wheels/a.whl is missing"),
    ):
        bundle = {"machine": machine, "requirement": "fyp-lite"}
        (tmp_path / "bundle.json").write_text(json.dumps(bundle))
        (tmp_path / "SHA256SUMS").write_text(sums)
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr.startswith("install: ") and said in done.stderr
    assert not (tmp_path / "there").exists()


def test_what_is_in_a_folder_already_is_kept(tmp_path):
    installer = runpy.run_path(str(ROOT / "scripts" / "bundle" / "install.py"))
    for folder, text in (("new", "new"), ("old", "my work")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "lesson.ipynb").write_text(text)
    (tmp_path / "new" / "other.ipynb").write_text("new")
    installer["copy_new"](tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "lesson.ipynb").read_text() == "my work"
    assert (tmp_path / "old" / "other.ipynb").read_text() == "new"
