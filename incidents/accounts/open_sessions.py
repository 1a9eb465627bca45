"""The open sessions of a database, with the browsers that people have used before.

It lets nobody in. Its guesses count by themselves (see `throttle`), so that nobody who guesses
elsewhere keeps its person out (OWASP, "device cookies"). Each of its words is signed with what is
kept of the password: a new password makes a stranger of every browser, and nothing else is kept.
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
"""So long after its last sign-in a browser is known."""

MOST = 8
"""So many people a browser is known for, those who came in last: a shift's machine has several."""

_BETWEEN, _WITHIN = "~", "."
_LONGEST = 2_000


class _Entry(NamedTuple):
    made: str
    word: str
    signature: str


def word_of(cookie: str, handle: str, hash_: str | None, now: datetime) -> str | None:
    """The word by which the browser with that cookie is known as one of `handle`'s; None for a
    stranger. `hash_` is what is kept of the password, `now` in UTC."""
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
    """What a browser keeps that had `before`, now that `handle` has come in by it."""
    word = word_of(before, handle, hash_, now)
    others = [entry for entry in _entries(before) if entry.word != word]
    made = _Entry(str(int(now.timestamp())), word or secrets.token_urlsafe(16), "")
    new = made._replace(signature=_sign(made, handle, hash_))
    return _BETWEEN.join(_WITHIN.join(entry) for entry in [new, *others][:MOST])


def _entries(cookie: str) -> Iterator[_Entry]:
    """What looks like one; anybody may have written it."""
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
"""A shift; and so long without use by a person a session holds: """
IDLE_FOR = timedelta(hours=1)


class UnknownSessionError(RefusedError):
    """no session named {session!r}"""


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
            return accounts.sessions_of(
                connection, handle, made=now - SESSION_FOR, seen=now - IDLE_FOR
            )

    def owner_of(self, session: str) -> str | None:
        """Whose session that is; None if there is none of that id."""
        with plainly(self._engine), reading(self._engine) as connection:
            found = accounts.session_of_id(connection, session)
        return None if found is None else found.account.handle

    def end(self, session: str, by: str) -> None:
        """Ends one of one's own or, as who keeps accounts, of somebody else's.

        Raises:
            UnknownSessionError: if there is none of that id.
        """
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session_of_id(connection, session)
            if found is None:
                raise UnknownSessionError(session=session)
            end(connection, found, "ended", by, self._clock())


def end(connection: Connection, found: Session, how: str, by: str | None, now: datetime) -> None:
    """Ends a session, at `now` (UTC), which the log of sign-ins tells of."""
    whose = found.account.handle
    if accounts.end_session(connection, found.id):
        told = SignIn(
            now, "sign_out", OK, how, whose, None if by == whose else by, session=found.id
        )
        sign_ins.add(connection, told)


def has_ended(session: Session, now: datetime) -> bool:
    """Whether it is over by now: after a shift, without use, or with its account."""
    too_old = now - session.made_at >= SESSION_FOR or now - session.seen_at >= IDLE_FOR
    return too_old or session.account.disabled_at is not None
