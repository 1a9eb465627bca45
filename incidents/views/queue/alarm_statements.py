"""The statements that find the causes of alarms: one for each kind, by an index, up to a limit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from incidents.store.inbox import reports as report_states
from incidents.store.schema.desk_tables import filing_terms
from incidents.store.schema.log_tables import braked, deliveries, given_up
from incidents.store.schema.report_tables import reports, waits_since
from incidents.store.schema.tables import sites, work
from incidents.store.schema.types import words
from incidents.values.ids import ACT
from incidents.views.queue.queue_page import IN_ORDER

MAX_ALARMS = 500
"""The maximum number of alarms of a kind."""

MAX_REPORTS = 2_000
"""The maximum number of waiting reports, the newest, to search for those that the brake stopped."""

MAX_DUE = 2_000
"""The maximum number of items due soon to search for contact clocks."""

# Limits are literals: PostgreSQL would choose another plan for a bound limit (see `views.health`).
# The names of sites are joined after the limit.

_one_more: ColumnElement[int] = literal_column(str(MAX_ALARMS + 1))

_most_reports: ColumnElement[int] = literal_column(str(MAX_REPORTS))

_most_due: ColumnElement[int] = literal_column(str(MAX_DUE))


def due_between(first: datetime, last: datetime) -> Select[Any]:
    """The items of every kind due from `first` to `last` (UTC), with the states of their sites."""
    own = (
        work.c.site_id, work.c.item, work.c.kind, work.c.incident, work.c.due, work.c.recorded_at
    )  # fmt: skip
    soon = (
        select(*own, work.c.sort_due)
        .where(work.c.sort_due >= first, work.c.sort_due <= last)
        .order_by(*IN_ORDER)
        .limit(_most_due)
        .subquery("soon")
    )
    of_site = (
        sites.c.name, sites.c.state, sites.c.suspended_until, sites.c.epoch,
        sites.c.last_suspension,
    )  # fmt: skip
    joined = soon.join(sites, sites.c.id == soon.c.site_id)
    ordered = (soon.c.sort_due, soon.c.recorded_at, soon.c.site_id, soon.c.item)
    return select(soon, *of_site).select_from(joined).order_by(*ordered)


def _given_up() -> Select[Any]:
    of = deliveries.c
    own = (of.since, of.site_id, of.site_seq, of.lane, of.kind, of.attempts, of.problem)
    # In the order of the index: in another, all rows would be sorted to find the first.
    listed = select(*own).where(given_up).order_by(of.since, of.site_id)
    first = listed.limit(_one_more).subquery("first")
    joined = first.join(sites, sites.c.id == first.c.site_id)
    ordered = (first.c.since, first.c.site_id, first.c.site_seq, first.c.lane)
    return select(first, sites.c.name).select_from(joined).order_by(*ordered)


def _first_of(kind: str, *of_site: ColumnElement[Any]) -> Select[Any]:
    """The items of one kind that has a separate index, earliest first."""
    first = (
        select(work.c.site_id, work.c.recorded_at)
        .where(work.c.kind == words(kind)[0])
        .order_by(work.c.recorded_at, work.c.site_id)
        .limit(_one_more)
        .subquery("first")
    )
    joined = first.join(sites, sites.c.id == first.c.site_id)
    ordered = (first.c.recorded_at, first.c.site_id)
    return select(first, sites.c.name, *of_site).select_from(joined).order_by(*ordered)


DEAD_ORDERS = _given_up()
"""The orders that were given up, in every lane."""

BRAKED_ORDERS = (
    select(func.count().label("orders"), func.min(deliveries.c.since).label("since"))
    .where(braked, deliveries.c.lane == words(ACT)[0])
)  # fmt: skip
"""The number of orders to the live system that the brake holds, and since when it holds any."""

# The oldest of each state, by the index on states: a flood of newer ones is not read.
_oldest_reports = union_all(
    *(
        select(
            select(waits_since.label("since"))
            .where(reports.c.state == words(state)[0])
            .order_by(reports.c.id)
            .limit(_one_more)
            .subquery(state)
        )
        for state in report_states.WAITING
    )
).subquery("oldest_reports")

UNTRIAGED_REPORTS = select(
    func.count().label("reports"), func.min(_oldest_reports.c.since).label("since")
).where(_oldest_reports.c.since <= bindparam("before", type_=reports.c.received_at.type))
"""The reports from outside that wait for triage since `before`, and since when any does."""

# By the index on states: without a limit, a flood that waits would be read each time.
_newest_reports = (
    select(reports.c.received_at, reports.c.asks)
    .where(reports.c.state == words(report_states.NEW)[0])
    .order_by(reports.c.id.desc())
    .limit(_most_reports)
    .subquery("newest_reports")
)

BRAKED_REPORTS = select(
    func.count().label("reports"), func.min(_newest_reports.c.received_at).label("since")
).where(_newest_reports.c.asks == words(report_states.BRAKE)[0])
"""The reports that wait because the brake stopped their rule, and when the oldest came in."""

CLOSURES_WAITING = _first_of("closure", sites.c.closing_incident)
"""The closures that wait for a second person, and the incident for R5."""

CLOSURES_DISPUTED = _first_of("disputed", sites.c.rule)
"""The disputed closures, with their rules."""

_of = filing_terms.c

_open = sites.c.state != "closed"

_on_open_sites = filing_terms.join(sites, sites.c.id == _of.site_id)

LAST_REMINDED = (
    select(_of.reminded_on)
    .select_from(_on_open_sites)
    .where(_open, _of.reminded_on.is_not(None))
    .order_by(_of.reminded_on.desc())
    .limit(literal_column("1"))
)
"""The last day on which the desk was reminded of a term."""

TERMS_REMINDED = (
    select(func.count(), func.sum(case((_of.due_on < bindparam("day"), 1), else_=0)))
    .select_from(_on_open_sites)
    .where(_open, _of.reminded_on == bindparam("day"))
)
"""The number of terms with a reminder on that `day`, and how many of them were over then."""
