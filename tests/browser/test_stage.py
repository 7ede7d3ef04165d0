"""The stage, the ruler and the lens in a real browser: in step, and in the reader's hands."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Iterator

import pytest
from front_ends import FRONT_ENDS, PATIENCE_MS, SCREENSHOTS
from playwright.sync_api import Browser, Locator, Page, expect
from stage_videos import READ

pytestmark = pytest.mark.browser


@contextlib.contextmanager
def visiting(browser: Browser, **options: object) -> Iterator[Page]:
    """A page of another kind of reader; what its console says is not looked at."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 2000}} | options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield page
    context.close()


@pytest.fixture
def opened(front_ends, page):
    """Opens and runs the stage's notebook in a front end; its kernel ends with the test."""
    running = []

    def start(front_end: str):
        chosen = front_ends(front_end)
        chosen.open(page, "notebook_stage.ipynb")
        chosen.run(page)
        running.append(chosen)
        expect(page.locator(".fyp-stage .fyp-screen canvas").first).to_have_attribute(
            "data-frame", re.compile(r"\d+")
        )
        return chosen

    yield start
    for front_end in running:
        front_end.close(page)


def stage_of(page: Page) -> Locator:
    return page.locator(".fyp-stage")


def numbers(page: Page) -> list[int]:
    """The frames that all videos of the stage show at one moment."""
    return stage_of(page).evaluate(READ)


def pause_at(page: Page, frame: int) -> None:
    stage = stage_of(page)
    stage.get_by_role("slider", name="Frame", exact=True).fill(str(frame))
    assert set(numbers(page)) == {frame}


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_all_videos_show_the_same_frame_at_any_moment(opened, page, front_end):
    opened(front_end)
    stage = stage_of(page)
    stage.scroll_into_view_if_needed()
    stage.get_by_label("Speed").select_option("2×")
    moments, draw = set(), random.Random(0)
    for _ in range(20):
        page.wait_for_timeout(draw.uniform(20, 400))
        shown = numbers(page)
        assert len(shown) == 3  # skeleton, before and result
        assert len(set(shown)) == 1, shown
        moments.add(shown[0])
    assert len(moments) > 4, "it does not play"
    stage.screenshot(path=SCREENSHOTS / f"{front_end}_stage.png")
    hidden = page.locator(".fyp-still").first
    expect(hidden).to_be_hidden()


@pytest.mark.parametrize("front_end", ["lab", "classic"])
def test_a_stage_obeys_buttons_and_keys(opened, page, front_end):
    opened(front_end)
    stage = stage_of(page)
    heard = page.get_by_text(re.compile(r"frame \d+, playing"))
    stage.get_by_role("button", name="Pause").click()
    expect(heard).to_have_text(re.compile("playing False"))
    pause_at(page, 5)
    expect(heard).to_have_text("frame 5, playing False")
    stage.get_by_role("button", name="Next frame").click()
    assert set(numbers(page)) == {6}
    stage.get_by_role("button", name="Previous frame").click()
    stage.get_by_role("button", name="Previous frame").click()
    assert set(numbers(page)) == {4}

    stage.focus()
    for key, frame in (
        ("ArrowRight", 5),
        ("ArrowRight", 6),
        ("ArrowLeft", 5),
        ("End", 19),
        ("ArrowRight", 0),  # around
        ("ArrowLeft", 19),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        assert set(numbers(page)) == {frame}, key
        expect(heard).to_have_text(f"frame {frame}, playing False")
    page.keyboard.press("Space")
    expect(heard).to_have_text(re.compile("playing True"))
    page.keyboard.press("Space")
    expect(heard).to_have_text(re.compile("playing False"))
    assert stage.evaluate("stage => stage.contains(document.activeElement)")

    # Without a loop it stays at the end.
    stage.get_by_role("button", name="Loop").click()
    pause_at(page, 17)
    page.keyboard.press("Space")
    expect(heard).to_have_text("frame 19, playing False")


def test_pictures_can_be_pressed_and_dragged(opened, page):
    opened("lab")
    stage = stage_of(page)
    canvas = stage.locator(".fyp-screen canvas").last
    heard = page.get_by_text(re.compile(r"frame \d+, playing"))
    canvas.click()
    expect(heard).to_have_text(re.compile("playing False"))
    pause_at(page, 4)
    drag(page, canvas, 0.2, 0.5, 0.5, 0.5)  # 0.3 of 20 frames
    assert set(numbers(page)) == {10}
    expect(heard).to_have_text("frame 10, playing False")
    canvas.click()
    expect(heard).to_have_text(re.compile("playing True"))


def test_overlay_before_strip_and_stale(opened, page):
    opened("lab")
    stage = stage_of(page)
    pause_at(page, 5)  # bits 0 and 2
    result = stage.locator(".fyp-screen canvas").last
    middle = """canvas => { const at = (canvas.width / 14) | 0;
        return [...canvas.getContext('2d').getImageData(at, 9, 1, 1).data].slice(0, 3) }"""
    plain = result.evaluate(middle)
    assert plain[0] < 130 < plain[2], "the result's own colour"
    stage.get_by_label("Strength of the skeleton").fill("100")
    assert min(result.evaluate(middle)) > 240, "the skeleton's white"

    expect(stage.get_by_title("before", exact=True)).to_be_visible()
    expect(stage.get_by_text("“<b>a panda</b>” · seed 0")).to_be_visible()
    stage.get_by_role("button", name="The last result").click()
    expect(stage.get_by_title("before", exact=True)).to_have_count(0)
    assert numbers(page) == [5, 5]

    mark = stage.get_by_text("The controls have changed since")
    expect(mark).to_have_count(2)
    expect(mark.last).to_be_hidden()
    page.locator(".widget-hslider", has_text="Stale").locator(".widget-readout").fill("1")
    page.keyboard.press("Enter")
    expect(mark.last).to_be_visible()
    expect(mark.first).to_be_hidden()

    stage.get_by_role("button", name="All moments").click()
    rows = stage.locator(".fyp-strip canvas")
    expect(rows).to_have_count(2)
    box = rows.first.bounding_box()
    rows.first.click(position={"x": box["width"] - 5, "y": 9})
    expect(stage.locator(".fyp-count")).to_have_text("20 / 20")


@pytest.mark.parametrize("kind", ["mp4", "gif", "webp", "png"])
def test_a_video_can_be_downloaded(opened, page, tmp_path, kind):
    opened("lab")
    stage = stage_of(page)
    stage.get_by_role("button", name="Download").click()
    name = {"mp4": "MP4", "gif": "GIF", "webp": "WebP", "png": "PNG sheet"}[kind]
    with page.expect_download() as waiting:
        stage.get_by_role("button", name=name).click()
    assert waiting.value.suggested_filename == f"skeleton_before_result.{kind}"
    path = tmp_path / f"video.{kind}"
    waiting.value.save_as(path)
    begins = {"mp4": b"ftyp", "gif": b"GIF8", "webp": b"WEBP", "png": b"PNG"}[kind]
    assert begins in path.read_bytes()[:16]
    expect(stage.get_by_text(f"saved as skeleton_before_result.{kind}")).to_be_visible()


@pytest.mark.parametrize("front_end", ["lab", "classic"])
def test_marks_of_the_ruler_can_be_dragged(opened, page, front_end):
    opened(front_end)
    ruler = page.locator(".fyp-ruler")
    ruler.scroll_into_view_if_needed()
    readouts = {
        name: page.locator(".widget-hslider", has_text=name).locator(".widget-readout").first
        for name in ("Start frame", "Stride", "Frames")
    }
    across = (ruler.locator("canvas").bounding_box()["width"] - 32) / 99  # pixels of a frame
    start, stride, count = (
        ruler.get_by_role("slider", name=name) for name in ("Start", "Stride", "Number")
    )
    drag_by(page, start, 10 * across)
    expect(readouts["Start frame"]).to_have_text("30")
    expect(start).to_have_attribute("aria-valuenow", "30")
    drag_by(page, stride, 14 * across)
    expect(readouts["Stride"]).to_have_text("5")
    drag_by(page, count, 10 * across)
    expect(readouts["Frames"]).to_have_text("10")
    ruler.screenshot(path=SCREENSHOTS / f"{front_end}_ruler.png")

    drag_by(page, ruler.locator(".fyp-band"), 20 * across)  # the whole span, past the end
    expect(readouts["Start frame"]).to_have_text("50")
    expect(ruler.locator("canvas")).to_have_attribute(
        "aria-label", "Frame ruler: frames 50, 55, 60 … 95 of 100"
    )
    start.press("PageUp")
    expect(readouts["Start frame"]).to_have_text("60")
    expect(ruler.locator("canvas")).to_have_attribute(
        "aria-label", re.compile("the clip ends at 99")
    )
    expect(stride).to_have_class(re.compile("fyp-wrong"))
    readouts["Start frame"].fill("7")  # and back from the slider
    page.keyboard.press("Enter")
    expect(start).to_have_text("start 7")


@pytest.mark.parametrize("front_end", ["lab", "classic"])
def test_box_of_the_lens_can_be_dragged(opened, page, front_end):
    opened(front_end)
    lens = page.locator(".fyp-lens")
    lens.scroll_into_view_if_needed()
    readouts = {
        side: page.locator(".widget-hslider", has_text=f"Crop {side}").locator(".widget-readout")
        for side in ("left", "right", "top", "bottom")
    }
    # 320 x 240 pixels: a short side of 512 makes it 683 x 512.
    pixel = (lens.locator(".fyp-source").bounding_box()["width"] - 60) / (320 / 240 * 512)
    drag_by(page, lens.get_by_role("slider", name="Crop right"), -80 * pixel)
    expect(readouts["right"]).to_have_text(re.compile(r"^(79|80|81)$"))
    drag_by(page, lens.locator(".fyp-box"), -50 * pixel, 20 * pixel, at=(0.3, 0.3))
    expect(readouts["left"]).to_have_text(re.compile(r"^(49|50|51)$"))
    expect(readouts["right"]).to_have_text(re.compile(r"^1(29|30|31)$"))
    expect(readouts["top"]).to_have_text("60")  # its lower edge is the picture's
    drag_by(page, lens.locator(".fyp-corner-left-bottom"), 30 * pixel, -40 * pixel)
    expect(readouts["bottom"]).to_have_text(re.compile(r"^(39|40|41)$"))
    expect(readouts["left"]).to_have_text(re.compile(r"^(79|80|81)$"))
    lens.screenshot(path=SCREENSHOTS / f"{front_end}_lens.png")

    left = lens.get_by_role("slider", name="Crop left")
    left.press("Home")
    expect(readouts["left"]).to_have_text("0")
    with held(page, left, -20, 0):  # beyond the picture
        expect(lens.get_by_text("There is no picture beyond its edge.")).to_be_visible()
    expect(readouts["left"]).to_have_text("0")
    expect(lens.get_by_role("status")).to_have_text("")
    left.press("End")
    expect(left).to_have_attribute("aria-valuenow", re.compile(r"^53\d$"))
    readouts["right"].fill("400")  # a slider may say what a hand cannot
    page.keyboard.press("Enter")
    expect(lens.get_by_text("together leave too little of 683")).to_be_visible()


def test_fingers_scrub_and_drag(front_ends, browser):
    """With touch: a picture scrubs, a mark drags, and what the system takes away goes back."""
    lab = front_ends("lab")
    size = {"width": 900, "height": 2000}
    with visiting(browser, viewport=size, has_touch=True, is_mobile=True) as page:
        lab.open(page, "notebook_stage.ipynb")
        lab.run(page)
        stage = stage_of(page)
        stage.scroll_into_view_if_needed()
        pause_at(page, 4)
        canvas = stage.locator(".fyp-screen canvas").last
        touch(page, canvas, 0.2, 0.3 * canvas.bounding_box()["width"])
        assert set(numbers(page)) == {10}

        ruler = page.locator(".fyp-ruler")
        ruler.scroll_into_view_if_needed()
        start = ruler.get_by_role("slider", name="Start")
        across = (ruler.locator("canvas").bounding_box()["width"] - 32) / 99
        touch(page, start, 0.5, 10 * across)
        expect(start).to_have_text("start 30")
        touch(page, start, 0.5, 10 * across, ends="touchCancel")
        expect(start).to_have_text("start 30")
        slider = page.locator(".widget-hslider", has_text="Start frame")
        expect(slider.locator(".widget-readout")).to_have_text("30")
        lab.close(page)


def test_reduced_motion_shows_a_strip(front_ends, browser):
    lab = front_ends("lab")
    with visiting(browser, reduced_motion="reduce") as page:
        lab.open(page, "notebook_stage.ipynb")
        lab.run(page)
        expect(stage_of(page).locator(".fyp-strip canvas")).to_have_count(3)
        expect(page.get_by_text("frame 0, playing False")).to_be_visible()
        lab.close(page)


@pytest.mark.parametrize("front_end", ["lab", "classic"])
def test_without_a_kernel_the_still_sheet_shows(front_ends, browser, front_end):
    chosen = front_ends(front_end)
    with visiting(browser) as page:
        chosen.open(page, "notebook_stage.ipynb")
        chosen.run(page)
        expect(stage_of(page)).to_be_visible()
        chosen.save(page)
        chosen.close(page)
        page.reload()
        page.wait_for_function(chosen.READY)
        stills = page.locator(".fyp-still")
        expect(stills).to_have_count(4)
        expect(stills.first).to_be_visible()
        expect(stills.first.get_by_text("Run the notebook to make it live.")).to_be_visible()
        assert "Right arm up" in stills.first.locator("img").get_attribute("alt")
        page.wait_for_timeout(3000)  # what restores widgets has done so
        for said in page.get_by_text(re.compile("model not found|could not be")).all():
            expect(said).to_be_hidden()
        expect(page.get_by_text("VBox(children")).to_have_count(0)
        page.screenshot(path=SCREENSHOTS / f"{front_end}_asleep.png")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_words_are_readable_in_both_themes(opened, page, theme):
    """Contrast of at least 4.5 to 1 of every text of the stage, the ruler and the lens."""
    opened("lab")
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    light = str(theme == "JupyterLab Light").lower()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", light)
    stage_of(page).get_by_role("button", name="Download").click()
    page.wait_for_timeout(500)
    weak = page.evaluate(CONTRASTS)
    page.screenshot(path=SCREENSHOTS / f"stage_{theme.split()[1].lower()}.png")
    page.evaluate(
        "jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})"
    )
    assert len(weak["texts"]) > 15
    assert not weak["weak"], weak


# Every text with its own colour on the first opaque background behind it.
CONTRASTS = """() => {
    const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const over = (colours) => {
        context.clearRect(0, 0, 1, 1);
        for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
        return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
        .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const texts = [], weak = [];
    for (const element of document.querySelectorAll('.fyp-live *')) {
        const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        const hidden = !element.getClientRects().length || element.closest('.fyp-unseen');
        if (!own || hidden || element.matches('option')) continue;
        const behind = [];
        for (let at = element; at; at = at.parentElement) {
            behind.unshift(getComputedStyle(at).backgroundColor);
        }
        const colour = getComputedStyle(element).color;
        const [a, b] = [over(behind), over([...behind, colour])].map(light);
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const text = `${element.textContent.trim()}: ${contrast.toFixed(1)}`;
        texts.push(text);
        if (contrast < 4.5) weak.push(text);
    }
    return {texts, weak};
}"""


def drag(page: Page, what: Locator, x0: float, y0: float, x1: float, y1: float) -> None:
    """From one place to another, as shares of the size."""
    box = what.bounding_box()
    page.mouse.move(box["x"] + x0 * box["width"], box["y"] + y0 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + x1 * box["width"], box["y"] + y1 * box["height"], steps=8)
    page.mouse.up()


def drag_by(
    page: Page, what: Locator, dx: float, dy: float = 0, at: tuple[float, float] = (0.5, 0.5)
) -> None:
    box = what.bounding_box()
    x, y = box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=8)
    page.mouse.up()


class held:  # noqa: N801 - reads as `with held(...)`
    """What is dragged and not yet let go."""

    def __init__(self, page: Page, what: Locator, dx: float, dy: float) -> None:
        self.page, self.what, self.by = page, what, (dx, dy)

    def __enter__(self) -> None:
        box = self.what.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + self.by[0], y + self.by[1], steps=8)

    def __exit__(self, *_exc: object) -> None:
        self.page.mouse.up()


def touch(page: Page, what: Locator, at: float, dx: float, ends: str = "touchEnd") -> None:
    """One finger across `what`, from the share `at` of its width."""
    box = what.bounding_box()
    x, y = box["x"] + at * box["width"], box["y"] + box["height"] / 2
    client = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    send("touchStart", (x, y))
    for step in range(1, 9):
        send("touchMove", (x + dx * step / 8, y))
    send(ends)
