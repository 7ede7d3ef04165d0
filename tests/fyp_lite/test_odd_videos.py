"""What people really give as a raw video, through both commands: one clear sentence, or a result.

The detector here sees whoever is pure white: a body as tall as the white patch.
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fyp_lite.cli.main import main
from fyp_lite.cli.skeleton import find_people_beside
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.opening import open_clip
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings
from fyp_lite.video import write_video

TWO_FRAMES = ClipSettings(frame_stride=1, num_frames=2)


class SeesWhite:
    """Joints along the diagonal of the white patch; nobody where there is none."""

    name = "mediapipe"

    def detect(self, frame: np.ndarray) -> np.ndarray:
        rows, columns = np.nonzero(frame[..., 0] > 200)
        if not len(rows):
            return np.zeros((0, 17, 3), np.float32)
        x = np.linspace(columns.min(), columns.max(), 17)
        y = np.linspace(rows.min(), rows.max(), 17)
        return np.stack([x, y, np.full(17, 0.9)], axis=-1)[None].astype(np.float32)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def no_real_detector(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FYP_LITE_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setattr(
        "fyp_lite.keypoints.extract.choose_backend", lambda name, **options: SeesWhite()
    )


def film(
    path, frames: int = 24, *, height: int = 96, width: int = 128, tall: int = 70, moves: int = 1
) -> None:
    """A grey room with a white patch of so many pixels, which goes to the right."""
    video = np.full((frames, height, width, 3), 90, np.uint8)
    for number, frame in enumerate(video):
        left = 8 + moves * number
        frame[8 : 8 + tall, left : left + tall // 3] = 255
    write_video(path, video, 24)


def photo(path) -> None:
    Image.new("RGB", (64, 64), "white").save(path)


def renamed(path) -> None:
    photo(path.with_suffix(".jpg"))
    path.with_suffix(".jpg").rename(path)


def cut_off(path) -> None:
    film(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scrap(path) -> None:
    path.write_bytes(bytes(range(256)) * 40)


ODD = {
    "nobody.mp4": (lambda path: film(path, tall=0), "found nobody in its 24 frames; name a video"),
    "tiny.mp4": (lambda path: film(path, tall=16), "the largest person is 15 pixels tall"),
    "photo.png": (photo, "photo.png is a still picture, and a motion needs a video"),
    "photo.jpg": (photo, "photo.jpg is a still picture, and a motion needs a video"),
    "photo.bmp": (photo, "photo.bmp is a still picture, and a motion needs a video"),
    "photo.tiff": (photo, "photo.tiff is a still picture, and a motion needs a video"),
    "renamed.mp4": (renamed, "renamed.mp4 is a still picture, and a motion needs a video"),
    "one.mp4": (lambda path: film(path, 1), "one.mp4 has 1 frame, and a motion needs at least 2"),
    "one.gif": (lambda path: film(path, 1), "one.gif has 1 frame, and a motion needs at least 2"),
    "text.mp4": (lambda path: path.write_text("no video " * 99), "text.mp4 is a text file"),
    "empty.mp4": (lambda path: path.touch(), "empty.mp4 is empty (0 bytes)"),
    "cut.mp4": (cut_off, "cut.mp4 is cut off or damaged"),
    "scrap.mp4": (scrap, "scrap.mp4 is not a video that can be read (Invalid data"),
    "notes.json": (lambda path: path.write_text("{}"), "notes.json is no keypoint file"),
    "none.mp4": (lambda path: None, "none.mp4: check the name, and the folder it is in"),
    "folder.mp4": (
        lambda path: path.mkdir(),
        "folder.mp4 is a folder without *_keypoints.json: name a video",
    ),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("command", ["video", "skeleton"])
def test_what_cannot_be_used_is_one_sentence_and_leaves_nothing(name, command, tmp_path, capsys):
    make, sentence = ODD[name]
    source, out = tmp_path / name, tmp_path / "out" / "result.mp4"
    make(source)
    words = ["a panda", "--clip", str(source)] if command == "video" else ["skeleton", str(source)]
    assert main([*words, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
    assert not out.parent.exists()


def advice_on(path, capsys) -> str:
    with open_clip(path) as clip:
        request = Request("a panda", clip, clip_settings=TWO_FRAMES)
        find_people_beside(path.with_name("result.mp4"), clip, request)
    return capsys.readouterr().err


@pytest.mark.slow
def test_a_4k_video_is_read_and_a_smaller_copy_advised(tmp_path, capsys):
    film(tmp_path / "4k.mp4", 2, height=2160, width=3840, tall=2000)
    assert "3840 x 2160 pixels, more than detectors look at" in advice_on(
        tmp_path / "4k.mp4", capsys
    )
    people = KeypointClip.load(tmp_path / "result_keypoints.json")
    assert (people.height, people.width) == (2160, 3840)


def test_a_picture_made_into_a_video_is_called_a_still_image(tmp_path, capsys):
    film(tmp_path / "still.mp4", moves=0)
    assert "may be a still image" in advice_on(tmp_path / "still.mp4", capsys)
    film(tmp_path / "moving.mp4")
    assert "still image" not in advice_on(tmp_path / "moving.mp4", capsys)


def test_a_phone_held_upright_gives_an_upright_skeleton(tmp_path):
    film(tmp_path / "lying.mp4")
    data = bytearray((tmp_path / "lying.mp4").read_bytes())
    # The rotation of a track is its display matrix, nine numbers in the track header.
    at = data.index(b"tkhd") + 44
    turned = np.array([0, 1 << 16, 0, 0xFFFF0000, 0, 0, 0, 0, 1 << 30], ">u4")
    data[at : at + 36] = turned.tobytes()
    (tmp_path / "phone.mp4").write_bytes(data)
    found = {}
    for name in ("lying", "phone"):
        skeleton, keypoints = tmp_path / f"{name}_s.mp4", tmp_path / f"{name}.json"
        words = ["skeleton", str(tmp_path / f"{name}.mp4"), "--no-smoothing"]
        assert main([*words, "--out", str(skeleton), "--keypoints", str(keypoints)]) == 0
        found[name] = KeypointClip.load(keypoints)
        with open_clip(skeleton) as clip:
            assert (clip.height, clip.width) == (found[name].height, found[name].width)
    assert (found["phone"].height, found["phone"].width) == (128, 96)
    lying, upright = (np.ptp(found[n].keypoints[0, 0, :, :2], axis=0) for n in ("lying", "phone"))
    np.testing.assert_allclose(upright, lying[::-1], atol=1)  # a quarter turn
