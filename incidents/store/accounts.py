"""Queries of accounts, who may come in and as what; and of the keys that seal them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, literal, select, update

from incidents.store import sign_ins
from incidents.store.schema.desk_tables import accounts, passwords, serve_keys, sessions
from incidents.store.sign_ins import OK, SignIn


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


class ServeKey(NamedTuple):
    """A key: its place among those of this database, its SHA-256, and since when (UTC)."""

    number: int
    digest: str
    since: datetime


def newest(connection: Connection) -> ServeKey | None:
    """The key that holds; None before the first start of `serve`."""
    row = connection.execute(
        select(serve_keys).order_by(serve_keys.c.number.desc()).limit(1)
    ).one_or_none()
    return None if row is None else ServeKey(*row)


def add_serve_key(connection: Connection, new: ServeKey) -> None:
    """From now on this one holds, and all sessions have ended."""
    connection.execute(insert(serve_keys).values(new._asdict()))
    ended = delete(sessions).returning(sessions.c.id, sessions.c.handle)
    told = [
        SignIn(new.since, "sign_out", OK, "rekeyed", handle, session=id_)
        for id_, handle in sorted(connection.execute(ended).all())
    ]
    sign_ins.add(connection, *told)
