"""Queries for erasable data: sealed values, stored results, the rows that use them, and traces.

On SQLite `secure_delete` (see `engine`) writes zeros over deleted data. A VACUUM drops the pages
that were free before, and the write-ahead log, which holds old pages, is truncated. On PostgreSQL a
VACUUM frees the space of the rows, to be overwritten in time; its write-ahead log, replicas and
backups are out of this program's reach.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from incidents.errors import DatabaseError
from incidents.store.archive import whole
from incidents.store.database.address import display_address
from incidents.store.database.engine import BUSY_TIMEOUT_S, plainly
from incidents.store.inbox import erasable_reports
from incidents.store.schema.access_tables import factors, refusals, saved_views, sign_ins
from incidents.store.schema.desk_tables import (
    DESK_STREAM,
    desk,
    entries,
    filing_details,
    keys,
    policies,
    sealed,
)
from incidents.store.schema.tables import (
    contacts,
    evidence,
    incidents,
    notes,
    sites,
    tasks,
    unsettled,
)
from incidents.store.schema.types import Number, UTCDateTime, Word
from incidents.values.ids import incident_id

_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The scope of an erasure: data recorded before `before` (UTC), on all sites or on one site."""

    before: datetime
    site_id: int | None = None


class SealedValue(NamedTuple):
    """A sealed value, by the keys that give its position in the order of the search."""

    site_id: int
    sealed_at: datetime
    ref: str


class TooYoung(NamedTuple):
    """The number of items too young to erase, and when (UTC) the first of them was recorded."""

    n: int
    first: datetime | None
    last: datetime | None


def old_values(
    connection: Connection, scope: Scope, after: SealedValue | None, most: int
) -> list[SealedValue]:
    """The next values that are old enough, site by site, needed or not; at most `most` values."""
    place = (sealed.c.site_id, sealed.c.sealed_at, sealed.c.ref)
    query = select(*place).where(sealed.c.sealed_at < scope.before, *_on(scope, sealed.c.site_id))
    if after is not None:
        last = (literal(after.site_id, Number), literal(after.sealed_at, UTCDateTime()),
                literal(after.ref, Word))  # fmt: skip
        query = query.where(tuple_(*place) > tuple_(*last))
    return [
        SealedValue._make(row) for row in connection.execute(query.order_by(*place).limit(most))
    ]


def young_values(connection: Connection, scope: Scope) -> TooYoung:
    """The number and the first time of the values that are too young to erase."""
    at = sealed.c.sealed_at
    where = (at >= scope.before, *_on(scope, sealed.c.site_id))
    return _young(connection, select(func.count(), func.min(at), func.max(at)).where(*where))


def young_files(connection: Connection, scope: Scope) -> TooYoung:
    """The number and the first time of the files that are too young to erase."""
    at, digest = evidence.c.recorded_at, func.count(evidence.c.digest.distinct())
    where = (at >= scope.before, *_on(scope, evidence.c.site_id))
    return _young(connection, select(digest, func.min(at), func.max(at)).where(*where))


def needed(connection: Connection, first: int, last: int) -> set[str]:
    """The references that the tables still need, for the sites with ids from `first` to `last`.

    These are the contact details and the filing of a site that is not closed, or whose closure is
    in question; the reasons for a running hold and for a request to open or to close; and the text
    about everything that still needs an action. For the desk itself: the reason for the active
    policy.
    """
    found: set[str] = set()
    for query in _NEEDED:
        for row in connection.execute(query, {"first": first, "last": last}):
            found.update(ref for ref in row if ref is not None)
    if first <= DESK_STREAM <= last:
        active = select(policies.c.reason).join(desk, desk.c.policy == policies.c.digest)
        found.update(ref for ref in connection.scalars(active) if ref is not None)
    return found


def unsettled_incidents(connection: Connection, first: int, last: int) -> dict[int, set[int]]:
    """The unsettled incidents of those sites, whose entries may hold text."""
    found: dict[int, set[int]] = {}
    on = incidents.c.site_id.between(first, last)
    for site_id, n in connection.execute(
        select(incidents.c.site_id, incidents.c.n).where(_WAITS, on)
    ):
        found.setdefault(site_id, set()).add(n)
    return found


def bodies(connection: Connection, site_id: int, before: datetime) -> Iterator[str]:
    """The site's entries recorded before that time (UTC), read in batches."""
    seq = entries.c.site_seq
    query = select(seq, entries.c.body).where(
        entries.c.site_id == site_id, entries.c.recorded_at < before, seq > bindparam("after")
    )
    after = 0
    in_time = whole.of_site(connection, site_id, whole.between(None, before))
    some = query.order_by(seq).limit(_AT_ONCE)
    while rows := whole.all_rows(connection, some.params(after=after), in_time, most=_AT_ONCE):
        yield from (body for _, body in rows)
        after = rows[-1][0]


def remove(connection: Connection, refs: Sequence[str]) -> int:
    """Erase the values with their salts, and return how many existed."""
    removed = 0
    for start in range(0, len(refs), _AT_ONCE):
        some = refs[start : start + _AT_ONCE]
        removed += connection.execute(delete(sealed).where(sealed.c.ref.in_(some))).rowcount
    return removed


def files(connection: Connection, scope: Scope, among: Sequence[str] | None = None) -> set[str]:
    """The digests of files that are no longer needed, among all files or only those `among`.

    Such a file was attached before the scope's time, to settled incidents only. For a request about
    one site, only the time matters, but a file that is also attached to another site is kept.
    """
    keeps: ColumnElement[bool] = _WAITS
    if scope.site_id is not None:
        keeps = evidence.c.site_id != scope.site_id
    keeps = or_(evidence.c.recorded_at >= scope.before, keeps)
    of = select(evidence.c.digest).join_from(evidence, incidents, _OF_INCIDENT)
    if among is not None:
        of = of.where(evidence.c.digest.in_(among))
    kept = set(connection.scalars(of.where(keeps)))
    found = set(connection.scalars(of.where(*_on(scope, evidence.c.site_id))))
    if scope.site_id is None:
        found |= erasable_reports.files(connection, scope.before, among)
    found -= kept
    return found - erasable_reports.waiting_files(connection, sorted(found))


def incidents_with(connection: Connection, digests: Sequence[str]) -> dict[str, str]:
    """The ID of the first incident that each of those files is evidence of."""
    of, found = evidence.c, dict[str, str]()
    if not digests:
        return found
    query = select(of.digest, of.site_id, of.incident).where(of.digest.in_(digests))
    for digest, site_id, n in connection.execute(query.order_by(of.site_id, of.incident)):
        found.setdefault(digest, incident_id(site_id, n))
    return found


def sites_with(connection: Connection, digests: Sequence[str]) -> list[int]:
    """The ids of the sites that those files are attached to."""
    if not digests:
        return []
    query = select(evidence.c.site_id).where(evidence.c.digest.in_(digests))
    return sorted(set(connection.scalars(query)))


def _on(scope: Scope, site_id: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    return [] if scope.site_id is None else [site_id == scope.site_id]


def _young(connection: Connection, query: Select[Any, Any, Any]) -> TooYoung:
    return TooYoung._make(connection.execute(query).one())


_WAITS = unsettled()
_FIRST, _LAST = bindparam("first", type_=Number), bindparam("last", type_=Number)


def _between(site_id: ColumnElement[Any], *where: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(site_id.between(_FIRST, _LAST), *where)


def _of_waiting(table: Any, *refs: ColumnElement[Any]) -> Select[Any]:
    """The references, in a table of incident parts, for unsettled incidents."""
    on = and_(table.c.site_id == incidents.c.site_id, table.c.incident == incidents.c.n)
    joined = select(*refs).join_from(incidents, table, on)
    return joined.where(_between(incidents.c.site_id, _WAITS))


_OF_INCIDENT = and_(evidence.c.site_id == incidents.c.site_id, evidence.c.incident == incidents.c.n)
_OPEN = or_(sites.c.state != "closed", sites.c.disputed, sites.c.request_at.is_not(None))
_NEEDED: tuple[Select[Any], ...] = (
    select(sites.c.phone, sites.c.email, sites.c.person).where(_between(sites.c.id, _OPEN)),
    select(filing_details.c.value)
    .join_from(filing_details, sites, filing_details.c.site_id == sites.c.id)
    .where(_between(sites.c.id, _OPEN)),
    select(sites.c.hold_reason).where(_between(sites.c.id, sites.c.held)),
    select(sites.c.request_reason).where(_between(sites.c.id, sites.c.request_at.is_not(None))),
    select(sites.c.closing_text).where(_between(sites.c.id, sites.c.closing_at.is_not(None))),
    select(incidents.c.note).where(_between(incidents.c.site_id, _WAITS)),
    _of_waiting(contacts, contacts.c.note),
    _of_waiting(evidence, evidence.c.name),
    _of_waiting(notes, notes.c.text),
    select(tasks.c.note).where(_between(tasks.c.site_id, tasks.c.done_at.is_(None))),
)


PATIENCE_S = 10.0
"""How long to wait for readers of a SQLite file's write-ahead log, in seconds (approximate)."""

_PAUSE_S = 0.05


def secure_vacuum(engine: Engine, *, rewrite: bool = True) -> None:
    """Clear the database's files of deleted data.

    Without `rewrite`, a SQLite file that has no free pages is not rewritten: only its write-ahead
    log is truncated, because an earlier attempt may have failed before that step.

    Raises:
        DatabaseError: if others read the log all the time, or the disk has no room for a VACUUM.
    """
    with plainly(engine):
        connection = engine.raw_connection()
        try:
            own: Any = connection.driver_connection
            if engine.dialect.name == "sqlite":
                _of_sqlite(engine, own, rewrite=rewrite)
            elif rewrite:
                _of_postgresql(own)
        finally:
            connection.close()


def _of_sqlite(engine: Engine, own: Any, *, rewrite: bool) -> None:
    if rewrite or own.execute("PRAGMA freelist_count").fetchone()[0]:
        own.execute("VACUUM")
    own.execute(f"PRAGMA busy_timeout={round(_PAUSE_S * 1000)}")
    try:
        # Waits are counted without a clock, because a simulated one may be frozen.
        for _ in range(round(PATIENCE_S / _PAUSE_S)):
            if not own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                return
            time.sleep(_PAUSE_S)
    finally:
        own.execute(f"PRAGMA busy_timeout={round(BUSY_TIMEOUT_S * 1000)}")
    raise DatabaseError.coded(
        "still_in_log",
        "the text is erased, but {where} is being read all the time, and its log (-wal) may still"
        " hold the text: end the long read (an export, a backup), then run this again",
        where=display_address(engine),
    )


def _of_postgresql(own: Any) -> None:
    before, own.autocommit = own.autocommit, True
    own.limit_s = None
    try:
        for table in (sealed, keys, sign_ins, refusals, saved_views, factors):
            own.execute(f"VACUUM {table.name}")
    finally:
        own.autocommit = before
