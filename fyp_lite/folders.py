"""Where the bundled data is, and where downloads and cached results go."""

from __future__ import annotations

import os
from pathlib import Path


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
    """Folder for downloads and cached results: FYP_LITE_HOME, or ~/.cache/fyp_lite."""
    return Path(os.environ.get("FYP_LITE_HOME") or Path.home() / ".cache" / "fyp_lite")
