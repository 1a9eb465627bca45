"""Queries of attempts to sign in that failed: how often, under which key."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from incidents.store.account_tables import attempts


def failures(
    connection: Connection, keys: Iterable[str], at: datetime
) -> dict[str, tuple[int, datetime]]:
    """How often it failed under each key, and when last; held until the transaction ends, so that
    of many at once each knows of those before it."""
    found = {}
    for key in sorted(keys):
        # What is there is written as it is: then nobody else changes or deletes it meanwhile.
        own = _insert(connection)(attempts).values(key=key, failures=0, last_at=at)
        kept = own.on_conflict_do_update(index_elements=["key"], set_={"key": own.excluded.key})
        row = connection.execute(kept.returning(attempts.c.failures, attempts.c.last_at)).one()
        found[key] = (row.failures, row.last_at)
    return found


def _insert(connection: Connection) -> Any:
    """What inserts and can take what is there already, of that database."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name]


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
