"""The log's key: the desk's own act of naming the key that signs the checkpoints of the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from incidents.desk import own_stream
from incidents.errors import RefusedError
from incidents.record.own_events import LogKeyMade
from incidents.record.sealing import seal
from incidents.store import checkpoints, desk_state, entries
from incidents.store.schema.tables import DESK_STREAM


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKey:
    """A public key (C2SP signed-note) that is to sign in place of `previous`, and why; `lost` if
    that one does not hand over."""

    key: str
    previous: str | None
    by: str
    login: str | None
    lost: bool = False
    reason: str | None = None


def make(connection: Connection, new: LogKey, clock: Callable[[], datetime]) -> None:
    """Puts it on record.

    Raises:
        RefusedError: if another key signs than the one that it is to replace, or it has been one.
    """
    desk_state.keep_policy(connection)
    place = own_stream.place(connection, clock)
    active = checkpoints.active(connection)
    if active != new.previous:
        raise RefusedError(
            f"another key signs by now: {active}" if active else "no key signs yet: make the first"
        )
    if new.key in checkpoints.every_key(connection):
        raise RefusedError(f"this key has been one before: {new.key}")
    words = None if new.reason is None else seal(new.reason)
    event = LogKeyMade(
        occurred_at=place.now, recorded_at=place.now, by=new.by, policy=place.policy, key=new.key,
        previous=new.previous, lost=new.lost, text=None if words is None else words[0],
    )  # fmt: skip
    checkpoints.add_key(connection, checkpoints.Key(new.key, place.seq, place.now, new.by))
    if words is not None:
        entries.add_sealed(connection, [entries.Sealed(*words, DESK_STREAM, place.now)])
    own_stream.write(connection, place, event, new.login)
