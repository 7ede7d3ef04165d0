"""The front ends that notebooks are opened in, each driven through a real browser.

A front end starts its server on the loopback address in a folder of its own, opens a notebook and
runs it. All of them show the same core widgets, so what is clicked afterwards is theirs in common.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
SCREENSHOTS = ROOT / "out" / "browser"
START_SECONDS = 240
PATIENCE_MS = 1000 * START_SECONDS  # for what takes no time on a machine that is free
RUN_SECONDS = 1500  # for all cells of one notebook, on a machine that has much else to do
POLL_MS = 500


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(command: list[str], ready: str, folder: Path, log: Path) -> Iterator[None]:
    """Run `command` in `folder` until the block ends; it is up once the address `ready` answers."""
    home = folder / ".home"  # settings of whoever runs the tests stay out
    home.mkdir(exist_ok=True)
    environment = os.environ | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "FYP_LITE_MINUTES": "0.2",
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_for(ready, process, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, f"the server ended:\n{log.read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"{address} does not answer:\n{log.read_text()[-2000:]}")


class FrontEnd:
    """A program that notebooks are opened in, on the notebooks of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    def serve(self) -> contextlib.AbstractContextManager[None]:
        """Runs the server for as long as it is open."""
        raise NotImplementedError

    def open(self, page: Page, notebook: str) -> None:
        """Open the notebook of that name."""
        raise NotImplementedError

    def run(self, page: Page) -> None:
        """Run all its cells, none of which may fail."""
        raise NotImplementedError

    def close(self, page: Page) -> None:
        """End its kernel, whose memory the next one may need."""
        raise NotImplementedError


class Notebooks(FrontEnd):
    """A front end in which cells are run by hand.

    READY, RUN, LEFT, ERRORS, CLOSE, SAVE: JavaScript that says whether a notebook is open, runs all
    its cells, counts those that have not run, lists what they raised, ends the kernel, and saves
    the notebook.
    """

    READY = RUN = LEFT = ERRORS = CLOSE = SAVE = ""

    def run(self, page: Page) -> None:
        page.evaluate(self.RUN)
        end = time.monotonic() + RUN_SECONDS
        while left := page.evaluate(self.LEFT):
            assert time.monotonic() < end, f"{left} cells have not run"
            page.wait_for_timeout(POLL_MS)
        assert not (errors := page.evaluate(self.ERRORS)), errors

    def save(self, page: Page) -> None:
        """Save the notebook with its outputs."""
        page.evaluate(self.SAVE)

    def close(self, page: Page) -> None:
        page.evaluate(self.CLOSE)


class Lab(Notebooks):
    """JupyterLab, with ipywidgets 8."""

    # Cells that are out of sight exist in the page as well, so that a screenshot holds everything.
    SETTINGS: ClassVar = {
        "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
        "@jupyterlab/apputils-extension/notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        },
    }
    READY = "window.jupyterapp?.shell.currentWidget?.content?.model?.cells.length > 0"
    RUN = """async () => {
        const panel = window.jupyterapp.shell.currentWidget;
        await panel.sessionContext.ready;
        window.jupyterapp.commands.execute('notebook:run-all-cells');
    }"""
    LEFT = """() => {
        const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
        return cells.filter(c => c.type === 'code' && c.sharedModel.getSource().trim()
            && (c.executionCount === null || c.executionState === 'running')).length;
    }"""
    ERRORS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
        .filter(c => c.type === 'code').flatMap(c => c.sharedModel.getOutputs())
        .filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue)"""
    CLOSE = "() => window.jupyterapp.commands.execute('kernelmenu:shutdown')"
    SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for name, value in self.SETTINGS.items():
            path = folder / ".home" / "settings" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value))

    def serve(self) -> contextlib.AbstractContextManager[None]:
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ip=127.0.0.1", f"--port={self.port}", "--IdentityProvider.token="),
            "--LabApp.expose_app_in_browser=True",
        ]
        ready = f"http://127.0.0.1:{self.port}/api"
        return server(command, ready, self.folder, self.folder / "lab.log")

    def open(self, page: Page, notebook: str) -> None:
        page.goto(f"http://127.0.0.1:{self.port}/lab/tree/{notebook}?reset")
        page.wait_for_function(self.READY)


class Classic(Notebooks):
    """The classic notebook with ipywidgets 7.7.1 and ipykernel 6.17, the versions of Colab.

    Lives in an environment of its own, named by FYP_LITE_CLASSIC (see the Makefile).
    """

    READY = "window.Jupyter?.notebook?.kernel?.is_connected() === true"
    RUN = "() => { Jupyter.notebook.execute_all_cells(); }"
    LEFT = """() => Jupyter.notebook.get_cells().filter(c => c.cell_type === 'code'
        && c.get_text().trim() && typeof c.input_prompt_number !== 'number').length"""
    ERRORS = """() => Jupyter.notebook.get_cells().filter(c => c.cell_type === 'code')
        .flatMap(c => c.output_area.outputs).filter(o => o.output_type === 'error')
        .map(o => o.ename + ': ' + o.evalue)"""
    CLOSE = "() => { Jupyter.notebook.session.delete(); }"
    SAVE = "() => Jupyter.notebook.save_notebook()"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.python = os.environ.get("FYP_LITE_CLASSIC", "")

    def serve(self) -> contextlib.AbstractContextManager[None]:
        command = [
            *(self.python, "-m", "notebook", "--no-browser", "--allow-root"),
            *("--ip=127.0.0.1", f"--port={self.port}", "--NotebookApp.token="),
        ]
        ready = f"http://127.0.0.1:{self.port}/api"
        return server(command, ready, self.folder, self.folder / "classic.log")

    def open(self, page: Page, notebook: str) -> None:
        # The page asks the kernel for widgets that exist, and says when it has done so. One that
        # is shown before is taken away again.
        with page.expect_console_message(lambda message: "jupyter.widget.control" in message.text):
            page.goto(f"http://127.0.0.1:{self.port}/notebooks/{notebook}")
        page.wait_for_function(self.READY)


class Voila(FrontEnd):
    """The notebook as a web app; it has run when the page is there."""

    def serve(self) -> contextlib.AbstractContextManager[None]:
        command = [
            *(sys.executable, "-m", "voila", "--no-browser", "--Voila.ip=127.0.0.1"),
            *(f"--port={self.port}", f"--VoilaExecutor.timeout={RUN_SECONDS}"),
            # Of jupytext, which the tests alone need; it asks for parts of JupyterLab.
            *("--VoilaConfiguration.extension_denylist=jupyterlab-jupytext", "."),
        ]
        ready = f"http://127.0.0.1:{self.port}/"
        return server(command, ready, self.folder, self.folder / "voila.log")

    def open(self, page: Page, notebook: str) -> None:
        address = f"http://127.0.0.1:{self.port}/voila/render/{notebook}"
        page.goto(address, timeout=RUN_SECONDS * 1000)

    def run(self, page: Page) -> None:
        page.wait_for_selector(".jupyter-widgets", timeout=RUN_SECONDS * 1000)
        page.wait_for_selector("#loading", state="hidden", timeout=RUN_SECONDS * 1000)
        assert not page.locator(".jp-OutputArea-output[data-mime-type*=error]").count()

    def close(self, page: Page) -> None:
        page.goto("about:blank")  # it ends with its page


FRONT_ENDS = {"lab": Lab, "classic": Classic, "voila": Voila}
