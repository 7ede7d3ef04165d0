"""Raw video: find people and their COCO-17 joints, follow them, keep them as a file.

The names below are loaded when first used, so that importing this package needs no detector:

    from fyp_lite.keypoints import extract_keypoints
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fyp_lite.keypoints.clip import KeypointClip, KeypointsError
    from fyp_lite.keypoints.detectors.base import available_backends, choose_backend
    from fyp_lite.keypoints.extract import extract_keypoints
    from fyp_lite.opening import open_skeleton

__all__ = [
    "KeypointClip",
    "KeypointsError",
    "available_backends",
    "choose_backend",
    "extract_keypoints",
    "open_skeleton",
]

_MODULES = {
    "KeypointClip": "keypoints.clip",
    "KeypointsError": "keypoints.clip",
    "available_backends": "keypoints.detectors.base",
    "choose_backend": "keypoints.detectors.base",
    "extract_keypoints": "keypoints.extract",
    "open_skeleton": "opening",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"fyp_lite.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
