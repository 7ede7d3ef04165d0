"""Frames are numbered as they are shown, whatever the container says, and by every decoder."""

from __future__ import annotations

import io
import random
import shutil
import struct
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from fyp_lite.clip import ClipError
from fyp_lite.files.containers import missing_bytes
from fyp_lite.opening import open_clip

WIDTH, HEIGHT, COUNT = 128, 64, 48
X265 = "log-level=none:keyint=12:min-keyint=12:bframes=3"
# Each has frames that are stored before frames that are shown earlier.
CODECS = {
    "h264": ("libx264", {"bf": "3", "g": "12"}),
    "h264_open_gop": ("libx264", {"x264-params": "open-gop=1:keyint=12:min-keyint=12:bframes=3"}),
    "mpeg4": ("mpeg4", {"bf": "2", "g": "12"}),
    "hevc": ("libx265", {"x265-params": f"{X265}:open-gop=0"}),
    "hevc_open_gop": ("libx265", {"x265-params": f"{X265}:open-gop=1"}),
    "mpeg2": ("mpeg2video", {"bf": "2", "g": "12"}),
}
CONTAINERS = {"avi": "avi", "mp4": "mp4", "mkv": "matroska", "ts": "mpegts", "mpg": "mpeg"}


def numbered(count=COUNT):
    """Frames that carry their number as eight black or white bars, on a moving background."""
    frames = np.empty((count, HEIGHT, WIDTH, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[:] = np.roll(np.linspace(40, 200, WIDTH), 3 * number)[None, :, None]
        for bit in range(8):
            x = bit * WIDTH // 8
            frame[: HEIGHT // 2, x : x + WIDTH // 8] = 255 * (number >> bit & 1)
    return frames


def number_of(frame):
    height, width = frame.shape[:2]
    bars = frame[height // 4, width // 16 :: width // 8, 1] > 127
    return int(sum(int(bar) << bit for bit, bar in enumerate(bars)))


def write(path, codec, count=COUNT, aspect=None, **options):
    name, usual = CODECS.get(codec, (codec, {}))
    with av.open(str(path), "w", format=CONTAINERS[path.suffix[1:]]) as container:
        stream = container.add_stream(name, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = usual | options
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for frame in numbered(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def remux(source, path, stamp):
    """The packets in another container; `stamp(number)` is the pts in frames, None for none."""
    kind = CONTAINERS[path.suffix[1:]]
    with av.open(str(source)) as old, av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream_from_template(old.streams.video[0])
        number = 0
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream, packet.time_base = stream, Fraction(1, 25)
                packet.pts, packet.dts = stamp(number), number
                container.mux(packet)
                number += 1
    with av.open(str(path)) as new, suppress(av.FFmpegError):
        if sum(1 for _ in new.decode(video=0)) == COUNT:
            return path
    pytest.skip(f"PyAV {av.__version__} damages packets that it puts into another container")


def check_order(path, monkeypatch, expected=range(COUNT)):
    """Streamed and at random, with and without decord, frames are the `expected` ones."""
    expected = list(expected)
    for hide in (False, True):
        if hide:
            monkeypatch.setitem(sys.modules, "decord", None)
        with open_clip(path) as clip:
            streamed = list(clip.stream())
            assert [number_of(frame) for frame in streamed] == expected
            assert clip.num_frames == len(expected)
            order = random.Random(0).sample(range(clip.num_frames), min(20, clip.num_frames))
            for number in order:
                clip.kept.clear()
                assert np.array_equal(clip.read([number])[0], streamed[number]), number


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("suffix", CONTAINERS)
def test_b_frames_in_every_container(tmp_path, monkeypatch, codec, suffix):
    if (suffix, codec[:4]) in (("avi", "hevc"), ("mpg", "hevc"), ("mpg", "mpeg4")):
        pytest.skip("FFmpeg writes no such file")
    check_order(write(tmp_path / f"a.{suffix}", codec), monkeypatch)


@pytest.mark.parametrize("codec", ["h264", "h264_open_gop", "mpeg4", "mpeg2", "hevc"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_stamps_in_the_order_of_decoding(tmp_path, monkeypatch, codec, suffix):
    """What became of an AVI that was put into another container."""
    source = write(tmp_path / f"a.{'avi' if codec == 'mpeg4' else 'mp4'}", codec)
    check_order(remux(source, tmp_path / f"b.{suffix}", lambda n: n), monkeypatch)


@pytest.mark.parametrize(
    "stamp",
    [lambda n: 3 * COUNT - n, lambda n: COUNT + n * 7 % COUNT],
    ids=["backwards", "shuffled"],
)
def test_stamps_that_mean_nothing(tmp_path, monkeypatch, stamp):
    source = write(tmp_path / "a.mp4", "h264")
    check_order(remux(source, tmp_path / "b.mkv", stamp), monkeypatch)


def test_no_stamps_at_all(tmp_path, monkeypatch):
    data = io.BytesIO()
    source = write(tmp_path / "a.mp4", "h264")
    with av.open(str(source)) as old, av.open(data, "w", format="h264") as container:
        stream = container.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    (tmp_path / "bare.h264").write_bytes(data.getvalue())
    check_order(tmp_path / "bare.h264", monkeypatch)


@pytest.mark.parametrize("codec", ["h264", "h264_open_gop", "mpeg2"])
def test_recordings_that_were_joined_start_their_stamps_again(tmp_path, monkeypatch, codec):
    part = write(tmp_path / "part.ts", codec).read_bytes()
    (tmp_path / "joined.ts").write_bytes(2 * part)
    check_order(tmp_path / "joined.ts", monkeypatch, [*range(COUNT), *range(COUNT)])


@pytest.mark.parametrize("codec", ["h264", "h264_open_gop"])
def test_a_recording_that_begins_between_key_frames(tmp_path, monkeypatch, codec):
    """Players begin at its first whole picture."""
    data = write(tmp_path / "whole.ts", codec).read_bytes()
    packets = len(data) // 188
    path = tmp_path / "late.ts"
    path.write_bytes(data[: 188 * 3] + data[188 * (packets * 4 // 10) :])
    with av.open(str(path)) as container:
        shown = [number_of(f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    assert 10 < len(shown) < COUNT
    check_order(path, monkeypatch, shown)


def test_a_picture_that_is_refreshed_bit_by_bit(tmp_path, monkeypatch):
    """Its key frames give a whole picture only after some frames more."""
    params = {"x264-params": "intra-refresh=1:keyint=12:bframes=0"}
    for suffix in ("mp4", "ts"):
        check_order(write(tmp_path / f"a.{suffix}", "libx264", **params), monkeypatch)


def test_an_edit_list_that_hides_the_end(tmp_path, monkeypatch):
    data = bytearray(write(tmp_path / "a.mp4", "h264").read_bytes())
    at = data.index(b"elst") + 12  # of the first edit: its length, in thousandths of a second
    (length,) = struct.unpack_from(">I", data, at)
    struct.pack_into(">I", data, at, length // 2)
    (tmp_path / "a.mp4").write_bytes(data)
    check_order(tmp_path / "a.mp4", monkeypatch, range(COUNT // 2))


def test_as_ffmpeg_shows_them(tmp_path):
    """The program itself, where there is one, on what its own library is not asked twice about."""
    program = shutil.which("ffmpeg")
    if program is None:
        program = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    paths = [write(tmp_path / f"a.{suffix}", "mpeg4") for suffix in ("avi", "mp4", "mkv")]
    paths.append(remux(paths[0], tmp_path / "b.mp4", lambda n: n))
    for path in paths:
        command = [program, "-v", "error", "-i", str(path), "-fps_mode", "passthrough"]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        shown = subprocess.run(command, capture_output=True, check=True).stdout
        frames = np.frombuffer(shown, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)
        with open_clip(path) as clip:
            assert clip.num_frames == len(frames) == COUNT
            off = np.abs(clip.read(range(COUNT)).astype(int) - frames).mean(axis=(1, 2, 3))
        assert off.max() < 2


def test_real_files_whose_stamps_rise_in_decoding_order(shared_dir):
    folder = shared_dir / "findings" / "inputs"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    found = {}
    for name in ("h264_bframes.avi", "avi_remuxed_pts_in_decode_order.mp4"):
        with av.open(str(folder / name)) as container:
            shown = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        with open_clip(folder / name) as clip:
            assert (clip.num_frames, clip.fps) == (50, 25)
            assert np.array_equal(np.stack(list(clip.stream())), shown)
            for number in (5, 3, 49, 0):
                clip.kept.clear()
                assert np.array_equal(clip.read([number])[0], shown[number])
        found[name] = shown
    assert all(len(shown) == 50 for shown in found.values())


# ---------------------------------------------------------------------------- shape, stream


@pytest.mark.parametrize("aspect", [Fraction(2), Fraction(64, 45), Fraction(8, 9)])
def test_pixels_become_square(tmp_path, aspect, monkeypatch):
    path = write(tmp_path / "a.mp4", "h264", 12, aspect=aspect)
    check_order(path, monkeypatch, range(12))
    with open_clip(path) as clip:
        assert (clip.height, clip.width) == (HEIGHT, round(WIDTH * aspect))


def test_real_shapes_and_streams(shared_dir):
    folder = shared_dir / "findings" / "inputs"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    for name, shape in (("sar_2_1.mp4", (288, 720)), ("two_streams.mkv", (240, 320))):
        with open_clip(folder / name) as clip:
            assert (clip.height, clip.width) == shape
            assert clip.read([clip.num_frames - 1]).shape == (1, *shape, 3)


@pytest.mark.parametrize("alone", [False, True])
def test_an_animated_png_is_read_in_any_order(tmp_path, alone, monkeypatch):
    """`alone`: it begins with a picture for programs that show no animation."""
    pictures = [Image.fromarray(frame) for frame in numbered(9)]
    if alone:
        pictures = [Image.new("RGB", (WIDTH, HEIGHT), "red"), *pictures]
    first, *rest = pictures
    path = tmp_path / "a.png"
    first.save(path, save_all=True, append_images=rest, duration=40, default_image=alone)
    check_order(path, monkeypatch, range(9))
    with open_clip(path) as clip:
        assert clip.fps == 25
    cut = path.read_bytes()
    path.write_bytes(cut[: len(cut) * 6 // 10])
    with pytest.raises(ClipError, match=r"a.png is cut off: \d+ bytes or more are missing"):
        open_clip(path)


# ---------------------------------------------------------------------------- whole or cut


@pytest.mark.parametrize("suffix", ["mp4", "avi", "mkv", "gif", "webp", "png"])
def test_what_follows_a_whole_video_is_no_harm(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix in CONTAINERS:
        write(path, "mpeg4", 12)
    else:
        first, *rest = (Image.fromarray(frame) for frame in numbered(12))
        first.save(path, save_all=True, append_images=rest, duration=40)
    for more in (b"", b"\0\0", b"a camera's own notes, as some write them"):
        with path.open("ab") as file:
            file.write(more)
        with open_clip(path) as clip:
            assert clip.num_frames == 12


def test_a_gif_without_its_end_mark_and_an_avi_that_was_never_closed(tmp_path):
    first, *rest = (Image.fromarray(frame) for frame in numbered(12))
    gif = tmp_path / "a.gif"
    first.save(gif, save_all=True, append_images=rest, duration=40)
    whole = gif.read_bytes()
    assert whole.endswith(b";")
    gif.write_bytes(whole[:-1])
    assert open_clip(gif).num_frames == 12
    assert missing_bytes(gif, whole[:4096]) == 0
    gif.write_bytes(whole[:-9])
    assert missing_bytes(gif, whole[:4096]) > 0
    film = write(tmp_path / "a.avi", "mpeg4", 12)
    data = bytearray(film.read_bytes())
    struct.pack_into("<I", data, 4, 0)  # the size that a recorder writes at the end
    film.write_bytes(data)
    assert open_clip(film).num_frames == 12


def test_headers_that_count_more_frames_than_there_are(tmp_path):
    """Some programs count frames that were dropped."""
    film = write(tmp_path / "a.avi", "mpeg4", 12)
    data = bytearray(film.read_bytes())
    at = data.index(b"strh") + 8 + 32  # the stream's length
    assert struct.unpack_from("<I", data, at) == (12,)
    struct.pack_into("<I", data, at, 40)
    film.write_bytes(data)
    assert open_clip(film).num_frames == 12


OTHERS = {
    "song.mp3": (b"ID3\4\0\0", "holds sound only"),
    "song.wav": (b"RIFF\0\0\1\0WAVEfmt ", "holds sound only"),
    "song.flac": (b"fLaC\0\0", "holds sound only"),
    "phone.heic": (b"\0\0\0\x18ftypheic\0\0", "is a still picture"),
    "photo.png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a still picture"),
    "clips.zip": (b"PK\3\4\0\0", "is an archive: unpack it"),
    "paper.pdf": (b"%PDF-1.7\n\0", "is a PDF document"),
    "poses.npy": (b"\x93NUMPY\1\0", "is a NumPy array"),
    "game.swf": (b"CWS\7\0\0", "is a Flash film"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_read_says_what_it_is(tmp_path, name):
    head, sentence = OTHERS[name]
    (tmp_path / name).write_bytes(head + bytes(range(256)) * 4)
    with pytest.raises(ClipError, match=f"^{name} {sentence}.*: .*[.]$|^{name} {sentence}"):
        open_clip(tmp_path / name)
