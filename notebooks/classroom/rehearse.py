"""Rehearse a lesson: learners at a real hub on this machine, all at once, and what that takes.

    python notebooks/classroom/rehearse.py --users 8

A hub of its own starts with the classroom's configuration, on this machine's loopback only. First
one learner logs in, opens the quickstart and runs all its cells; then all of them do, at the same
moment. The last line printed is JSON. Memory is PSS: of what processes share, each counts its part.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import requests
import websocket
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

CONFIG = Path(__file__).with_name("jupyterhub_config.py")
NOTEBOOK = "00_quickstart.ipynb"
PASSWORD = "for the rehearsal only"
PATIENCE = 1800  # seconds without a word from a kernel or a server
EVERY = 2.0  # seconds between two looks at the memory
MB = 1e6


class RehearsalError(RuntimeError):
    """A learner would have been stuck: what happened, and to whom."""


class Hub:
    """The classroom's hub in a folder of its own; a context that ends with all its processes.

    Args:
        folder: becomes the room.
        settings: FYP_LITE_… variables beside the rehearsal's own.
    """

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.settings = {"FYP_LITE_PASSWORD": PASSWORD, "FYP_LITE_ROOM": str(folder)}
        self.settings |= settings or {}

    def __enter__(self) -> Hub:
        public, internal, api = free_ports(3)
        self.url = f"http://127.0.0.1:{public}"
        self.log = self.folder / "hub.log"
        options = [
            f"--JupyterHub.bind_url={self.url}",
            f"--JupyterHub.hub_bind_url=http://127.0.0.1:{internal}",
            f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{api}",
            *(["--Spawner.args=--allow-root"] if os.geteuid() == 0 else []),  # loopback only
        ]
        command = [sys.executable, "-m", "jupyterhub", "--config", str(CONFIG), *options]
        with self.log.open("wb") as log:
            self.process = psutil.Popen(
                command, env=os.environ | self.settings, stdout=log, stderr=log, cwd=self.folder
            )
        try:
            wait_for(self._answers, 120, "the hub does not answer")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the hub, the proxy and all learners' servers and kernels; again does nothing."""
        if not self.process.is_running():
            return
        processes = [self.process, *self.process.children(recursive=True)]
        self.process.terminate()
        _, alive = psutil.wait_procs(processes, timeout=30)
        for process in alive:
            process.kill()

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RehearsalError(f"The hub ended at once:\n{self.log.read_text()}")
        try:
            return requests.get(f"{self.url}/hub/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    def memory(self) -> dict[str, float]:
        """PSS in MB of every learner's processes together, by the learner's name."""
        sums: dict[str, float] = defaultdict(float)
        for process in self.process.children(recursive=True):
            try:
                name = process.environ().get("JUPYTERHUB_USER")
                if name:
                    sums[name] += process.memory_full_info().pss / MB
            except psutil.NoSuchProcess:
                continue  # it ended while we looked
        return dict(sums)


class Learner:
    """Somebody at a browser: logs in, opens a notebook, runs its cells."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.hub, self.name = hub, name
        self.session = requests.Session()
        # As browsers do where a connection was closed that they meant to use again.
        self.session.mount("http://", HTTPAdapter(max_retries=Retry(3, backoff_factor=0.5)))
        self.home = f"{hub.url}/user/{name}"

    def log_in(self) -> None:
        """Type name and password, wait until the own server is there, and see its page."""
        page = self.get(f"{self.hub.url}/hub/login")
        form = {"username": self.name, "password": PASSWORD, "_xsrf": self._xsrf("/hub/")}
        page = self.session.post(page.url, data=form, timeout=PATIENCE)
        if not page.ok:
            raise RehearsalError(f"{self.name} was not let in: {page.status_code}")
        wait_for(self._server_ready, PATIENCE, f"{self.name}'s server did not start")
        self.get(f"{self.home}/lab")

    def open_notebook(self, name: str = NOTEBOOK) -> dict[str, Any]:
        """Open the notebook's page, and get what the page gets: the notebook's content."""
        self.get(f"{self.home}/lab/tree/{name}")
        return self.get(f"{self.home}/api/contents/{name}").json()["content"]

    def start_kernel(self) -> None:
        headers = {"X-XSRFToken": self._xsrf(f"/user/{self.name}/")}
        answer = self.session.post(f"{self.home}/api/kernels", headers=headers, timeout=PATIENCE)
        answer.raise_for_status()
        address = f"{self.home}/api/kernels/{answer.json()['id']}/channels"
        page = self.session.prepare_request(requests.Request("GET", address))
        self.kernel = websocket.create_connection(
            address.replace("http", "ws", 1), cookie=page.headers["Cookie"], timeout=PATIENCE
        )

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell; the contents of its outputs.

        Raises RehearsalError where it fails, or where the kernel dies.
        """
        asked = uuid4().hex
        header = {"msg_id": asked, "msg_type": "execute_request", "session": self.name}
        header |= {"username": self.name, "version": "5.3", "date": "2026-01-01T00:00:00Z"}
        content = {"code": code, "silent": False, "allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self.kernel.send(json.dumps(message | {"channel": "shell", "buffers": []}))
        outputs = []
        while True:
            frame = self.kernel.recv()
            if not frame:
                raise RehearsalError(f"{self.name} lost the connection to the kernel in:\n{code}")
            told = json_part(frame)
            kind, content = told["header"]["msg_type"], told["content"]
            if content.get("execution_state") in ("restarting", "dead", "autorestarting"):
                raise RehearsalError(f"{self.name}'s kernel was killed in:\n{code}")
            if told["parent_header"].get("msg_id") != asked:
                continue
            if kind == "error":
                trace = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(content["traceback"]))
                raise RehearsalError(f"{self.name} met an error:\n{trace}")
            if kind in ("stream", "display_data", "execute_result"):
                outputs.append(content)
            if kind == "status" and content["execution_state"] == "idle":
                return outputs

    def get(self, address: str) -> requests.Response:
        """A page as the browser sees it; requests.HTTPError where the hub refuses it."""
        answer = self.session.get(address, timeout=PATIENCE)
        answer.raise_for_status()
        return answer

    def stop(self) -> None:
        """Stop the own server, as the hub's control panel does."""
        if hasattr(self, "kernel"):
            self.kernel.close()
        headers = {"X-XSRFToken": self._xsrf("/hub/")}
        address = f"{self.hub.url}/hub/api/users/{self.name}/server"
        self.session.delete(address, headers=headers, timeout=PATIENCE).raise_for_status()

    def _server_ready(self) -> bool:
        user = self.get(f"{self.hub.url}/hub/api/users/{self.name}").json()
        if not user["servers"]:
            raise RehearsalError(f"{self.name}'s server ended at once: {self.hub.log} tells why.")
        return user["servers"][""]["ready"]

    def _xsrf(self, path: str) -> str:
        return str(self.session.cookies.get("_xsrf", path=path))


def attend(learner: Learner) -> dict[str, float]:
    """One learner's lesson: the whole quickstart. Returns seconds since the log-in, and MB."""
    began = time.perf_counter()
    learner.log_in()
    notebook = learner.open_notebook()
    learner.start_kernel()
    learner.run("None")
    times = {"ready": time.perf_counter() - began}
    times["idle"] = learner.hub.memory()[learner.name]
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        outputs = learner.run("".join(cell["source"]))
        if "result = pipeline(" in cell["source"] and "video" not in times:
            said = [out.get("data", {}).get("text/plain", "") for out in outputs]
            if not any("frames in step" in text for text in said):  # a stage, in words
                raise RehearsalError(f"{learner.name} sees no video under:\n{cell['source']}")
            times["video"] = time.perf_counter() - began
    times["end"] = time.perf_counter() - began
    return times


def rehearse(hub: Hub, names: list[str]) -> dict[str, Any]:
    """All of them at the same moment; seconds and MB over the learners, median and largest."""
    learners = [Learner(hub, name) for name in names]
    peaks: dict[str, float] = defaultdict(float)
    with watched(hub, peaks), ThreadPoolExecutor(len(names)) as pool:
        try:
            lessons = list(pool.map(attend, learners))
        except BaseException:
            hub.stop()  # the others would wait for it
            raise
    rest = hub.memory()
    for learner in learners:
        learner.stop()
    return {
        "users": len(names),
        "seconds_to_server_and_kernel": spread([lesson["ready"] for lesson in lessons]),
        "seconds_to_first_video": spread([lesson["video"] for lesson in lessons]),
        "seconds_to_end": spread([lesson["end"] for lesson in lessons]),
        "pss_mb_kernel_idle": spread([lesson["idle"] for lesson in lessons]),
        "pss_mb_peak": spread([peaks[name] for name in names]),
        "pss_mb_after": spread([rest[name] for name in names]),
        "pss_mb_all_peak": round(peaks["all"]),
    }


@contextmanager
def watched(hub: Hub, peaks: dict[str, float]) -> Iterator[None]:
    """Look at the memory all the time; `peaks` gets each learner's highest, and that of `all`."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(EVERY):
            now = hub.memory()
            for name, size in [*now.items(), ("all", sum(now.values()))]:
                peaks[name] = max(peaks[name], size)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 1), "max": round(max(values), 1)}


def json_part(frame: str | bytes) -> dict[str, Any]:
    """A kernel's message; one with pictures is binary: a table of offsets, then the JSON."""
    if isinstance(frame, bytes):
        count = int.from_bytes(frame[:4], "big")
        ends = [int.from_bytes(frame[4 * i : 4 * i + 4], "big") for i in range(1, count + 1)]
        frame = frame[ends[0] : ends[1] if count > 1 else None].decode()
    return json.loads(frame)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def wait_for(ready: Callable[[], bool], seconds: float, problem: str) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise RehearsalError(f"After {seconds:.0f} s {problem}.")
        time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description="Rehearse a lesson at a real hub.")
    parser.add_argument("--users", type=int, default=8, help="learners at the same moment, 1 to 99")
    users = parser.parse_args().users
    if not 1 <= users <= 99:
        parser.error(f"--users is {users}; give 1 to 99")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and the hub with it
    with tempfile.TemporaryDirectory() as folder, Hub(Path(folder)) as hub:
        alone = rehearse(hub, ["seat01"])
        print(f"one learner: {json.dumps(alone)}", flush=True)
        together = rehearse(hub, [f"seat{seat:02}" for seat in range(1, users + 1)])
    cores = len(os.sched_getaffinity(0))
    print(json.dumps({"cores": cores, "alone": alone, "together": together}))


if __name__ == "__main__":
    main()
