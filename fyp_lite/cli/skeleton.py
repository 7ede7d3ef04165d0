"""Find the people of a raw video, or read a skeleton video or keypoints of any program: as a
skeleton video, as keypoints, or both."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from fyp_lite.cli.options import add_raw_options
from fyp_lite.cli.progress import progress_bar
from fyp_lite.clip import Clip
from fyp_lite.cropping import choose_frames, crop_box
from fyp_lite.files.writing import check_writable, file_path
from fyp_lite.keypoints.advice import clip_advice
from fyp_lite.keypoints.clip import (
    PALETTES,
    KeypointClip,
    KeypointsError,
    check_keypoints_path,
)
from fyp_lite.keypoints.drawings import read_steps
from fyp_lite.keypoints.extract import ExtractStep, check_motion, extract_steps
from fyp_lite.keypoints.formats import check_openpose_path
from fyp_lite.opening import find_clip, find_input_type, open_clip
from fyp_lite.request import Request
from fyp_lite.video import check_video_path

JSON_HELP = "what --keypoints is written for [fyp_lite]"
EPILOG = """examples:
  fyp-lite skeleton me.mp4 --out skeleton.mp4 --keypoints me.json
  fyp-lite skeleton me.mp4 --keypoints poses.json --json openpose --out poses.mp4 --palette openpose
  fyp-lite skeleton openpose_output/ --fps 30 --keypoints me.json"""
USAGE = "FILE --out FILE.mp4 --keypoints FILE.json [options]"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add = parser.add_argument
    add("clip", metavar="FILE", help="raw or skeleton video, keypoints (.json or a folder)")
    add("--out", metavar="FILE", help="skeleton video: .mp4")
    add("--keypoints", metavar="FILE", help="keypoints: .json, for openpose also a new folder")
    add("--json", choices=["fyp_lite", "openpose"], default="fyp_lite", help=JSON_HELP)
    add("--palette", choices=[*PALETTES], default="fyp_lite", help="colours of --out [fyp_lite]")
    add("--fps", type=float, metavar="X", help="rate of keypoints of other programs [24]")
    add_raw_options(parser, default="auto")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="the backend's own files")
    for name, flag, text in (
        ("track", "--no-tracking", "take people in the order in which each frame gives them"),
        ("fill_gaps", "--no-filling", "leave joints missing that are missing for a moment"),
        ("smooth", "--no-smoothing", "leave the jitter in"),
        ("cache", "--no-cache", "neither use nor keep what was found before"),
    ):
        parser.add_argument(flag, dest=name, action="store_false", help=text)


def run(arguments: argparse.Namespace) -> None:
    """Find the people of a raw video and write what the arguments ask for."""
    video = file_path(arguments.out) if arguments.out else None
    keypoints = file_path(arguments.keypoints) if arguments.keypoints else None
    if video is None and keypoints is None:
        raise KeypointsError(
            "There is no place for the result; give --out FILE.mp4, --keypoints FILE.json or both."
        )
    clip_path = file_path(find_clip(arguments.clip))
    if clip_path.suffix.lower() == ".json" or clip_path.is_dir():
        people = KeypointClip.load(clip_path, fps=arguments.fps)
        check_targets(people.open(clip_path), video, keypoints, arguments.json)
        for sentence in people.notes:
            print(sentence, file=sys.stderr)
        kind, last = "keypoints", ExtractStep(people.num_frames, people.num_frames, 0.0, people)
    elif arguments.fps is not None:
        raise KeypointsError("--fps is for keypoints of other programs; a video has its own rate.")
    else:
        with open_clip(clip_path) as clip:
            check_targets(clip, video, keypoints, arguments.json)
            kind = find_input_type(clip, arguments.input_type)
            steps = read_steps(clip) if kind == "skeleton" else find_steps(clip, arguments)
            last = show_progress(steps)
    write_people(last, video, keypoints, kind, arguments.json, arguments.palette)


def find_steps(clip: Clip, arguments: argparse.Namespace) -> Iterator[ExtractStep]:
    return extract_steps(
        clip,
        backend=arguments.backend,
        weights=arguments.weights,
        track=arguments.track,
        fill_gaps=arguments.fill_gaps,
        smooth=arguments.smooth,
        max_people=arguments.max_people,
        cache=arguments.cache,
    )


def find_people_beside(result: Path, clip: Clip, request: Request) -> KeypointClip:
    """The people of a raw video, saved beside `result` as well, with advice on the terminal."""
    settings = request.clip_settings
    check_motion(clip)
    choose_frames(clip, settings)  # refuse what does not fit before frames are read
    crop_box(clip.height, clip.width, settings)
    video = result.with_name(f"{result.stem}_skeleton.mp4")
    keypoints = result.with_name(f"{result.stem}_keypoints.json")
    check_targets(clip, video, keypoints)
    steps = extract_steps(clip, backend=request.backend, max_people=request.max_people)
    last = show_progress(steps)
    assert last.clip is not None  # of the last step
    write_people(last, video, keypoints)
    for sentence in clip_advice(last.clip, settings, "options"):
        print(sentence, file=sys.stderr)
    return last.clip


def check_targets(
    clip: Clip, video: Path | None, keypoints: Path | None, layout: str = "fyp_lite"
) -> None:
    """Find out what could keep the result from being written before it is made."""
    if video is not None:
        check_video_path(video, clip.fps)
        if video.suffix.lower() != ".mp4":
            raise KeypointsError(f"{video.name}: a skeleton is written as .mp4, rename it.")
    for path in (video, keypoints):
        if path is not None and path.resolve() == clip.path.resolve():
            raise KeypointsError(f"{path} is the clip itself; give the result another name.")
    if keypoints is not None and layout == "openpose":
        check_openpose_path(keypoints)
    elif keypoints is not None:
        check_keypoints_path(keypoints)
    if keypoints is not None and keypoints.is_file():
        KeypointClip.load(keypoints)  # keypoints may replace keypoints, but no other file
    for path in (video, keypoints):
        if path is not None:
            check_writable(path)


def show_progress(steps: Iterable[ExtractStep]) -> ExtractStep:
    """Run an extraction, show how far it is, and return its last step."""
    with progress_bar("frames") as bar:
        for step in steps:
            bar.total = step.total
            bar.update(step.done - bar.n)
    return step


def write_people(
    last: ExtractStep,
    video: Path | None,
    keypoints: Path | None,
    kind: str = "raw",
    layout: str = "fyp_lite",
    palette: str = "fyp_lite",
) -> None:
    """Write people, and say what was found and where it is.

    kind: of what they come from: "raw" or "skeleton" video, or "keypoints". layout, palette: of the
    keypoints and of the video.
    """
    people = last.clip
    assert people is not None  # of the last step
    shown = f"{people.num_people} {'person' if people.num_people == 1 else 'people'}"
    source = "keypoints" if kind == "keypoints" else f"{kind} video"
    steadied = f", {last.jitter[1]:.2f} % when steadied" if kind == "raw" else ""
    jitter = f"; jitter {last.jitter[0]:.2f} % of the body" if kind != "keypoints" else ""
    print(
        f"{source} {people.source}: {people.num_frames} frames of {people.width} x "
        f"{people.height}, {people.fps:g} a second; {shown} found by {people.backend or 'somebody'}"
        f"{jitter}{steadied}"
    )
    for path in filter(None, (video, keypoints)):
        path.parent.mkdir(parents=True, exist_ok=True)
    if video is not None:
        people.save_video(video, palette=palette)
        print(f"skeleton  {video}")
    if keypoints is not None and layout == "openpose":
        print(people.save_openpose(keypoints), file=sys.stderr)
        print(f"keypoints {keypoints}  (OpenPose's 18 joints)")
    elif keypoints is not None:
        people.save(keypoints)
        print(f"keypoints {keypoints}  (give it as --clip to use it again)")
