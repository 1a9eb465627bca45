"""Enforcement: whether a daemon is enforcing the clock, and what is overdue since when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from incidents.clock import rfc3339
from incidents.store import heartbeats
from incidents.store.heartbeats import Heartbeat
from incidents.store.tables import sites

STALE_AFTER = timedelta(seconds=10)
"""A daemon that has not been heard of for longer is taken for dead."""

MAX_COUNTED = 10_000
"""So many overdue sites are counted, so that looking costs the same however bad things are."""

_MAX_NAMED = 10


def enforcement(connection: Connection, now: datetime) -> dict[str, Any]:
    """Whether the clock is enforced at `now`, and what should have been done by then.

    `beating`: a daemon was heard of in the last ten seconds that does not stand aside (for its
    clock is wrong). `overdue` counts the sites whose due time has passed (at most `MAX_COUNTED`).
    """
    daemons = [_daemon(heartbeat, now) for heartbeat in heartbeats.known(connection)]
    at_work = [daemon for daemon in daemons if daemon["beating"]]
    told = next(iter(at_work or daemons), None)
    overdue = connection.execute(_OVERDUE, {"now": now}).one()
    named = connection.execute(_FIRST_OVERDUE, {"now": now})
    return {
        "beating": bool(at_work),
        "last_beat": None if told is None else told["last_beat"],
        "daemon": None if told is None else told["daemon"],
        "standing_aside": None if told is None else told["standing_aside"],
        "overdue": overdue.n,
        "overdue_since": None if overdue.since is None else rfc3339(overdue.since),
        "overdue_sites": [{"site": row.name, "due": rfc3339(row.next_due)} for row in named],
        "daemons": daemons,
    }


def _daemon(heartbeat: Heartbeat, now: datetime) -> dict[str, Any]:
    # A beat from the future is as little to be trusted as an old one: some clock was set back.
    heard = abs(now - heartbeat.beat_at) <= STALE_AFTER
    return {
        "daemon": heartbeat.daemon,
        "host": heartbeat.host,
        "pid": heartbeat.pid,
        "started_at": rfc3339(heartbeat.started_at),
        "last_beat": rfc3339(heartbeat.beat_at),
        "beating": heard and heartbeat.standing_aside is None,
        "standing_aside": heartbeat.standing_aside,
    }


_due = select(sites.c.name, sites.c.next_due).where(sites.c.next_due < bindparam("now"))
_first_due = _due.order_by(sites.c.next_due, sites.c.id)
_counted = _first_due.limit(MAX_COUNTED).subquery()
_OVERDUE = select(func.count().label("n"), func.min(_counted.c.next_due).label("since"))
_FIRST_OVERDUE = _first_due.limit(_MAX_NAMED)
