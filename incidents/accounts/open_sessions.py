"""The open sessions of a database, with the browsers that people have used before.

A known browser signs nobody in. Guesses from it are counted separately (see `throttle`), so a
guesser elsewhere cannot lock out its user (OWASP, "device cookies"). Each cookie is signed with the
hash of the password: a new password makes every browser unknown, and nothing else is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from incidents.errors import RefusedError
from incidents.store import accounts, sign_ins
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.sign_ins import OK, SignIn

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from incidents.store.accounts import Session

KNOWN_FOR = timedelta(days=90)
"""The time for which a browser is known after its last sign-in."""

MOST = 8
"""The most people for whom a browser is known, the latest: a shift's machine has several."""

_BETWEEN, _WITHIN = "~", "."
_LONGEST = 2_000


class _Entry(NamedTuple):
    made: str
    word: str
    signature: str


def known_browser(cookie: str, handle: str, hash_: str | None, now: datetime) -> str | None:
    """Return the known browser of `handle` in a cookie, or None; `hash_`: the password's."""
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
    """The well-formed entries of a cookie; anybody may have written them."""
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
"""The length of a session: a shift."""
IDLE_FOR = timedelta(hours=1)
"""The time without use by a person after which a session ends."""


class UnknownSessionError(RefusedError):
    """no session named {session!r}"""


class OpenSessions:
    """The open sessions; `clock` gives aware times in UTC.

    All methods raise DatabaseError if the database fails.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def of(self, handle: str | None) -> list[Session]:
        """List the open sessions of that account, or of all accounts if None; the newest first."""
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
        """End a session, one's own or, as an account admin, somebody else's.

        Raises:
            UnknownSessionError: for an unknown id.
        """
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session_of_id(connection, session)
            if found is None:
                raise UnknownSessionError(session=session)
            end(connection, found, "ended", by, self._clock())


def end(connection: Connection, found: Session, how: str, by: str | None, now: datetime) -> None:
    """End a session at `now` (UTC), and add that to the log of sign-ins."""
    whose = found.account.handle
    if accounts.end_session(connection, found.id):
        line = SignIn(
            now, "sign_out", OK, how, whose, None if by == whose else by, session=found.id
        )
        sign_ins.add(connection, line)


def has_ended(session: Session, now: datetime) -> bool:
    """Whether the session has ended by now: after a shift, without use, or with its account."""
    too_old = now - session.made_at >= SESSION_FOR or now - session.seen_at >= IDLE_FOR
    return too_old or session.account.disabled_at is not None
