"""The metrics from the database: clock, queue, orders, log, sign-ins, by a few indexed queries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    bindparam,
    exists,
    func,
    select,
    text,
    union_all,
)

from incidents import __version__
from incidents.clock import passing, read_rfc3339
from incidents.metrics.catalogue import BUILD, MAX_COUNTED, MAX_OPEN, UP, limit_literal
from incidents.metrics.orders import order_samples
from incidents.metrics.samples import REASONS, RESULTS, WORK, Samples
from incidents.store.archive import parts
from incidents.store.inbox.reports import WAITING
from incidents.store.log import checkpoints
from incidents.store.log import leaves as stored_leaves
from incidents.store.schema.access_tables import refusals, sign_ins
from incidents.store.schema.catalogue import every_table
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import leaves
from incidents.store.schema.report_tables import reports, waits_since
from incidents.store.schema.tables import sites, work
from incidents.store.schema.types import words
from incidents.views.health import STALE_AFTER, enforcement
from incidents.views.queue.queue_page import LISTED

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Enforcement
    from incidents.store.database.replica import Replica


def clock_samples(connection: Connection, now: datetime, into: Samples) -> None:
    """Add the samples of the clock, by three queries, or four if much is overdue."""
    row = connection.execute(_DEADLINES, {"now": now}).one()
    into.put_count("incidents_deadlines_overdue", row.overdue)
    into.put_count("incidents_deadlines_pending", row.pending)
    if row.earliest is not None:
        into.put("incidents_deadline_next_seconds", (row.earliest - now).total_seconds())
    _daemons(enforcement(connection, now), now, into)


def _daemons(found: Enforcement, now: datetime, into: Samples) -> None:
    into.put("incidents_clock_enforced", float(found["enforced_by"] is not None))
    into.put("incidents_halted", float(found["history"]["halted_since"] is not None))
    for name, listed in (
        ("incidents_sites_left_down", found["history"]["left_down"]),
        ("incidents_sites_uncompared", found["history"]["uncompared"]),
        ("incidents_daemons_mark_unread", found["mark_unread"]),
    ):
        into.put(name, float(0 if listed is None else listed["count"]))
    daemons = found["daemons"]
    lately = passing(STALE_AFTER)
    heard_of = [d for d in daemons if abs(now - read_rfc3339(d["last_beat"])) <= lately]
    aside = sum(daemon["standing_aside"] is not None for daemon in heard_of)
    into.put("incidents_daemons_beating", sum(daemon["beating"] for daemon in daemons))
    into.put("incidents_daemons_standing_aside", aside)
    beats = [read_rfc3339(daemon["last_beat"]) for daemon in daemons]
    into.put_age("incidents_daemon_heartbeat_age_seconds", now, max(beats, default=None))
    once = found["last_once"]
    into.put_age(
        "incidents_daemon_once_age_seconds", now, None if once is None else read_rfc3339(once)
    )


_due = sites.c.next_due
_now: ColumnElement[Any] = bindparam("now", type_=_due.type)


def _counted(where: ColumnElement[bool]) -> ScalarSelect[int]:
    # Unordered: otherwise PostgreSQL may sort all rows to count the first ones.
    found = select(_due).where(where).limit(limit_literal(MAX_COUNTED)).subquery()
    return select(func.count()).select_from(found).scalar_subquery()


_DEADLINES = select(
    _counted(_due < _now).label("overdue"),
    _counted(_due >= _now).label("pending"),
    select(func.min(_due)).where(_due.is_not(None)).scalar_subquery().label("earliest"),
)


def work_samples(connection: Connection, now: datetime, into: Samples) -> None:
    """Add the samples of the queue, by one query with the limit for counting."""
    found = connection.execute(_BY_KIND).all()
    kinds = [(row.kind, row.items) for row in found]
    items = into.put_by_label("incidents_queue_items", kinds, WORK)
    into.put_capped("queue_items", capped=items >= MAX_OPEN)
    for row in found:
        if row.kind in WORK:
            into.put_age("incidents_queue_oldest_age_seconds", now, row.since, row.kind)


_listed = select(work.c.kind, work.c.recorded_at).where(LISTED)
_open = _listed.limit(limit_literal(MAX_OPEN)).subquery("open")
_BY_KIND = select(
    _open.c.kind, func.count().label("items"), func.min(_open.c.recorded_at).label("since")
).group_by(_open.c.kind)


def signing_samples(connection: Connection, now: datetime, into: Samples) -> None:
    """Add the samples of the log, by five queries.

    Raises:
        NoHeadError: if the log has lost its head.
    """
    head, last = stored_leaves.head(connection), checkpoints.last(connection)
    signed = 0 if last is None else last.size
    unnumbered = connection.execute(_UNNUMBERED, {"floor": head.floor}).one()
    unsigned_since = connection.scalar(_RECORDED_AT, {"leaf": signed})
    pending = [since for since in (unnumbered.since, unsigned_since) if since is not None]
    into.put("incidents_entries_total", head.size)
    into.put("incidents_log_has_key", float(checkpoints.active(connection) is not None))
    into.put_count("incidents_log_unnumbered_entries", unnumbered.entries)
    into.put_age("incidents_log_unnumbered_age_seconds", now, unnumbered.since)
    into.put("incidents_log_unsigned_entries", max(0, head.size - signed))
    into.put_age("incidents_log_pending_age_seconds", now, min(pending, default=None))
    signed_at = None if last is None else last.signed_at
    into.put_age("incidents_log_checkpoint_age_seconds", now, signed_at)


_floor: ColumnElement[Any] = bindparam("floor", type_=entries.c.id.type)
_leaf: ColumnElement[Any] = bindparam("leaf", type_=leaves.c.leaf_index.type)
# From the newest down: unnumbered entries are nearly always among the last.
_newest = (
    select(entries.c.id, entries.c.recorded_at)
    .where(entries.c.id > _floor)
    .order_by(entries.c.id.desc())
    .limit(limit_literal(MAX_COUNTED))
    .subquery("newest")
)
_UNNUMBERED = select(
    func.count().label("entries"), func.min(_newest.c.recorded_at).label("since")
).where(~exists().where(leaves.c.entry_id == _newest.c.id))
_RECORDED_AT = (
    select(entries.c.recorded_at)
    .join(leaves, leaves.c.entry_id == entries.c.id)
    .where(leaves.c.leaf_index == _leaf)
)


def report_samples(connection: Connection, now: datetime, into: Samples) -> None:
    """Add the samples of reports that wait, by one query that uses the index on their states."""
    found = connection.execute(_REPORTS_WAITING).all()
    waiting = into.put_by_label(
        "incidents_reports_waiting", [(row.state, row.reports) for row in found], WAITING
    )
    into.put_capped("reports_waiting", capped=waiting >= MAX_COUNTED)
    since = min((row.since for row in found), default=None)
    into.put_age("incidents_report_oldest_age_seconds", now, since)


_some_waiting = union_all(
    *(
        select(
            select(reports.c.state, waits_since.label("since"))
            .where(reports.c.state == words(state)[0])
            .order_by(reports.c.id)
            .limit(limit_literal(MAX_COUNTED))
            .subquery(state)
        )
        for state in WAITING
    )
).subquery("some_waiting")
_REPORTS_WAITING = select(
    _some_waiting.c.state,
    func.count().label("reports"),
    func.min(_some_waiting.c.since).label("since"),
).group_by(_some_waiting.c.state)


LATELY = timedelta(hours=1)


def sign_in_samples(connection: Connection, now: datetime, into: Samples) -> None:
    """Add the samples of sign-ins, by two queries that use the indexes on their times."""
    found = connection.execute(_BY_RESULT, {"since": now - LATELY}).all()
    results = [(row.result, row.sign_ins) for row in found]
    sign_ins = into.put_by_label("incidents_sign_ins_last_hour", results, RESULTS)
    into.put_capped("sign_ins_last_hour", capped=sign_ins >= MAX_COUNTED)
    found = connection.execute(_BY_REASON, {"today": now.date().isoformat()}).all()
    reasons = [(row.why, row.refused) for row in found]
    into.put_by_label("incidents_refusals_today", reasons, REASONS)
    into.put_capped("refusals_today", capped=sum(row.kinds for row in found) >= MAX_COUNTED)


_since: ColumnElement[Any] = bindparam("since", type_=sign_ins.c.at.type)
_lately = (
    select(sign_ins.c.result)
    .where(sign_ins.c.at > _since, sign_ins.c.what != "sign_out")
    .limit(limit_literal(MAX_COUNTED))
    .subquery("lately")
)
_BY_RESULT = select(_lately.c.result, func.count().label("sign_ins")).group_by(_lately.c.result)

# The key begins with the day.
_today = (
    select(refusals.c.why, refusals.c.count)
    .where(refusals.c.day == bindparam("today"))
    .limit(limit_literal(MAX_COUNTED))
    .subquery("today")
)
_BY_REASON = select(
    _today.c.why, func.sum(_today.c.count).label("refused"), func.count().label("kinds")
).group_by(_today.c.why)


def size_samples(connection: Connection, into: Samples) -> None:
    """Add the sizes, by one query on SQLite and two on PostgreSQL, none of which reads a table."""
    if connection.dialect.name == "sqlite":
        into.put("incidents_database_bytes", connection.scalar(_SQLITE_BYTES) or 0)
        return
    into.put("incidents_database_bytes", connection.scalar(_POSTGRESQL_BYTES) or 0)
    names = every_table().tables.keys()
    for name, rows, size in connection.execute(_TABLES):
        if name in names:
            into.put("incidents_table_bytes", size, name)
            # Below 0 before the first VACUUM or ANALYZE.
            if rows >= 0:
                into.put("incidents_table_rows", rows, name)


_SQLITE_BYTES = text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
_POSTGRESQL_BYTES = text("SELECT pg_database_size(current_database())")
_TABLES = text(
    "SELECT relname, reltuples, pg_total_relation_size(oid) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
)


def look(connection: Connection, now: datetime) -> Samples:
    """Read the samples at `now` (UTC), preferably in a transaction that reads one state.

    Raises:
        NoHeadError: if the log has lost its head.
        DBAPIError: if the database fails.
    """
    found = static_samples(up=True)
    found.put("incidents_looked_at_timestamp_seconds", now.timestamp())
    clock_samples(connection, now, found)
    order_samples(connection, now, found)
    work_samples(connection, now, found)
    report_samples(connection, now, found)
    signing_samples(connection, now, found)
    sign_in_samples(connection, now, found)
    size_samples(connection, found)
    found.put("incidents_archive_parts_missing", len(parts.missing(connection)))
    return found


def replica_samples(replica: Replica | None, into: Samples) -> None:
    """Add the samples of the replica, which is asked now; none without one."""
    if replica is None:
        return
    state = replica.ask_state()
    into.put("incidents_replica_in_use", float(replica.trouble is None and state is not None))
    if state is not None:
        into.put("incidents_replica_lag_seconds", state.lag.total_seconds())


def static_samples(*, up: bool) -> Samples:
    """The samples that do not depend on the database."""
    found = Samples()
    found.put(UP.name, float(up))
    found.put(BUILD.name, 1.0, __version__)
    return found
