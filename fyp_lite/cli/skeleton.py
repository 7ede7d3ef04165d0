"""Find the people of a raw video: as a skeleton video, as keypoints, or both."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from fyp_lite.cli.options import add_raw_options
from fyp_lite.cli.progress import progress_bar
from fyp_lite.clip import Clip
from fyp_lite.cropping import choose_frames, crop_box
from fyp_lite.files.writing import check_writable, file_path
from fyp_lite.keypoints.advice import clip_advice
from fyp_lite.keypoints.clip import KeypointClip, KeypointsError, check_keypoints_path
from fyp_lite.keypoints.extract import ExtractStep, check_motion, extract_steps
from fyp_lite.opening import find_input_type, open_clip
from fyp_lite.settings import ClipSettings
from fyp_lite.video import check_video_path

USAGE = "FILE --out FILE.mp4 --keypoints FILE.json [options]"


def add_options(parser: argparse.ArgumentParser) -> None:
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


def run(arguments: argparse.Namespace) -> None:
    """Find the people of a raw video and write what the arguments ask for."""
    video = file_path(arguments.out) if arguments.out else None
    keypoints = file_path(arguments.keypoints) if arguments.keypoints else None
    if video is None and keypoints is None:
        raise KeypointsError(
            "There is no place for the result; give --out FILE.mp4, --keypoints FILE.json or both."
        )
    with open_clip(arguments.clip) as clip:
        check_targets(clip, video, keypoints)
        if find_input_type(clip, arguments.input_type) == "skeleton":
            raise KeypointsError(
                f"{clip.path.name} looks like a skeleton video already: give it as --clip, or say "
                "--input-type raw if it shows people in the dark."
            )
        steps = extract_steps(
            clip,
            backend=arguments.backend,
            weights=arguments.weights,
            track=arguments.track,
            fill_gaps=arguments.fill_gaps,
            smooth=arguments.smooth,
            max_people=arguments.max_people,
            cache=arguments.cache,
        )
        write_people(show_progress(steps), video, keypoints)


def find_people_beside(
    result: Path, clip: Clip, settings: ClipSettings, backend: str
) -> KeypointClip:
    """The people of a raw video, saved beside `result` as well, with advice on the terminal."""
    check_motion(clip)
    choose_frames(clip, settings)  # refuse what does not fit before frames are read
    crop_box(clip.height, clip.width, settings)
    video = result.with_name(f"{result.stem}_skeleton.mp4")
    keypoints = result.with_name(f"{result.stem}_keypoints.json")
    check_targets(clip, video, keypoints)
    last = show_progress(extract_steps(clip, backend=backend))
    assert last.clip is not None  # of the last step
    write_people(last, video, keypoints)
    for sentence in clip_advice(last.clip, settings):
        print(sentence, file=sys.stderr)
    return last.clip


def check_targets(clip: Clip, video: Path | None, keypoints: Path | None) -> None:
    """Find out what could keep the result from being written before it is made."""
    if video is not None:
        check_video_path(video, clip.fps)
        if video.suffix.lower() != ".mp4":
            raise KeypointsError(f"{video.name}: a skeleton is written as .mp4, rename it.")
    for path in (video, keypoints):
        if path is not None and path.resolve() == clip.path.resolve():
            raise KeypointsError(f"{path} is the clip itself; give the result another name.")
    if keypoints is not None:
        check_keypoints_path(keypoints)
        if keypoints.exists():
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


def write_people(last: ExtractStep, video: Path | None, keypoints: Path | None) -> None:
    """Write the result of an extraction, and say what was found and where it is."""
    people = last.clip
    assert people is not None  # of the last step
    shown = f"{people.num_people} {'person' if people.num_people == 1 else 'people'}"
    print(
        f"raw video {people.source}: {people.num_frames} frames of {people.width} x "
        f"{people.height}, {people.fps:g} a second; {shown} found by {people.backend}; jitter "
        f"{last.jitter[0]:.2f} % of the body, {last.jitter[1]:.2f} % when steadied"
    )
    for path, save in ((video, people.save_video), (keypoints, people.save)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            save(path)
    if video is not None:
        print(f"skeleton  {video}")
    if keypoints is not None:
        print(f"keypoints {keypoints}  (give it as --clip to use it again)")
