"""Build the notebooks from their text sources, or check that they are up to date.

    python scripts/build_notebooks.py            build and execute every notebook
    python scripts/build_notebooks.py 00 03      only those whose names begin so
    python scripts/build_notebooks.py --check    exit code 1 where one is stale; executes nothing

A notebook is stale when its source, the weights, the bundled data or a module that decides its
pictures (DECIDING) has changed since it was built: a hash of them is in its metadata. Other changes
of the package leave stored outputs as they are; the tests execute every source anyway. Stored
outputs hold still pictures and text only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from relink import OWNED, slug

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
MAX_BYTES = 500_000
# What a stored output may hold; videos and scripts are left out, and widgets altogether.
STORED_TYPES = ("text/plain", "text/markdown", "image/jpeg", "image/png")
WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS = 600  # for one cell
# The set-up cell, the same in every lesson, starts folded in JupyterLab: nobody has to read it.
FOLDED = {"jupyter": {"source_hidden": True}}
# What decides what the stored pictures look like: the model, the sampler, the way in, the drawing.
DECIDING = (
    "fyp_lite/settings.py",
    "fyp_lite/clip.py",
    "fyp_lite/skeleton.py",
    "fyp_lite/model",
    "fyp_lite/denoising.py",
    "fyp_lite/sampling.py",
    "fyp_lite/pipeline.py",
    "fyp_lite/drawing.py",
    "fyp_course/charts.py",
)
ENVIRONMENT = {"FYP_LITE_STILLS": "1", "HF_HUB_OFFLINE": "1", "PYTHONHASHSEED": "0"}


def inputs_hash(source: Path) -> str:
    """Hash of a notebook's source, the modules that decide its pictures, the weights and the data.

    The repository's address does not count, so pointing the project elsewhere makes nothing stale.
    """
    owned = OWNED.search((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if not owned:
        raise ValueError("pyproject.toml has no line Repository = ... under [project.urls].")
    address = slug(owned[2]).encode()
    total = hashlib.sha256()
    for path in [source, *sorted(deciding_files())]:
        content = path.read_bytes()
        if path == source:
            content = content.replace(address, b"OWNER/NAME")
        total.update(f"{path.relative_to(ROOT).as_posix()}\n".encode())
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def deciding_files() -> list[Path]:
    """The files behind DECIDING and the bundled weights and data."""
    paths = [ROOT / name for name in DECIDING]
    files = [p for path in paths for p in (path.rglob("*.py") if path.is_dir() else [path])]
    files += (ROOT / "fyp_lite" / "weights").rglob("*.safetensors")
    for name in ("clips", "drawn", "expected"):
        files += (ROOT / "data" / name).iterdir()
    return files


def target(source: Path) -> Path:
    """Where the notebook of a source lies."""
    return NOTEBOOKS / f"{source.stem}.ipynb"


def read_source(source: Path) -> NotebookNode:
    """The notebook without outputs; its cells are numbered, so that builds can be compared."""
    notebook = jupytext.read(source, fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03}"
        cell.metadata.clear()
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    return notebook


def strip(notebook: NotebookNode) -> None:
    """Keep only what a reader without a kernel can use: text and still pictures."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type != "code":
            continue
        cell.outputs = [out for out in cell.outputs if WIDGET not in out.get("data", {})]
        for output in cell.outputs:
            for kind in set(output.get("data", {})) - set(STORED_TYPES):
                del output.data[kind]
        cell.outputs = [out for out in cell.outputs if _has_content(out)]


def fold_set_up(notebook: NotebookNode) -> None:
    """Fold the first code cell, of which only the output is of interest."""
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.metadata.update(FOLDED)


def _has_content(output: NotebookNode) -> bool:
    if output.output_type == "stream":
        return output.name == "stdout"  # progress bars go to stderr
    return bool(output.get("data"))


def build(source: Path) -> None:
    """Execute a source in a clean kernel and store the notebook beside it."""
    os.environ.update(ENVIRONMENT)  # the kernel inherits it
    before = inputs_hash(source)
    notebook = read_source(source)
    with tempfile.TemporaryDirectory() as folder:  # where the notebook's own files go
        NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            record_timing=False,
            store_widget_state=False,
        ).execute()
    strip(notebook)
    fold_set_up(notebook)
    notebook.metadata["fyp_lite"] = {"hash": before}
    nbformat.validate(notebook)
    text = nbformat.writes(notebook) + "\n"
    if len(text) > MAX_BYTES:
        raise ValueError(
            f"{target(source).name} would have {len(text)} bytes and {MAX_BYTES} are the limit: "
            "show fewer or smaller pictures."
        )
    target(source).write_text(text, encoding="utf-8")


def stale(source: Path) -> bool:
    """Whether the stored notebook is missing or was made from something else."""
    if not target(source).is_file():
        return True
    stored = nbformat.read(target(source), as_version=4)
    return stored.metadata.get("fyp_lite", {}).get("hash") != inputs_hash(source)


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the notebooks from notebooks/src.")
    parser.add_argument("names", nargs="*", help="beginnings of names, such as 00; all without")
    parser.add_argument("--check", action="store_true", help="only say which are stale")
    arguments = parser.parse_args()
    sources = sorted((NOTEBOOKS / "src").glob("*.py"))
    if arguments.names:
        sources = [s for s in sources if s.name.startswith(tuple(arguments.names))]
    if not sources:
        parser.error(f"no source in notebooks/src begins with {' or '.join(arguments.names)}")
    if arguments.check:
        old = [target(source) for source in sources if stale(source)]
        for path in old:
            print(f"{path.relative_to(ROOT)} is stale: run python scripts/build_notebooks.py")
        return bool(old)
    for source in sources:
        build(source)
        path = target(source)
        print(f"built {path.relative_to(ROOT)}, {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
