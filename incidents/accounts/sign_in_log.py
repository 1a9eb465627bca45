"""The sign-in log: what is on record of each attempt to sign in, and of those that were refused.

A failure is not logged as an act of the named person, because the guesser may be somebody else. An
unknown name is not stored; the log shows only that a name was unknown.

Each failure at an existing account has a line with its time, reason and address. Unknown names can
be made up without end, from any number of addresses, and the log is kept for half a year. Therefore
only the first few attempts from an address on a day have a line. All attempts are counted by day,
reason and address; beyond a number of addresses, the rest are counted together. This limits the
size of the log, and the count stays exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from incidents.store.accounts import sign_ins
from incidents.store.accounts.sign_ins import OK, Refusal, SignIn
from incidents.store.database.engine import plainly, writing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from incidents.store.accounts.accounts import Account


How = Literal["password", "provider", "terminal", "invitation", "totp", "webauthn", "recovery"]
"""The method by which somebody proves their identity; the last three beside the password."""

UNKNOWN_NAME = "?"
"""The log's text for an unknown name: the typed text could be anything, even a password."""

MOST_LINES = 5
"""The maximum number of log lines for unknown names, by address and day (UTC)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to sign in, in the terms of `sign_ins.SignIn`."""

    what: str
    how: How
    place: str | None
    by: str | None = None
    session: str | None = None


class SignInLog:
    """The sign-in log of one database; `clock` gives aware times in UTC.

    All methods raise DatabaseError if the database fails.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def record_success(
        self, attempt: Attempt, handle: str, within: Connection | None = None
    ) -> None:
        """Log that somebody signed in as `handle`, in the transaction `within` or in a new one."""
        line = _line(attempt, OK, handle, self._clock())
        if within is not None:
            sign_ins.add(within, line)
            return
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.add(connection, line)

    def record_failure(self, attempt: Attempt, account: Account | None, *, right: bool) -> None:
        """Log a failed attempt; `right`: the password or the provider's answer was right."""
        if account is None:
            self._record_failure(attempt, "no_account", None)
        else:
            self._record_failure(attempt, "disabled" if right else "wrong_password", account.handle)

    def record_wrong_code(self, attempt: Attempt, handle: str) -> None:
        """Log that the password was right, and the second factor was not."""
        self._record_failure(attempt, "wrong_code", handle)

    def record_without_code(self, attempt: Attempt, handle: str) -> None:
        """Log that the password was right, and that a second factor is needed too."""
        self._record_failure(attempt, "factor_needed", handle)

    def record_unknown(self, how: How, place: str | None, why: str) -> None:
        """Log a failed attempt by an unknown person."""
        self._record_failure(Attempt("sign_in", how, place), why, None)

    def record_blocked(self, attempt: Attempt, account: Account | None) -> None:
        """Count a blocked attempt; a log line for each blocked attempt could fill the disk."""
        handle = UNKNOWN_NAME if account is None else account.handle
        self.count(Refusal(handle, attempt.place or "", attempt.what, "blocked", attempt.by))

    def count(self, refusal: Refusal) -> None:
        """Count, by day and address, a refusal that anybody can cause."""
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.count_bounded(connection, refusal, self._clock())

    def _record_failure(self, attempt: Attempt, why: str, handle: str | None) -> None:
        """Log a failure; this takes equally long whether the account exists or not."""
        now, unknown = self._clock(), Refusal(UNKNOWN_NAME, attempt.place or "", attempt.what, why)
        with plainly(self._engine), writing(self._engine) as connection:
            n = sign_ins.count_bounded(connection, unknown, now, wanted=handle is None)
            sign_ins.add_if(connection, _line(attempt, why, handle, now), n <= MOST_LINES)


def _line(attempt: Attempt, result: str, handle: str | None, at: datetime) -> SignIn:
    return SignIn(
        at, attempt.what, result, attempt.how, handle, attempt.by, attempt.place, attempt.session
    )
