"""What a loss has left down, and what daemons have taken down again, as people look at it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.desk.resumption import DAEMON
from incidents.store import left_down as left
from incidents.store import lineage, orders
from incidents.store.lineage import Standing

MOST_NAMED = 20
"""So many sites are named."""

Document = dict[str, Any]


def left_down(connection: Connection, found: Standing) -> Document | None:
    """The sites that are down in the world, or may be, though nothing on record keeps them down:
    their number (`count`), of how many nobody can tell (`unknown`), the first names (`sites`), and
    since when the reason may be lost. None where there are none, or the world was compared."""
    since = _lost_at(found)
    if since is None:
        return None
    count, unknown = left.counts(connection)
    if not count:
        return None
    names = left.names(connection, MOST_NAMED)
    return {"count": count, "unknown": unknown, "sites": names, "since": rfc3339(since)}


def taken_down(connection: Connection, since: datetime | None) -> Document | None:
    """The sites that daemons have taken down again since then (UTC), when the record had lost its
    end or was found on another server; None where there are none, or that is no news any more."""
    if since is None or not (names := orders.down_again(connection, since, DAEMON)):
        return None
    return {"count": len(names), "sites": names[:MOST_NAMED]}


def since(connection: Connection, site_id: int) -> datetime | None:
    """Since when the reason of that site to be down may be lost (UTC); None of another site."""
    at = _lost_at(lineage.standing(connection))
    return at if at is not None and left.is_one(connection, site_id) else None


def _lost_at(found: Standing) -> datetime | None:
    """When the record lost its end, as far as is known, until the world was compared."""
    return None if found.unproved_since is None else found.lost_since or found.resumed_at
