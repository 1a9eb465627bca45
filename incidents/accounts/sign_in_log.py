"""The log of sign-ins: who comes in and who is not let in, from where and by what.

Nobody is named as having failed: whoever guesses is not whose name they give, and of a name that is
nobody's only that there was one is kept.
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
        self._add(trial, OK, handle, within)

    def refuse(self, trial: Trial, account: Account | None, *, right: bool) -> None:
        """That somebody was not let in, though they were looked at; `right`: by the password, or by
        what their provider says, it was the person of that account."""
        why = "no_account" if account is None else "disabled" if right else "wrong_password"
        self._add(trial, why, None if account is None else account.handle)

    def refuse_stranger(self, how: How, place: str | None, why: str) -> None:
        """That somebody, nobody knows who, was not let in."""
        self._add(Trial("sign_in", how, place), why, None)

    def count_blocked(self, trial: Trial, account: Account | None) -> None:
        """That nobody was looked at, after too many mistakes; a row for each would be a way to fill
        the disk."""
        handle = NOBODY if account is None else account.handle
        self.count(Refusal(handle, trial.place or "", trial.what, "blocked", trial.by))

    def count(self, refusal: Refusal) -> None:
        """Counts it by its day."""
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.count(connection, [refusal], self._clock())

    def _add(
        self, trial: Trial, result: str, handle: str | None, within: Connection | None = None
    ) -> None:
        told = SignIn(
            self._clock(), trial.what, result, trial.how, handle, trial.by, trial.place,
            trial.session,
        )  # fmt: skip
        if within is not None:
            sign_ins.add(within, told)
            return
        with plainly(self._engine), writing(self._engine) as connection:
            sign_ins.add(connection, told)
