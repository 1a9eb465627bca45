"""Queries of passwords: their hashes and dates, who set each, and failed sign-ins.

The table of passwords can be written by who has the database's password; an old row that is put
back bears its seal still.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from incidents.record.entry import decode
from incidents.record.own_events import PasswordSet
from incidents.store.schema.desk_tables import DESK_STREAM, attempts, entries, passwords
from incidents.store.statement import insert_or


class Given(NamedTuple):
    """That somebody else has set a password: who, and from when on (UTC) its person counts as a
    second one."""

    by: str
    counts_from: datetime


class Password(NamedTuple):
    """What is kept of an account's password: its hash (Argon2id, PHC), who else has set it, or the
    one that its person has changed since, and its seal, as of `accounts.serve_key`."""

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


def failures(
    connection: Connection, keys: Iterable[str], at: datetime
) -> dict[str, tuple[int, datetime]]:
    """How often it failed under each key, and when last; held until the transaction ends, so that
    of many at once each knows of those before it."""
    found = {}
    for key in sorted(keys):
        # What is there is written as it is: then nobody else changes or deletes it meanwhile.
        own = insert_or(connection, attempts).values(key=key, failures=0, last_at=at)
        kept = own.on_conflict_do_update(index_elements=["key"], set_={"key": own.excluded.key})
        row = connection.execute(kept.returning(attempts.c.failures, attempts.c.last_at)).one()
        found[key] = (row.failures, row.last_at)
    return found


def count(connection: Connection, key: str, failures: int, at: datetime) -> None:
    """So many by now."""
    counted = {"failures": failures, "last_at": at}
    connection.execute(update(attempts).where(attempts.c.key == key).values(counted))


def uncount(connection: Connection, key: str) -> None:
    """One that was counted before it was looked at was none."""
    mine = (attempts.c.key == key, attempts.c.failures > 0)
    fewer = update(attempts).where(*mine).values(failures=attempts.c.failures - 1)
    connection.execute(fewer)


def forget(connection: Connection, key: str) -> None:
    """It has succeeded."""
    connection.execute(delete(attempts).where(attempts.c.key == key))


def forget_old(connection: Connection, before: datetime) -> None:
    """Those that count no more; what somebody else holds is left to them."""
    old = select(attempts.c.key).where(attempts.c.last_at < before)
    mine = old.with_for_update(skip_locked=True)
    connection.execute(delete(attempts).where(attempts.c.key.in_(mine)))


def last_on_record(connection: Connection, handle: str) -> PasswordSet | None:
    """How that account's password was set last; None if it never was."""
    of = entries.c
    found = connection.scalar(
        select(of.body)
        .where(
            of.site_id == DESK_STREAM,
            of.body.contains(f'"kind":"{PasswordSet.kind}"', autoescape=True),
            of.body.contains(f'"handle":"{handle}"', autoescape=True),
        )
        .order_by(of.site_seq.desc())
        .limit(1)
    )
    if found is None:
        return None
    event = decode(found)[1]
    assert isinstance(event, PasswordSet)
    return event


def is_last_on_record(said: PasswordSet | None, hash_: str) -> bool:
    """Whether that is the hash that was set last, as far as the record says: it does since 0015."""
    return said is None or said.kept in (None, kept(hash_))
