"""OpenPose without its weights: a file of their layout, and heatmaps whose peaks are known."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import hf_hub_download

from fyp_lite.keypoints.clip import KeypointsError
from fyp_lite.keypoints.detectors import choose_backend, openpose
from fyp_lite.skeleton import JOINTS

# OpenPose's 18 joints by our names, as its documentation lists them.
THEIRS = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)
# Pairs that a vector field joins, and the first of its two channels.
FIELDS = {
    ("neck", "right_hip"): 0,
    ("right_hip", "right_knee"): 2,
    ("right_knee", "right_ankle"): 4,
    ("neck", "left_hip"): 6,
    ("left_hip", "left_knee"): 8,
    ("left_knee", "left_ankle"): 10,
    ("neck", "right_shoulder"): 12,
    ("right_shoulder", "right_elbow"): 14,
    ("right_elbow", "right_wrist"): 16,
    ("neck", "left_shoulder"): 20,
    ("left_shoulder", "left_elbow"): 22,
    ("left_elbow", "left_wrist"): 24,
    ("neck", "nose"): 28,
    ("nose", "right_eye"): 30,
    ("right_eye", "right_ear"): 34,
    ("nose", "left_eye"): 32,
    ("left_eye", "left_ear"): 36,
}
# A figure that faces us, in its own heights: x from its middle, y from the top.
FIGURE = {
    "nose": (0, 0.1),
    "neck": (0, 0.22),
    "left_eye": (0.04, 0.06),
    "left_ear": (0.09, 0.08),
    "left_shoulder": (0.13, 0.23),
    "left_elbow": (0.18, 0.38),
    "left_wrist": (0.2, 0.52),
    "left_hip": (0.08, 0.52),
    "left_knee": (0.09, 0.74),
    "left_ankle": (0.1, 0.95),
}
FIGURE |= {n.replace("left", "right"): (-x, y) for n, (x, y) in FIGURE.items() if "left" in n}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A file of the published layout; all of a tensor's zeros are one number on disk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of detectors that come along
        from controlnet_aux.open_pose.model import bodypose_model

    with torch.device("meta"):
        layout = bodypose_model().state_dict()
    path = tmp_path_factory.mktemp("openpose") / openpose.FILE
    state = {key.split(".", 1)[1]: torch.zeros(1).expand(v.shape) for key, v in layout.items()}
    assert len(state) == len(layout) == 184
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def backend(weights):
    with pytest.warns(UserWarning, match="You chose OpenPose: .* non-commercial use only"):
        return choose_backend("openpose", weights=weights)


class KnownMaps(torch.nn.Module):
    """In the network's place: heatmaps and vector fields of figures at known places.

    figures: (x of the middle, y of the top, height), as parts of the frame's size.
    """

    def __init__(self, figures, missing=()):
        super().__init__()
        self.figures, self.missing = figures, missing
        self.unused = torch.nn.Parameter(torch.zeros(1))  # tells the device

    def forward(self, images):
        height, width = images.shape[2] // 8, images.shape[3] // 8
        y, x = np.mgrid[:height, :width] + 0.5
        heat, fields = np.zeros((19, height, width)), np.zeros((38, height, width))
        for middle, top, size in self.figures:
            at = {
                name: np.array([middle * width + dx * size * height, (top + dy * size) * height])
                for name, (dx, dy) in FIGURE.items()
            }
            for name in set(THEIRS) - set(self.missing):
                away = (x - at[name][0]) ** 2 + (y - at[name][1]) ** 2
                heat[THEIRS.index(name)] += 0.9 * np.exp(-away / 2)
            for (a, b), channel in FIELDS.items():
                along = (at[b] - at[a]) / max(np.linalg.norm(at[b] - at[a]), 1e-6)
                gap = np.abs((x - at[a][0]) * along[1] - (y - at[a][1]) * along[0])
                share = (x - at[a][0]) * along[0] + (y - at[a][1]) * along[1]
                near = (gap < 1.5) & (share > -1.5)
                near &= share < np.linalg.norm(at[b] - at[a]) + 1.5
                fields[channel : channel + 2, near] = along[:, None]
        maps = (torch.from_numpy(m[None].astype(np.float32)) for m in (fields, heat))
        return tuple(maps)


def expected(figure, height, width):
    middle, top, size = figure
    return np.array(
        [
            (middle * width + FIGURE[n][0] * size * height, (top + FIGURE[n][1] * size) * height)
            for n in JOINTS
        ]
    )


@pytest.mark.parametrize(("height", "width"), [(1024, 1280), (256, 320)])
def test_known_peaks_come_back_as_our_joints_in_the_frames_pixels(
    backend, monkeypatch, height, width
):
    figures = [(0.28, 0.05, 0.9), (0.72, 0.05, 0.85)]
    monkeypatch.setattr(backend._body, "model", KnownMaps(figures))
    people = backend.detect(np.full((height, width, 3), 99, np.uint8))
    assert people.shape == (2, 17, 3) and people.dtype == np.float32
    people = people[np.argsort(people[:, 0, 0])]
    for person, figure in zip(people, figures, strict=True):
        away = np.linalg.norm(person[:, :2] - expected(figure, height, width), axis=1)
        assert away.max() < 0.02 * height  # the maps have 23 rows
        assert ((person[:, 2] > 0.4) & (person[:, 2] <= 1)).all()


def test_a_joint_without_a_peak_is_missing_and_the_surest_people_stay(backend, monkeypatch):
    figures = [(0.28, 0.05, 0.9), (0.72, 0.05, 0.85)]
    hidden = ("left_wrist", "right_ankle")
    monkeypatch.setattr(backend._body, "model", KnownMaps(figures, hidden))
    monkeypatch.setattr(backend, "_max_people", 1)
    (person,) = backend.detect(np.zeros((512, 640, 3), np.uint8))
    missing = [name for name, joint in zip(JOINTS, person, strict=True) if not joint.any()]
    assert missing == list(hidden)


def test_nobody_is_an_empty_array(backend):
    """The network itself runs, with weights that see nothing."""
    assert backend.detect(np.zeros((64, 48, 3), np.uint8)).shape == (0, 17, 3)


def test_a_folder_with_the_body_file_is_enough(weights):
    with pytest.warns(UserWarning, match="non-commercial"):
        found = choose_backend("openpose", weights=weights.parent)
    found.close()


@pytest.mark.parametrize("content", [b"", b"PK no network", None])
def test_a_file_that_is_no_body_network_is_refused(tmp_path, content):
    path = tmp_path / openpose.FILE
    if content is None:
        torch.save({"conv1_1.weight": torch.zeros(2)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(KeypointsError, match="is not OpenPose's body network .* download body_p"):
        choose_backend("openpose", weights=path)


def test_offline_it_says_at_once_what_is_missing(monkeypatch, tmp_path):
    def no_network(*arguments):
        raise AssertionError("asked the network")

    monkeypatch.setattr("socket.getaddrinfo", no_network)
    monkeypatch.setattr(
        "huggingface_hub.hf_hub_download", partial(hf_hub_download, cache_dir=tmp_path)
    )
    with pytest.raises(KeypointsError, match="`hf download lllyasviel/Annotators body_pose_model"):
        choose_backend("openpose")
    ready, note = openpose.report()
    assert not ready and "non-commercial" in note


def test_weights_that_a_download_left_are_found(monkeypatch, tmp_path, weights):
    monkeypatch.setattr(
        "huggingface_hub.hf_hub_download", partial(hf_hub_download, cache_dir=tmp_path)
    )
    assert not openpose.report()[0]
    repository = tmp_path / "models--lllyasviel--Annotators"  # as the hub's cache is laid out
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    (repository / "snapshots" / "abc" / openpose.FILE).write_bytes(weights.read_bytes())
    assert openpose.report()[0]
    with pytest.warns(UserWarning, match="non-commercial"):
        choose_backend("openpose").close()
