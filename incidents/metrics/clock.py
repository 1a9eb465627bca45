"""The clock's metrics: what is due, and whether anybody sees to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, bindparam, func, select

from incidents.clock import read_rfc3339
from incidents.metrics.limit import MOST, first
from incidents.metrics.samples import Samples
from incidents.store.tables import sites
from incidents.views.enforcement import STALE_AFTER, enforcement


def look(connection: Connection, now: datetime, into: Samples) -> None:
    """Three queries, or four when much is overdue."""
    row = connection.execute(_DEADLINES, {"now": now}).one()
    into.put_count("incidents_deadlines_overdue", row.overdue)
    into.put_count("incidents_deadlines_pending", row.pending)
    if row.earliest is not None:
        into.put("incidents_deadline_next_seconds", (row.earliest - now).total_seconds())
    _daemons(enforcement(connection, now), now, into)


def _daemons(found: dict[str, Any], now: datetime, into: Samples) -> None:
    into.put("incidents_clock_enforced", float(found["enforced_by"] is not None))
    into.put("incidents_halted", float(found["history"]["halted_since"] is not None))
    left = found["history"]["left_down"]
    into.put("incidents_sites_left_down", float(0 if left is None else left["count"]))
    daemons = found["daemons"]
    heard_of = [d for d in daemons if abs(now - read_rfc3339(d["last_beat"])) <= STALE_AFTER]
    aside = sum(daemon["standing_aside"] is not None for daemon in heard_of)
    into.put("incidents_daemons_beating", sum(daemon["beating"] for daemon in daemons))
    into.put("incidents_daemons_standing_aside", aside)
    unread = found["mark_unread"]
    into.put("incidents_daemons_mark_unread", float(0 if unread is None else unread["count"]))
    beats = [read_rfc3339(daemon["last_beat"]) for daemon in daemons]
    into.put_age("incidents_daemon_heartbeat_age_seconds", now, max(beats, default=None))
    once = found["last_once"]
    into.put_age("incidents_daemon_once_age_seconds", now, once and read_rfc3339(once))


_due = sites.c.next_due
_now: ColumnElement[Any] = bindparam("now", type_=_due.type)


def _counted(where: ColumnElement[bool]) -> ScalarSelect[int]:
    # In no order: to count the first ones, PostgreSQL may sort them all.
    found = select(_due).where(where).limit(first(MOST)).subquery()
    return select(func.count()).select_from(found).scalar_subquery()


_DEADLINES = select(
    _counted(_due < _now).label("overdue"),
    _counted(_due >= _now).label("pending"),
    select(func.min(_due)).where(_due.is_not(None)).scalar_subquery().label("earliest"),
)
