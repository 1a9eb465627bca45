"""A list of words to look for in texts; a text without any of them is dismissed quickly."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BEGINNING = re.compile(r"(?:\[\w+\])?([\w&]+)([?*]?)")
_DOT_ABOVE = "\u0307"


class WordList:
    """Words, as the alternatives of a regular expression; upper and lower case are the same.

    Each alternative begins with a letter or a digit, after at most one set of characters.
    """

    def __init__(self, words: str) -> None:
        self._words = re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE)
        # To look for plain text is a hundred times faster, and most texts have none of the words.
        self._beginnings = tuple(dict.fromkeys(map(_beginning, _alternatives(words))))

    def may_be_in(self, folded: str) -> bool:
        """Whether one of the words may be in a text, given as `fold` returns it."""
        return any(each in folded for each in self._beginnings)

    def are_in(self, text: str) -> bool:
        """Whether one of the words is in the text."""
        return self._words.search(text) is not None


def fold(text: str) -> str:
    """Return the text with one form for all letters that are the same to a regular expression."""
    if text.isascii():
        return text.lower()
    return text.casefold().replace("ı", "i").replace(_DOT_ABOVE, "")


def _alternatives(words: str) -> Iterator[str]:
    """The alternatives, without splitting the groups in them."""
    depth, own = 0, ""
    for each in words:
        depth += {"(": 1, ")": -1}.get(each, 0)
        if each == "|" and depth == 0:
            yield own
            own = ""
        else:
            own += each
    yield own


def _beginning(alternative: str) -> str:
    """The letters with which the alternative begins; those that may be missing do not count."""
    found = _BEGINNING.match(alternative)
    plain = "" if found is None else found[1][: -1 if found[2] else None]
    assert plain, f"{alternative} begins with no letter"
    return fold(plain)
