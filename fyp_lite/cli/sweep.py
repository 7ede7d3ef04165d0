"""`fyp-lite sweep`: clips × prompts × seeds × settings on the command line."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fyp_lite.cli.skeleton import show_progress
from fyp_lite.clip import Clip
from fyp_lite.keypoints.extract import extract_steps
from fyp_lite.opening import find_input_type, open_clip
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.sweeps.axes import SweepError, read_values
from fyp_lite.sweeps.cluster import local_client
from fyp_lite.sweeps.run import Batch, Progress
from fyp_lite.sweeps.sheet import result_of, write_sheet
from fyp_lite.sweeps.store import INDEX
from fyp_lite.text import readable_seconds

if TYPE_CHECKING:
    from distributed import Client

MOST_CELLS = 100  # videos on a sheet; with more it can no longer be looked at


def sweep_command(
    arguments: argparse.Namespace,
    clip_settings: ClipSettings,
    sample_settings: SampleSettings,
    flags: dict[str, str],
) -> None:
    """Make what the arguments say; `flags` are settings whose option has another name."""
    if not arguments.out:
        raise SweepError("There is no place for the videos; give --out FOLDER.")
    began = time.perf_counter()
    prompts = [*arguments.prompts, *read_prompts(arguments.prompts_file)]
    if not prompts:
        raise SweepError("There is no prompt; give one or more, or --prompts-file FILE.")
    if not arguments.clip:
        raise SweepError("There is no clip; give --clip FILE, which may be given again.")
    with ExitStack() as stack:
        clips = []
        for name in arguments.clip:
            clips.append(open_whole(name, arguments.input_type, arguments.backend))
            stack.enter_context(clips[-1])
        axes = {"clip": clips, "prompt": prompts} | read_axes(arguments.vary, flags)
        batch = Batch(
            *(arguments.model, axes, arguments.out, clip_settings, sample_settings),
            negative_prompt=arguments.negative_prompt,
        )
        client: Client | str | None = arguments.cluster
        if arguments.workers is not None:
            client = stack.enter_context(local_client(arguments.workers))
        follow(batch, client)
        tell(batch, time.perf_counter() - began)


def read_prompts(path: str | None) -> list[str]:
    """The lines of a text file, one prompt each; empty ones are left out."""
    if path is None:
        return []
    try:
        lines = Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise SweepError(f"The prompts file {path} is no text in UTF-8: save it as such.") from None
    except OSError as error:
        raise SweepError(f"The prompts file {path} cannot be read: {error.strerror}.") from None
    return [line.strip() for line in lines if line.strip()]


def read_axes(given: list[str], flags: dict[str, str]) -> dict[str, Any]:
    """`--vary NAME=VALUE,VALUE` to axes; a name may be written like its option."""
    names = {flag.removeprefix("--"): name for name, flag in flags.items()}
    axes: dict[str, Any] = {}
    for text in given:
        name, found, values = text.partition("=")
        name = names.get(name, name.replace("-", "_"))
        if not found:
            raise SweepError(f"--vary {text} has no =: write it like --vary seed=0,1,2.")
        if name in ("clip", "prompt"):
            raise SweepError(
                f"--vary {name}: give every {name} by itself, as fyp-lite sweep --help shows."
            )
        if name in axes:
            raise SweepError(f"--vary {name} is given twice: put all its values into one.")
        axes[name] = read_values(name, values)
    return axes


def open_whole(name: str, input_type: str, backend: str) -> Clip:
    """A clip of skeletons; the people of a raw video are found first, with progress shown."""
    clip = open_clip(name)
    if clip.keypoints is not None or find_input_type(clip, input_type) == "skeleton":
        return clip
    with clip:
        people = show_progress(extract_steps(clip, backend=backend)).clip
    assert people is not None  # of the last step
    return people.open(clip.path)


def follow(batch: Batch, client: Client | str | None) -> None:
    """Run the batch; say after every video, and on a terminal after every step, how far it is."""
    alive, warned, done = sys.stderr.isatty(), False, -1
    for at in batch.steps(client):
        if not warned:
            warned = True
            for word, nearest in batch.unknown_words.items():
                hint = f": did you mean {' or '.join(nearest)}?" if nearest else "."
                print(f"The model does not know the word “{word}”{hint}", file=sys.stderr)
        if alive:
            print(f"\r{progress_line(at):70}", end="", file=sys.stderr, flush=True)
        elif at.done != done:
            print(progress_line(at), file=sys.stderr, flush=True)
        done = at.done
    if alive:
        print(file=sys.stderr)


def progress_line(at: Progress) -> str:
    """ "3 of 12 videos stored, about 2 min left" """
    parts = [f"{at.done} of {at.total} videos stored"]
    if at.step:
        parts.append(f"step {at.step} of {at.num_steps}")
    if at.seconds_left and at.done < at.total:
        parts.append(f"{readable_seconds(at.seconds_left)} left")
    return ", ".join(parts)


def tell(batch: Batch, seconds: float) -> None:
    """Draw the sheet where there is one; print where everything is."""
    out = batch.store.folder
    varied = [name for name, values in batch.axes.items() if len(values) > 1]
    print(f"videos    {out}  ({len(batch.jobs)}, each with its run card)")
    print(f"index     {out / INDEX}")
    if len(varied) <= 2 and len(batch.jobs) <= MOST_CELLS:
        print(f"sheet     {write_sheet(result_of(batch, *(varied or ['prompt'])), out)}")
    print(f"took      {seconds:.1f} s with loading")
