"""The check of this machine, as a table in a notebook."""

from __future__ import annotations

from IPython.display import Markdown, display

from fyp_lite.cli.doctor import diagnose, summary


def doctor() -> None:
    """Show the pass/fix table in a notebook; takes up to a minute, as it times the model."""
    rows = diagnose()
    lines = ["| | | found | fix |", "|---|---|---|---|"]
    for row in rows:
        mark = "✘ **fix**" if not row.ok else "– not needed" if row.missing else "✔ ok"
        lines.append(f"| {mark} | {row.name} | {row.found} | {row.fix} |".replace("\n", " "))
    display(Markdown("\n".join([*lines, "", summary(rows)])))
