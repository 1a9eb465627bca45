"""Queries of accounts: who may come in, and as what."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, literal, select, update

from incidents.store.account_tables import accounts, passwords


class Account(NamedTuple):
    """An account: its handle, its role, since when (UTC), and since when it is disabled."""

    handle: str
    role: str
    made_at: datetime
    disabled_at: datetime | None


def any_there(connection: Connection) -> bool:
    """Whether this database has accounts; once it has, it always has."""
    return connection.scalar(select(literal(1)).select_from(accounts).limit(1)) is not None


def account(connection: Connection, handle: str, *, lock: bool = False) -> Account | None:
    """The account of that handle."""
    wanted = select(accounts).where(accounts.c.handle == handle)
    row = connection.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    return None if row is None else Account(*row)


def every(connection: Connection) -> list[Account]:
    """All accounts by their handles."""
    return [Account(*row) for row in connection.execute(select(accounts).order_by("handle"))]


def administrators(connection: Connection) -> int:
    """How many can come in that may make accounts."""
    wanted = select(func.count()).select_from(accounts)
    able = (accounts.c.role == "administrator", accounts.c.disabled_at.is_(None))
    return connection.scalar(wanted.where(*able)) or 0


def guards(connection: Connection) -> list[str]:
    """The administrators that can come in with a password."""
    joined = accounts.join(passwords, passwords.c.handle == accounts.c.handle)
    able = (accounts.c.role == "administrator", accounts.c.disabled_at.is_(None))
    return list(connection.scalars(select(accounts.c.handle).select_from(joined).where(*able)))


def add(connection: Connection, new: Account) -> None:
    """Keeps a new account."""
    connection.execute(insert(accounts).values(new._asdict()))


def give_role(connection: Connection, handle: str, role: str) -> None:
    """From now on it may do what that role may."""
    _set(connection, handle, role=role)


def disable(connection: Connection, handle: str, at: datetime) -> None:
    """It may not come in any more."""
    _set(connection, handle, disabled_at=at)


def enable(connection: Connection, handle: str) -> None:
    """It may come in again."""
    _set(connection, handle, disabled_at=None)


def _set(connection: Connection, handle: str, **values: object) -> None:
    connection.execute(update(accounts).where(accounts.c.handle == handle).values(values))
