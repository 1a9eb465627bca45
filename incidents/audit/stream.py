"""The stream: a table's rows in the order of their keys, handed out site by site."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Table, select, type_coerce
from sqlalchemy.types import NullType

from incidents.audit.rows import Row

AT_ONCE = 1_000
"""So many rows of each table are held in memory at a time."""


class Stream:
    """The rows of `table`, of one site or of all, as the driver gives them.

    `order` names the columns that they come in the order of, by default those of the key. The
    first of them is the site's id, where rows are asked for by site.
    """

    def __init__(
        self, connection: Connection, table: Table, *order: str, site_id: int | None = None
    ) -> None:
        keys = [table.c[name] for name in order] or list(table.primary_key.columns)
        statement = select(*(type_coerce(column, NullType()) for column in table.c))
        if site_id is not None:
            statement = statement.where(keys[0] == site_id)
        # Of its own, since options stay with the connection that they are set on.
        options = {"stream_results": True, "yield_per": AT_ONCE}
        result = connection.execute(statement.order_by(*keys), execution_options=options)
        self._parts = result.partitions()
        self._place = list(table.c).index(keys[0])
        self._rows: Iterator[Row] = iter(())
        self._next: Row | None = None
        self._advance()

    @property
    def site_id(self) -> int | None:
        """The site of the next row; None when there is none left."""
        return None if self._next is None else self._next[self._place]

    def of(self, site_id: int) -> Iterator[Row]:
        """The next rows, as long as they are of that site."""
        place = self._place
        while self._next is not None and self._next[place] == site_id:
            row = self._next
            self._advance()
            yield row

    def rest(self) -> Iterator[Row]:
        """All rows that are left."""
        while self._next is not None:
            row = self._next
            self._advance()
            yield row

    def _advance(self) -> None:
        self._next = next(self._rows, None)
        if self._next is None:
            self._rows = map(tuple, next(self._parts, ()))
            self._next = next(self._rows, None)
