"""The authenticator: signs people and programs in, by password, session or token, and out.

Whoever is not let in is told the same whatever there is, and as late: as much is done in each case.
Who comes in, and who is not let in, stands in the log of sign-ins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from incidents.accounts import open_sessions, secrets, throttle
from incidents.accounts.identity import Identity, is_handle
from incidents.accounts.open_sessions import IDLE_FOR, SESSION_FOR
from incidents.accounts.serve_key import KeyWatch, Seal, of_session, of_token
from incidents.accounts.throttle import (
    BlockedError,
    Claimant,
    Guess,
    How,
    SignInLog,
    Throttle,
    Trial,
)
from incidents.errors import RefusedError
from incidents.store import accounts
from incidents.store.accounts import Account, Token
from incidents.store.database.engine import plainly, reading, single_query, writing

if TYPE_CHECKING:
    from sqlalchemy import Engine

_SEEN_EVERY = timedelta(minutes=1)


class SignInError(RefusedError):
    """wrong username or password, or the account cannot sign in"""


class SecondSignInError(RefusedError):
    """wrong username or password of the second person: nothing was done"""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody in a session: who they are, and the word of the cookie.

    `browser` is what their browser is known by from now on, after a sign-in with a password.
    """

    identity: Identity
    cookie: str
    browser: str | None = None


class Authenticator:
    """The door of one database; `clock` gives aware times in UTC, and nothing lets anybody in that
    does not bear the `seal`. `log` is its log of sign-ins.

    All raise DatabaseError when the database does not do its part.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime], seal: Seal) -> None:
        self._engine, self._clock, self._seal = engine, clock, seal
        self._key = KeyWatch(seal)
        self._throttle = Throttle(engine, clock)
        self.log = SignInLog(engine, clock)

    def check(self) -> None:
        """See that somebody can be let in; raises ServeKeyReplacedError."""
        with plainly(self._engine), single_query(self._engine) as connection:
            self._key.check(connection)

    def by_token(self, secret: str) -> Identity | None:
        """Whose token that is; None if it is nobody's, or no longer."""
        [found] = self.by_tokens([secret])
        return found

    def by_tokens(self, given: Sequence[str]) -> list[Identity | None]:
        """The same, of each of them, with one look."""
        digests = [secrets.digest(secret) for secret in given]
        with plainly(self._engine), single_query(self._engine) as connection:
            self._key.check(connection)
            found = accounts.token_by_digest(connection, digests)
        now = self._clock()
        return [
            None if digest not in found else self._holder(*found[digest], now) for digest in digests
        ]

    def by_session(self, cookie: str, *, used: bool = True) -> Visit | None:
        """Who is in that session; None if it is none, or no longer.

        Only what is `used` keeps it from ending: that it is looked at is none.
        """
        now, digest = self._clock(), _digest(cookie)
        with plainly(self._engine), single_query(self._engine) as connection:
            self._key.check(connection)
            found = accounts.session_of_digest(connection, digest)
        if found is None or open_sessions.has_ended(found, now):
            return None
        if not self._is_own(digest, found):
            return None
        if used and now - found.seen_at >= _SEEN_EVERY:
            with plainly(self._engine), writing(self._engine) as connection:
                accounts.touch_session(connection, digest, now)
        identity = Identity(
            handle=found.account.handle, role=found.account.role, proved_at=found.proved_at,
            session=found.id,
        )  # fmt: skip
        return Visit(identity, cookie)

    def sign_in(
        self, handle: str, password: str, address: str, browser: str = "", token: str | None = None
    ) -> Visit:
        """Begins a session; `browser` is what the browser has kept of `Visit.browser`, and `token`
        what a program comes in with that asks for it.

        Raises:
            SignInError: if that is nobody's password, or nobody may come in with it.
            BlockedError: after too many mistakes.
        """
        found, now = self._find(handle, address), self._clock()
        program = None if token is None else self.by_token(token)
        guess = found.guess(address, browser, program, now)
        self._check(found, password, guess, Trial("sign_in", "password", address))
        assert found.hash is not None
        kept = open_sessions.cookie(browser, found.name, found.hash, now)
        return replace(self.begin(handle, how="password", place=address), browser=kept)

    def begin(
        self, handle: str, proved_at: datetime | None = None, *, how: How = "provider",
        place: str | None = None,
    ) -> Visit:  # fmt: skip
        """Begins a session of somebody who has proved who they are, at `proved_at` (UTC) or now.

        Raises:
            SignInError: if that account may not come in.
        """
        now, cookie = self._clock(), secrets.random_word()
        trial = Trial("sign_in", how, place)
        with plainly(self._engine), writing(self._engine) as connection:
            self._key.check(connection)
            known = is_handle(handle)
            account = accounts.account(connection, handle) if known else None
            if account is not None and account.disabled_at is None:
                proved_at = now if proved_at is None else proved_at
                new = accounts.Session(
                    secrets.random_id(), now, now, proved_at, how, place, None, account
                )  # fmt: skip
                accounts.purge_sessions(connection, made=now - SESSION_FOR, seen=now - IDLE_FOR)
                accounts.add_session(
                    connection, _digest(cookie), self._sealed(_digest(cookie), new)
                )
                self.log.let_in(replace(trial, session=new.id), handle, connection)
                identity = Identity(
                    handle=handle, role=account.role, proved_at=proved_at, session=new.id
                )
                return Visit(identity, cookie)
        self.log.refuse(trial, account, right=True)
        raise SignInError

    def prove(self, visit: Visit, password: str, address: str | None = None) -> Visit:
        """The same session, its person having proved again who they are; raises as `sign_in`."""
        handle = visit.identity.handle
        trial = Trial("proof", "password", address, session=visit.identity.session)
        self._check(
            self._find(handle),
            password,
            throttle.in_session(handle, str(visit.identity.session)),
            trial,
        )
        now, digest = self._clock(), _digest(visit.cookie)
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session_of_digest(connection, digest)
            # It may have been ended meanwhile, or changed by who can write there: only what this
            # server has sealed is sealed anew.
            if found is None or found.account.handle != handle or not self._is_own(digest, found):
                raise SignInError
            accounts.reauthenticate_session(
                connection, digest, self._sealed(digest, found._replace(proved_at=now))
            )
            self.log.let_in(trial, handle, connection)
        return replace(visit, identity=replace(visit.identity, proved_at=now))

    def identify(self, handle: str, password: str, terminal: str) -> Identity:
        """Who that is, at that terminal, for this one act; raises as `sign_in`."""
        found, trial = self._find(handle), Trial("sign_in", "terminal", terminal)
        guess = throttle.at_terminal(found.name, terminal)
        account = self._check(found, password, guess, trial)
        self.log.let_in(trial, handle)
        return Identity(handle=handle, role=account.role, proved_at=self._clock())

    def identify_second(
        self, handle: str, password: str, place: str, *, beside: str, at_terminal: bool = False
    ) -> str:
        """The handle of who signs in for one act of somebody else's, `beside` them at that address
        or terminal.

        Raises:
            SecondSignInError: where `sign_in` raises SignInError.
            BlockedError: after too many mistakes.
        """
        found = self._find(handle)
        trial = Trial("second", "terminal" if at_terminal else "password", place, by=beside)
        try:
            account = self._check(found, password, throttle.beside(found.name, beside), trial)
        except SignInError:
            raise SecondSignInError from None
        self.log.let_in(trial, account.handle)
        return account.handle

    def sign_out(self, cookie: str) -> None:
        """Ends the session."""
        self.end(_digest(cookie))

    def end(self, digest: bytes) -> None:
        """Ends the session of that digest."""
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session_of_digest(connection, digest)
            if found is not None:
                open_sessions.end(connection, found, "signed_out", None, self._clock())

    def _find(self, handle: str, address: str | None = None) -> Claimant:
        with plainly(self._engine), reading(self._engine) as connection:
            self._key.check(connection)
            return throttle.find_claimant(connection, handle, address, self._seal, self._clock())

    def _check(self, found: Claimant, password: str, guess: Guess, trial: Trial) -> Account:
        """The account, if this is its password and it may come in."""
        try:
            counted = self._throttle.count(guess)
        except BlockedError:
            self.log.count_blocked(trial, found.account)
            raise
        account, right = found.account, secrets.is_password(password, found.hash)
        if account is None or account.disabled_at is not None or not right:
            self.log.refuse(trial, account, right=right)
            raise SignInError
        self._throttle.was_right(counted)
        return account

    def _holder(self, token: Token, account: Account, now: datetime) -> Identity | None:
        """Who comes in with that token now."""
        over = token.revoked_at is not None or token.expires_at <= now
        if over or account.disabled_at is not None:
            return None
        if not self._seal.holds(token.seal, of_token(token)):
            return None
        return Identity(
            handle=account.handle, role=account.role, token=token.id,
            acts=None if token.acts is None else frozenset(token.acts),
        )  # fmt: skip

    def _is_own(self, digest: bytes, found: accounts.Session) -> bool:
        return self._seal.holds(found.seal, of_session(digest, found))

    def _sealed(self, digest: bytes, session: accounts.Session) -> accounts.Session:
        return session._replace(seal=self._seal.on(of_session(digest, session)))


def _digest(cookie: str) -> bytes:
    return bytes.fromhex(secrets.digest(cookie))
