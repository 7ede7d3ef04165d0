"""The command line: `fyp-lite "a panda on the sea" --clip dance.mp4 --out panda.mp4`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from fyp_lite import __version__, data_dir
from fyp_lite.cli.options import (
    CLIP_OPTIONS,
    FLAGS,
    SAMPLE_OPTIONS,
    Parser,
    add_options,
    add_raw_options,
    build_skeleton_parser,
    build_sweep_parser,
    read_options,
)
from fyp_lite.files.writing import check_room_in_name, check_writable, file_path, written_whole
from fyp_lite.settings import ClipSettings, SampleSettings, one_line
from fyp_lite.settings_file import read_settings_file

EPILOG = """examples:
  fyp-lite "a panda on the sea" --clip dance --out panda.mp4
  fyp-lite "an astronaut on the moon" --clip dance.mp4 --start-frame 8 --frame-stride 2 \\
           --crop-right 200 --steps 20 --guidance-scale 4 --seed 1 --out moon.webp
  fyp-lite "an astronaut on the moon" --clip raw_person.mp4 --out moon.mp4
  fyp-lite --settings panda.json --seed 2 --out panda2.mp4
  fyp-lite skeleton raw_person.mp4 --out skeleton.mp4 --keypoints keypoints.json
  fyp-lite sweep "a panda on the sea" --clip dance --vary seed=0,1,2 --out sweep
  fyp-lite convert --download
  fyp-lite serve --port 8866
  fyp-lite demo
  fyp-lite doctor

The people of a raw video are found first; their skeleton is saved beside the result, as a video
and as keypoints, and either can be given as --clip.

The video's settings are saved beside it as JSON; --settings takes them back, and options on the
command line go before those of the file. Frame i of the result follows frame
start-frame + i * frame-stride of the clip."""

DEMO_PROMPT = "a panda on the sea"
DEMO_CLIP = "dance.mp4"


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fyp-lite",
        description="Make a video of the prompt's character doing the motion of a skeleton video.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "prompt",
        nargs="?",
        help="a sentence; or 'demo' for a first video, 'doctor' to check this machine, 'skeleton' "
        "to find the people of a raw video, 'sweep' for many videos, 'convert' to set up the full "
        "model, 'serve' for a web page (each of the last four has its own --help)",
    )
    parser.add_argument(
        "--clip",
        metavar="FILE",
        help="skeleton video or raw video (mp4, gif, webm, ...), keypoints (json), or the name of "
        "a bundled clip, such as dance",
    )
    parser.add_argument("--out", metavar="FILE", help="result: .mp4, .gif or .webp")
    parser.add_argument("--settings", metavar="JSON", help="settings saved beside another result")
    parser.add_argument("--negative-prompt", metavar="TEXT", help="what to lead away from")
    parser.add_argument(
        "--model", help="'lite' (bundled), 'full' (see fyp-lite convert) or a folder of either"
    )
    add_raw_options(parser, default=None)
    add_options(parser.add_argument_group("time and space"), ClipSettings, CLIP_OPTIONS)
    add_options(parser.add_argument_group("sampling"), SampleSettings, SAMPLE_OPTIONS)
    parser.add_argument("--version", action="version", version=f"fyp-lite {__version__}")
    return parser


def read_job(arguments: argparse.Namespace) -> dict[str, Any]:
    """What to make: the settings file's values, then the command line's over them."""
    job: dict[str, Any] = {"negative_prompt": "", "model": "lite", "clip_settings": {}}
    job |= {"sample_settings": {}, "input_type": "auto", "backend": "auto"}
    if arguments.settings:
        job |= read_settings_file(Path(arguments.settings))
    for name in ("prompt", "clip", "negative_prompt", "model", "input_type", "backend"):
        value = getattr(arguments, name)
        if value is not None:
            job[name] = value
    for part, options in (("clip_settings", CLIP_OPTIONS), ("sample_settings", SAMPLE_OPTIONS)):
        job[part] = job[part] | read_options(arguments, options)
    for name in ("prompt", "clip"):
        if not job.get(name):
            flag = "a prompt" if name == "prompt" else "--clip FILE"
            raise ValueError(f"There is no {name}; give {flag}, or --settings with one inside.")
    return job


def check_replaceable(card_path: Path) -> None:
    """Settings may replace settings, but no other file."""
    check_room_in_name(card_path)
    try:
        if card_path.exists():
            read_settings_file(card_path)
    except ValueError:
        raise ValueError(
            f"{card_path} is not a settings file of fyp-lite and would be replaced by one; give "
            "--out another name."
        ) from None


def find_clip(name: str) -> str:
    """The file `name`, or where there is none the bundled clip of that name: dance, dance.mp4.

    Raises ValueError for a plain word that is neither.
    """
    if not name or Path(name).name != name or os.path.exists(name):
        return name
    clips = data_dir() / "clips"
    bundled = clips / Path(name).with_suffix(".mp4")
    if os.path.isfile(bundled):
        return str(bundled)
    if name.isidentifier():
        names = ", ".join(sorted(path.stem for path in clips.glob("*.mp4")))
        raise ValueError(f"{name} is neither a file nor a bundled clip: those are {names}.")
    return name


def generate(job: dict[str, Any], out: Path) -> None:
    """Make the video and its settings file; print where they are."""
    from fyp_lite.advice import prompt_advice
    from fyp_lite.clip import open_clip, prepare_clip
    from fyp_lite.opening import find_input_type
    from fyp_lite.skeleton import check_skeleton_frames
    from fyp_lite.video import check_video_path, write_video

    began = time.perf_counter()
    clip_settings = ClipSettings.from_dict(job["clip_settings"])
    sample_settings = SampleSettings.from_dict(job["sample_settings"])
    out = file_path(out)
    with ExitStack() as stack:
        clip = stack.enter_context(open_clip(find_clip(job["clip"])))
        # Whatever could stop the result from being kept is found out before it is made.
        check_video_path(out, clip.fps / clip_settings.frame_stride)
        card_path = out.with_suffix(".json")
        if out.resolve() == clip.path.resolve():
            raise ValueError(f"--out {out} is the clip itself; give the result another name.")
        check_replaceable(card_path)
        check_writable(out)
        if find_input_type(clip, job["input_type"]) == "raw":
            from fyp_lite.cli.skeleton import find_people_beside

            people = find_people_beside(out, clip, clip_settings, job["backend"])
            clip = stack.enter_context(people.open(clip.path))
            job = job | {"backend": people.backend}  # so that the settings find the same people
        check_skeleton_frames(prepare_clip(clip, clip_settings, 256).frames)
        out.parent.mkdir(parents=True, exist_ok=True)

        from fyp_lite.loading import load_pipeline  # slow to import: after the cheap checks

        pipeline = load_pipeline(job["model"])
        prepared = prepare_clip(clip, clip_settings, pipeline.size)
    words = job["prompt"], prepared.frames, job["negative_prompt"]
    if prepared.padded:
        height, width = prepared.source_size
        print(
            f"The largest square of {width} x {height} pixels would cut somebody off, so black is "
            "added to the frames: --pad none cuts instead.",
            file=sys.stderr,
        )
    for sentence in prompt_advice(pipeline, *words, sample_settings):
        print(sentence, file=sys.stderr)
    result = pipeline(
        job["prompt"], prepared.frames, sample_settings, negative_prompt=job["negative_prompt"]
    )
    card = job | {
        "clip_settings": clip_settings.to_dict(),
        "sample_settings": sample_settings.to_dict(),
        "version": __version__,
        "result": out.name,
    }
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    write_video(out, result.video, prepared.fps)
    with written_whole(card_path) as part:  # a name's bytes that are no text become JSON's escapes
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
    seconds = time.perf_counter() - began
    shown = one_line(str(out)), one_line(str(card_path))
    print(f"video     {shown[0]}  ({len(result.video)} frames, {prepared.fps:g} a second)")
    print(f"settings  {shown[1]}")
    print(f"took      {seconds:.1f} s with loading, {pipeline.device} {pipeline.unet.dtype}")


def demo(out_folder: Path = Path("out")) -> None:
    """A first video from a bundled clip, with a contact sheet of skeletons and frames."""
    import numpy as np
    from PIL import Image

    from fyp_lite.clip import open_clip, prepare_clip
    from fyp_lite.video import contact_sheet

    out = out_folder / "demo.mp4"
    clip_path = data_dir() / "clips" / DEMO_CLIP
    job = read_job(build_parser().parse_args([DEMO_PROMPT, "--clip", DEMO_CLIP]))
    generate(job, out)
    with open_clip(out) as clip:
        video = clip.read(range(clip.num_frames))
    skeletons = prepare_clip(clip_path, ClipSettings(), video.shape[1]).frames
    sheet = contact_sheet(np.concatenate([skeletons, video]), columns=len(video))
    Image.fromarray(sheet).save(out.with_suffix(".png"))
    print(f"sheet     {out.with_suffix('.png')}")
    print(f"prompt    {DEMO_PROMPT}")
    print(f"clip      {clip_path}")


def doctor() -> None:
    """Whether this machine has what the kit needs, and what to do where it has not."""
    from fyp_lite.cli.doctor import report

    print(report())


def skeleton(argv: list[str]) -> int:
    """`fyp-lite skeleton IN.mp4 ...`"""
    arguments = build_skeleton_parser().parse_args(argv)
    from fyp_lite.cli import skeleton  # slow to import: after --help

    skeleton.skeleton(arguments)
    return 0


def sweep(argv: list[str]) -> int:
    """`fyp-lite sweep PROMPT ... --clip FILE --vary NAME=V,V --out FOLDER`"""
    arguments = build_sweep_parser().parse_args(argv)
    clip_settings = ClipSettings.from_dict(read_options(arguments, CLIP_OPTIONS))
    sample_settings = SampleSettings.from_dict(read_options(arguments, SAMPLE_OPTIONS))
    arguments.clip = [find_clip(name) for name in arguments.clip]
    from fyp_lite.cli.sweep import sweep_command  # slow to import: after --help

    sweep_command(arguments, clip_settings, sample_settings, FLAGS)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code, 2 for input that cannot be used."""
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):  # names may hold letters that a terminal cannot show
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        if argv[:1] == ["skeleton"]:
            return skeleton(argv[1:])
        if argv[:1] == ["sweep"]:
            return sweep(argv[1:])
        if argv[:1] == ["convert"]:
            from fyp_lite.full.convert import convert_command

            return convert_command(argv[1:])
        if argv[:1] == ["serve"]:
            from fyp_course.public.serve import serve_command

            return serve_command(argv[1:])
        arguments = build_parser().parse_args(argv)
        if arguments.prompt in ("demo", "doctor"):
            others = {k: v for k, v in vars(arguments).items() if v is not None and k != "prompt"}
            if others:
                raise ValueError(
                    f"{arguments.prompt} takes no options, but {sorted(others)} are given; to make "
                    "a video of your own, give a prompt and --clip."
                )
            demo() if arguments.prompt == "demo" else doctor()
        else:
            job = read_job(arguments)
            if not arguments.out:
                raise ValueError("There is no place for the result; give --out FILE.mp4.")
            generate(job, Path(arguments.out))
    except (ValueError, OSError) as error:
        print(f"fyp-lite: {one_line(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("fyp-lite: stopped.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
