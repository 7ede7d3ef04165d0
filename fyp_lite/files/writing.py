"""Files that appear whole or not at all, and the names that they may have."""

from __future__ import annotations

import glob
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fyp_lite.files.decoding import ClipError

DAY = 24 * 60 * 60  # seconds


def check_room_in_name(path: Path) -> None:
    """Refuse a name that is too long for `written_whole`. Raises ClipError."""
    file_path(_part(path))


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Where to write a file or a new folder until it is whole: it gets its name after the block,
    or never. What a killed process left of it a day ago is removed.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(FileNotFoundError):  # it may get its name meanwhile
            if left.stat().st_mtime < time.time() - DAY:
                _remove(left)
    part = _part(path)
    try:
        yield part
        os.replace(part, path)
    finally:
        _remove(part)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def file_path(path: str | os.PathLike[str]) -> Path:
    """`path` with ~ as the home folder, whether or not there is such a file.

    Raises ClipError for a name that no file here can have.
    """
    found = Path(os.path.expanduser(path))  # Path's own gives up where there is no such user
    try:
        found.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:  # too long, holds a zero or bytes that are no text
        name = str(found) if len(str(found)) <= 80 else str(found)[:77] + "..."
        reason = error.strerror if isinstance(error, OSError) else "it holds what no name can"
        raise ClipError(f"{name!r} cannot be a file ({reason}): give another name.") from None
    return found
