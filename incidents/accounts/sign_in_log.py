"""The log of sign-ins: who comes in and who is not let in, from where and by what.

Nobody is named as having failed: whoever guesses is not whose name they give, and of a name that is
nobody's only that there was one is kept.

Each failure at an account has a line with its time, reason and address. Names that are nobody's can
be made up without end, from addresses without end, and the log is kept for half a year: so of these
only the first few of an address and a day have a line, and all are counted, by the day, reason and
address; those of further addresses together. No more than that is kept however long somebody
guesses, and the count is true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from incidents.store import sign_ins
from incidents.store.engine import plainly, writing
from incidents.store.sign_ins import OK, Refusal, SignIn

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from incidents.store.accounts import Account

How = Literal["password", "provider", "terminal"]
"""By what somebody proves who they are."""

NOBODY = "?"
"""In place of a name that is nobody's: it may be anything that was typed, a password too."""

FEW = 5
"""So many failures under unknown names have a line each, of an address and a day (UTC)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What somebody tries to come in for: as `sign_ins.SignIn` has it."""

    what: str
    how: How
    place: str | None
    by: str | None = None
    session: str | None = None


class SignInLog:
    """The log of one database; `clock` gives aware times in UTC.

    All raise DatabaseError when the database does not do its part.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def let_in(self, trial: Trial, handle: str, within: Connection | None = None) -> None:
        """That somebody came in as `handle`; `within` a transaction, or in one of its own."""
        line = _line(trial, OK, handle, self._clock())
        if within is not None:
            sign_ins.add(within, line)
            return
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.add(connection, line)

    def refuse(self, trial: Trial, account: Account | None, *, right: bool) -> None:
        """That somebody was not let in, though they were looked at; `right`: by the password, or by
        what their provider says, it was the person of that account."""
        if account is None:
            self._refuse(trial, "no_account", None)
        else:
            self._refuse(trial, "disabled" if right else "wrong_password", account.handle)

    def refuse_unknown(self, how: How, place: str | None, why: str) -> None:
        """That somebody, nobody knows who, was not let in."""
        self._refuse(Trial("sign_in", how, place), why, None)

    def count_blocked(self, trial: Trial, account: Account | None) -> None:
        """That nobody was looked at, after too many mistakes; a row for each would be a way to fill
        the disk."""
        handle = NOBODY if account is None else account.handle
        self.count(Refusal(handle, trial.place or "", trial.what, "blocked", trial.by))

    def count(self, refusal: Refusal) -> None:
        """Counts, by the day and address, what anybody can bring about."""
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.count_bounded(connection, refusal, self._clock())

    def _refuse(self, trial: Trial, why: str, handle: str | None) -> None:
        """As much is done whether there is such an account or not: time would tell."""
        now, unknown = self._clock(), Refusal(NOBODY, trial.place or "", trial.what, why)
        with plainly(self._engine), writing(self._engine) as connection:
            n = sign_ins.count_bounded(connection, unknown, now, wanted=handle is None)
            sign_ins.add_if(connection, _line(trial, why, handle, now), n <= FEW)


def _line(trial: Trial, result: str, handle: str | None, at: datetime) -> SignIn:
    return SignIn(at, trial.what, result, trial.how, handle, trial.by, trial.place, trial.session)
