"""Make one video for each combination of clips, prompts and values.

Each is stored with its run card as soon as it is finished; run the same command again to resume
after an interruption.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fyp_lite.cli.options import (
    CLIP_OPTIONS,
    FLAGS,
    SAMPLE_OPTIONS,
    add_raw_options,
    add_redraw_option,
    add_setting_options,
    read_options,
)
from fyp_lite.cli.progress import progress_bar
from fyp_lite.cli.skeleton import show_progress
from fyp_lite.clip import Clip
from fyp_lite.keypoints.extract import extract_steps
from fyp_lite.opening import find_clip, find_input_type, open_clip, skeleton_to_use
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.sweeps.axes import SweepError, read_values
from fyp_lite.sweeps.cluster import local_client
from fyp_lite.sweeps.run import Batch
from fyp_lite.sweeps.sheet import result_of, write_sheet
from fyp_lite.sweeps.store import INDEX

if TYPE_CHECKING:
    from distributed import Client

MAX_CELLS = 100  # videos on a sheet; with more it can no longer be looked at


USAGE = "PROMPT ... --clip FILE --vary NAME=V,V --out FOLDER [options]"
SWEEP_EPILOG = """examples:
  fyp-lite sweep "a panda on the sea" --clip dance --vary seed=0,1,2 --vary guidance_scale=1,3 \\
           --out sweep
  fyp-lite sweep --prompts-file prompts.txt --clip dance --clip walk --steps 10 --workers 2 \\
           --out batch

index.csv in the folder says which files belong to which values. Where at most two things vary,
grid.png shows all videos on one sheet."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = SWEEP_EPILOG
    add = parser.add_argument
    add("prompts", nargs="*", metavar="PROMPT", help="one sentence or several, each in quotes")
    add("--prompts-file", metavar="FILE", help="a text file with a prompt in each line")
    add(
        *("--clip", "-c"),
        action="append",
        default=[],
        metavar="FILE",
        help="a clip, as in make; may be given again",
    )
    add(
        "--vary",
        action="append",
        default=[],
        metavar="NAME=V,V",
        help="values of a setting; may be given again",
    )
    add("--out", metavar="FOLDER", help="where the videos are stored")
    add("--negative-prompt", default="", metavar="TEXT", help="what to lead away from")
    add("--model", default="lite", help="'lite' (bundled), 'full' or a folder of either")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=int, metavar="N", help="worker processes on this machine, by Dask"
    )
    where.add_argument("--cluster", metavar="ADDRESS", help="of a Dask cluster: tcp://node7:8786")
    add_raw_options(parser, default="auto")
    add_redraw_option(parser, default=False)
    add_setting_options(parser.add_argument_group("time and space"), ClipSettings, CLIP_OPTIONS)
    add_setting_options(parser.add_argument_group("sampling"), SampleSettings, SAMPLE_OPTIONS)


def run(arguments: argparse.Namespace) -> None:
    """Make what the arguments say."""
    if not arguments.out:
        raise SweepError("There is no place for the videos; give --out FOLDER.")
    began = time.perf_counter()
    prompts = [*arguments.prompts, *read_prompts(arguments.prompts_file)]
    if not prompts:
        raise SweepError("There is no prompt; give one or more, or --prompts-file FILE.")
    if not arguments.clip:
        raise SweepError("There is no clip; give --clip FILE, which may be given again.")
    axes: dict[str, Any] = {"clip": [], "prompt": prompts} | read_axes(arguments.vary)
    with ExitStack() as stack:
        for name in arguments.clip:
            clip = open_whole(find_clip(name), arguments)
            axes["clip"].append(stack.enter_context(clip))
        request = Request(
            prompts[0],
            axes["clip"][0],
            arguments.negative_prompt,
            ClipSettings.from_dict(read_options(arguments, CLIP_OPTIONS)),
            SampleSettings.from_dict(read_options(arguments, SAMPLE_OPTIONS)),
            max_people=arguments.max_people,
            redraw=arguments.redraw,
        )
        batch = Batch(arguments.model, request, axes, arguments.out)
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


def read_axes(given: list[str]) -> dict[str, Any]:
    """`--vary NAME=VALUE,VALUE` to axes; a name may be written like its option."""
    names = {flag.removeprefix("--"): name for name, flag in FLAGS.items()}
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


def open_whole(name: str, arguments: argparse.Namespace) -> Clip:
    """A clip of skeletons; the people of a raw video are found first, with progress shown."""
    clip = open_clip(name)
    if clip.keypoints is not None or find_input_type(clip, arguments.input_type) == "skeleton":
        return skeleton_to_use(clip, redraw=arguments.redraw)
    with clip:
        steps = extract_steps(clip, backend=arguments.backend, max_people=arguments.max_people)
        people = show_progress(steps).clip
    assert people is not None  # of the last step
    return people.open(clip.path)


def follow(batch: Batch, client: Client | str | None) -> None:
    """Run the batch, and show how far it is."""
    warned = False
    with progress_bar("videos") as bar:
        for at in batch.steps(client):
            if not warned:
                warned = True
                for word, nearest in batch.unknown_words.items():
                    hint = f": did you mean {' or '.join(nearest)}?" if nearest else "."
                    bar.write(f"The model does not know the word “{word}”{hint}", file=sys.stderr)
            bar.total = at.total
            bar.set_postfix_str(f"step {at.step} of {at.num_steps}" if at.step else "", False)
            bar.update(at.done - bar.n)


def tell(batch: Batch, seconds: float) -> None:
    """Draw the sheet where there is one; print where everything is."""
    out = batch.store.folder
    varied = [name for name, values in batch.axes.items() if len(values) > 1]
    print(f"videos    {out}  ({len(batch.jobs)}, each with its run card)")
    print(f"index     {out / INDEX}")
    if len(varied) <= 2 and len(batch.jobs) <= MAX_CELLS:
        print(f"sheet     {write_sheet(result_of(batch, *(varied or ['prompt'])), out)}")
    print(f"took      {seconds:.1f} s with loading")
