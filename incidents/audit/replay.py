"""The replay: all that the database holds of the sites, derived again from the entries alone.

The entries are read in the order of the sites, and beside them the tables in the same order, so
that no more than one site's case is in memory. Nothing in the tables is trusted; what an entry
says is (whether it is still what was written is another proof's business).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import Connection, Table

from incidents.audit import desk_stream, seals
from incidents.audit.finding import Finding, compare
from incidents.audit.fold import Fold
from incidents.audit.rows import OF_CASE, Row, names, writers, written
from incidents.audit.stream import AT_ONCE, Stream
from incidents.store.tables import DESK_STREAM, entries, orders

OUTSIDE = {
    "entries.id": "the record orders the entries of each site, not those of one site and another",
    "entries.body": "of a field that no table repeats, the entry itself is the only record",
    "desk.id": "the schema itself takes no other value: the desk has one row",
    "keys": "how a repeated command is answered: kept for the asker, no part of the record",
    "heartbeats": "which daemons are running now",
}
"""What the replay cannot prove: columns, and whole tables, each with the reason."""

_TIME = names(entries).index("recorded_at")


class Replay:
    """One replay of all sites, the desk's own stream and the sealed values; or of one site alone.

    `connection` must be in a transaction that sees one state of the database. `sites` and
    `entries` count those that have been looked at so far; `done` is told of entries, in between.
    """

    def __init__(
        self,
        connection: Connection,
        site_id: int | None = None,
        *,
        done: Callable[[int], object] = lambda _: None,
    ) -> None:
        self.sites = 0
        self.entries = 0
        self._connection = connection
        self._dialect = connection.dialect.name
        self._site_id = site_id
        self._done = done
        self._entries = Stream(connection, entries, "site_id", "site_seq", site_id=site_id)
        self._orders = self._stream(orders)
        self._kept = [
            (table, rows_of, writers(table, self._dialect), self._stream(table))
            for table, rows_of in OF_CASE
        ]
        self._write_time = writers(entries, self._dialect)[_TIME]

    def findings(self) -> Iterator[Finding]:
        """All that is not as the record has it, site by site; nothing if all is."""
        if self._site_id is None:
            rows = self._counted(self._entries.of(DESK_STREAM))
            yield from desk_stream.findings(self._connection, rows)
            for _ in rows:
                """What comes after one that is wrong is passed over."""
        told = 0
        streams = [self._entries, self._orders, *(stream for *_, stream in self._kept)]
        while ids := [stream.site_id for stream in streams if stream.site_id is not None]:
            yield from self._site(min(ids))
            self.sites += 1
            if self.entries - told >= AT_ONCE:
                self._done(self.entries - told)
                told = self.entries
        self._done(self.entries - told)
        if self._site_id is None:
            yield from seals.findings(self._connection)

    def _site(self, site_id: int) -> Iterator[Finding]:
        fold = Fold(site_id, self._write_time)
        trusted = True
        for row in self._counted(self._entries.of(site_id)):
            if trusted and (finding := fold.take(row)) is not None:
                yield finding
                trusted = False
        found = [list(stream.of(site_id)) for *_, stream in self._kept]
        orders_found = list(self._orders.of(site_id))
        if not trusted:
            return
        for (table, rows_of, with_, _), own in zip(self._kept, found, strict=True):
            rows = iter(()) if fold.case is None else rows_of(fold.case)
            yield from compare(fold.site, table, written(rows, with_), own, self._dialect)
        yield from fold.outbox.compare(fold.site, orders_found, self._dialect)

    def _counted(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            self.entries += 1
            yield row

    def _stream(self, table: Table) -> Stream:
        return Stream(self._connection, table, site_id=self._site_id)
