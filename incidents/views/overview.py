"""The overview of a desk: today's numbers and the last thirty days, in the days of its zone.

The overview takes seven queries, however much is on record. Each query reads its period by an index
on the recording time, and counts are limited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    case,
    func,
    literal_column,
    null,
    or_,
    select,
)

from incidents.clock import rfc3339
from incidents.machine.command import REACHED
from incidents.store.pages import SECOND, literal_int, micros, whole_units
from incidents.store.schema.log_tables import closing, orders
from incidents.store.schema.tables import contacts, incidents, suspensions, work
from incidents.views.last_day import RULES, Distribution, LastDay, coarse, hours
from incidents.views.queue.work import LISTED

if TYPE_CHECKING:
    from incidents.contract.documents.overview import (
        Closures,
        ContactTimes,
        Overview,
        Standing,
        Violations,
    )

DAYS = 30
"""The number of days to show, ending with today."""
MOST_CATEGORIES = 7
"""The number of categories to show separately, most frequent first; the rest are combined."""
MOST_WORK = 100_000
"""The maximum number of queue items to count; `capped`: there may be more."""

CONTACT_S = (300, 900, 1_800, 2_700, 3_600)
"""The upper bounds, in seconds, of the classes of times to contact; one more class follows."""
_DAY = timedelta(days=1)


def overview(connection: Connection, now: datetime, zone: tzinfo) -> Overview:
    """The overview at `now` (UTC): today and the thirty days that end today, as days of `zone`."""
    days = _days(now, zone)
    begin = _midnight(days[0], zone)
    today = _midnight(days[-1], zone)
    since = min(today, next(hours(now, zone)))
    recent = LastDay.read(connection, now, zone, since)
    return {
        "zone": str(zone),
        "from": rfc3339(begin),
        "days": [day.isoformat() for day in days],
        "today": recent.today(today),
        "now": _standing(connection),
        "violations": _violations(connection, begin, days, _Shift.of(begin, now, zone)),
        "closures": _closures(connection, begin, days, zone),
        "contact": _contact(connection, begin),
        "lateness": recent.lateness(),
        "load": recent.load(),
    }


def _days(now: datetime, zone: tzinfo) -> list[date]:
    last = now.astimezone(zone).date()
    return [last - _DAY * n for n in reversed(range(DAYS))]


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


# Violations by category and day.


def _violations(
    connection: Connection, begin: datetime, days: Sequence[date], shift: _Shift
) -> Violations:
    """The number of violations each day by category, without voided incidents."""
    of = incidents.c
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
    day = shift.day(of.occurred_at, connection).label("day")
    is_other = case((own, 0), else_=1).label("is_other")
    rows = connection.execute(
        select(day, is_other, shown.label("category"), amount.label("n"))
        .where(*lately).group_by(*map(literal_column, "123"))
    ).all()  # fmt: skip
    counts: dict[tuple[bool, str | None], list[int]] = {}
    for row in rows:
        place = row.day - days[0].toordinal()
        # The database may count by a later time than `now`; no row is lost.
        series = counts.setdefault((bool(row.is_other), row.category), [0] * len(days))
        series[min(max(place, 0), len(days) - 1)] += row.n
    order = [(False, name) for name in (*named, None)] + [(True, None)]
    return {
        "total": sum(map(sum, counts.values())),
        "categories": [
            {"category": name, "other": other, "counts": counts[other, name]}
            for other, name in order
            if (other, name) in counts
        ],
    }


@dataclass(frozen=True, slots=True)
class _Shift:
    """The zone's offsets from UTC with beginnings, as literals: a database may know other zones."""

    offsets: tuple[tuple[datetime, timedelta], ...]

    @classmethod
    def of(cls, begin: datetime, end: datetime, zone: tzinfo) -> _Shift:
        """The offsets from `begin` to `end` (UTC); zones change at quarters of an hour."""
        quarter = timedelta(minutes=15)
        found = [(begin, _offset(begin, zone))]
        moment = begin
        while moment < end:
            moment += quarter
            if _offset(moment, zone) != found[-1][1]:
                found.append((moment, _offset(moment, zone)))
        return cls(tuple(found))

    def day(self, moment: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
        """The day of a time, as `date.toordinal` counts days."""
        epoch_s = whole_units(micros(moment, connection.dialect.name), SECOND)
        ahead: ColumnElement[Any] = literal_int(_seconds(self.offsets[-1][1]))
        for (_, offset), (until, _later) in reversed(list(pairwise(self.offsets))):
            ahead = case((moment < until, literal_int(_seconds(offset))), else_=ahead)
        return whole_units(epoch_s + ahead, 86_400) + literal_int(date(1970, 1, 1).toordinal())


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)


# Time to contact.


def _contact(connection: Connection, begin: datetime) -> ContactTimes:
    """The times from the record of a violation to the call that reached the person (R2).

    `decided`: the violations whose clock was stopped by a contact or has lapsed. `in_time`: for how
    many of these violations the person was reached in time, even if that was recorded late; each is
    in one of the classes. A violation whose clock was ended by a closure or a removal is in neither
    number: the clock could no longer lapse, so the violation would only improve the share.
    """
    of = incidents.c
    lately = (of.recorded_at >= begin, of.state != "voided", of.contact_due.is_not(None))
    query = select(
        of.recorded_at, of.lapsed_at.is_not(None).label("lapsed"), _reached().label("reached_at")
    )
    # Looked up once each, not at each comparison.
    calls = query.where(*lately).cte("told").prefix_with("MATERIALIZED")
    took = micros(calls.c.reached_at, connection.dialect.name) - micros(
        calls.c.recorded_at, connection.dialect.name
    )
    rows = connection.execute(
        select(
            case((calls.c.reached_at.is_not(None), coarse(took))).label("us"),
            func.count().label("n"),
        )
        .where(or_(calls.c.lapsed, calls.c.reached_at.is_not(None)))
        .group_by(literal_column("1"))
    ).all()
    decided = sum(row.n for row in rows)
    spread = Distribution.of((row.us, row.n) for row in rows if row.us is not None)
    in_time = spread.count
    return {
        "decided": decided,
        "in_time": in_time,
        "share": in_time / decided if decided else None,
        **spread.document(CONTACT_S),
    }


def _reached() -> ScalarSelect[Any]:
    """The time when the person of an incident was first reached in time."""
    of, call = incidents.c, contacts.c
    reaches = and_(
        call.outcome == REACHED, call.voided_at.is_(None), call.occurred_at <= of.contact_due
    )
    # The contact that stopped the clock may have been voided since, with another in its place.
    stopped = func.max(case((call.stopped_clock, 1), else_=0)) == literal_int(1)
    first = case(
        (or_(of.lapsed_at.is_not(None), stopped), func.min(case((reaches, call.occurred_at))))
    )
    # A subquery for each incident: in a join, SQLite would begin with all contacts.
    return (
        select(first)
        .where(call.site_id == of.site_id, call.incident == of.n)
        .correlate(incidents).scalar_subquery()
    )  # fmt: skip


# Closures.


def _closures(
    connection: Connection, begin: datetime, days: Sequence[date], zone: tzinfo
) -> Closures:
    """The number of sites that each rule closed, each day; two closures of a site count twice."""
    of = orders.c
    query = select(of.created_at, of.data).where(closing, of.created_at >= begin)
    by_rule = {rule: [0] * len(days) for rule in RULES}
    for row in connection.execute(query):
        # A repeated order closes nothing again, and names no rule.
        rule = row.data.get("rule")
        if rule in by_rule:
            place = (row.created_at.astimezone(zone).date() - days[0]).days
            by_rule[rule][min(place, len(days) - 1)] += 1
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
