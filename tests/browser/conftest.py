"""A real browser for the tests in this folder, the front ends, and notebooks to open in them."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import jupytext
import pytest
from front_ends import FRONT_ENDS, PATIENCE_MS, ROOT, SCREENSHOTS, SOURCES, FrontEnd
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

KERNEL = {"name": "python3", "display_name": "Python 3"}  # without it JupyterLab asks
# What Chromium is called where it comes from the system's packages.
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert program, "no Chromium here: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            # Drawn without a GPU's emulation, which alone would keep a core busy.
            args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page; whatever it reports to the console as an error fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 2000})  # a panel fits
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: note_error(message, troubles))
    yield page
    context.close()
    assert not troubles, troubles


def note_error(message: ConsoleMessage, troubles: list[str]) -> None:
    """Pictures from elsewhere, such as the badge, may be missing: the tests need no network."""
    address = message.location["url"]
    here = urlsplit(address).hostname in (None, "127.0.0.1")
    if message.type == "error" and here:
        troubles.append(f"{message.text} {address}")


@pytest.fixture(scope="session")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all notebooks, without outputs, as right after a download.

    Beside them the notebooks of this folder, on networks that need no time.
    """
    folder = tmp_path_factory.mktemp("course")
    for source in (*SOURCES, *Path(__file__).parent.glob("notebook_*.py")):
        notebook = jupytext.read(source, fmt="py:percent")
        notebook.metadata["kernelspec"] = KERNEL
        jupytext.write(notebook, folder / f"{source.stem}.ipynb")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return folder


@pytest.fixture(scope="session")
def front_ends(notebooks: Path) -> Iterator[Callable[[str], FrontEnd]]:
    """Front ends by name, each started when it is first asked for."""
    with contextlib.ExitStack() as stack:
        running: dict[str, FrontEnd] = {}

        def start(name: str) -> FrontEnd:
            if name not in running:
                running[name] = FRONT_ENDS[name](notebooks)
                stack.enter_context(running[name].serve())
            return running[name]

        yield start
