"""Follow Your Pose, small enough to learn from: skeleton video + prompt -> video.

The names below are loaded when first used, so that `import fyp_lite` needs neither torch nor
widgets and takes no time:

    from fyp_lite import ClipSettings, load_pipeline
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from fyp_lite.folders import cache_dir, data_dir
from fyp_lite.threads import spin_briefly
from fyp_lite.version import __version__

if TYPE_CHECKING:
    from fyp_lite.cards.card import RunCard
    from fyp_lite.full.published import load_published
    from fyp_lite.keypoints.extract import extract_keypoints
    from fyp_lite.loading import load_pipeline
    from fyp_lite.opening import open_clip, prepare_clip
    from fyp_lite.pipeline import FollowYourPosePipeline
    from fyp_lite.request import Request
    from fyp_lite.settings import ClipSettings, SampleSettings
    from fyp_lite.skeleton import draw_skeletons
    from fyp_lite.skeleton_reader import read_skeletons
    from fyp_lite.video import contact_sheet, write_video

spin_briefly()  # before torch is imported: its OpenMP reads this once

# Public names and the modules that they are loaded from.
_MODULES = {
    "ClipSettings": "settings",
    "FollowYourPosePipeline": "pipeline",
    "Request": "request",
    "RunCard": "cards.card",
    "SampleSettings": "settings",
    "contact_sheet": "video",
    "draw_skeletons": "skeleton",
    "extract_keypoints": "keypoints.extract",
    "load_pipeline": "loading",
    "load_published": "full.published",
    "open_clip": "opening",
    "prepare_clip": "opening",
    "read_skeletons": "skeleton_reader",
    "write_video": "video",
}

__all__ = [
    "ClipSettings",
    "FollowYourPosePipeline",
    "Request",
    "RunCard",
    "SampleSettings",
    "__version__",
    "cache_dir",
    "contact_sheet",
    "data_dir",
    "draw_skeletons",
    "extract_keypoints",
    "load_pipeline",
    "load_published",
    "open_clip",
    "prepare_clip",
    "read_skeletons",
    "write_video",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
