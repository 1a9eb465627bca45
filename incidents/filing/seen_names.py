"""The names that have been seen, each with the row that had it first, in a few bytes a name.

A name is known by its hash of 64 bits. Of a million names two have one hash once in 30 million
lists; the second would be called a double, and its row asked about, not taken.
"""

from __future__ import annotations

from array import array

_BEGIN = 1 << 10


class SeenNames:
    """A table of hashes, of which half the places at least are free."""

    def __init__(self) -> None:
        self._count = 0
        self._hashes = array("q", bytes(8 * _BEGIN))
        self._rows = array("L", bytes(array("L").itemsize * _BEGIN))

    def first(self, name: str, row: int) -> int:
        """The row that had that name first: this one, if none had it."""
        # A place that holds 0 is free.
        mark = hash(name) or 1
        at = self._place(mark)
        if self._hashes[at]:
            return self._rows[at]
        self._hashes[at], self._rows[at] = mark, row
        self._count += 1
        if 2 * self._count > len(self._hashes):
            self._grow()
        return row

    def _place(self, mark: int) -> int:
        hashes, last = self._hashes, len(self._hashes) - 1
        at = mark & last
        while (found := hashes[at]) and found != mark:
            at = (at + 1) & last
        return at

    def _grow(self) -> None:
        before = zip(self._hashes, self._rows, strict=True)
        size = 2 * len(self._hashes)
        self._hashes = array("q", bytes(8 * size))
        self._rows = array("L", bytes(self._rows.itemsize * size))
        for mark, row in before:
            if mark:
                at = self._place(mark)
                self._hashes[at], self._rows[at] = mark, row
