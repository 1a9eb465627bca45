"""The display: what a person sees of what a program has written to its terminal.

It knows what the queue's screen and a shell's line editor write, and refuses all else, so that a
test never looks at a screen that no terminal would show.
"""

import codecs
import re

from rich.cells import cell_len

_PIECE = re.compile(
    r"\x1b\[(?P<given>[?]?[0-9;]*)(?P<final>[A-Za-z])|\x1b\](?:[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|(?P<one>[\r\n\x08\x07])|(?P<text>[^\x1b\r\n\x08\x07]+)"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[?]?[0-9;]*|\][^\x07\x1b]*)?$")
ALTERNATE, WRAP = "?1049", "?7"
AT_FIRST = {WRAP, "?25"}
"""The modes of a terminal that nobody has changed: it wraps long lines, and its cursor is seen."""


class Display:
    """The two screens of a terminal with that size."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.modes = set(AT_FIRST)
        self.history = ""
        self._main = self._empty()
        self._other = self._empty()
        self._x = self._y = 0
        self._saved = (0, 0)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""

    @property
    def is_alternate(self) -> bool:
        """Whether the program has a screen of its own."""
        return ALTERNATE in self.modes

    @property
    def lines(self) -> list[str]:
        """The rows as they are seen, without the spaces at their ends."""
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def resize(self, columns: int, rows: int) -> None:
        """As when a person pulls at the window: what was there is lost, the program draws anew."""
        self.columns, self.rows = columns, rows
        self._main, self._other = self._empty(), self._empty()

    def feed(self, written: bytes) -> None:
        """Show what the program has written; a sequence that is not known here fails."""
        text = self._rest + self._decoder.decode(written)
        self.history += text[len(self._rest) :]
        unfinished = _UNFINISHED.search(text)
        at = len(text) if unfinished is None else unfinished.start()
        text, self._rest = text[:at], text[at:]
        place = 0
        while place < len(text):
            piece = _PIECE.match(text, place)
            assert piece is not None, repr(text[place : place + 40])
            place = piece.end()
            if piece["text"]:
                self._put(piece["text"])
            elif piece["one"]:
                self._move(piece["one"])
            elif piece["final"]:
                self._control(piece["given"], piece["final"])

    @property
    def _cells(self) -> list[list[str]]:
        return self._other if self.is_alternate else self._main

    def _empty(self) -> list[list[str]]:
        return [[" "] * self.columns for _ in range(self.rows)]

    def _put(self, text: str) -> None:
        for character in text:
            width = cell_len(character)
            if width == 0:
                continue
            if self._x + width > self.columns:
                # With wrapping off the last cell is written again and again, as terminals do.
                assert WRAP in self.modes or not self.is_alternate, f"too wide: {text!r}"
                self._move("\r")
                self._move("\n")
            row = self._cells[self._y]
            row[self._x : self._x + width] = [character, *[""] * (width - 1)]
            self._x += width

    def _move(self, how: str) -> None:
        if how == "\r":
            self._x = 0
        elif how == "\x08":
            self._x = max(0, self._x - 1)
        elif how == "\n":
            self._y += 1
            if self._y == self.rows:
                assert not self.is_alternate, "the screen scrolls"
                self._main = [*self._main[1:], [" "] * self.columns]
                self._y -= 1

    def _control(self, given: str, final: str) -> None:
        if final == "m":
            return
        if final in "hl":
            (self.modes.add if final == "h" else self.modes.discard)(given)
            if (given, final) == (ALTERNATE, "h"):
                self._other, self._saved = self._empty(), (self._x, self._y)
            elif given == ALTERNATE:
                self._x, self._y = self._saved
        elif final == "H":
            row, column = (int(part or 1) for part in (given or "1;1").split(";"))
            assert row <= self.rows
            assert column <= self.columns
            self._y, self._x = row - 1, column - 1
        elif final == "K":
            self._cells[self._y][0 if given == "2" else self._x :] = [" "] * (
                self.columns - (0 if given == "2" else self._x)
            )
        elif (given, final) == ("2", "J"):
            self._cells[:] = self._empty()
        else:
            raise AssertionError(f"an unknown sequence: {given}{final}")
