"""The second factors: codes by time, security keys and recovery codes, and when they are asked for.

A factor that somebody has is asked for wherever their password signs them in. A code by time works
once: later than the last one that was used (RFC 6238, section 5.2). A security key signs for a
challenge that belongs to one attempt. A recovery code works once, and answers only in place of
another factor.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self, cast

from incidents.accounts import throttle
from incidents.accounts.access_settings import Access
from incidents.accounts.security_keys import ISSUER, Answer, WrongFactorError, signed
from incidents.accounts.serve_key import Seal, factor_facts
from incidents.accounts.sign_in_log import Attempt, How, SignInLog
from incidents.accounts.sign_in_ticket import new_ticket
from incidents.accounts.throttle import BlockedError, Claimant, Throttle
from incidents.errors import RefusedError
from incidents.store.accounts import factors
from incidents.store.accounts.factors import RECOVERY, TOTP, WEBAUTHN, Factor
from incidents.store.database.engine import plainly, reading, writing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from incidents.store.accounts.accounts import Session

STEP_S = 30
"""How long a code by time is shown."""
_AROUND = (0, -1, 1)
"""The steps whose code is accepted: the present one, and one on each side for a wrong clock."""

RECOVERY_CODES = 10
MOST = 10
"""The maximum number of factors of an account, without its recovery codes."""
NAME_CHARACTERS = 60


class FactorNeededError(RefusedError):
    """this account has a second factor: also enter a code of the authenticator app, or a recovery
    code"""

    ticket: str = ""
    """What proves the password in the step in which a browser asks for the factor."""

    @classmethod
    def with_ticket(cls, ticket: str) -> Self:
        """The error with that ticket."""
        error = cls()
        error.ticket = ticket
        return error


class FactorDemandedError(RefusedError):
    """{handle} has the role {role}, which signs in with a second factor here, and has none: sign in
    to the console, and add one"""


class TooManyFactorsError(RefusedError):
    """an account has at most {most} second factors: remove one first"""


class UnknownFactorError(RefusedError):
    """no second factor named {factor!r}"""


def is_demanded(access: Access, role: str, how: str) -> bool:
    """Whether that role must have a second factor; a provider asks for its own (`amr`)."""
    return role in access.demanded and how != "provider"


def matching(
    found: Sequence[Factor], answer: Answer, now: datetime, seal: Seal, access: Access
) -> tuple[Factor, int] | None:
    """The factor that the answer is right for at `now` (UTC), with its new counter; or None."""
    for each in found:
        if each.kind == RECOVERY or seal.holds(each.seal, factor_facts(each)):
            counter = _matches(each, answer, now, seal, access)
            if counter is not None:
                return each, counter
    return None


def _matches(of: Factor, answer: Answer, now: datetime, seal: Seal, access: Access) -> int | None:
    if answer.credential is not None:
        return signed(of, answer, access) if of.kind == WEBAUTHN else None
    code = "".join(answer.code.split()).replace("-", "").upper() if answer.code else ""
    if of.kind == TOTP:
        return matching_step(of.secret, code, now, after=of.counter)
    if of.kind == RECOVERY and seal.holds(of.seal, factor_facts(of)):
        return 1 if hmac.compare_digest(recovery_digest(code), of.secret) else None
    return None


def matching_step(secret: str, code: str, now: datetime, *, after: int) -> int | None:
    """The time step whose code that is, if it is later than the step `after`; None for no step."""
    import pyotp

    if not (code.isascii() and code.isdigit()):
        return None
    present, otp = int(now.timestamp()) // STEP_S, pyotp.HOTP(secret)
    right = [
        step
        for step in (present + away for away in _AROUND)
        if step > after and hmac.compare_digest(otp.at(step), code)
    ]
    return right[0] if right else None


def totp_uri(secret: str, handle: str) -> str:
    """The address by which an authenticator app takes over the secret."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=handle, issuer_name=ISSUER)


def new_recovery_code() -> str:
    """A new recovery code, of 120 random bits."""
    drawn = base64.b32encode(secrets.token_bytes(15)).decode()
    return "-".join(drawn[n : n + 4] for n in range(0, 24, 4))


def recovery_digest(code: str) -> str:
    """The stored digest of a recovery code, written with or without its hyphens."""
    return hashlib.sha256(code.replace("-", "").encode()).hexdigest()


class FactorCheck:
    """The check of second factors in one database; `clock` gives aware times in UTC.

    All methods raise DatabaseError if the database fails.
    """

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], seal: Seal, access: Access
    ) -> None:
        self._engine, self._clock, self._seal = engine, clock, seal
        self.access = access
        self._throttle, self._log = Throttle(engine, clock), SignInLog(engine, clock)

    def check(self, found: Claimant, answer: Answer, attempt: Attempt) -> How | None:
        """Check the second factor of an account whose password was right.

        Return the kind that was used; None if the account has no second factor.

        Raises:
            FactorNeededError: if nothing was answered.
            WrongFactorError: if the answer is wrong.
            BlockedError: after too many wrong answers.
        """
        handle, now = found.name, self._clock()
        with plainly(self._engine), reading(self._engine) as connection:
            own = factors.of(connection, handle)
        if not any(each.kind in factors.ASKED_FOR for each in own):
            return None
        if answer.code is None and answer.credential is None:
            # Somebody may be trying a stolen password, which its owner's next code does not hide.
            self._log.record_without_code(attempt, handle)
            assert found.hash is not None
            raise FactorNeededError.with_ticket(new_ticket(handle, found.hash, now, self._seal))
        try:
            counted = self._throttle.count(throttle.with_code(handle, attempt.place or ""))
        except BlockedError:
            self._log.record_blocked(attempt, found.account)
            raise
        right = matching(own, answer, now, self._seal, self.access)
        if right is None or not self._use(*right, now):
            self._log.record_wrong_code(attempt, handle)
            raise WrongFactorError
        self._throttle.uncount(counted)
        return cast("How", right[0].kind)

    def check_demanded(self, found: Claimant, answer: Answer, attempt: Attempt) -> None:
        """Check the second factor for one action, which no session begins.

        Raises:
            FactorDemandedError: if the role must have a second factor, and the account has none.
            And the errors of `check`.
        """
        account, used = found.account, self.check(found, answer, attempt)
        assert account is not None, "whose password was right"
        if used is None and is_demanded(self.access, account.role, attempt.how):
            raise FactorDemandedError(handle=account.handle, role=account.role)

    def lacks(self, connection: Connection, session: Session) -> bool:
        """Whether the person of the session must have a second factor, and has none."""
        of = session.account
        return is_demanded(self.access, of.role, session.how) and not (
            factors.has_any(connection, of.handle)
        )

    def are_asked_for(self, handle: str) -> bool:
        """Whether the account has a second factor that the sign-in asks for."""
        with plainly(self._engine), reading(self._engine) as connection:
            return factors.has_any(connection, handle)

    def of_ticket(self, handle: str) -> list[Factor]:
        """The factors of the account whose password was right."""
        with plainly(self._engine), reading(self._engine) as connection:
            return factors.of(connection, handle)

    def _use(self, factor: Factor, counter: int, now: datetime) -> bool:
        """Use a factor that was answered rightly; return False if it was used at the same time."""
        with plainly(self._engine), writing(self._engine) as connection:
            if factor.kind == RECOVERY:
                return factors.remove(connection, factor.id, now)
            return factors.use(
                connection, factor.id, before=factor.counter, counter=counter, at=now
            )
