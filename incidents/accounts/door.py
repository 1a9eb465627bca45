"""The door: lets people and programs in, by a password, a session or a token, and sends them out.

Whoever is not let in is told the same whatever there is, and as late. Guessing is slowed down for
each name and for each address that it comes from; a guess counts before it is looked at, so that
many at once gain nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from incidents.accounts import secrets
from incidents.accounts.identity import Identity
from incidents.desk import accounts as acts
from incidents.desk.accounts import By
from incidents.errors import RefusedError
from incidents.store import accounts
from incidents.store.engine import glancing, plainly, reading, writing

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from incidents.desk import Desk

SESSION_FOR = timedelta(hours=12)
"""A shift; and so long without use a session holds: """
IDLE_FOR = timedelta(hours=1)
_SEEN_EVERY = timedelta(minutes=1)

# So often somebody may be mistaken before the door stays shut for a while.
_FREE = {"as": 5, "from": 20}
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)
_FORGOTTEN_AFTER = timedelta(hours=1)


class SignInError(RefusedError):
    """that is not the handle and the password of an account that may come in"""


class BlockedError(RefusedError):
    """too many attempts to sign in have failed: try again in {wait_s} seconds"""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody in a session: who they are, and the word of the cookie."""

    identity: Identity
    cookie: str


class Door:
    """The door of one database; `clock` gives aware times in UTC.

    All raise DatabaseError when the database does not do its part.
    """

    def __init__(self, engine: Engine, desk: Desk, clock: Callable[[], datetime]) -> None:
        self._engine, self._desk, self._clock = engine, desk, clock

    def by_token(self, secret: str) -> Identity | None:
        """Whose token that is; None if it is nobody's, or no longer."""
        with plainly(self._engine), glancing(self._engine) as connection:
            found = accounts.token_by_digest(connection, secrets.digest(secret))
        if found is None:
            return None
        token, account = found
        over = token.revoked_at is not None or token.expires_at <= self._clock()
        if over or account.disabled_at is not None:
            return None
        return Identity(
            handle=account.handle, role=account.role, token=token.id,
            acts=None if token.acts is None else frozenset(token.acts),
        )  # fmt: skip

    def by_session(self, cookie: str) -> Visit | None:
        """Who is in that session; None if it is none, or no longer."""
        now, digest = self._clock(), _digest(cookie)
        with plainly(self._engine), glancing(self._engine) as connection:
            found = accounts.session(connection, digest)
        if found is None or found.account.disabled_at is not None:
            return None
        if now - found.made_at >= SESSION_FOR or now - found.seen_at >= IDLE_FOR:
            return None
        if now - found.seen_at >= _SEEN_EVERY:
            with plainly(self._engine), writing(self._engine) as connection:
                accounts.see_session(connection, digest, now)
        identity = Identity(
            handle=found.account.handle, role=found.account.role, proved_at=found.proved_at
        )
        return Visit(identity, cookie)

    def sign_in(self, handle: str, password: str, address: str) -> Visit:
        """Begins a session.

        Raises:
            SignInError: if that is nobody's password, or nobody may come in with it.
            BlockedError: after too many mistakes.
        """
        self._check(handle, password, address)
        return self.begin(handle)

    def begin(self, handle: str, proved_at: datetime | None = None) -> Visit:
        """Begins a session of somebody who has proved who they are, at `proved_at` (UTC) or now.

        Raises:
            SignInError: if that account may not come in.
        """
        if not acts.is_handle(handle):
            raise SignInError
        with plainly(self._engine), reading(self._engine) as connection:
            known = accounts.account(connection, handle)
        if known is not None and known.disabled_at is not None:
            self._refuse(handle, "disabled")
        now, cookie = self._clock(), secrets.random_word()
        proved_at = now if proved_at is None else proved_at
        with plainly(self._engine), writing(self._engine) as connection:
            account = accounts.account(connection, handle)
            if account is None or account.disabled_at is not None:
                raise SignInError
            accounts.forget_sessions(connection, made=now - SESSION_FOR, seen=now - IDLE_FOR)
            accounts.add_session(connection, _digest(cookie), handle, now, proved_at)
        return Visit(Identity(handle=handle, role=account.role, proved_at=proved_at), cookie)

    def prove(self, visit: Visit, password: str, address: str) -> Visit:
        """The same session, its person having proved again who they are; raises as `sign_in`."""
        self._check(visit.identity.handle, password, address)
        return self.proved(visit)

    def proved(self, visit: Visit) -> Visit:
        """Marks that they have proved it, in some way."""
        now = self._clock()
        with plainly(self._engine), writing(self._engine) as connection:
            accounts.see_session(connection, _digest(visit.cookie), now, proved=True)
        identity = visit.identity
        again = Identity(handle=identity.handle, role=identity.role, proved_at=now)
        return Visit(again, visit.cookie)

    def identify(self, handle: str, password: str, address: str) -> Identity:
        """Who that is, at a terminal, for this one act; raises as `sign_in`."""
        role = self._check(handle, password, address)
        return Identity(handle=handle, role=role, proved_at=self._clock())

    def sign_out(self, cookie: str) -> None:
        """Ends the session."""
        with plainly(self._engine), writing(self._engine) as connection:
            accounts.end_session(connection, _digest(cookie))

    def end(self, digest: bytes) -> None:
        """Ends the session of that digest."""
        with plainly(self._engine), writing(self._engine) as connection:
            accounts.end_session(connection, digest)

    def _check(self, handle: str, password: str, address: str) -> str:
        """The role of the account whose handle and password these are."""
        # What is no handle is nobody's name, and may hold what no database takes.
        name = handle if acts.is_handle(handle) else "?"
        self._count(name, address)
        with plainly(self._engine), reading(self._engine) as connection:
            account = accounts.account(connection, name)
            hash_ = accounts.password(connection, name)
        right = secrets.is_password(password, hash_)
        if account is None or account.disabled_at is not None or not right:
            if account is not None:
                self._refuse(account.handle, "disabled" if right else "wrong_password")
            raise SignInError
        with plainly(self._engine), writing(self._engine) as connection:
            # Of the address only this one was no mistake: who has an account may be guessing at
            # another one, and a whole desk may come from one address.
            keys = _keys(name, address)
            accounts.forget_failures(connection, keys["as"])
            accounts.uncount_failure(connection, keys["from"])
        return account.role

    def _count(self, handle: str, address: str) -> None:
        now, keys = self._clock(), _keys(handle, address)
        with plainly(self._engine), writing(self._engine) as connection:
            known = accounts.failures(connection, keys.values(), now)
            wait = max(_wait(kind, *known[key], now) for kind, key in keys.items())
            if wait > timedelta(0):
                raise BlockedError(wait_s=-(-wait // timedelta(seconds=1)))
            for key in keys.values():
                failures, last = known[key]
                so_far = 0 if now - last >= _FORGOTTEN_AFTER else failures
                accounts.count_failure(connection, key, so_far + 1, now)
            accounts.forget_old_failures(connection, now - _FORGOTTEN_AFTER)

    def _refuse(self, handle: str, why: str) -> None:
        self._desk.on_record(
            lambda connection: acts.refuse(
                connection, By(person=handle, login=None), self._clock, act="sign_in", why=why
            )
        )


def _digest(cookie: str) -> bytes:
    return bytes.fromhex(secrets.digest(cookie))


def _keys(handle: str, address: str) -> dict[str, str]:
    return {"as": f"as {handle}", "from": f"from {address}"}


def _wait(kind: str, failures: int, last: datetime, now: datetime) -> timedelta:
    """How long the door stays shut still: it doubles with each mistake beyond the free ones."""
    if now - last >= _FORGOTTEN_AFTER:
        return timedelta(0)
    beyond = failures - _FREE[kind]
    if beyond < 0:
        return timedelta(0)
    wait: timedelta = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(beyond, 10))
    return last + wait - now
