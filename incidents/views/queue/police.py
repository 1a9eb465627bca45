"""The duty to report: incidents not yet reported to the police, with their deadlines.

An index of unreported incidents keeps the cost of a query independent of the length of the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal_column, select

from incidents.clock import rfc3339
from incidents.settings.police import OVERDUE_FOR, Reminder, ReportDuty
from incidents.store import pages
from incidents.store.cases import sites as site_rows
from incidents.store.schema.tables import incidents, sites, unreported
from incidents.values.ids import incident_id

if TYPE_CHECKING:
    from incidents.contract.documents.queue import Duties, Duty, DutySummary


MAX_PAGE = 1_000
MAX_COUNTED = 1_000
"""The maximum number of incidents to count, overdue or not; `capped`: there may be more."""

MAX_REMINDED = 500
"""The maximum number of incidents with a reminder, before and after the deadline separately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded:
    """An incident with a reminder for the desk, and its deadline (UTC)."""

    site_id: int
    site: str
    incident: int
    due: datetime
    reminder: Reminder


def duties(
    connection: Connection, now: datetime, duty: ReportDuty | None, *, limit: int = 100
) -> Duties:
    """The incidents to report, and their summary, null without a `duty` in the settings."""
    if duty is None:
        return {"items": [], "summary": None}
    return {
        "items": duties_page(connection, now, duty, DutyFilter(), limit=min(limit, MAX_PAGE)).items,
        "summary": summary(connection, now, duty),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyFilter:
    """A filter for incidents to report; `due_before` (UTC) limits the deadline of the report."""

    site: str | None = None
    state: str | None = None
    category: str | None = None
    due_before: datetime | None = None


class DutyPage(NamedTuple):
    """A page of incidents to report; `next` is the cursor of the following page."""

    items: list[Duty]
    next: str | None


def duties_page(
    connection: Connection,
    now: datetime,
    duty: ReportDuty,
    wanted: DutyFilter,
    *,
    limit: int,
    cursor: str | None = None,
) -> DutyPage:
    """A page of the incidents to report, by deadline: the longest overdue first.

    Raises:
        UnknownSiteError: if there is no such site.
        BadCursorError: for a cursor of another list.
        TooCostlyError: if the query takes too long.
    """
    query = select(*_SHOWN).where(unreported(), *_conditions(connection, duty, wanted))
    query = query.order_by(*_ORDER)
    with pages.time_limit(connection, pages.SEARCHED_S):
        found = pages.page(connection, query, _KIND, limit=limit, cursor=cursor)
    ids = {row["site_id"] for row in found.rows}
    named = connection.execute(select(sites.c.id, sites.c.name).where(sites.c.id.in_(ids)))
    names = {row.id: row.name for row in named}
    return DutyPage(
        [
            _document(row, names[row["site_id"]], now, duty.deadline(row["recorded_at"]))
            for row in found.rows
        ],
        found.next,
    )


class DutyCounts(NamedTuple):
    """The numbers of incidents to report that are overdue, and that are still in time (`due`)."""

    overdue: int
    due: int

    @property
    def capped(self) -> bool:
        """Whether there may be more."""
        return MAX_COUNTED in self


def counts(
    connection: Connection, now: datetime, duty: ReportDuty, wanted: DutyFilter
) -> DutyCounts:
    """Count the incidents to report that match; raises as `duties_page` does."""
    where, cutoff = _conditions(connection, duty, wanted), now - duty.within
    parts = (_of.recorded_at < cutoff, _of.recorded_at >= cutoff)
    with pages.time_limit(connection, pages.SEARCHED_S):
        return DutyCounts(*(connection.scalar(_counted(part, *where)) or 0 for part in parts))


def _conditions(
    connection: Connection, duty: ReportDuty, wanted: DutyFilter
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.site is not None:
        found.append(_of.site_id == site_rows.named(connection, wanted.site)["id"])
    for column in ("state", "category"):
        value = getattr(wanted, column)
        if value is not None:
            found.append(_of[column] == value)
    if wanted.due_before is not None:
        found.append(_of.recorded_at < wanted.due_before - duty.within)
    return found


def summary(connection: Connection, now: datetime, duty: ReportDuty) -> DutySummary:
    """The number of incidents that can still be reported in time (`due`), and of `overdue` ones.

    `first` is the earliest deadline and `first_incident` its incident, null if there is none.
    """
    statements = _summary()
    cutoff = {"cutoff": now - duty.within}
    overdue = connection.scalar(statements.overdue, cutoff) or 0
    due = connection.scalar(statements.due, cutoff) or 0
    first = connection.execute(statements.first).first()
    return {
        "due": due,
        "overdue": overdue,
        "capped": MAX_COUNTED in (due, overdue),
        "first": None if first is None else rfc3339(duty.deadline(first.recorded_at)),
        "first_incident": None if first is None else incident_id(first.site_id, first.n),
        "within_s": duty.within // timedelta(seconds=1),
    }


def deadline_of(connection: Connection, key: tuple[int, int], duty: ReportDuty) -> datetime | None:
    """The deadline (UTC) to report an incident; None if no report is needed or one was made."""
    site_id, n = key
    query = select(_of.recorded_at).where(_of.site_id == site_id, _of.n == n, unreported())
    found = connection.scalar(query)
    return None if found is None else duty.deadline(found)


def of_site(
    connection: Connection, site_id: int, name: str, now: datetime, duty: ReportDuty, *, limit: int
) -> list[Duty]:
    """Up to `limit` incidents of one site to report, the longest overdue first."""
    query = select(*_SHOWN).where(_of.site_id == site_id, unreported())
    # By number, which is the order of recording: the key of the table has it.
    rows = connection.execute(query.order_by(_of.n).limit(limit)).mappings()
    return [_document({**row}, name, now, duty.deadline(row["recorded_at"])) for row in rows]


def reminded(
    connection: Connection, now: datetime, duty: ReportDuty
) -> tuple[list[Reminded], bool]:
    """The incidents with a reminder at `now`, and whether there may be more.

    Incidents that can still be reported in time come first, then overdue incidents.
    """
    cutoff = now - duty.within
    ahead = connection.execute(
        _page(MAX_REMINDED + 1, _of.recorded_at >= cutoff, _of.recorded_at <= cutoff + duty.ahead)
    ).all()
    behind = connection.execute(
        _page(MAX_REMINDED + 1, _of.recorded_at >= cutoff - OVERDUE_FOR, _of.recorded_at < cutoff)
    ).all()
    found = [
        Reminded(
            site_id=row.site_id,
            site=row.name,
            incident=row.n,
            due=duty.deadline(row.recorded_at),
            reminder=reminder,
        )
        for row in (*ahead[:MAX_REMINDED], *behind[:MAX_REMINDED])
        if (reminder := duty.reminder(row.recorded_at, now)) is not None
    ]
    return found, max(len(ahead), len(behind)) > MAX_REMINDED


def _document(row: Mapping[str, Any], site: str, now: datetime, due: datetime) -> Duty:
    return {
        "incident": incident_id(row["site_id"], row["n"]),
        "site": site,
        "state": row["state"],
        "category": row["category"],
        "recorded_at": rfc3339(row["recorded_at"]),
        "due": rfc3339(due),
        "overdue": due < now,
        "left_s": (due - now) // timedelta(seconds=1),
    }


_of = incidents.c
_ORDER = (_of.recorded_at, _of.site_id, _of.n)
_SHOWN = (_of.site_id, _of.n, _of.recorded_at, _of.state, _of.category)
_KIND = "unreported"


def _page(most: int, *where: ColumnElement[bool]) -> Select[Any]:
    """The first `most` rows by the index, joined with the names of their sites afterwards."""
    page = _first(_SHOWN, most, where).subquery("page")
    joined = page.join(sites, sites.c.id == page.c.site_id)
    ordered = (page.c.recorded_at, page.c.site_id, page.c.n)
    return select(page, sites.c.name).select_from(joined).order_by(*ordered)


class _Summary(NamedTuple):
    """The statements for a summary."""

    overdue: Select[Any]
    due: Select[Any]
    first: Select[Any]


@cache
def _summary() -> _Summary:
    """The statements for a summary, built once, because each page of the queue runs them."""
    cutoff = bindparam("cutoff", type_=_of.recorded_at.type)
    late, early = _of.recorded_at < cutoff, _of.recorded_at >= cutoff
    return _Summary(overdue=_counted(late), due=_counted(early), first=_page(1))


def _counted(*where: ColumnElement[bool]) -> Select[Any]:
    return select(func.count()).select_from(
        _first((_of.recorded_at,), MAX_COUNTED, where).subquery("counted")
    )


def _first(
    columns: Sequence[ColumnElement[Any]], most: int, where: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    # A literal: PostgreSQL would choose another plan for a bound limit.
    limit: ColumnElement[int] = literal_column(str(int(most)))
    return select(*columns).where(unreported(), *where).order_by(*_ORDER).limit(limit)
