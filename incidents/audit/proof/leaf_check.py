"""The check of the log's leaves: each entry's hash and place, and the tiles.

A site's entries are in the log in the order of their own numbers, because each entry is written
after the previous entry is committed. Therefore one pass over the entries, in the log's order, is
enough.

Ranges begin with a full tile, so that several processes can check different ranges.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

from incidents.audit.facts import Facts, Flaw, read, read_end
from incidents.audit.jobs import Batch, Log
from incidents.audit.pool import Progress
from incidents.errors import Cause
from incidents.record.entry import MAX_BYTES, UnreadableEntryError
from incidents.store.schema.desk_tables import DESK_STREAM
from incidents.tlog.tiles import Tile, path, tiles_of
from incidents.tlog.tree import HASH_BYTES, WIDTH, tile_root


class SiteRange(NamedTuple):
    """The entries of one site in a range of the log; `leaf`: the log number of the first entry."""

    site: str
    first: int
    first_at: str
    leaf: int | None
    last: int
    last_at: str


class Streams:
    """The entries of each site that were processed so far, by the site's number."""

    def __init__(self) -> None:
        self.of: dict[int, SiteRange] = {}
        self._ids: dict[str, int] = {}

    def take(self, facts: Facts, leaf: int | None) -> str | None:
        """Process the next entry; return what is wrong with its place, if anything."""
        site, site_id, seq, at, _ = facts
        seen = self.of.get(site_id)
        if seen is None:
            self.of[site_id] = SiteRange(site, seq, at, leaf, seq, at)
            return None
        self.of[site_id] = SiteRange(seen.site, seen.first, seen.first_at, seen.leaf, seq, at)
        return _follows(seen, site, seq, at)

    def join(self, later: Streams) -> Iterator[tuple[int, SiteRange, str]]:
        """Append a later range; yield the sites whose entries do not continue, with the reason."""
        for site_id, stretch in later.of.items():
            seen = self.of.get(site_id)
            wrong = self.name_conflict(site_id, stretch.site)
            if seen is None:
                self.of[site_id] = stretch
            else:
                wrong = _follows(seen, stretch.site, stretch.first, stretch.first_at) or wrong
                self.of[site_id] = seen._replace(last=stretch.last, last_at=stretch.last_at)
            if wrong is not None:
                yield site_id, stretch, wrong

    def name_conflict(self, site_id: int, site: str) -> str | None:
        """Return what is wrong if another site already has the name of a new site."""
        other = self._ids.setdefault(site, site_id)
        if other == site_id:
            return None
        already = "site {other} is called {site!r} already"
        return Cause.of("flaw_called_already", already, other=other, site=site)


def misplaced(entry: str, site: str, leaf: int | None, where: str, what: str) -> Flaw:
    """The flaw of an entry that is in the wrong place, or that follows a missing entry."""
    return Flaw(part="entries", where=where, what=what, site=site, entry=entry, leaf=leaf)


def _follows(seen: SiteRange, site: str, seq: int, at: str) -> str | None:
    if site != seen.site:
        return Cause.of(
            "flaw_other_site", "it names its site {said!r}, but that site is {site!r}",
            said=site, site=seen.site,
        )  # fmt: skip
    due = seen.last + 1
    if seq > due:
        code = "one" if seq == due + 1 else "many"
        return Cause.of(
            f"flaw_missing_{code}", _MISSING[code], seq=seq, site=site, due=due, last=seq - 1
        )
    if seq < due:
        return Cause.of(
            "flaw_out_of_turn", "it is entry {seq} of {site!r}, but entry {due} comes next",
            seq=seq, site=site, due=due,
        )  # fmt: skip
    # Without the Z, the order of the texts is the order of the times.
    if at[:-1] < seen.last_at[:-1]:
        return Cause.of(
            "flaw_back_in_time",
            "it was recorded at {at}, before the one before it, at {before}",
            at=at, before=seen.last_at,
        )  # fmt: skip
    return None


_MISSING = {
    "one": "it is entry {seq} of {site!r}, and entry {due} is missing before it",
    "many": "it is entry {seq} of {site!r}, and entries {due} to {last} are missing before it",
}

_TILE_BYTES = WIDTH * HASH_BYTES
RANGE = 128 * WIDTH
"""The number of leaves in a range."""

MAX_FLAWS = 20
"""The maximum number of flaws reported for a range, or for a share of the sites."""

UNNUMBERED = 1 << 62
"""A number added to the id of an entry that has no number yet, so that its place is after all
numbered entries."""


@dataclass(slots=True)
class RangeResult:
    """The result for one or more ranges of the log.

    `roots`: the roots of the full tiles. `sites` and `lengths`: each entry's site and length in
    bytes, if asked for.
    """

    roots: bytes = b""
    entries: int = 0
    streams: Streams = field(default_factory=Streams)
    own: list[tuple[int, bytes]] = field(default_factory=list)
    policies: set[str] = field(default_factory=set)
    flaws: list[Flaw] = field(default_factory=list)
    sites: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("H"))

    def take(
        self, body: bytes, leaf: int | None, where: Callable[[], str], *, place: int = 0
    ) -> Facts | None:
        """Process the next entry and return its facts, if readable; `where` describes its place.

        `place`: the place among all entries of an entry without a number.
        """
        try:
            facts = read(body) if leaf is None else read_end(body)
        except UnreadableEntryError as error:
            what = error.facts["detail"]
            self.flaws.append(Flaw(part="entries", where=where(), what=what, leaf=leaf))
            return None
        self.policies.add(facts.policy)
        if facts.site_id == DESK_STREAM:
            self.own.append((place if leaf is None else leaf, body))
        wrong = self.streams.take(facts, leaf)
        if wrong is not None:
            entry = f"{facts.site_id}-{facts.site_seq}"
            self.flaws.append(misplaced(entry, facts.site, leaf, where(), wrong))
        return facts


def ranges(
    size: int, *, begin: int = 0, placed: bool = False
) -> Iterator[tuple[Callable[..., RangeResult], Any]]:
    """The jobs that check the leaves of a log of that size, from `begin`, a multiple of 256, on.

    `placed`: see `check_range`.
    """
    return (
        (check_range, (first, min(first + RANGE, size), placed))
        for first in range(begin, size, RANGE)
    )


def check_range(
    log: Log, progress: Progress, first: int, before: int, placed: bool = False
) -> RangeResult:
    """Check the leaves from `first`, a multiple of 256, up to but not including `before`.

    With `placed`, the site and the length of each entry are kept.
    """
    seen, roots = RangeResult(), []
    for batch in log.batches(first, before):
        row, facts = _hashed(log, batch), _facts(log, batch, seen)
        if placed:
            seen.sites.extend([-1 if fact is None else fact.site_id for fact in facts])
            lengths = (0 if body is None else len(body) for body in batch.bodies)
            seen.lengths.extend([min(length, MAX_BYTES) for length in lengths])
        hashes = [row[i : i + HASH_BYTES] for i in range(0, len(row), HASH_BYTES)]
        seen.flaws += log.compare(batch, facts, hashes)
        n = batch.first // WIDTH
        tile = Tile(0, n, len(batch.bodies))
        seen.flaws += _differing(tile, row, log.tile(0, n))
        if len(batch.bodies) == WIDTH:
            roots.append(tile_root(row))
        progress(len(batch.bodies))
    seen.roots = b"".join(roots)
    by_leaf = sorted(seen.flaws, key=lambda flaw: -1 if flaw.leaf is None else flaw.leaf)
    seen.flaws = by_leaf[:MAX_FLAWS]
    return seen


def upper_flaws(log: Log, _progress: Progress, row: bytes) -> list[Flaw]:
    """Find the flaws of the tiles above the lowest level, whose full tiles have the roots `row`."""
    flaws: list[Flaw] = []
    for tile in tiles_of(log.size):
        if tile.level == 0:
            continue
        if tile.n == 0 and tile.level > 1:
            full = range(0, len(row) - _TILE_BYTES + 1, _TILE_BYTES)
            row = b"".join(tile_root(row[begin : begin + _TILE_BYTES]) for begin in full)
        begin = tile.n * WIDTH * HASH_BYTES
        expected = row[begin : begin + tile.width * HASH_BYTES]
        flaws += _differing(tile, expected, log.tile(tile.level, tile.n))
    return flaws[:MAX_FLAWS]


def _hashed(log: Log, batch: Batch) -> bytes:
    """The hash of each leaf; for a missing entry, the hash in the tile."""
    bodies = batch.bodies
    if None not in bodies:
        return b"".join([sha256(b"\0" + body).digest() for body in bodies])  # type: ignore[operator]  # none is None
    kept = (log.tile(0, batch.first // WIDTH) or b"").ljust(WIDTH * HASH_BYTES, b"\0")
    return b"".join(
        kept[n * HASH_BYTES :][:HASH_BYTES] if body is None else sha256(b"\0" + body).digest()
        for n, body in enumerate(bodies)
    )


def _facts(log: Log, batch: Batch, seen: RangeResult) -> list[Facts | None]:
    found = [
        None if body is None else seen.take(body, leaf, partial(log.where, leaf))
        for leaf, body in enumerate(batch.bodies, batch.first)
    ]
    seen.entries += len(found)
    return found


def _differing(tile: Tile, expected: bytes, kept: bytes | None) -> Iterator[Flaw]:
    """Compare a tile with the expected tile; report only the first wrong hash."""
    if kept == expected:
        return
    where = path(tile)
    if kept is None:
        yield Flaw(part="tree", where=where, what=Cause.of("flaw_not_there", "it is not there"))
        return
    for n in range(tile.width):
        right, own = (row[n * HASH_BYTES : (n + 1) * HASH_BYTES] for row in (expected, kept))
        if right != own:
            leaf = None if tile.level else tile.n * WIDTH + n
            code = "upper" if tile.level else "lowest"
            yield Flaw(
                part="tree", where=where, leaf=leaf, expected=right.hex(), found=own.hex(),
                what=Cause.of(
                    f"flaw_tile_{code}", _OTHER_HASH[code], leaf=leaf, n=n, own=own.hex(),
                    right=right.hex(),
                ),
            )  # fmt: skip
            return
    what = Cause.of(
        "flaw_tile_width", "it has {width} hashes, not {right}",
        width=f"{len(kept) / HASH_BYTES:g}", right=tile.width,
    )  # fmt: skip
    yield Flaw(part="tree", where=where, what=what)


_OTHER_HASH = {
    "lowest": "of leaf {leaf} it has {own}, and the entry there gives {right}",
    "upper": "of its hash {n} it has {own}, and what is below it gives {right}",
}
