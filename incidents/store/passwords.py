"""Queries of passwords: what is kept of them, and who has set them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from incidents.store.account_tables import passwords


class Given(NamedTuple):
    """That somebody else has set a password: who, and from when on (UTC) its person counts as a
    second one."""

    by: str
    counts_from: datetime


class Password(NamedTuple):
    """What is kept of an account's password: its hash (Argon2id, PHC), who else has set it, or the
    one that its person has changed since, and its seal, as of `accounts.seal`."""

    handle: str
    hash: str
    given: Given | None
    seal: str | None = None


def kept(hash_: str) -> str:
    """By what the record knows a hash: SHA-256, in hexadecimal."""
    return hashlib.sha256(hash_.encode()).hexdigest()


def of(connection: Connection, handle: str) -> Password | None:
    """That account's."""
    row = connection.execute(_all().where(passwords.c.handle == handle)).one_or_none()
    return None if row is None else _password(row)


def every(connection: Connection) -> list[Password]:
    """Everybody's, by their handles."""
    return [_password(row) for row in connection.execute(_all().order_by(passwords.c.handle))]


def may_be_read(connection: Connection) -> bool:
    """Whether this process may know of passwords: a role that lets nobody in may not."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(select(func.has_table_privilege(passwords.name, "SELECT"))))


def when_set(connection: Connection, *handles: str) -> dict[str, tuple[datetime, Given | None]]:
    """When the passwords of those accounts, of all without any, were set (UTC), and by whom."""
    of = passwords.c
    wanted = select(of.handle, of.set_at, of.given_by, of.counts_from)
    rows = connection.execute(wanted.where(of.handle.in_(handles)) if handles else wanted)
    return {row.handle: (row.set_at, _given(row)) for row in rows}


def put(connection: Connection, new: Password, at: datetime) -> None:
    """In place of what the account had."""
    connection.execute(delete(passwords).where(passwords.c.handle == new.handle))
    by, counts_from = (None, None) if new.given is None else new.given
    row = {
        "handle": new.handle, "hash": new.hash, "set_at": at,
        "given_by": by, "counts_from": counts_from, "seal": new.seal,
    }  # fmt: skip
    connection.execute(insert(passwords).values(row))


def seal(connection: Connection, handle: str, seal: str | None) -> None:
    """From now on it bears that seal."""
    connection.execute(update(passwords).where(passwords.c.handle == handle).values(seal=seal))


def _all() -> Any:
    of = passwords.c
    return select(of.handle, of.hash, of.given_by, of.counts_from, of.seal)


def _password(row: Any) -> Password:
    return Password(row.handle, row.hash, _given(row), row.seal)


def _given(row: Any) -> Given | None:
    return None if row.counts_from is None else Given(row.given_by, row.counts_from)
