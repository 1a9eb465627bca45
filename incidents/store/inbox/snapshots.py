"""Queries for snapshots: what was found at the addresses of reports, and the reports in turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select

from incidents.store.inbox.claims import Claims, Place
from incidents.store.inbox.reports import NEW
from incidents.store.schema.desk_tables import desk
from incidents.store.schema.report_tables import report_snapshots, reports, waiting_snapshots

_AT_ONCE = 500


class Snapshot(NamedTuple):
    """What was found at one address of a report, with a field for each column; times are in UTC.

    `n`: its number among those of the report, from 1.
    """

    report: int
    n: int
    taken_at: datetime
    by: str
    status: int | None
    problem: str | None
    size: int | None
    digest: str | None
    cut: bool
    words: str
    screenshot: str | None
    no_screenshot: str | None


class Waiting(NamedTuple):
    """A report whose addresses a daemon is to look at; times are in UTC."""

    report: int
    attempts: int
    next_at: datetime


CLAIMS = Claims(waiting_snapshots, Waiting)
PLACE = Place(desk.c.looked, select(func.coalesce(func.max(reports.c.id), 0)).scalar_subquery())
"""The number of the last report whose addresses a daemon was, or is, to look at."""


def plan(connection: Connection, after: int, now: datetime) -> int:
    """Give the next new reports above that number their turn; return the last number."""
    own = reports.c
    some = select(own.id, own.state).where(own.id > after).order_by(own.id).limit(_AT_ONCE)
    rows = connection.execute(some).all()
    new = [Waiting(row.id, 0, now)._asdict() for row in rows if row.state == NEW]
    if new:
        connection.execute(insert(waiting_snapshots), new)
    return rows[-1].id if rows else after


def taken_by(connection: Connection, who: str, since: datetime) -> int:
    """The number of snapshots that were taken by them after that time (UTC)."""
    of = report_snapshots.c
    asked = select(func.count()).where(of.taken_at > since, of.by == who)
    return connection.scalar(asked) or 0


def last_n(connection: Connection, report: int) -> int:
    """The number of the report's last snapshot; 0 if there is none."""
    of = report_snapshots.c
    return connection.scalar(select(func.max(of.n)).where(of.report == report)) or 0


def add(connection: Connection, new: Sequence[Snapshot]) -> None:
    """Add snapshots."""
    if new:
        connection.execute(insert(report_snapshots), [each._asdict() for each in new])


def of_reports(connection: Connection, ids: Iterable[int]) -> list[Snapshot]:
    """The snapshots of those reports, the oldest first."""
    of, wanted = report_snapshots.c, sorted(set(ids))
    found: list[Snapshot] = []
    for start in range(0, len(wanted), _AT_ONCE):
        asked = select(report_snapshots).where(of.report.in_(wanted[start : start + _AT_ONCE]))
        rows = connection.execute(asked.order_by(of.report, of.n))
        found += [Snapshot(*row) for row in rows]
    return found
