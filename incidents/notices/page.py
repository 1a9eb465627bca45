"""The page: a text cut into the paragraphs and lists that a page of HTML is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

_ITEM = "- "


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together: those of a paragraph, or the items of a list."""

    lines: tuple[str, ...]
    is_list: bool


def blocks(text: str) -> list[Block]:
    """The blocks of a text, whose paragraphs stand between empty lines; items begin with `- `."""
    return [block for paragraph in text.split("\n\n") for block in _of_paragraph(paragraph)]


def _of_paragraph(paragraph: str) -> Iterator[Block]:
    lines = [line for line in paragraph.split("\n") if line]
    for is_list, found in groupby(lines, key=lambda line: line.startswith(_ITEM)):
        yield Block(tuple(line.removeprefix(_ITEM) if is_list else line for line in found), is_list)
