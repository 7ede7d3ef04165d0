"""Print a link for every notebook: it fetches the notebooks into a learner's folder and opens one.

    python scripts/classroom_links.py http://192.168.0.10:8000

The hub needs nbgitpuller (the `classroom` extra has it), its learners' servers a way to the
repository that `[project.urls]` in pyproject.toml names. Markdown goes to the standard output.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

from relink import OWNED

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "fyp-lite"  # of the learner; the same whatever the repository is called
HUB = re.compile(r"https?://[\w.-]+(:\d+)?(/[\w./-]*)?")


def links(root: Path, hub: str) -> dict[str, str]:
    """Links by the notebooks' names, for a hub at this address.

    Raises ValueError where it is no address, or pyproject.toml names no repository.
    """
    if not HUB.fullmatch(hub):
        raise ValueError(f"{hub!r} is no hub's address; give one like http://192.168.0.10:8000.")
    project = root / "pyproject.toml"
    owned = OWNED.search(project.read_text(encoding="utf-8"))
    if not owned:
        raise ValueError(f'{project} has no line Repository = "https://github.com/OWNER/NAME".')
    found = {}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        page = f"lab/tree/{FOLDER}/notebooks/{path.name}"
        query = {"repo": owned[2], "branch": "main", "targetpath": FOLDER, "urlpath": page}
        asked = urlencode(query, quote_via=quote, safe="")
        found[path.name] = f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{asked}"
    return found


def main() -> None:
    """Command line: one argument, the hub's address."""
    if len(sys.argv) != 2:
        sys.exit("Name the hub: python scripts/classroom_links.py http://192.168.0.10:8000")
    try:
        found = links(ROOT, sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
    for name, link in found.items():
        print(f"- [{name}]({link})")


if __name__ == "__main__":
    main()
