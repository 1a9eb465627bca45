"""The open sessions of a database, with the browsers that people have used before.

A known browser signs nobody in. Password guesses from a known browser are counted separately (see
`throttle`), so a guesser elsewhere cannot lock out the browser's user (OWASP, "device cookies").
Each cookie is signed with the hash of the password: after a password change no browser is known,
and the server need not store the browsers.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from incidents.errors import RefusedError
from incidents.store.accounts import accounts, sign_ins
from incidents.store.accounts.sign_ins import OK, SignIn
from incidents.store.database.engine import plainly, reading, writing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from incidents.store.accounts.accounts import Session

KNOWN_FOR = timedelta(days=90)
"""How long a browser stays known after its last sign-in."""

MOST = 8
"""The maximum number of people for whom a browser is known. Several people of a shift may use the
same machine."""

_BETWEEN, _WITHIN = "~", "."
_LONGEST = 2_000


class _Entry(NamedTuple):
    made: str
    word: str
    signature: str


def known_browser(cookie: str, handle: str, hash_: str | None, now: datetime) -> str | None:
    """Return the known browser of `handle` in a cookie, or None.

    `hash_`: the hash of the person's password.
    """
    for entry in _entries(cookie):
        right = hmac.compare_digest(entry.signature.encode(), _sign(entry, handle, hash_).encode())
        if (
            right
            and hash_ is not None
            and now.timestamp() - int(entry.made) < KNOWN_FOR.total_seconds()
        ):
            return entry.word
    return None


def cookie(before: str, handle: str, hash_: str, now: datetime) -> str:
    """Return a browser's new cookie after a sign-in of `handle`; `before`: its old cookie."""
    word = known_browser(before, handle, hash_, now)
    others = [entry for entry in _entries(before) if entry.word != word]
    made = _Entry(str(int(now.timestamp())), word or secrets.token_urlsafe(16), "")
    new = made._replace(signature=_sign(made, handle, hash_))
    return _BETWEEN.join(_WITHIN.join(entry) for entry in [new, *others][:MOST])


def _entries(cookie: str) -> Iterator[_Entry]:
    """The well-formed entries of a cookie, not yet trusted: anybody may have written them."""
    if not cookie.isascii():
        return
    for text in cookie[:_LONGEST].split(_BETWEEN)[:MOST]:
        parts = text.split(_WITHIN)
        if len(parts) == len(_Entry._fields) and parts[0].isdigit() and len(parts[0]) <= 12:
            yield _Entry(*parts)


def _sign(entry: _Entry, handle: str, hash_: str | None) -> str:
    signed = f"known browser {handle} {entry.made} {entry.word}"
    return hmac.new((hash_ or "").encode(), signed.encode(), hashlib.sha256).hexdigest()


SESSION_FOR = timedelta(hours=12)
"""The maximum length of a session: one shift."""
IDLE_FOR = timedelta(hours=1)
"""A session ends if its person does not use it for this time."""


class UnknownSessionError(RefusedError):
    """no session named {session!r}"""


class OpenSessions:
    """The open sessions; `clock` gives aware times in UTC.

    All methods raise DatabaseError if the database fails.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def of(self, handle: str | None) -> list[Session]:
        """List the open sessions of one account, or of all if `handle` is None, newest first."""
        now = self._clock()
        with plainly(self._engine), reading(self._engine) as connection:
            return accounts.sessions_of(
                connection, handle, made=now - SESSION_FOR, seen=now - IDLE_FOR
            )

    def owner_of(self, session: str) -> str | None:
        """Return the handle of a session's person; None for an unknown id."""
        with plainly(self._engine), reading(self._engine) as connection:
            found = accounts.session_of_id(connection, session)
        return None if found is None else found.account.handle

    def end(self, session: str, by: str) -> None:
        """End a session: the person's own or, for an account admin, somebody else's.

        Raises:
            UnknownSessionError: for an unknown id.
        """
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session_of_id(connection, session)
            if found is None:
                raise UnknownSessionError(session=session)
            end(connection, found, "ended", by, self._clock())


def end(connection: Connection, found: Session, how: str, by: str | None, now: datetime) -> None:
    """End a session at `now` (UTC), and record that in the sign-in log."""
    whose = found.account.handle
    if accounts.end_session(connection, found.id):
        line = SignIn(
            now, "sign_out", OK, how, whose, None if by == whose else by, session=found.id
        )
        sign_ins.add(connection, line)


def has_ended(session: Session, now: datetime) -> bool:
    """Whether the session is over: too old, unused for too long, or its account disabled."""
    too_old = now - session.made_at >= SESSION_FOR or now - session.seen_at >= IDLE_FOR
    return too_old or session.account.disabled_at is not None
