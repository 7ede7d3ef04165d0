"""Memory of a kernel in which large clips are looked at: part of soak.py.

Ten clips of 1080p and one of 4K, 20 s each, are opened one after the other in frame ruler, crop
lens and doctor beside the loaded model, and none of them is closed, as learners do. What the kernel
may hold at most is a promise to class machines that allow 2 GB.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

SECONDS, FPS = 20, 24
FULL_HD, ULTRA_HD = (1080, 1920), (2160, 3840)
KINDS = ("skeleton", "raw", "white")  # white: a patient of the doctor
FIRST, CLIPS = 4, 10
MAX_MB = 1300  # at any moment
MAX_GROWTH_MB = 150  # from after the first four to after the tenth, and to after the 4K clip
LOOK_EVERY = 0.02  # seconds


def own_mb() -> float:
    """Memory without the pages of files, which the system takes back when it needs them."""
    import psutil

    memory = psutil.Process().memory_info()
    return (memory.rss - getattr(memory, "shared", 0)) / 1e6


class Peak:
    """The most that `own_mb` says within the block, in `mb`."""

    def __enter__(self) -> Peak:
        self.mb, self._over = own_mb(), threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            self.mb = max(self.mb, own_mb())

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._watch.join()


def draw_frames(kind: str, size: tuple[int, int], seconds: float) -> Iterator[np.ndarray]:
    """The dance of the bundled keypoints, `[h, w, 3]` uint8 each: on black, white or a scenery."""
    import cv2

    from fyp_lite import data_dir
    from fyp_lite.keypoints.clip import KeypointClip
    from fyp_lite.skeleton import draw_skeletons

    height, width = size
    known = KeypointClip.load(data_dir() / "clips" / "cartoon.json")
    keypoints, scale = known.keypoints.copy(), height / known.height
    keypoints[..., :2] *= scale
    keypoints[..., 0] += (width - known.width * scale) / 2
    blocks = np.random.default_rng(0).integers(60, 180, (18, 64, 3), np.uint8)
    scenery = cv2.resize(blocks, (2 * width, height), interpolation=cv2.INTER_CUBIC)
    for number in range(round(seconds * FPS)):
        frame = draw_skeletons(keypoints[number % len(keypoints)][None], height, width)[0]
        if kind == "raw":
            frame = np.maximum(frame, scenery[:, 2 * number : 2 * number + width])
        elif kind == "white":
            frame[frame.max(axis=-1) == 0] = 255
        yield frame


def make_clip(path: Path, kind: str, size: tuple[int, int], seconds: float = SECONDS) -> Path:
    """Write such a clip as an mp4; raw ones with B-frames, as phones do."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS))
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "bf": "2" if kind == "raw" else "0"}
        for frame in draw_frames(kind, size, seconds):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def look_at(path: Path) -> Any:
    """Open a clip in the three panels and use them; returns the clip, still open."""
    from fyp_course.panels.diagnose import SkeletonDoctor
    from fyp_course.panels.lens import CropLens
    from fyp_course.panels.ruler import FrameRuler
    from fyp_lite.opening import open_clip

    clip = open_clip(path)
    ruler = FrameRuler(clip)
    for start in (clip.num_frames // 2, clip.num_frames // 3):
        ruler.start_frame.value = start
    assert ruler.prepared.frames.shape[0] == ruler.num_frames.value
    lens = CropLens(clip, ruler.settings)
    for value in (100, 300):
        lens.crops["left"].value = value
    doctor = SkeletonDoctor(clip.frames, clip.fps)
    if any(finding.repair for finding in doctor.findings):
        doctor.apply.click()
    return clip


async def session(seconds: float = SECONDS) -> dict[str, Any]:
    """Runs inside the kernel; returns megabytes and the seconds that each clip took."""
    import psutil

    from fyp_lite import SampleSettings, data_dir, load_pipeline, prepare_clip
    from fyp_lite.settings import ClipSettings

    pipeline = load_pipeline()
    dance = prepare_clip(data_dir() / "clips" / "dance.mp4", ClipSettings(), pipeline.size)
    pipeline("a panda on the sea", dance.frames, SampleSettings(num_inference_steps=2))
    facts: dict[str, Any] = {"mb_model": round(own_mb())}
    with tempfile.TemporaryDirectory() as folder:
        paths = [make_clip(Path(folder, f"{k}.mp4"), k, FULL_HD, seconds) for k in KINDS]
        paths = [paths[number % len(paths)] for number in range(CLIPS)]
        paths.append(make_clip(Path(folder, "4k.mp4"), "skeleton", ULTRA_HD, seconds))
        opened, took = [], []
        for name, part in (("four", paths[:FIRST]), ("ten", paths[FIRST:-1]), ("4k", paths[-1:])):
            with Peak() as peak:
                for path in part:
                    began = time.process_time()
                    opened.append(look_at(path))
                    took.append(round(time.process_time() - began, 1))
            facts |= {f"mb_peak_{name}": round(peak.mb), f"mb_after_{name}": round(own_mb())}
            facts[f"resident_mb_after_{name}"] = round(psutil.Process().memory_info().rss / 1e6)
        for clip in opened:
            clip.close()
        facts["mb_closed"] = round(own_mb())
    return facts | {"cpu_seconds": took}


def too_much(facts: dict[str, Any]) -> list[str]:
    """What is above the limits, in sentences."""
    said = []
    for name in ("four", "ten", "4k"):
        if (peak := facts[f"mb_peak_{name}"]) > MAX_MB:
            said.append(f"the peak of the clips “{name}” is {peak} MB, more than {MAX_MB}")
    for name in ("ten", "4k"):
        growth = facts[f"mb_after_{name}"] - facts["mb_after_four"]
        if growth > MAX_GROWTH_MB:
            said.append(
                f"after “{name}” it holds {growth} MB more, and {MAX_GROWTH_MB} are allowed"
            )
    return said
