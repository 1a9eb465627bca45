"""The overview of a desk: today's numbers and those of a period, in the days of its zone.

The overview takes seven queries, however much is on record. Each query reads its period by an index
on the recording time, and counts are limited.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from sqlalchemy import Connection, case, func, literal_column, null, or_, select

from incidents.clock import rfc3339
from incidents.store.pages import literal_int
from incidents.store.schema.log_tables import closing, orders
from incidents.store.schema.tables import incidents, suspensions, work
from incidents.views.figures.columns import Columns, Period, hours, midnight
from incidents.views.figures.contact_times import contact_times
from incidents.views.figures.last_day import RULES, LastDay
from incidents.views.queue.queue_page import LISTED

if TYPE_CHECKING:
    from incidents.contract.documents.overview import (
        Closures,
        Overview,
        Standing,
        Violations,
    )

MOST_CATEGORIES = 7
"""The number of categories to show separately, most frequent first; the rest are combined."""
MOST_WORK = 100_000
"""The maximum number of queue items to count; `capped`: there may be more."""


def overview(
    connection: Connection, now: datetime, zone: tzinfo, period: Period = "30d"
) -> Overview:
    """The overview at `now` (UTC): today and the period that ends today, as days of `zone`."""
    columns = Columns.of(period, now, zone)
    begin = columns.begins[0]
    today = midnight(now.astimezone(zone).date(), zone)
    since = min(today, hours(now, zone)[0])
    recent = LastDay.read(connection, now, zone, since)
    return {
        "zone": str(zone),
        "unit": columns.unit,
        "begins": [rfc3339(each) for each in columns.begins],
        "end": rfc3339(columns.end),
        "today": recent.today(today),
        "now": _standing(connection),
        "violations": _violations(connection, columns),
        "closures": _closures(connection, columns),
        "contact": contact_times(connection, begin),
        "lateness": recent.lateness(),
        "load": recent.load(),
    }


# Violations by category.


def _violations(connection: Connection, columns: Columns) -> Violations:
    """The number of violations in each column by category, without voided incidents."""
    of, begin = incidents.c, columns.begins[0]
    # A violation is recorded after it happens, and only the recording time has an index.
    lately = (of.recorded_at >= begin, of.occurred_at >= begin, of.state != "voided")
    amount = func.count()
    found = connection.execute(
        select(of.category, amount.label("n"))
        .where(*lately).group_by(of.category).order_by(amount.desc(), of.category)
        .limit(MOST_CATEGORIES + 2)
    ).all()  # fmt: skip
    named = [row.category for row in found if row.category is not None][:MOST_CATEGORIES]
    own = or_(of.category.in_(named), of.category.is_(None)) if named else of.category.is_(None)
    shown = case((own, of.category), else_=null())
    place = columns.number(of.occurred_at, connection).label("place")
    is_other = case((own, 0), else_=1).label("is_other")
    rows = connection.execute(
        select(place, is_other, shown.label("category"), amount.label("n"))
        .where(*lately).group_by(*map(literal_column, "123"))
    ).all()  # fmt: skip
    counts: dict[tuple[bool, str | None], list[int]] = {}
    for row in rows:
        # The database may count by a later time than `now`; no row is lost.
        series = counts.setdefault((bool(row.is_other), row.category), columns.counts())
        series[min(max(row.place, 0), len(series) - 1)] += row.n
    order = [(False, name) for name in (*named, None)] + [(True, None)]
    return {
        "total": sum(map(sum, counts.values())),
        "categories": [
            {"category": name, "other": other, "counts": counts[other, name]}
            for other, name in order
            if (other, name) in counts
        ],
    }


# Closures.


def _closures(connection: Connection, columns: Columns) -> Closures:
    """The number of sites that each rule closed, by column; a site closed twice counts twice."""
    of = orders.c
    query = select(of.created_at, of.data).where(closing, of.created_at >= columns.begins[0])
    by_rule = {rule: columns.counts() for rule in RULES}
    for row in connection.execute(query):
        # A repeated order closes nothing again, and names no rule.
        rule = row.data.get("rule")
        if rule in by_rule:
            by_rule[rule][columns.place(row.created_at)] += 1
    return {
        "total": sum(map(sum, by_rule.values())),
        "rules": [{"rule": rule, "counts": counts} for rule, counts in by_rule.items()],
    }


def _standing(connection: Connection) -> Standing:
    """The open work: the queue by kind, and the number of sites suspended under R2."""
    listed = select(work.c.kind).where(LISTED).limit(literal_int(MOST_WORK)).subquery("listed")
    kinds = connection.execute(
        select(listed.c.kind, func.count().label("n")).group_by(listed.c.kind)
    ).all()
    running = suspensions.c.ended_at.is_(None)
    queue = {row.kind: row.n for row in sorted(kinds, key=lambda row: row.kind)}
    return {
        "queue": queue,
        "waiting": sum(queue.values()),
        "suspended": connection.scalars(
            select(func.count()).select_from(suspensions).where(running)
        ).one(),
        "capped": sum(queue.values()) >= MOST_WORK,
    }
