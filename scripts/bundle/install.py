"""Install fyp_lite from this folder, without a network: run by install.sh and install.bat.

    python install.py [FOLDER]

FOLDER, ~/fyp-lite where none is given, takes an environment (.venv) and the notebooks. Nothing else
on the machine is changed, but for the networks that find people, which go into fyp_lite's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = {"AMD64": "x86_64", "aarch64": "arm64"}  # one processor, two systems' names
KEPT = "from fyp_lite.keypoints.detectors.mediapipe import FOLDER; print(FOLDER)"


class InstallError(Exception):
    """One sentence with what is wrong and what to do."""


def machine() -> dict[str, str]:
    """What wheels depend on."""
    processor = platform.machine()
    return {
        "system": platform.system(),
        "processor": NAMES.get(processor, processor),
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def check_machine(wanted: dict[str, str]) -> None:
    here = machine()
    if here != wanted:
        needs, has = (
            "Python {python} on {system} {processor}".format(**facts) for facts in (wanted, here)
        )
        raise InstallError(
            f"This bundle is for {needs}, and this is {has}: install that Python, or ask for a "
            "bundle made for this one."
        )


def check_files() -> None:
    """Sticks lose bytes: every file must be what was written."""
    for line in (HERE / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        wanted, name = line.split("  ", 1)
        path, sha256 = HERE / name, hashlib.sha256()
        if not path.is_file():
            raise InstallError(f"{name} is missing: copy the whole folder again.")
        with path.open("rb") as file:
            while part := file.read(1 << 24):
                sha256.update(part)
        if sha256.hexdigest() != wanted:
            raise InstallError(f"{name} is damaged: copy the whole folder again.")


def install(folder: Path, requirement: str) -> Path:
    """Make the environment in `folder`; returns its Python."""
    environment = folder / ".venv"
    venv.create(environment, with_pip=True)
    windows = os.name == "nt"
    python = environment / ("Scripts/python.exe" if windows else "bin/python")
    subprocess.run(
        [
            *(python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"),
            *("--no-index", "--find-links", HERE / "wheels", requirement),
        ],
        check=True,
    )
    return python


def copy_new(source: Path, target: Path) -> None:
    """Copy a folder's files, but for those that are there already: they may hold work."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if not (target / path.name).exists():
            shutil.copy2(path, target)


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "~/fyp-lite").expanduser().resolve()
    bundle = json.loads((HERE / "bundle.json").read_text(encoding="utf-8"))
    try:
        check_machine(bundle["machine"])
        print("Checking the files of this bundle ...", flush=True)
        check_files()
        print(f"Installing into {folder}, which takes some minutes ...", flush=True)
        python = install(folder, bundle["requirement"])
        copy_new(HERE / "notebooks", folder / "notebooks")
        kept = subprocess.run([python, "-c", KEPT], check=True, capture_output=True, text=True)
        copy_new(HERE / "mediapipe", Path(kept.stdout.strip()))
    except (InstallError, OSError, subprocess.CalledProcessError) as error:
        print(f"install: {error}", file=sys.stderr)
        return 2
    print(f'Done. Check this machine:  "{python.parent / "fyp-lite"}" doctor')
    print(f'Open the notebooks:        "{python.parent / "jupyter"}" lab "{folder / "notebooks"}"')
    return 0


if __name__ == "__main__":
    sys.exit(main())
