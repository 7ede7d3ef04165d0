"""What a stage saves, and how another one starts from it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fyp_world.training.averages import Average
from fyp_world.training.options import Options


def save(
    out: Path,
    stage: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Average,
    step: int,
    minutes: float,
    accelerator: Accelerator,
    finished: bool = False,
) -> None:
    """Write the checkpoint under another name first: a kill leaves the old one whole."""
    if not accelerator.is_main_process:
        return
    state = {
        "stage": stage.state_dict(),
        "average": average.parameters,
        "optimizer": optimizer.state_dict(),
        "step": step,
        "minutes": minutes,
        "finished": finished,
    }
    torch.save(state, out / "checkpoint.tmp")
    os.replace(out / "checkpoint.tmp", out / "checkpoint.pt")


def save_snapshot(out: Path, average: Average, step: int) -> None:
    """The averages alone, in float16."""
    (out / "snapshots").mkdir(exist_ok=True)
    path = out / "snapshots" / f"{step:06}.safetensors"
    halves = {name: p.half().contiguous() for name, p in average.parameters.items()}
    save_file(halves, path.with_suffix(".tmp"))
    os.replace(path.with_suffix(".tmp"), path)


@contextmanager
def saved_whole(out: Path) -> Iterator[Path]:
    """A folder to save networks in; after the block each one gets its place in `out`, whole."""
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=out) as name:
        new, old = Path(name, "new"), Path(name, "old")
        new.mkdir()
        old.mkdir()
        yield new
        for path in sorted(new.iterdir()):
            if (out / path.name).exists():
                os.replace(out / path.name, old / path.name)
            os.replace(path, out / path.name)


def restore(
    out: Path, stage: nn.Module, optimizer: torch.optim.Optimizer, average: Average
) -> tuple[int, float]:
    """Go on from the checkpoint, if there is one; returns (step, minutes so far)."""
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0, 0.0
    device = next(stage.parameters()).device
    state = torch.load(path, weights_only=True, map_location=device)
    stage.load_state_dict(state["stage"])
    optimizer.load_state_dict(state["optimizer"])
    average.parameters = state["average"]
    return state["step"], state["minutes"]


def start_from(stage: nn.Module, options: Options, what: str) -> None:
    """`load_average` for a stage that cannot do without `--init`, a run of `what`."""
    if options.init is None:
        raise SystemExit(f"--init is missing: give the folder of a finished {what} run.")
    load_average(stage, options.init)


def load_average(stage: nn.Module, folder: Path) -> None:
    """Fill those networks of a stage that `folder` holds.

    They are the averages in another stage's checkpoint, or saved networks, such as those of the
    bundled model: half precision, but enough to go on from on another machine.
    """
    networks: dict[str, dict[str, Tensor]] = {}
    if (folder / "checkpoint.pt").exists():
        state = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")
        for key, value in (state["stage"] | state["average"]).items():
            name, _, rest = key.partition(".")
            networks.setdefault(name, {})[rest] = value
    else:
        for path in folder.glob("*/*.safetensors"):
            networks[path.parent.name] = load_file(path)
    names = sorted(name for name, _ in stage.named_children() if name in networks)
    if not names:
        raise SystemExit(f"{folder} holds no network of {type(stage).__name__}: check --init.")
    for name in names:
        getattr(stage, name).load_state_dict(networks[name])
    print(f"from {folder}: {', '.join(names)}")
