"""The rows of a table, site by site, compared with the record.

Values are in the format of the database's driver, not converted by the program's types: a row that
somebody has changed might be unreadable for these types.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain, islice, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    func,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from incidents.clock import rfc3339
from incidents.store.archive import whole
from incidents.store.batches import Row as Row  # noqa: PLC0414 - all of the audit has it from here
from incidents.store.batches import batches
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import orders
from incidents.store.schema.types import JSONText, UTCDateTime, canonical, microseconds, recorded

if TYPE_CHECKING:
    from incidents.contract.documents.proofs import Difference

WriteTime = Callable[[datetime], Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def names(table: Table) -> list[str]:
    """The names of a table's columns that follow from the record, in the order of the table."""
    return [column.name for column in recorded(table)]


def time_writer(dialect: str) -> WriteTime:
    """Return the function that converts a time into the driver's format."""
    return microseconds if dialect == "sqlite" else lambda time: time


def written(rows: Iterable[Row], table: Table, dialect: str) -> Iterator[Row]:
    """Convert the rows of that table into the driver's format."""
    writers = _writers(table, dialect)
    if not writers:
        yield from rows
        return
    for row in rows:
        cells = list(row)
        for place, write in writers:
            value = cells[place]
            if value is not None:
                cells[place] = write(value)
        yield tuple(cells)


def shown(table: Table, column: str, value: Any, dialect: str) -> Any:
    """Convert a value of the driver into the format for people and JSON: a time into RFC 3339."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, bytes):
        return value.hex()
    if dialect == "sqlite" and isinstance(table.c[column].type, UTCDateTime):
        try:
            return rfc3339(_EPOCH + timedelta(microseconds=value))
        except (TypeError, OverflowError):
            return value
    return value


@cache
def _writers(table: Table, dialect: str) -> list[tuple[int, Callable[[Any], Any]]]:
    """The positions of the values in a row that need conversion, each with its function."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for place, column in enumerate(recorded(table)):
        if isinstance(column.type, JSONText):
            found.append((place, canonical))
        elif isinstance(column.type, UTCDateTime) and dialect == "sqlite":
            found.append((place, microseconds))
    return found


Problem = Literal[
    "changed", "added", "deleted", "missing_entry", "misplaced_entry", "unreadable_entry",
    "impossible_entry", "broken_seal", "erased_without_record", "not_decided",
]  # fmt: skip

_COMPARED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A difference between the database and the record.

    `row`: the row's key, its parts joined by dashes. `expected`: the value according to the record.
    `found`: the value in the database, or what is wrong with an entry.
    """

    site: str
    table: str
    row: str
    problem: Problem
    column: str | None = None
    expected: Any = None
    found: Any = None

    def document(self) -> Difference:
        """The difference as JSON."""
        return {
            "site": self.site, "table": self.table, "row": self.row, "problem": self.problem,
            "column": self.column, "expected": self.expected, "found": self.found,
        }  # fmt: skip


def compare(
    site: str, table: Table, expected: Iterator[Row], found: Iterator[Row], dialect: str
) -> Iterator[Finding]:
    """Compare the rows of one table in the database with the rows that the record requires.

    While both have the same rows, only a few rows are in memory.
    """
    while (right := list(islice(expected, _COMPARED_AT_ONCE))) == (
        own := list(islice(found, _COMPARED_AT_ONCE))
    ):
        if not right:
            return
    yield from _differences(site, table, [*right, *expected], [*own, *found], dialect)


def name_of(key: Row) -> str:
    """The key of a row in the format for people."""
    return "-".join(map(str, key))


def _differences(
    site: str, table: Table, expected: list[Row], found: list[Row], dialect: str
) -> Iterator[Finding]:
    width = len(table.primary_key.columns)
    by_key = {row[:width]: row for row in found}
    for row in expected:
        key = row[:width]
        own = by_key.pop(key, None)
        if own is None:
            yield Finding(site=site, table=table.name, row=name_of(key), problem="deleted")
        elif own != row:
            for column, right, found_ in zip(names(table), row, own, strict=True):
                if right != found_:
                    yield Finding(
                        site=site,
                        table=table.name,
                        row=name_of(key),
                        problem="changed",
                        column=column,
                        expected=shown(table, column, right, dialect),
                        found=shown(table, column, found_, dialect),
                    )
    for key in by_key:
        yield Finding(site=site, table=table.name, row=name_of(key), problem="added")


@dataclass(frozen=True, slots=True)
class Span:
    """The rows whose key is at or after `first` and before `before`; None means no limit."""

    first: int | str | None = None
    before: int | str | None = None

    @classmethod
    def of(cls, site_id: int) -> Span:
        """The span of one site."""
        return cls(site_id, site_id + 1)

    def where(self, key: Column[Any]) -> list[ColumnElement[bool]]:
        """The conditions on the key column."""
        found = []
        if self.first is not None:
            found.append(key >= self.first)
        if self.before is not None:
            found.append(key < self.before)
        return found


def site_spans(connection: Connection, about: int) -> list[Span]:
    """Split all sites into spans with about that number of entries each."""
    of_site = select(entries.c.site_id, func.count()).group_by(entries.c.site_id)
    in_order = of_site.order_by(entries.c.site_id)
    bounds: list[int] = []
    seen = 0
    # A site in several places is counted in each, one count after the other.
    for part in whole.merged(connection, in_order, itemgetter(0)):
        for site_id, count in part:
            seen += count
            if seen >= about and site_id + 1 not in bounds[-1:]:
                bounds.append(site_id + 1)
                seen = 0
    return [Span(*ends) for ends in pairwise([None, *bounds, None])]


@dataclass(frozen=True, slots=True)
class Ids:
    """The rows that have one of these keys."""

    ids: tuple[int, ...]

    def where(self, key: Column[Any]) -> list[ColumnElement[bool]]:
        """The conditions on the key column."""
        return [key.in_(self.ids)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of a replay: the desk's own stream, a span of sites, or a span of sealed values."""

    desk: bool = False
    sites: Span | None = None
    seals: Span | None = None


ALL = Share(desk=True, sites=Span(), seals=Span())


_ARCHIVED = (entries, orders)


class Stream:
    """The rows of `table` (all, or those that match `where`) in the driver's format.

    Only the columns that follow from the record are read.

    `order`: the columns to sort by, by default the key columns. The first column must be the site's
    id if rows are read by site.
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
        in_order = statement.where(*where).order_by(*keys)
        if table in _ARCHIVED:
            places = [columns.index(key) for key in keys]
            times = [n for n, column in enumerate(columns) if isinstance(column.type, UTCDateTime)]
            self._parts = whole.merged(connection, in_order, itemgetter(*places), times=times)
        else:
            self._parts = batches(connection, in_order)
        self._place = itemgetter(columns.index(keys[0]))
        self._part: Sequence[Row] = ()
        self._next = 0
        self._refill()

    @property
    def site_id(self) -> int | None:
        """The site of the next row; None at the end."""
        return self._place(self._part[self._next]) if self._part else None

    def of(self, site_id: int) -> Iterator[Row]:
        """Yield the next rows that belong to that site."""
        return chain.from_iterable(self._parts_of(site_id))

    def rest(self) -> Iterator[Row]:
        """Yield all remaining rows."""
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
