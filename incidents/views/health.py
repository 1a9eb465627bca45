"""The health of the clock: whether a daemon enforces it, and since when items are overdue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, select

from incidents import clock
from incidents.clock import rfc3339
from incidents.store import monitoring
from incidents.store.desk_state import is_rehearsal
from incidents.store.monitoring import Heartbeat
from incidents.store.schema.tables import sites
from incidents.views.record_health import record_health

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Daemon, Enforcement, MarkUnread


STALE_AFTER = timedelta(seconds=10)
"""The age of its last heartbeat after which a daemon is considered dead."""

CRON_GRACE = timedelta(minutes=10)
"""How long the clock counts as enforced after `daemon --once`, until cron starts the next one."""

MAX_COUNTED = 1_000
"""The maximum number of overdue sites to count, which limits the cost of a count."""

_MAX_NAMED = 10


def enforcement(
    connection: Connection, now: datetime, *, staying_down: Collection[int] | None = None
) -> Enforcement:
    """The enforcement of the clock at `now` (UTC), with overdue items.

    `beating`: a daemon's last heartbeat is at most ten seconds old, and the daemon has not paused
    because its clock is wrong. `enforced_by`: `daemon` if one is beating; `once` if none is, but
    `daemon --once` finished in the last ten minutes and left nothing due; otherwise null.
    `overdue`: the number of sites past their due time, at most `MAX_COUNTED`; `overdue_capped`:
    there may be more. `mark_unread`: if daemons cannot read their marks, and so cannot carry out
    orders, the daemon that has been unable to for the longest time, with the reason, the time, the
    number of such daemons, and whether any other daemon is beating; otherwise null. `rehearsal`:
    the database accepts simulated times. `history` and `staying_down`: see `record_health`.
    """
    known = monitoring.known_daemons(connection)
    daemons = [_daemon(heartbeat, now) for heartbeat in known if not heartbeat.once]
    once = next((heartbeat.beat_at for heartbeat in known if heartbeat.once), None)
    at_work = [daemon for daemon in daemons if daemon["beating"]]
    first = next(iter(at_work or daemons), None)
    named = connection.execute(_FIRST_OVERDUE, {"now": now}).all()
    # Nearly always they are few, and already counted by their names.
    overdue = len(named)
    if overdue == _MAX_NAMED:
        overdue = connection.scalar(_COUNTED, {"now": now}) or overdue
    since = named[0].next_due if named else None
    return {
        "beating": bool(at_work),
        "enforced_by": (
            "daemon" if at_work else "once" if _is_enforced_by_cron(once, since, now) else None
        ),
        "last_once": None if once is None else rfc3339(once),
        "last_beat": None if first is None else first["last_beat"],
        "daemon": None if first is None else first["daemon"],
        "standing_aside": None if first is None else first["standing_aside"],
        "overdue": overdue,
        "overdue_capped": overdue >= MAX_COUNTED,
        "overdue_since": None if since is None else rfc3339(since),
        "overdue_sites": [{"site": row.name, "due": rfc3339(row.next_due)} for row in named],
        "daemons": daemons,
        "mark_unread": _mark_unread(known, now),
        "rehearsal": is_rehearsal(connection),
        "history": record_health(connection, now, staying_down=staying_down),
    }


def is_alive(beat: Heartbeat, now: datetime) -> bool:
    """Whether a daemon's heartbeat is recent at `now`."""
    # A heartbeat from the future is no better than an old one: some clock was set back.
    return abs(now - beat.beat_at) <= clock.passing(STALE_AFTER)


def silent_daemons(known: Iterable[Heartbeat], now: datetime) -> list[Heartbeat]:
    """The daemons that have gone silent.

    A stopped daemon has deleted its heartbeat. A daemon that was killed and started again on the
    same host does not count as silent.
    """
    staying_down = [beat for beat in known if not beat.once]
    at_work = [beat for beat in staying_down if is_alive(beat, now) and beat.standing_aside is None]
    return [
        beat
        for beat in staying_down
        if not is_alive(beat, now)
        and not any(b.host == beat.host and b.started_at >= beat.beat_at for b in at_work)
    ]


def _daemon(heartbeat: Heartbeat, now: datetime) -> Daemon:
    return {
        "daemon": heartbeat.daemon,
        "host": heartbeat.host,
        "pid": heartbeat.pid,
        "started_at": rfc3339(heartbeat.started_at),
        "last_beat": rfc3339(heartbeat.beat_at),
        "beating": is_alive(heartbeat, now) and heartbeat.standing_aside is None,
        "standing_aside": heartbeat.standing_aside,
        "mark_unread": heartbeat.mark_unread,
        "mailbox_unread": heartbeat.mailbox_unread,
    }


def carries_out(found: Mapping[str, Any]) -> bool:
    """Whether a daemon carries orders out, according to the document from `enforcement`.

    A daemon does if one is beating, or `daemon --once` runs from cron (`enforced_by`), no orders
    are halted, and the daemon can read its mark.
    """
    # An older server does not send `mark_unread`.
    unread = found.get("mark_unread")
    halted = (found.get("history") or {}).get("halted_since") is not None
    is_enforced = found["enforced_by"] is not None
    return is_enforced and not halted and (unread is None or unread["others"])


def _mark_unread(known: Iterable[Heartbeat], now: datetime) -> MarkUnread | None:
    there = [beat for beat in known if _is_at_work(beat, now)]
    unread = [
        (beat.mark_unread_since, beat) for beat in there if beat.mark_unread_since is not None
    ]
    if not unread:
        return None
    since, first = min(unread, key=lambda each: each[0])
    return {
        "daemon": first.daemon,
        "since": rfc3339(since),
        "problem": first.mark_unread or "",
        "count": len(unread),
        "others": len(there) > len(unread),
    }


def _is_at_work(beat: Heartbeat, now: datetime) -> bool:
    if beat.once:
        return abs(now - beat.beat_at) <= CRON_GRACE
    return is_alive(beat, now) and beat.standing_aside is None


def _is_enforced_by_cron(once: datetime | None, since: datetime | None, now: datetime) -> bool:
    """Whether cron runs `daemon --once`: a run was recent, and nothing due before it is open."""
    return once is not None and abs(now - once) <= CRON_GRACE and (since is None or since >= once)


# Literals in the statements: PostgreSQL would choose another plan for a bound limit.
_few: ColumnElement[int] = literal_column(str(_MAX_NAMED))
_many: ColumnElement[int] = literal_column(str(MAX_COUNTED))
_due = sites.c.next_due < bindparam("now")
_in_order = (sites.c.next_due, sites.c.id)
_FIRST_OVERDUE = select(sites.c.name, sites.c.next_due).where(_due).order_by(*_in_order).limit(_few)
_counted = select(sites.c.next_due).where(_due).order_by(*_in_order).limit(_many).subquery()
_COUNTED = select(func.count()).select_from(_counted)
