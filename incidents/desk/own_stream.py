"""The desk's own stream: how an act that belongs to no site goes on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, update

from incidents.machine.events import Event
from incidents.record.entry import DESK, encode
from incidents.store import entries, policies
from incidents.store.tables import DESK_STREAM, desk


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next entry will stand, the desk's row being locked: the active policy's digest, the
    entry's number, and its time (UTC), which is no earlier than its predecessor's."""

    policy: str
    seq: int
    now: datetime


def locked(connection: Connection) -> tuple[str, int]:
    """The active policy's digest and the last entry's number; nobody else acts until the end."""
    return policies.lock_desk(connection)


def place(connection: Connection, clock: Callable[[], datetime]) -> Place:
    """The next place in the stream; to be followed by `write`. Sites are locked before, if any."""
    policy, last = locked(connection)
    return after(connection, policy, last, clock())


def after(connection: Connection, policy: str, last: int, now: datetime) -> Place:
    """The place after the `last` entry; the desk's own record never steps back."""
    return Place(policy, last + 1, max(now, entries.last_of_desk(connection) or now))


def write(connection: Connection, at: Place, event: Event, login: str | None) -> None:
    """Puts the act on record at its place."""
    body = encode(event, DESK, DESK_STREAM, at.seq, login)
    entries.add(connection, [entries.Entry.of(DESK_STREAM, at.seq, event.recorded_at, body)])
    connection.execute(update(desk).values(seq=at.seq))
