"""The open sessions of one database: they are looked at, and ended, by their own and by others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from incidents.errors import RefusedError
from incidents.store import sessions, sign_ins
from incidents.store.engine import plainly, reading, writing
from incidents.store.sign_ins import OK, SignIn

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from incidents.store.sessions import Session

SESSION_FOR = timedelta(hours=12)
"""A shift; and so long without use by a person a session holds: """
IDLE_FOR = timedelta(hours=1)


class UnknownSessionError(RefusedError):
    """no session is called {session!r} (account sessions lists them)"""


class OpenSessions:
    """The sessions that hold; `clock` gives aware times in UTC.

    All raise DatabaseError when the database does not do its part.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def of(self, handle: str | None) -> list[Session]:
        """Those of that account, of all without one; the newest first."""
        now = self._clock()
        with plainly(self._engine), reading(self._engine) as connection:
            return sessions.of(connection, handle, made=now - SESSION_FOR, seen=now - IDLE_FOR)

    def owner_of(self, session: str) -> str | None:
        """Whose session that is; None if there is none of that id."""
        with plainly(self._engine), reading(self._engine) as connection:
            found = sessions.of_id(connection, session) if is_id(session) else None
        return None if found is None else found.account.handle

    def end(self, session: str, by: str) -> None:
        """Ends one of one's own or, as who keeps accounts, of somebody else's.

        Raises:
            UnknownSessionError: if there is none of that id.
        """
        with plainly(self._engine), writing(self._engine) as connection:
            found = sessions.of_id(connection, session) if is_id(session) else None
            if found is None:
                raise UnknownSessionError(session=session)
            end(connection, found, "ended", by, self._clock())


def end(connection: Connection, found: Session, how: str, by: str | None, now: datetime) -> None:
    """Ends a session, at `now` (UTC), which the log of sign-ins tells of."""
    whose = found.account.handle
    if sessions.end(connection, found.id):
        told = SignIn(
            now, "sign_out", OK, how, whose, None if by == whose else by, session=found.id
        )
        sign_ins.add(connection, told)


def has_ended(session: Session, now: datetime) -> bool:
    """Whether it is over by now: after a shift, without use, or with its account."""
    too_old = now - session.made_at >= SESSION_FOR or now - session.seen_at >= IDLE_FOR
    return too_old or session.account.disabled_at is not None


def is_id(given: str) -> bool:
    """Whether a session could be called that."""
    return given.isascii() and given.isalnum()
