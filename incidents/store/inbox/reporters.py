"""Queries for reporters: the standing that the desk has given to who reports."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, get_args

from sqlalchemy import Connection, insert, select, update

from incidents.contract.documents.reports import Standing
from incidents.store.schema.report_tables import reporters

STANDINGS: tuple[str, ...] = get_args(Standing)
TRUSTED, MUTED, BLOCKED, NONE = STANDINGS
"""The standings: their reports come first; they get no mail; their reports come last, no rule acts
on them, and they get no mail; or nothing in particular."""

_AT_ONCE = 500


class Reporter(NamedTuple):
    """A marked reporter, with a field for each column of the table.

    `reporter`: see `store.reports.reporter_key`. `words`: a reference to the sealed address and
    reason. `marked_at` is in UTC.
    """

    reporter: str
    standing: str
    marked_at: datetime
    marked_by: str
    words: str


def standing(connection: Connection, reporter: str | None) -> str:
    """The standing of the reporter with that key (see `store.reports.reporter_key`).

    `none` for a reporter that nobody has marked, and for None.
    """
    return NONE if reporter is None else standings(connection, [reporter]).get(reporter, NONE)


def standings(connection: Connection, named: Iterable[str]) -> dict[str, str]:
    """The standings of those of the reporters, given by their keys, who are marked."""
    return {key: found.standing for key, found in marked(connection, named).items()}


def marked(connection: Connection, named: Iterable[str]) -> dict[str, Reporter]:
    """Those of the reporters, given by their keys, who have been marked."""
    wanted = sorted(set(named))
    found: dict[str, Reporter] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        rows = connection.execute(select(reporters).where(reporters.c.reporter.in_(some)))
        found |= {row.reporter: Reporter(*row) for row in rows}
    return found


def with_standing(connection: Connection, most: int) -> list[Reporter]:
    """The reporters with a standing other than `none`, the last marked first; at most `most`."""
    asked = select(reporters).where(reporters.c.standing != NONE).limit(most)
    order = (reporters.c.marked_at.desc(), reporters.c.reporter)
    return [Reporter(*row) for row in connection.execute(asked.order_by(*order))]


def save(connection: Connection, marked_one: Reporter) -> None:
    """Write the reporter's standing in place of the one before."""
    row = marked_one._asdict()
    same = reporters.c.reporter == marked_one.reporter
    if not connection.execute(update(reporters).where(same).values(row)).rowcount:
        connection.execute(insert(reporters).values(row))
