"""Make the offline bundle: one folder with all that a machine without a network needs.

    make bundle                                        for machines like this one
    make bundle PLATFORM=windows PYTHON_VERSION=3.12   for others

pip reads a package's conditions ("only on Windows") with the eyes of the machine that it runs on.
So for another platform uv resolves what is needed there, and pip downloads just that.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from fyp_lite import __version__
from fyp_lite.files.hashes import file_hash
from fyp_lite.keypoints.detectors.mediapipe import download_command

ROOT = Path(__file__).resolve().parents[1]
PARTS = ROOT / "scripts" / "bundle"  # what is copied into every bundle
EXTRAS = "lab,pose,train"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
WHEELS_ONLY = "--only-binary=:all:"  # nothing is to be built on a learner's machine
# uv overlooks where a package's newer versions are for older Pythons only; pip does not.
UV_OVERLOOKS = "backports-strenum<1.3\n"
# Name: (system and processor, uv's name, pip's names).
PLATFORMS = {
    "windows": (("Windows", "x86_64"), "x86_64-pc-windows-msvc", ["win_amd64"]),
    "macos": (("Darwin", "arm64"), "aarch64-apple-darwin", ["macosx_13_0_arm64"]),
    "linux": (
        ("Linux", "x86_64"),
        "x86_64-manylinux_2_28",
        ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64"],
    ),
}


def run(*command: str | os.PathLike[str], **variables: str) -> None:
    subprocess.run(command, check=True, env=os.environ | variables)


def make_bundle(out: Path, name: str, version: str, torch_index: str) -> None:
    """Make the folder `out`, which appears when it is whole.

    Args:
        name: of `PLATFORMS`; "" for this machine's own.
        version: Python's there, such as "3.12"; "" for this one's.
        torch_index: an index to take torch and torchvision from; "" for the usual one.
    """
    installer = load_installer()
    here = installer.machine()
    machine = here | {"python": version or here["python"]}
    if name:
        machine |= dict(zip(("system", "processor"), PLATFORMS[name][0], strict=True))
    elif machine != here:
        raise ValueError(f"PYTHON_VERSION={version} goes with a PLATFORM: {', '.join(PLATFORMS)}.")
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    wheels = part / "wheels"
    run(*PIP, "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, ROOT)
    download(wheels, name, machine["python"], torch_index)
    fetch_networks(part)
    copy_parts(part, machine)
    write_sums(part)
    shutil.rmtree(out, ignore_errors=True)
    os.replace(part, out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {len(list(out.glob('wheels/*')))} wheels, {size / 2**30:.1f} GiB")


def load_installer() -> ModuleType:
    """install.py as a module: the bundle is described in the words that it will be checked with."""
    spec = importlib.util.spec_from_file_location("install", PARTS / "install.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def download(wheels: Path, name: str, version: str, torch_index: str) -> None:
    """Put every wheel that the kit needs on that platform beside its own."""
    get: list[str | Path] = [*PIP, "download", "--quiet", WHEELS_ONLY, "--dest", wheels]
    if name:
        get += ["--no-deps", "--python-version", version]
        get += [f"--platform={tag}" for tag in PLATFORMS[name][2]]
    chosen = wheels.parent / "chosen.txt"
    if torch_index:
        run(*get, "--no-deps", "--index-url", torch_index, "torch", "torchvision")
    found = [re.match(r"(torch|torchvision)-([^-]+)-", path.name) for path in wheels.iterdir()]
    torches = "".join(f"{torch[1]}=={torch[2]}\n" for torch in found if torch)
    chosen.write_text(torches + UV_OVERLOOKS if name else torches)
    wanted = f"{next(wheels.glob('fyp_lite-*'))}[{EXTRAS}]"
    if name:
        resolve: list[str | Path] = [sys.executable, "-m", "uv", "pip", "compile", "--quiet"]
        resolve += ["--no-header", "--no-annotate", "--python-platform", PLATFORMS[name][1]]
        resolve += ["--python-version", version, "--only-binary", ":all:", "--find-links", wheels]
        needs, pinned = wheels.parent / "needs.txt", wheels.parent / "pinned.txt"
        needs.write_text(f"fyp-lite[{EXTRAS}]=={__version__}\n")
        run(*resolve, "--constraint", chosen, "--output-file", pinned, needs)
        run(*get, "--find-links", wheels, "--requirement", pinned)
        run(*resolve, "--no-index", "--output-file", pinned, needs)  # nothing is missing
        needs.unlink()
        pinned.unlink()
    else:
        run(*get, "--find-links", wheels, "--constraint", chosen, wanted)
    chosen.unlink()


def fetch_networks(part: Path) -> None:
    """What finds people in raw video: the file that `make pose` fetches."""
    *words, _folder = shlex.split(download_command())
    run(sys.executable, "-m", *words, part / "mediapipe", "--quiet")


def copy_parts(part: Path, machine: dict[str, str]) -> None:
    """The notebooks, the installers and what they go by."""
    notebooks = part / "notebooks"
    notebooks.mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy2(path, notebooks)
    shutil.copy2(ROOT / "notebooks" / "INSTRUCTORS.md", notebooks)
    named = "Python {python} on {system} {processor}".format(**machine)
    for path in PARTS.iterdir():
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            text = text.replace("@PYTHON@", machine["python"]).replace("@MACHINE@", named)
            newline = "\r\n" if path.suffix == ".bat" else "\n"
            (part / path.name).write_text(text, encoding="utf-8", newline=newline)
    bundle = {"machine": machine, "requirement": f"fyp-lite[{EXTRAS}]=={__version__}"}
    (part / "bundle.json").write_text(json.dumps(bundle, indent=1) + "\n", encoding="utf-8")


def write_sums(part: Path) -> None:
    """SHA256SUMS of all files, as `sha256sum --check` reads it."""
    files = sorted(path for path in part.rglob("*") if path.is_file())
    lines = [f"{file_hash(path)}  {path.relative_to(part).as_posix()}\n" for path in files]
    (part / "SHA256SUMS").write_text("".join(lines), encoding="utf-8", newline="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the offline bundle.")
    parser.add_argument("--out", type=Path, help="the folder (default: out/bundle, or -PLATFORM)")
    parser.add_argument("--platform", default="", choices=["", *PLATFORMS], help="of the learners")
    parser.add_argument("--python-version", default="", help="of the learners, such as 3.12")
    parser.add_argument("--torch-index", default="", help="an index to take torch from")
    arguments = parser.parse_args()
    name = arguments.platform
    out = arguments.out or ROOT / "out" / f"bundle{'-' if name else ''}{name}"
    try:
        make_bundle(out, name, arguments.python_version, arguments.torch_index)
    except ValueError as error:
        print(f"make_bundle: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"make_bundle: {error.cmd[2:4]} failed, see above.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
