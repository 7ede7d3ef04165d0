"""Videos of any kind, whole and damaged: frames, or one sentence; no crash, no hang, no flood."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from fuzzing import PACKAGE, answers, cases, check_sentence, damaged
from hypothesis import given
from hypothesis import strategies as st
from videos import MAX_BYTES, Reader, make_pictures, make_video, sources

SOURCES = sources()


@pytest.fixture(scope="module")
def reader():
    reader = Reader()
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("videos") / "clip.mp4"


def read(reader: Reader, path: Path, content: bytes, most: int = MAX_BYTES) -> object:
    """What the reader found in `content`, or its sentence; anything else fails the test."""
    path.write_bytes(content)
    kind, what, where, peak = reader.read(path)
    assert kind in ("result", "sentence"), f"{kind}: {what} ({where})"
    answers["videos", kind] += 1
    assert peak < most, f"{peak / 2**20:.0f} MB"
    if kind == "sentence":
        assert where.startswith(PACKAGE), f"{where} raised {what!r}"
        assert path.name in what
        check_sentence(what)
    return what


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_every_kind_is_read(reader, path, kind):
    found = read(reader, path, SOURCES[kind])
    assert isinstance(found, dict), found
    if kind not in ("gif", "webp", "animated_png"):  # which repeat a still moment's frame
        assert found["frames"] == 9


@cases(30, 1500)
@given(st.sampled_from(sorted(SOURCES)).flatmap(lambda kind: damaged(SOURCES[kind])))
def test_damaged_videos(reader, path, content):
    read(reader, path, content)


@cases(6, 200)
@given(st.binary(max_size=200), st.sampled_from(sorted(SOURCES)), st.integers(1, 64))
def test_files_of_anything(reader, path, content, kind, kept):
    assert isinstance(read(reader, path, SOURCES[kind][:kept] + content), str)


def mp4_with(width: int, height: int) -> bytes:
    """An mp4 whose header promises another size than its stream has."""
    content = bytearray(SOURCES["h264"])
    at = content.index(b"avc1", content.index(b"stsd"))
    content[at + 28 : at + 32] = struct.pack(">HH", width, height)
    return bytes(content)


@pytest.mark.parametrize("size", [(0, 0), (65535, 65535), (65535, 1), (4096, 4096)])
def test_a_header_that_promises_an_absurd_size(reader, path, size):
    read(reader, path, mp4_with(*size))
    content = bytearray(make_pictures("gif"))
    content[6:10] = struct.pack("<HH", *size)
    read(reader, path, bytes(content))


@pytest.mark.parametrize("frames", [0, 1])
def test_videos_of_no_frame_and_of_one(reader, path, frames):
    found = read(reader, path, make_video("h264", frames=frames))
    assert isinstance(found, dict) == bool(frames)


@pytest.mark.slow
def test_a_small_file_of_giant_frames(reader, path):
    """Frames of 67 million pixels, the most that is read; its decoder holds several at once."""
    found = read(reader, path, make_video("giant", frames=4), 2 * MAX_BYTES)
    assert isinstance(found, dict)
