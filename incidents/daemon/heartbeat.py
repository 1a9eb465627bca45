"""The duty of the heartbeat: show that the clock is enforced, and by which daemon."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from incidents import clock
from incidents.app import App
from incidents.daemon.enforce import Enforcement
from incidents.errors import DatabaseError
from incidents.store import desk_state, monitoring
from incidents.store.database.engine import plainly, writing

BEAT_S = 5
FORGOTTEN_AFTER = timedelta(days=1)


def identity() -> monitoring.Heartbeat:
    """This process as a daemon; the name is its own also where every host has a pid 1."""
    now = clock.now()
    host, pid = socket.gethostname(), os.getpid()
    name = f"{host}-{pid}-{secrets.token_hex(4)}"
    return monitoring.Heartbeat(daemon=name, host=host, pid=pid, started_at=now, beat_at=now)


def note_once(house: App) -> None:
    """Let everybody see when `daemon --once` last did what was due; nobody waits for a next beat.

    Raises:
        DatabaseError: if it cannot be noted. What was due is done all the same; but who asks later
            is told that nothing enforces the clock, and nothing that falls due could be written.
    """
    host = socket.gethostname()
    with plainly(house.engine), writing(house.engine) as connection:
        now = desk_state.now(connection)
        name = monitoring.once_on(host)
        beat = monitoring.Heartbeat(
            daemon=name, host=host, pid=os.getpid(), started_at=now, beat_at=now
        )
        monitoring.beat(connection, beat)
        monitoring.purge_heartbeats(connection, now - FORGOTTEN_AFTER)


def note_mark_once(house: App, unread: str | None) -> None:
    """Let everybody see why `daemon --once` carried nothing out, if it cannot read its mark.

    Raises:
        DatabaseError: if it cannot be noted.
    """
    with plainly(house.engine), writing(house.engine) as connection:
        name = monitoring.once_on(socket.gethostname())
        monitoring.record_mark(connection, name, unread, desk_state.now(connection))


class Heart:
    """Beats only while enforcement works; a daemon that merely lives deserves no trust.

    `mark_unread` tells why nothing is carried out, if the mark cannot be read.
    """

    def __init__(
        self,
        house: App,
        enforcement: Enforcement,
        identity: monitoring.Heartbeat,
        mark_unread: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._house = house
        self._enforcement = enforcement
        self._identity = identity
        self._mark_unread = mark_unread
        self._beaten = False

    def beat(self) -> None:
        """Write the row, in the database's own time where it has one, and forget the dead."""
        if not self._enforcement.works:
            return
        aside, unread = self._enforcement.aside, self._mark_unread()
        # Enforcement meets the same database and tells of it; a beat that fails is missed.
        with suppress(DBAPIError, DatabaseError):
            with writing(self._house.engine) as connection:
                now = desk_state.now(connection)
                beat = replace(
                    self._identity, beat_at=now, standing_aside=aside, mark_unread=unread,
                    mark_unread_since=None if unread is None else now,
                )  # fmt: skip
                monitoring.beat(connection, beat)
                monitoring.purge_heartbeats(connection, now - FORGOTTEN_AFTER)
            self._beaten = True

    def stop(self) -> None:
        """Take the row away, so that nobody trusts in this daemon for another moment."""
        if not self._beaten:
            return
        with suppress(DBAPIError, DatabaseError), writing(self._house.engine) as connection:
            monitoring.remove_heartbeat(connection, self._identity.daemon)
