"""The desk's own stream: how an act that belongs to no site goes on record, once for each key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from incidents.errors import RefusedError
from incidents.machine.events import Event
from incidents.record.entry import DESK, encode
from incidents.record.sealing import digest_of, is_digest_of
from incidents.store import desk_state, entries
from incidents.store.schema.tables import DESK_STREAM, desk


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next entry will stand, the desk's row being locked: the active policy's digest, the
    entry's number, and its time (UTC), which is no earlier than its predecessor's."""

    policy: str
    seq: int
    now: datetime


def locked(connection: Connection) -> tuple[str, int]:
    """The active policy's digest and the last entry's number; nobody else acts until the end."""
    return desk_state.lock_desk(connection)


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


class KeyReusedError(RefusedError):
    """the key {key!r} was used for another act: take another one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """The key, who gives it, and what is asked, which a repetition must have in common; without a
    key an act is done each time."""

    key: str | None
    by: str
    asked: str

    def before(self, connection: Connection) -> dict[str, Any] | None:
        """What was kept when it was done; None if it was not. Nobody does it until the end.

        Raises:
            KeyReusedError: if something else was done under the key.
        """
        if self.key is None:
            return None
        locked(connection)
        kept = desk_state.answers_kept(connection, [self.key]).get(self.key)
        if kept is None:
            return None
        if not is_digest_of(kept.fingerprint, self.asked):
            raise KeyReusedError(key=self.key)
        return kept.answer

    def keep(self, connection: Connection, answer: Mapping[str, Any], now: datetime) -> None:
        """Keeps what a repetition is to be answered with; done at `now` (UTC)."""
        if self.key is not None:
            kept = desk_state.KeptAnswer(
                self.key, digest_of(self.asked), dict(answer), now, self.by
            )
            desk_state.save_answers(connection, [kept], ())
