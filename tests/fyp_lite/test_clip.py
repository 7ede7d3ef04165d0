from __future__ import annotations

import errno
import io
import os
import random
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw

from fyp_lite import frame_cache
from fyp_lite.clip import Clip, ClipError
from fyp_lite.cropping import CropBox, choose_frames, crop_and_resize, crop_box
from fyp_lite.files.decoding import AvDecoder
from fyp_lite.files.index import scan
from fyp_lite.opening import open_clip, prepare_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.video import (
    check_video_path,
    contact_sheet,
    encode_mp4,
    encode_webp,
    write_video,
)

WIDTH, HEIGHT = 128, 64


def numbered(count, height=HEIGHT, width=WIDTH):
    """Frames that carry their number as eight black or white bars, on a moving background."""
    frames = np.empty((count, height, width, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[:] = np.roll(np.linspace(40, 200, width), 3 * number)[None, :, None]
        for bit in range(8):
            x = bit * width // 8
            frame[: height // 2, x : x + width // 8] = 255 * (number >> bit & 1)
    return frames


def number_of(frame):
    height, width = frame.shape[:2]
    bars = frame[height // 4, width // 16 :: width // 8, 1] > 127
    return int(sum(int(bar) << bit for bit, bar in enumerate(bars)))


def write(path, count=30, rate=25, codec="libx264", stamps=None, frames=None, **options):
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = 1 / Fraction(rate)
        stream.options = options
        for i, frame in enumerate(numbered(count) if frames is None else frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = stamps[i] if stamps else i, 1 / Fraction(rate)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def sequential(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def backend(clip):
    return type(clip._decoder).__name__


def without_decord(monkeypatch):
    monkeypatch.setitem(sys.modules, "decord", None)


def message_of(call, *args, **options):
    with pytest.raises(ClipError) as caught:
        call(*args, **options)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


# ---------------------------------------------------------------------------- reading


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def movie(folder):
    return write(folder / "movie.mp4", 60)


KINDS = {
    "long_gop.mp4": {"options": {"g": "250", "bf": "3"}},
    "open_gop.mp4": {"options": {"x264-params": "open-gop=1:keyint=20:min-keyint=20:bframes=3"}},
    "open_gop.mkv": {"options": {"x264-params": "open-gop=1:keyint=20:min-keyint=20:bframes=3"}},
    "open_gop.ts": {"options": {"x264-params": "open-gop=1:keyint=20:min-keyint=20:bframes=3"}},
    "b_frames.avi": {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}},
    "vp8.webm": {
        "codec": "libvpx",
        "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "5"},
    },
    "av1.mp4": {"codec": "libsvtav1", "options": {"preset": "10", "crf": "15"}},
}


@pytest.mark.parametrize("name", KINDS)
def test_random_access_gives_the_same_frames_as_reading_in_sequence(folder, name, monkeypatch):
    kind = KINDS[name]
    path = write(folder / name, 70, codec=kind.get("codec", "libx264"), **kind["options"])
    expected = sequential(path)
    assert [number_of(frame) for frame in expected] == list(range(70))
    order = random.Random(0).sample(range(70), 25)
    for hide in (False, True):
        if hide:
            without_decord(monkeypatch)
        with open_clip(path) as clip:
            assert clip.num_frames == 70
            assert clip.fps == pytest.approx(25)
            for number in order:
                clip.kept.clear()
                assert np.array_equal(clip.read([number])[0], expected[number]), number


def test_decord_serves_where_it_is_exact_and_pyav_elsewhere(folder, movie, monkeypatch):
    pytest.importorskip("decord")
    gop = "open-gop=1:keyint=20:min-keyint=20:bframes=3"
    opened = write(folder / "opened.mp4", 60, **{"x264-params": gop})
    assert backend(open_clip(movie)) == "DecordDecoder"
    assert backend(open_clip(opened)) == "AvDecoder"
    without_decord(monkeypatch)
    assert backend(open_clip(movie)) == "AvDecoder"


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_files_come_upright_from_both_backends(folder, degrees, monkeypatch):
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    source, path = write(folder / "upright.mp4", 8), folder / f"rotated{degrees}.mp4"
    command = [ffmpeg, "-v", "error", "-y", "-display_rotation", str(degrees), "-i", str(source)]
    subprocess.run([*command, "-c", "copy", str(path)], check=True)
    expected = np.stack([np.rot90(frame, degrees // 90) for frame in sequential(source)])
    for hide in (False, True):
        if hide:
            without_decord(monkeypatch)
        with open_clip(path) as clip:
            assert (clip.height, clip.width) == expected.shape[1:3]
            assert np.array_equal(clip.read(range(8)), expected)


def test_frames_that_an_edit_list_hides_do_not_count(folder, movie):
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    path = folder / "trimmed.mp4"
    command = [ffmpeg, "-v", "error", "-y", "-ss", "0.8", "-i", str(movie), "-c", "copy", str(path)]
    subprocess.run(command, check=True)
    with open_clip(path) as clip:
        assert clip.num_frames == 40
        assert [number_of(frame) for frame in clip.read([39, 0, 7])] == [59, 20, 27]


def test_a_variable_rate_keeps_every_stored_frame_and_the_average_rate(folder):
    stamps = [*range(10), *range(10, 40, 3)]
    path = write(folder / "variable.mp4", 20, stamps=stamps)
    with open_clip(path) as clip:
        assert clip.num_frames == 20
        assert clip.fps == pytest.approx(19 / (37 / 25), rel=0.05)
        assert [number_of(frame) for frame in clip.read(range(20))] == list(range(20))


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), 24, Fraction(25, 2)])
def test_rates(folder, rate):
    with open_clip(write(folder / "rate.mkv", 20, rate=rate)) as clip:
        assert clip.fps == pytest.approx(float(rate), rel=1e-6)


def test_read_keeps_order_and_repeats_and_returns_fresh_arrays(movie):
    with open_clip(movie) as clip:
        frames = clip.read([40, 2, 2, np.int64(41)])
        assert frames.shape == (4, HEIGHT, WIDTH, 3)
        assert frames.dtype == np.uint8
        assert [number_of(frame) for frame in frames] == [40, 2, 2, 41]
        frames[:] = 0
        assert number_of(clip.read([40])[0]) == 40
        assert clip.read([]).shape == (0, HEIGHT, WIDTH, 3)


def test_the_cache_serves_neighbours_and_stays_within_its_bytes(movie, monkeypatch):
    with open_clip(movie) as clip:
        clip.read([10, 13, 16])
        decode = clip._decoder.decode
        monkeypatch.setattr(clip._decoder, "decode", lambda first, last: pytest.fail("decoded"))
        assert [number_of(frame) for frame in clip.read([11, 14])] == [11, 14]
        monkeypatch.setattr(clip._decoder, "decode", decode)
        monkeypatch.setattr(frame_cache, "CACHE_BYTES", 5 * HEIGHT * WIDTH * 3)
        clip.kept.clear()
        assert [number_of(frame) for frame in clip.read(range(60))] == list(range(60))
        assert len(clip.kept) == 5


def test_real_clip(shared_dir):
    with open_clip(shared_dir / "clips" / "skeleton_dance.mp4") as clip:
        assert (clip.num_frames, clip.fps, clip.height, clip.width) == (225, 24, 1084, 1080)
        prepared = prepare_clip(clip, ClipSettings(start_frame=200), 256)
        expected = np.stack(sequential(clip.path)[200:222:3])
    assert prepared.frames.shape == (8, 256, 256, 3)
    assert prepared.fps == 8
    assert prepared.source_size == (1084, 1080)
    assert prepared.box == (0, 2, 1080, 1082)
    assert np.array_equal(prepared.frames, crop_and_resize(expected, prepared.box, 256))


# ---------------------------------------------------------------------------- files refused


def test_what_is_no_video_is_named(tmp_path):
    assert "is a folder" in message_of(open_clip, tmp_path)
    assert "no file" in message_of(open_clip, tmp_path / "gone.mp4")
    path = tmp_path / "clip.mp4"
    path.touch()
    assert "0 bytes" in message_of(open_clip, path)
    path.write_text("a prompt, not a video: prügel\n" * 9, encoding="utf-8")
    assert "text file" in message_of(open_clip, path)
    path.write_bytes(np.random.default_rng(0).bytes(9999))
    assert "not a video" in message_of(open_clip, path)


def test_sound_only(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        tone.sample_rate = 44100
        container.mux(stream.encode(tone))
        container.mux(stream.encode())
    assert "no video stream" in message_of(open_clip, path)


@pytest.mark.parametrize(
    "name", ["a.mp4", "late_index.mp4", "a.mkv", "a.avi", "a.ts", "a.gif", "a.webp"]
)
def test_a_cut_file_is_refused_and_not_read_short(tmp_path, name):
    path = tmp_path / name
    if name in ("a.gif", "a.webp"):
        frames = numbered(40)
        write_video(path, frames, 20)
    elif name == "late_index.mp4":
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for frame in numbered(40):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
    else:
        write(path, 40, codec="mpeg4" if name == "a.avi" else "libx264", g="10")
    assert open_clip(path).num_frames == 40
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    message = message_of(open_clip, path)
    assert "cut off" in message
    if name == "a.mp4":
        assert "of its 40 frames" in message
    if name == "late_index.mp4":
        assert "moov" in message
    if name == "a.mkv":
        assert "1.6 s" in message


def test_a_frame_that_cannot_be_decoded_is_named(movie):
    index = scan(movie, b"", (10**6, 100))
    promised = replace(index, num_frames=61)
    with Clip(movie, AvDecoder(movie, promised), 61, 25) as clip:
        assert number_of(clip.read([59])[0]) == 59
        assert "frame 60 of 61 cannot be decoded" in message_of(clip.read, [60])
        assert number_of(clip.read([0])[0]) == 0


def test_limits_are_named_and_can_be_moved(movie, tmp_path):
    message = message_of(open_clip, movie, max_pixels=1000)
    assert "128 x 64 = 8192 pixels" in message
    assert "max_pixels=1000" in message
    assert "max_frames=59" in message_of(open_clip, movie, max_frames=59)
    assert open_clip(movie, max_pixels=8192, max_frames=60).num_frames == 60
    write_video(tmp_path / "a.gif", numbered(5), 10)
    assert "max_frames=4" in message_of(open_clip, tmp_path / "a.gif", max_frames=4)


def test_a_number_outside_the_clip(movie):
    with open_clip(movie) as clip:
        for number in (-1, 60):
            assert f"no frame {number}" in message_of(clip.read, [0, number])
        assert "0 to 59" in message_of(clip.read, [60])


# ---------------------------------------------------------------------------- choosing


def test_choose_frames(movie):
    settings = ClipSettings(2, 3, 4)
    assert choose_frames(12, settings) == [2, 5, 8, 11]
    with open_clip(movie) as clip:
        assert choose_frames(clip, settings) == [2, 5, 8, 11]


@pytest.mark.parametrize("count", range(1, 25))
@pytest.mark.parametrize("settings", [ClipSettings(), ClipSettings(6, 2, 5), ClipSettings(9, 5, 1)])
def test_too_short_names_the_largest_values_that_fit(count, settings):
    def fits(name, value):
        values = settings.to_dict() | {name: value}
        need = values["start_frame"] + (values["num_frames"] - 1) * values["frame_stride"] + 1
        return need <= count

    need = settings.frame_indices()[-1] + 1
    if need <= count:
        assert choose_frames(count, settings) == settings.frame_indices()
        return
    message = message_of(choose_frames, count, settings)
    assert f"has {count} frame{'s' * (count != 1)}" in message
    assert f"need {need}" in message
    any_fits = False
    for name, least in (("start_frame", 0), ("frame_stride", 1), ("num_frames", 1)):
        best = [value for value in range(least, 60) if fits(name, value)]
        any_fits |= bool(best)
        assert (f"{name} at most {max(best)}" in message) if best else f"{name} at" not in message
    assert any_fits != ("lower several" in message)


def test_the_clip_is_named(movie):
    with open_clip(movie) as clip:
        message = message_of(choose_frames, clip, ClipSettings(frame_stride=10))
    assert message == (
        "movie.mp4 has 60 frames, but start_frame 0, frame_stride 10 and num_frames 8 need 71: "
        "frame_stride at most 8, or num_frames at most 6."
    )


# ---------------------------------------------------------------------------- cropping


@pytest.mark.parametrize(
    ("size", "crops", "box"),
    [
        ((512, 512), (0, 0, 0, 0), (0, 0, 512, 512)),
        ((1084, 1080), (0, 0, 0, 0), (0, 2, 1080, 1082)),
        ((720, 1280), (0, 0, 0, 0), (280, 0, 1000, 720)),
        ((1024, 1024), (100, 0, 0, 0), (200, 100, 1024, 924)),  # cuts the other axis as well
        ((512, 1024), (256, 0, 0, 0), (384, 0, 896, 512)),
        ((512, 1024), (0, 512, 0, 0), (0, 0, 512, 512)),
        ((256, 256), (0, 0, 128, 128), (64, 64, 192, 192)),
        ((512, 512), (496, 0, 0, 0), (496, 248, 512, 264)),
    ],
)
def test_crop_box(size, crops, box):
    left, right, top, bottom = crops
    settings = ClipSettings(crop_left=left, crop_right=right, crop_top=top, crop_bottom=bottom)
    assert crop_box(*size, settings) == pytest.approx(box)


def test_a_crop_means_the_same_at_every_resolution():
    settings = ClipSettings(crop_left=37, crop_top=11, crop_bottom=5)
    small = np.array(crop_box(360, 640, settings)) / 360
    assert np.allclose(small, np.array(crop_box(1080, 1920, settings)) / 1080)


@pytest.mark.parametrize("size", [(17, 31), (1080, 607), (333, 1000), (4321, 4320)])
def test_the_box_is_square_and_inside(size):
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b, c, d = (int(n) for n in rng.integers(0, 240, 4))
        box = crop_box(*size, ClipSettings(0, 1, 1, a, b, c, d))
        assert box.left >= 0
        assert box.top >= 0
        assert box.right <= size[1]
        assert box.bottom <= size[0]
        assert box.right - box.left == pytest.approx(box.bottom - box.top)


def test_crops_that_leave_too_little():
    message = message_of(crop_box, 1080, 1080, ClipSettings(crop_left=300, crop_right=200))
    assert message == (
        "crop_left 300 and crop_right 200 leave 12 of 512 reference pixels, and 16 must stay: "
        "together they may be at most 496."
    )
    message = message_of(crop_box, 1024, 512, ClipSettings(crop_top=2000))
    assert "crop_top 2000 and crop_bottom 0 leave 0 of 1024" in message
    assert "at most 1008" in message


def test_resize_is_antialiased_and_black_stays_black():
    stripes = np.zeros((1, 512, 512, 3), np.uint8)
    stripes[:, :, 256::2] = 255  # finer than the small frame can show: must become even grey
    small = crop_and_resize(stripes, CropBox(0, 0, 512, 512), 64)
    assert small.shape == (1, 64, 64, 3)
    assert not small[:, :, :30].any()
    assert np.abs(small[:, :, 34:-1].astype(int) - 127).max() <= 2


def test_averaging_large_frames_first_is_not_seen():
    picture = Image.new("RGB", (1920, 1080))
    for i in range(12):
        ends = (420 + 90 * i, 60, 1500 - 70 * i, 1000)
        ImageDraw.Draw(picture).line(ends, (255, 153, 51) if i % 2 else (0, 128, 255), 12)
    box = crop_box(1080, 1920, ClipSettings(crop_left=17))
    exact = np.asarray(picture.resize((256, 256), Image.Resampling.BILINEAR, box)).astype(int)
    quick = crop_and_resize(np.asarray(picture)[None], box, 256)[0]
    drawn = exact.max(-1) > 16
    assert np.abs(quick - exact)[drawn].mean() < 2
    assert np.abs(quick - exact).max() <= 12


def test_the_box_is_cut_at_parts_of_pixels():
    ramp = np.tile(np.arange(200, dtype=np.uint8)[None, None, :, None], (1, 200, 1, 3))
    out = crop_and_resize(ramp, CropBox(10.5, 20, 90.5, 100), 80)
    assert np.abs(out[0, :, :, 0] - (np.arange(80) + 10.5)).max() <= 1


def test_prepare_clip_from_a_path(movie):
    prepared = prepare_clip(movie, ClipSettings(4, 2, 3), 32)
    assert prepared.indices == [4, 6, 8]
    assert prepared.fps == 12.5
    assert prepared.frames.shape == (3, 32, 32, 3)
    assert prepared.box == (32, 0, 96, 64)


# ---------------------------------------------------------------------------- writing


def picture_clip(count=9, size=96):
    """A disc on a colour gradient, moving; its edge is soft, as chroma is stored at half size."""
    y, x = np.mgrid[:size, :size] / size
    back = np.stack([0.8 * x, 0.5 + 0 * x, 0.9 * y], -1)
    frames = []
    for i in range(count):
        distance = np.hypot(x - 0.2 - 0.06 * i, y - 0.5)
        disc = np.clip((0.16 - distance) * size / 4 + 0.5, 0, 1)[..., None]
        frames.append(back + disc * (np.array([1.0, 0.6, 0.2]) - back))
    return (255 * np.stack(frames)).astype(np.uint8)


@pytest.mark.parametrize(("suffix", "most"), [(".mp4", 4), (".gif", 8), (".webp", 4)])
@pytest.mark.parametrize("fps", [8, 30000 / 1001, 9.99])
def test_round_trip(tmp_path, suffix, most, fps):
    frames = picture_clip()
    path = tmp_path / f"out{suffix}"
    write_video(path, frames, fps)
    with open_clip(path) as clip:
        assert clip.num_frames == len(frames)
        assert clip.fps == pytest.approx(fps, rel=0.02)
        read = clip.read(range(clip.num_frames))
    error = np.sqrt(np.mean((read.astype(float) - frames) ** 2))
    assert error < most
    assert np.abs(read.mean((0, 1, 2)) - frames.mean((0, 1, 2))).max() < 2  # no colour cast
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_still_moment_of_an_animated_picture_keeps_its_length(tmp_path, suffix):
    frames = picture_clip()[[0, 1, 2, 2, 2, 3, 4, 5]]
    write_video(tmp_path / f"a{suffix}", frames, 10)
    with open_clip(tmp_path / f"a{suffix}") as clip:
        assert clip.num_frames == 8
        assert clip.fps == pytest.approx(10)


def test_transparent_parts_are_black(tmp_path):
    picture = Image.new("RGBA", (40, 30), (255, 255, 255, 0))
    other = Image.new("RGBA", (40, 30), (255, 0, 0, 255))
    picture.save(tmp_path / "a.webp", save_all=True, append_images=[other], duration=50)
    with open_clip(tmp_path / "a.webp") as clip:
        frames = clip.read([0, 1])
    assert not frames[0].any()
    assert frames[1, 0, 0, 0] > 240


def test_mp4_is_what_browsers_play(tmp_path):
    data = encode_mp4(picture_clip(), 8)
    assert data.index(b"moov") < data.index(b"mdat")  # starts before it is loaded
    with av.open(io.BytesIO(data)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")


def test_animations_loop():
    assert Image.open(io.BytesIO(encode_webp(picture_clip(), 8))).info["loop"] == 0


def test_one_frame_is_a_video_too(tmp_path):
    for suffix in (".mp4", ".gif", ".webp"):
        write_video(tmp_path / f"one{suffix}", picture_clip(1), 8)
        assert open_clip(tmp_path / f"one{suffix}").num_frames == 1


def test_what_cannot_be_written_is_said(tmp_path):
    frames = picture_clip(2)
    message = message_of(write_video, tmp_path / "a.mov", frames, 8)
    assert "'.mov'" in message
    assert ".mp4, .gif or .webp" in message
    assert "no folder" in message_of(write_video, tmp_path / "gone" / "a.mp4", frames, 8)
    message = message_of(write_video, tmp_path / "a.mp4", frames[:, :95, :93], 8)
    assert "93 x 95" in message
    assert "92 x 94" in message
    assert "fps is 60" in message_of(write_video, tmp_path / "a.gif", frames, 60)
    assert "fps is 0" in message_of(write_video, tmp_path / "a.mp4", frames, 0)
    assert "fps is nan" in message_of(write_video, tmp_path / "a.webp", frames, float("nan"))
    for wrong in (frames / 255, frames[0], frames[:0], frames[..., :1]):
        assert "uint8 array [f, h, w, 3]" in message_of(write_video, tmp_path / "a.gif", wrong, 8)
    assert not list(tmp_path.iterdir())


def test_a_path_is_checked_before_there_are_frames(tmp_path):
    assert check_video_path(tmp_path / "not" / "made" / "yet" / "a.MP4") is None
    assert check_video_path("a.webp") is None
    assert "'.mov'" in message_of(check_video_path, tmp_path / "a.mov")
    assert "no suffix" in message_of(check_video_path, tmp_path / "a")
    (tmp_path / "b.mp4").mkdir()
    for call in (check_video_path, lambda path: write_video(path, picture_clip(1), 8)):
        assert "is a folder" in message_of(call, tmp_path / "b.mp4")
    assert not list((tmp_path / "b.mp4").iterdir())
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.webp"
    write_video(path, picture_clip(2), 8)
    old = path.read_bytes()

    def refuse(*names):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    message = message_of(write_video, path, picture_clip(3), 8)
    assert message == (
        f"{path} cannot be written (No space left on device): free some space there, or give "
        "another folder."
    )
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_contact_sheet():
    frames = picture_clip(9, 64)
    sheet = contact_sheet(frames)
    assert sheet.shape == (64 * 2 + 1, 64 * 5 + 4, 3)
    assert np.array_equal(sheet[65:, 65:129], frames[6])
    assert (sheet[64] == 255).all()
    assert (sheet[65:, 260:] == 255).all()
    assert contact_sheet(frames[:3]).shape == (64, 64 * 3 + 2, 3)
    assert contact_sheet(frames, columns=3).shape == (64 * 3 + 2, 64 * 3 + 2, 3)
    assert "columns is 0" in message_of(contact_sheet, frames, 0)


def test_importing_loads_no_decoder():
    code = (
        "import sys, fyp_lite.clip, fyp_lite.video; "
        "print([m for m in ('av', 'decord', 'cv2', 'PIL', 'torch') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
