"""The page for visitors in a browser: what it says when its kernel has ended."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from front_ends import PATIENCE_MS, ROOT
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The command's page, whose visitors idle out after a minute."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fyp_lite", "serve", f"--port={port}", "--idle-minutes=1"]
    with (tmp_path / "log.txt").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        while True:
            assert process.poll() is None, (tmp_path / "log.txt").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def test_a_page_that_nobody_uses_says_that_it_has_ended(address: str, browser: Browser) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    page = browser.new_page(viewport={"width": 1100, "height": 1400})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    generate = page.get_by_role("button", name="Generate")
    expect(generate).to_be_visible()
    expect(page.get_by_text("nobody uses for 1 min")).to_be_visible()
    ended = page.get_by_role("alert").filter(has_text="This page has ended")
    assert not ended.is_visible()
    # The looks of the page itself do not keep the kernel: it is culled, and the page says so.
    expect(ended).to_be_visible()
    assert page.locator("[inert]").count() > 0
    first = re.search(r'"kernelId": "([^"]*)"', page.content())
    ended.get_by_role("button", name="Start again").click()
    expect(generate).to_be_visible()
    assert first and first[1] not in page.content()
    page.close()
