"""Queries of clocks: when the next one runs out, whatever the site."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from incidents.store.tables import sites


def earliest_due(connection: Connection) -> datetime | None:
    """The earliest due time of all sites, None if no clock runs; it is due strictly after it."""
    return connection.scalar(_EARLIEST)


_EARLIEST = (
    select(sites.c.next_due)
    .where(sites.c.next_due.is_not(None))
    .order_by(sites.c.next_due, sites.c.id)
    .limit(1)
)
