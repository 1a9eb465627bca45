"""Markdown: the few forms that the generated pages are put together from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPACE = re.compile(r"\s+")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; characters that would end a cell are escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def page(*parts: str) -> str:
    """The parts of a page, one empty line between them, and the note that it is generated."""
    return "\n\n".join((parts[0], MADE, *parts[1:])) + "\n"


def code(text: str, language: str = "") -> str:
    """A fenced block."""
    return f"```{language}\n{text.rstrip()}\n```"


def paragraph(docstring: str | None) -> str:
    """A docstring as running text."""
    return _SPACE.sub(" ", docstring or "").strip()


def sentence(text: str) -> str:
    """`text` with a capital first letter and a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "…", ":")) else f"{text}."


MADE = "<!-- Made from the code by scripts/docs: change the code, not this page. -->"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
