"""The count of cases, at the end of a run."""

from __future__ import annotations

from fuzzing import answers


def pytest_terminal_summary(terminalreporter) -> None:
    if answers:
        kinds = sorted({kind for kind, _ in answers})
        counts = [
            f"{kind} {answers[kind, 'result']} + {answers[kind, 'sentence']}" for kind in kinds
        ]
        terminalreporter.write_line(
            f"fuzz: {sum(answers.values())} cases (results + sentences: {', '.join(counts)})"
        )
