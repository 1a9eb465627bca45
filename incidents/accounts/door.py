"""The door: lets people and programs in, by a password, a session or a token, and sends them out.

Whoever is not let in is told the same whatever there is, and as late: as much is done in each case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from incidents.accounts import known_browser, secrets, throttle
from incidents.accounts.identity import Identity
from incidents.accounts.throttle import Guess, Throttle
from incidents.desk import access
from incidents.desk import accounts as acts
from incidents.errors import RefusedError
from incidents.store import accounts
from incidents.store.engine import glancing, plainly, reading, writing

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from incidents.desk import Desk

SESSION_FOR = timedelta(hours=12)
"""A shift; and so long without use by a person a session holds: """
IDLE_FOR = timedelta(hours=1)
_SEEN_EVERY = timedelta(minutes=1)


class SignInError(RefusedError):
    """that is not the handle and the password of an account that may come in"""


class SecondSignInError(RefusedError):
    """that is not the handle and the password of a second person: nothing is done"""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody in a session: who they are, and the word of the cookie.

    `browser` is what their browser is known by from now on, after a sign-in with a password.
    """

    identity: Identity
    cookie: str
    browser: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is under a name that was given: an account, and what is kept of a password."""

    name: str
    account: accounts.Account | None
    hash: str | None


class Door:
    """The door of one database; `clock` gives aware times in UTC.

    All raise DatabaseError when the database does not do its part.
    """

    def __init__(self, engine: Engine, desk: Desk, clock: Callable[[], datetime]) -> None:
        self._engine, self._desk, self._clock = engine, desk, clock
        self._throttle = Throttle(engine, clock)

    def by_token(self, secret: str) -> Identity | None:
        """Whose token that is; None if it is nobody's, or no longer."""
        [found] = self.by_tokens([secret])
        return found

    def by_tokens(self, given: Sequence[str]) -> list[Identity | None]:
        """The same, of each of them, with one look."""
        digests = [secrets.digest(secret) for secret in given]
        with plainly(self._engine), glancing(self._engine) as connection:
            found = accounts.tokens_by_digest(connection, digests)
        now = self._clock()
        return [None if digest not in found else _holder(*found[digest], now) for digest in digests]

    def by_session(self, cookie: str, *, used: bool = True) -> Visit | None:
        """Who is in that session; None if it is none, or no longer.

        Only what is `used` keeps it from ending: that it is looked at is none.
        """
        now, digest = self._clock(), _digest(cookie)
        with plainly(self._engine), glancing(self._engine) as connection:
            found = accounts.session(connection, digest)
        if found is None or found.account.disabled_at is not None:
            return None
        if now - found.made_at >= SESSION_FOR or now - found.seen_at >= IDLE_FOR:
            return None
        if used and now - found.seen_at >= _SEEN_EVERY:
            with plainly(self._engine), writing(self._engine) as connection:
                accounts.see_session(connection, digest, now)
        identity = Identity(
            handle=found.account.handle, role=found.account.role, proved_at=found.proved_at
        )
        return Visit(identity, cookie)

    def sign_in(self, handle: str, password: str, address: str, browser: str = "") -> Visit:
        """Begins a session; `browser` is what the browser has kept of `Visit.browser`.

        Raises:
            SignInError: if that is nobody's password, or nobody may come in with it.
            BlockedError: after too many mistakes.
        """
        found, now = self._find(handle), self._clock()
        known = known_browser.word_of(browser, found.name, found.hash, now)
        guess = (
            throttle.by_stranger(found.name, address)
            if known is None
            else throttle.by_known(found.name, known)
        )
        self._check(found, password, guess)
        assert found.hash is not None
        kept = known_browser.cookie(browser, found.name, found.hash, now)
        return replace(self.begin(handle), browser=kept)

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
            self._refuse(handle, "disabled", known=True)
        now, cookie = self._clock(), secrets.random_word()
        proved_at = now if proved_at is None else proved_at
        with plainly(self._engine), writing(self._engine) as connection:
            account = accounts.account(connection, handle)
            if account is None or account.disabled_at is not None:
                raise SignInError
            accounts.forget_sessions(connection, made=now - SESSION_FOR, seen=now - IDLE_FOR)
            accounts.add_session(connection, _digest(cookie), handle, now, proved_at)
        return Visit(Identity(handle=handle, role=account.role, proved_at=proved_at), cookie)

    def prove(self, visit: Visit, password: str) -> Visit:
        """The same session, its person having proved again who they are; raises as `sign_in`."""
        handle = visit.identity.handle
        self._check(self._find(handle), password, throttle.in_session(handle))
        return self.proved(visit)

    def proved(self, visit: Visit) -> Visit:
        """Marks that they have proved it, in some way."""
        now = self._clock()
        with plainly(self._engine), writing(self._engine) as connection:
            accounts.see_session(connection, _digest(visit.cookie), now, proved=True)
        identity = visit.identity
        again = Identity(handle=identity.handle, role=identity.role, proved_at=now)
        return Visit(again, visit.cookie)

    def identify(self, handle: str, password: str, terminal: str) -> Identity:
        """Who that is, at that terminal, for this one act; raises as `sign_in`."""
        found = self._find(handle)
        account = self._check(found, password, throttle.at_terminal(found.name, terminal))
        return Identity(handle=handle, role=account.role, proved_at=self._clock())

    def identify_second(
        self, handle: str, password: str, place: str, *, at_terminal: bool = False
    ) -> str:
        """The handle of who signs in for one act of somebody else's, beside them at that address
        or terminal.

        Raises:
            SecondSignInError: where `sign_in` raises SignInError.
            BlockedError: after too many mistakes.
        """
        found = self._find(handle)
        guess = throttle.at_terminal if at_terminal else throttle.by_stranger
        try:
            account = self._check(found, password, guess(found.name, place))
        except SignInError:
            raise SecondSignInError from None
        return account.handle

    def sign_out(self, cookie: str) -> None:
        """Ends the session."""
        with plainly(self._engine), writing(self._engine) as connection:
            accounts.end_session(connection, _digest(cookie))

    def end(self, digest: bytes) -> None:
        """Ends the session of that digest."""
        with plainly(self._engine), writing(self._engine) as connection:
            accounts.end_session(connection, digest)

    def _find(self, handle: str) -> _Found:
        # What is no handle is nobody's name, and may hold what no database takes.
        name = handle if acts.is_handle(handle) else "?"
        with plainly(self._engine), reading(self._engine) as connection:
            return _Found(
                name, accounts.account(connection, name), accounts.password(connection, name)
            )

    def _check(self, found: _Found, password: str, guess: Guess) -> accounts.Account:
        """The account, if this is its password and it may come in."""
        self._throttle.count(guess)
        account, right = found.account, secrets.is_password(password, found.hash)
        if account is None or account.disabled_at is not None or not right:
            why = "disabled" if right else "wrong_password"
            self._refuse(found.name, why, known=account is not None)
            raise SignInError
        self._throttle.was_right(guess)
        return account

    def _refuse(self, handle: str, why: str, *, known: bool) -> None:
        self._desk.on_record(
            lambda connection: access.refuse_sign_in(
                connection, handle, why, self._clock, known=known
            )
        )


def _holder(token: accounts.Token, account: accounts.Account, now: datetime) -> Identity | None:
    """Who comes in with that token now."""
    over = token.revoked_at is not None or token.expires_at <= now
    if over or account.disabled_at is not None:
        return None
    return Identity(
        handle=account.handle, role=account.role, token=token.id,
        acts=None if token.acts is None else frozenset(token.acts),
    )  # fmt: skip


def _digest(cookie: str) -> bytes:
    return bytes.fromhex(secrets.digest(cookie))
