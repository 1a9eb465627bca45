"""The orders' metrics: what is not carried out yet, for how long, and what was given up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from incidents.machine.ids import ACT
from incidents.metrics.labels import LANES, counted
from incidents.metrics.limit import MOST, MOST_OPEN, first
from incidents.metrics.samples import Samples
from incidents.store import order_tables
from incidents.store.metadata import words
from incidents.store.order_tables import deliveries
from incidents.store.tables import sites


def look(connection: Connection, now: datetime, into: Samples) -> None:
    """Two queries, along the indexes of what waits in each lane and of what is dead."""
    found = connection.execute(_BY_LANE).all()
    waiting, dead, braked = (
        [row for row in found if row.stands == each] for each in (_WAITING, _DEAD, _BRAKED)
    )
    for name, rows in (("incidents_orders_waiting", waiting), ("incidents_orders_dead", dead)):
        for lane, count in counted([(row.lane, row.orders) for row in rows], LANES).items():
            into.put(name, count, lane)
    for row in waiting:
        into.put_age("incidents_order_oldest_age_seconds", now, row.since, row.lane)
    into.put("incidents_orders_braked", sum(row.orders for row in braked if row.lane == ACT))
    full = {row.lane for row in waiting if row.orders >= MOST}
    all_dead, all_braked = (sum(row.orders for row in rows) for rows in (dead, braked))
    into.put_capped("orders_waiting", capped=bool(full))
    into.put_capped("orders_dead", capped=all_dead >= MOST_OPEN)
    into.put_capped("orders_braked", capped=all_braked >= MOST_OPEN)
    into.put("incidents_sites_not_in_force", connection.scalar(_NOT_IN_FORCE) or 0)
    into.put_capped("sites_not_in_force", capped=ACT in full or all_dead + all_braked >= MOST)


_of = deliveries.c
_WAITING, _DEAD, _BRAKED = "waiting", "dead", "braked"


def _some(where: ColumnElement[bool], count: int, stands: str = "") -> Select[Any]:
    """The first that are found, in no order."""
    told = words(stands)[0].label("stands")
    found = select(_of.lane, told, _of.since, _of.site_id).where(where).limit(first(count))
    return select(found.subquery())


def _in_lane(lane: str) -> ColumnElement[bool]:
    # Written into the statement, which is planned for any lane otherwise.
    return order_tables.waiting & (_of.lane == words(lane)[0])


_unsettled = union_all(
    *(_some(_in_lane(lane), MOST, _WAITING) for lane in LANES),
    _some(order_tables.given_up, MOST_OPEN, _DEAD),
    _some(order_tables.braked, MOST_OPEN, _BRAKED),
).subquery("unsettled")
_BY_LANE = select(
    _unsettled.c.lane,
    _unsettled.c.stands,
    func.count().label("orders"),
    func.min(_unsettled.c.since).label("since"),
).group_by(_unsettled.c.lane, _unsettled.c.stands)

_acts = union_all(_some(_in_lane(ACT), MOST), _some(order_tables.dead, MOST)).subquery("acts")
_down = select(_acts.c.site_id).where(_acts.c.lane == ACT).distinct().subquery("down")
_NOT_IN_FORCE = (
    select(func.count())
    .select_from(_down.join(sites, sites.c.id == _down.c.site_id))
    .where(sites.c.in_force != sites.c.state)
)
