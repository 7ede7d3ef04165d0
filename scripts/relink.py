"""Point every link of the project at another repository.

    python scripts/relink.py https://github.com/OWNER/NAME

The address is owned by `[project.urls] Repository` in pyproject.toml. This rewrites it there and
wherever the pages at the root, the notebooks with their text sources and the classroom cite it: as
an address, as the OWNER/NAME of a Colab, Binder or shields.io badge, or percent-encoded in another
link, as nbgitpuller takes it. Standard library only.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")
OWNED = re.compile(r'^(Repository = ")([^"]*)(")$', re.MULTILINE)
PATTERNS = ("*.md", *(f"notebooks/**/*.{kind}" for kind in ("ipynb", "md", "py", "yaml")))


def slug(address: str) -> str:
    """OWNER/NAME of a repository's address; ValueError where it is not on GitHub."""
    match = ADDRESS.fullmatch(address)
    if not match:
        raise ValueError(
            f"{address!r} is not a repository's address; give https://github.com/OWNER/NAME "
            "(Colab and Binder badges open notebooks from GitHub)."
        )
    return match[1]


def relink(root: Path, address: str) -> list[Path]:
    """Rewrite the address in the project at `root`; returns the changed files, pyproject first.

    Raises ValueError, before any file is touched, where the new address or the one in
    pyproject.toml cannot be used.
    """
    new = slug(address)
    project = root / "pyproject.toml"
    owned = OWNED.search(project.read_text(encoding="utf-8"))
    if not owned:
        raise ValueError(f'{project} has no line Repository = "https://github.com/OWNER/NAME".')
    # A name may end a sentence or carry .git, but fyp-lite/fyp-lite-data is another repository.
    owner, name = map(re.escape, slug(owned[2]).split("/"))
    before_it = r"(?:(?<![\w.-])|(?<=github\.com%2F))"
    cited = re.compile(rf"{before_it}{owner}(/|%2F){name}(?![\w-]|\.(?!git\b)\w)")

    changed = []
    for path in [project, *sorted({p for pattern in PATTERNS for p in root.glob(pattern)})]:
        before = path.read_bytes().decode("utf-8")  # bytes, so that line ends stay as they are
        after = cited.sub(lambda match: new.replace("/", match[1]), before)
        if after != before:
            path.write_bytes(after.encode("utf-8"))
            changed.append(path)
    return changed


def main() -> None:
    """Command line: one argument, the new address."""
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("Name the new address: make relink URL=https://github.com/OWNER/NAME")
    root = Path(__file__).resolve().parent.parent
    try:
        changed = relink(root, sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
    for path in changed:
        print(f"rewrote {path.relative_to(root)}")
    if not changed:
        print("nothing to rewrite: the project already has this address")


if __name__ == "__main__":
    main()
