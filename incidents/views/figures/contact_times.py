"""The times from the record of a violation to the call that reached the person (R2)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
)

from incidents.machine.command import REACHED
from incidents.store.pages import literal_int, micros
from incidents.store.schema.tables import contacts, incidents
from incidents.views.figures.last_day import Distribution, coarse

if TYPE_CHECKING:
    from incidents.contract.documents.overview import ContactTimes

CONTACT_S = (300, 900, 1_800, 2_700, 3_600)
"""The upper bounds, in seconds, of the classes of times to contact; one more class follows."""


def contact_times(connection: Connection, begin: datetime) -> ContactTimes:
    """The times to contact of the violations recorded since `begin` (UTC).

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
    took = _between(calls.c.recorded_at, calls.c.reached_at, connection)
    rows = connection.execute(
        select(took.label("us"), func.count().label("n"))
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


def contact_time(connection: Connection) -> ColumnElement[Any]:
    """The time to contact of an incident, in microseconds, as the classes count it; else null."""
    return _between(incidents.c.recorded_at, _reached(), connection)


def _between(
    recorded_at: ColumnElement[Any], reached_at: ColumnElement[Any], connection: Connection
) -> ColumnElement[Any]:
    dialect = connection.dialect.name
    took = coarse(micros(reached_at, dialect) - micros(recorded_at, dialect))
    return case((reached_at.is_not(None), took))


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
