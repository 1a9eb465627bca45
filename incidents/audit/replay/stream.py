"""The stream: a table's rows in the order of their keys, site by site, and one replay's share."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Executable, Table, select, type_coerce
from sqlalchemy.types import NullType

from incidents.audit.replay.rows import Row
from incidents.store.schema.types import recorded


@dataclass(frozen=True, slots=True)
class Span:
    """The rows whose key is at or after `first` and before `before`; None: without that end."""

    first: int | str | None = None
    before: int | str | None = None

    @classmethod
    def of(cls, site_id: int) -> Span:
        """One site's."""
        return cls(site_id, site_id + 1)

    def where(self, key: Column[Any]) -> list[ColumnElement[bool]]:
        """The conditions on the column that is the key."""
        found = []
        if self.first is not None:
            found.append(key >= self.first)
        if self.before is not None:
            found.append(key < self.before)
        return found


@dataclass(frozen=True, slots=True)
class Some:
    """The rows whose key is one of these."""

    ids: tuple[int, ...]

    def where(self, key: Column[Any]) -> list[ColumnElement[bool]]:
        """As a span has it."""
        return [key.in_(self.ids)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The desk's own stream, some sites, some of the sealed values: those that are not None."""

    desk: bool = False
    sites: Span | None = None
    seals: Span | None = None


ALL = Share(desk=True, sites=Span(), seals=Span())


AT_ONCE = 1_000
"""So many rows of each table are held in memory at a time."""


class Stream:
    """The rows of `table`, all or those that are `where`, as the driver gives them: what the record
    bears out of each.

    `order` names the columns that they come in the order of, by default those of the key. The
    first of them is the site's id, where rows are asked for by site.
    """

    def __init__(
        self,
        connection: Connection,
        table: Table,
        *order: str,
        where: Sequence[ColumnElement[bool]] = (),
    ) -> None:
        keys = [table.c[name] for name in order] or list(table.primary_key.columns)
        columns = recorded(table)
        statement = select(*(type_coerce(column, NullType()) for column in columns))
        self._parts = parts(connection, statement.where(*where).order_by(*keys))
        self._place = itemgetter(columns.index(keys[0]))
        self._part: Sequence[Row] = ()
        self._next = 0
        self._refill()

    @property
    def site_id(self) -> int | None:
        """The site of the next row; None when there is none left."""
        return self._place(self._part[self._next]) if self._part else None

    def of(self, site_id: int) -> Iterator[Row]:
        """The next rows, as long as they are of that site."""
        return chain.from_iterable(self._parts_of(site_id))

    def rest(self) -> Iterator[Row]:
        """All rows that are left."""
        while self._part:
            part = self._part[self._next :]
            self._refill()
            yield from part

    def _parts_of(self, site_id: int) -> Iterator[Sequence[Row]]:
        while self.site_id == site_id:
            part, first = self._part, self._next
            self._next = bisect_right(part, site_id, first, key=self._place)
            rows = part[first : self._next]
            if self._next == len(part):
                self._refill()
            yield rows

    def _refill(self) -> None:
        self._part, self._next = next(self._parts, ()), 0


def parts(connection: Connection, statement: Executable) -> Iterator[Sequence[Row]]:
    """The rows that a statement finds, as tuples of what the driver gives, a few at a time."""
    if connection.dialect.name == "sqlite":
        # This driver never holds more rows than it is asked for; its tuples are taken as they are.
        with closing(connection.execute(statement)) as result:
            while part := result.cursor.fetchmany(AT_ONCE):
                yield part
        return
    # Of its own, since options stay with the connection that they are set on.
    options = {"stream_results": True, "yield_per": AT_ONCE}
    with closing(connection.execute(statement, execution_options=options)) as result:
        for rows in result.partitions():
            yield list(map(tuple, rows))
