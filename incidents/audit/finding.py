"""The finding: one thing in the database that the record does not bear out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from sqlalchemy import Table

from incidents.audit.rows import Row, names, shown

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
