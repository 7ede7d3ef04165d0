"""BlazePose: MediaPipe's two networks, run by LiteRT, for several people on any Python.

People are found now and then and followed in between, from the joints of the frame before.
MediaPipe's own code does so for one person only, and has no wheel for Python 3.13.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import NamedTuple

import cv2
import numpy as np

from fyp_lite.files.decoding import check_frames
from fyp_lite.files.writing import file_path
from fyp_lite.folders import cache_dir
from fyp_lite.keypoints.clip import KeypointsError
from fyp_lite.keypoints.detectors.base import keep_seen
from fyp_lite.keypoints.detectors.blazepose import (
    ANCHORS,
    FINDER_SIDE,
    READER_SIDE,
    Square,
    cut,
    decode_joints,
    decode_people,
    square_of,
    views,
)
from fyp_lite.keypoints.doubles import single_readings

# Names of the two files: in MediaPipe's wheel, and in the .task file of its newer versions.
FINDER = ("pose_detection.tflite", "pose_detector.tflite")
READER = ("pose_landmark_full.tflite", "pose_landmarks_detector.tflite")

MIN_BODY = 0.5  # score of a body read
MIN_EVIDENCE = 0.5  # mean peak of the joints' heatmaps; guesses at half a body have about 0.4
FIND_EVERY = 10  # frames between looks for more people
# Two squares or two bodies this near are one person's, in sides of the square.
SAME_SQUARE, SAME_BODY = 0.12, 0.08
NEWCOMER = 1.25  # times as large as somebody who is followed: takes the place


class Body(NamedTuple):
    """joints: `[17, 3]` (x, y, confidence) in the frame's pixels. square: where to look for it in
    the next frame."""

    joints: np.ndarray
    square: Square


def networks_folder() -> Path:
    """Where the two networks are kept; the environment variable FYP_LITE_HOME moves it."""
    return cache_dir() / "mediapipe"


def download_command() -> str:
    """The shell command that fetches the two networks to `networks_folder`."""
    # Only a source of the two files, so its Python and its system need not be this one's.
    return (
        "pip download mediapipe==0.10.14 --no-deps --only-binary=:all: --python-version=3.12 "
        f'--platform=manylinux2014_x86_64 -d "{networks_folder()}"'
    )


def report() -> tuple[bool, str]:
    """Whether LiteRT and the two networks are here, and a sentence on them."""
    if find_spec("ai_edge_litert") is None:
        return False, "LiteRT is missing: run `pip install 'fyp-lite[pose]'`."
    if _find(networks_folder()) is None:
        command = download_command()
        return False, f"its two networks are missing: run `{command}` once (36 MB, Apache 2.0)."
    return True, "reads several people, each at least a third of the frame's height; Apache 2.0."


# ---------------------------------------------------------------------------- the two files


def read_networks(weights: Path | None) -> tuple[bytes, bytes]:
    """The files of the finding and the reading network.

    Args:
        weights: a folder, a wheel of mediapipe or a .task file; None for `networks_folder`.

    Raises:
        KeypointsError: they are not there.
    """
    place = networks_folder() if weights is None else file_path(weights)
    found = _find(place)
    if found is None and weights is None:
        raise KeypointsError(f"mediapipe cannot be used: {report()[1]}")
    if found is None:
        raise KeypointsError(
            f"weights {place.name!r} holds no {FINDER[0]} and {READER[0]}: give mediapipe "
            "0.10.14's wheel, or a folder with it or with the two files."
        )
    try:
        return found.read()
    except (OSError, zipfile.BadZipFile) as error:
        raise KeypointsError(
            f"the networks of mediapipe in {found.place.name!r} cannot be read ({error}): "
            "download mediapipe 0.10.14's wheel again."
        ) from error


class Networks(NamedTuple):
    """The two files' names in `place`, a folder or an archive."""

    place: Path
    finder: str
    reader: str

    def read(self) -> tuple[bytes, bytes]:
        if self.place.is_dir():
            return (self.place / self.finder).read_bytes(), (self.place / self.reader).read_bytes()
        with zipfile.ZipFile(self.place) as archive:
            return archive.read(self.finder), archive.read(self.reader)


def _find(place: Path) -> Networks | None:
    """The networks in a folder, in an archive or in an archive in a folder; reads no network."""
    if not place.is_dir():
        return _pair(place, _contents(place))
    loose = (str(path.relative_to(place)) for path in sorted(place.rglob("*.tflite")))
    archives = sorted([*place.glob("*.whl"), *place.glob("*.task")])
    found = (_pair(path, _contents(path)) for path in archives)
    return _pair(place, loose) or next(filter(None, found), None)


def _contents(archive: Path) -> list[str]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.namelist()
    except (OSError, zipfile.BadZipFile):
        return []


def _pair(place: Path, names: Iterable[str]) -> Networks | None:
    files = {PurePath(name).name: name for name in names}
    finder, reader = (next((files[n] for n in ns if n in files), "") for ns in (FINDER, READER))
    return Networks(place, finder, reader) if finder and reader else None


class Network:
    """One .tflite network: a picture in, its outputs by their shape.

    Args:
        content: the file. side: of its square picture. outputs: shapes that it must give.

    Raises:
        KeypointsError: no LiteRT, a damaged file, or another network.
    """

    def __init__(self, content: bytes, side: int, outputs: tuple[tuple[int, ...], ...]) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise KeypointsError(f"mediapipe cannot be used ({error}): {report()[1]}") from error
        try:
            threads = min(4, os.cpu_count() or 1)
            self._interpreter = Interpreter(model_content=content, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise KeypointsError(
                "a network of mediapipe is damaged: download mediapipe 0.10.14's wheel again."
            ) from error
        (entry,) = self._interpreter.get_input_details()
        self._entry = entry["index"]
        self._exits = {
            tuple(exit["shape"].tolist()): exit["index"]
            for exit in self._interpreter.get_output_details()
        }
        if tuple(entry["shape"]) != (1, side, side, 3) or not set(outputs) <= set(self._exits):
            raise KeypointsError(
                "a network of mediapipe has another size than BlazePose's: give those of "
                "mediapipe 0.10.14."
            )

    def __call__(self, picture: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
        """`[side, side, 3]` float32 to `[1, ...]` outputs by shape."""
        self._interpreter.set_tensor(self._entry, picture[None].astype(np.float32))
        self._interpreter.invoke()
        return {shape: self._interpreter.get_tensor(i) for shape, i in self._exits.items()}


class MediapipeBackend:
    """Several people per frame, followed from frame to frame.

    Now and then it looks for others; somebody plainly larger takes the smallest one's place.

    Args:
        weights: a folder, a wheel of mediapipe 0.10.14 or a .task file; None for the usual folder.
        max_people: most people per frame, the largest.

    Raises:
        KeypointsError: LiteRT or the networks are missing or damaged.
    """

    name = "mediapipe"

    def __init__(self, weights: Path | None = None, *, max_people: int = 3) -> None:
        finder, reader = read_networks(weights)
        self._finder = Network(finder, FINDER_SIDE, ((1, len(ANCHORS), 12), (1, len(ANCHORS), 1)))
        self._reader = Network(reader, READER_SIDE, ((1, 195), (1, 1), (1, 64, 64, 39)))
        self._max_people = max_people
        self._squares: list[Square] = []
        self._until_look = 0

    def detect(self, frame: np.ndarray) -> np.ndarray:
        check_frames(frame[None])
        bodies = self._add([], frame, self._squares)
        if len(bodies) < len(self._squares) or not bodies or self._until_look <= 0:
            followed = len(bodies)
            bodies = self._add(bodies, frame, self._look(frame))
            claims = [body.square.side for body in bodies]
            claims[:followed] = [NEWCOMER * side for side in claims[:followed]]
            largest = sorted(np.argsort(claims)[::-1][: self._max_people])
            bodies = [bodies[i] for i in largest]
            self._until_look = FIND_EVERY
        self._until_look -= 1
        self._squares = [body.square for body in bodies]
        people = np.array([body.joints for body in bodies], np.float32).reshape(-1, 17, 3)
        return keep_seen(people, *frame.shape[:2])

    def _add(self, bodies: list[Body], frame: np.ndarray, squares: list[Square]) -> list[Body]:
        """`bodies` and the bodies in those squares that none of them fills, one reading of each."""
        read = list(bodies)
        for square in squares:
            if any(_apart(square, body.square) < SAME_SQUARE for body in read):
                continue
            body = self._read(frame, square)
            if body and all(_difference(body, other) >= SAME_BODY for other in read):
                read.append(body)
        kept = single_readings(np.array([body.joints for body in read]).reshape(-1, 17, 3))
        return [read[i] for i in kept]

    def _look(self, frame: np.ndarray) -> list[Square]:
        """Squares around everybody whom the finder sees; one person may come several times."""
        squares = []
        for view in views(*frame.shape[:2]):
            picture, to_frame = cut(frame, view, FINDER_SIDE)
            outputs = self._finder(picture / np.float32(127.5) - 1)
            boxes, scores = outputs[1, len(ANCHORS), 12][0], outputs[1, len(ANCHORS), 1][0, :, 0]
            for points in decode_people(boxes, scores) * FINDER_SIDE:
                squares.append(square_of(*(points @ to_frame[:, :2].T + to_frame[:, 2])))
        return squares

    def _read(self, frame: np.ndarray, square: Square) -> Body | None:
        """The body in a square, or None where none is."""
        picture, to_frame = cut(frame, square, READER_SIDE, cv2.BORDER_REPLICATE)
        outputs = self._reader(picture / np.float32(255))
        if outputs[1, 1].item() < MIN_BODY:
            return None
        landmarks, heatmaps = outputs[1, 195].reshape(39, 5), outputs[1, 64, 64, 39][0]
        places, confidence, evidence = decode_joints(landmarks, heatmaps)
        if evidence < MIN_EVIDENCE:
            return None
        places = places @ to_frame[:, :2].T + to_frame[:, 2]
        return Body(np.column_stack([places, confidence])[:17], square_of(*places[17:]))

    def close(self) -> None:
        del self._finder, self._reader


def _apart(a: Square, b: Square) -> float:
    return float(np.hypot(a.x - b.x, a.y - b.y) / min(a.side, b.side))


def _difference(a: Body, b: Body) -> float:
    """Mean distance of two bodies' joints, in sides of the smaller square."""
    apart = np.linalg.norm(a.joints[:, :2] - b.joints[:, :2], axis=1).mean()
    return float(apart / min(a.square.side, b.square.side))
