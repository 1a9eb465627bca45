"""The door: lets people and programs in, by a password, a session or a token, and sends them out.

Whoever is not let in is told the same whatever there is, and as late: as much is done in each case.
Who comes, goes and is not let in stands in the log of sign-ins (`store.sign_ins`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from incidents.accounts import known_browser, secrets, throttle
from incidents.accounts.identity import Identity
from incidents.accounts.known_browser import KNOWN_FOR
from incidents.accounts.throttle import BlockedError, Guess, Throttle
from incidents.desk import accounts as acts
from incidents.errors import RefusedError
from incidents.store import accounts, sign_ins
from incidents.store.engine import glancing, plainly, reading, writing
from incidents.store.sign_ins import OK, SignIn

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

How = Literal["password", "provider", "terminal"]
"""By what somebody proves who they are."""

SESSION_FOR = timedelta(hours=12)
"""A shift; and so long without use by a person a session holds: """
IDLE_FOR = timedelta(hours=1)
_SEEN_EVERY = timedelta(minutes=1)
NOBODY = "?"
"""In place of a name that is nobody's: it may be anything that was typed, a password too."""


class SignInError(RefusedError):
    """that is not the handle and the password of an account that may come in"""


class SecondSignInError(RefusedError):
    """that is not the handle and the password of a second person: nothing is done"""


class UnknownSessionError(RefusedError):
    """no session is called {session!r} (account sessions lists them)"""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody in a session: who they are, and the word of the cookie.

    `browser` is what their browser is known by from now on, after a sign-in with a password.
    """

    identity: Identity
    cookie: str
    browser: str | None = None


@dataclass(frozen=True, slots=True)
class _Trial:
    """What somebody tries to come in for: as `sign_ins.SignIn` has it."""

    what: str
    how: How
    place: str | None
    by: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is under a name that was given: an account, what is kept of a password, and
    whether somebody has come in with it from where the guess comes from."""

    name: str
    account: accounts.Account | None
    hash: str | None
    is_known_here: bool


class Door:
    """The door of one database; `clock` gives aware times in UTC.

    All raise DatabaseError when the database does not do its part.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock
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
        guess = self._guess(found, address, browser, token, now)
        self._check(found, password, guess, _Trial("sign_in", "password", address))
        assert found.hash is not None
        kept = known_browser.cookie(browser, found.name, found.hash, now)
        return replace(self.begin(handle, how="password", place=address), browser=kept)

    def _guess(
        self, found: _Found, address: str, browser: str, token: str | None, now: datetime
    ) -> Guess:
        """By what it counts: by what is known as the name's alone, if anything is."""
        known = known_browser.word_of(browser, found.name, found.hash, now)
        if known is not None:
            return throttle.by_known(found.name, known)
        program = None if token is None else self.by_token(token)
        if program is not None and program.handle == found.name:
            return throttle.with_token(found.name, str(program.token))
        if found.is_known_here:
            return throttle.at_known_place(found.name, address)
        return throttle.by_stranger(found.name, address)

    def begin(
        self, handle: str, proved_at: datetime | None = None, *, how: How = "provider",
        place: str | None = None,
    ) -> Visit:  # fmt: skip
        """Begins a session of somebody who has proved who they are, at `proved_at` (UTC) or now.

        Raises:
            SignInError: if that account may not come in.
        """
        now, cookie = self._clock(), secrets.random_word()
        trial = _Trial("sign_in", how, place)
        with plainly(self._engine), writing(self._engine) as connection:
            known = acts.is_handle(handle)
            account = accounts.account(connection, handle) if known else None
            if account is not None and account.disabled_at is None:
                proved_at = now if proved_at is None else proved_at
                new = accounts.Session(
                    secrets.random_id(), now, now, proved_at, how, place, account
                )  # fmt: skip
                accounts.forget_sessions(connection, made=now - SESSION_FOR, seen=now - IDLE_FOR)
                accounts.add_session(connection, _digest(cookie), new)
                self._log(connection, replace(trial, session=new.id), OK, handle)
                identity = Identity(
                    handle=handle, role=account.role, proved_at=proved_at, session=new.id
                )
                return Visit(identity, cookie)
        self._refuse(trial, account, right=True)
        raise SignInError

    def refuse(self, how: How, place: str | None, why: str) -> None:
        """Puts into the log that somebody, nobody knows who, was not let in."""
        with plainly(self._engine), writing(self._engine) as connection:
            self._log(connection, _Trial("sign_in", how, place), why, None)

    def prove(self, visit: Visit, password: str, address: str | None = None) -> Visit:
        """The same session, its person having proved again who they are; raises as `sign_in`."""
        handle = visit.identity.handle
        trial = _Trial("proof", "password", address, session=visit.identity.session)
        self._check(
            self._find(handle),
            password,
            throttle.in_session(handle, str(visit.identity.session)),
            trial,
        )
        now = self._clock()
        with plainly(self._engine), writing(self._engine) as connection:
            accounts.see_session(connection, _digest(visit.cookie), now, proved=True)
            self._log(connection, trial, OK, handle)
        return replace(visit, identity=replace(visit.identity, proved_at=now))

    def identify(self, handle: str, password: str, terminal: str) -> Identity:
        """Who that is, at that terminal, for this one act; raises as `sign_in`."""
        found, trial = self._find(handle), _Trial("sign_in", "terminal", terminal)
        guess = throttle.at_terminal(found.name, terminal)
        account = self._check(found, password, guess, trial)
        self._let_in(trial, handle)
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
        trial = _Trial("second", "terminal" if at_terminal else "password", place, by=beside)
        try:
            account = self._check(found, password, throttle.beside(found.name, beside), trial)
        except SignInError:
            raise SecondSignInError from None
        self._let_in(trial, account.handle)
        return account.handle

    def sign_out(self, cookie: str) -> None:
        """Ends the session."""
        self.end(_digest(cookie))

    def end(self, digest: bytes) -> None:
        """Ends the session of that digest."""
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session(connection, digest)
            if found is not None:
                self._end(connection, found, "signed_out", None)

    def sessions(self, handle: str | None) -> list[accounts.Session]:
        """The sessions that hold of that account, of all without one; the newest first."""
        now = self._clock()
        with plainly(self._engine), reading(self._engine) as connection:
            return accounts.sessions_of(
                connection, handle, made=now - SESSION_FOR, seen=now - IDLE_FOR
            )

    def owner_of(self, session: str) -> str | None:
        """Whose session that is; None if there is none of that id."""
        with plainly(self._engine), reading(self._engine) as connection:
            found = accounts.session_of_id(connection, session) if is_id(session) else None
        return None if found is None else found.account.handle

    def end_by_id(self, session: str, by: str) -> None:
        """Ends a session of one's own or, as who keeps accounts, of somebody else's.

        Raises:
            UnknownSessionError: if there is none of that id.
        """
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session_of_id(connection, session) if is_id(session) else None
            if found is None:
                raise UnknownSessionError(session=session)
            self._end(connection, found, "ended", by)

    def _end(
        self, connection: Connection, found: accounts.Session, how: str, by: str | None
    ) -> None:
        whose = found.account.handle
        if accounts.end_session(connection, found.id):
            told = SignIn(
                self._clock(), "sign_out", OK, how, whose, None if by == whose else by,
                session=found.id,
            )  # fmt: skip
            sign_ins.add(connection, told)

    def _find(self, handle: str, address: str | None = None) -> _Found:
        # What is no handle is nobody's name, and may hold what no database takes.
        name = handle if acts.is_handle(handle) else NOBODY
        with plainly(self._engine), reading(self._engine) as connection:
            return _Found(
                name,
                accounts.account(connection, name),
                accounts.password(connection, name),
                address is not None
                and sign_ins.has_come(connection, name, address, self._clock() - KNOWN_FOR),
            )

    def _check(self, found: _Found, password: str, guess: Guess, trial: _Trial) -> accounts.Account:
        """The account, if this is its password and it may come in."""
        try:
            counted = self._throttle.count(guess)
        except BlockedError:
            self._count_blocked(found, trial)
            raise
        account, right = found.account, secrets.is_password(password, found.hash)
        if account is None or account.disabled_at is not None or not right:
            self._refuse(trial, account, right=right)
            raise SignInError
        self._throttle.was_right(counted)
        return account

    def _let_in(self, trial: _Trial, handle: str) -> None:
        with plainly(self._engine), writing(self._engine) as connection:
            self._log(connection, trial, OK, handle)

    def _refuse(self, trial: _Trial, account: accounts.Account | None, *, right: bool) -> None:
        """Nobody is named as having done it: whoever guesses is not whose name they give."""
        why = "no_account" if account is None else "disabled" if right else "wrong_password"
        with plainly(self._engine), writing(self._engine) as connection:
            self._log(connection, trial, why, None if account is None else account.handle)

    def _count_blocked(self, found: _Found, trial: _Trial) -> None:
        """That nobody was looked at is counted: a row for each would be a way to fill the disk."""
        handle = NOBODY if found.account is None else found.name
        refusal = sign_ins.Refusal(handle, trial.place or "", trial.what, "blocked", trial.by)
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.count(connection, [refusal], self._clock())

    def _log(self, connection: Connection, trial: _Trial, result: str, handle: str | None) -> None:
        told = SignIn(
            self._clock(), trial.what, result, trial.how, handle, trial.by, trial.place,
            trial.session,
        )  # fmt: skip
        sign_ins.add(connection, told)


def is_id(given: str) -> bool:
    """Whether a session could be called that."""
    return given.isascii() and given.isalnum()


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
