"""Pythons at hand: on the PATH, from pyenv, or a Debian of its own in a folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

Version = tuple[int, int]

# Prints the version of a Python that can make environments; fails for shims that lead nowhere.
PROBE = """
import ensurepip, sys, venv
if sys.version_info.releaselevel == "final":
    print(*sys.version_info[:2])
"""
# Debian 13 has this one; its folder takes two minutes and 500 MB.
DEBIAN, DEBIAN_PYTHON = "trixie", (3, 13)
DEBIAN_PACKAGES = "python3,python3-venv,git,ca-certificates,ffmpeg,libegl1,libgl1"
# A mount namespace of its own, so that what is mounted is gone when the command ends.
ENTER = (
    'root=$1 shared=$2; shift 2; for each in /proc /dev "$shared"; do mkdir -p "$root$each" && '
    'mount --rbind "$each" "$root$each" || exit; done; exec chroot "$root" env --chdir="$PWD" "$@"'
)
PIP_SETTINGS = ("/etc/pip.conf", "/etc/xdg/pip", "~/.config/pip", "~/.pip")
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/resolv.conf", "/etc/hosts")


class NoPythonError(Exception):
    """No Python serves; the message says what to install."""


@dataclass(frozen=True)
class Interpreter:
    """A Python of one minor version, and what to write before it to run it."""

    version: Version
    path: str
    prefix: tuple[str, ...] = ()


def interpreters() -> dict[Version, Interpreter]:
    """Every released `python3.x` on the PATH or from pyenv that can make environments."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders += sorted(pyenv.glob("versions/*/bin"))
    found: dict[Version, Interpreter] = {}
    for folder in folders:
        for path in sorted(folder.glob("python3.*")):
            if not re.fullmatch(r"python3\.\d+", path.name):
                continue
            run = subprocess.run([path, "-c", PROBE], capture_output=True, text=True)
            if run.returncode == 0 and run.stdout:
                major, minor = map(int, run.stdout.split())
                found.setdefault((major, minor), Interpreter((major, minor), str(path)))
    return found


def nearest(wanted: Version, found: dict[Version, Interpreter]) -> Interpreter:
    """The wanted version, or else the one whose number is nearest, the newer of two."""
    if not found:
        raise NoPythonError("there is no python3.x on the PATH: install one that can make venvs.")
    return found[min(found, key=lambda have: (abs(have[1] - wanted[1]), -have[1]))]


def exactly(wanted: Version, folder: Path) -> Interpreter:
    """The wanted version, if need be in a Debian made for it; `folder` is shared with that.

    Raises NoPythonError where there is neither.
    """
    found = interpreters()
    if wanted in found:
        return found[wanted]
    name = ".".join(map(str, wanted))
    if wanted != DEBIAN_PYTHON or not shutil.which("debootstrap") or os.geteuid() != 0:
        raise NoPythonError(
            f"there is no python{name} here: install it (pyenv install {name}), or on Debian, as "
            "root, debootstrap, which makes a folder with it."
        )
    return debian(folder)


def debian(folder: Path) -> Interpreter:
    """A Debian in `folder`/debian, with the certificates and pip's settings of this machine."""
    root = folder / "debian"
    make = ["debootstrap", "--variant=minbase", f"--include={DEBIAN_PACKAGES}", DEBIAN, str(root)]
    run = subprocess.run(["unshare", "--mount", *make], capture_output=True, text=True)
    if run.returncode:
        raise NoPythonError(f"debootstrap failed: {run.stdout[-500:]}{run.stderr[-500:]}")
    for name in (*CERTIFICATES, *PIP_SETTINGS):
        source = Path(name).expanduser()
        target = root / source.relative_to("/")
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy(source, target)
    prefix = ("unshare", "--mount", "sh", "-c", ENTER, "sh", str(root), str(folder))
    return Interpreter(DEBIAN_PYTHON, "/usr/bin/python3", prefix)
