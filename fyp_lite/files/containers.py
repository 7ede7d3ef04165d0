"""What a file's own bytes say: what kind of file it is, and whether all of it is there.

A file is called cut off only where its structure promises bytes that are missing. Frame counts and
durations in headers are often wrong in files that play everywhere.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from fyp_lite.files.writing import ClipError

_PNG = b"\x89PNG\r\n\x1a\n"
_SOUND = "holds sound only, and a motion needs pictures: name a video"
_STILL = "is a still picture, and a motion needs a video: name one"
_ARCHIVE = "is an archive: unpack it, and name the video in it"
# (where in the file, bytes there, what to say of it)
_OTHERS = (
    (0, b"ID3", _SOUND),
    (0, b"\xff\xfb", _SOUND),  # mp3 without a title
    (0, b"\xff\xf3", _SOUND),
    (0, b"\xff\xf1", _SOUND),  # aac
    (0, b"fLaC", _SOUND),
    (8, b"WAVE", _SOUND),
    (8, b"AIFF", _SOUND),
    (0, b"MThd", _SOUND),
    (4, b"ftypM4A", _SOUND),
    (0, b"\xff\xd8\xff", _STILL),
    (0, b"BM", _STILL),
    (0, b"II*\0", _STILL),
    (0, b"MM\0*", _STILL),
    (0, b"8BPS", _STILL),
    (4, b"ftyphei", _STILL),
    (4, b"ftypmif1", _STILL),
    (4, b"ftypavif", _STILL),
    (0, b"PK\3\4", _ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (0, b"Rar!", _ARCHIVE),
    (0, b"\x1f\x8b", _ARCHIVE),
    (0, b"\xfd7zXZ", _ARCHIVE),
    (0, b"%PDF", "is a PDF document, not a video: name a video file"),
    (0, b"\x93NUMPY", "is a NumPy array: load it, and write it as a video by write_video"),
    (1, b"WS", "is a Flash film, which is not read: convert it to mp4"),
)


_BOXES = {
    *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"emsg", b"prft"),
    *(b"free", b"skip", b"wide", b"pnot", b"meta", b"uuid", b"udta"),
}


def check_file(path: Path) -> bytes:
    """The first bytes of a file that could be a video. Raises ClipError for any other."""
    if path.is_dir():
        raise ClipError(f"{path} is a folder: name one video file in it.")
    if not path.is_file():
        raise ClipError(f"there is no file {path}: check the name, and the folder it is in.")
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise ClipError(
            f"{path.name} cannot be read ({error.strerror}): check who may read it."
        ) from None
    if not head:
        raise ClipError(f"{path.name} is empty (0 bytes): copy or download it again.")
    if b"\0" not in head and not head.startswith(b"YUV4MPEG2"):
        with suppress(UnicodeDecodeError):
            head[:-3].decode()  # the last letter may be cut
            raise ClipError(f"{path.name} is a text file, not a video: name a video file.")
    for place, magic, sentence in _OTHERS:
        if head[place:].startswith(magic) and (place != 1 or head[:1] in (b"F", b"C", b"Z")):
            raise ClipError(f"{path.name} {sentence}.")
    if head.startswith(_PNG) and not _is_animated_png(path):
        raise ClipError(f"{path.name} {_STILL}.")
    return head


def is_animation(head: bytes) -> bool:
    """Whether a file of these first bytes is a GIF, a WebP or a PNG, which Pillow reads."""
    return head.startswith((b"GIF8", _PNG)) or head[8:12] == b"WEBP"


def _is_animated_png(path: Path) -> bool:
    with path.open("rb") as file:
        for kind, _ in _png_chunks(file):
            if kind in (b"acTL", b"IDAT"):
                return kind == b"acTL"
    return False


def missing_bytes(path: Path, head: bytes) -> int:
    """How many bytes the file's structure promises beyond its end; 0 where it promises none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            return max(0, _promised(head)(file, size) - size)
        except (struct.error, IndexError):  # it ends within a header
            return 1


def _promised(head: bytes) -> Callable[[BinaryIO, int], int]:
    """The function that tells where a file of this kind should end."""
    if head.startswith(b"GIF8"):
        return _end_of_gif
    if head.startswith(_PNG):
        return _end_of_png
    if head.startswith(b"RIFF"):
        return _end_of_riff
    if head.startswith(b"\x1aE\xdf\xa3"):
        return _end_of_matroska
    if head[4:8] in _BOXES:
        return _end_of_mov
    return lambda file, size: 0


def _end_of_mov(file: BinaryIO, size: int) -> int:
    """ISO base media files: boxes, each with its size."""
    end = 0
    while end + 8 <= size:
        file.seek(end)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
        if kind not in _BOXES or length < 8:  # something behind the video; 0: all that follows
            break
        end += length
    return end


def _end_of_riff(file: BinaryIO, size: int) -> int:
    """AVI and WebP: chunks, of which a long AVI has several; a recorder that was stopped says 0."""
    end = last = 0
    while end + 12 <= size:
        file.seek(end)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF" or length in (0, 0xFFFFFFFF):
            break
        last = end + 8 + length
        end = last + length % 2  # that byte may be left out at the end
    return last


def _end_of_matroska(file: BinaryIO, size: int) -> int:
    """The end of the segment, the one element that holds all others; live ones leave it open."""
    at = 0
    while at + 12 <= size:
        file.seek(at)
        element = file.read(4)
        first = file.read(1)[0]
        if not first:
            break
        width = 9 - first.bit_length()  # bytes of the length
        length = int.from_bytes(bytes([first]) + file.read(width - 1), "big") - (1 << 7 * width)
        unknown = length == (1 << 7 * width) - 1
        if element == b"\x18\x53\x80\x67":
            return 0 if unknown else at + 4 + width + length
        at += 4 + width + length
    return 0


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The kind of each chunk and where it ends."""
    file.seek(len(_PNG))
    while len(start := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", start)
        yield kind, file.tell() + length + 4
        if kind == b"IEND":
            break
        file.seek(length + 4, os.SEEK_CUR)


def _end_of_png(file: BinaryIO, size: int) -> int:
    return max((end for _, end in _png_chunks(file)), default=0)


def _end_of_gif(file: BinaryIO, size: int) -> int:
    """Blocks up to the end mark, which some programs forget; what follows it does not count."""
    file.seek(10)
    flags = file.read(3)[0]
    file.seek(13 + _colours(flags))
    while mark := file.read(1):
        if mark == b"!":
            file.read(1)
        elif mark == b",":
            flags = file.read(9)[8]
            file.seek(_colours(flags) + 1, os.SEEK_CUR)
        else:
            break
        while length := file.read(1)[0]:
            file.seek(length, os.SEEK_CUR)
    return file.tell()


def _colours(flags: int) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 * 2 ** (1 + (flags & 7)) if flags & 0x80 else 0
