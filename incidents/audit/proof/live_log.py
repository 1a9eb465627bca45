"""The live log: the log in the database, for verification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    LargeBinary,
    Select,
    cast,
    exists,
    func,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from incidents.audit.facts import Facts, Flaw, at_leaf, at_row
from incidents.audit.jobs import Batch, Placed
from incidents.audit.pool import Progress
from incidents.audit.proof.leaf_check import MAX_FLAWS, UNNUMBERED, RangeResult
from incidents.audit.rows import Ids, Span, WriteTime, time_writer
from incidents.errors import Cause
from incidents.store.archive import parts, whole
from incidents.store.batches import batches
from incidents.store.log import leaves as stored_leaves
from incidents.store.log.checkpoints import Signed
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.store.schema.log_tables import checkpoints, leaves, log_keys, tiles
from incidents.tlog.tiles import tiles_of
from incidents.tlog.tree import WIDTH


class Row(NamedTuple):
    """The row of a leaf in the tables; `recorded_at` is in the driver's format."""

    entry_id: int
    site_id: int | None
    site_seq: int
    recorded_at: Any
    leaf_hash: bytes


class Pending(NamedTuple):
    """The entries without a number: how many, and the oldest one's time (RFC 3339, UTC).

    `lost`: how many of them are below the floor, where the sequencer no longer searches (see
    `store.leaves.Head`).
    """

    entries: int
    since: str | None
    lost: int


_OTHER_NUMBERS = {
    "fewer": "it says that {size} entries are numbered, and leaves has {n} numbers",
    "more": "it says that {size} entries are numbered, and leaves has {n} numbers, the last of "
    "them {last}",
}


class LiveLog:
    """The log in a database (see `jobs.Log`), read in a transaction that sees one state."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.head = stored_leaves.head(connection)
        self.size = self.head.size
        self._write_time: WriteTime = time_writer(connection.dialect.name)

    def batches(self, first: int, before: int) -> Iterator[Batch]:
        rows = self._rows(first, before)
        held = next(rows, None)
        for begin in range(first, before, WIDTH):
            width = min(WIDTH, before - begin)
            bodies: list[bytes | None] = [None] * width
            found: list[Row | None] = [None] * width
            while held is not None and held[0] < begin + width:
                leaf, row, body = held
                found[leaf - begin], bodies[leaf - begin] = row, body
                held = next(rows, None)
            yield Batch(begin, bodies, found)

    def tile(self, level: int, n: int) -> bytes | None:
        return stored_leaves.hashes(self.connection, [(level, n)]).get((level, n))

    def where(self, leaf: int) -> str:
        wanted = select(leaves.c.entry_id).where(leaves.c.leaf_index == leaf)
        found = whole.all_rows(self.connection, wanted, whole.of_leaves(leaf, leaf + 1))
        return at_row(found[0].entry_id, leaf) if found else at_leaf(leaf)

    def compare(
        self, batch: Batch, facts: Sequence[Facts | None], hashes: Sequence[bytes]
    ) -> Iterator[Flaw]:
        """Compare each entry with its row."""
        for n, (row, fact, body) in enumerate(zip(batch.rows, facts, batch.bodies, strict=True)):
            leaf = batch.first + n
            if row is None or body is None:
                gone = "no entry has the number {leaf}: the number is deleted"
                what = Cause.of("flaw_number_deleted", gone, leaf=leaf)
                if row is not None:
                    gone = "it is the number of entry {entry}, which is deleted"
                    what = Cause.of("flaw_entry_deleted", gone, entry=row.entry_id)
                yield Flaw(part="entries", where=at_leaf(leaf), what=what, leaf=leaf)
            elif row.leaf_hash != hashes[n]:
                changed = "its leaf hash is not that of its body: one of them was changed"
                what = Cause.of("flaw_leaf_hash", changed)
                values = hashes[n].hex(), bytes(row.leaf_hash).hex()
                yield self._flaw(leaf, row, fact, what, values)
            elif fact is not None:
                yield from self._column_flaws(leaf, row, fact)

    def placed(self, span: Span | Ids) -> Iterator[Placed]:
        """Yield the entries of some sites in the order of their streams, without the desk's own."""
        place = func.coalesce(leaves.c.leaf_index, entries.c.id + UNNUMBERED)
        statement = (
            select(entries.c.site_id, place, self._body())
            .select_from(entries.outerjoin(leaves, leaves.c.entry_id == entries.c.id))
            .where(*span.where(entries.c.site_id), entries.c.site_id != DESK_STREAM)
            .order_by(entries.c.site_id, entries.c.site_seq)
        )
        for part in whole.merged(self.connection, statement, itemgetter(0)):
            for site_id, at, body in part:
                yield Placed(site_id, at, _bytes(body) or b"")

    def unnumbered(self) -> Iterator[tuple[int, bytes]]:
        """Yield the entries without a number, in the order of their ids."""
        numbered = exists().where(leaves.c.entry_id == entries.c.id)
        statement = select(entries.c.id, self._body()).where(~numbered).order_by(entries.c.id)
        for part in batches(self.connection, statement):
            for entry_id, body in part:
                yield entry_id, _bytes(body) or b""

    def head_flaws(self) -> Iterator[Flaw]:
        """Find numbers and tiles that do not fit the size in the log's head."""
        bounds = select(func.count(), func.min(leaves.c.leaf_index), func.max(leaves.c.leaf_index))
        count, first, last = self.connection.execute(bounds).one()
        archived = whole.archived(self.connection)
        due = self.size - archived
        if (count, first, last) != (due, *((archived, self.size - 1) if due else (None, None))):
            count += archived
            code = "more" if last is not None and last >= self.size else "fewer"
            what = Cause.of(
                f"flaw_head_{code}", _OTHER_NUMBERS[code], size=self.size, n=count, last=last
            )
            yield Flaw(part="entries", where="log_head", what=what)
        expected = {(tile.level, tile.n) for tile in tiles_of(self.size)}
        for level, n in self.connection.execute(select(tiles.c.level, tiles.c.n)):
            if (level, n) not in expected:
                none = "a tree of {size} entries has no such tile"
                what = Cause.of("flaw_no_such_tile", none, size=self.size)
                yield Flaw(part="tree", where=f"tiles {level}-{n}", what=what)

    def checkpoints(self, first: int, before: int) -> Iterator[Signed]:
        """Yield the checkpoints from id `first` to before `before`, and the one before `first`."""
        table = checkpoints.c
        before_them = select(func.max(table.id)).where(table.id < first).scalar_subquery()
        begin = func.coalesce(before_them, first)
        wanted = select(*(table[name] for name in Signed._fields))
        wanted = wanted.where(table.id >= begin, table.id < before).order_by(table.id)
        for part in batches(self.connection, wanted):
            yield from (Signed(*row) for row in part)

    def keys(self) -> list[tuple[str, int]]:
        """The keys in the table, the oldest first, each with the number of its entry."""
        rows = self.connection.execute(
            select(log_keys.c.key, log_keys.c.seq).order_by(log_keys.c.seq)
        )
        return [(key, seq) for key, seq in rows]

    def checkpoint_bounds(self, about: int) -> list[int]:
        """The checkpoint ids that bound ranges of about that many; empty without checkpoints."""
        bounds = select(func.min(checkpoints.c.id), func.max(checkpoints.c.id))
        first, last = self.connection.execute(bounds).one()
        return [] if last is None else [*range(first, last + 1, about), last + 1]

    def _rows(self, first: int, before: int) -> Iterator[tuple[int, Row, bytes | None]]:
        columns = (
            leaves.c.leaf_index, leaves.c.entry_id, entries.c.site_id, entries.c.site_seq,
            type_coerce(entries.c.recorded_at, NullType()), entries.c.leaf_hash, self._body(),
        )  # fmt: skip
        statement: Select[Any] = (
            select(*columns)
            .select_from(leaves.outerjoin(entries, entries.c.id == leaves.c.entry_id))
            .where(leaves.c.leaf_index >= first, leaves.c.leaf_index < before)
            .order_by(leaves.c.leaf_index)
        )
        wanted = whole.of_leaves(first, before)
        for part in whole.one_after_another(self.connection, statement, wanted, times=[4]):
            for leaf, *row, body in part:
                yield leaf, Row(*row), _bytes(body)

    def _body(self) -> Any:
        if self.connection.dialect.name == "sqlite":
            # As bytes: a body may no longer be UTF-8.
            return cast(entries.c.body, LargeBinary)
        return entries.c.body

    def _column_flaws(self, leaf: int, row: Row, fact: Facts) -> Iterator[Flaw]:
        """Find where the columns of the row differ from the entry."""
        if (row.site_id, row.site_seq) != (fact.site_id, fact.site_seq):
            right, own = f"{fact.site_id}-{fact.site_seq}", f"{row.site_id}-{row.site_seq}"
            says = "it says that it is {right}, but its row says {own}"
            what = Cause.of("flaw_row_id", says, right=right, own=own)
            yield self._flaw(leaf, row, fact, what, (right, own))
        if self._driver_time(fact.recorded_at) != row.recorded_at:
            values = fact.recorded_at, str(row.recorded_at)
            says = "it was recorded at {right}, but its row says {own}"
            what = Cause.of("flaw_row_time", says, right=values[0], own=values[1])
            yield self._flaw(leaf, row, fact, what, values)

    def _flaw(
        self, leaf: int, row: Row, fact: Facts | None, what: str, values: tuple[str, str]
    ) -> Flaw:
        """The flaw of a leaf; `values`: the expected value and the value found."""
        expected, found = values
        return Flaw(
            part="entries",
            where=self.where(leaf),
            what=what,
            leaf=leaf,
            entry=f"{row.site_id}-{row.site_seq}",
            site=None if fact is None else fact.site,
            expected=expected,
            found=found,
        )

    def _driver_time(self, time: str) -> Any:
        """A time in the driver's format; None for an impossible one."""
        try:
            return self._write_time(datetime.fromisoformat(time))
        except ValueError:
            return None


@contextmanager
def opened(connection: Connection | None) -> Iterator[LiveLog]:
    """Open the log in the database of a worker's connection (see `jobs.Source`)."""
    assert connection is not None
    # The verification finds which entry was altered, and leaves parts out that lie before.
    with parts.without_digests():
        yield LiveLog(connection)


def pending(log: LiveLog, progress: Progress) -> tuple[Pending, RangeResult]:
    """Check the entries that have no number yet, and count them."""
    since, lost, seen = None, 0, RangeResult()
    for entry_id, body in log.unnumbered():
        seen.entries += 1
        lost += entry_id <= log.head.floor
        where = partial(at_row, entry_id)
        facts = seen.take(body, None, where, place=UNNUMBERED + entry_id)
        if facts is not None:
            since = min(since or facts.recorded_at, facts.recorded_at)
    seen.flaws = seen.flaws[:MAX_FLAWS]
    progress(seen.entries)
    return Pending(seen.entries, since, lost), seen


def _bytes(body: Any) -> bytes | None:
    if isinstance(body, str):
        return body.encode(errors="surrogatepass")
    return body if isinstance(body, bytes) else None
