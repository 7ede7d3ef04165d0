"""The little of the hub's interface that the client needs, on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fyp_lite.full.hub import Source
from fyp_lite.full.sources import CHECKPOINT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BIG = bytes(range(256)) * 4096  # 1 MB
FILES = {"pose_encoder.pth": b"pose", CHECKPOINT: BIG, "unwanted.bin": b"x" * 100}
SOURCE = Source("someone/poses@main", ((CHECKPOINT,), ("pose_encoder.pth",)))
PIECE = 65536  # bytes that are sent at a time


class Hub(BaseHTTPRequestHandler):
    """One repository; at `cut` bytes the line breaks, and every piece takes `pause` seconds."""

    protocol_version = "HTTP/1.1"
    requests: list[tuple[str, str | None]]  # path and Range
    cut: int | None
    pause: float = 0.0
    digest = hashlib.sha256(BIG).hexdigest()

    def log_message(self, *arguments) -> None:
        pass

    def do_GET(self) -> None:
        self.requests.append((self.path, self.headers.get("Range")))
        if self.path.startswith("/api/models/someone/poses/revision/"):
            return self.send(
                json.dumps(self.facts()).encode(), {"Content-Type": "application/json"}
            )
        name = self.path.split("/resolve/")[-1].partition("/")[2]
        if name in FILES and "/someone/poses/" in self.path:
            return self.send(FILES[name], {})
        self.send(b"", {}, status=404)

    def facts(self) -> dict:
        siblings = [
            {"rfilename": name, "size": len(content), "blobId": "0" * 40}
            | (
                {"lfs": {"size": len(BIG), "sha256": self.digest, "pointerSize": 1}}
                if content is BIG
                else {}
            )
            for name, content in FILES.items()
        ]
        return {
            "id": "someone/poses",
            "sha": COMMIT,
            "cardData": {"license": "a-licence"},
            "siblings": siblings,
            "tags": [],
        }

    def send(self, body: bytes, headers: dict[str, str], status: int = 200) -> None:
        start = 0
        if self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
            headers = headers | {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            status = 206
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = len(body) if self.cut is None else min(self.cut, len(body))
        self.close_connection = end < len(body)
        for at in range(start, end, PIECE):
            self.wfile.write(body[at : min(at + PIECE, end)])
            time.sleep(self.pause)


@contextmanager
def serve(pause: float = 0.0) -> Iterator[tuple[type[Hub], str]]:
    """A running hub: its handler, whose attributes steer it, and its address."""
    handler = type("OneHub", (Hub,), {"requests": [], "cut": None, "pause": pause})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda request, address: None  # clients that were killed
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield handler, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
