"""The replay: all data about sites in the database, recalculated from the entries alone.

The entries are read in the order of the sites, and the tables in the same order, so that only one
site's case is in memory. The replay trusts no table but every entry: the verification of the log
checks that the entries are unchanged.

Sealed values must still match their references. A missing value is not a finding if its erasure is
on record; any other missing or changed value is a finding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table, select

from incidents.audit import desk_stream, site_tables
from incidents.audit.fold import NAME, Fold
from incidents.audit.rows import (
    ALL,
    Finding,
    Row,
    Share,
    Span,
    Stream,
    WriteTime,
    compare,
    time_writer,
    written,
)
from incidents.audit.site_tables import OF_CASE, Outbox
from incidents.errors import Cause
from incidents.record.entry import DESK, UnreadableEntryError, decode
from incidents.record.own_events import WordsErased
from incidents.record.sealing import commitment, references
from incidents.store.archive import whole
from incidents.store.batches import AT_ONCE, batches
from incidents.store.schema.desk_tables import DESK_STREAM, entries, sealed
from incidents.store.schema.log_tables import deliveries, orders

# The columns of a row of `entries`.
_SITE_ID, _SEQ, _RECORDED_AT, _BODY = 1, 2, 3, 4


def seal_findings(connection: Connection, span: Span) -> Iterator[Finding]:
    """Find the values that do not match their references; findings never contain a value."""
    where = span.where(sealed.c.ref)
    for ref, salt, value, *_ in Stream(connection, sealed, where=where).rest():
        try:
            stands_for = commitment(bytes(salt), value)
        except (TypeError, AttributeError, UnicodeError):
            stands_for = None
        if stands_for != ref:
            yield Finding(
                site="", table=sealed.name, row=ref, problem="broken_seal", column="value"
            )


class Erasures:
    """The erasures on record: for each site, the time before which texts may be missing."""

    def __init__(self, connection: Connection, write_time: WriteTime) -> None:
        self._before: dict[str | None, datetime] = {}
        self._write_time = write_time
        ours = select(entries.c.body).where(entries.c.site_id == DESK_STREAM)
        named = entries.c.body.contains(f'"kind":"{WordsErased.kind}"', autoescape=True)
        erasures = ours.where(named).order_by(entries.c.site_seq)
        for (body,) in chain.from_iterable(whole.one_after_another(connection, erasures)):
            try:
                _, event = decode(body)
            except UnreadableEntryError:
                # A finding of the desk's own stream; it excuses nothing.
                continue
            if isinstance(event, WordsErased):
                before = self._before.get(event.of, event.before)
                self._before[event.of] = max(before, event.before)

    def cover(self, site: str, recorded_at: Any) -> bool:
        """Whether a text of the site, recorded at that time (driver's format), has been erased."""
        before = [m for m in (self._before.get(site), self._before.get(None)) if m is not None]
        try:
            return any(recorded_at < self._write_time(moment) for moment in before)
        except TypeError:  # a foreign value instead of a time
            return False


class KeptReferences:
    """The references whose values are still stored, to find missing values of sites in `span`.

    Process the sites in the order of their ids, each with all its entries.
    """

    def __init__(self, connection: Connection, span: Span, write_time: WriteTime) -> None:
        refs = select(sealed.c.site_id, sealed.c.ref).where(*span.where(sealed.c.site_id))
        self._rows = chain.from_iterable(batches(connection, refs.order_by(sealed.c.site_id)))
        self._next = next(self._rows, None)
        self._erasures = Erasures(connection, write_time)
        self._gone: dict[str, Row] = {}

    def watched(self, site_id: int, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the site's entries unchanged, and note the references whose values are missing."""
        self._gone = {}
        there = self._of(site_id)
        for row in rows:
            if isinstance(row[_BODY], str):
                for ref in references(row[_BODY]):
                    if ref not in there:
                        self._gone.setdefault(ref, row)
            yield row

    def findings(self, site: str, name: str) -> Iterator[Finding]:
        """Find the missing values of the last site, called `name`, that no erasure explains."""
        for ref, row in self._gone.items():
            if not self._erasures.cover(site, row[_RECORDED_AT]):
                yield Finding(
                    site=name, table=sealed.name, row=ref, problem="erased_without_record",
                    found=Cause.of(
                        "flaw_refers", "entry {entry} refers to it",
                        entry=f"{row[_SITE_ID]}-{row[_SEQ]}",
                    ),
                )  # fmt: skip

    def _of(self, site_id: int) -> set[str]:
        there = set()
        while self._next is not None and self._next[0] <= site_id:
            if self._next[0] == site_id:
                there.add(self._next[1])
            self._next = next(self._rows, None)
        return there


OUTSIDE = {
    "reports.reporter": "repeats the sealed reading, and is erased with it",
    "reports.category": "repeats the sealed reading, and is erased with it",
    "reports.seen_at": "repeats the sealed reading, and is erased with it",
    "reports.message_id": "repeats the sealed reading, and is erased with it",
    "answers.reporter": "repeats the sealed address, and is erased with it",
    "waiting_answers": "which mails to reporters wait to be sent: the entries tell of those sent",
    "waiting_snapshots": "which pages are to be looked at: the entries tell what was found",
    "desk.looked": "up to which report pages were looked at",
    "desk.answered": "up to which entry reporters were answered",
    "reports.rank": "the order of the list, which follows from the category and the reporter",
    "report_hosts": "repeats the sealed reading, and is erased with it",
    "holdings": "the address book, which only suggests to whom a report belongs",
    "entries.id": "the record orders the entries of each site, not those of one site and another",
    "entries.body": "of a field that no table repeats, the entry itself is the only record",
    "entries.leaf_hash": "the log's own, which audit verify recomputes",
    "leaves": "the log's numbers, which audit verify proves",
    "tiles": "the log's tree, which audit verify recomputes",
    "log_head": "the log's tree, which audit verify recomputes",
    "archive_parts": "which files hold old entries: audit verify proves each",
    "archived_sites": "which of these have entries of a site, which audit verify compares",
    "checkpoints": "what was signed of the log, which audit verify proves",
    "cosignatures": "what others signed of the log, which audit verify proves",
    "stamps": "what a time-stamping authority signed of the log",
    "sealed.site_id": "says when a value may be erased; what refers to it is in the entries",
    "sealed.sealed_at": "says when a value may be erased; when it was recorded is in the entries",
    "rehearsal": "whether any clock is taken, which was said when the database was made",
    "desk.identity": "a word that was drawn when the database was made",
    "desk.lineage": "the server that the database was on when somebody looked last",
    "desk.resumed_at": "when the epoch began, as the entry says that began it",
    "desk.lost_since": "since when entries are known to be missing, until a person knows of it",
    "desk.moved_at": "when the database was found on another server",
    "desk.unproved_since": "since when the actual state is to be compared with the record",
    "desk.halted_since": "since when nothing is carried out, until a person goes on",
    "desk.halted_why": "why nothing is carried out, until a person goes on",
    "desk.noticed_at": "when the last loss was noticed",
    "desk.compared_at": "when every site's actual state was compared in this epoch",
    "desk.id": "the schema itself takes no other value: the desk has one row",
    "passwords": "a secret: only whether it is the one that was set, as far as the entries tell",
    "factors": "secrets and counters: whether one is there or gone, as far as the entries tell",
    "invitations.seal": "by which a server knows an invitation that it made",
    "sessions": "who is signed in now",
    "tokens.seal": "by which a server knows a token that it made, and which nobody else can make",
    "saved_views": "which filters people keep by a name for the console's lists",
    "attempts": "who has failed to sign in of late, kept to slow them down",
    "sign_ins": "who came in and who was not let in: kept beside the record, to be erased",
    "refusals": "how often somebody was not let do something: counted beside the record",
    "keys": "how a repeated command is answered: kept for the asker, no part of the record",
    "footers": "whose page is looked at when: the entries tell what it lacked",
    "heartbeats": "which daemons are running now",
    "uncompared": "which sites could not be compared with their actual state so far, and why",
    "alarms": "of what the desk was told, and when: kept so that it is told once",
    "deliveries.since": "when an order that waits was ordered, or tried again: the entries tell",
    "deliveries.attempts": "how often an order that waits was tried: the business of who does it",
    "deliveries.next_at": "when an order that waits is tried again",
    "deliveries.held_by": "who has an order that waits in hand",
    "deliveries.tried_at": "when an order that waits was tried last",
    "deliveries.adapter": "what was to carry an order out that waits",
    "deliveries.problem": "what the last attempt came to; of a dead letter the entry tells",
    "deliveries.detail": "what the last attempt came to, in words",
}
"""The columns and tables that the replay cannot prove, with the reason for each."""


class Replay:
    """One replay of all sites, the desk's own stream and the sealed values, or of a share of them.

    `connection` must be in a transaction that sees one state of the database. `sites` and `entries`
    count the sites and entries replayed so far; `done` is called with numbers of entries, as
    progress.
    """

    def __init__(
        self,
        connection: Connection,
        share: Share = ALL,
        *,
        done: Callable[[int], object] = lambda _: None,
    ) -> None:
        self.sites = 0
        self.entries = 0
        self._connection = connection
        self._dialect = connection.dialect.name
        self._write_time = time_writer(self._dialect)
        self._share = share
        self._done = done
        self._told = 0

    def findings(self) -> Generator[Finding]:
        """Yield all differences from the record, site by site."""
        if self._share.desk:
            yield from self._of_desk()
        if self._share.sites is not None:
            yield from self._of_sites(self._share.sites)
        self._tell()
        if self._share.seals is not None:
            yield from seal_findings(self._connection, self._share.seals)

    def _of_desk(self) -> Iterator[Finding]:
        ours = entries.c.site_id == DESK_STREAM
        stream = Stream(self._connection, entries, "site_id", "site_seq", where=[ours])
        words = KeptReferences(self._connection, Span.of(DESK_STREAM), self._write_time)
        rows = words.watched(DESK_STREAM, self._counted(stream.rest()))
        yield from desk_stream.findings(self._connection, rows)
        # Entries after a wrong one are skipped.
        deque(rows, maxlen=0)
        yield from words.findings(DESK, NAME)

    def _of_sites(self, span: Span) -> Iterator[Finding]:
        where = [*span.where(entries.c.site_id), entries.c.site_id != DESK_STREAM]
        history = Stream(self._connection, entries, "site_id", "site_seq", where=where)
        outgoing, unsettled = self._stream(orders, span), self._stream(deliveries, span)
        kept = {table: self._stream(table, span) for table, _ in OF_CASE}
        words = KeptReferences(self._connection, span, self._write_time)
        streams = [history, outgoing, unsettled, *kept.values()]
        while ids := [stream.site_id for stream in streams if stream.site_id is not None]:
            site_id = min(ids)
            rows = {table: stream.of(site_id) for table, stream in kept.items()}
            own = words.watched(site_id, history.of(site_id))
            rows[deliveries] = unsettled.of(site_id)
            site = yield from self._of_site(site_id, own, outgoing.of(site_id), rows)
            yield from words.findings(site, site)
            self.sites += 1
            if self.entries - self._told >= AT_ONCE:
                self._tell()

    def _of_site(
        self,
        site_id: int,
        history: Iterator[Row],
        outgoing: Iterator[Row],
        rows: dict[Table, Iterator[Row]],
    ) -> Generator[Finding, None, str]:
        """Yield the differences of one site; return the site's name."""
        outbox = Outbox(outgoing, self._dialect)
        fold = Fold(site_id, outbox, self._write_time)
        counted = self._counted(history)
        finding = next(filter(None, map(fold.take, counted)), None)
        if finding is not None:
            yield finding
            # The results of entries that cannot be trusted are not compared.
            for left in (counted, outgoing, *rows.values()):
                deque(left, maxlen=0)
            return fold.site
        for table, rows_of in OF_CASE:
            expected = iter(()) if fold.case is None else rows_of(fold.case)
            right = written(expected, table, self._dialect)
            yield from compare(fold.site, table, right, rows[table], self._dialect)
        yield from outbox.findings(fold.site)
        yield from site_tables.delivery_findings(
            fold.site, fold.case, outbox.cancelled, rows[deliveries], self._dialect
        )
        return fold.site

    def _counted(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            self.entries += 1
            yield row

    def _tell(self) -> None:
        self._done(self.entries - self._told)
        self._told = self.entries

    def _stream(self, table: Table, span: Span) -> Stream:
        site_id = next(iter(table.primary_key.columns))
        return Stream(self._connection, table, where=span.where(site_id))
