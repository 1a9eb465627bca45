"""Queries for tables of what waits for a daemon, which claims a row for the time of an attempt.

A claim is one more attempt, with `next_at` at its end: after that another daemon may try. A row
that waits for an event has no `next_at`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ScalarSelect,
    Table,
    delete,
    select,
    update,
)

from incidents.store.schema.desk_tables import desk

Row = TypeVar("Row", bound=tuple[Any, ...])


class Place:
    """Up to where a daemon has followed the numbers of something: a column of the desk's row."""

    def __init__(self, column: Column[Any], last: ColumnElement[Any] | ScalarSelect[Any]) -> None:
        self._column, self._last = column, last

    def read(self, connection: Connection) -> tuple[int | None, int]:
        """The number up to which it was followed, None if nobody follows; and the last number."""
        before, last = connection.execute(select(self._column, self._last.label("last"))).one()
        return before, last

    def move(self, connection: Connection, to: int | None) -> None:
        """Note that it was followed up to that number; None: nobody follows."""
        connection.execute(update(desk).values({self._column: to}))


class Claims(Generic[Row]):
    """The claims on the rows of a table; `row` has a field for each column. Times are in UTC."""

    def __init__(self, table: Table, row: Callable[..., Row]) -> None:
        self._table, self._row = table, row
        self._key = list(table.primary_key)

    def due(self, connection: Connection, now: datetime, *also: ColumnElement[bool]) -> Row | None:
        """The next row that is due at `now`, and of which `also` is true."""
        of = self._table.c
        asked = select(self._table).where(of.next_at <= now, *also)
        first = asked.order_by(of.next_at, of.report, *self._key).limit(1)
        found = connection.execute(first).first()
        return None if found is None else self._row(*found)

    def claim(
        self, connection: Connection, seen: Row, now: datetime, lease: timedelta
    ) -> Row | None:
        """Claim the row for the time of an attempt; None if another daemon has changed it."""
        values = dict(zip(self._table.c.keys(), seen, strict=True))
        unchanged = [self._table.c[name] == value for name, value in values.items()]
        claimed = {"attempts": values["attempts"] + 1, "next_at": now + lease}
        done = connection.execute(update(self._table).where(*unchanged).values(claimed))
        return self._row(**{**values, **claimed}) if done.rowcount else None

    def postpone(self, connection: Connection, claimed: Row, until: datetime) -> None:
        """Try the row again at that time, unless another daemon has claimed it since."""
        connection.execute(update(self._table).where(*self._own(claimed)).values(next_at=until))

    def is_claimed(self, connection: Connection, claimed: Row) -> bool:
        """Whether the row is still there, with this daemon's attempt as the last one."""
        asked = select(self._table.c.attempts).where(*self._own(claimed))
        return connection.execute(asked).first() is not None

    def remove(self, connection: Connection, claimed: Row) -> None:
        """Remove the row, unless another daemon has claimed it since."""
        connection.execute(delete(self._table).where(*self._own(claimed)))

    def _own(self, row: Row) -> list[ColumnElement[bool]]:
        values = dict(zip(self._table.c.keys(), row, strict=True))
        names = [*(column.name for column in self._key), "attempts"]
        return [self._table.c[name] == values[name] for name in names]
