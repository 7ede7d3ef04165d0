"""Serve the playground as a web page for visitors: bundled clips and uploads only, within limits.

No file outlives its visitor. Voila serves the page; each visitor gets a kernel that runs one cell,
written here, so that what a visitor may do is not in a visitor's hands.
docs/public_playground.md says what is limited and what is not.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

from fyp_course.visit import Limits, own_folder, remove_left_over

USAGE = "[options]"
INTRODUCTION = """# Follow Your Pose: the playground

A skeleton video and a sentence go in, a video of that character doing that motion comes out.
Choose a clip or upload one, write a prompt, press **Generate**.

What you upload and make stays on this server as long as this page is open, is seen by no other
visitor, and is then deleted: save what you like to keep. A page that nobody uses for {minutes} min
ends."""
CELL = """from IPython.display import display

from fyp_course.public.page import notice_of_the_end, open_playground
from fyp_course.visit import Limits

display(notice_of_the_end({minutes}))
open_playground({limits!r})"""
MAX_PORT = 65535
MAX_MESSAGE = 8 * 2**20  # bytes


def notebook(limits: Limits, idle_minutes: int) -> dict[str, Any]:
    """The page as a notebook: a few words and the panel."""
    code: dict[str, Any] = {"cell_type": "code", "id": "panel", "metadata": {}, "outputs": []}
    code |= {"execution_count": None, "source": CELL.format(limits=limits, minutes=idle_minutes)}
    introduction = INTRODUCTION.format(minutes=idle_minutes)
    words = {"cell_type": "markdown", "id": "words", "metadata": {}, "source": introduction}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": [words, code],
        "metadata": {"kernelspec": kernel, "title": "Follow Your Pose"},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def serve(port: int, ip: str, visitors: int, idle_minutes: int, limits: Limits) -> None:
    """Serve the page until the process is stopped; its files end with it."""
    from voila.app import Voila

    remove_left_over(Path(tempfile.gettempdir()), "serve")
    folder = own_folder("serve")
    site, visits = folder / "site", folder / "visits"
    site.mkdir()
    visits.mkdir()
    page = site / "playground.ipynb"
    page.write_text(json.dumps(notebook(limits, idle_minutes)), encoding="utf-8")
    os.environ["TMPDIR"] = tempfile.tempdir = str(visits)  # of the kernels, too
    config = voila_config(port, ip, visitors, idle_minutes)
    skip_impossible_headers()
    Voila.launch_instance(argv=[str(page)], config=config)


def skip_impossible_headers() -> None:
    """Keep a visitor from stopping the server for all others.

    Voila reads the number of a message's parts where its own pages write it. On a connection of the
    older protocol those bytes mean something else, and Voila would count to 10**16. A message that
    cannot have as many parts has no header that Voila needs.
    """
    from voila.tornado import kernel_websocket_handler as sockets

    read = sockets.read_header_from_binary_message

    def read_header(message: bytes) -> dict[str, Any] | None:
        possible = int.from_bytes(message[:8], "little") <= len(message) // 8
        return read(message) if possible else None

    sockets.read_header_from_binary_message = read_header


def voila_config(port: int, ip: str, visitors: int, idle_minutes: int) -> Any:
    """What Voila may show: the page, and no file, source, traceback or template besides."""
    from traitlets.config import Config

    config = Config()
    config.Voila.update(ip=ip, port=port, port_retries=0, open_browser=False)
    config.Voila.config_file_paths = []  # nothing that lies about on the machine loosens this
    # Uploads come in pieces of a megabyte. A connection that sends far larger messages is closed.
    config.Voila.tornado_settings = {"websocket_max_message_size": MAX_MESSAGE}
    config.VoilaConfiguration.update(
        strip_sources=True,
        show_tracebacks=False,
        file_allowlist=[],
        allow_template_override="NO",
        allow_theme_override="NO",
        prelaunch_hook=give_token,
        multi_kernel_manager_class="fyp_course.public.visitors.Visitors",
    )
    config.Visitors.update(
        max_visitors=visitors,
        cull_idle_timeout=60 * idle_minutes,
        cull_interval=30,
        cull_connected=True,
    )
    config.VoilaExecutor.timeout = 600  # seconds for the cell: a busy machine loads slowly
    return config


def give_token(handler: Any, notebook: object, cwd: str) -> None:
    """Set the cookie with which a page that is closed may end its kernel; Voila sets none."""
    handler.xsrf_token  # noqa: B018


def run(arguments: argparse.Namespace) -> None:
    """Serve the page as the arguments say.

    Raises ValueError for a number out of its range, or where Voila is missing.
    """
    options = dict(vars(arguments))
    limits = Limits(**{field.name: options.pop(field.name) for field in fields(Limits)})
    for name, most in (("port", MAX_PORT), ("visitors", 1000), ("idle_minutes", 24 * 60)):
        if not 1 <= options[name] <= most:
            raise ValueError(
                f"--{name.replace('_', '-')} is {options[name]}, but must be from 1 to {most}."
            )
    try:
        import voila  # noqa: F401
    except ImportError:
        raise ValueError("Voila is missing: run `pip install 'fyp-lite[lab]'`.") from None
    serve(**options, limits=limits)


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--port", type=int, default=8866, metavar="N", help="default: 8866")
    add("--ip", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    add("--visitors", type=int, default=8, metavar="N", help="at the same time (default: 8)")
    add(
        *("--idle-minutes",),
        type=int,
        default=15,
        metavar="N",
        help="after which a page that nobody touches ends (default: 15)",
    )
    group = parser.add_argument_group("the most that one visitor may ask for")
    for field in fields(Limits):
        group.add_argument(
            "--" + field.name.replace("_", "-"),
            type=int,
            default=field.default,
            metavar="N",
            help=f"{field.metadata['about']} (default: {field.default})",
        )
