"""Take the playground's picture, docs/playground.webp: `python scripts/make_screenshot.py`.

What `make public` serves, in the system's Chromium (`make browser` installs both), with one video.
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

OUT = Path(__file__).resolve().parent.parent / "docs" / "playground.webp"
FREEZE = "v => { v.pause(); v.controls = false; v.currentTime = 0 }"
SERVE = [sys.executable, "-m", "fyp_lite", "serve", "--port=8899"]


def main() -> None:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with subprocess.Popen(SERVE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        next(line for line in server.stderr if "8899" in line)  # it is up
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1000, "height": 1500})
            page.set_default_timeout(600_000)  # a busy machine loads slowly
            page.goto("http://127.0.0.1:8899/")
            page.get_by_role("button", name="Generate").first.click()
            page.get_by_text("done:").first.wait_for()
            page.locator("video").first.evaluate(FREEZE)
            page.wait_for_timeout(1000)
            page.evaluate("() => { for (const i of document.images) i.src = i.src }")  # plays anew
            Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(OUT, quality=75)
        server.terminate()


if __name__ == "__main__":
    main()
