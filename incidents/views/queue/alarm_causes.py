"""The alarms' causes in the tables: one statement for each kind, by an index and up to a limit.

So a look costs the same however many sites there are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal_column, select

from incidents.store.schema.desk_tables import filing_terms
from incidents.store.schema.log_tables import braked, deliveries, given_up
from incidents.store.schema.tables import sites, work
from incidents.store.schema.types import words
from incidents.values.ids import ACT
from incidents.views.queue.page import IN_ORDER

MAX_LOOKED = 500
"""So many of a kind are found in a look."""

MAX_DUE = 2_000
"""So many items that are due soon are looked at for clocks among them."""

# Limits are written into the statements: for any limit PostgreSQL would plan another way than for
# these, see `clock`. The names of sites are looked up for what is within the limit alone.

_one_more: ColumnElement[int] = literal_column(str(MAX_LOOKED + 1))
_most_due: ColumnElement[int] = literal_column(str(MAX_DUE))


def due_between(first: datetime, last: datetime) -> Select[Any]:
    """What is due from `first` to `last`, of every kind, and how its site stands."""
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
    of_site = (sites.c.name, sites.c.state, sites.c.epoch, sites.c.last_suspension)
    joined = soon.join(sites, sites.c.id == soon.c.site_id)
    ordered = (soon.c.sort_due, soon.c.recorded_at, soon.c.site_id, soon.c.item)
    return select(soon, *of_site).select_from(joined).order_by(*ordered)


def _given_up() -> Select[Any]:
    of = deliveries.c
    own = (of.since, of.site_id, of.site_seq, of.lane, of.kind, of.attempts, of.problem)
    # In the index's own order: another one would sort all of them to find the first.
    listed = select(*own).where(given_up).order_by(of.since, of.site_id)
    first = listed.limit(_one_more).subquery("first")
    joined = first.join(sites, sites.c.id == first.c.site_id)
    ordered = (first.c.since, first.c.site_id, first.c.site_seq, first.c.lane)
    return select(first, sites.c.name).select_from(joined).order_by(*ordered)


def _first_of(kind: str, *of_site: ColumnElement[Any]) -> Select[Any]:
    """The items of one kind, for which there is an index of their own, the earliest first."""
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


DEAD = _given_up()
"""The orders that are given up, in whichever lane."""

BRAKED = (
    select(func.count().label("orders"), func.min(deliveries.c.since).label("since"))
    .where(braked, deliveries.c.lane == words(ACT)[0])
)  # fmt: skip
"""How many orders into the world the brake holds, and since when it holds the first of them."""

WAITING = _first_of("closure", sites.c.closing_incident)
"""The closures that wait for a second person, and the incident of R5."""

DISPUTED = _first_of("disputed", sites.c.rule)
"""The closures that are in dispute, and by which rule."""

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

REMINDED = (
    select(func.count(), func.sum(case((_of.due_on < bindparam("day"), 1), else_=0)))
    .select_from(_on_open_sites)
    .where(_open, _of.reminded_on == bindparam("day"))
)
"""Of how many terms it was reminded on that `day`, and of how many of them it was over then."""
