"""The course in a real browser: opened, run, dragged, generated, stopped and looked at."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from front_ends import SCREENSHOTS, SOURCES, Classic, Lab, Voila
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

CLICKS = ("00_quickstart", "10_playground")
FRONT_ENDS = {"lab": Lab, "classic": Classic, "voila": Voila}
GENERATE_MS = 240_000


@pytest.fixture(scope="module")
def front_ends(notebooks: Path) -> Iterator:
    """Servers by name, each started when it is first asked for."""
    with contextlib.ExitStack() as stack:
        running = {}

        def start(name: str):
            if name not in running:
                running[name] = FRONT_ENDS[name](notebooks)
                stack.enter_context(running[name].serve())
            return running[name]

        yield start


@pytest.mark.parametrize("name", [s.stem for s in SOURCES])
def test_a_notebook_runs_in_lab(front_ends, page, name):
    lab = front_ends("lab")
    lab.open(page, f"{name}.ipynb")
    lab.run(page)
    panels = page.locator(".jp-OutputArea-output > .jupyter-widgets:visible")
    for number in range(panels.count()):
        panels.nth(number).screenshot(path=SCREENSHOTS / f"lab_{name}_{number}.png")
    assert_controls_are_labelled(page)
    page.evaluate("window.jupyterapp.commands.execute('kernelmenu:shutdown')")


@pytest.mark.parametrize("name", CLICKS)
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_panel_answers(front_ends, page, front_end, name):
    """Drag a slider and see the preview change; generate, stop one, see a video play."""
    opened = front_ends(front_end)
    opened.open(page, f"{name}.ipynb")
    opened.run(page)
    panel = page.locator(".jupyter-widgets.widget-vbox", has=generate_button(page)).last
    panel.scroll_into_view_if_needed()

    preview = panel.locator("img").first
    before = preview.get_attribute("src")
    drag_first_slider(page, panel)
    expect(preview).not_to_have_attribute("src", before or "", timeout=20_000)

    generate, stop = (
        panel.get_by_role("button", name="Generate"),
        panel.get_by_role("button", name="Stop"),
    )
    generate.first.click()
    expect(panel.get_by_text(re.compile(r"step \d+ of")).first).to_be_visible(timeout=GENERATE_MS)
    stop.first.click()
    expect(panel.get_by_text(re.compile(r"stopped after step \d+")).first).to_be_visible(
        timeout=60_000
    )

    generate.first.click()
    expect(panel.get_by_text(re.compile(r"done: \d+ steps in")).first).to_be_visible(
        timeout=GENERATE_MS
    )
    video = panel.locator("video").first
    expect(video).to_be_visible(timeout=20_000)
    assert plays(page, video)
    panel.screenshot(path=SCREENSHOTS / f"{front_end}_{name}.png")


def generate_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Generate")


def drag_first_slider(page: Page, panel: Locator) -> None:
    """With the mouse, a third of the way along."""
    handle = panel.locator(".noUi-handle, .ui-slider-handle").first
    track = panel.locator(".noUi-target, .ui-slider").first
    handle.scroll_into_view_if_needed()
    start, line = handle.bounding_box(), track.bounding_box()
    assert start and line
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(line["x"] + line["width"] / 3, line["y"] + line["height"] / 2, steps=8)
    page.mouse.up()


def plays(page: Page, video: Locator) -> bool:
    """Its time moves on and its picture has a size."""
    first = video.evaluate("v => v.currentTime")
    page.wait_for_timeout(700)
    return video.evaluate(
        "(v, first) => v.videoWidth > 0 && !v.error && v.currentTime !== first", first
    )


def assert_controls_are_labelled(page: Page) -> None:
    """Every button has a name and every slider, field and menu a label."""
    nameless = page.evaluate("""() => [...document.querySelectorAll('.jupyter-widgets')]
        .filter(w => w.matches('.widget-slider, .widget-text, .widget-dropdown, .jupyter-button'))
        .filter(w => !(w.innerText.trim() || w.title || w.getAttribute('aria-label')
            || w.querySelector('label')?.innerText.trim())).map(w => w.outerHTML.slice(0, 200))""")
    assert not nameless, nameless
