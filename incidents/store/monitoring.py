"""Queries for monitoring: the heartbeats of daemons, and the alarms that were raised.

An alarm's row exists from the time a daemon sees its cause until a daemon sees the cause end. Any
number of daemons check: each raises missing alarms, and one at a time claims an alarm, under a
lease (`next_at` in the future, one more attempt). Writes name the row by its key and `raised_at`:
if the cause ended and came back meanwhile, that is a different row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, literal, select, update

from incidents.store.schema.desk_tables import heartbeats
from incidents.store.schema.log_tables import alarms
from incidents.store.statement import insert_missing, insert_or

_ONCE = "once:"


def once_on(host: str) -> str:
    """The name that `daemon --once` has on that host, whatever process runs it."""
    return f"{_ONCE}{host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A daemon, with the times of its start and its last beat (UTC).

    `standing_aside`: why the daemon has paused; None if it has not. `mark_unread` and
    `mark_unread_since`: why, and since when, it cannot read its mark; until it can, it carries out
    no orders. `mailbox_unread`: why it cannot read the mailbox that reports come in by.
    """

    daemon: str
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime
    standing_aside: str | None = None
    mark_unread: str | None = None
    mark_unread_since: datetime | None = None
    mailbox_unread: str | None = None

    @property
    def once(self) -> bool:
        """Whether this is the heartbeat of a `daemon --once`, which beats only at its end."""
        return self.daemon.startswith(_ONCE)


def known_daemons(connection: Connection) -> list[Heartbeat]:
    """All daemons, the latest beat first."""
    found = connection.execute(
        select(heartbeats).order_by(heartbeats.c.beat_at.desc(), heartbeats.c.daemon)
    )
    return [Heartbeat(**row) for row in found.mappings()]


def beat(connection: Connection, heartbeat: Heartbeat) -> None:
    """Replace a daemon's last heartbeat; the first failure to read its mark is kept."""
    row = asdict(heartbeat)
    said = {"beat_at": row["beat_at"], "standing_aside": row["standing_aside"]}
    if not heartbeat.once:
        said |= _mark(heartbeat.mark_unread, heartbeat.beat_at)
        said["mailbox_unread"] = heartbeat.mailbox_unread
    statement = insert_or(connection, heartbeats).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["daemon"], set_=said))


def record_mark(connection: Connection, daemon: str, unread: str | None, now: datetime) -> None:
    """Record why `daemon --once` cannot read its mark, as of `now` (UTC); None if it can.

    The reason is known only after the heartbeat.
    """
    noted = update(heartbeats).where(heartbeats.c.daemon == daemon)
    connection.execute(noted.values(_mark(unread, now)))


def _mark(unread: str | None, now: datetime) -> dict[str, Any]:
    known = heartbeats.c.mark_unread_since
    since = None if unread is None else func.coalesce(known, literal(now, known.type))
    return {"mark_unread": unread, "mark_unread_since": since}


def remove_heartbeat(connection: Connection, daemon: str) -> None:
    """Delete the heartbeat of a daemon that has stopped."""
    connection.execute(delete(heartbeats).where(heartbeats.c.daemon == daemon))


def purge_heartbeats(connection: Connection, before: datetime) -> None:
    """Delete the heartbeats older than `before`, left by daemons that were killed."""
    connection.execute(delete(heartbeats).where(heartbeats.c.beat_at < before))


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An alarm that was raised; times are in UTC.

    `key`: its kind and `subject`. For a list that is sent again when it grows, the subject is the
    list as last sent. `next_at`: the end of the lease while a daemon has claimed the alarm,
    otherwise the earliest time to send it. `attempts`: the number of attempts made or begun.
    """

    key: str
    kind: str
    subject: str
    raised_at: datetime
    attempts: int
    next_at: datetime
    told_at: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Whether the alarm is due to be sent at `now` (UTC)."""
        return self.told_at is None and self.next_at <= now


def new_alarms(key: str, kind: str, subject: str, now: datetime) -> Raised:
    """A newly raised alarm, due at once."""
    return Raised(
        key=key, kind=kind, subject=subject, raised_at=now, attempts=0, next_at=now, told_at=None
    )


def known_alarms(connection: Connection) -> dict[str, Raised]:
    """All raised alarms by key, one for each cause."""
    found = connection.execute(select(alarms)).mappings()
    return {row["key"]: Raised(**row) for row in found}


def add_alarms(connection: Connection, raised: Iterable[Raised]) -> None:
    """Raise the alarms whose keys are new; an alarm raised by another daemon is not changed."""
    rows = [
        {name: getattr(each, name) for name in _COLUMNS}
        for each in sorted(raised, key=lambda each: each.key)
    ]
    if rows:
        connection.execute(insert_missing(connection, alarms), rows)


def renew_alarms(connection: Connection, seen: Raised, renewed: Raised) -> bool:
    """Write the alarm again under its key; False if the row has changed since it was `seen`."""
    values = {name: getattr(renewed, name) for name in _COLUMNS if name != "key"}
    as_seen = and_(
        _same(seen), alarms.c.subject == seen.subject, alarms.c.attempts == seen.attempts,
        alarms.c.next_at == seen.next_at, alarms.c.told_at.is_not_distinct_from(seen.told_at),
    )  # fmt: skip
    return bool(connection.execute(update(alarms).where(as_seen).values(values)).rowcount)


def claim_alarms(
    connection: Connection, seen: Raised, *, now: datetime, lease: timedelta
) -> Raised | None:
    """Claim an alarm for the length of the lease; None if another daemon was faster.

    If the alarm is neither sent nor postponed by then, any daemon may claim it again.
    """
    claimed = replace(seen, attempts=seen.attempts + 1, next_at=now + lease)
    as_seen = and_(
        _same(seen), alarms.c.attempts == seen.attempts, alarms.c.next_at == seen.next_at
    )
    taken = (
        update(alarms)
        .where(as_seen, alarms.c.told_at.is_(None))
        .values(attempts=claimed.attempts, next_at=claimed.next_at)
    )
    return claimed if connection.execute(taken).rowcount else None


def record_alarm_sent(connection: Connection, claimed: Raised, now: datetime) -> None:
    """Record that the alarm was sent: no daemon sends it again, even if another has claimed it."""
    connection.execute(
        update(alarms).where(_same(claimed), alarms.c.told_at.is_(None)).values(told_at=now)
    )


def postpone_alarm(
    connection: Connection, claimed: Raised, next_at: datetime, *, tried: bool = True
) -> None:
    """Release an alarm until `next_at`; if it was not `tried`, the claim leaves no trace."""
    in_hand = and_(
        _same(claimed), alarms.c.attempts == claimed.attempts, alarms.c.next_at == claimed.next_at
    )
    connection.execute(
        update(alarms)
        .where(in_hand, alarms.c.told_at.is_(None))
        .values(next_at=next_at, attempts=claimed.attempts - (not tried))
    )


def delete_alarms(connection: Connection, ended: Iterable[Raised]) -> None:
    """Delete the alarms whose cause has ended: if the cause returns, the alarm is sent again."""
    for each in sorted(ended, key=lambda each: each.key):
        connection.execute(delete(alarms).where(_same(each)))


def _same(seen: Raised) -> ColumnElement[bool]:
    return and_(alarms.c.key == seen.key, alarms.c.raised_at == seen.raised_at)


_COLUMNS = tuple(column.name for column in alarms.c)
