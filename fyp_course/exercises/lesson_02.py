"""Lesson 02, time: its questions and exercises."""

from __future__ import annotations

from fyp_course.exercises.quiz import Exercise, predict
from fyp_lite.clip import Clip
from fyp_lite.cropping import choose_frames
from fyp_lite.settings import ClipSettings

PICTURES = 8


def guess_the_beginning(fps: float) -> None:
    seconds = f"after {48 / fps:g} seconds"
    predict(
        f"The clip shows {fps:g} frames a second. Where does the video begin with "
        "`start_frame` 48?",
        ["after 48 seconds", seconds, "at the last of the eight pictures"],
        answer=seconds,
        why=f"48 frames are skipped, and {fps:g} of them make a second: 48 / {fps:g} = "
        f"{48 / fps:g}.",
    )


def guess_the_frames_in_both() -> None:
    predict(
        "Once with `start_frame` 8, once with 32, both with stride 3 and eight pictures: how many "
        "frames of the clip are in both videos?",
        ["none", "one", "five"],
        answer="none",
        why="The first video ends with frame 8 + 7 × 3 = 29, and the second begins with frame 32.",
    )


def guess_the_pace(fps: float) -> None:
    predict(
        "Stride 20 in place of stride 1, still eight pictures. How does the motion play?",
        [
            "twenty times as fast",
            "at its true pace, with long jumps from picture to picture",
            "in slow motion",
        ],
        answer="at its true pace, with long jumps from picture to picture",
        why="Every picture stays on the screen for as long as it stands for: 20 frames of the "
        f"clip, which are 20 / {fps:g} of a second.",
    )


def guess_what_costs_time() -> None:
    predict(
        "Which of these changes makes the computer work longest?",
        ["stride 3 → 20", "start frame 0 → 100", "frames 8 → 16"],
        answer="frames 8 → 16",
        why="The model paints one picture for each chosen frame. Where in the clip the frames come "
        "from makes no difference to it.",
    )


def a_quarter_of_a_second(clip: Clip) -> Exercise:
    """Eight pictures, a quarter of a second apart, the first one two seconds into the clip."""

    def check(settings: ClipSettings) -> str | None:
        begin, apart = settings.start_frame / clip.fps, settings.frame_stride / clip.fps
        if settings.num_frames != PICTURES:
            return f"It takes {settings.num_frames} pictures, but eight are asked for."
        if begin != 2:
            return f"It begins {begin:.2f} s into the clip, but 2 s are asked for."
        if apart != 0.25:
            return f"The pictures are {apart:.2f} s apart, but 0.25 s are asked for."
        return None

    return Exercise(
        "Eight pictures, a quarter of a second apart, from second 2",
        check,
        hints=[
            f"The clip shows {clip.fps:g} frames a second. How many frames are two seconds?",
            "A quarter of a second is a quarter of that frame rate, in frames.",
            f"The start frame is 2 × {clip.fps:g}, the stride {clip.fps:g} / 4.",
        ],
        solution=ClipSettings(start_frame=round(2 * clip.fps), frame_stride=round(clip.fps / 4)),
    )


def as_much_as_possible(clip: Clip) -> Exercise:
    """Eight pictures from frame 0 that span as much of the clip as they can."""
    last_frame, gaps = clip.num_frames - 1, PICTURES - 1

    def check(settings: ClipSettings) -> str | None:
        if (settings.start_frame, settings.num_frames) != (0, PICTURES):
            return "Keep start frame 0 and eight pictures: only the stride is to change."
        try:
            last = choose_frames(clip, settings)[-1]
        except ValueError as error:
            return str(error)
        if last + gaps <= last_frame:
            return f"It ends at frame {last}, so a larger stride fits too."
        return None

    return Exercise(
        "Eight pictures that span as much of the clip as possible",
        check,
        hints=[
            "Eight pictures have seven gaps between them.",
            f"Seven gaps must fit into the frame numbers 0 to {last_frame}.",
            f"Divide {last_frame} by 7 and drop the remainder.",
        ],
        solution=ClipSettings(frame_stride=last_frame // gaps),
    )
