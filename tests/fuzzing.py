"""What the suites of tests/fuzz share: how many cases, and what a good answer is.

`make fuzz` runs them long, with a seed that it prints; `make test` runs few cases, always the same.
"""

from __future__ import annotations

import faulthandler
import os
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import fyp_lite

LONG = bool(os.environ.get("FYP_LITE_FUZZ"))
PACKAGE = str(Path(fyp_lite.__file__).parent)
MAX_LETTERS = 700  # of a sentence
SECONDS = 300  # that a case may take on the busiest machine before it counts as hanging
answers: Counter[tuple[str, str]] = Counter()  # (kind of input, "result" or "sentence")


def cases(quick: int, long: int) -> settings:
    """How many examples a test runs, in `make test` and in `make fuzz`."""
    return settings(
        max_examples=long if LONG else quick,
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def answer(kind: str, call: Callable[[], Any], *given: str) -> Any:
    """What `call` returns, or the ValueError that it raised, which must be one clear sentence.

    Anything else that it raises goes on and fails the test.

    Args:
        kind: of input, for the count of cases.
        given: texts of the user's that the sentence may repeat, whatever they hold.
    """
    try:
        faulthandler.dump_traceback_later(SECONDS, exit=True)  # also out of compiled code
        result = call()
    except ValueError as error:
        answers[kind, "sentence"] += 1
        where = traceback.extract_tb(error.__traceback__)[-1].filename
        assert where.startswith(PACKAGE), f"{where} raised {error!r}: it is no sentence of ours"
        check_sentence(str(error), *given)
        return error
    finally:
        faulthandler.cancel_dump_traceback_later()
    answers[kind, "result"] += 1
    return result


def refused(result: object) -> bool:
    return isinstance(result, ValueError)


def check_sentence(text: str, *given: str) -> None:
    """One line that a newcomer can read: starts and ends like a sentence, shows no internals."""
    for part in sorted(given, key=len, reverse=True):
        if len(part) > 2 or not part.isprintable():
            text = text.replace(part, "GIVEN")
    assert 20 <= len(text) <= MAX_LETTERS, f"{len(text)} letters: {text!r}"
    assert text.isprintable(), f"more than one line, or codes of a terminal: {text!r}"
    assert text.rstrip()[-1] in ".?", f"it does not end: {text!r}"
    assert not re.search(r"Traceback|<\w+ object|0x[0-9a-f]{6}|\bNoneType\b", text), repr(text)


def check_terminal(code: int | str | None, errors: str, folder: Path) -> None:
    """A refusal on the command line: exit code 2, one line, and nothing written to `folder`."""
    assert code == 2, f"exit code {code}: {errors}"
    assert errors.endswith("\n") and errors.count("\n") == 1, f"no single line: {errors!r}"
    check_sentence(errors.rstrip("\n"))
    assert not list(folder.iterdir()), f"left behind: {list(folder.iterdir())}"


# Texts as people and their tools make them: emoji, right-to-left, markup, control codes.
LETTERS = st.one_of(
    st.characters(),
    st.characters(max_codepoint=127),
    st.sampled_from("\0\n\r\t\x1b\u202e\u200b\ufeff\ud83d🐼👩‍🚀אبक<>&\"'`$;|/\\%{}"),
)
TEXTS = st.one_of(
    st.text(LETTERS, max_size=60),
    st.sampled_from(
        [
            "",
            " ",
            "a panda on the sea",
            "🐼 on the 🌊",
            "الباندا على البحر",
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "${HOME} $(touch x) `touch x` %s {0}",
            "\x1b]0;title\x07\x1b[31m",
            "a" * 10_000,
            "panda " * 1_667,
            "\u202epanda a",
            "undecodable \udcff",
        ]
    ),
)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 1100),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 2**63, 2**31, 1e308, 5e-324]),
    TEXTS,
    st.binary(max_size=8),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """`content` cut off, with bytes changed, with a piece taken out, doubled or put in."""
    places = st.integers(0, len(content))

    def change(flips: list[tuple[int, int]]) -> bytes:
        data = bytearray(content)
        for place, value in flips:
            data[place % len(data)] = value
        return bytes(data)

    def splice(a: int, b: int, piece: bytes) -> bytes:
        return content[:a] + piece + content[b:]

    flips = st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=8)
    # Headers decide most, and are the smallest part of a file.
    early = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=4)
    return st.one_of(
        places.map(lambda end: content[:end]),
        flips.map(change),
        early.map(change),
        st.builds(splice, places, places, st.binary(max_size=16)),
    )


def changed_json(value: Any) -> st.SearchStrategy[Any]:
    """`value` with one entry, at any depth, replaced, taken out or added."""
    places = list(_places(value))

    odd = [1e400, float("nan"), -1, 0, 2**70, "", "../../etc/passwd", "x" * 2000, [], {}, True]
    return st.builds(
        lambda place, new, drop: _changed(value, place, new, drop) if place else new,
        st.sampled_from(places),
        JSON | st.sampled_from(odd),
        st.booleans(),
    )


def _places(value: Any, place: tuple = ()) -> Iterator[tuple]:
    yield place
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*place, key))
    elif isinstance(value, list):
        for number in range(min(3, len(value))):
            yield from _places(value[number], (*place, number))


def _changed(value: Any, place: tuple, new: Any, drop: bool) -> Any:
    key, *rest = place
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        copy[key] = _changed(value[key], tuple(rest), new, drop)
    elif drop:
        del copy[key]
    else:
        copy[key] = new
    return copy
