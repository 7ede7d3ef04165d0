"""Black is added where the square of a tall or wide frame would cut people off."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fyp_course.panels.lens import CropLens, draw_lens
from fyp_lite import data_dir
from fyp_lite.cli.main import main
from fyp_lite.clip import find_box
from fyp_lite.cropping import crop_box, padded_box
from fyp_lite.keypoints.advice import clip_advice
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.opening import open_clip, prepare_clip
from fyp_lite.settings import ClipSettings, SettingsError
from fyp_lite.skeleton import MIN_CONFIDENCE, draw_skeletons
from fyp_lite.video import write_video

HEIGHT, WIDTH = 320, 180  # a phone held upright
QUICK = ["--steps", "1", "--num-frames", "2"]


def dancer(height=HEIGHT, width=WIDTH, frames=24, tall=0.9):
    """The bundled cartoon's dance in another frame, the body filling most of its longer side."""
    people = KeypointClip.load(data_dir() / "clips" / "cartoon.json").keypoints[:frames].copy()
    places = people[..., :2][people[..., 2] > 0]
    low, high = places.min(axis=0), places.max(axis=0)
    scale = tall * max(height, width) / (high - low).max()
    people[..., :2] = (people[..., :2] - (low + high) / 2) * scale + (width / 2, height / 2)
    return KeypointClip(people, 24, height, width)


def tall_person(frames=24, height=HEIGHT, width=WIDTH):
    """As above, narrow enough for the frame: all of it is inside, and the head near its top."""
    clip = dancer(height, width, frames)
    people = clip.keypoints.copy()
    people[..., 0] = (people[..., 0] - width / 2) * 0.3 + width / 2
    return KeypointClip(people, 24, height, width)


@pytest.fixture
def video(tmp_path):
    """A skeleton video of a tall person in a tall frame."""
    path = tmp_path / "tall.mp4"
    tall_person().save_video(path)
    return path


@pytest.fixture
def keypoints(tmp_path):
    path = tmp_path / "tall.json"
    tall_person().save(path)
    return path


@pytest.mark.parametrize("kind", ["video", "keypoints"])
def test_a_tall_clip_keeps_its_head(kind, request):
    path = request.getfixturevalue(kind)
    prepared = prepare_clip(path, ClipSettings(), 160)
    assert prepared.padded
    assert prepared.box == ((WIDTH - HEIGHT) / 2, 0, (WIDTH + HEIGHT) / 2, HEIGHT)
    people = tall_person().keypoints[prepared.indices].copy()
    people[..., :2] = (people[..., :2] - prepared.box[:2]) * 160 / HEIGHT
    expected = draw_skeletons(people, 160, 160).max(axis=-1) > 128
    drawn = prepared.frames.max(axis=-1) > 32  # lines of the video are thinner, and so darker
    assert drawn[expected].mean() > 0.9
    assert drawn[:, :30].any()  # the head is there
    edge = round((HEIGHT - WIDTH) / 2 * 160 / HEIGHT)
    assert not prepared.frames[:, :, :edge].any() and not prepared.frames[:, :, -edge:].any()
    cut = prepare_clip(path, ClipSettings(pad="none"), 160)
    assert not cut.padded
    assert cut.box == crop_box(HEIGHT, WIDTH, ClipSettings())


def test_a_wide_clip_keeps_who_stands_at_its_side(tmp_path):
    clip = tall_person(height=180, width=320)
    people = clip.keypoints.copy()
    people[..., 0] -= 120
    aside = KeypointClip(people, 24, 180, 320)
    aside.save_video(tmp_path / "aside.mp4")
    for source in (aside, tmp_path / "aside.mp4"):
        prepared = prepare_clip(source, ClipSettings(), 64)
        assert prepared.box == (0, -70, 320, 250)


@pytest.mark.parametrize("pad", ["auto", "none"])
@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (180, 320), (240, 240)])
def test_people_who_fit_are_not_made_smaller(tmp_path, size, pad):
    people = dancer(*size, tall=0.9 * min(size) / max(size))
    people.save_video(tmp_path / "fits.mp4")
    for source in (people, tmp_path / "fits.mp4"):
        prepared = prepare_clip(source, ClipSettings(pad=pad), 64)
        assert prepared.box == crop_box(*size, ClipSettings())
        assert not prepared.padded


def test_only_the_chosen_frames_count(keypoints):
    with open_clip(keypoints) as clip:
        clip.keypoints[8:, ..., 2] = 0
        assert find_box(clip, ClipSettings(0, 1, 8)) == padded_box(HEIGHT, WIDTH, ClipSettings())
        late = ClipSettings(8, 1, 8)
        assert find_box(clip, late) == crop_box(HEIGHT, WIDTH, late)
        assert (clip.keypoints[:8, ..., 2] >= MIN_CONFIDENCE).any()


def test_raw_frames_are_cropped_as_ever(tmp_path):
    noise = np.random.default_rng(0).integers(60, 256, (24, HEIGHT, WIDTH, 3), dtype=np.uint8)
    write_video(tmp_path / "raw.mp4", noise, 24)
    assert prepare_clip(tmp_path / "raw.mp4", ClipSettings(), 64).box == crop_box(
        HEIGHT, WIDTH, ClipSettings()
    )


@pytest.mark.parametrize("kind", ["video", "keypoints"])
def test_crops_keep_their_meaning(kind, request):
    """What is trimmed is gone, also where black is added on that side."""
    path = request.getfixturevalue(kind)
    unit = WIDTH / 512
    trimmed = ClipSettings(crop_left=200)
    prepared = prepare_clip(path, trimmed, HEIGHT)
    assert prepared.padded
    first = round(200 * unit - prepared.box.left)  # the column of the first pixel that is kept
    assert not prepared.frames[:, :, :first].any()
    assert prepared.frames[:, :, first:].any()
    # Where crops have made a side shorter than the other, the square is that of the crops.
    near = ClipSettings(crop_top=300, crop_bottom=200)
    assert padded_box(HEIGHT, WIDTH, near) == crop_box(HEIGHT, WIDTH, near)
    square = ClipSettings(crop_right=250)
    assert padded_box(240, 240, square) == crop_box(240, 240, square)


def test_the_lens_shows_what_is_added(keypoints):
    with open_clip(keypoints) as clip:
        lens = CropLens(clip, size=64)
        assert lens.pad.layout.display != "none"
        assert "Black is added left and right" in lens.caption.value
        assert "0.56 times as large" in lens.caption.value
        assert "No joint is cut off" in lens.caption.value
        assert lens.prepared.padded
        lens.pad.value = False
        assert lens.settings.pad == "none"
        assert "Black is added" not in lens.caption.value
        assert "cut in 8 of 8 frames" in lens.caption.value
        assert not lens.prepared.padded
        frame = clip.read([0])[0]
    picture = draw_lens(frame, ClipSettings(), 256, padded=True)
    shown = picture[30 : 30 + 256, -14 - 256 : -14]
    assert shown[:30].any() and shown[-30:].any()  # the head and the feet
    assert not shown[:, :50].any() and not shown[:, -50:].any()


def test_a_square_clip_has_nothing_to_add():
    with open_clip(data_dir() / "clips" / "dance.mp4") as clip:
        assert CropLens(clip).pad.layout.display == "none"


def test_settings_and_advice():
    assert ClipSettings().to_dict()["pad"] == "auto"
    assert ClipSettings.from_dict({"pad": "none"}).pad == "none"
    with pytest.raises(SettingsError, match="pad is 'square', but it must be one of auto, none"):
        ClipSettings(pad="square")
    people = tall_person()
    assert clip_advice(people, ClipSettings()) == []
    (sentence,) = clip_advice(people, ClipSettings(pad="none"))
    assert "joints lie outside the square" in sentence
    assert "add black (pad auto)" in sentence


def test_the_command_line_says_it_and_carries_it(video, tmp_path, capsys):
    out = tmp_path / "out.mp4"
    words = ["a panda on the sea", "--clip", str(video), *QUICK, "--out", str(out)]
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "180 x 320 pixels would cut somebody off, so black is added" in said
    assert "--pad none cuts instead" in said
    card = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["clip_settings"]["pad"] == "auto"
    assert main([*words, "--pad", "none"]) == 0
    assert "black is added" not in capsys.readouterr().err
    assert main([*words, "--pad", "square"]) == 2
    assert "pad is 'square'" in capsys.readouterr().err


def test_a_sweep_can_vary_it(video, tmp_path):
    out = tmp_path / "sweep"
    words = ["sweep", "a panda on the sea", "--clip", str(video), *QUICK]
    assert main([*words, "--vary", "pad=auto,none", "--out", str(out)]) == 0
    rows = (out / "index.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[2] for row in rows] == ["pad", "auto", "none"]
    films = [prepare_clip(path, ClipSettings(0, 1, 2), 64).frames for path in out.glob("*.mp4")]
    assert not np.array_equal(*films)
