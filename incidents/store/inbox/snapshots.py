"""Queries for snapshots: what was found at the addresses of reports, and the reports in turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from incidents.machine.command import DAEMON
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


class Waiting(NamedTuple):
    """A report whose addresses a daemon is to look at; times are in UTC."""

    report: int
    attempts: int
    next_at: datetime


def place(connection: Connection) -> tuple[int | None, int]:
    """The number of the last report that was given its turn, None if none is; and of the last."""
    last = select(func.coalesce(func.max(reports.c.id), 0)).scalar_subquery()
    row = connection.execute(select(desk.c.looked, last.label("last"))).one()
    return row.looked, row.last


def move(connection: Connection, to: int | None) -> None:
    """Note that reports up to that number had their turn; None: no report is given one."""
    connection.execute(update(desk).values(looked=to))


def plan(connection: Connection, after: int, now: datetime) -> int:
    """Give the next new reports above that number their turn; return the last number."""
    own = reports.c
    some = select(own.id, own.state).where(own.id > after).order_by(own.id).limit(_AT_ONCE)
    rows = connection.execute(some).all()
    new = [Waiting(row.id, 0, now)._asdict() for row in rows if row.state == NEW]
    if new:
        connection.execute(insert(waiting_snapshots), new)
    return rows[-1].id if rows else after


def due(connection: Connection, now: datetime) -> Waiting | None:
    """The report whose turn it is at `now` (UTC)."""
    of = waiting_snapshots.c
    asked = select(waiting_snapshots).where(of.next_at <= now).order_by(of.next_at, of.report)
    row = connection.execute(asked.limit(1)).first()
    return None if row is None else Waiting(*row)


def claim(connection: Connection, seen: Waiting, now: datetime, lease: timedelta) -> Waiting | None:
    """Claim the report for the time of an attempt; None if another daemon was first."""
    claimed = Waiting(seen.report, seen.attempts + 1, now + lease)
    values = {"attempts": claimed.attempts, "next_at": claimed.next_at}
    done = connection.execute(update(waiting_snapshots).where(_same(seen)).values(values))
    return claimed if done.rowcount else None


def is_claimed(connection: Connection, claimed: Waiting) -> bool:
    """Whether the report still waits, with this daemon's attempt as the last one."""
    asked = select(waiting_snapshots.c.report).where(_same(claimed))
    return connection.execute(asked).first() is not None


def remove(connection: Connection, report: int) -> None:
    """Remove the report from those that wait."""
    connection.execute(delete(waiting_snapshots).where(waiting_snapshots.c.report == report))


def taken_by_daemons(connection: Connection, since: datetime) -> int:
    """The number of snapshots that daemons took after that time (UTC)."""
    of = report_snapshots.c
    asked = select(func.count()).where(of.taken_at > since, of.by == DAEMON)
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


def _same(row: Waiting) -> ColumnElement[bool]:
    of = waiting_snapshots.c
    return and_(of.report == row.report, of.attempts == row.attempts)
