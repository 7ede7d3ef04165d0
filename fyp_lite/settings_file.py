"""Settings files: the JSON that the command line saves beside a result, and every preset.

They are data and hold any of: prompt, negative_prompt, clip (a path, or a bundled clip's name),
model, clip_settings, sample_settings, input_type, backend, version, result.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fyp_lite.files.writing import file_path

MOST_BYTES = 1_000_000  # a real one has about 1,000


def read_settings_file(path: Path) -> dict[str, Any]:
    """What to make, as far as the file says. Raises ValueError for anything but such a file."""
    path = file_path(path)
    if not path.is_file():
        raise ValueError(f"The settings file {str(path)!r} cannot be read: there is no such file.")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise ValueError(
            f"The settings file {str(path)!r} has {size} bytes, but one that fyp-lite saved has at "
            f"most {MOST_BYTES}; name another."
        )
    try:
        job = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"The settings file {str(path)!r} cannot be read: {error.strerror}."
        ) from None
    except (ValueError, RecursionError):
        raise ValueError(
            f"The settings file {str(path)!r} is not JSON; use one that fyp-lite saved."
        ) from None
    known = {"prompt", "negative_prompt", "clip", "model", "clip_settings", "sample_settings"}
    known |= {"version", "result", "input_type", "backend"}
    if not isinstance(job, dict) or set(job) - known:
        extra = sorted(set(job) - known) if isinstance(job, dict) else "no fields"
        raise ValueError(
            f"The settings file {str(path)!r} has {str(extra)[:100]}, but only {sorted(known)} are "
            "known."
        )
    for name, value in job.items():
        kind = dict if name.endswith("_settings") else str
        if not isinstance(value, kind):
            what = "an object of settings" if kind is dict else "text"
            raise ValueError(
                f"The settings file {str(path)!r} has {str(value)[:60]!r} as {name}, but it must "
                f"be {what}."
            )
    return job
