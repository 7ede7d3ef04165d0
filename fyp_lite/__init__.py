"""Follow Your Pose, small enough to learn from: skeleton video + prompt -> video.

The names below are loaded when first used, so that `import fyp_lite` needs neither torch nor
widgets and takes no time:

    from fyp_lite import ClipSettings, load_pipeline
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fyp_lite.clip import prepare_clip
    from fyp_lite.loading import load_pipeline
    from fyp_lite.pipeline import FollowYourPosePipeline
    from fyp_lite.settings import ClipSettings, SampleSettings
    from fyp_lite.video import contact_sheet, write_video

__version__ = "0.1.0"

__all__ = [
    "ClipSettings",
    "FollowYourPosePipeline",
    "SampleSettings",
    "contact_sheet",
    "data_dir",
    "load_pipeline",
    "prepare_clip",
    "write_video",
]

_MODULES = {
    "ClipSettings": "settings",
    "SampleSettings": "settings",
    "contact_sheet": "video",
    "write_video": "video",
    "prepare_clip": "clip",
    "load_pipeline": "loading",
    "FollowYourPosePipeline": "pipeline",
}


def data_dir() -> Path:
    """The folder of bundled clips, expected pictures and presets.

    A wheel carries it inside the package, a checkout has it beside the package. Raises
    FileNotFoundError where neither is there.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "data", package.parent / "data"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"fyp_lite's bundled data is neither in {package} nor beside it: reinstall fyp-lite."
    )


def cache_dir() -> Path:
    """Where is kept what was fetched or worked out once: ~/.cache/fyp_lite, or FYP_LITE_HOME."""
    return Path(os.environ.get("FYP_LITE_HOME") or Path.home() / ".cache" / "fyp_lite")


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
