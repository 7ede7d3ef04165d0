"""The command line: `fyp-lite "a panda on the sea" --clip dance.mp4 --out panda.mp4`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from fyp_lite import __version__, data_dir
from fyp_lite.settings import ClipSettings, SampleSettings

EPILOG = """examples:
  fyp-lite "a panda on the sea" --clip dance --out panda.mp4
  fyp-lite "an astronaut on the moon" --clip dance.mp4 --start-frame 8 --frame-stride 2 \\
           --crop-right 200 --steps 20 --guidance-scale 4 --seed 1 --out moon.webp
  fyp-lite "an astronaut on the moon" --clip raw_person.mp4 --out moon.mp4
  fyp-lite --settings panda.json --seed 2 --out panda2.mp4
  fyp-lite skeleton raw_person.mp4 --out skeleton.mp4 --keypoints keypoints.json
  fyp-lite convert --download
  fyp-lite demo
  fyp-lite doctor

The people of a raw video are found first; their skeleton is saved beside the result, as a video
and as keypoints, and either can be given as --clip.

The video's settings are saved beside it as JSON; --settings takes them back, and options on the
command line go before those of the file. Frame i of the result follows frame
start-frame + i * frame-stride of the clip."""

DEMO_PROMPT = "a panda on the sea"
DEMO_CLIP = "dance.mp4"
# Options and the fields of the settings that they set.
CLIP_OPTIONS = {
    "start_frame": "temporal crop offset: frames to skip at the clip's beginning",
    "frame_stride": "sampling stride: 1 takes every frame, 2 every other one",
    "num_frames": "frames of the result; cost follows it",
    "crop_left": "spatial crop, in pixels of the clip resized to a short side of 512",
    "crop_right": "the same on the right",
    "crop_top": "the same at the top",
    "crop_bottom": "the same at the bottom",
}
SAMPLE_OPTIONS = {
    "num_inference_steps": "steps: more are finer, cost is linear",
    "guidance_scale": "CFG scale: how strongly the prompt leads; 1 is no guidance",
    "eta": "0 is DDIM, 1 adds as much noise as DDPM",
    "seed": "the same seed gives the same video",
    "guidance_start": "guidance begins after this part of the run, 0 to 1",
    "guidance_end": "guidance ends after this part of the run; a step without it costs half",
    "scheduler": "ddim, or for few steps dpm++ or unipc",
}
FLAGS = {"num_inference_steps": "--steps"}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help.\n")


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
        "to find the people of a raw video, 'convert' to set up the full model (each of the last "
        "two has its own --help)",
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


def build_skeleton_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fyp-lite skeleton",
        description="Find the people of a raw video: as a skeleton video, as keypoints, or both.",
    )
    parser.add_argument("clip", metavar="FILE", help="raw video (mp4, gif, webm, ...)")
    parser.add_argument("--out", metavar="FILE", help="skeleton video: .mp4")
    parser.add_argument("--keypoints", metavar="FILE", help="keypoints: .json")
    add_raw_options(parser, default="auto")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="the backend's own files")
    parser.add_argument(
        "--max-people", type=int, default=3, metavar="N", help="how many are kept (default: 3)"
    )
    for name, flag, text in (
        ("track", "--no-tracking", "take people in the order in which each frame gives them"),
        ("fill_gaps", "--no-filling", "leave joints missing that are missing for a moment"),
        ("smooth", "--no-smoothing", "leave the jitter in"),
        ("cache", "--no-cache", "neither use nor keep what was found before"),
    ):
        parser.add_argument(flag, dest=name, action="store_false", help=text)
    return parser


def add_raw_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--input-type",
        default=default,
        metavar="TYPE",
        help="raw, skeleton, or auto: look at the clip (default: auto)",
    )
    parser.add_argument(
        "--backend",
        default=default,
        metavar="NAME",
        help="what finds people: mediapipe, openpose, cartoon or auto (default: auto)",
    )


def add_options(group: Any, settings: type, options: dict[str, str]) -> None:
    """One option per field; without it the field keeps the file's value or its default."""
    defaults = {field.name: field.default for field in fields(settings)}
    for name, text in options.items():
        default = defaults[name]
        kind = float if default is None else type(default)
        shown = "the model's own" if default is None else default
        group.add_argument(
            FLAGS.get(name, "--" + name.replace("_", "-")),
            dest=name,
            type=kind,
            metavar={int: "N", float: "X", str: "NAME"}[kind],
            help=f"{text} (default: {shown})",
        )


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
        given = {name: getattr(arguments, name) for name in options}
        job[part] = job[part] | {k: v for k, v in given.items() if v is not None}
    for name in ("prompt", "clip"):
        if not job.get(name):
            flag = "a prompt" if name == "prompt" else "--clip FILE"
            raise ValueError(f"There is no {name}; give {flag}, or --settings with one inside.")
    return job


def read_settings_file(path: Path) -> dict[str, Any]:
    try:
        job = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"The settings file {str(path)!r} cannot be read: {error.strerror}."
        ) from None
    except ValueError:
        raise ValueError(
            f"The settings file {str(path)!r} is not JSON; use one that fyp-lite saved."
        ) from None
    known = {"prompt", "negative_prompt", "clip", "model", "clip_settings", "sample_settings"}
    known |= {"version", "result", "input_type", "backend"}
    if not isinstance(job, dict) or set(job) - known:
        extra = sorted(set(job) - known) if isinstance(job, dict) else "no fields"
        raise ValueError(
            f"The settings file {str(path)!r} has {extra}, but only {sorted(known)} are known."
        )
    for name, value in job.items():
        kind = dict if name.endswith("_settings") else str
        if not isinstance(value, kind):
            what = "an object of settings" if kind is dict else "text"
            raise ValueError(
                f"The settings file {str(path)!r} has {value!r} as {name}, but it must be {what}."
            )
    return job


def check_replaceable(card_path: Path) -> None:
    """Settings may replace settings, but no other file."""
    try:
        if card_path.exists():
            read_settings_file(card_path)
    except ValueError:
        raise ValueError(
            f"{card_path} is not a settings file of fyp-lite and would be replaced by one; give "
            "--out another name."
        ) from None


def find_clip(name: str) -> str:
    """The file `name`, or where there is none the bundled clip of that name: dance, dance.mp4."""
    bundled = data_dir() / "clips" / Path(name).with_suffix(".mp4")
    if Path(name).name != name or Path(name).exists() or not bundled.is_file():
        return name
    return str(bundled)


def generate(job: dict[str, Any], out: Path) -> None:
    """Make the video and its settings file; print where they are."""
    from fyp_lite.advice import prompt_advice
    from fyp_lite.clip import open_clip, prepare_clip
    from fyp_lite.keypoints.source import find_input_type
    from fyp_lite.skeleton import check_skeleton_frames
    from fyp_lite.video import check_video_path, write_video

    began = time.perf_counter()
    clip_settings = ClipSettings.from_dict(job["clip_settings"])
    sample_settings = SampleSettings.from_dict(job["sample_settings"])
    out, card_path = out.expanduser(), out.expanduser().with_suffix(".json")
    with ExitStack() as stack:
        clip = stack.enter_context(open_clip(find_clip(job["clip"])))
        # Whatever could stop the result from being kept is found out before it is made.
        check_video_path(out, clip.fps / clip_settings.frame_stride)
        if out.resolve() == clip.path.resolve():
            raise ValueError(f"--out {out} is the clip itself; give the result another name.")
        check_replaceable(card_path)
        if find_input_type(clip, job["input_type"]) == "raw":
            from fyp_lite.keypoints.command import find_people_beside

            people = find_people_beside(out, clip, clip_settings, job["backend"])
            clip = stack.enter_context(people.open(clip.path))
        check_skeleton_frames(prepare_clip(clip, clip_settings, 256).frames)
        out.parent.mkdir(parents=True, exist_ok=True)

        from fyp_lite.checkpoints import load_pipeline  # slow to import: after the cheap checks

        pipeline = load_pipeline(job["model"])
        prepared = prepare_clip(clip, clip_settings, pipeline.size)
    for sentence in prompt_advice(pipeline, job["prompt"], prepared.frames):
        print(sentence, file=sys.stderr)
    result = pipeline(
        job["prompt"], prepared.frames, sample_settings, negative_prompt=job["negative_prompt"]
    )
    write_video(out, result.video, prepared.fps)
    card = job | {
        "clip_settings": clip_settings.to_dict(),
        "sample_settings": sample_settings.to_dict(),
        "version": __version__,
        "result": out.name,
    }
    card_path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    seconds = time.perf_counter() - began
    print(f"video     {out}  ({len(result.video)} frames, {prepared.fps:g} a second)")
    print(f"settings  {card_path}")
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
    from fyp_lite.lessons.doctor import report

    print(report())


def skeleton(argv: list[str]) -> int:
    """`fyp-lite skeleton IN.mp4 ...`"""
    arguments = build_skeleton_parser().parse_args(argv)
    from fyp_lite.keypoints import command  # slow to import: after --help

    command.skeleton(arguments)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code, 2 for input that cannot be used."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        if argv[:1] == ["skeleton"]:
            return skeleton(argv[1:])
        if argv[:1] == ["convert"]:
            from fyp_lite.convert import convert_command

            return convert_command(argv[1:])
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
        print(f"fyp-lite: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("fyp-lite: stopped.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
