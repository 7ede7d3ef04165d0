"""Is everything in place? A pass/fix table that a helper can read over a shoulder."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIN_VERSIONS = {
    "torch": "2.5",
    "diffusers": "0.37",
    "transformers": "5.6",
    "numpy": "1.26",
    "ipywidgets": "7.7.1",
}
USAGE = ""
MIN_PYTHON = (3, 10)
MIN_MEMORY = 1.5  # GB; a run of the lite model peaks at 1.1
SLOW = 60  # seconds for a video; more is no fun in a lesson
FULL_FRAMES = (8, 32)  # clips of the full model whose cost is told, in its published steps
FULL_STEPS = 50
CLIPS = (
    *("boxing.mp4", "cartoon.mp4", "dance.mp4", "jumping_jacks.mp4", "kick.mp4", "macarena.mp4"),
    *("pirouette.mp4", "robot_dance.mp4", "run.mp4", "three_people.mp4", "two_people.mp4"),
    *("walk.mp4", "wave.mp4"),
)


@dataclass(frozen=True)
class Row:
    """One line of the table: `found` says what is there, `fix` what to do where it is not ok.

    `missing`: it is not here, and nobody needs it who does not want what it is for.
    """

    name: str
    found: str
    fix: str = ""
    missing: bool = False

    @property
    def ok(self) -> bool:
        return not self.fix


def add_options(_parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(_arguments: argparse.Namespace) -> None:
    print(report())


def report() -> str:
    """The same table as plain text, for a terminal."""
    rows = diagnose()
    width = max(len(row.name) for row in rows)
    lines = []
    for row in rows:
        mark = "FIX" if not row.ok else "-- " if row.missing else "ok "
        lines.append(f"{mark}  {row.name:<{width}}  {row.found}")
        if not row.ok:
            lines.append(f"{'':{width + 7}}{row.fix}")
    return "\n".join([*lines, "", summary(rows)])


def diagnose() -> list[Row]:
    """All rows; a check that fails itself becomes a row to fix, never a traceback."""
    rows: list[Row] = []
    for check in CHECKS:
        try:
            rows.extend(check())
        except Exception as error:
            name = check.__name__.removeprefix("_").replace("_", " ")
            found = f"{type(error).__name__}: {error}".replace("\n", " ")
            rows.append(Row(name, found, "Reinstall: pip install --force-reinstall fyp-lite."))
    return rows


def summary(rows: list[Row]) -> str:
    wrong = sum(not row.ok for row in rows)
    if not wrong:
        return "All is well: go on."
    return f"{wrong} of {len(rows)} to fix, from the top; then restart the kernel and look again."


# ---------------------------------------------------------------------------- the checks


def _python() -> Iterator[Row]:
    good = sys.version_info[:2] >= MIN_PYTHON
    fix = "" if good else "Install Python 3.10 or newer and make a new environment with it."
    yield Row("python", f"{platform.python_version()}, {platform.system()}", fix)


def _packages() -> Iterator[Row]:
    from packaging.version import Version

    for name, least in MIN_VERSIONS.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Row(name, "not installed", f'pip install "{name}>={least}", then restart.')
            continue
        good = Version(found) >= Version(least)
        fix = "" if good else f'pip install "{name}>={least}", then restart the kernel.'
        yield Row(name, found, fix)


def front_end() -> str:
    """Where the code runs: Colab, VS Code, Voila, Jupyter, IPython or a terminal."""
    if "google.colab" in sys.modules:
        return "Colab"
    if os.environ.get("SERVER_SOFTWARE", "").startswith("voila"):
        return "Voila"
    if "VSCODE_PID" in os.environ or "VSCODE_CWD" in os.environ:
        return "VS Code"
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return "a terminal: panels need a notebook"
    return "Jupyter" if hasattr(shell, "kernel") else "IPython: panels need a notebook"


def _front_end() -> Iterator[Row]:
    yield Row("front end", front_end())


def _room() -> Iterator[Row]:
    """On a JupyterHub: whose server this is, and what it may take of the machine."""
    if name := os.environ.get("JUPYTERHUB_USER"):
        limit = os.environ.get("MEM_LIMIT")
        memory = f"{int(limit) / 2**30:.1f} GB" if limit else "memory without a limit"
        yield Row("seat", f"{name}; {memory}, {os.environ.get('CPU_LIMIT', 'all')} processors")


def _memory() -> Iterator[Row]:
    import psutil

    free = psutil.virtual_memory().available / 2**30
    if limit := os.environ.get("MEM_LIMIT"):  # a hub's, for this learner
        own = psutil.Process().memory_info().rss
        free = min(free, (int(limit) - own) / 2**30)
    fix = "" if free >= MIN_MEMORY else "Close other programs and notebooks, then restart."
    yield Row("memory", f"{free:.1f} GB free, {MIN_MEMORY} needed", fix)


def _processors() -> Iterator[Row]:
    """More threads than processors, on a machine that others share too, slow everybody down."""
    import torch

    threads, processors = torch.get_num_threads(), os.cpu_count() or 1
    fix = f"export OMP_NUM_THREADS={processors}" if threads > processors else ""
    yield Row("processors", f"{threads} of {processors} used by torch", fix)


def _writing() -> Iterator[Row]:
    folder = Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=folder):
            yield Row("writing", f"works in {folder}")
    except OSError as error:
        fix = "Open the notebook in a folder of your own: os.chdir(os.path.expanduser('~'))."
        yield Row("writing", f"{folder}: {error.strerror}", fix)


def _weights() -> Iterator[Row]:
    from fyp_lite.files.hashes import CheckpointError, verify_hashes
    from fyp_lite.model_folder import WEIGHTS

    try:
        for folder in sorted(path.parent for path in WEIGHTS.rglob("hashes.json")):
            verify_hashes(folder)
        verify_hashes(WEIGHTS / "lite")
        yield Row("weights", "as they were published (SHA-256)")
    except CheckpointError as error:
        yield Row("weights", "damaged or missing", str(error))


def _clips() -> Iterator[Row]:
    from fyp_lite.folders import data_dir

    folder = data_dir() / "clips"
    missing = [name for name in CLIPS if not (folder / name).is_file()]
    fix = f"Reinstall fyp-lite: {', '.join(missing)} missing." if missing else ""
    yield Row("clips", f"{len(CLIPS) - len(missing)} of {len(CLIPS)} bundled ones", fix)


def _decoders() -> Iterator[Row]:
    import av

    from fyp_lite.folders import data_dir
    from fyp_lite.opening import open_clip

    with open_clip(data_dir() / "clips" / CLIPS[0]) as clip:
        clip.read([clip.num_frames - 1])
    try:
        decord = f"decord {importlib.metadata.version('decord')}"
    except importlib.metadata.PackageNotFoundError:
        decord = "no decord here (not needed)"
    yield Row("reading video", f"PyAV {av.__version__}, {decord}")


def _gpu() -> Iterator[Row]:
    import torch

    if torch.cuda.is_available():
        size = torch.cuda.get_device_properties(0).total_memory / 2**30
        yield Row("GPU", f"{torch.cuda.get_device_name(0)}, {size:.0f} GB")
    elif torch.backends.mps.is_available():
        yield Row("GPU", "Apple's")
    else:
        yield Row("GPU", "none; only the full model (notebook 09) would use one")


def _lite_model() -> Iterator[Row]:
    from fyp_lite.cost import estimate_seconds
    from fyp_lite.loading import load_pipeline
    from fyp_lite.settings import ClipSettings, SampleSettings
    from fyp_lite.text import readable_seconds

    pipeline, clip, sample = load_pipeline(), ClipSettings(), SampleSettings()
    seconds = estimate_seconds(pipeline, clip, sample)
    fix = "Close what else is running, lower the steps to 10, or use Colab."
    kind = f"{pipeline.device.type}, {pipeline.unet.dtype}".replace("torch.", "")
    found = (
        f"runs: {clip.num_frames} frames in {sample.num_inference_steps} steps take "
        f"{readable_seconds(seconds)} ({kind})"
    )
    yield Row("lite model", found, fix if seconds > SLOW else "")


def _full_model() -> Iterator[Row]:
    """Whether it would run here, by its shapes: it need not be here for that."""
    import torch

    from fyp_lite.full.memory import free_memory
    from fyp_lite.loading import best_device, best_dtype

    device = best_device()
    half = torch.bfloat16 if device.type == "cpu" else torch.float16
    dtypes = list(dict.fromkeys([best_dtype(device), half]))
    free = free_memory(device)
    verdicts = [full_verdict(num_frames, device, free, dtypes) for num_frames in FULL_FRAMES]
    yield Row("full model", f"{'; '.join(verdicts)} (computed, not run). {_full_files()}")


def full_verdict(num_frames: int, device: Any, free: int, dtypes: list[Any]) -> str:
    """What a clip of the full model costs on this device, or that it does not fit: in one line.

    Args:
        num_frames: of the clip, at 512 x 512.
        device: a torch device.
        free: bytes that can be taken on it.
        dtypes: torch types that may be used, from the preferred one on.
    """
    from fyp_lite.cost import estimate_seconds_unseen
    from fyp_lite.full.footprint import FULL
    from fyp_lite.full.memory import MemoryShortError, choose_memory_mode
    from fyp_lite.text import readable_bytes, readable_seconds

    try:
        choice = choose_memory_mode(FULL, num_frames, device=device, free=free, dtypes=dtypes)
    except MemoryShortError as error:
        return f"does not run: {error}"
    seconds = estimate_seconds_unseen(FULL, num_frames, FULL_STEPS, device, choice.mode.dtype)
    return (
        f"{num_frames} frames in {FULL_STEPS} steps take {readable_seconds(seconds)} and "
        f"{readable_bytes(choice.need)} of {readable_bytes(free)} free ({device.type}, "
        f"{choice.mode})"
    )


def _full_files() -> str:
    from fyp_lite.full.convert import full_folder
    from fyp_lite.model_folder import is_model_folder

    here = is_model_folder(full_folder())
    return "Its files are here." if here else "Its files are not here: docs/full_model.md."


def _raw_video() -> Iterator[Row]:
    """Not a thing to fix: skeleton videos need no detector."""
    from fyp_lite.keypoints.detectors import available_backends

    for report in available_backends():
        state = "ready" if report.ready else "not ready"
        name, missing = f"raw video: {report.name}", not report.ready
        yield Row(name, f"{state}: {report.note}", missing=missing)


def _network() -> Iterator[Row]:
    yield Row("internet", "not needed: the model and the clips are bundled")


CHECKS: tuple[Callable[[], Iterator[Row]], ...] = (
    _python,
    _packages,
    _front_end,
    _room,
    _memory,
    _processors,
    _writing,
    _weights,
    _clips,
    _decoders,
    _gpu,
    _lite_model,
    _full_model,
    _raw_video,
    _network,
)
