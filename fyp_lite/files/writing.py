"""Files by name, and files that are written whole or not at all."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DAY = 24 * 60 * 60  # seconds
ROOM = 2**20  # bytes: more than a short video and its settings take
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ClipError(ValueError):
    """A clip that cannot be used as asked: one sentence with what it has and what would do."""


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


def check_room_in_name(path: Path) -> None:
    """Refuse a name that is too long for `written_whole`. Raises ClipError."""
    file_path(_part(path))


def check_writable(path: Path) -> None:
    """Refuse a place where nothing can be written, before there is work to lose.

    Writes a file of 1 MB beside `path`, or where its folder would be made, and removes it. Raises
    ClipError where that fails.
    """
    folder = path.absolute().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise ClipError(f"{folder} is a file, so {path} cannot be written: give another folder.")
    trial = folder / f".fyp-lite.{os.getpid()}.part"
    try:
        with trial.open("wb") as file:
            file.write(bytes(ROOM))
    except OSError as error:
        raise _cannot_write(path, error) from None
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)


def _cannot_write(path: Path, error: OSError) -> ClipError:
    fix = "free some space there, or give" if error.errno in _FULL else "give"
    return ClipError(f"{path} cannot be written ({error.strerror or error}): {fix} another folder.")


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Where to write a file or a new folder until it is whole: it gets its name after the block,
    or never. What a killed process left of it a day ago is removed.

    Raises ClipError where the system refuses to write it, such as on a full disk.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(FileNotFoundError):  # it may get its name meanwhile
            if left.stat().st_mtime < time.time() - DAY:
                _remove(left)
    part = _part(path)
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        _remove(part)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
