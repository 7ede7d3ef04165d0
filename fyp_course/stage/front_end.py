"""The front end's JavaScript and CSS: parts joined to the one module that anywidget takes."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "js"
CSS = (_FOLDER / "stage.css").read_text(encoding="utf-8")


def module(*parts: str) -> str:
    """The parts `js/NAME.js` as one ES module; the last one holds its `export default`.

    A later part uses the names of an earlier one.
    """
    return "\n".join((_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in parts)
