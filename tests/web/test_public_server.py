"""`fyp-lite serve` over HTTP: what one visitor can reach, and what is left when all have gone."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.kernels.connection.base import (
    serialize_binary_message,
    serialize_msg_to_ws_v1,
)
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

import fyp_lite
from fyp_course.public.serve import skip_impossible_headers

ROOT = Path(__file__).resolve().parents[2]
CLIP = fyp_lite.data_dir() / "clips" / "wave.mp4"
NAME = "../../secret of the first.mp4"
SECONDS = 600  # for whatever the server does: a busy machine loads slowly
# What somebody might try, with the path of the first visitor's file put in.
TRIES = (
    "/voila/files/{file}",
    "/voila/files/{name}",
    "/voila/files//{file}",
    "/voila/files/playground.ipynb",
    "/playground.ipynb",
    "/{file}",
    "/voila/static/{up}{file}",
    "/voila/static/{coded}{file}",
    "/voila/templates/lab/static/{up}{file}",
    "/voila/labextensions/{up}{file}",
    "/voila/api/contents/",
    "/voila/tree",
    "/api/contents/",
    "/api/kernels",
    "/api/sessions",
    "/?template=../../..",
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen]]:
    """The command, with two seats and all its temporary files in `tmp_path`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fyp_lite", "serve", f"--port={port}", "--visitors=2"]
    with (tmp_path / "log.txt").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    yield port, process
    if process.poll() is None:
        process.kill()


class Visitor:
    """A browser without a picture: a page, its kernel's widgets and whatever it may send."""

    def __init__(self, port: int) -> None:
        self.at = f"127.0.0.1:{port}"
        self.kernel = self.token = ""
        self.socket: WebSocketClientConnection | None = None

    async def get(self, path: str, **options: Any) -> HTTPResponse:
        request = HTTPRequest(f"http://{self.at}{path}", request_timeout=SECONDS, **options)
        return await AsyncHTTPClient().fetch(request, raise_error=False)

    async def come(self) -> str:
        """Open the page; returns its HTML."""
        answer = await self.get("/")
        page = answer.body.decode()
        if found := re.search(r'"kernelId": "([0-9a-f-]{36})"', page):
            self.kernel = found[1]
            cookies = "; ".join(answer.headers.get_list("Set-Cookie"))
            self.token = re.search("_xsrf=([^;]*)", cookies)[1]
            channels = f"ws://{self.at}/api/kernels/{self.kernel}/channels"
            self.socket = await websocket_connect(channels, max_message_size=2**28)
        return page

    def send(self, kind: str, content: dict[str, Any], buffers: tuple[bytes, ...] = ()) -> str:
        header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": "s", "username": ""}
        header |= {"version": "5.3", "date": "2026-01-01T00:00:00Z"}
        message = {"header": header, "parent_header": {}, "content": content}
        message |= {"metadata": {"version": "1.0.0" if kind == "comm_open" else "2.1.0"}}
        message |= {"channel": "shell", "buffers": list(buffers)}
        assert self.socket
        self.socket.write_message(serialize_binary_message(message), binary=True)
        return header["msg_id"]

    async def read_until(self, wanted: str) -> str:
        """What the kernel sends, as text, until this string is in it."""
        assert self.socket
        heard = ""
        while wanted not in heard:
            part = await asyncio.wait_for(self.socket.read_message(), SECONDS)
            assert part is not None, f"the connection was closed before {wanted!r} came"
            heard += part if isinstance(part, str) else part.decode("utf-8", "replace")
        return heard

    async def widgets(self) -> dict[str, Any]:
        """The states of all widgets by their ids."""
        comm = {"comm_id": uuid.uuid4().hex, "target_name": "jupyter.widget.control", "data": {}}
        self.send("comm_open", comm)
        self.send("comm_msg", comm | {"data": {"method": "request_states"}})
        heard = await self.read_until('"update_states"')
        states = re.search(r'"states":\s*', heard)
        assert states
        return json.JSONDecoder().raw_decode(heard, states.end())[0]

    async def begin(self, name: str, size: int) -> str:
        """Announce a file; returns what the kernel says."""
        widgets = await self.widgets()
        (self.upload_id,) = [key for key, each in widgets.items() if "piece" in each["state"]]
        self.tell({"kind": "begin", "id": "f", "name": name, "size": size})
        return await self.read_until('"id": "f"')

    def tell(self, content: dict[str, Any], *buffers: bytes) -> None:
        data = {"method": "custom", "content": content}
        self.send("comm_msg", {"comm_id": self.upload_id, "data": data}, buffers)

    async def upload(self, name: str, content: bytes) -> None:
        """A file of one piece."""
        assert '"next"' in await self.begin(name, len(content))
        self.tell({"kind": "piece", "id": "f", "offset": 0}, content)
        assert "Arrived: secret of the first.mp4: 96 frames" in await self.read_until('"done"')

    async def send_too_much(self) -> None:
        """More than may be uploaded, and more than was announced."""
        heard = await self.begin("large.mp4", 21_000_000)
        assert '"no"' in heard and "large.mp4 has 21.0 MB, but at most 20 MB" in heard
        assert '"next"' in await self.begin("liar.mp4", 10)
        self.tell({"kind": "piece", "id": "f", "offset": 0}, b"x" * 1_000_000)
        assert "liar.mp4 was announced with 10 bytes" in await self.read_until('"no"')


async def wait_for(happened) -> Any:
    for _ in range(SECONDS * 2):
        if result := happened():
            return result
        await asyncio.sleep(0.5)
    raise AssertionError("it never happened")


async def come_when_up(visitor: Visitor, process: subprocess.Popen) -> str:
    while True:
        try:
            return await visitor.come()
        except (OSError, HTTPClientError):
            assert process.poll() is None, "the server ended"
            await asyncio.sleep(1)


def test_a_message_of_the_older_protocol_does_not_stop_the_server(monkeypatch):
    sockets = pytest.importorskip("voila.tornado.kernel_websocket_handler")
    reader = sockets.read_header_from_binary_message
    monkeypatch.setattr(sockets, "read_header_from_binary_message", reader)  # put back at the end
    skip_impossible_headers()
    message = {"header": {"msg_type": "comm_msg"}, "content": {}, "buffers": [b"film"]}
    assert sockets.read_header_from_binary_message(serialize_binary_message(message)) is None
    parts = [json.dumps(part).encode() for part in (message["header"], {}, {}, {})]
    newer = serialize_msg_to_ws_v1(parts, "iopub")
    assert sockets.read_header_from_binary_message(newer) == message["header"]


@pytest.mark.slow
def test_visitors_are_kept_apart_and_leave_nothing(server, tmp_path):
    asyncio.run(asyncio.wait_for(visit_twice(*server, tmp_path), 3 * SECONDS))


async def visit_twice(port: int, process: subprocess.Popen, folder: Path) -> None:
    first, second, third = Visitor(port), Visitor(port), Visitor(port)
    content = CLIP.read_bytes()
    page = await come_when_up(first, process)
    assert "open_playground" not in page  # the source stays here
    await first.send_too_much()
    assert not list(folder.rglob("l*r*.mp4"))
    await first.upload(NAME, content)
    (file,) = await wait_for(lambda: list(folder.rglob("secret of the first.mp4")))
    private = next(parent for parent in file.parents if "fyp_lite_visitor_" in parent.name)
    assert private.stat().st_mode & 0o777 == 0o700 and file.read_bytes() == content

    await second.come()
    states = json.dumps(await second.widgets())
    assert "AnyModel" in states and "secret of the first" not in states
    assert str(folder) not in states  # not even where files are
    for path in TRIES:
        put = {"file": str(file), "name": file.name.replace(" ", "%20"), "up": "../" * 12}
        address = path.format(**put, coded="%2e%2e/" * 12).replace(" ", "%20")
        answer = await second.get(address)
        assert content[:64] not in answer.body, address
        assert answer.code >= 400 or address.startswith("/?"), address  # a page of one's own

    assert "2 visitors are here" in await third.come() and not third.kernel

    # Code is no part of what a page may send: the kernel never hears of it.
    trace = folder / "executed"
    code = f"open({str(trace)!r}, 'w').close()"
    second.send("execute_request", {"code": code, "silent": False, "store_history": False})
    await second.widgets()
    assert not trace.exists()

    # What a page that is closed sends.
    address, said = f"/voila/api/shutdown/{first.kernel}", f"_xsrf={first.token}"
    closed = await first.get(address, method="POST", body=said, headers={"Cookie": said})
    assert closed.code == 204
    await wait_for(lambda: not private.exists())

    left = next(folder.rglob("fyp_lite_visitor_*"))
    process.terminate()
    await wait_for(lambda: process.poll() is not None)
    assert not left.exists() and not list(folder.glob("fyp_lite_*"))
