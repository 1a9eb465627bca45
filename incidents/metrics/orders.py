"""The metrics of orders, by two queries that use the indexes on waiting and dead orders."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from incidents.metrics.catalogue import MAX_COUNTED, MAX_OPEN, limit_literal
from incidents.metrics.samples import LANES, Samples
from incidents.store.schema import log_tables
from incidents.store.schema.log_tables import deliveries
from incidents.store.schema.tables import sites
from incidents.store.schema.types import words
from incidents.values.ids import ACT


def order_samples(connection: Connection, now: datetime, into: Samples) -> None:
    """Add the samples of orders, by two queries that use the indexes on waiting and dead orders."""
    found = connection.execute(_BY_LANE).all()
    waiting, dead, braked = (
        [row for row in found if row.stands == each] for each in (_WAITING, _DEAD, _BRAKED)
    )
    for name, rows in (("incidents_orders_waiting", waiting), ("incidents_orders_dead", dead)):
        into.put_by_label(name, [(row.lane, row.orders) for row in rows], LANES)
    for row in waiting:
        into.put_age("incidents_order_oldest_age_seconds", now, row.since, row.lane)
    into.put("incidents_orders_braked", sum(row.orders for row in braked if row.lane == ACT))
    full = {row.lane for row in waiting if row.orders >= MAX_COUNTED}
    all_dead, all_braked = (sum(row.orders for row in rows) for rows in (dead, braked))
    into.put_capped("orders_waiting", capped=bool(full))
    into.put_capped("orders_dead", capped=all_dead >= MAX_OPEN)
    into.put_capped("orders_braked", capped=all_braked >= MAX_OPEN)
    into.put("incidents_sites_not_in_force", connection.scalar(_NOT_IN_FORCE) or 0)
    into.put_capped(
        "sites_not_in_force", capped=ACT in full or all_dead + all_braked >= MAX_COUNTED
    )


_of = deliveries.c
_WAITING, _DEAD, _BRAKED = "waiting", "dead", "braked"


def _some(where: ColumnElement[bool], count: int, stands: str = "") -> Select[Any]:
    """The first rows found, in any order."""
    status = words(stands)[0].label("stands")
    found = (
        select(_of.lane, status, _of.since, _of.site_id).where(where).limit(limit_literal(count))
    )
    return select(found.subquery())


def _in_lane(lane: str) -> ColumnElement[bool]:
    # A literal, because a parameter would be planned for any lane.
    return log_tables.waiting & (_of.lane == words(lane)[0])


_unsettled = union_all(
    *(_some(_in_lane(lane), MAX_COUNTED, _WAITING) for lane in LANES),
    _some(log_tables.given_up, MAX_OPEN, _DEAD),
    _some(log_tables.braked, MAX_OPEN, _BRAKED),
).subquery("unsettled")
_BY_LANE = select(
    _unsettled.c.lane,
    _unsettled.c.stands,
    func.count().label("orders"),
    func.min(_unsettled.c.since).label("since"),
).group_by(_unsettled.c.lane, _unsettled.c.stands)

_undone = union_all(
    _some(_in_lane(ACT), MAX_COUNTED), _some(log_tables.dead, MAX_COUNTED)
).subquery("acts")
_down = select(_undone.c.site_id).where(_undone.c.lane == ACT).distinct().subquery("down")
_NOT_IN_FORCE = (
    select(func.count())
    .select_from(_down.join(sites, sites.c.id == _down.c.site_id))
    .where(sites.c.in_force != sites.c.state)
)
