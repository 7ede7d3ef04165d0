"""Raw video to keypoints, with a detector that knows the answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from fyp_lite.clip import ClipError
from fyp_lite.keypoints import extract
from fyp_lite.keypoints.advice import clip_advice
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
from fyp_lite.keypoints.detectors.base import BackendReport
from fyp_lite.keypoints.extract import ExtractionStoppedError, extract_keypoints, extract_steps
from fyp_lite.keypoints.tracking import jitter
from fyp_lite.opening import find_input_type, open_clip, open_skeleton, prepare_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.skeleton import check_skeleton_frames, draw_skeletons
from fyp_lite.video import write_long_video, write_video

# A person in a frame of 100 pixels, and somewhere for each joint to be.
FIGURE = np.array(
    [
        (50, 53, 47, 56, 44, 62, 38, 68, 32, 70, 30, 57, 43, 58, 42, 58, 42),
        (12, 10, 10, 12, 12, 25, 25, 42, 42, 58, 58, 55, 55, 75, 75, 94, 94),
    ],
    np.float32,
).T


class Scripted:
    """A backend that says what it was told, and remembers what it was shown."""

    name = "mediapipe"

    def __init__(self, answer: Callable[[int], np.ndarray]) -> None:
        self.answer, self.shown, self.closed = answer, [], False

    def detect(self, frame: np.ndarray) -> np.ndarray:
        self.shown.append(frame)
        return self.answer(len(self.shown) - 1)

    def close(self) -> None:
        self.closed = True


def one(frame: int, *, x: float = 0.0, scale: float = 1.0, noise: float = 0.0) -> np.ndarray:
    """One person who waves, `[1, 17, 3]`."""
    place = FIGURE.copy()
    place[9] += (8 * np.sin(frame / 4), -20 + 6 * np.cos(frame / 4))
    place += np.random.default_rng(frame).normal(0, noise or 1e-6, place.shape)
    return np.concatenate([place * scale + (x, 0), np.full((17, 1), 0.9)], axis=1)[None].astype(
        np.float32
    )


def film(path, frames: int = 24, *, height: int = 100, width: int = 100, fps: float = 24) -> str:
    """A raw video: pale noise, each frame as bright as its number."""
    noise = np.random.default_rng(0).integers(100, 200, (frames, height, width, 3))
    noise += np.arange(frames)[:, None, None, None]
    write_video(path, noise.astype(np.uint8), fps)
    return str(path)


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FYP_LITE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "keypoints"


@pytest.fixture
def raw(tmp_path) -> str:
    return film(tmp_path / "raw.mp4")


@pytest.fixture
def chosen(monkeypatch):
    """Backends that were chosen by name, each of which sees one waving person."""
    made: list[Scripted] = []

    def choose(name, *, max_people, weights):
        made.append(Scripted(lambda frame: one(frame, noise=0.6)))
        made[-1].name = "mediapipe" if name == "auto" else name
        return made[-1]

    monkeypatch.setattr(extract, "choose_backend", choose)
    return made


# ---------------------------------------------------------------------------- the way through


def test_every_whole_frame_is_shown_once_and_in_order(raw):
    backend = Scripted(one)
    done: list[tuple[int, int]] = []
    clip = extract_keypoints(
        raw, backend=backend, smooth=False, on_progress=lambda *now: done.append(now)
    )
    assert len(backend.shown) == 24
    assert {frame.shape for frame in backend.shown} == {(100, 100, 3)}
    assert (np.diff([frame.mean() for frame in backend.shown]) > 0).all()
    assert done[0] == (1, 24)
    assert done[-1] == (24, 24)
    assert (clip.fps, clip.height, clip.width) == (24, 100, 100)
    assert (clip.source, clip.backend) == ("raw.mp4", "mediapipe")
    truth = np.stack([one(frame) for frame in range(24)])
    np.testing.assert_allclose(clip.keypoints, truth, atol=1e-3)
    assert not backend.closed  # it is the caller's


def test_switches(raw):
    def two(frame: int) -> np.ndarray:
        people = np.concatenate([one(frame, scale=0.45, noise=0.5), one(frame, x=50, scale=0.5)])
        people[1, 10] *= frame not in (8, 9)
        return people[:: -1 if frame % 2 else 1]

    def run(**switches: bool) -> np.ndarray:
        return extract_keypoints(raw, backend=Scripted(two), **switches).keypoints

    plain = run(track=False, fill_gaps=False, smooth=False)
    followed = run(fill_gaps=False, smooth=False)
    filled = run(smooth=False)
    steady = run()
    assert np.ptp(plain[:, 0, :, 0].mean(axis=1)) > 30 > np.ptp(followed[:, 0, :, 0].mean(axis=1))
    assert not followed[8, 1, 10].any()
    assert filled[8, 1, 10, 2] > 0
    assert jitter(steady) < 0.5 * jitter(filled)
    with pytest.raises(KeypointsError, match="raw.mp4 shows 2 people, whose joints would be mixed"):
        run(track=False)


def test_the_last_step_tells_the_jitter(raw):
    backend = Scripted(lambda frame: one(frame, noise=1.0))
    *steps, last = extract_steps(raw, backend=backend)
    assert [step.done for step in steps] == list(range(1, 25))
    assert all(step.clip is None and step.seconds_left >= 0 for step in steps)
    assert steps[-1].seconds_left == 0
    assert last.jitter[1] == pytest.approx(jitter(last.clip.keypoints))
    assert last.jitter[0] > 2 * last.jitter[1]


def test_what_was_found_is_kept_by_content(raw, chosen, cache_folder, tmp_path):
    first = extract_keypoints(raw)
    (tmp_path / "copy.mp4").write_bytes((tmp_path / "raw.mp4").read_bytes())
    again = extract_keypoints(tmp_path / "copy.mp4")
    assert len(chosen) == 1  # the second time nothing was even loaded
    assert len(chosen[0].shown) == 24
    assert chosen[0].closed
    np.testing.assert_array_equal(first.keypoints, again.keypoints)
    assert again.source == "copy.mp4"
    rough = extract_keypoints(raw, smooth=False)
    assert len(chosen) == 1
    assert jitter(rough.keypoints) > jitter(first.keypoints)
    assert len(list(cache_folder.iterdir())) == 1

    for changed in ({"max_people": 1}, {"cache": False}, {"backend": "cartoon"}):
        extract_keypoints(raw, **changed)
        assert len(chosen[-1].shown) == 24
    film(tmp_path / "raw.mp4", 25)
    assert extract_keypoints(raw).num_frames == 25


def test_auto_prefers_what_was_found_to_a_detector_that_is_no_better(raw, chosen, monkeypatch):
    ready = {"mediapipe", "openpose"}
    monkeypatch.setattr(
        extract, "report_of", lambda name: BackendReport(name, name in ready, "a note.")
    )
    extract_keypoints(raw, backend="openpose")
    assert extract_keypoints(raw).backend == "mediapipe"  # ready, and the better one
    ready.clear()
    assert extract_keypoints(raw).backend == "mediapipe"
    assert extract_keypoints(raw, backend="openpose").backend == "openpose"
    assert len(chosen) == 2  # nothing is ready any more, and nothing was asked for


def test_a_retrained_cartoon_network_looks_again(raw, chosen, monkeypatch):
    extract_keypoints(raw, backend="cartoon")
    monkeypatch.setattr(extract, "weight_hashes", lambda folder: {"network": "another"})
    extract_keypoints(raw, backend="cartoon")
    assert [len(backend.shown) for backend in chosen] == [24, 24]


def test_a_damaged_cache_or_none_costs_time_only(raw, chosen, cache_folder):
    first = extract_keypoints(raw)
    next(cache_folder.iterdir()).write_text("{")
    np.testing.assert_array_equal(extract_keypoints(raw).keypoints, first.keypoints)
    assert len(chosen[1].shown) == 24
    for path in cache_folder.iterdir():
        path.unlink()
    cache_folder.rmdir()
    cache_folder.write_text("a file where the folder should be")
    np.testing.assert_array_equal(extract_keypoints(raw).keypoints, first.keypoints)


def test_stopping_keeps_nothing_and_closes(raw, chosen, cache_folder):
    with pytest.raises(ExtractionStoppedError, match="stopped after 5 of 24 frames"):
        extract_keypoints(raw, should_stop=lambda: len(chosen[0].shown) == 5)
    assert len(chosen[0].shown) == 5
    assert chosen[0].closed
    assert not cache_folder.exists()


# ---------------------------------------------------------------------------- bad input


def test_what_cannot_be_used_is_one_sentence(tmp_path, raw):
    def nobody(frame: int) -> np.ndarray:
        return np.zeros((0, 17, 3), np.float32)

    with pytest.raises(KeypointsError, match="raw.mp4: mediapipe found nobody in its 24 frames"):
        extract_keypoints(raw, backend=Scripted(nobody))
    with pytest.raises(KeypointsError, match="found nobody"):  # a hand is nobody
        extract_keypoints(raw, backend=Scripted(lambda f: one(f) * (np.arange(17) < 2)[:, None]))
    with pytest.raises(KeypointsError, match="the largest person is 8 pixels tall"):
        extract_keypoints(raw, backend=Scripted(lambda f: one(f, scale=0.1)))
    with pytest.raises(KeypointsError, match="one.gif has 1 frame, and a motion needs at least 2"):
        extract_keypoints(film(tmp_path / "one.gif", 1), backend=Scripted(one))
    with pytest.raises(ClipError, match="more than max_frames=10"):
        extract_keypoints(raw, backend=Scripted(one), max_frames=10)
    with pytest.raises(KeypointsError, match="max_people is 0, but must be from 1"):
        extract_keypoints(raw, max_people=0)
    KeypointClip(one(0)[None], 24, 100, 100).save(tmp_path / "k.json")
    with pytest.raises(KeypointsError, match="k.json holds keypoints already"):
        extract_keypoints(tmp_path / "k.json", backend=Scripted(one))


# ---------------------------------------------------------------------------- advice


def advice(answer: Callable[[int], np.ndarray], height: int, width: int, **settings: int) -> str:
    keypoints = np.stack([answer(frame) for frame in range(30)])
    return " ".join(
        clip_advice(KeypointClip(keypoints, 24, height, width), ClipSettings(**settings))
    )


def test_advice():
    assert advice(one, 100, 100) == ""
    assert "No joint moves by more than 10% of the body" in advice(lambda f: one(0), 100, 100)
    assert "3840 x 2160 pixels, more" in advice(lambda f: one(f, scale=20), 2160, 3840)
    assert "Nobody is seen in all of the 8 chosen frames" in advice(
        lambda f: one(f) * (f > 28), 100, 100
    )
    assert "no square of the frame holds everybody" in advice(
        lambda f: one(f, scale=1.5, x=-25), 160, 100, pad="none"
    )
    assert advice(lambda f: one(f, scale=1.5, x=-25), 160, 100) == ""  # black is added


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (0, 30, ""),
        (5, 30, "Nobody is seen in 2 of the 8 chosen frames, and somebody is seen between frames 5 "
         "and 29: --start-frame 5."),
        (4, 20, "between frames 4 and 19: choose a shorter part there."),
        (18, 30, "Somebody is seen in 12 of the clip's 30 frames only. Nobody is seen in 6 of"),
    ],
)  # fmt: skip
def test_advice_says_where_nobody_is_seen(first, last, said):
    keypoints = np.stack([one(f) * (first <= f < last) for f in range(30)])
    people = KeypointClip(keypoints, 24, 100, 100)
    text = " ".join(clip_advice(people, ClipSettings(), "options"))
    assert said in text
    assert said or not text


def test_advice_says_what_may_be_no_person_and_what_stands_still():
    assert "% of the body from frame to frame, so this may be no filmed" in advice(
        lambda f: one(f, noise=6), 100, 100
    )
    assert "Only a head is in view" in advice(
        lambda f: one(f, scale=8) * (np.arange(17) < 5)[:, None], 100, 100
    )
    waves = np.stack([one(0) for _ in range(300)])
    waves[:, 0, 9, 1] += 8 * np.sin(np.arange(300) / 40)
    slow = KeypointClip(waves, 240, 100, 100)
    (sentence,) = clip_advice(slow, ClipSettings(), "sliders")
    assert sentence.startswith("The chosen frames span 0.09 s, in which hardly anything moves")
    assert sentence.endswith("frame stride 34.")
    assert clip_advice(slow, ClipSettings(frame_stride=34)) == []


def test_the_crop_that_advice_names_holds_everybody():
    def far(frame: int) -> np.ndarray:
        return one(frame, scale=0.8, x=300)

    text = advice(far, 400, 600)
    assert "The largest person fills 1" in text
    words = text.replace(",", "").split()
    crops = {w: int(words[i + 1]) for i, w in enumerate(words) if w.startswith("crop_")}
    assert len(crops) == 3  # it stands at the top: the bottom and both sides
    assert advice(far, 400, 600, **crops) == ""
    left = advice(lambda f: one(f, x=20, scale=3), 400, 900, pad="none")
    assert "joints lie outside the square" in left
    assert "crop_right" in left


# ---------------------------------------------------------------------------- any input


def test_raw_or_skeleton(tmp_path, raw):
    drawn = draw_skeletons(np.stack([one(f) for f in range(4)]), 100, 100, line_width=1 / 30)
    dark = np.random.default_rng(0).normal(90, 25, (4, 100, 100, 1)).clip(0, 255)
    dark = np.repeat(dark * (np.arange(100)[:, None] < 20), 3, axis=3).astype(np.uint8)
    for name, frames, kind in (
        ("ours.mp4", drawn, "skeleton"),
        ("other palette.mp4", drawn[..., [1, 2, 0]], "skeleton"),
        ("black.mp4", 0 * drawn, "skeleton"),
        ("person in the dark.mp4", dark, "raw"),
    ):
        write_video(tmp_path / name, frames, 24)
        with open_clip(tmp_path / name) as clip:
            assert find_input_type(clip) == kind, name
            assert find_input_type(clip, "raw") == "raw"
    with open_clip(raw) as clip:
        assert find_input_type(clip) == "raw"
        with pytest.raises(KeypointsError, match="'RAW', but it must be auto, raw or skeleton"):
            find_input_type(clip, "RAW")


def test_any_input_opens_as_a_skeleton_clip(tmp_path, raw, chosen):
    with open_skeleton(raw) as clip:
        assert str(clip.path) == raw
        assert clip.detector == "mediapipe"
        check_skeleton_frames(clip.read(range(clip.num_frames)))
        from_raw = prepare_clip(clip, ClipSettings(), 64).frames
    people = extract_keypoints(raw)
    people.save(tmp_path / "k.json")
    people.save_video(tmp_path / "s.mp4")
    for source in (people, tmp_path / "k.json"):
        with open_skeleton(source) as clip:
            assert clip.detector is None  # nothing has to be found again
            frames = prepare_clip(clip, ClipSettings(), 64).frames
        assert np.abs(frames.astype(int) - from_raw).mean() < 0.05  # a file has rounded numbers
    with open_skeleton(tmp_path / "s.mp4") as clip:
        assert clip.num_frames == 24
    assert len(chosen) == 1  # the second time from the cache
    with pytest.raises(KeypointsError, match="found nobody"):
        open_skeleton(tmp_path / "s.mp4", input_type="raw", backend=Scripted(lambda f: one(f)[:0]))


def test_real_person(shared_dir):
    from fyp_lite.keypoints.detectors import available_backends

    if not any(report.name == "mediapipe" and report.ready for report in available_backends()):
        pytest.skip("the mediapipe backend is not ready here: pip install 'fyp-lite[pose]'")
    with open_clip(shared_dir / "clips" / "raw_person.mp4") as clip:
        assert find_input_type(clip) == "raw"
    with open_clip(shared_dir / "clips" / "skeleton_dance.mp4") as clip:
        assert find_input_type(clip) == "skeleton"


# ---------------------------------------------------------------------------- weight


def test_importing_is_light():
    code = "import sys, fyp_lite.opening; print({'torch', 'mediapipe'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


MEASURE = """
import resource, sys
import numpy as np
from fyp_lite.keypoints.extract import extract_keypoints

class Cheap:
    name = "cheap"
    def detect(self, frame):
        people = np.full((1, 17, 3), 0.9, np.float32)
        people[..., 0], people[..., 1] = np.linspace(100, 300, 17), frame[0, 0, 0]
        return people
    def close(self):
        pass

def peak(*_):
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)

peaks = []
clip = extract_keypoints(sys.argv[1], backend=Cheap(), on_progress=peak)
clip.save_video(sys.argv[2])
peak()
print(clip.num_frames, peaks[100], peaks[1999], peaks[-1])
"""


@pytest.mark.slow
def test_memory_is_flat_over_2000_frames(tmp_path):
    frame = np.full((360, 640, 3), 60, np.uint8)
    frames = (frame + np.uint8(number % 100) for number in range(2000))
    write_long_video(tmp_path / "long.mp4", frames, 24)
    command = [sys.executable, "-c", MEASURE, tmp_path / "long.mp4", tmp_path / "skeleton.mp4"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    count, early, late, written = map(int, done.stdout.split())
    assert count == 2000
    assert late - early < 20  # MB, where all frames would be 1300
    assert written - late < 200  # the filters' and the encoder's own, however long the clip


def test_a_long_video_needs_frames_of_one_size(tmp_path):
    frame = np.zeros((8, 8, 3), np.uint8)
    flows = {
        "there are no frames": [],
        r"frame 2 is uint8 \[8, 16, 3\], but frame 1 is uint8 \[8, 8, 3\]": [
            frame,
            np.zeros((8, 16, 3), np.uint8),
        ],
        "frame 2 is float32": [frame, frame.astype(np.float32)],
        "frame 1 is float64": [np.zeros((8, 8, 3))],
        r"frame 1 is uint8 \[8, 8\]": [np.zeros((8, 8), np.uint8)],
    }
    for sentence, frames in flows.items():
        with pytest.raises(ClipError, match=sentence):
            write_long_video(tmp_path / "long.mp4", iter(frames), 24)
    assert not list(tmp_path.iterdir())
