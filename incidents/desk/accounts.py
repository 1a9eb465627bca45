"""The accounts: the desk's own acts of letting somebody in, and of not letting them do something.

Each locks the desk's row first, so that two of them come one after the other. Whoever can reach the
database makes the first accounts. As soon as an administrator has a password, accounts are kept by
who comes in: else two people would be one, who gives the second a new password. Each act raises
AccountSignInError for others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from incidents import settings
from incidents.accounts import roles, secrets
from incidents.audit import own_acts
from incidents.desk import own_stream
from incidents.errors import InputError, RefusedError
from incidents.machine.events import Event
from incidents.store import accounts
from incidents.store.accounts import Account, Token

Clock = Callable[[], datetime]
E = TypeVar("E", bound=Event)

MAX_TOKEN_DAYS = 366
_HANDLE = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*")
_MAX_HANDLE = 40


class BadHandleError(InputError):
    """{given!r} is no handle: small letters of a to z and digits, perhaps with . _ - between, 40 at
    most, such as operator-1; it stands in the record for good, so it is no address and no number"""


class UnknownRoleError(InputError):
    """{given!r} is no role; there are {known}"""


class UnknownActError(InputError):
    """{given!r} is no act that a token could be for; there are {known}"""


class AccountExistsError(RefusedError):
    """{handle} has an account already"""


class UnknownAccountError(RefusedError):
    """no account is called {handle!r} (account list lists them)"""


class UnknownTokenError(RefusedError):
    """no token is called {token!r} (token list lists them)"""


class LastAdministratorError(RefusedError):
    """{handle} is the last administrator that can come in, or the last one with a password: make
    another one first, and give it a password"""


class NoGuardError(RefusedError):
    """give an administrator a password first: until then, whoever can reach the database could give
    {handle} another one, and act as two people"""


class DisabledAccountError(RefusedError):
    """the account of {handle} is disabled (account enable)"""


class NotOfRoleError(RefusedError):
    """{handle} has the role {role}, which may not do {act}: a token for it would let nobody do it
    (account role gives another)"""


class AccountSignInError(RefusedError):
    """an administrator of this desk has a password, so accounts, passwords and tokens are kept only
    by somebody who has signed in, and {by} has not"""

    @property
    def name(self) -> str:
        """The same as of all that needs it."""
        return "sign_in_needed"


class BadExpiryError(InputError):
    """a token holds for 1 to {most} days, not for {days}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who does it, and the login beside the name.

    `came_in` says that they have proved to be an account of this database, and that its role may do
    this, or that it is about themselves.
    """

    person: str
    login: str | None
    came_in: bool = False


def make(connection: Connection, by: By, handle: str, role: str, clock: Clock) -> Account:
    """A new account, which cannot come in before it has a password or a token.

    Raises:
        BadHandleError, UnknownRoleError, AccountExistsError: naming what was given.
    """
    check_handle(handle)
    _check_role(role)
    act = _Act(connection, by, clock)
    if accounts.account(connection, handle) is not None:
        raise AccountExistsError(handle=handle)
    new = Account(handle, role, act.now, None)
    accounts.add(connection, new)
    act.record(own_acts.AccountMade, handle=handle, role=role)
    return new


def give_role(connection: Connection, by: By, handle: str, role: str, clock: Clock) -> bool:
    """Another role; whether that changed anything.

    Raises:
        UnknownRoleError, UnknownAccountError, LastAdministratorError: naming what was given.
    """
    _check_role(role)
    act = _Act(connection, by, clock)
    account = _known(connection, handle)
    if account.role == role:
        return False
    _check_not_last(connection, account)
    accounts.give_role(connection, handle, role)
    act.record(own_acts.RoleGiven, handle=handle, role=role)
    return True


def disable(connection: Connection, by: By, handle: str, clock: Clock) -> bool:
    """Nobody comes in with it any more, from this moment on; whether that changed anything.

    Raises:
        UnknownAccountError, LastAdministratorError: naming it.
    """
    act = _Act(connection, by, clock)
    account = _known(connection, handle)
    if account.disabled_at is not None:
        return False
    _check_not_last(connection, account)
    accounts.disable(connection, handle, act.now)
    act.record(own_acts.AccountDisabled, handle=handle)
    return True


def enable(connection: Connection, by: By, handle: str, clock: Clock) -> bool:
    """It may come in again; whether that changed anything. Raises UnknownAccountError."""
    act = _Act(connection, by, clock)
    if _known(connection, handle).disabled_at is None:
        return False
    accounts.enable(connection, handle)
    act.record(own_acts.AccountEnabled, handle=handle)
    return True


def set_password(connection: Connection, by: By, handle: str, hash_: str, clock: Clock) -> None:
    """A new password, as `secrets.hash_of` has it; all sessions of the account end.

    Raises:
        UnknownAccountError, NoGuardError: naming it.
    """
    act = _Act(connection, by, clock)
    account = _known(connection, handle)
    if account.role != "administrator" and not (by.came_in or accounts.guards(connection)):
        raise NoGuardError(handle=handle)
    accounts.set_password(connection, handle, hash_, act.now)
    accounts.end_sessions(connection, handle)
    act.record(own_acts.PasswordSet, handle=handle)


def make_token(
    connection: Connection,
    by: By,
    handle: str,
    secret: str,
    clock: Clock,
    *,
    days: int,
    acts: Sequence[str] | None = None,
) -> Token:
    """A token of that account, for `days`; `acts` are what it is for, of what the role may.

    Raises:
        UnknownAccountError, DisabledAccountError, UnknownActError, NotOfRoleError, BadExpiryError.
    """
    for each in acts or ():
        if each not in roles.MAY or each in roles.IN_PERSON:
            known = ", ".join(a for a in roles.ACTS if a not in roles.IN_PERSON)
            raise UnknownActError(given=each, known=known)
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise BadExpiryError(days=days, most=MAX_TOKEN_DAYS)
    act = _Act(connection, by, clock)
    account = _known(connection, handle)
    if account.disabled_at is not None:
        raise DisabledAccountError(handle=handle)
    for each in acts or ():
        if not roles.may(account.role, each):
            raise NotOfRoleError(handle=handle, role=account.role, act=each)
    kept = None if acts is None else sorted(set(acts))
    new = Token(
        secrets.random_id(), handle, secrets.digest(secret), kept, act.now,
        act.now + timedelta(days=days), None,
    )  # fmt: skip
    accounts.add_token(connection, new)
    act.record(
        own_acts.TokenMade, token=new.id, handle=handle, digest=new.digest,
        expires=new.expires_at, acts=tuple(kept or ()),
    )  # fmt: skip
    return new


def revoke_token(connection: Connection, by: By, id_: str, clock: Clock) -> bool:
    """It is worth nothing from this moment on; whether that changed anything.

    Raises:
        UnknownTokenError: naming it.
    """
    act = _Act(connection, by, clock)
    token = accounts.token(connection, id_) if is_token_id(id_) else None
    if token is None:
        raise UnknownTokenError(token=id_)
    if token.revoked_at is not None:
        return False
    accounts.revoke_token(connection, id_, act.now)
    act.record(own_acts.TokenRevoked, token=id_)
    return True


def refuse(
    connection: Connection, by: By, clock: Clock, *, act: str, why: str, about: str | None = None
) -> None:
    """Puts on record that somebody was not let do something."""
    _Act(connection, by, clock, open_to_all=True).record(
        own_acts.AccessRefused, act=act, why=why, about=about
    )


def reveal(connection: Connection, by: By, clock: Clock, *, about: str) -> None:
    """Puts on record that somebody is shown numbers and addresses in full; before they are."""
    _Act(connection, by, clock, open_to_all=True).record(own_acts.DetailsRevealed, about=about)


def check_handle(handle: str) -> str:
    """The handle, if it is one; raises BadHandleError, ReservedNameError, TellingNameError."""
    if not is_handle(handle):
        raise BadHandleError(given=handle)
    return settings.check_person(handle)


def is_handle(given: str) -> bool:
    """Whether somebody could be called that."""
    return len(given) <= _MAX_HANDLE and _HANDLE.fullmatch(given) is not None


def is_token_id(given: str) -> bool:
    """Whether a token could be called that."""
    return given.isascii() and given.isalnum()


class _Act:
    """One act, at its place in the stream."""

    def __init__(
        self, connection: Connection, by: By, clock: Clock, *, open_to_all: bool = False
    ) -> None:
        self._connection, self._by = connection, by
        self._place = own_stream.place(connection, clock)
        self.now = self._place.now
        if not (open_to_all or by.came_in) and accounts.guards(connection):
            raise AccountSignInError(by=by.person)

    def record(self, kind: type[E], **own: Any) -> None:
        event = kind(
            occurred_at=self.now, recorded_at=self.now, by=self._by.person,
            policy=self._place.policy, **own,
        )  # fmt: skip
        own_stream.write(self._connection, self._place, event, self._by.login)


def _known(connection: Connection, handle: str) -> Account:
    found = accounts.account(connection, handle) if is_handle(handle) else None
    if found is None:
        raise UnknownAccountError(handle=handle)
    return found


def _check_role(role: str) -> None:
    if role not in roles.ROLES:
        raise UnknownRoleError(given=role, known=", ".join(roles.ROLES))


def _check_not_last(connection: Connection, account: Account) -> None:
    able = account.role == "administrator" and account.disabled_at is None
    if able and (
        accounts.administrators(connection) == 1 or accounts.guards(connection) == [account.handle]
    ):
        raise LastAdministratorError(handle=account.handle)
