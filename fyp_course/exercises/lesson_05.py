"""Questions and exercises of lesson 05, the number of steps."""

from __future__ import annotations

from collections.abc import Mapping

from fyp_course.exercises.quiz import Exercise, predict


def guess_the_first_expectation() -> None:
    """What is the first expectation made from?"""
    predict(
        "At the first step the latents are nothing but noise. What can `pred_x0` be made from "
        "then?",
        [
            "From a video that is hidden in the noise",
            "From the sentence, the pose, and what training has taught",
            "From a picture that the program has stored",
        ],
        answer="From the sentence, the pose, and what training has taught",
        why="Pure noise hides nothing. So the first expectation is simple, large forms and few "
        "details: what all videos that would fit have in common. Drag the slider below to see it.",
    )


def expect_by_hand() -> Exercise:
    """x_0 from three plain numbers."""
    return Exercise(
        "Compute x_0 for x_t = 0.8, v = -0.5 and a_t = 0.36",
        lambda value: None if abs(value - 0.88) < 0.005 else f"{value:.3f} is not what comes out.",
        hints=[
            "Take the line that begins with `x_0 =` and put the three numbers in.",
            "The root of 0.36 is 0.6; that of 1 - 0.36 is 0.8.",
            "0.6 * 0.8 - 0.8 * (-0.5)",
        ],
        solution=0.6 * 0.8 - 0.8 * (-0.5),
    )


def guess_the_cost() -> None:
    """What do twice as many steps cost?"""
    predict(
        "20 steps take a few seconds on your machine. What will 40 steps take?",
        [
            "The same: the video has as many frames as before",
            "Twice as long",
            "Four times as long: each step gets finer, too",
        ],
        answer="Twice as long",
        why="Every step asks the same network the same kind of question, so the cost grows with "
        "their number, apart from a little that every run pays once. The next two cells "
        "estimate it and measure it.",
    )


def guess_a_single_step() -> None:
    """What does a run of one step end with?"""
    predict(
        "A run of one single step: what is the finished video?",
        [
            "The first `pred_x0` itself",
            "Noise, only a little weaker",
            "Nothing: it takes at least two steps",
        ],
        answer="The first `pred_x0` itself",
        why="The only step starts at pure noise and has to end at the clean video, so it goes all "
        "the way to what the network expects. The next cell compares the two.",
    )


def find_the_knee(distance: Mapping[int, float]) -> Exercise:
    """The smallest number of steps within a quarter of a single step's distance.

    Args:
        distance: from the longest run, of every number of steps, rising; 1 is among them.
    """
    limit = distance[1] / 4
    right = min(n for n, value in distance.items() if value <= limit)

    def check(count: int) -> str | None:
        if count not in distance:
            return f"{count!r} is not in the table: choose one of {', '.join(map(str, distance))}."
        if distance[count] > limit:
            return f"With {count} steps the distance is {distance[count]:.1f}, above the limit."
        if count != right:
            return f"{count} steps are near enough, but a smaller number of them is, too."
        return None

    return Exercise(
        "Find the smallest number of steps within a quarter of the first distance",
        check,
        hints=[
            "The printed limit is a quarter of the distance of a single step.",
            "Go through the distances from the left and stop at the first one that is not above "
            "it.",
            "In Python: min(n for n in COUNTS if distance[n] <= limit)",
        ],
        solution=right,
    )
