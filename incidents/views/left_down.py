"""What a loss has left down, and what daemons have taken down again, as people look at it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.machine.case import UNKNOWN
from incidents.machine.command import DAEMON
from incidents.store.orders import outbox
from incidents.store.record import left_down as left
from incidents.store.record import lineage
from incidents.store.record.lineage import Standing
from incidents.views import left_mark

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import LeftDown, TakenDown


UP = "active"

MOST_NAMED = 20
"""So many sites are named."""

Document = dict[str, Any]


def staying(connection: Connection) -> Collection[int]:
    """The ids of those that are suspended on record as well, and stay down at the end of that, or
    that an order waits to open, which is cancelled: it costs the reading of their entries, and is
    asked for once a look."""
    if _lost_at(lineage.standing(connection)) is None:
        return ()
    return left_mark.marked_and_staying(connection)


def left_down(
    connection: Connection,
    found: Standing,
    now: datetime,
    *,
    also: Collection[int] | None = None,
) -> LeftDown | None:
    """The sites that are down in the world, or may be, though nothing on record keeps them down:
    their number (`count`), how many of them are `closed` in the world, of how many nobody can tell
    (`unknown`), how many of these were added since the loss (`new`), the first names (`sites`) and
    how each is in the world (`states`), which of these are suspended on record as well, and stay
    down at the end of that (`suspended_now`), since when the reason may be lost, and whether all
    sites were compared (`complete`). None where there are none at `now` (UTC), or the world is as
    the record says. `also`: those that are `staying`, where somebody has asked for them."""
    since = _lost_at(found)
    if since is None:
        return None
    also = left_mark.marked_and_staying(connection) if also is None else also
    believed = believed_since(found, now)
    added_since = found.resumed_at or since
    counts = left.counts(connection, added_since, believed_since=believed, also=also)
    if not counts.sites:
        return None
    named = left.named(connection, MOST_NAMED, believed_since=believed, also=also)
    return {
        "count": counts.sites, "closed": counts.closed, "unknown": counts.unknown,
        "new": counts.new, "sites": [name for name, *_ in named],
        "states": [cast("Any", state) for _, state, _ in named],
        "suspended_now": [name for name, _, is_up in named if not is_up],
        "since": rfc3339(since), "complete": found.is_compared,
    }  # fmt: skip


def every(
    connection: Connection, now: datetime, *, also: Collection[int] | None = None
) -> list[str]:
    """The names of all of them at `now` (UTC), where there are any. `also`: as above."""
    believed = believed_since(lineage.standing(connection), now)
    also = left_mark.marked_and_staying(connection) if also is None else also
    return [name for name, *_ in left.named(connection, believed_since=believed, also=also)]


def taken_down(connection: Connection, since: datetime | None) -> TakenDown | None:
    """The sites that daemons have taken down again since then (UTC), when the record had lost its
    end or was found on another server; None where there are none, or that is no news any more."""
    if since is None or not (names := outbox.down_again(connection, since, DAEMON)):
        return None
    return {"count": len(names), "sites": names[:MOST_NAMED]}


def since(connection: Connection, site: Mapping[str, Any], now: datetime) -> datetime | None:
    """Since when the reason of that site to be down, by its row, may be lost, at `now` (UTC); None
    of another site."""
    found = lineage.standing(connection)
    at = _lost_at(found)
    if at is None:
        return None
    if left.is_one(connection, site["id"], believed_since=believed_since(found, now)):
        return at
    is_suspended = site["state"] == "suspended" and site["hold_at"] is None
    stays = is_suspended or left.waits_to_open(connection, site["id"])
    return at if stays and stays_down(connection, site) else None


def stays_down(connection: Connection, site: Mapping[str, Any]) -> bool:
    """Whether a loss has left that site down, by its row, so that neither the end of a suspension
    nor a case that is struck opens it, nor, while it is closed in the world, that a hold is lifted:
    a person decides."""
    is_held = site["hold_at"] is not None and site["in_force"] != "closed"
    if site["in_force"] == UP or site["state"] == "closed" or is_held:
        return False
    return bool(left_mark.marked(connection, [site["id"]]))


def believed_since(found: Standing, now: datetime) -> datetime | None:
    """Sites that were added since then (UTC) are believed to be up at `now`, though nobody can
    tell; None while they may be some that the record has lost, as far as one is known."""
    until = found.strange_until
    return found.resumed_at if until is None or now >= until else None


def is_believed(connection: Connection, site: Mapping[str, Any], now: datetime) -> bool:
    """Whether the site, by its row, was added after a loss and nobody can ask how it is, but by
    now (UTC) it counts as up."""
    if (site["state"], site["in_force"], site["last_act"]) != (UP, UNKNOWN, 0):
        return False
    since = believed_since(lineage.standing(connection), now)
    return since is not None and site["created_at"] > since


def _lost_at(found: Standing) -> datetime | None:
    """When the record lost its end, as far as is known, until the world is as it says."""
    return None if found.unproved_since is None else found.lost_at
