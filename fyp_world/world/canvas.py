"""skia, which draws the animated world, imported in one place that says what it needs.

Its wheels for Linux link to libEGL and libGL, which slim containers and hub images lack, although
nothing here draws on a display.
"""

from __future__ import annotations

try:
    import skia
except ModuleNotFoundError as error:
    raise ImportError(
        "the animated world is drawn by skia-python, which is not installed: "
        'run pip install "skia-python>=87.6", then restart the kernel.'
    ) from error
except ImportError as error:
    raise ImportError(
        f"the animated world is drawn by skia-python, which needs a system library ({error}): "
        "on Debian, Ubuntu and Colab run apt-get install -y libegl1 libgl1 (on a hub its "
        "administrator does), then restart the kernel."
    ) from error

__all__ = ["skia"]
