"""The problem: what an adapter says went wrong, in a form that may be kept and shown."""

from __future__ import annotations

import re

from incidents.desk.text import MAX_DIGITS

_NOT_CODE = re.compile("[^a-z0-9_]+")
_MAX_CODE, _MAX_DETAIL = 40, 300


def code(word: str) -> str:
    """A code that may go on record, whatever an adapter of others has said."""
    found = _NOT_CODE.sub("_", word.lower())
    # A number of seven digits may be somebody's, and no code holds one.
    if sum(character.isdigit() for character in found) >= MAX_DIGITS:
        found = "".join(character for character in found if not character.isdigit())
    return found[:_MAX_CODE].strip("_") or "unknown"


def sentence(text: str | None) -> str | None:
    """One line of printable text, 300 characters at most."""
    shown = "".join(c if c.isprintable() else " " for c in text or "")
    return shown[:_MAX_DETAIL].strip() or None
