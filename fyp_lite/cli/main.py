"""The command line: `fyp-lite make "a panda on the sea" --clip dance --out panda.mp4`."""

from __future__ import annotations

import argparse
import sys
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from io import TextIOWrapper
from typing import Any

from fyp_lite.cli.options import Parser
from fyp_lite.text import one_line
from fyp_lite.version import __version__

# Each command is a module with USAGE, `add_options(parser)`, `run(arguments)`; other packages add
# theirs as entry points of the group "fyp_lite.commands". The text is what `fyp-lite --help` says.
COMMANDS = {
    "make": "make a video: a sentence, a clip, and any setting",
    "skeleton": "find the people of a raw video: as a skeleton video, as keypoints, or both",
    "sweep": "make many videos: clips x prompts x seeds x settings",
    "demo": "make a first video into out/",
    "doctor": "check this machine",
    "convert": "set up the full, published model",
    "serve": "serve the playground as a web page for visitors",
}
EPILOG = """examples:
  fyp-lite make "a panda on the sea" --clip dance --out panda.mp4
  fyp-lite make --settings panda.json --seed 2 --out panda2.mp4
  fyp-lite skeleton me.mp4 --out skeleton.mp4 --keypoints me.json
  fyp-lite sweep "a panda on the sea" --clip dance --vary seed=0,1,2 --out sweep

fyp-lite COMMAND --help explains the options of a command. A sentence in quotes without a command
is make."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code, 2 for input that cannot be used."""
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):  # names may hold letters that a terminal cannot show
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        name, rest = split_command(argv)
        command = load_command(name)
        usage = f"fyp-lite {name} {command.USAGE}".rstrip()
        parser = Parser(f"fyp-lite {name}", command.__doc__.split("\n\n")[0], usage)
        command.add_options(parser)
        command.run(parser.parse_args(rest))
    except (ValueError, OSError) as error:
        print(f"fyp-lite: {one_line(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("fyp-lite: stopped.", file=sys.stderr)
        return 130
    return 0


def split_command(argv: list[str]) -> tuple[str, list[str]]:
    """The command's name and its arguments; a bare sentence, or options alone, are for `make`.

    Raises ValueError for a word that is neither a command nor, with what follows it, a prompt.
    """
    first = argv[0] if argv else "--help"
    if first in ("--help", "-h", "--version"):
        build_parser().parse_args([first])
    if first in COMMANDS:
        return first, argv[1:]
    if first.startswith("-") or len(first.split()) > 1:
        return "make", argv
    has_clip = any(argument.startswith(("--clip", "--settings")) for argument in argv)
    near = get_close_matches(first.lower(), [*COMMANDS, "help", "version"], n=1, cutoff=0.75)
    if near and not (has_clip and is_known_to_make(argv)):
        meant = f"--{near[0]}" if near[0] in ("help", "version") else near[0]
        raise ValueError(f"there is no command {first!r}: did you mean fyp-lite {meant}?")
    if not has_clip:
        names = ", ".join(COMMANDS)
        raise ValueError(
            f"there is no command {first!r}, only {names}; to use it as a prompt, give --clip too: "
            f'fyp-lite make "{first}" --clip dance --out video.mp4.'
        )
    return "make", argv


def is_known_to_make(argv: list[str]) -> bool:
    """Whether `make` has a use for every argument."""
    parser = Parser("fyp-lite make", "")
    load_command("make").add_options(parser)
    return not parser.parse_known_args(argv)[1]


def build_parser() -> argparse.ArgumentParser:
    """The parser of `fyp-lite` itself, which knows the names of the commands only."""
    lines = [f"  {name:9} {text}" for name, text in COMMANDS.items()]
    parser = Parser(
        prog="fyp-lite",
        usage="fyp-lite COMMAND ...",
        description="Make a video of the prompt's character doing the motion of a skeleton video."
        "\n\ncommands:\n" + "\n".join(lines),
    )
    parser.epilog = EPILOG
    parser.add_argument("--version", action="version", version=f"fyp-lite {__version__}")
    return parser


def load_command(name: str) -> Any:
    """The module of a command; only it is imported, so that --help stays quick."""
    found = list(entry_points(group="fyp_lite.commands", name=name))
    return found[0].load() if found else import_module(f"fyp_lite.cli.{name}")
