"""The bundle's log: the whole log in a bundle's folder, as it is verified."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sqlalchemy import Connection

from incidents.audit.facts import Facts
from incidents.audit.flaw import Flaw
from incidents.audit.proof.bundle_manifest import ENTRIES, read_file
from incidents.audit.workers.log_port import Batch, Placed
from incidents.tlog.tiles import (
    LONGEST_ENTRY,
    Tile,
    TileError,
    entries_path,
    path,
    read_entry_bundle,
)
from incidents.tlog.tree import HASH_BYTES, WIDTH

_MOST = WIDTH * (LONGEST_ENTRY + 2)


class Places(NamedTuple):
    """Of some entries the site, the number in the log, where its line begins, and its length."""

    sites: array[int]
    leaves: array[int]
    offsets: array[int]
    lengths: array[int]

    @classmethod
    def by_site(cls, sites: array[int], leaves: Sequence[int], lengths: array[int]) -> Places:
        """Of entries that stand line by line, the desk's own left out: site by site."""
        offsets = array("q", accumulate((length + 1 for length in lengths), initial=0))
        order = sorted((n for n, site in enumerate(sites) if site > 0), key=sites.__getitem__)
        return cls(
            array("q", map(sites.__getitem__, order)),
            array("q", map(leaves.__getitem__, order)),
            array("q", map(offsets.__getitem__, order)),
            array("H", map(lengths.__getitem__, order)),
        )

    def shares(self, about: int) -> Iterator[Places]:
        """In pieces of about so many entries, no site in two of them."""
        begin, size = 0, len(self.sites)
        while begin < size:
            last = self.sites[min(begin + about, size) - 1]
            end = bisect_right(self.sites, last)
            yield Places(*(column[begin:end] for column in self))
            begin = end


@dataclass(frozen=True, slots=True)
class BundleSource:
    """The folder of a whole bundle of so many entries."""

    folder: Path
    size: int

    @contextmanager
    def opened(self, connection: Connection | None) -> Iterator[BundleLog]:  # noqa: ARG002 - it is the port's
        """The log in it."""
        with (self.folder / ENTRIES).open("rb") as lines:
            yield BundleLog(self.folder, self.size, lines)


class BundleLog:
    """The log in a folder whose files are those that there must be.

    The entries are read from the tiles of entries, and compared with the lines of the one file.
    """

    def __init__(self, folder: Path, size: int, lines: BinaryIO) -> None:
        self.size = size
        self.folder = folder
        self._lines = lines

    def batches(self, first: int, before: int) -> Iterator[Batch]:
        """As the port has it."""
        self._lines.seek(self.offset(first))
        for begin in range(first, before, WIDTH):
            width = min(WIDTH, self.size - begin)
            yield Batch(begin, self._entries(begin // WIDTH, width))

    def tile(self, level: int, n: int) -> bytes | None:
        """As the port has it."""
        width = min(WIDTH, (self.size >> 8 * level) - n * WIDTH)
        if width < 1:
            return None
        return read_file(self.folder, path(Tile(level, n, width)), WIDTH * HASH_BYTES)

    def where(self, leaf: int) -> str:
        """As the port has it."""
        return f"{ENTRIES}, line {leaf + 1}"

    def compare(
        self, batch: Batch, facts: Sequence[Facts | None], hashes: Sequence[bytes]
    ) -> Iterator[Flaw]:
        """The lines of the one file against the tile of entries, which must be one."""
        del facts, hashes
        bodies = [body for body in batch.bodies if body is not None]
        if len(bodies) < len(batch.bodies):
            # Their hashes are then the tile's own word: that must not pass for a look at them.
            yield self._unreadable(batch)
            for _ in batch.bodies:
                self._lines.readline(LONGEST_ENTRY + 1)
        else:
            expected = b"\n".join(bodies) + b"\n"
            found = self._lines.read(len(expected))
            if found != expected:
                yield self._differing(batch.first, bodies, found)
        last = batch.first + len(batch.bodies) == self.size
        if last and self._lines.read(1):
            yield Flaw(part="entries", where=f"{ENTRIES}, line {self.size + 1}", leaf=self.size,
                       what=f"it goes on, and the log has {self.size} entries")  # fmt: skip

    def offset(self, first: int) -> int:
        """Where the line of that entry begins, by the sizes of the tiles of entries."""
        total = 0
        for n in range(first // WIDTH):
            # Two bytes before each entry there, one after each entry here.
            total += (self.folder / entries_path(n)).stat().st_size - WIDTH
        return total

    def read(self, places: Places) -> Iterator[Placed]:
        """The entries that stand there."""
        handle = self._lines.fileno()
        for site_id, leaf, offset, length in zip(*places, strict=True):
            yield Placed(site_id, leaf, os.pread(handle, length, offset))

    def _entries(self, n: int, width: int) -> list[bytes | None]:
        found: list[bytes | None]
        try:
            found = [*read_entry_bundle(read_file(self.folder, entries_path(n, width), _MOST))]
        except TileError:
            found = []
        # A tile that goes on after its last entry is none of that width.
        return [*found, *[None] * width][:width] if len(found) <= width else [None] * width

    def _unreadable(self, batch: Batch) -> Flaw:
        width = len(batch.bodies)
        leaf = batch.first + batch.bodies.index(None)
        return Flaw(
            part="entries", where=entries_path(batch.first // WIDTH, width), leaf=leaf,
            what=f"the tile cannot be read as {width} entries: entry {leaf} is not to be had",
        )  # fmt: skip

    def _differing(self, first: int, bodies: Sequence[bytes], found: bytes) -> Flaw:
        lines = found.split(b"\n")
        for leaf, (body, line) in enumerate(zip(bodies, lines, strict=False), first):
            if body != line:
                return Flaw(
                    part="entries", where=self.where(leaf), leaf=leaf,
                    what=f"it is not entry {leaf} of {entries_path(first // WIDTH, len(bodies))}",
                    expected=body[:500].decode(errors="replace"),
                    found=line[:500].decode(errors="replace"),
                )  # fmt: skip
        return Flaw(part="entries", where=self.where(first + len(lines) - 1), what="it is cut off")
