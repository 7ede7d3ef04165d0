"""Bundled weights stay what was bundled: the SHA-256 of every file, checked at loading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from pickle import UnpicklingError
from zipfile import BadZipFile

HASHES = "hashes.json"


class CheckpointError(ValueError):
    """Weights that are missing, damaged or of another network; the message names which."""


# What reading a damaged file raises: any other error is a fault of the code and stays what it is.
READ_ERRORS = (OSError, ValueError, EOFError, RuntimeError, UnpicklingError, BadZipFile)
LIBRARY_ERRORS = {"SafetensorError", "StrictDataclassError"}  # by name: importing them takes time


@contextmanager
def damage_named(what: str, errors: tuple[type[Exception], ...] = READ_ERRORS) -> Iterator[None]:
    """What the libraries raise on damaged files as one sentence; wrap it around the read alone.

    Raises CheckpointError in their place, with the error as its cause; one that comes from within
    stays as it is, and so do errors that no file can cause, such as TypeError.

    Args:
        what: the file or folder.
        errors: (Exception,) only around a library's own reader that raises anything on damage.
    """
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if not isinstance(error, errors) and not kinds & LIBRARY_ERRORS:
            raise
        reason = type(error).__name__  # others than these three speak to programmers
        if isinstance(error, OSError | ValueError) or reason == "SafetensorError":
            reason = (str(error).strip().split("\n")[0] or reason)[:160]
        raise CheckpointError(
            f"{what} is damaged or incomplete ({reason}): make it or download it again."
        ) from error


def file_hash(path: Path) -> str:
    """SHA-256 of a file; of a folder, of the names and hashes of the .json files in it."""
    sha256 = hashlib.sha256()
    if path.is_dir():
        for part_path in sorted(path.glob("*.json")):
            sha256.update(f"{part_path.name} {file_hash(part_path)}\n".encode())
        return sha256.hexdigest()
    with path.open("rb") as file:
        while part := file.read(1 << 24):  # a published file has gigabytes
            sha256.update(part)
    return sha256.hexdigest()


def write_hashes(folder: Path) -> None:
    """Record the SHA-256 of every file of a model folder but its model card."""
    left_out = {HASHES, "README.md"}
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in left_out)
    hashes = {p.relative_to(folder).as_posix(): file_hash(p) for p in files}
    (folder / HASHES).write_bytes((json.dumps(hashes, indent=1) + "\n").encode())


def weight_hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of a model folder's weight files, by their path in it.

    Gigabytes take a while, so what was recorded serves where no file was changed since.
    """
    files = sorted(folder.rglob("*.safetensors"))
    record = folder / HASHES
    recorded = {}
    if record.is_file() and all(p.stat().st_mtime <= record.stat().st_mtime for p in files):
        with suppress(ValueError):  # a damaged record is none
            recorded = dict(json.loads(record.read_text()))
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: recorded.get(name) or file_hash(path) for name, path in names.items()}


def verify_hashes(folder: Path) -> None:
    """Refuse a model folder of which a file is missing or differs from what was recorded.

    Raises:
        CheckpointError: names the first such file.
    """
    fix = "reinstall fyp-lite (pip install --force-reinstall --no-deps)."
    if not (folder / HASHES).is_file():
        raise CheckpointError(f"There are no bundled weights in {folder}: {fix}")
    for name, expected in json.loads((folder / HASHES).read_text()).items():
        path = folder / name
        if not path.is_file():
            raise CheckpointError(f"The bundled file {path} is missing: {fix}")
        if file_hash(path) != expected:
            raise CheckpointError(
                f"The bundled file {path} was changed or cut short (its SHA-256 is not "
                f"{expected[:12]}...): {fix}"
            )
