"""The health of a desk: whether a daemon enforces the clock, and what is overdue since when; and
whether the record is whole, and signed, as far as is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, select

from incidents.audit.log import loss
from incidents.audit.log import status as log_status
from incidents.audit.log.signed_files import Known
from incidents.clock import rfc3339
from incidents.contract.case_documents import plain
from incidents.record.own_events import HistoryResumed
from incidents.store import after_loss, lineage, monitoring
from incidents.store.desk_state import is_rehearsal
from incidents.store.lineage import Standing
from incidents.store.monitoring import Heartbeat
from incidents.store.schema.tables import sites
from incidents.views.left_down import MOST_NAMED, left_down, resumptions, taken_down

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import (
        Daemon,
        Enforcement,
        HaltedWhy,
        History,
        MarkUnread,
        Uncompared,
    )
    from incidents.contract.documents.record import LogProgress, LogStatus, RecordResumed, Resumed


STALE_AFTER = timedelta(seconds=10)
"""A daemon that has not been heard of for longer is taken for dead."""

ONCE_LASTS = timedelta(minutes=10)
"""So long after `daemon --once` the clock still counts as seen to: cron's next turn comes."""

MAX_COUNTED = 1_000
"""So many overdue sites are counted, so that looking costs the same however bad things are."""

_MAX_NAMED = 10


def enforcement(
    connection: Connection, now: datetime, *, staying: Collection[int] | None = None
) -> Enforcement:
    """Whether the clock is enforced at `now`, and what should have been done by then.

    `beating`: a daemon was heard of in the last ten seconds that does not stand aside (for its
    clock is wrong). `enforced_by`: `daemon` then; `once` where none beats, but `daemon --once`
    came to its end in the last ten minutes and left nothing due; else null. `overdue` counts the
    sites whose due time has passed, at most `MAX_COUNTED`: `overdue_capped` says that there may be
    more. `mark_unread`: which daemon carries nothing out since it cannot read its mark, the one
    that has not for the longest; why, since when, how many there are, and whether any other one is
    heard of; else null. `rehearsal`: any machine's clock is taken. `history`, and who is
    `staying`: see `record_health`.
    """
    known = monitoring.known_daemons(connection)
    daemons = [_daemon(heartbeat, now) for heartbeat in known if not heartbeat.once]
    once = next((heartbeat.beat_at for heartbeat in known if heartbeat.once), None)
    at_work = [daemon for daemon in daemons if daemon["beating"]]
    told = next(iter(at_work or daemons), None)
    named = connection.execute(_FIRST_OVERDUE, {"now": now}).all()
    # Nearly always they are few, and have been counted by being named.
    overdue = len(named)
    if overdue == _MAX_NAMED:
        overdue = connection.scalar(_COUNTED, {"now": now}) or overdue
    since = named[0].next_due if named else None
    return {
        "beating": bool(at_work),
        "enforced_by": ("daemon" if at_work else "once" if _sees_to(once, since, now) else None),
        "last_once": None if once is None else rfc3339(once),
        "last_beat": None if told is None else told["last_beat"],
        "daemon": None if told is None else told["daemon"],
        "standing_aside": None if told is None else told["standing_aside"],
        "overdue": overdue,
        "overdue_capped": overdue >= MAX_COUNTED,
        "overdue_since": None if since is None else rfc3339(since),
        "overdue_sites": [{"site": row.name, "due": rfc3339(row.next_due)} for row in named],
        "daemons": daemons,
        "mark_unread": _mark_unread(known, now),
        "rehearsal": is_rehearsal(connection),
        "history": record_health(connection, now, staying=staying),
    }


def is_heard(beat: Heartbeat, now: datetime) -> bool:
    """Whether a daemon is heard of at `now`."""
    # A beat from the future is as little to be trusted as an old one: some clock was set back.
    return abs(now - beat.beat_at) <= STALE_AFTER


def missed(known: Iterable[Heartbeat], now: datetime) -> list[Heartbeat]:
    """Those that have gone silent.

    One that was stopped has taken its heartbeat away; one that was killed and started again on the
    same host is not missed.
    """
    staying = [beat for beat in known if not beat.once]
    at_work = [beat for beat in staying if is_heard(beat, now) and beat.standing_aside is None]
    return [
        beat
        for beat in staying
        if not is_heard(beat, now)
        and not any(b.host == beat.host and b.started_at >= beat.beat_at for b in at_work)
    ]


def _daemon(heartbeat: Heartbeat, now: datetime) -> Daemon:
    return {
        "daemon": heartbeat.daemon,
        "host": heartbeat.host,
        "pid": heartbeat.pid,
        "started_at": rfc3339(heartbeat.started_at),
        "last_beat": rfc3339(heartbeat.beat_at),
        "beating": is_heard(heartbeat, now) and heartbeat.standing_aside is None,
        "standing_aside": heartbeat.standing_aside,
        "mark_unread": heartbeat.mark_unread,
    }


def carries_out(found: Mapping[str, Any]) -> bool:
    """Whether any daemon that is heard of may carry orders out, as a document of it says."""
    # A server of before says nothing of it.
    unread = found.get("mark_unread")
    halted = (found.get("history") or {}).get("halted_since") is not None
    return not halted and (unread is None or unread["others"])


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
        return abs(now - beat.beat_at) <= ONCE_LASTS
    return is_heard(beat, now) and beat.standing_aside is None


def _sees_to(once: datetime | None, since: datetime | None, now: datetime) -> bool:
    """Whether what is due by now is left to the next turn of `daemon --once`, and it will come."""
    return once is not None and abs(now - once) <= ONCE_LASTS and (since is None or since >= once)


# Written into the statements: for any limit PostgreSQL would plan another way than for these.
_few: ColumnElement[int] = literal_column(str(_MAX_NAMED))
_many: ColumnElement[int] = literal_column(str(MAX_COUNTED))
_due = sites.c.next_due < bindparam("now")
_in_order = (sites.c.next_due, sites.c.id)
_FIRST_OVERDUE = select(sites.c.name, sites.c.next_due).where(_due).order_by(*_in_order).limit(_few)
_counted = select(sites.c.next_due).where(_due).order_by(*_in_order).limit(_many).subquery()
_COUNTED = select(func.count()).select_from(_counted)


MOVED_FOR = timedelta(minutes=10)
"""For so long at least people are told that another server has taken over."""


def record_health(
    connection: Connection, now: datetime, *, staying: Collection[int] | None = None
) -> History:
    """How the record stands at `now` (UTC).

    `epoch`: raised whenever the record had to go on from less, or on another server, than it was
    known to be. `lost_since`: since when entries are known to be missing, null once a person has
    put on record that they know. `moved_since`: since when it is known that another server has
    taken over, with nothing known to be missing; null ten minutes later, if the world was compared
    by then. `unproved_since`: since when the world is being compared with the record, null once it
    was. `halted_since`: since when nothing is carried out, until a person goes on, and why
    (`halted_why`, by its code in `store.lineage`; null if a version of before 0017 halted
    it). `unsigned_since`: see `log_status`. `left_down` and `taken_down`: see `views.left_down`,
    and so are those that are `staying`, where somebody has asked for them. `uncompared`: which
    sites could not be compared so far, how many, since when the first, and of the first names why;
    null where there are none.
    """
    found = lineage.standing(connection)
    moved_since = found.moved_at if _is_news(found, now) else None
    left, failed = left_down(connection, found, now, also=staying), _uncompared(connection, found)
    if left is not None and failed is not None:
        # One that was added since all were compared.
        left["complete"] = False
    return {
        "epoch": found.epoch,
        "lost_since": plain(found.lost_since),
        "moved_since": plain(moved_since),
        "unproved_since": plain(found.unproved_since),
        "halted_since": plain(found.halted_since),
        "halted_why": cast("HaltedWhy | None", found.halted_why),
        "unsigned_since": plain(log_status.unsigned_since(connection, now)),
        "left_down": left,
        "taken_down": taken_down(connection, found.lost_since or moved_since),
        "uncompared": failed,
    }


def _uncompared(connection: Connection, standing: Standing) -> Uncompared | None:
    if standing.unproved_since is None:
        return None
    found = after_loss.first_uncompared(connection, MOST_NAMED)
    return found and {
        "count": found.sites, "since": rfc3339(found.since),
        "sites": [{"site": site, "problem": problem} for site, problem in found.named],
    }  # fmt: skip


def _is_news(found: Standing, now: datetime) -> bool:
    """Whether people are to be told that another server has taken over."""
    if found.moved_at is None or found.lost_since is not None:
        return False
    return found.unproved_since is not None or now - found.moved_at < MOVED_FOR


def resumed(connection: Connection) -> RecordResumed:
    """How the record went on last from less, or on another server (`resumed`), and how it did when
    something was missing last (`lost`), whoever has let it go on since; None if it never did; and
    how it did when something was missing before that (`lost_before`), the first one first.

    `cause`, `entries`, `had` and `signed`: see `own_events.HistoryResumed`. `missing`: so many
    entries are missing at least, 0 if those that were signed may only stand in another order; None
    if none are known to be.
    """
    events = resumptions(connection)
    losses = [_told(connection, each) for each in loss.losses(events)]
    return {
        "resumed": _told(connection, events[-1]) if events else None,
        "lost": losses[-1] if losses else None,
        "lost_before": losses[:-1],
    }


def _told(connection: Connection, event: HistoryResumed) -> Resumed:
    return {
        "at": rfc3339(event.recorded_at), "by": event.by, "epoch": event.epoch,
        "cause": event.cause, "entries": event.entries, "had": event.had,
        "signed": event.signed, "missing": _missing(connection, event) if event.is_loss else None,
    }  # fmt: skip


def _missing(connection: Connection, event: HistoryResumed) -> int:
    """On PostgreSQL the numbers of entries have gaps, and the number of one counts none.

    An entry that was there is missing. What was signed may only stand in another order: a standby
    that had heard of the entries, and not of the log's numbers, gives others.
    """
    known = [event.signed]
    if connection.dialect.name == "sqlite":
        known.append(event.had)
    least = 0 if event.had is None else 1
    return max([least, *(number - event.entries for number in known if number is not None)])


def log_health(
    connection: Connection, files: Known, status: LogProgress, silent: list[str]
) -> LogStatus:
    """The log's status, and whether the log is what was signed last, as the files beside a key have
    it, which were read before: in which way it is not (`ahead`), or why nobody can tell here
    (`uncompared`); and how the record went on (`resumed`, `lost`, `lost_before`)."""
    lost = loss.known(connection, files)
    return {
        **status,
        "silent": silent,
        "signs": status["signs"] and lost is None,
        "ahead": None if lost is None else lost.detail,
        "uncompared": None if None in (status["key"], files.unread) else str(files.unread),
        **resumed(connection),
    }
