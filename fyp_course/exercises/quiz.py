"""What tells learners how they are doing: predictions and exercises.

Nothing is stored or sent, nothing must be answered, and no wrong answer ends in a traceback.
`expected` compares their videos.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
from IPython.display import Markdown, display

from fyp_course.stills import stills_only

# ---------------------------------------------------------------------------- predictions


class Prediction(widgets.VBox):
    """A question to guess at before the next cell runs; see `predict`.

    Attributes: `choice` (RadioButtons, nothing chosen at first), `reveal` (the button), `verdict`.
    """

    def __init__(self, question: str, choices: Sequence[str], answer: str, why: str) -> None:
        if answer not in choices:
            raise ValueError(
                f"answer is {answer!r}, which is not one of the choices: repeat one of "
                f"{list(choices)} to the letter."
            )
        self.answer, self.why = answer, why
        self.choice = widgets.RadioButtons(
            options=[(text.replace("`", ""), text) for text in choices],  # labels are plain text
            value=None,
            description="Your guess:",
            style={"description_width": "90px"},
            layout={"width": "max-content"},
        )
        self.reveal = widgets.Button(
            description="Show the answer", icon="eye", layout={"width": "max-content"}
        )
        self.reveal.on_click(self._on_reveal)
        self.verdict = widgets.HTML()
        asked = widgets.HTML(f"<b>Predict.</b> {_inline(question)}")
        super().__init__([asked, self.choice, self.reveal, self.verdict])

    def _on_reveal(self, _button: widgets.Button) -> None:
        if self.choice.value is None:
            said = f"The answer: {self.answer}"
        elif self.choice.value == self.answer:
            said = f"✔ Right: {self.answer}"
        else:
            said = f"✘ Not this time. The answer: {self.answer}"
        self.verdict.value = (
            f'<div role="status"><b>{_inline(said)}</b><br>{_inline(self.why)}</div>'
        )


def predict(question: str, choices: Sequence[str], answer: str, why: str) -> None:
    """Ask for a guess: radio buttons and "Show the answer", which works without a guess too.

    In stills mode the question and its numbered choices are shown without the answer.

    Args:
        question: one sentence. It, the choices and `why` may hold `code` in backticks.
        choices: two or more.
        answer: the right one of `choices`, to the letter.
        why: one to three sentences, shown with the answer; best with a measured figure.
    """
    prediction = Prediction(question, choices, answer, why)
    if stills_only():
        numbered = "\n".join(f"{number}. {text}" for number, text in enumerate(choices, 1))
        display(Markdown(f"**Predict.** {question}\n\n{numbered}"))
    else:
        display(prediction)


def _inline(text: str) -> str:
    """Plain text with `code` in backticks, as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


# ---------------------------------------------------------------------------- exercises

# Wrong tries so far, by title: a new try runs the cell again, which makes its exercise again.
_wrong_tries: dict[str, int] = {}


class Exercise:
    """A task with a check, up to three hints and a solution.

        exercise = Exercise("Choose frames 92, 94, ...", check, hints=[...], solution=...)
        exercise.check(settings)         # right, or what is off and the next hint
        settings = exercise.solution()   # the right value, to go on with

    Args:
        title: what to do, in one sentence.
        check: takes the learner's value; returns None where it is right, otherwise one sentence
            that says what is off.
        hints: up to three, from a nudge to nearly the answer; each wrong try shows the next one.
        solution: a value that passes the check.

    Attributes: `passed`, whether a try was right so far; `tries`, the wrong ones so far, those of
    an exercise of the same title before it among them, until one was right.
    """

    def __init__(
        self, title: str, check: Callable[[Any], str | None], hints: Sequence[str], solution: Any
    ) -> None:
        if len(hints) > 3:
            raise ValueError(f"{title!r} has {len(hints)} hints, but three at most help: merge.")
        self.title, self.passed, self.tries = title, False, _wrong_tries.get(title, 0)
        self._check, self._hints, self._solution = check, list(hints), solution

    def check(self, value: Any) -> None:
        """Show whether `value` is right; where it is not, what is off and the next hint.

        `...`, what an exercise's cell holds at first, costs no hint.
        """
        if value is ...:
            _say("**Not done yet.** Put your value in place of the `...` and run the cell again.")
            return
        wrong = self._problem(value)
        if wrong is None:
            self.passed = True
            _wrong_tries.pop(self.title, None)
            _say(f"✔ **Right.** {self.title}: done.")
            return
        self.tries += 1
        _wrong_tries[self.title] = self.tries
        _say(f"✘ **Not yet.** {_inline(wrong)}\n\n{self._next_hint()}")

    def solution(self) -> Any:
        """The right value, for those who want to go on."""
        return self._solution

    def _problem(self, value: Any) -> str | None:
        try:
            return self._check(value)
        except Exception as error:  # of the learner's value: explained, never a traceback
            found, wanted = _kind(value), _kind(self._solution)
            if found != wanted:
                return f"Your value is of {found}, but {wanted} is expected."
            return f"Your value cannot be checked ({type(error).__name__}: {error})."

    def _next_hint(self) -> str:
        if self.tries <= len(self._hints):
            number = f"{self.tries} of {len(self._hints)}"
            return f"*Hint {number}:* {self._hints[self.tries - 1]}"
        return "*No more hints:* `.solution()` of this exercise gives a right value to go on with."


def _kind(value: Any) -> str:
    """A value's type, and its shape where it has one."""
    shape = getattr(value, "shape", None)
    return f"type {type(value).__name__}" + (f", shape {tuple(shape)}" if shape is not None else "")


def _say(text: str) -> None:
    display(Markdown(text))
