"""The tokens: what lets a program act as an account, for a time and for some of what its role may.

Each act here is an `AccountAct`, and raises AccountSignInError as that does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from incidents.accounts import identity, secrets
from incidents.accounts.seal import UNSEALED, Seal, of_token
from incidents.desk.account_act import AccountAct, By, Clock
from incidents.desk.accounts import known
from incidents.errors import InputError, RefusedError
from incidents.record import own_events
from incidents.store import sessions
from incidents.store.sessions import Token

MAX_DAYS = 366


class UnknownActError(InputError):
    """{given!r} is no act that a token could be for; there are {known}"""


class BadExpiryError(InputError):
    """a token holds for 1 to {most} days, not for {days}"""


class UnknownTokenError(RefusedError):
    """no token is called {token!r} (token list lists them)"""


class DisabledAccountError(RefusedError):
    """the account of {handle} is disabled (account enable)"""


class NotOfRoleError(RefusedError):
    """{handle} has the role {role}, which may not do {act}: a token for it would let nobody do it
    (account role gives another)"""


def make(
    connection: Connection,
    by: By,
    handle: str,
    secret: str,
    clock: Clock,
    *,
    days: int,
    acts: Sequence[str] | None = None,
    seal: Seal = UNSEALED,
) -> Token:
    """A token of that account, for `days`; `acts` are what it is for, of what the role may. Without
    the `seal` that the database has it lets nobody in.

    Raises:
        UnknownAccountError, DisabledAccountError, UnknownActError, NotOfRoleError, BadExpiryError.
    """
    for each in acts or ():
        if each not in identity.MAY or each in identity.IN_PERSON:
            there_are = ", ".join(a for a in identity.ACTS if a not in identity.IN_PERSON)
            raise UnknownActError(given=each, known=there_are)
    if not 1 <= days <= MAX_DAYS:
        raise BadExpiryError(days=days, most=MAX_DAYS)
    act = AccountAct(connection, by, clock)
    account = known(connection, handle)
    if account.disabled_at is not None:
        raise DisabledAccountError(handle=handle)
    for each in acts or ():
        if not identity.may(account.role, each):
            raise NotOfRoleError(handle=handle, role=account.role, act=each)
    kept = None if acts is None else sorted(set(acts))
    new = Token(
        secrets.random_id(), handle, secrets.digest(secret), kept, act.now,
        act.now + timedelta(days=days), None,
    )  # fmt: skip
    new = new._replace(seal=seal.on(of_token(new)))
    sessions.add_token(connection, new)
    act.record(
        own_events.TokenMade, token=new.id, handle=handle, digest=new.digest,
        expires=new.expires_at, acts=tuple(kept or ()),
    )  # fmt: skip
    return new


def revoke(connection: Connection, by: By, id_: str, clock: Clock) -> bool:
    """It is worth nothing from this moment on; whether that changed anything.

    Raises:
        UnknownTokenError: naming it.
    """
    act = AccountAct(connection, by, clock)
    token = sessions.token_of_id(connection, id_) if is_id(id_) else None
    if token is None:
        raise UnknownTokenError(token=id_)
    if token.revoked_at is not None:
        return False
    sessions.revoke_token(connection, id_, act.now)
    act.record(own_events.TokenRevoked, token=id_)
    return True


def is_id(given: str) -> bool:
    """Whether a token could be called that."""
    return given.isascii() and given.isalnum()
