"""What the documents tell people to type: modules, names and commands are there."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from fyp_lite.cli.main import COMMANDS, load_command, split_command
from fyp_lite.cli.options import Parser

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    path
    for pattern in ("*.md", "docs/*.md", "data/*.md", "notebooks/**/*.md", "scripts/**/*.md")
    for path in sorted(ROOT.glob(pattern))
]
SOURCES = sorted((ROOT / "notebooks/src").glob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def has(dotted: str) -> bool:
    """Whether a module, or what it holds, has this name."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = find_spec(".".join(parts[:count])) is not None
        except ModuleNotFoundError:
            continue
        if found:
            thing = import_module(".".join(parts[:count]))
            for part in parts[count:]:
                thing = getattr(thing, part, None)
            return thing is not None
    return False


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_modules_and_what_is_imported_from_them_are_there(path):
    text = path.read_text(encoding="utf-8")
    dotted = set(re.findall(r"\bfyp_(?:lite|world|course)(?:\.[a-z]\w+)+", text))
    for module, names in re.findall(r"from (fyp_[\w.]+) import ([\w, ]+)", text):
        dotted |= {f"{module}.{one.strip()}" for one in names.split(",")}
    missing = [one for one in sorted(dotted) if not has(one)]
    assert not missing


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_files_that_are_named_are_there(path):
    named = re.findall(r"`([\w./-]+\.py)`", path.read_text(encoding="utf-8"))
    folders = ("", "fyp_lite", "fyp_world", "fyp_course", "notebooks", "scripts")
    for one in named:
        alone = "/" not in one  # as in a list of a folder's files
        found = [
            path
            for folder in folders
            for path in (
                ROOT.joinpath(folder).rglob(one) if alone and folder else [ROOT / folder / one]
            )
        ]
        assert any(path.exists() for path in found), one


def commands(text: str) -> Iterator[str]:
    """Every fyp-lite command of a document: lines of code blocks, and code within a sentence."""
    text = re.sub(r"\\\n\s*", " ", text)
    for block in re.findall(r"```(?:bash|console|sh)?\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if match := re.match(r"(?:! ?|\.venv/bin/)?fyp-lite (.+)", line.strip()):
                yield match[1]
    for line in re.findall(r"(?<!`)`(?:\.venv/bin/)?fyp-lite ([^`\n]+)`", text):
        yield line


def read(command: str) -> argparse.Namespace | None:
    """As the command line reads it; None for what only tells something."""
    words = shlex.split(command, comments=True)
    if "--help" in words or words[0] == "COMMAND":
        return None
    assert words[0] in COMMANDS, f"{words[0]!r} is no command"
    chosen, rest = split_command(words)
    parser = Parser(f"fyp-lite {chosen}", "")
    load_command(chosen).add_options(parser)
    if not rest and chosen in ("make", "skeleton", "sweep"):
        return None  # named in a sentence, not to be typed
    return parser.parse_args(rest)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_commands_are_understood(path, capsys):
    for command in commands(path.read_text(encoding="utf-8")):
        try:
            arguments = read(command)
        except SystemExit:
            pytest.fail(f"fyp-lite {command}: {capsys.readouterr().err}")
        settings = getattr(arguments, "settings", None)
        if settings and settings.startswith("data/"):
            assert (ROOT / settings).is_file()


def test_there_are_commands_to_be_understood():
    found = {c.split()[0] for path in DOCUMENTS for c in commands(path.read_text(encoding="utf-8"))}
    assert {"make", "skeleton", "sweep", "convert", "serve", "doctor"} <= found


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_what_the_lessons_import_is_there(path):
    text = path.read_text(encoding="utf-8")
    for module, names in re.findall(r"^from (fyp_[\w.]+) import ([\w, ]+|\([^)]+\))", text, re.M):
        for one in filter(None, (part.strip() for part in names.strip("()").split(","))):
            assert has(f"{module}.{one.split(' as ')[0]}"), f"{module}.{one}"
