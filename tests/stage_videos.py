"""Videos that say which frame they show, so that a test can read it back from the screen."""

from __future__ import annotations

import numpy as np
import pytest

BITS = 7
SIZE = 112
COLOURS = ((255, 255, 255), (255, 205, 64), (90, 220, 255), (255, 120, 200), (150, 255, 90))


def numbered(count: int, which: int = 0) -> np.ndarray:
    """A video `[f, 112, 112, 3]` uint8: frame i has a bright column for each bit that i has.

    `which` picks the colour of its columns: videos side by side look different.
    """
    video = np.zeros((count, SIZE, SIZE, 3), np.uint8)
    width = SIZE // BITS
    for number in range(count):
        for bit in range(BITS):
            if number >> bit & 1:
                video[number, :, bit * width : (bit + 1) * width] = COLOURS[which]
    return video


def catch_outputs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """A list that gets what is displayed from now on, each as {MIME type: data}."""
    outputs: list[dict[str, object]] = []

    def display(thing: object, metadata: object = None, raw: bool = False) -> None:
        outputs.append(thing if raw else {"text/markdown": thing.data})

    for module in ("fyp_course.stage.display", "fyp_course.show", "fyp_course.stills"):
        monkeypatch.setattr(f"{module}.display", display)
    return outputs


# JavaScript: the numbers that all canvases of a stage show at one moment.
READ = """stage => [...stage.querySelectorAll('.fyp-screen canvas')].map(canvas => {
    const row = canvas.getContext('2d').getImageData(0, canvas.height / 2, canvas.width, 1).data;
    let number = 0;
    for (let bit = 0; bit < 7; bit++) {
        const x = Math.floor((bit + 0.5) / 7 * canvas.width);
        if (Math.max(row[4 * x], row[4 * x + 1], row[4 * x + 2]) > 128) number += 1 << bit;
    }
    return number;
})"""
