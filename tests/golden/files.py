"""The golden files: how each differs from what the program says now.

What a person reads stands in `*.words.txt` and `help.txt`, what a program relies on in the others:
a change of wording alone changes none of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path

FOLDER = Path(__file__).parent / "files"
MOST_LINES = 60
"""The maximum lines of a difference to show."""


def differences(made: Mapping[str, str]) -> Iterator[str]:
    """The differences, a text for each of the files that are made."""
    for name, text in made.items():
        if (difference := _difference(name, text)) is not None:
            yield difference


def difference(made: Mapping[str, str]) -> str:
    """The difference, and what to do about it; empty if there is none."""
    found = "\n\n".join(differences(made))
    return f"{found}\n\nIf that is meant: scripts/golden (CONTRIBUTING, Tests)" if found else ""


def write(made: Mapping[str, str]) -> Iterator[str]:
    """Write what is not as it was; the names of these files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in made.items():
        if _difference(name, text) is not None:
            (FOLDER / name).write_text(text, encoding="utf-8", newline="")
            yield name


def _difference(name: str, text: str) -> str | None:
    file = FOLDER / name
    kept = file.read_bytes().decode() if file.exists() else ""
    if kept == text:
        return None
    lines = list(
        unified_diff(
            kept.splitlines(), text.splitlines(), f"{name} as it was", f"{name} now", "", "",
            n=1, lineterm="",
        )
    )  # fmt: skip
    more = [f"… and {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else []
    return "\n".join((*(lines[:MOST_LINES] or [f"{name}: the ends of lines"]), *more))
