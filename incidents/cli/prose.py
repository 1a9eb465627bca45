"""Prose on a terminal: Chinese lines can break anywhere, except within a name or a number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.containers import Lines
from rich.measure import Measurement
from rich.text import Text

if TYPE_CHECKING:
    from typing import Any

    from rich.console import Console, ConsoleOptions

_HAN = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
# Marks that end no line, and marks that begin none (GB/T 15834).
_OPENS, _CLOSES = "（《〈「『【〔“‘", "，。：；！？、）》〉」』】〕”’…—"
_CHINESE = re.compile(f"[{_HAN}]")
# An unbroken piece: a Chinese character, or a run of others, with the marks that belong to it.
# Words joined by a no-break space, such as a key and its label, are one piece.
_PIECE = re.compile(
    rf"[{_OPENS}]*"
    rf"(?:\S+\u00a0[{_HAN}]+?(?=[{_CLOSES}\s]|$)"
    rf"|[^\s{_HAN}{_OPENS}{_CLOSES}]+|[{_HAN}]|(?=[{_CLOSES}\s]|$))[{_CLOSES}]*\s*"
)


class Prose(Text):
    """Text in which Chinese lines are wrapped here, and other lines by rich."""

    def wrap(self, console: Console, width: int, **more: Any) -> Lines:
        """Wrap the text to lines that are at most `width` wide."""
        if more.get("no_wrap") or not _CHINESE.search(self.plain):
            return super().wrap(console, width, **more)
        lines = Lines()
        for line in self.split(allow_blank=True):
            for part in line.divide(_breaks(line.plain, width)):
                part.rstrip_end(width)
                # A piece too long for a line, such as an address, is folded.
                lines.extend(Text.wrap(part, console, width, overflow="fold"))
        return lines

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """The minimum and the maximum width of the text.

        The minimum is the width of the longest piece.
        """
        found = super().__rich_measure__(console, options)
        least = max((cell_len(each.rstrip()) for each in pieces(self.plain)), default=0)
        return Measurement(min(found.minimum, least), found.maximum)


def pieces(text: str) -> list[str]:
    """Cut a text into pieces that must stay on one line; a Chinese piece keeps its space.

    Text without Chinese is cut into words.
    """
    if not _CHINESE.search(text):
        return text.split()
    found, at = [], 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        end = at + 1 if piece is None or piece.end() == at else piece.end()
        found.append(text[at:end])
        at = end
    return found


def _breaks(text: str, width: int) -> list[int]:
    """The offsets of the characters before which a line must break."""
    found, used, at = [], 0, 0
    for piece in pieces(text):
        if used and used + cell_len(piece.rstrip()) > width:
            found.append(at)
            used = 0
        used += cell_len(piece)
        at += len(piece)
    return found
