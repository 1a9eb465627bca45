"""The door: lets people and programs in, by a password, a session or a token, and sends them out.

Whoever is not let in is told the same whatever there is, and as late: as much is done in each case.
Who comes, goes and is not let in stands in the log of sign-ins (`store.sign_ins`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from incidents.accounts import known_browser, last_password, open_sessions, secrets, throttle
from incidents.accounts.identity import Identity
from incidents.accounts.known_browser import KNOWN_FOR
from incidents.accounts.open_sessions import IDLE_FOR, SESSION_FOR
from incidents.accounts.seal import Seal, of_password, of_session, of_token
from incidents.accounts.throttle import BlockedError, Guess, Throttle
from incidents.desk import accounts as acts
from incidents.errors import DatabaseError, RefusedError
from incidents.log import logger
from incidents.store import accounts, passwords, serve_keys, sessions, sign_ins, tokens
from incidents.store.accounts import Account
from incidents.store.engine import glancing, plainly, reading, writing
from incidents.store.sign_ins import OK, SignIn
from incidents.store.tokens import Token

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_log = logger("accounts")

How = Literal["password", "provider", "terminal"]
"""By what somebody proves who they are."""

_SEEN_EVERY = timedelta(minutes=1)
_KEY_EVERY_S = 1.0
NOBODY = "?"
"""In place of a name that is nobody's: it may be anything that was typed, a password too."""


class SignInError(RefusedError):
    """that is not the handle and the password of an account that may come in"""


class ServeKeyReplacedError(DatabaseError):
    """the servers' key was replaced (incidents db rekey): nobody signs in before this server is
    started anew with it"""


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
    account: Account | None
    hash: str | None
    is_known_here: bool


class Door:
    """The door of one database; `clock` gives aware times in UTC, and nothing lets anybody in that
    does not bear the `seal`.

    All raise DatabaseError when the database does not do its part.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime], seal: Seal) -> None:
        self._engine, self._clock, self._seal = engine, clock, seal
        self._check_at = 0.0
        self._throttle = Throttle(engine, clock)

    def by_token(self, secret: str) -> Identity | None:
        """Whose token that is; None if it is nobody's, or no longer."""
        [found] = self.by_tokens([secret])
        return found

    def by_tokens(self, given: Sequence[str]) -> list[Identity | None]:
        """The same, of each of them, with one look."""
        digests = [secrets.digest(secret) for secret in given]
        with plainly(self._engine), glancing(self._engine) as connection:
            self._check_key(connection)
            found = tokens.by_digest(connection, digests)
        now = self._clock()
        return [
            None if digest not in found else self._holder(*found[digest], now) for digest in digests
        ]

    def by_session(self, cookie: str, *, used: bool = True) -> Visit | None:
        """Who is in that session; None if it is none, or no longer.

        Only what is `used` keeps it from ending: that it is looked at is none.
        """
        now, digest = self._clock(), _digest(cookie)
        with plainly(self._engine), glancing(self._engine) as connection:
            self._check_key(connection)
            found = sessions.of_digest(connection, digest)
        if found is None or open_sessions.has_ended(found, now):
            return None
        if not self._is_own(digest, found):
            return None
        if used and now - found.seen_at >= _SEEN_EVERY:
            with plainly(self._engine), writing(self._engine) as connection:
                sessions.see(connection, digest, now)
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
            self._check_key(connection)
            known = acts.is_handle(handle)
            account = accounts.account(connection, handle) if known else None
            if account is not None and account.disabled_at is None:
                proved_at = now if proved_at is None else proved_at
                new = sessions.Session(
                    secrets.random_id(), now, now, proved_at, how, place, None, account
                )  # fmt: skip
                sessions.forget(connection, made=now - SESSION_FOR, seen=now - IDLE_FOR)
                sessions.add(connection, _digest(cookie), self._sealed(_digest(cookie), new))
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
        now, digest = self._clock(), _digest(visit.cookie)
        with plainly(self._engine), writing(self._engine) as connection:
            found = sessions.of_digest(connection, digest)
            # It may have been ended meanwhile, or changed by who can write there: only what this
            # server has sealed is sealed anew.
            if found is None or found.account.handle != handle or not self._is_own(digest, found):
                raise SignInError
            sessions.prove(connection, digest, self._sealed(digest, found._replace(proved_at=now)))
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
            found = sessions.of_digest(connection, digest)
            if found is not None:
                open_sessions.end(connection, found, "signed_out", None, self._clock())

    def _find(self, handle: str, address: str | None = None) -> _Found:
        # What is no handle is nobody's name, and may hold what no database takes.
        name = handle if acts.is_handle(handle) else NOBODY
        with plainly(self._engine), reading(self._engine) as connection:
            self._check_key(connection)
            # Asked of each name: as much is done for one that is nobody's.
            kept, said = passwords.of(connection, name), last_password.said(connection, name)
            if kept is not None and not (
                self._seal.holds(kept.seal, of_password(kept))
                and last_password.is_it(said, kept.hash)
            ):
                _log.warning("a password was put there beside the record", handle=name)
                kept = None
            return _Found(
                name,
                accounts.account(connection, name),
                None if kept is None else kept.hash,
                address is not None
                and sign_ins.has_come(connection, name, address, self._clock() - KNOWN_FOR),
            )

    def _check(self, found: _Found, password: str, guess: Guess, trial: _Trial) -> Account:
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

    def _refuse(self, trial: _Trial, account: Account | None, *, right: bool) -> None:
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

    def _check_key(self, connection: Connection) -> None:
        """See that nobody has taken another key since: what this one sealed counts no more.

        It is looked up once a second at most.
        """
        now = time.monotonic()
        if self._seal.digest is None or now < self._check_at:
            return
        newest = serve_keys.newest(connection)
        if newest is not None and newest.digest != self._seal.digest:
            raise ServeKeyReplacedError
        self._check_at = now + _KEY_EVERY_S

    def _is_own(self, digest: bytes, found: sessions.Session) -> bool:
        return self._seal.holds(found.seal, of_session(digest, found))

    def _sealed(self, digest: bytes, session: sessions.Session) -> sessions.Session:
        return session._replace(seal=self._seal.on(of_session(digest, session)))

    def _log(self, connection: Connection, trial: _Trial, result: str, handle: str | None) -> None:
        told = SignIn(
            self._clock(), trial.what, result, trial.how, handle, trial.by, trial.place,
            trial.session,
        )  # fmt: skip
        sign_ins.add(connection, told)


def _digest(cookie: str) -> bytes:
    return bytes.fromhex(secrets.digest(cookie))
