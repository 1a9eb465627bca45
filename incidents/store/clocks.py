"""Queries of clocks: when the next one runs out, whatever the site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Engine, bindparam, select

from incidents.store.engine import reading
from incidents.store.tables import sites


def earliest_due(connection: Connection, since: datetime | None = None) -> datetime | None:
    """The earliest due time of all sites, None if no clock runs; it is due strictly after it.

    With `since` (UTC) those before it are left out: what somebody else is at work on, say.
    """
    if since is None:
        return connection.scalar(_EARLIEST)
    return connection.scalar(_EARLIEST_SINCE, {"since": since})


def any_may_be_due(engine: Engine, clock: Callable[[], datetime]) -> bool:
    """A look first, on SQLite: the file's one write lock is not taken to find nothing to do."""
    if engine.dialect.name != "sqlite":
        return True
    with reading(engine) as connection:
        due = earliest_due(connection)
    return due is not None and due < clock()


_due = sites.c.next_due
_first = select(_due).order_by(_due, sites.c.id).limit(1)
_EARLIEST = _first.where(_due.is_not(None))
_EARLIEST_SINCE = _first.where(_due >= bindparam("since"))
