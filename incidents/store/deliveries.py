"""Queries for deliveries: the orders that are unsettled in one of their lanes.

Deliveries are written under the lock of their site's row, except the marks of an attempt (see
`leases`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from incidents.machine import events as e
from incidents.machine.case import Delivery
from incidents.machine.command import BRAKED
from incidents.store.compiled import Row
from incidents.store.entries import Outgoing, Place
from incidents.store.schema.log_tables import braked, dead, deliveries, is_alive, orders, waiting
from incidents.store.schema.types import Number, Word
from incidents.store.statement import Mutation, Query
from incidents.store.values_table import ValuesTable
from incidents.values.ids import ACT

Found = tuple[int, Delivery]
"""A site's id and the delivery."""

_ONE = 1


def add(
    connection: Connection, new: Sequence[tuple[Outgoing, Sequence[str]]], now: datetime
) -> None:
    """Add orders that wait in their lanes from `now` (UTC) on, by the machine's clock.

    Waiting orders before a new order that changes the live system become due, because the new order
    may supersede them.
    """
    # Before the new ones are there, which would be written twice.
    _WOKEN.execute(connection, [(o.site_id, ACT, now) for o, lanes in new if ACT in lanes])
    _NEW.execute(
        connection,
        [
            (o.site_id, lane, o.site_seq, o.n, o.kind, False, o.created_at, 0, now)
            for o, lanes in new
            for lane in lanes
        ],
    )


def settle(
    connection: Connection, happened: Sequence[tuple[int, e.OrderEvent]], now: datetime
) -> None:
    """Write the outcomes of orders by `now` (UTC), each given by its site's id and the event."""
    gone: list[Row] = []
    failed: dict[Row, Row] = {}
    retried: dict[Row, Row] = {}
    freed: set[tuple[int, str]] = set()
    for site, event in happened:
        key = (site, event.lane, event.order, _ONE)
        if isinstance(event, e.OrderFailed):
            # Repeated orders come last, so that a later failure is kept.
            retried.pop(key, None)
            failed[key] = (*key, True, None, event.adapter, event.problem)
        elif isinstance(event, e.OrderRetried):
            retried[key] = (*key, False, now, 0, now)
        else:
            gone.append(key)
        if _blocked_others(event):
            freed.add((site, event.lane))
    _GONE.execute(connection, gone)
    _FAILED.execute(connection, list(failed.values()))
    _RETRIED.execute(connection, list(retried.values()))
    _WOKEN.execute(connection, [(*key, now) for key in sorted(freed)])


def _blocked_others(event: e.OrderEvent) -> bool:
    """Whether the orders behind this one may have been postponed with it."""
    if isinstance(event, e.OrderDelivered):
        return event.attempts > 1
    return isinstance(event, e.OrderFailed | e.OrderCancelled)


def chains(connection: Connection, site_ids: Iterable[int]) -> list[Found]:
    """The unsettled orders of those sites that change the live system, in order; without a lock."""
    return _CHAINS.fetch(connection, [(id_,) for id_ in sorted(site_ids)]).all()


def unsettled(connection: Connection, site_id: int, order: int, lane: str) -> list[Delivery]:
    """The order, and its site's unsettled orders that change the live system; without a lock."""
    named = and_(_of.lane == lane, _of.site_seq == order)
    asked = select(*_OWN).where(_of.site_id == site_id, or_(_of.lane == ACT, named))
    return [read(row) for row in connection.execute(asked).mappings()]


def claimed_since(connection: Connection, site_id: int, order: int) -> datetime | None:
    """When the unsettled order to the live system was last claimed (UTC), read without a lock.

    None if the order only waits, or is settled.
    """
    own = and_(_of.site_id == site_id, _of.lane == ACT, _of.site_seq == order, waiting)
    return connection.scalar(select(_of.tried_at).where(own, _of.attempts > 0))


def dead_letters(connection: Connection, site_ids: Iterable[int]) -> list[tuple[int, int]]:
    """The dead letters among orders to the live system: site and order; without a lock."""
    return _DEAD.fetch(connection, [(id_,) for id_ in sorted(site_ids)]).all()


def first_braked(connection: Connection) -> Place | None:
    """The first order to the live system that the brake holds; without a lock."""
    found = connection.execute(_FIRST_BRAKED).first()
    return None if found is None else (found[0], found[1], found[2])


def untried(connection: Connection, named: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """The waiting, never tried orders to the live system, among those given by site and number.

    The orders are read without a lock.
    """
    found = _UNTRIED.fetch(connection, sorted(named)).all()
    return set(found)


def read(row: Any) -> Delivery:
    """The delivery of a row."""
    return Delivery(
        order=row["site_seq"], lane=row["lane"], kind=row["kind"], dead=row["dead"],
        braked=row["dead"] and row["problem"] == BRAKED, attempts=row["attempts"],
        lease_until=None if row["held_by"] is None else row["next_at"],
    )  # fmt: skip


def _found(row: Row) -> Found:
    return row[0], read(dict(zip(_NAMES, row, strict=True)))


_of = deliveries.c
_OWN = (
    _of.site_id, _of.lane, _of.site_seq, _of.kind, _of.dead, _of.attempts, _of.next_at,
    _of.held_by, _of.problem,
)  # fmt: skip

_NAMES = tuple(column.name for column in _OWN)


def _named(given: ValuesTable) -> Select[Any]:
    on = and_(*(_of[column.name] == column for column in given.c))
    found = select(*_OWN).select_from(given.table.join(deliveries, on))
    found = found.order_by(_of.site_id, _of.lane, _of.site_seq)
    return found.with_for_update(of=deliveries)


def _unsettled(given: ValuesTable) -> Select[Any]:
    return _of_sites(given, or_(_of.lane == ACT, braked)).with_for_update(of=deliveries)


def _of_sites(given: ValuesTable, *those: ColumnElement[bool]) -> Select[Any]:
    on = and_(_of.site_id == given.c.site_id, *those)
    found = select(*_OWN).select_from(given.table.join(deliveries, on))
    return found.order_by(_of.site_id, _of.site_seq)


def _untried(given: ValuesTable) -> Select[Any]:
    same = (_of.site_id == given.c.site_id, _of.site_seq == given.c.site_seq)
    on = and_(*same, _of.lane == ACT, or_(braked, and_(waiting, _of.attempts == 0)))
    return select(_of.site_id, _of.site_seq).select_from(given.table.join(deliveries, on))


NAMED: Query[Found] = Query(_named, _found, site_id=Number, lane=Word, site_seq=Number)
"""The unsettled orders with the given sites, lanes and numbers, locked."""

UNSETTLED: Query[Found] = Query(_unsettled, _found, site_id=Number)
"""The given sites' unsettled orders to the live system, locked, in order.

Orders that the brake holds are included.
"""

_place = (orders.c.created_at, orders.c.site_id, orders.c.site_seq)
_FIRST_BRAKED = (
    select(*_place)
    .join(deliveries, and_(_of.site_id == _place[1], _of.site_seq == _place[2]))
    .where(braked, _of.lane == ACT)
    .order_by(*_place)
    .limit(1)
)
_DEAD: Query[tuple[int, int]] = Query(
    lambda given: _of_sites(given, _of.lane == ACT, dead),
    lambda row: (row[0], row[2]),
    site_id=Number,
)
_UNTRIED: Query[tuple[int, int]] = Query(
    _untried, lambda row: (row[0], row[1]), site_id=Number, site_seq=Number
)
_CHAINS: Query[Found] = Query(
    lambda given: _of_sites(given, _of.lane == ACT), _found, site_id=Number
)
_KEY = ("site_id", "lane", "site_seq", "n")
_NEW = Mutation(deliveries, *_KEY, "kind", "dead", "since", "attempts", "next_at")
_GONE = Mutation(deliveries, keys=_KEY)
_FAILED = Mutation(deliveries, "dead", "held_by", "adapter", "problem", keys=_KEY)
_RETRIED = Mutation(deliveries, "dead", "since", "attempts", "next_at", keys=_KEY)
# A claimed order stays with its dispatcher: it may be behind a dead letter.
_WOKEN = Mutation(
    deliveries, "next_at", keys=("site_id", "lane"), where=and_(is_alive(), _of.held_by.is_(None))
)
