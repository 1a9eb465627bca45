"""Queries of clocks: when the next one runs out, whatever the site."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from incidents.store.tables import sites


def earliest_due(connection: Connection, since: datetime | None = None) -> datetime | None:
    """The earliest due time of all sites, None if no clock runs; it is due strictly after it.

    With `since` (UTC) those before it are left out: what somebody else is at work on, say.
    """
    if since is None:
        return connection.scalar(_EARLIEST)
    return connection.scalar(_EARLIEST_SINCE, {"since": since})


_due = sites.c.next_due
_first = select(_due).order_by(_due, sites.c.id).limit(1)
_EARLIEST = _first.where(_due.is_not(None))
_EARLIEST_SINCE = _first.where(_due >= bindparam("since"))
