"""The authenticator: signs people in, by a password and perhaps a second factor.

Every failed sign-in gets the same answer after the same work, whether the account exists or not.
The sign-in log records each success and each failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from incidents.accounts import open_sessions, secrets, sign_in_ticket, throttle
from incidents.accounts.access_settings import Access
from incidents.accounts.credentials import Credentials, SignInError, Visit
from incidents.accounts.identity import Identity
from incidents.accounts.security_keys import Answer
from incidents.accounts.serve_key import Seal
from incidents.accounts.sign_in_log import Attempt, How
from incidents.accounts.sign_in_ticket import Ticket
from incidents.accounts.throttle import BlockedError, Claimant, Guess, Throttle
from incidents.errors import RefusedError
from incidents.store.accounts.accounts import Account
from incidents.store.accounts.factors import Factor
from incidents.store.database.engine import plainly, reading

if TYPE_CHECKING:
    from sqlalchemy import Engine


class SecondSignInError(RefusedError):
    """wrong username or password of the second person: nothing was done"""


class Authenticator(Credentials):
    """The authenticator of one database: signs people in by password and second factor.

    See `Credentials`.
    """

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], seal: Seal,
        access: Access | None = None,
    ) -> None:  # fmt: skip
        super().__init__(engine, clock, seal, access)
        self._throttle = Throttle(engine, clock)

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
        return self.renew(visit, replace(attempt, how=how or "password"))

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
        return self.renew(visit, replace(attempt, how=how or "password"))

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


def _proof(visit: Visit, address: str | None) -> Attempt:
    return Attempt("proof", "password", address, session=visit.identity.session)
