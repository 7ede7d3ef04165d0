"""Characters of the animated world, read by the keypoint network that also judges the videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fyp_lite.files.decoding import check_frames
from fyp_lite.files.hashes import CheckpointError, verify_hashes
from fyp_lite.files.writing import file_path
from fyp_lite.keypoints.clip import KeypointsError
from fyp_lite.keypoints.detectors.base import keep_seen

WEIGHTS = Path(__file__).parents[2] / "weights" / "judges" / "keypoints"


def report() -> tuple[bool, str]:
    """Whether the network is bundled, and a sentence on it."""
    if not (WEIGHTS / "config.json").is_file():
        return False, (
            "the network that reads cartoons is not part of this installation: reinstall fyp-lite, "
            "or give weights=, a folder of a trained KeypointNet."
        )
    return True, (
        "reads up to three characters drawn by this kit; bundled, MIT licence; not for real people."
    )


class CartoonBackend:
    """Up to three characters per frame, each frame on its own.

    Args:
        weights: a folder that `KeypointNet.save_pretrained` wrote; None for the bundled one.
        max_people: most people per frame, the surest first.

    Raises:
        KeypointsError: no network there, or a damaged one.
    """

    name = "cartoon"

    def __init__(self, weights: Path | None = None, *, max_people: int = 3) -> None:
        ready, note = report()
        if weights is None and not ready:
            raise KeypointsError(f"cartoon cannot be used: {note}")
        folder = WEIGHTS if weights is None else file_path(weights)
        if not (folder / "config.json").is_file():
            raise KeypointsError(
                f"weights {folder.name!r} is no folder of a keypoint network: give one that "
                "KeypointNet.save_pretrained wrote, or leave weights out."
            )
        from fyp_lite.keypoint_network import KeypointNet

        try:
            if weights is None:
                verify_hashes(folder)
            self._network = KeypointNet.from_pretrained(folder).float().eval()
        except (CheckpointError, OSError, RuntimeError) as error:
            raise KeypointsError(
                f"the keypoint network in {folder.name!r} cannot be loaded "
                f"({' '.join(str(error).split())[:200]}): reinstall fyp-lite or give another."
            ) from error
        self._max_people = max_people

    def detect(self, frame: np.ndarray) -> np.ndarray:
        check_frames(frame[None])
        people = keep_seen(self._network.read_people(frame[None])[0], *frame.shape[:2])
        surest = np.argsort(-people[..., 2].sum(axis=1))[: self._max_people]
        return people[np.sort(surest)]  # from left to right, as they came

    def close(self) -> None:
        del self._network
