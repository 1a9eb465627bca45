"""The guard of a cell: what a spreadsheet would take for a formula stands behind an apostrophe.

OWASP, "CSV Injection". An apostrophe that is a text's own gets one too, so that taking one away
gives each text back as it was.
"""

from __future__ import annotations

GUARD = "'"
_TAKEN = frozenset("=+-@\t\r＝＋－＠" + GUARD)
"""What a formula begins with, also in full width, and the guard itself."""


def guarded(text: str) -> str:
    """The text as it stands in a cell."""
    return GUARD + text if text[:1] in _TAKEN else text


def bare(cell: str) -> str:
    """The text that a cell stands for: that of a guarded one is the one that was guarded."""
    return cell[1:] if cell[:1] == GUARD and cell[1:2] in _TAKEN else cell
