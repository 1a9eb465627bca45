"""Queries for reports that were opened again: how each had ended before, and why it waits again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from incidents.store.inbox import reporters, reports
from incidents.store.inbox.reports import NEW, UNREADABLE, Report
from incidents.store.schema.report_tables import report_reopenings
from incidents.store.schema.report_tables import reports as table

REOPENED = "reopened"
"""Why a rule leaves a report to the desk: a person has opened it again."""

_AT_ONCE = 500


class Reopening(NamedTuple):
    """How a report had ended, and why it was opened again; a field for each column of the table.

    `n`: its number among those of the report, from 1. `why` and `reason` are references to sealed
    values. Times are in UTC.
    """

    report: int
    n: int
    reopened_at: datetime
    reopened_by: str
    why: str
    state: str
    settled_at: datetime
    settled_by: str
    site_id: int | None = None
    incident: int | None = None
    reason: str | None = None

    @classmethod
    def of(cls, before: Report, n: int, at: datetime, by: str, why: str) -> Reopening:
        """The reopening of a report that has ended, as it is `before`."""
        assert before.settled_at is not None, "what has ended has a time"
        assert before.settled_by is not None, "and a person or a rule"
        return cls(
            before.id, n, at, by, why, before.state, before.settled_at, before.settled_by,
            before.site_id, before.incident, before.reason,
        )  # fmt: skip


def waiting_again(before: Report, at: datetime) -> Report:
    """The report, opened again at that time (UTC): no rule acts on it any more."""
    return before._replace(
        state=UNREADABLE if before.unread else NEW, settled_at=None, settled_by=None, site_id=None,
        incident=None, reason=None, asks=before.rule and REOPENED, reopened_at=at,
    )  # fmt: skip


def add(connection: Connection, before: Report, at: datetime, by: str, why: str) -> None:
    """Let a report that has ended wait again, in its place in the list, and note how it ended.

    Only the incidents to which it leads from now on are those by which it ends.
    """
    last = of_reports(connection, [before.id])
    new = Reopening.of(before, len(last) + 1, at, by, why)
    connection.execute(insert(report_reopenings), [new._asdict()])
    reports.take_back_incidents(connection, before.id)
    key = before.reporter or ""
    standing = reporters.standings(connection, [key]).get(key, reporters.NONE)
    again = waiting_again(before, at)._replace(rank=reports.rank(before.category, standing))
    connection.execute(update(table).where(table.c.id == before.id).values(again._asdict()))


def of_reports(connection: Connection, ids: Iterable[int]) -> list[Reopening]:
    """The reopenings of those reports, the oldest first."""
    of, wanted = report_reopenings.c, sorted(set(ids))
    found: list[Reopening] = []
    for start in range(0, len(wanted), _AT_ONCE):
        some = of.report.in_(wanted[start : start + _AT_ONCE])
        rows = connection.execute(select(report_reopenings).where(some).order_by(of.report, of.n))
        found += [Reopening(*row) for row in rows]
    return found
