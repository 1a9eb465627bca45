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


def left_down(connection: Connection, found: Standing, now: datetime) -> Document | None:
    """The sites that are down in the world, or may be, though nothing on record keeps them down:
    their number (`count`), how many of them are `closed` in the world, of how many nobody can tell
    (`unknown`), how many of these were added since the loss (`new`), the first names (`sites`) and
    how each is in the world (`states`), since when the reason may be lost, and whether all sites
    were compared (`complete`). None where there are none at `now` (UTC), or the world is as the
    record says."""
    since = _lost_at(found)
    if since is None:
        return None
    own = {"believed_since": believed_since(found, now)}
    counts = left.counts(connection, found.resumed_at or since, **own)
    if not counts.sites:
        return None
    named = left.named(connection, MOST_NAMED, **own)
    return {
        "count": counts.sites, "closed": counts.closed, "unknown": counts.unknown,
        "new": counts.new, "sites": [name for name, _ in named],
        "states": [state for _, state in named], "since": rfc3339(since),
        "complete": found.is_compared,
    }  # fmt: skip


def taken_down(connection: Connection, since: datetime | None) -> Document | None:
    """The sites that daemons have taken down again since then (UTC), when the record had lost its
    end or was found on another server; None where there are none, or that is no news any more."""
    if since is None or not (names := orders.down_again(connection, since, DAEMON)):
        return None
    return {"count": len(names), "sites": names[:MOST_NAMED]}


def since(connection: Connection, site_id: int, now: datetime) -> datetime | None:
    """Since when the reason of that site to be down may be lost, at `now` (UTC); None of another
    site."""
    found = lineage.standing(connection)
    at = _lost_at(found)
    if at is None:
        return None
    is_one = left.is_one(connection, site_id, believed_since=believed_since(found, now))
    return at if is_one else None


def believed_since(found: Standing, now: datetime) -> datetime | None:
    """Sites that were added since then (UTC) are believed to be up at `now`, though nobody can
    tell; None while they may be some that the record has lost."""
    until = found.strange_until
    return found.resumed_at if until is not None and now >= until else None


def _lost_at(found: Standing) -> datetime | None:
    """When the record lost its end, as far as is known, until the world is as it says."""
    return None if found.unproved_since is None else found.lost_at
