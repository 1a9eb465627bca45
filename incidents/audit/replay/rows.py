"""The rows of a table, and the finding where it does not bear out the record.

Values stand as the database's driver gives them, before any type of ours has read them: what
somebody has put into a row need not be readable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal

from sqlalchemy import Table

from incidents.clock import rfc3339
from incidents.store.schema.types import JSONText, UTCDateTime, canonical, microseconds, recorded

Row = tuple[Any, ...]
WriteTime = Callable[[datetime], Any]
Writers = tuple[tuple[int, Callable[[Any], Any]], ...]
"""The places of a row's values that are written in another way, and how."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def names(table: Table) -> list[str]:
    """The columns of a table that the record bears out, in their order."""
    return [column.name for column in recorded(table)]


def writers(table: Table, dialect: str) -> Writers:
    """How the values become what the driver gives, where they do not stand as they are."""
    found = ((place, _writer(column.type, dialect)) for place, column in enumerate(recorded(table)))
    return tuple((place, write) for place, write in found if write is not None)


def time_writer(dialect: str) -> WriteTime:
    """How a time becomes what the driver gives."""
    return _writer(UTCDateTime(), dialect) or _as_it_is


def written(rows: Iterable[Row], with_: Writers) -> Iterator[Row]:
    """The rows as the driver gives them."""
    if not with_:
        yield from rows
        return
    for row in rows:
        cells = list(row)
        for place, write in with_:
            value = cells[place]
            if value is not None:
                cells[place] = write(value)
        yield tuple(cells)


def shown(table: Table, column: str, value: Any, dialect: str) -> Any:
    """A value of the driver as people and JSON have it: a time is RFC 3339."""
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


def _writer(kind: Any, dialect: str) -> Callable[[Any], Any] | None:
    if isinstance(kind, JSONText):
        return canonical
    if isinstance(kind, UTCDateTime) and dialect == "sqlite":
        return microseconds
    return None


def _as_it_is(value: Any) -> Any:
    return value


Problem = Literal[
    "changed", "added", "deleted", "missing_entry", "misplaced_entry", "unreadable_entry",
    "impossible_entry", "broken_seal", "erased_without_record", "not_decided",
]  # fmt: skip

_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Where the database and the record differ.

    `row` is the row's key, its parts joined by dashes; `expected` is what the record says and
    `found` what the database holds, or of an entry what is wrong with it.
    """

    site: str
    table: str
    row: str
    problem: Problem
    column: str | None = None
    expected: Any = None
    found: Any = None


def compare(
    site: str, table: Table, expected: Iterator[Row], found: Iterator[Row], dialect: str
) -> Iterator[Finding]:
    """What differs between the rows of one table as the record has them and as they are.

    As long as both give the same rows, no more than a few are held in memory.
    """
    while (right := list(islice(expected, _AT_ONCE))) == (own := list(islice(found, _AT_ONCE))):
        if not right:
            return
    yield from _differences(site, table, [*right, *expected], [*own, *found], dialect)


def name_of(key: Row) -> str:
    """A row's key as people read it."""
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
            yield from _changed(site, table, row, own, dialect)
    for key in by_key:
        yield Finding(site=site, table=table.name, row=name_of(key), problem="added")


def _changed(site: str, table: Table, expected: Row, found: Row, dialect: str) -> Iterator[Finding]:
    key = expected[: len(table.primary_key.columns)]
    for column, right, own in zip(names(table), expected, found, strict=True):
        if right != own:
            yield Finding(
                site=site,
                table=table.name,
                row=name_of(key),
                problem="changed",
                column=column,
                expected=shown(table, column, right, dialect),
                found=shown(table, column, own, dialect),
            )
