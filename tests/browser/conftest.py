"""A real browser for the tests in this folder, and a folder of notebooks to open in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import jupytext
import pytest
from front_ends import ROOT, SCREENSHOTS, SOURCES
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

# What Chromium is called where it comes from the system's packages.
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert program, "no Chromium here: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page; whatever it reports to the console as an error fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
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
    """A folder with all notebooks, without outputs, as right after a download."""
    folder = tmp_path_factory.mktemp("course")
    for source in SOURCES:
        jupytext.write(jupytext.read(source, fmt="py:percent"), folder / f"{source.stem}.ipynb")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    return folder
