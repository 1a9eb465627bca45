"""Reporters, as people and programs see them: their record, and the standing given to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import Connection, func, literal, select, union_all

from incidents.clock import rfc3339
from incidents.store import entries
from incidents.store.inbox import reporters, reports
from incidents.store.schema.report_tables import reports as table

if TYPE_CHECKING:
    from incidents.contract.documents.reports import Reporter, Standing

MAX_LISTED = 1_000
MAX_COUNTED = 1_000
"""The maximum numbers of reporters in a list, and of reports that are counted of each kind."""


class ReporterRecord(NamedTuple):
    """How the reports of a reporter ended: those about incidents, the others, and those waiting.

    Each number is at most `MAX_COUNTED`.
    """

    right: int
    wrong: int
    waiting: int


_NOTHING = ReporterRecord(0, 0, 0)


def record_of(connection: Connection, reporter: str | None) -> ReporterRecord:
    """How the reports of the reporter with that key ended: see `store.reports.reporter_key`."""
    if reporter is None:
        return _NOTHING
    some = [
        select(literal(n).label("n"))
        .where(table.c.reporter == reporter, table.c.state.in_(states))
        .limit(MAX_COUNTED)
        .subquery()
        for n, states in enumerate((reports.LED, reports.LED_NOWHERE, reports.WAITING))
    ]
    every = union_all(*(select(each.c.n) for each in some)).subquery()
    counted = select(every.c.n, func.count()).group_by(every.c.n)
    found = {int(n): int(count) for n, count in connection.execute(counted)}
    return ReporterRecord(*(found.get(n, 0) for n in range(3)))


def reporter(connection: Connection, named: str) -> Reporter:
    """The reporter with that address or name, whether or not a report of theirs came in."""
    key = reports.reporter_key(connection, named)
    marked = reporters.marked(connection, [key]).get(key)
    if marked is not None:
        return {**_documents(connection, [marked])[0], "reporter": named}
    record = record_of(connection, key)
    return {
        "reporter": named, "standing": "none", "reason": None, "marked_at": None,
        "marked_by": None, "right": record.right, "wrong": record.wrong, "waiting": record.waiting,
    }  # fmt: skip


def with_standing(connection: Connection) -> list[Reporter]:
    """The reporters who have a standing, the last marked first."""
    return _documents(connection, reporters.with_standing(connection, MAX_LISTED))


def _documents(connection: Connection, rows: Sequence[reporters.Reporter]) -> list[Reporter]:
    texts = entries.values(connection, {row.words for row in rows}) if rows else {}
    words: Mapping[str, Mapping[str, Any]] = {ref: json.loads(text) for ref, text in texts.items()}
    return [_document(connection, row, words.get(row.words, {})) for row in rows]


def _document(
    connection: Connection, row: reporters.Reporter, words: Mapping[str, Any]
) -> Reporter:
    record = record_of(connection, row.reporter)
    return {
        "reporter": words.get("reporter"), "standing": cast("Standing", row.standing),
        "reason": words.get("reason"), "marked_at": rfc3339(row.marked_at),
        "marked_by": row.marked_by, "right": record.right, "wrong": record.wrong,
        "waiting": record.waiting,
    }  # fmt: skip
