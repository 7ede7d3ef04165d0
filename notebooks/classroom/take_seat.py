"""What a learner's server is started by: own copies of the notebooks, a memory limit, JupyterLab.

The hub runs it as the learner, in the learner's folder.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[1]


def copy_notebooks(source: Path, folder: Path) -> list[Path]:
    """Copy the notebooks that the learner does not have; what is there is the learner's, and stays.

    Returns the new ones.
    """
    missing = [path for path in sorted(source.glob("*.ipynb")) if not (folder / path.name).exists()]
    for path in missing:
        part = folder / f".{path.name}.part"
        shutil.copyfile(path, part)
        os.replace(part, folder / path.name)
    return [folder / path.name for path in missing]


def limit_memory(most: int) -> None:
    """Let no process of this learner hold more than so many bytes of its own (Linux only).

    Who asks for more gets Python's MemoryError, and the kernel lives on. Each process is counted
    alone; systemd's limit, which counts a learner's processes together, stands beside it.
    """
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main() -> None:
    copy_notebooks(NOTEBOOKS, Path.cwd())
    if sys.platform == "linux" and "MEM_LIMIT" in os.environ:
        limit_memory(int(os.environ["MEM_LIMIT"]))
    server = Path(sys.executable).with_name("jupyterhub-singleuser")
    os.execv(server, [str(server), *sys.argv[1:]])


if __name__ == "__main__":
    main()
