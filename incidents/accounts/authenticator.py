"""The authenticator: signs people and programs in, by password, session or token, and out.

Every failed sign-in gets the same answer after the same work, whether the account exists or not.
The sign-in log records each success and each failure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from incidents.accounts import open_sessions, secrets, sign_in_ticket, throttle
from incidents.accounts.access_settings import Access
from incidents.accounts.identity import Identity, is_handle
from incidents.accounts.open_sessions import IDLE_FOR, SESSION_FOR
from incidents.accounts.second_factor import FactorCheck
from incidents.accounts.security_keys import Answer
from incidents.accounts.serve_key import KeyWatch, Seal, session_facts, token_facts
from incidents.accounts.sign_in_ticket import Ticket
from incidents.accounts.throttle import (
    Attempt,
    BlockedError,
    Claimant,
    Guess,
    How,
    SignInLog,
    Throttle,
)
from incidents.errors import RefusedError
from incidents.store.accounts import accounts
from incidents.store.accounts.accounts import Account, Token
from incidents.store.accounts.factors import Factor
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
    """A person in a session, and the content of the cookie.

    `browser`: the value that identifies their browser from now on, after a sign-in with a password.
    """

    identity: Identity
    cookie: str
    browser: str | None = None


class Authenticator:
    """The authenticator of one database; `clock` gives aware times in UTC.

    A credential without the `seal` is invalid. `log` is the sign-in log. All methods raise
    DatabaseError if the database fails.
    """

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], seal: Seal,
        access: Access | None = None,
    ) -> None:  # fmt: skip
        self._engine, self._clock, self._seal = engine, clock, seal
        self.factors = FactorCheck(engine, clock, seal, Access() if access is None else access)
        self._key = KeyWatch(seal)
        self._throttle = Throttle(engine, clock)
        self.log = SignInLog(engine, clock)

    def check(self) -> None:
        """Check that the servers' key is still valid; raises ServeKeyReplacedError."""
        with plainly(self._engine), single_query(self._engine) as connection:
            self._key.check(connection)

    def by_token(self, secret: str) -> Identity | None:
        """Return the identity that a token proves; None if the token is unknown or not valid."""
        [found] = self.by_tokens([secret])
        return found

    def by_tokens(self, given: Sequence[str]) -> list[Identity | None]:
        """Return the identities that several tokens prove, with one query."""
        digests = [secrets.digest(secret) for secret in given]
        with plainly(self._engine), single_query(self._engine) as connection:
            self._key.check(connection)
            found = accounts.token_by_digest(connection, digests)
        now = self._clock()
        return [
            None if digest not in found else self._holder(*found[digest], now) for digest in digests
        ]

    def by_session(self, cookie: str, *, used: bool = True) -> Visit | None:
        """Return the visit of a session's cookie; None if the session is unknown or has ended.

        `used`: a person made the request, which keeps the session open; polling does not.
        """
        now, digest = self._clock(), _digest(cookie)
        with plainly(self._engine), single_query(self._engine) as connection:
            self._key.check(connection)
            found = accounts.session_of_digest(connection, digest)
            lacks_factor = found is not None and self.factors.lacks(connection, found)
        if found is None or open_sessions.has_ended(found, now):
            return None
        if not self._is_own(digest, found):
            return None
        if used and now - found.seen_at >= _SEEN_EVERY:
            with plainly(self._engine), writing(self._engine) as connection:
                accounts.touch_session(connection, digest, now)
        identity = Identity(
            handle=found.account.handle, role=found.account.role, proved_at=found.proved_at,
            session=found.id, lacks_factor=lacks_factor,
        )  # fmt: skip
        return Visit(identity, cookie)

    def sign_in(
        self, handle: str, password: str, address: str, browser: str = "",
        token: str | None = None, *, code: str | None = None,
    ) -> Visit:  # fmt: skip
        """Begin a session for a person with this handle and password.

        `browser`: the value of an earlier `Visit.browser`; `token`: the calling program's token;
        `code`: a code of the second factor, if the account has one.

        Raises:
            SignInError: if the handle or the password is wrong, or the account cannot sign in.
            FactorNeededError, WrongFactorError: if the second factor is missing or wrong.
            BlockedError: after too many mistakes.
        """
        found, now = self._find(handle, address), self._clock()
        program = None if token is None else self.by_token(token)
        guess = found.guess(address, browser, program, now)
        attempt = Attempt("sign_in", "password", address)
        self._check(found, password, guess, attempt)
        how = self.factors.check(found, Answer(code=code), attempt)
        return self._signed_in(found, how or "password", address, browser)

    def finish(self, ticket: str, answer: Answer, address: str, browser: str = "") -> Visit:
        """Begin the session of a person whose password was right, by their second factor.

        `ticket`: that of the `FactorNeededError`; the answer's challenge is the ticket's.

        Raises:
            SignInError: if the ticket is too old, or the account can no longer sign in.
            WrongFactorError, BlockedError: as for `sign_in`.
        """
        found, own = self._of_ticket(ticket, answer)
        how = self.factors.check(found, own, Attempt("sign_in", "password", address))
        return self._signed_in(found, how or "password", address, browser)

    def ticket(self, text: str) -> tuple[Ticket, list[Factor]] | None:
        """Return a ticket with the factors that its account has; None if it is not valid now."""
        found = self._find(sign_in_ticket.handle_of(text))
        held = sign_in_ticket.read_ticket(text, found.hash, self._clock(), self._seal)
        if held is None:
            return None
        return held, self.factors.of_ticket(held.handle)

    def _of_ticket(self, ticket: str, answer: Answer) -> tuple[Claimant, Answer]:
        """Return whose password the ticket proves, and the answer to the ticket's challenge."""
        found = self._find(sign_in_ticket.handle_of(ticket))
        held = sign_in_ticket.read_ticket(ticket, found.hash, self._clock(), self._seal)
        if held is None or found.account is None or found.account.disabled_at is not None:
            raise SignInError
        return found, replace(answer, challenge=held.challenge, asked_at=held.made_at)

    def _signed_in(self, found: Claimant, how: How, address: str, browser: str) -> Visit:
        assert found.hash is not None
        kept = open_sessions.cookie(browser, found.name, found.hash, self._clock())
        return replace(self.begin(found.name, how=how, place=address), browser=kept)

    def begin(
        self, handle: str, proved_at: datetime | None = None, *, how: How = "provider",
        place: str | None = None,
    ) -> Visit:  # fmt: skip
        """Begin a session for somebody who has proved their identity, at `proved_at` (UTC) or now.

        Raises:
            SignInError: if the account cannot sign in.
        """
        now, cookie = self._clock(), secrets.random_cookie()
        attempt = Attempt("sign_in", how, place)
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
                self.log.record_success(replace(attempt, session=new.id), handle, connection)
                identity = Identity(
                    handle=handle, role=account.role, proved_at=proved_at, session=new.id,
                    lacks_factor=self.factors.lacks(connection, new),
                )  # fmt: skip
                return Visit(identity, cookie)
        self.log.record_failure(attempt, account, right=True)
        raise SignInError

    def reauthenticate(
        self, visit: Visit, password: str, address: str | None = None, *, code: str | None = None
    ) -> Visit:
        """Confirm the identity of the session's person again, by all that their sign-in takes.

        Raises the same errors as `sign_in`.
        """
        handle, attempt = visit.identity.handle, _proof(visit, address)
        found = self._find(handle)
        guess = throttle.in_session(handle, str(visit.identity.session))
        self._check(found, password, guess, attempt)
        how = self.factors.check(found, Answer(code=code), attempt)
        return self._reauthenticated(visit, replace(attempt, how=how or "password"))

    def finish_proof(
        self, visit: Visit, ticket: str, answer: Answer, address: str | None = None
    ) -> Visit:
        """Confirm the identity of a person whose password was right, by their second factor.

        `ticket`: that of the `FactorNeededError` of `reauthenticate`. Raises the same errors as
        `finish`.
        """
        attempt = _proof(visit, address)
        found, own = self._of_ticket(ticket, answer)
        if found.name != visit.identity.handle:
            raise SignInError
        how = self.factors.check(found, own, attempt)
        return self._reauthenticated(visit, replace(attempt, how=how or "password"))

    def _reauthenticated(self, visit: Visit, attempt: Attempt) -> Visit:
        handle, now, digest = visit.identity.handle, self._clock(), _digest(visit.cookie)
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session_of_digest(connection, digest)
            # It may have ended or been changed in the database since: only reseal a sealed row.
            if found is None or found.account.handle != handle or not self._is_own(digest, found):
                raise SignInError
            accounts.reauthenticate_session(
                connection, digest, self._sealed(digest, found._replace(proved_at=now))
            )
            self.log.record_success(attempt, handle, connection)
        return replace(visit, identity=replace(visit.identity, proved_at=now))

    def identify(
        self, handle: str, password: str, terminal: str, code: str | None = None
    ) -> Identity:
        """Identify a person at a terminal, for one action.

        Raises:
            FactorDemandedError: if the role must have a second factor, and the account has none.
            And the errors of `sign_in`.
        """
        found, attempt = self._find(handle), Attempt("sign_in", "terminal", terminal)
        guess = throttle.at_terminal(found.name, terminal)
        account = self._check(found, password, guess, attempt)
        self.factors.check_demanded(found, Answer(code=code), attempt)
        self.log.record_success(attempt, handle)
        return Identity(handle=handle, role=account.role, proved_at=self._clock())

    def identify_second(
        self, handle: str, password: str, place: str, *, beside: str, at_terminal: bool = False,
        code: str | None = None,
    ) -> str:  # fmt: skip
        """Return the handle of a second person, who signs in for one action of `beside`.

        `place`: their address or terminal; `code`: as for `sign_in`.

        Raises:
            SecondSignInError: where `sign_in` raises SignInError.
            FactorDemandedError: as for `identify`.
            FactorNeededError, WrongFactorError, BlockedError: as for `sign_in`.
        """
        found = self._find(handle)
        attempt = Attempt("second", "terminal" if at_terminal else "password", place, by=beside)
        try:
            account = self._check(found, password, throttle.beside(found.name, beside), attempt)
        except SignInError:
            raise SecondSignInError from None
        self.factors.check_demanded(found, Answer(code=code), attempt)
        self.log.record_success(attempt, account.handle)
        return account.handle

    def sign_out(self, cookie: str) -> None:
        """End the session of a cookie."""
        self.end(_digest(cookie))

    def end(self, digest: bytes) -> None:
        """End the session whose cookie has this digest."""
        with plainly(self._engine), writing(self._engine) as connection:
            found = accounts.session_of_digest(connection, digest)
            if found is not None:
                open_sessions.end(connection, found, "signed_out", None, self._clock())

    def _find(self, handle: str, address: str | None = None) -> Claimant:
        with plainly(self._engine), reading(self._engine) as connection:
            self._key.check(connection)
            return throttle.find_claimant(connection, handle, address, self._seal, self._clock())

    def _check(self, found: Claimant, password: str, guess: Guess, attempt: Attempt) -> Account:
        """Return the account if the password is right and the account can sign in."""
        try:
            counted = self._throttle.count(guess)
        except BlockedError:
            self.log.record_blocked(attempt, found.account)
            raise
        account, right = found.account, secrets.password_matches(password, found.hash)
        if account is None or account.disabled_at is not None or not right:
            self.log.record_failure(attempt, account, right=right)
            raise SignInError
        self._throttle.uncount(counted)
        return account

    def _holder(self, token: Token, account: Account, now: datetime) -> Identity | None:
        """Return the identity behind a token now; None if the token or the account is invalid."""
        over = token.revoked_at is not None or token.expires_at <= now
        if over or account.disabled_at is not None:
            return None
        if not self._seal.holds(token.seal, token_facts(token)):
            return None
        return Identity(
            handle=account.handle, role=account.role, token=token.id,
            acts=None if token.acts is None else frozenset(token.acts),
        )  # fmt: skip

    def _is_own(self, digest: bytes, found: accounts.Session) -> bool:
        return self._seal.holds(found.seal, session_facts(digest, found))

    def _sealed(self, digest: bytes, session: accounts.Session) -> accounts.Session:
        return session._replace(seal=self._seal.on(session_facts(digest, session)))


def _proof(visit: Visit, address: str | None) -> Attempt:
    return Attempt("proof", "password", address, session=visit.identity.session)


def _digest(cookie: str) -> bytes:
    return bytes.fromhex(secrets.digest(cookie))
