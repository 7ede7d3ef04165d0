"""Uploads in a real browser: of files that no front end takes as one message, and interrupted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from front_ends import FRONT_ENDS, SCREENSHOTS
from playwright.sync_api import Page, WebSocketRoute, expect

import fyp_lite
from fyp_course.panels.upload import PIECE

pytestmark = pytest.mark.browser
WAVE = (fyp_lite.data_dir() / "clips" / "wave.mp4").read_bytes()
MEGA = 1_000_000


@pytest.fixture
def sized(tmp_path):
    """Makes a clip of so many bytes: an mp4 may hold any amount of free space."""

    def make(name: str, size: int) -> Path:
        path, room = tmp_path / name, size - len(WAVE)
        with path.open("wb") as file:
            file.write(WAVE + room.to_bytes(4, "big") + b"free")
            file.truncate(size)
        return path

    return make


@pytest.fixture
def opened(front_ends, page):
    """Opens and runs the notebook in a front end; its kernel ends with the test."""
    running = []

    def start(front_end: str):
        chosen = front_ends(front_end)
        chosen.open(page, "notebook_upload.ipynb")
        chosen.run(page)
        running.append(chosen)
        expect(page.locator(".fyp-upload button").first).to_be_visible()

    yield start
    for front_end in running:
        front_end.close(page)


def choose(page: Page, path: Path) -> None:
    page.locator(".fyp-upload input").set_input_files(path)


def arrives(page: Page, name: str, megabytes: str) -> None:
    said = f"Arrived: {name}: 96 frames of 320 × 320 pixels, {megabytes} MB."
    expect(page.locator(".fyp-upload [role=status]")).to_have_text(said)


def is_under_way(page: Page) -> None:
    """Some of the file has arrived, and the bar shows it."""
    status = page.locator(".fyp-upload [role=status]")
    expect(status).to_have_text(re.compile(r": [1-9][\d.]* of [\d.]+ MB$"))
    expect(page.locator(".fyp-upload progress")).to_be_visible()
    assert 0 < page.locator(".fyp-upload progress").evaluate("bar => bar.position") < 1


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_file_of_11_mb_arrives_and_is_asked_about(opened, page, sized, front_end):
    opened(front_end)
    choose(page, sized("eleven.mp4", 11 * MEGA))
    arrives(page, "eleven.mp4", "11.0")
    expect(page.get_by_text("In use: dance.mp4: 184 frames")).to_be_visible()
    expect(page.get_by_text("eleven.mp4 looks like a skeleton video")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / f"{front_end}_upload_asks.png")
    page.get_by_role("button", name="A skeleton video").click()
    expect(page.get_by_text("In use: eleven.mp4: 96 frames of 320")).to_be_visible()
    expect(page.get_by_label("Clip").locator("option:checked")).to_have_text("eleven.mp4")
    page.screenshot(path=SCREENSHOTS / f"{front_end}_upload.png")


@pytest.mark.parametrize("megabytes", [50, 200])
def test_large_files_arrive_with_progress(opened, page, sized, megabytes):
    opened("lab")
    choose(page, sized("large.mp4", megabytes * MEGA))
    is_under_way(page)
    page.screenshot(path=SCREENSHOTS / f"lab_upload_{megabytes}.png")
    arrives(page, "large.mp4", f"{megabytes}.0")


def test_a_file_over_the_limit_gets_a_sentence_at_once(opened, page, sized):
    opened("lab")
    choose(page, sized("huge.mp4", 201 * MEGA))
    said = "huge.mp4 has 201 MB, and at most 200 MB are uploaded: drag the file into the list"
    expect(page.locator(".fyp-upload [role=status]")).to_contain_text(said)
    page.screenshot(path=SCREENSHOTS / "lab_upload_refused.png")
    choose(page, sized("small.mp4", MEGA))
    arrives(page, "small.mp4", "1.0")


def test_an_upload_can_be_cancelled_and_begun_again(opened, page, sized):
    opened("lab")
    choose(page, sized("large.mp4", 200 * MEGA))
    is_under_way(page)
    page.get_by_role("button", name="Cancel").click()
    status = page.locator(".fyp-upload [role=status]")
    expect(status).to_contain_text("MB had arrived: cancelled, nothing was kept.")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    choose(page, sized("small.mp4", MEGA))
    arrives(page, "small.mp4", "1.0")


def test_what_a_connection_loses_is_sent_again(opened, page, sized):
    """One piece never gets to the kernel, and one of the kernel's answers not to the browser."""
    lost = []

    def carry(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def up(message: str | bytes) -> None:
            if isinstance(message, bytes) and len(message) > PIECE / 2 and not lost:
                lost.append("piece")
            else:
                server.send(message)

        def down(message: str | bytes) -> None:
            answer = str(3 * PIECE).encode() in (message if isinstance(message, bytes) else b"")
            if answer and "answer" not in lost and b'"next"' in message:
                lost.append("answer")
            else:
                socket.send(message)

        socket.on_message(up)
        server.on_message(down)

    page.route_web_socket(re.compile("/channels"), carry)
    opened("lab")
    choose(page, sized("holes.mp4", 5 * MEGA))
    arrives(page, "holes.mp4", "5.0")
    assert lost == ["piece", "answer"]
