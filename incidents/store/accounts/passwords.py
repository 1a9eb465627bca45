"""Queries for passwords: their hashes and dates, who set each, and failed sign-ins.

A seal alone proves nothing: anybody with the database's password can restore an old row with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from incidents.record.account_events import PasswordSet
from incidents.record.entry import decode
from incidents.store.archive import whole
from incidents.store.schema.access_tables import attempts, passwords
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.store.statement import insert_or


class SetByOther(NamedTuple):
    """The fact that another person set a password.

    `by`: the person who set the password. From `counts_from` (UTC) the owner of the account can
    again be a second person.
    """

    by: str
    counts_from: datetime


class Password(NamedTuple):
    """The stored facts of an account's password: its hash (Argon2id, PHC).

    `given`: the other person who set it or the previous password. `seal`: see `accounts.serve_key`.
    """

    handle: str
    hash: str
    given: SetByOther | None
    seal: str | None = None


def digest(hash_: str) -> str:
    """The digest of a password hash as it is on record: SHA-256, in hexadecimal."""
    return hashlib.sha256(hash_.encode()).hexdigest()


def of(connection: Connection, handle: str) -> Password | None:
    """The password of an account; None if it has none."""
    row = connection.execute(_all().where(passwords.c.handle == handle)).one_or_none()
    return None if row is None else _password(row)


def every(connection: Connection) -> list[Password]:
    """All passwords, by handle."""
    return [_password(row) for row in connection.execute(_all().order_by(passwords.c.handle))]


def may_be_read(connection: Connection) -> bool:
    """Whether this database role may read passwords; a role that signs nobody in may not."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(select(func.has_table_privilege(passwords.name, "SELECT"))))


def when_set(
    connection: Connection, *handles: str
) -> dict[str, tuple[datetime, SetByOther | None]]:
    """When (UTC) and by whom the passwords of those accounts (None: all) were set."""
    of = passwords.c
    wanted = select(of.handle, of.set_at, of.given_by, of.counts_from)
    rows = connection.execute(wanted.where(of.handle.in_(handles)) if handles else wanted)
    return {row.handle: (row.set_at, _given(row)) for row in rows}


def put(connection: Connection, new: Password, at: datetime) -> None:
    """Replace the password of an account."""
    connection.execute(delete(passwords).where(passwords.c.handle == new.handle))
    by, counts_from = (None, None) if new.given is None else new.given
    row = {
        "handle": new.handle, "hash": new.hash, "set_at": at,
        "given_by": by, "counts_from": counts_from, "seal": new.seal,
    }  # fmt: skip
    connection.execute(insert(passwords).values(row))


def seal(connection: Connection, handle: str, seal: str | None) -> None:
    """Set the seal of a password."""
    connection.execute(update(passwords).where(passwords.c.handle == handle).values(seal=seal))


def _all() -> Any:
    of = passwords.c
    return select(of.handle, of.hash, of.given_by, of.counts_from, of.seal)


def _password(row: Any) -> Password:
    return Password(row.handle, row.hash, _given(row), row.seal)


def _given(row: Any) -> SetByOther | None:
    return None if row.counts_from is None else SetByOther(row.given_by, row.counts_from)


def failures(
    connection: Connection, keys: Iterable[str], at: datetime
) -> dict[str, tuple[int, datetime]]:
    """The number of failed sign-ins under each key, and the time of the last.

    The rows are locked until the transaction ends, so that concurrent sign-ins count each other.
    """
    found = {}
    for key in sorted(keys):
        # Existing rows are written unchanged, so that nobody else changes or deletes them.
        own = insert_or(connection, attempts).values(key=key, failures=0, last_at=at)
        kept = own.on_conflict_do_update(index_elements=["key"], set_={"key": own.excluded.key})
        row = connection.execute(kept.returning(attempts.c.failures, attempts.c.last_at)).one()
        found[key] = (row.failures, row.last_at)
    return found


def count(connection: Connection, key: str, failures: int, at: datetime) -> None:
    """Set the number of failed sign-ins under a key."""
    counted = {"failures": failures, "last_at": at}
    connection.execute(update(attempts).where(attempts.c.key == key).values(counted))


def undo_failure(connection: Connection, key: str) -> None:
    """Undo the count of a failed sign-in that was counted before the password was checked."""
    mine = (attempts.c.key == key, attempts.c.failures > 0)
    fewer = update(attempts).where(*mine).values(failures=attempts.c.failures - 1)
    connection.execute(fewer)


def delete_failures(connection: Connection, key: str) -> None:
    """Delete the failed sign-ins under a key after a successful one."""
    connection.execute(delete(attempts).where(attempts.c.key == key))


def delete_old_failures(connection: Connection, before: datetime) -> None:
    """Delete failed sign-ins that no longer count; rows locked by others are skipped."""
    old = select(attempts.c.key).where(attempts.c.last_at < before)
    mine = old.with_for_update(skip_locked=True)
    connection.execute(delete(attempts).where(attempts.c.key.in_(mine)))


def last_on_record(connection: Connection, handle: str) -> PasswordSet | None:
    """The last event on record that set the account's password; None if there is none."""
    of = entries.c
    wanted = (
        select(of.body)
        .where(
            of.site_id == DESK_STREAM,
            of.body.contains(f'"kind":"{PasswordSet.kind}"', autoescape=True),
            of.body.contains(f'"handle":"{handle}"', autoescape=True),
        )
        .order_by(of.site_seq.desc())
        .limit(1)
    )
    found = whole.of_one_site(connection, wanted, DESK_STREAM, newest_first=True, most=1)
    if not found:
        return None
    event = decode(found[0].body)[1]
    assert isinstance(event, PasswordSet)
    return event


def is_last_on_record(said: PasswordSet | None, hash_: str) -> bool:
    """Whether that hash is the last one set on record; hashes are on record since version 0015."""
    return said is None or said.kept in (None, digest(hash_))
