"""One line: somebody's text made into a text that cannot be anything but one line."""

from __future__ import annotations

import unicodedata

# They join the letters of honest words.
_JOINERS = "\u200c\u200d"
# Controls, marks that turn the order of the letters round, halves of characters, line separators.
_NO_TEXT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def one_line(text: str, most: int) -> str:
    """The text with a space for whatever ends a line or cannot be seen, cut to `most` characters.

    Nothing that is returned can end a header, open a paragraph or turn the order of letters round.
    """
    words = "".join(" " if _is_none(character) else character for character in text[: 4 * most])
    line = " ".join(words.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _is_none(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _NO_TEXT
