"""The account act: one act on accounts or tokens, who does it, and its place in the desk's stream.

It locks the desk's row first, so that two of them come one after the other. Whoever can reach the
database makes the first accounts. As soon as an administrator has a password, accounts are kept by
who comes in: else two people would be one, who gives the second a new password.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from incidents.desk import own_stream
from incidents.errors import RefusedError
from incidents.machine.events import Event
from incidents.store import accounts

Clock = Callable[[], datetime]
E = TypeVar("E", bound=Event)


class AccountSignInError(RefusedError):
    """an administrator of this desk has a password, so accounts, passwords and tokens are kept only
    by somebody who has signed in, and {by} has not"""

    @property
    def name(self) -> str:
        """The same as of all that needs it."""
        return "sign_in_needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who does it, and the login beside the name.

    `came_in` says that they have proved to be an account of this database, and that its role may do
    this, or that it is about themselves.
    """

    person: str
    login: str | None
    came_in: bool = False


class AccountAct:
    """One act, at its place in the stream; what it has to record more comes right after it.

    Raises:
        AccountSignInError: if it is for who has come in, and they have not.
    """

    def __init__(
        self, connection: Connection, by: By, clock: Clock, *, open_to_all: bool = False
    ) -> None:
        self._connection, self._by = connection, by
        self._place = own_stream.place(connection, clock)
        self.now = self._place.now
        if not (open_to_all or by.came_in) and accounts.guards(connection):
            raise AccountSignInError(by=by.person)

    def record(self, kind: type[E], **own: Any) -> None:
        """Puts an event of that kind on record, by who does the act and at its time."""
        event = kind(
            occurred_at=self.now, recorded_at=self.now, by=self._by.person,
            policy=self._place.policy, **own,
        )  # fmt: skip
        own_stream.write(self._connection, self._place, event, self._by.login)
        self._place = replace(self._place, seq=self._place.seq + 1)
