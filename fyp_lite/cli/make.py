"""Make a video of the prompt's character doing the motion of a skeleton video.

The people of a raw video are found first; their skeleton is saved beside the result.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from fyp_lite.cli.options import (
    CLIP_OPTIONS,
    SAMPLE_OPTIONS,
    add_raw_options,
    add_redraw_option,
    add_setting_options,
    read_options,
)
from fyp_lite.files.writing import check_room_in_name, check_writable, file_path
from fyp_lite.opening import find_clip
from fyp_lite.request import REQUEST_NAMES, Request
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.text import one_line

USAGE = "PROMPT --clip FILE --out FILE [options]"
EPILOG = """examples:
  fyp-lite make "a panda on the sea" --clip dance --out panda.mp4
  fyp-lite make "an astronaut on the moon" --clip me.mp4 --start-frame 8 --seed 1 --out moon.webp
  fyp-lite make --settings panda.json --seed 2 --out panda2.mp4

The video's run card is saved beside it as JSON; --settings loads it, or any other card, again, and
options on the command line override it. Frame i of the result follows frame
start-frame + i * frame-stride of the clip."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("prompt", nargs="?", help="a sentence in quotes")
    add(
        "--clip",
        metavar="FILE",
        help="a video, keypoints (json) or a bundled clip: dance",
    )
    add("--out", metavar="FILE", help="result: .mp4, .gif or .webp")
    add("--settings", metavar="FILE", help="a run card or preset (.json, .png) to start from")
    add("--negative-prompt", metavar="TEXT", help="what to lead away from")
    add("--model", help="lite, full (see fyp-lite convert) or a folder [lite]")
    add_raw_options(parser, default=None)
    add_redraw_option(parser, default=None)
    add_setting_options(parser.add_argument_group("time and space"), ClipSettings, CLIP_OPTIONS)
    add_setting_options(parser.add_argument_group("sampling"), SampleSettings, SAMPLE_OPTIONS)


def run(arguments: argparse.Namespace) -> None:
    request = read_request(arguments)
    if not arguments.out:
        raise ValueError("There is no place for the result; give --out FILE.mp4.")
    make(request, Path(arguments.out))


def read_request(arguments: argparse.Namespace) -> Request:
    """What to make: the values of the card or preset, overridden by the command line's.

    Raises ValueError also where a card's own clip is not the one that is found here.
    """
    values: dict[str, Any] = {}
    made = None
    if arguments.settings:
        from fyp_lite.cards.card import read_card  # slow to import: after --help

        values = read_card(arguments.settings)
        made = values.pop("made", None)
    for name in REQUEST_NAMES:
        value = getattr(arguments, name)
        if value is not None:
            values[name] = value
    for part, options in (("clip_settings", CLIP_OPTIONS), ("sample_settings", SAMPLE_OPTIONS)):
        values[part] = values.get(part, {}) | read_options(arguments, options)
    for name in ("prompt", "clip"):
        if not values.get(name):
            flag = "a prompt" if name == "prompt" else "--clip FILE"
            raise ValueError(f"There is no {name}; give {flag}, or --settings with one inside.")
    if made is not None and not arguments.clip:
        from fyp_lite.cards.card import check_clip

        fix = "give that clip as --clip FILE, or another one on purpose."
        check_clip(Path(find_clip(values["clip"])), made.clip_hash, fix)
    return Request.from_dict(values)


def make(request: Request, out: Path) -> Path:
    """Make the video and its run card; print where they are. Returns the path of the clip."""
    from fyp_lite.cards.card import make_card
    from fyp_lite.cards.picture import save_card
    from fyp_lite.opening import find_input_type, open_clip, skeleton_to_use
    from fyp_lite.skeleton import check_skeleton_frames
    from fyp_lite.video import check_video_path, write_video

    began = time.perf_counter()
    out = file_path(out)
    settings = request.clip_settings
    with ExitStack() as stack:
        clip = stack.enter_context(open_clip(find_clip(request.clip_name)))
        # Whatever could stop the result from being kept is found out before it is made.
        check_video_path(out, clip.fps / settings.frame_stride)
        card_path = out.with_suffix(".json")
        if out.resolve() == clip.path.resolve():
            raise ValueError(f"--out {out} is the clip itself; give the result another name.")
        check_replaceable(card_path)
        check_writable(out)
        if find_input_type(clip, request.input_type) == "raw":
            from fyp_lite.cli.skeleton import find_people_beside

            people = find_people_beside(out, clip, request)
            clip = stack.enter_context(people.open(clip.path))
        else:
            clip = stack.enter_context(skeleton_to_use(clip, redraw=request.redraw))
            for sentence in clip.notes:
                print(sentence, file=sys.stderr)
        check_skeleton_frames(clip.prepare(settings, 256).frames)
        out.parent.mkdir(parents=True, exist_ok=True)

        from fyp_lite.loading import load_pipeline  # slow to import: after the cheap checks

        pipeline = load_pipeline(request.model)
        prepared = clip.prepare(settings, pipeline.size)
    if prepared.padded:
        height, width = prepared.source_size
        print(
            f"The largest square of {width} x {height} pixels would cut somebody off, so black is "
            "added to the frames: --pad none cuts instead.",
            file=sys.stderr,
        )
    say_advice(pipeline, request, prepared.frames)
    result = pipeline(
        request.prompt,
        prepared.frames,
        request.sample_settings,
        negative_prompt=request.negative_prompt,
    )
    seconds = time.perf_counter() - began
    card = make_card(pipeline, replace(request, clip=clip), result.video, seconds)
    # The clip and the model keep the names that were typed, so that the card finds them again.
    named = replace(card.request, clip=request.clip_name, model=request.model)
    card = replace(card, request=named)
    write_video(out, result.video, prepared.fps)
    save_card(card, card_path)
    seconds = time.perf_counter() - began
    shown = one_line(str(out)), one_line(str(card_path))
    print(f"video     {shown[0]}  ({len(result.video)} frames, {prepared.fps:g} a second)")
    print(f"run card  {shown[1]}")
    print(f"took      {seconds:.1f} s with loading, {pipeline.device} {pipeline.unet.dtype}")
    return clip.path


def say_advice(pipeline: Any, request: Request, frames: Any) -> None:
    from fyp_lite.advice import prompt_advice

    words = request.prompt, frames, request.negative_prompt
    for sentence in prompt_advice(pipeline, *words, request.sample_settings):
        print(sentence, file=sys.stderr)


def check_replaceable(card_path: Path) -> None:
    """A run card may replace a run card, but no other file."""
    from fyp_lite.cards.card import read_card

    check_room_in_name(card_path)
    try:
        if card_path.exists():
            read_card(card_path)
    except ValueError:
        raise ValueError(
            f"{card_path} is not a run card of fyp-lite and would be replaced by one; give --out "
            "another name."
        ) from None
