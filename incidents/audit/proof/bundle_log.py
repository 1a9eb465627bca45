"""The bundle's log, for verification: the whole log, or a part of it.

In a part each entry has its own proof (C2SP tlog-proof).
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sqlalchemy import Connection

from incidents.audit.facts import Facts, Flaw, at_line, cause_of, read
from incidents.audit.jobs import Batch, Placed
from incidents.audit.proof.bundle_files import ENTRIES, Manifest, read_file
from incidents.audit.proof.bundle_notes import Notes
from incidents.audit.proof.leaf_check import RangeResult, misplaced
from incidents.errors import Cause, IncidentsError
from incidents.record.entry import MAX_BYTES, UnreadableEntryError
from incidents.store.schema.desk_tables import DESK_STREAM
from incidents.tlog import proof_file
from incidents.tlog.proof import check_inclusion
from incidents.tlog.proof_file import SUFFIX
from incidents.tlog.tiles import (
    LONGEST_ENTRY,
    Tile,
    TileError,
    entries_path,
    path,
    read_entry_bundle,
)
from incidents.tlog.tree import HASH_BYTES, WIDTH, leaf_hash

_MOST = WIDTH * (LONGEST_ENTRY + 2)


class Places(NamedTuple):
    """For some entries: their sites, log numbers, and the starts and lengths of their lines."""

    sites: array[int]
    leaves: array[int]
    offsets: array[int]
    lengths: array[int]

    @classmethod
    def by_site(cls, sites: array[int], leaves: Sequence[int], lengths: array[int]) -> Places:
        """Group entries by site, from their lines in order; leave out the desk's own entries."""
        offsets = array("q", accumulate((length + 1 for length in lengths), initial=0))
        order = sorted((n for n, site in enumerate(sites) if site > 0), key=sites.__getitem__)
        return cls(
            array("q", map(sites.__getitem__, order)),
            array("q", map(leaves.__getitem__, order)),
            array("q", map(offsets.__getitem__, order)),
            array("H", map(lengths.__getitem__, order)),
        )

    def shares(self, about: int) -> Iterator[Places]:
        """Split the entries into shares of about that many, without splitting a site."""
        begin, size = 0, len(self.sites)
        while begin < size:
            last = self.sites[min(begin + about, size) - 1]
            end = bisect_right(self.sites, last)
            yield Places(*(column[begin:end] for column in self))
            begin = end


@contextmanager
def opened(folder: Path, size: int, _connection: Connection | None = None) -> Iterator[BundleLog]:
    """Open the log in the folder of a whole bundle of `size` entries (see `jobs.Source`)."""
    with (folder / ENTRIES).open("rb") as lines:
        yield BundleLog(folder, size, lines)


class BundleLog:
    """The log (see `jobs.Log`) in a folder whose manifest was checked.

    The entries are read from the tiles of entries, and compared with the lines of `entries.jsonl`.
    """

    def __init__(self, folder: Path, size: int, lines: BinaryIO) -> None:
        self.size = size
        self.folder = folder
        self._lines = lines

    def batches(self, first: int, before: int) -> Iterator[Batch]:
        self._lines.seek(self.offset(first))
        for begin in range(first, before, WIDTH):
            width = min(WIDTH, self.size - begin)
            yield Batch(begin, self._entries(begin // WIDTH, width))

    def tile(self, level: int, n: int) -> bytes | None:
        width = min(WIDTH, (self.size >> 8 * level) - n * WIDTH)
        if width < 1:
            return None
        return read_file(self.folder, path(Tile(level, n, width)), WIDTH * HASH_BYTES)

    def where(self, leaf: int) -> str:
        return at_line(ENTRIES, leaf + 1)

    def compare(
        self, batch: Batch, facts: Sequence[Facts | None], hashes: Sequence[bytes]
    ) -> Iterator[Flaw]:
        """Compare the lines of `entries.jsonl` with the tile of entries; they must be equal."""
        del facts, hashes
        bodies = [body for body in batch.bodies if body is not None]
        if len(bodies) < len(batch.bodies):
            # Their hashes are then the tile's own, which must not pass for a check of the entries.
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
            goes_on = "it goes on, and the log has {size} entries"
            yield Flaw(part="entries", where=at_line(ENTRIES, self.size + 1), leaf=self.size,
                       what=Cause.of("flaw_goes_on", goes_on, size=self.size))  # fmt: skip

    def offset(self, first: int) -> int:
        """The start of an entry's line in `entries.jsonl`, computed from the tiles' sizes."""
        tiles = (self.folder / entries_path(n) for n in range(first // WIDTH))
        # Two bytes before each entry there, one after each entry here.
        return sum(tile.stat().st_size - WIDTH for tile in tiles)

    def placed(self, places: Places) -> Iterator[Placed]:
        """Yield the entries at those places."""
        handle = self._lines.fileno()
        for site_id, leaf, offset, length in zip(*places, strict=True):
            yield Placed(site_id, leaf, os.pread(handle, length, offset))

    def _entries(self, n: int, width: int) -> list[bytes | None]:
        found: list[bytes | None]
        try:
            found = [*read_entry_bundle(read_file(self.folder, entries_path(n, width), _MOST))]
        except TileError:
            found = []
        # A tile with bytes after its last entry has another width.
        return [*found, *[None] * width][:width] if len(found) <= width else [None] * width

    def _unreadable(self, batch: Batch) -> Flaw:
        width = len(batch.bodies)
        leaf = batch.first + batch.bodies.index(None)
        return Flaw(
            part="entries", where=entries_path(batch.first // WIDTH, width), leaf=leaf,
            what=Cause.of(
                "flaw_entry_tile",
                "the tile cannot be read as {width} entries: entry {leaf} is not available",
                width=width, leaf=leaf,
            ),
        )  # fmt: skip

    def _differing(self, first: int, bodies: Sequence[bytes], found: bytes) -> Flaw:
        lines = found.split(b"\n")
        for leaf, (body, line) in enumerate(zip(bodies, lines, strict=False), first):
            if body != line:
                return Flaw(
                    part="entries", where=self.where(leaf), leaf=leaf,
                    what=Cause.of(
                        "flaw_not_entry", "it is not entry {leaf} of {tile}", leaf=leaf,
                        tile=entries_path(first // WIDTH, len(bodies)),
                    ),
                    expected=body[:500].decode(errors="replace"),
                    found=line[:500].decode(errors="replace"),
                )  # fmt: skip
        what = Cause.of("flaw_cut_off", "it is cut off")
        return Flaw(part="entries", where=self.where(first + len(lines) - 1), what=what)


@dataclass(slots=True)
class PartResult(RangeResult):
    """The result for a part of the log; `leaves`: the numbers of its entries in the log."""

    leaves: array[int] = field(default_factory=lambda: array("q"))


def check_part(folder: Path, manifest: Manifest, notes: Notes) -> PartResult:
    """Check each entry of a part and its proof, in the order of the log."""
    seen = PartResult()
    indexes = sorted(int(Path(name).name.removesuffix(SUFFIX)) for name in manifest.under("proofs"))
    with (folder / ENTRIES).open("rb") as file:
        for n, line in enumerate(iter(lambda: file.readline(MAX_BYTES + 2), b"")):
            where = at_line(ENTRIES, n + 1)
            if not line.endswith(b"\n"):
                what = Cause.of("flaw_cut_off_or_long", "it is cut off, or too long")
                seen.flaws.append(_flaw(where, what))
                return seen
            if n >= len(indexes):
                what = Cause.of("flaw_no_proof", "there is no proof of it")
                seen.flaws.append(_flaw(where, what))
                return seen
            _take_of_part(line[:-1], indexes[n], where, seen)
            wrong = _unproved(folder, line[:-1], indexes[n], notes)
            if wrong is not None:
                seen.flaws.append(_flaw(where, wrong, indexes[n]))
    for n in indexes[seen.entries :][:1]:
        what = Cause.of("flaw_no_entry", "the entry that it proves is not there")
        seen.flaws.append(_flaw(f"proofs/{n}{SUFFIX}", what, n))
    if not seen.entries == manifest.entries > 0:
        what = Cause.of(
            "flaw_part_entries", "it has {n} entries, but the manifest says {said}",
            n=seen.entries, said=manifest.entries,
        )  # fmt: skip
        seen.flaws.append(_flaw(ENTRIES, what))
    return seen


def _take_of_part(body: bytes, leaf: int, where: str, seen: PartResult) -> None:
    seen.entries += 1
    seen.leaves.append(leaf)
    seen.lengths.append(min(len(body), MAX_BYTES))
    seen.sites.append(-1)
    try:
        facts = read(body)
    except UnreadableEntryError as error:
        seen.flaws.append(_flaw(where, error.facts["detail"], leaf))
        return
    seen.sites[-1] = facts.site_id
    seen.policies.add(facts.policy)
    if facts.site_id == DESK_STREAM:
        # A part has only some of the desk's own actions.
        seen.own.append((leaf, body))
        return
    # Joining the ranges of a whole log checks the names: a part is one range.
    is_new = facts.site_id not in seen.streams.of
    called = seen.streams.name_conflict(facts.site_id, facts.site) if is_new else None
    wrong = seen.streams.take(facts, leaf) or called
    if wrong is not None:
        entry = f"{facts.site_id}-{facts.site_seq}"
        seen.flaws.append(misplaced(entry, facts.site, leaf, where, wrong))


def _unproved(folder: Path, body: bytes, leaf: int, notes: Notes) -> str | None:
    """The reason why an entry's proof does not show that the entry is in the log, or None."""
    name = f"proofs/{leaf}{SUFFIX}"
    head = notes.head.checkpoint
    try:
        found = proof_file.parse_file(read_file(folder, name))
        if found.index != leaf or found.checkpoint != notes.text or found.extra is not None:
            none = "{name} is no proof of leaf {leaf} by this checkpoint"
            return Cause.of("flaw_other_proof", none, name=name, leaf=leaf)
        check_inclusion(leaf, head.size, leaf_hash(body), found.proof, head.root)
    except IncidentsError as error:
        why = cause_of(error)
        return Cause.of("flaw_unproved", "{name} does not prove it: {why}", name=name, why=why)
    return None


def _flaw(where: str, what: str, leaf: int | None = None) -> Flaw:
    return Flaw(part="entries", where=where, what=what, leaf=leaf)
