"""Queries of heartbeats: which daemons say that they enforce the clock, and when they last did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, literal, select, update

from incidents.store.schema.tables import heartbeats

_ONCE = "once:"


def once_on(host: str) -> str:
    """The name, in place of a daemon's own, under which `daemon --once` is known on that host."""
    return f"{_ONCE}{host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A daemon, when it started and last beat (UTC), and why it stands aside if it does; and why it
    carries nothing out, if it cannot read its mark, and since when."""

    daemon: str
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime
    standing_aside: str | None = None
    mark_unread: str | None = None
    mark_unread_since: datetime | None = None

    @property
    def once(self) -> bool:
        """Whether it does not stay: `daemon --once`, whose only beat is its end."""
        return self.daemon.startswith(_ONCE)


def known(connection: Connection) -> list[Heartbeat]:
    """All daemons, the one that beat last first."""
    found = connection.execute(
        select(heartbeats).order_by(heartbeats.c.beat_at.desc(), heartbeats.c.daemon)
    )
    return [Heartbeat(**row) for row in found.mappings()]


def beat(connection: Connection, heartbeat: Heartbeat) -> None:
    """Writes what a daemon says of itself, in place of what it said before; since when it cannot
    read its mark stays."""
    # Loaded by the daemon alone: who only looks at the beats does not pay for two dialects.
    from sqlalchemy.dialects import postgresql, sqlite

    made = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = asdict(heartbeat)
    said = {"beat_at": row["beat_at"], "standing_aside": row["standing_aside"]}
    if not heartbeat.once:
        said |= _mark(heartbeat.mark_unread, heartbeat.beat_at)
    statement = made(heartbeats).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["daemon"], set_=said))


def note_mark(connection: Connection, daemon: str, unread: str | None, now: datetime) -> None:
    """Writes why `daemon --once` cannot read its mark, known at `now` (UTC); None if it can. That
    is known only after its beat."""
    noted = update(heartbeats).where(heartbeats.c.daemon == daemon)
    connection.execute(noted.values(_mark(unread, now)))


def _mark(unread: str | None, now: datetime) -> dict[str, Any]:
    known = heartbeats.c.mark_unread_since
    since = None if unread is None else func.coalesce(known, literal(now, known.type))
    return {"mark_unread": unread, "mark_unread_since": since}


def remove(connection: Connection, daemon: str) -> None:
    """Takes out a daemon that has stopped."""
    connection.execute(delete(heartbeats).where(heartbeats.c.daemon == daemon))


def purge(connection: Connection, before: datetime) -> None:
    """Takes out the daemons that have not beaten since `before`: killed, and not coming back."""
    connection.execute(delete(heartbeats).where(heartbeats.c.beat_at < before))
