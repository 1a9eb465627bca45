"""Queries of alarms: what the desk is to be told of once, for as long as its cause lasts.

A row is there from when somebody has seen the cause until somebody has seen it end. Any number of
daemons look: each raises what is missing, and one at a time has an alarm in hand, under a lease
(`next_at` in the future, one more attempt). What is written names the row as it was seen, by its
key and `raised_at`: the same cause that came again meanwhile is another row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from incidents.store.schema.log_tables import alarms
from incidents.store.statements.values_table import insert_missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An alarm that was raised; times are in UTC.

    `key` is its kind and what it is about, its `subject`. Of a list that the desk is told again
    when it grows, the subject is what was on it when the desk was told last. While it is in
    somebody's hands `next_at` is the end of the lease; else it is not told before then. `attempts`
    counts those that were made or begun.
    """

    key: str
    kind: str
    subject: str
    raised_at: datetime
    attempts: int
    next_at: datetime
    told_at: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Whether somebody is to tell it at `now`."""
        return self.told_at is None and self.next_at <= now


def new(key: str, kind: str, subject: str, now: datetime) -> Raised:
    """An alarm as it is when it is raised: due at once."""
    return Raised(
        key=key, kind=kind, subject=subject, raised_at=now, attempts=0, next_at=now, told_at=None
    )


def known(connection: Connection) -> dict[str, Raised]:
    """All that are raised, by their keys: as many as there are causes."""
    found = connection.execute(select(alarms)).mappings()
    return {row["key"]: Raised(**row) for row in found}


def add(connection: Connection, raised: Iterable[Raised]) -> None:
    """Raises those whose key is not there; one that another has raised meanwhile stays as it is."""
    rows = [
        {name: getattr(each, name) for name in _COLUMNS}
        for each in sorted(raised, key=lambda each: each.key)
    ]
    if rows:
        connection.execute(insert_missing(connection, alarms), rows)


def renew(connection: Connection, seen: Raised, renewed: Raised) -> bool:
    """Writes it anew under the same key; False if it is not as it was seen any more."""
    values = {name: getattr(renewed, name) for name in _COLUMNS if name != "key"}
    as_seen = and_(
        _same(seen), alarms.c.subject == seen.subject, alarms.c.attempts == seen.attempts,
        alarms.c.next_at == seen.next_at, alarms.c.told_at.is_not_distinct_from(seen.told_at),
    )  # fmt: skip
    return bool(connection.execute(update(alarms).where(as_seen).values(values)).rowcount)


def claim(
    connection: Connection, seen: Raised, *, now: datetime, lease: timedelta
) -> Raised | None:
    """Takes an alarm in hand for as long as the lease runs; None if another was faster.

    If it is neither told nor put off by then it is anybody's again.
    """
    claimed = replace(seen, attempts=seen.attempts + 1, next_at=now + lease)
    as_seen = and_(
        _same(seen), alarms.c.attempts == seen.attempts, alarms.c.next_at == seen.next_at
    )
    taken = (
        update(alarms)
        .where(as_seen, alarms.c.told_at.is_(None))
        .values(attempts=claimed.attempts, next_at=claimed.next_at)
    )
    return claimed if connection.execute(taken).rowcount else None


def told(connection: Connection, claimed: Raised, now: datetime) -> None:
    """The desk has been told: nobody tells it again, whoever may have it in hand by now."""
    connection.execute(
        update(alarms).where(_same(claimed), alarms.c.told_at.is_(None)).values(told_at=now)
    )


def put_off(
    connection: Connection, claimed: Raised, next_at: datetime, *, tried: bool = True
) -> None:
    """Lets go of it until `next_at`; one that was not `tried` after all is as if never claimed."""
    in_hand = and_(
        _same(claimed), alarms.c.attempts == claimed.attempts, alarms.c.next_at == claimed.next_at
    )
    connection.execute(
        update(alarms)
        .where(in_hand, alarms.c.told_at.is_(None))
        .values(next_at=next_at, attempts=claimed.attempts - (not tried))
    )


def forget(connection: Connection, ended: Iterable[Raised]) -> None:
    """Takes out those whose cause has ended: if it comes again, it is told again."""
    for each in sorted(ended, key=lambda each: each.key):
        connection.execute(delete(alarms).where(_same(each)))


def _same(seen: Raised) -> ColumnElement[bool]:
    return and_(alarms.c.key == seen.key, alarms.c.raised_at == seen.raised_at)


_COLUMNS = tuple(column.name for column in alarms.c)
