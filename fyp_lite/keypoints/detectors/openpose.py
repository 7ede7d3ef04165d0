"""OpenPose, by controlnet_aux's network and grouping, from the file of its body network alone.

"Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields" (Cao et al., 2017). Its 18
joints are COCO's 17 and a neck, in an order of their own.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fyp_lite.files.decoding import check_frames
from fyp_lite.files.writing import file_path
from fyp_lite.keypoints.clip import KeypointsError
from fyp_lite.keypoints.detectors.base import keep_seen
from fyp_lite.keypoints.formats import FROM_OPENPOSE

if TYPE_CHECKING:
    from controlnet_aux.open_pose.body import Body

FILE = "body_pose_model.pth"
# (repository, file) on the Hugging Face hub; the same network twice.
HUB = (("lllyasviel/Annotators", FILE), ("lllyasviel/ControlNet", f"annotator/ckpts/{FILE}"))
LICENCE = "its weights are licensed by CMU for non-commercial use only"
SHORT_SIDE = 512  # pixels at which frames are read, as controlnet_aux does


def report() -> tuple[bool, str]:
    """Whether the weights are here, and a sentence on them."""
    if _in_cache() is None:
        return False, (
            f"{FILE} is not in the hub's cache: run `hf download {HUB[0][0]} {FILE}` (209 MB) "
            f"once with a network, or give that file as its weights; {LICENCE}."
        )
    return True, f"reads several people, slow without a GPU; {LICENCE}."


def _in_cache() -> Path | None:
    """The file where an earlier download left it; asks the disk only, so nothing is waited for."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    for repository, file in HUB:
        try:
            return Path(hf_hub_download(repository, file, local_files_only=True))
        except LocalEntryNotFoundError:
            continue
    return None


def _find(weights: Path | None) -> Path:
    if weights is None:
        path = _in_cache()
        if path is None:
            raise KeypointsError(f"openpose cannot be used: {report()[1]}")
        return path
    place = file_path(weights)
    found = sorted(place.rglob(FILE)) if place.is_dir() else [place]
    if not found or not found[0].is_file():
        raise KeypointsError(
            f"weights {place.name!r} holds no {FILE}: give that file of OpenPose's body network, "
            "or a folder with it (hand and face are not needed)."
        )
    return found[0]


def _load(path: Path) -> Body:
    """controlnet_aux's body detector, put together from its parts.

    Its own constructor reads the file without `weights_only`, so before torch 2.6 a file could run
    code, and without `map_location`.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a dozen detectors that come along, unused
            from controlnet_aux.open_pose.body import Body
            from controlnet_aux.open_pose.model import bodypose_model
            from controlnet_aux.open_pose.util import transfer
    except (ImportError, AttributeError) as error:  # AttributeError: beside a newer mediapipe
        raise KeypointsError(
            f"openpose cannot be used, as controlnet_aux does not load ({error}): reinstall it, "
            "and mediapipe 0.10.30 or newer must not be beside it (pip uninstall mediapipe)."
        ) from error
    body = Body.__new__(Body)
    body.model = bodypose_model()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        body.model.load_state_dict(transfer(body.model, state))
    except Exception as error:  # torch names a damaged file in half a dozen ways
        reason = f"{type(error).__name__}: {error}".split("\n")[0][:120]
        raise KeypointsError(
            f"{path.name} is not OpenPose's body network ({reason}): download {FILE} again from "
            f"{HUB[0][0]}."
        ) from error
    body.model.eval()
    return body.to("cuda" if torch.cuda.is_available() else "cpu")


class OpenposeBackend:
    """Several people per frame, each frame on its own.

    Args:
        weights: body_pose_model.pth or a folder with it; None for the hub's cache.
        max_people: most people per frame, the surest first.

    Warns that the weights are for non-commercial use. Raises KeypointsError where they are
    missing, damaged or of another network.
    """

    name = "openpose"

    def __init__(self, weights: Path | None = None, *, max_people: int = 3) -> None:
        self._body = _load(_find(weights))
        self._max_people = max_people
        warnings.warn(f"You chose OpenPose: {LICENCE}.", UserWarning, stacklevel=3)

    def detect(self, frame: np.ndarray) -> np.ndarray:
        check_frames(frame[None])
        height, width = frame.shape[:2]
        scale = SHORT_SIDE / min(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        small = cv2.resize(frame, size, interpolation=smooth)
        bodies = self._body.format_body_result(*self._body(cv2.cvtColor(small, cv2.COLOR_RGB2BGR)))
        bodies.sort(key=lambda body: -body.total_score)
        people = np.zeros((min(len(bodies), self._max_people), 17, 3), np.float32)
        for person, body in zip(people, bodies, strict=False):
            for joint, number in zip(person, FROM_OPENPOSE, strict=True):
                if (peak := body.keypoints[number]) is not None:
                    # Peaks are numbers of pixels, whose centres lie half a pixel on.
                    x, y = (peak.x + 0.5) * width / size[0], (peak.y + 0.5) * height / size[1]
                    joint[:] = x, y, min(peak.score, 1.0)
        return keep_seen(people, height, width)

    def close(self) -> None:
        del self._body
