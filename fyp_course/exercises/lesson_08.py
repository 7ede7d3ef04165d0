"""Questions and exercises of lesson 08, training."""

from __future__ import annotations

from torch import nn

from fyp_course.exercises.quiz import Exercise, predict
from fyp_world.training.s2_text import FACTS
from fyp_world.world.characters import CHARACTERS, Character
from fyp_world.world.dataset import world_vocabulary

WORDS = frozenset(world_vocabulary())  # of the bundled world's captions


def make_a_character(example: Character) -> Exercise:
    """A copy of any character with a new name and another colour; `example` is one that passes."""

    def check(value: Character) -> str | None:
        if value.name in FACTS or value.name in WORDS:
            return f"The world has the word {value.name!r} already: give it a name of its own."
        if not value.name.isalpha() or value.name != value.name.lower():
            return f"The name is {value.name!r}: take one word in lower-case letters."
        for name, colour in value.palette.items():
            whole = isinstance(colour, tuple) and all(isinstance(part, int) for part in colour)
            if not whole or len(colour) != 3 or not all(0 <= part <= 255 for part in colour):
                return (
                    f"The colour {name!r} is {colour!r}: give three whole numbers from 0 to 255, "
                    "in round brackets."
                )
        known = [c for c in CHARACTERS.values() if c.name != value.name]  # it may be among them
        near = [character for character in known if character.head is value.head]
        for character in near:
            if character.palette.items() <= value.palette.items():
                names = ", ".join(character.palette)
                if strange := sorted(value.palette.keys() - character.palette):
                    said = f"The {character.name} has no colour {strange[0]!r}"
                else:
                    said = "Its colours are those that it was copied with"
                return f"{said}: change one of {names}."
        missing = [set(character.palette) - set(value.palette) for character in near]
        if near and all(missing):
            return f"Its palette lacks the colours {', '.join(sorted(missing[0]))}: give all."
        return None

    return Exercise(
        "Make a character of your own",
        check,
        hints=[
            "Begin with `replace(CHARACTERS['cat'], ...)`.",
            "It needs `name='...'` and `palette={...}`, with all names of colours that the copied "
            "character's palette has.",
            "The frog in the cell above is a right answer: copy it and change its colours.",
        ],
        solution=example,
    )


def guess_the_losses() -> None:
    """What four losses does a network have that has learned nothing?"""
    predict(
        "32 pictures were kept back. Before any training, the loss on them is measured four "
        "times: as they are, without their pose, with another picture's pose, with another "
        "picture's prompt. How do the four compare?",
        ["The first is the smallest", "The last is the largest", "All four are the same"],
        answer="All four are the same",
        why="The last layer starts at zero, so at first the network predicts the same whatever "
        "its input.",
    )


def guess_what_stays() -> None:
    """Which part does training on clips without skeletons leave alone?"""
    predict(
        "Which of these does the motion stage leave exactly as it was?",
        ["The pose encoder", "The queries of the cross-frame attention", "The temporal attention"],
        answer="The pose encoder",
        why="What carries the pose isn't touched, so clips without skeletons cannot spoil it.",
    )


def share_that_is_trained(network: nn.Module) -> Exercise:
    """The parameters of `network` that are trained, as a share of all, within half a point."""
    sizes = [(p.numel(), p.requires_grad) for p in network.parameters()]
    right = sum(size for size, trained in sizes if trained) / sum(size for size, _ in sizes)

    def check(value: float) -> str | None:
        if not 0 <= value <= 1:
            return f"{value:g} is no share: give a number from 0 to 1."
        if abs(value - right) < 0.005:
            return None
        return f"{value:.3f} is too {'large' if value > right else 'small'}."

    return Exercise(
        "The share that the motion stage trains",
        check,
        hints=[
            "`moving.parameters()` gives all parameters, one after the other.",
            "Divide one sum by another: the numbers of those that are trained, by all numbers.",
            "`sum(p.numel() for p in moving.parameters() if p.requires_grad)` is the upper one.",
        ],
        solution=right,
    )
