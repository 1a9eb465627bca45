"""The work's metrics: what the desk must do, as its queue lists it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from incidents.metrics.labels import WORK, counted
from incidents.metrics.limit import MOST_OPEN, first
from incidents.metrics.samples import Samples
from incidents.store.tables import work
from incidents.views.queue_page import LISTED


def look(connection: Connection, now: datetime, into: Samples) -> None:
    """One query, which reads so many rows at most as are counted."""
    found = connection.execute(_BY_KIND).all()
    counts = counted([(row.kind, row.items) for row in found], WORK)
    for kind, count in counts.items():
        into.put("incidents_queue_items", count, kind)
    into.put_capped("queue_items", capped=sum(counts.values()) >= MOST_OPEN)
    for row in found:
        if row.kind in WORK:
            into.put_age("incidents_queue_oldest_age_seconds", now, row.since, row.kind)


_listed = select(work.c.kind, work.c.recorded_at).where(LISTED)
_open = _listed.limit(first(MOST_OPEN)).subquery("open")
_BY_KIND = select(
    _open.c.kind, func.count().label("items"), func.min(_open.c.recorded_at).label("since")
).group_by(_open.c.kind)
