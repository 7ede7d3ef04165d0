"""The course in a real browser: opened, run, dragged, generated, stopped and looked at."""

from __future__ import annotations

import re

import pytest
from front_ends import FRONT_ENDS, SCREENSHOTS, SOURCES
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

CLICKS = ("00_quickstart", "10_playground")  # in every front end; all others in JupyterLab
GENERATE_MS = 600_000  # on a machine that has much else to do


@pytest.mark.parametrize("name", [s.stem for s in SOURCES if s.stem not in CLICKS])
def test_a_notebook_runs_in_lab(front_ends, page, name):
    lab = front_ends("lab")
    lab.open(page, f"{name}.ipynb")
    lab.run(page)
    panels = page.locator(".jp-OutputArea-output > .jupyter-widgets:visible")
    for number in range(panels.count()):
        panels.nth(number).screenshot(path=SCREENSHOTS / f"lab_{name}_{number}.png")
    assert_all_is_labelled(page)
    lab.close(page)


@pytest.mark.parametrize("name", CLICKS)
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_panel_answers(front_ends, page, front_end, name):
    """Drag a slider and see the preview change; generate, stop one, see a video play."""
    opened = front_ends(front_end)
    opened.open(page, f"{name}.ipynb")
    opened.run(page)
    panel = page.locator(".jupyter-widgets.widget-vbox", has=generate_button(page)).first
    panel.scroll_into_view_if_needed()

    stage = panel.locator(".fyp-stage").first
    before = stage.locator(".fyp-unseen[role=status]").inner_text()
    drag_first_slider(page, panel)
    expect(stage.locator(".fyp-unseen[role=status]")).not_to_have_text(before)

    generate, stop = (
        panel.get_by_role("button", name="Generate"),
        panel.get_by_role("button", name="Stop"),
    )
    generate.first.click()
    expect(panel.get_by_text(re.compile(r"step \d+ of")).first).to_be_visible(timeout=GENERATE_MS)
    stop.first.click()
    expect(panel.get_by_text(re.compile(r"stopped after step \d+")).first).to_be_visible()

    generate.first.click()
    expect(panel.get_by_text(re.compile(r"done: \d+ steps in")).first).to_be_visible(
        timeout=GENERATE_MS
    )
    expect(stage.get_by_text("result", exact=True).first).to_be_visible()
    assert_plays_in_step(page, stage)
    panel.screenshot(path=SCREENSHOTS / f"{front_end}_{name}.png")
    assert_all_is_labelled(page)
    opened.close(page)


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_text_is_shown_as_it_was_typed(front_ends, page, front_end):
    """Prompts, file names and run cards that hold a script: nothing runs, all of it is seen."""
    opened = front_ends(front_end)
    opened.open(page, "notebook_text.ipynb")
    opened.run(page)
    hostile = '<img src=x onerror="window.ran=1"><script>window.ran=1</script> a panda'
    for words in ("beside {}", "{} beside", "strip {}", "scrub {}", "wrong {}"):
        there = page.get_by_text(words.format(hostile)).filter(visible=True)
        expect(there.first).to_be_visible()

    page.get_by_role("button", name="Generate").click()
    made = page.get_by_text(f"“{hostile}” · frames 0 to 21, stride 3 · 2 steps · seed 0")
    expect(made.first).to_be_visible(timeout=GENERATE_MS)

    page.get_by_label("Input type").select_option("raw")
    path = page.get_by_placeholder("any video file, then Enter")
    for name, said in (
        ("<img src=x onerror=window.ran=1>.mp4", " looks like a skeleton video"),
        ("<img src=x onerror=window.ran=2>.mp4", ""),  # there is no such file
    ):
        path.fill(name)
        path.press("Enter")
        expect(page.get_by_text(f"{name}{said}").first).to_be_visible()

    page.get_by_text("Save and share", exact=True).click()
    page.get_by_role("button", name="Restore all controls").click()
    expect(page.get_by_text("the clip <img src=x onerror=window.ran=3>.mp4").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / f"{front_end}_text.png")
    assert page.evaluate("window.ran") is None
    opened.close(page)


@pytest.mark.parametrize("front_end", ["lab", "classic"])
def test_a_panel_obeys_the_keyboard(front_ends, page, front_end):
    opened = front_ends(front_end)
    opened.open(page, "notebook_keyboard.ipynb")
    opened.run(page)
    words = page.locator(".fyp-stage").get_by_role("status").first
    before = words.inner_text()
    page.locator(".widget-readout").first.focus()  # arrow keys are JupyterLab's own
    page.keyboard.press("Control+A")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(words).not_to_have_text(before)

    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText.trim()") == "Generate":
            break
    page.keyboard.press("Space")
    expect(page.get_by_text(re.compile(r"done: \d+ steps in"))).to_be_visible(timeout=GENERATE_MS)
    opened.close(page)


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


def assert_plays_in_step(page: Page, stage: Locator) -> None:
    """Skeleton and result show the same frame at any moment, and not always the same one."""
    stage.scroll_into_view_if_needed()
    moments = set()
    for _ in range(20):
        shown = stage.evaluate(
            "stage => [...stage.querySelectorAll('.fyp-screen canvas')].map(c => c.dataset.frame)"
        )
        assert len(shown) == 2 and len(set(shown)) == 1, shown
        moments.add(shown[0])
        page.wait_for_timeout(170)
    assert len(moments) > 2, moments


def assert_all_is_labelled(page: Page) -> None:
    """Buttons have a name, other controls a label, pictures and videos a text."""
    nameless = page.evaluate("""() => {
        const controls = '.widget-hslider, .widget-text, .widget-textarea, .widget-dropdown, '
            + '.widget-select, .widget-radio, .widget-checkbox';
        const labels = w => [...w.querySelectorAll('.widget-label, .widget-label-basic')];
        const outputs = ['.jp-OutputArea', '.output_area', '.jupyter-widgets'];
        const inside = tag => [...document.querySelectorAll(outputs.map(o => o + ' ' + tag))];
        return [
            ...[...document.querySelectorAll('.jupyter-widgets.jupyter-button')]
                .filter(button => !(button.innerText.trim() || button.title)),
            ...[...document.querySelectorAll(controls)]
                .filter(control => !labels(control).some(label => label.innerText.trim())),
            ...inside('img').filter(picture => !picture.alt.trim()),
            ...inside('video').filter(video => !video.closest('[aria-label]')),
        ].map(element => element.outerHTML.slice(0, 300));
    }""")
    assert not nameless, nameless
