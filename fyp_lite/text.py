"""Words for people: names that were probably meant, text for one line, sizes and times."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches


def nearest_name(word: str, names: Sequence[str]) -> str | None:
    """The name that was probably meant: the first that `word` is a part of, or one spelt alike."""
    holding = [name for name in names if len(word) > 2 and word in name]
    return next(iter(holding + get_close_matches(word, names, n=1, cutoff=0.5)), None)


def one_line(text: str, most: int = 600) -> str:
    """Escape control characters (a file name may hold line ends) and shorten to `most` characters,
    at least 9, by leaving out the middle.
    """
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    end = most // 3
    return text if len(text) <= most else f"{text[: most - end - 5]} ... {text[-end:]}"


def readable_seconds(seconds: float) -> str:
    """Rounded as an estimate deserves: "less than 1 s", "about 4 s", "about 3 min", "about 2 h"."""
    if seconds < 1:
        return "less than 1 s"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.0f} h"


def readable_bytes(size: float) -> str:
    """In units of 10**9 bytes: "less than 0.1 GB", "3.1 GB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else "less than 0.1 GB"


def near_words(word: str, names: Collection[str]) -> list[str]:
    """At most three of `names` that `word` may be a slip of; a few letters in common are none."""
    mixed_up = sorted(name for name in names if sorted(name) == sorted(word))
    near = get_close_matches(word, names, n=3, cutoff=0.8)
    return list(dict.fromkeys([*mixed_up, *near]))[:3]
