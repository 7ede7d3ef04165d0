"""What clips keep: small frames and few decoders, all clips together; the rest is read again."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import fyp_lite
from fyp_lite import frame_cache
from fyp_lite.cropping import crop_and_resize, crop_box
from fyp_lite.files.decoding import AvDecoder
from fyp_lite.keypoints.diagnose import apply_repairs, diagnose
from fyp_lite.keypoints.diagnose.finding import Look
from fyp_lite.lazy_frames import LazyFrames, changed
from fyp_lite.opening import open_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.skeleton import draw_skeletons
from fyp_lite.video import write_video

COUNT, HEIGHT, WIDTH = 40, 1024, 1100  # just large enough to be kept as reduced frames
SETTINGS = ClipSettings(start_frame=5, frame_stride=4, num_frames=3)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Squares on their way, over a picture that is not flat."""
    path = tmp_path_factory.mktemp("large") / "large.mp4"
    frames = np.empty((COUNT, HEIGHT, WIDTH, 3), np.uint8)
    frames[:] = np.linspace(0, 255, WIDTH, dtype=np.uint8)[:, None]
    for number, frame in enumerate(frames):
        frame[200:700, 20 * number : 20 * number + 300] = (200, 40, 90)
    write_video(path, frames, 20)
    return path


def held(*clips) -> int:
    return sum(frame.nbytes for clip in clips for frame in clip.kept.values())


def test_of_a_large_clip_reduced_frames_are_kept(large):
    with open_clip(large) as clip:
        clip.read(range(COUNT))
        assert len(clip.kept) == 1  # the first one, from opening
        small = clip.read_small([3, 9])
        assert small.shape == (2, HEIGHT // 2, WIDTH // 2, 3)
        assert {3, 9} <= clip.kept.keys()
        full = clip.read([9])[0].astype(float)
        mean = (full[::2, ::2] + full[1::2, ::2] + full[::2, 1::2] + full[1::2, 1::2]) / 4
        assert np.abs(mean - small[1]).max() <= 1
        assert clip.frames.shape == (COUNT, HEIGHT, WIDTH, 3)
        assert (clip.frames[9] == full).all()


def test_what_a_model_reads_comes_from_whole_frames(large):
    with open_clip(large) as clip:
        clip.preview(SETTINGS, 256)  # what was looked at changes nothing
        prepared = clip.prepare(SETTINGS, 256)
        box = crop_box(HEIGHT, WIDTH, SETTINGS)
        expected = crop_and_resize(clip.read(prepared.indices), box, 256)
        assert (prepared.frames == expected).all()


def test_a_preview_takes_reduced_frames_where_those_are_enough(large):
    close = ClipSettings(5, 4, 3, crop_left=300, crop_top=300)  # 212 of 512 reference pixels
    with open_clip(large) as clip:
        far = clip.preview(SETTINGS, 256)
        assert set(far.indices) <= clip.kept.keys()
        exact = clip.prepare(SETTINGS, 256)
        assert far.box == exact.box and far.indices == exact.indices
        assert np.abs(far.frames.astype(int) - exact.frames).mean() < 1
        assert (clip.preview(close, 256).frames == clip.prepare(close, 256).frames).all()
        assert (clip.preview(close, 64).frames.shape) == (3, 64, 64, 3)


def test_all_clips_together_keep_so_much(large, monkeypatch):
    frame = HEIGHT // 2 * (WIDTH // 2) * 3
    monkeypatch.setattr(frame_cache, "CACHE_BYTES", 10 * frame)
    first, second = open_clip(large), open_clip(large)
    first.read_small(range(8))
    assert len(first.kept) == 8 or len(second.kept) == 0
    second.read_small(range(6))
    assert held(first, second) <= 10 * frame
    assert len(second.kept) == 6 and len(first.kept) <= 4  # who was used last keeps most
    first.read_small(range(20))
    assert len(first.kept) == 10 and not second.kept
    for clip in (first, second):
        clip.close()
        assert not clip.kept


def test_few_files_are_open_and_a_closed_clip_opens_its_own_again(large):
    clips = [open_clip(large) for _ in range(5)]
    for clip in clips:
        clip.read([20])
    is_open = [clip._decoder._container is not None for clip in clips]
    assert is_open == [False, False, False, True, True]
    expected = clips[4].read([3, 30])
    assert (clips[0].read([3, 30]) == expected).all()
    clips[4].close()
    assert (clips[4].read([3, 30]) == expected).all()


def test_a_clip_that_is_being_read_is_not_closed_by_others(large):
    clips = [open_clip(large) for _ in range(4)]
    flow = clips[0].stream()
    first = next(flow)
    for clip in clips[1:]:
        clip.read([20])
    clips[0].close()
    rest = list(flow)
    assert len(rest) == COUNT - 1
    assert (first == clips[1].read([0])[0]).all() and (rest[-1] == clips[1].read([COUNT - 1])).all()


def test_a_closed_decoder_lets_its_codec_go(large):
    with open_clip(large) as clip:
        clip.read([10])
        decoder = clip._decoder
        assert isinstance(decoder, AvDecoder)
    assert list(decoder._flow) == []  # a generator that waits would hold the codec


def test_clips_that_nobody_holds_are_forgotten(large):
    gc.collect()
    clip = open_clip(large)
    clip.read_small(range(5))
    del clip
    gc.collect()
    assert all(ref() is None or ref().path != large for ref in frame_cache._used)


# ------------------------------------------------------------------------------ lazy frames


def counted(count=10):
    asked = []

    def read(number):
        asked.append(number)
        return np.full((4, 6, 3), number, np.uint8)

    return LazyFrames(count, read), asked


def test_lazy_frames_are_an_array_whose_frames_are_made_when_asked_for():
    frames, asked = counted()
    assert len(frames) == 10 and asked == []
    assert frames.shape == (10, 4, 6, 3) and frames.dtype == np.uint8
    assert frames[3][0, 0, 0] == 3 and frames[-1][0, 0, 0] == 9
    del asked[:]
    part = frames[2:9:3][np.array([True, False, True])]
    assert asked == [] and len(part) == 2
    assert [frame[0, 0, 0] for frame in part] == [2, 8] and asked == [2, 8]
    assert (np.asarray(frames)[:, 0, 0, 0] == range(10)).all()
    with pytest.raises(IndexError):
        frames[10]


def test_a_change_of_lazy_frames_is_lazy():
    frames, asked = counted()
    double = changed(frames, lambda number, frame: frame + number)
    assert asked == [] and double[4].max() == 8 and asked == [4]
    array = changed(np.asarray(frames), lambda number, frame: frame + number)
    assert isinstance(array, np.ndarray) and (array == np.asarray(double)).all()


def test_a_lazy_video_is_written_frame_by_frame(tmp_path):
    frames = LazyFrames(6, lambda number: np.full((16, 16, 3), 40 * number, np.uint8))
    write_video(tmp_path / "lazy.mp4", frames, 8)
    with open_clip(tmp_path / "lazy.mp4") as clip:
        assert clip.num_frames == 6


# ------------------------------------------------------------------------------ the doctor


@pytest.mark.parametrize("kind", ["white", "swapped", "thin", "small", "blank"])
def test_the_doctor_says_and_does_the_same_to_lazy_frames(kind):
    known = fyp_lite.data_dir() / "clips" / "cartoon.json"
    keypoints = open_clip(known).keypoints[:24].copy()
    if kind == "small":
        keypoints[..., :2] *= 0.25
    frames = draw_skeletons(keypoints, 320, 320, line_width=1 / 250 if kind == "thin" else 1 / 90)
    if kind == "white":
        frames = np.where(frames.max(axis=-1, keepdims=True) > 0, frames, 255).astype(np.uint8)
    if kind == "swapped":
        frames = np.ascontiguousarray(frames[..., ::-1])
    if kind == "blank":
        frames[[7, 8]] = 0
    lazy = LazyFrames(len(frames), lambda number: frames[number])
    said, lazily = diagnose(frames, 24), diagnose(lazy, 24)
    assert said and [f.sentence for f in said] == [f.sentence for f in lazily]
    mended = apply_repairs(lazy, lazily)
    assert isinstance(mended, LazyFrames)
    assert (np.asarray(mended) == apply_repairs(frames, said)).all()


def test_the_doctor_holds_no_frame(large):
    """Of what it looks at more closely, only the pixels that it needs."""
    with open_clip(large) as clip:
        look = Look(clip.frames, 20)
        assert look.pixels.shape == (16, HEIGHT // 2, WIDTH // 2, 3)
        assert look.pixels.base is None
