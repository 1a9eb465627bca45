"""The heartbeat duty: record that this daemon is enforcing deadlines."""

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
PURGE_AFTER = timedelta(days=1)


def identity() -> monitoring.Heartbeat:
    """This process as a daemon, under a name that is unique even if every host has a pid 1."""
    now = clock.now()
    host, pid = socket.gethostname(), os.getpid()
    name = f"{host}-{pid}-{secrets.token_hex(4)}"
    return monitoring.Heartbeat(daemon=name, host=host, pid=pid, started_at=now, beat_at=now)


def record_once(app: App) -> None:
    """Record the time of this `daemon --once`, which sends no further heartbeat.

    Raises:
        DatabaseError: if the time cannot be recorded. The due work is done, but it will look as if
            nothing enforces the deadlines.
    """
    host = socket.gethostname()
    with plainly(app.engine), writing(app.engine) as connection:
        now = desk_state.now(connection)
        name = monitoring.once_on(host)
        beat = monitoring.Heartbeat(
            daemon=name, host=host, pid=os.getpid(), started_at=now, beat_at=now
        )
        monitoring.beat(connection, beat)
        monitoring.purge_heartbeats(connection, now - PURGE_AFTER)


def record_mark_once(app: App, unread: str | None) -> None:
    """Record why `daemon --once` carried out no orders, if the mark cannot be read.

    Raises:
        DatabaseError: if the reason cannot be recorded.
    """
    with plainly(app.engine), writing(app.engine) as connection:
        name = monitoring.once_on(socket.gethostname())
        monitoring.record_mark(connection, name, unread, desk_state.now(connection))


class HeartbeatDuty:
    """The heartbeat of this daemon, which is recorded only while enforcement works.

    `mark_unread`: returns why no orders are carried out, if the mark cannot be read.
    `mailbox_unread`: returns why no reports are received, if the mailbox cannot be read.
    """

    def __init__(
        self,
        app: App,
        enforcement: Enforcement,
        identity: monitoring.Heartbeat,
        mark_unread: Callable[[], str | None] = lambda: None,
        mailbox_unread: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._app = app
        self._enforcement = enforcement
        self._identity = identity
        self._mark_unread, self._mailbox_unread = mark_unread, mailbox_unread
        self._beaten = False

    def beat(self) -> None:
        """Record a heartbeat, in the database's time if it has a clock, and purge dead daemons."""
        if not self._enforcement.is_working:
            return
        aside, unread = self._enforcement.aside, self._mark_unread()
        # Enforcement reports the same database error; the beat is skipped.
        with suppress(DBAPIError, DatabaseError):
            with writing(self._app.engine) as connection:
                now = desk_state.now(connection)
                beat = replace(
                    self._identity, beat_at=now, standing_aside=aside, mark_unread=unread,
                    mark_unread_since=None if unread is None else now,
                    mailbox_unread=self._mailbox_unread(),
                )  # fmt: skip
                monitoring.beat(connection, beat)
                monitoring.purge_heartbeats(connection, now - PURGE_AFTER)
            self._beaten = True

    def stop(self) -> None:
        """Remove the heartbeat, so that this daemon no longer counts as running."""
        if not self._beaten:
            return
        with suppress(DBAPIError, DatabaseError), writing(self._app.engine) as connection:
            monitoring.remove_heartbeat(connection, self._identity.daemon)
