"""The counts of orders that need attention, and the story of one order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    bindparam,
    func,
    literal_column,
    select,
)

from incidents.clock import rfc3339
from incidents.errors import NoSuchOrderError
from incidents.locale.words import TimeFormat, Wording
from incidents.machine.command import BRAKED
from incidents.store.archive import whole
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import braked, deliveries, given_up, orders, waiting
from incidents.store.schema.tables import sites
from incidents.store.schema.types import UTCDateTime
from incidents.values.ids import ACT, order_id
from incidents.views import withheld
from incidents.views.timeline import timeline_lines

if TYPE_CHECKING:
    from incidents.contract.documents.orders import (
        DeadLetters,
        Order,
        OrderInFull,
        OrdersHeld,
        OrdersLate,
        OrderState,
    )
    from incidents.contract.documents.sites import Line


MAX_COUNTED = 1_000
"""The maximum number of dead letters to count, so that the cost does not grow with their number."""

MAX_NAMED = 3

LATE_AFTER = timedelta(minutes=5)
"""The time after which a waiting order to the live system counts as late."""
ALL_SET: Mapping[str, str] = MappingProxyType({})
_ONE = 1
_of = deliveries.c
IN_ORDER = (_of.since, _of.site_id)
"""The order of dead letters and of late orders: as they were issued."""


def order(
    connection: Connection,
    site_id: int,
    seq: int,
    lane: str,
    *,
    when: TimeFormat,
    now: datetime,
    unset: Mapping[str, str] = ALL_SET,
) -> OrderInFull:
    """One order in a lane: its content, its state, and its story on record.

    The `state` of an order that no longer waits is `delivered` or `cancelled`. `only_logged` is
    present, and true, if the order's adapter changed nothing in the live system; `unset` as for
    `unsettled`.

    Raises:
        UnknownOrderError: if there is no such order.
    """
    id_ = order_id(site_id, seq, lane)
    given = select(orders.c.kind, orders.c.data, orders.c.created_at).where(
        orders.c.site_id == site_id, orders.c.site_seq == seq, orders.c.n == _ONE
    )
    found = whole.of_one_site(connection, given, site_id, newest_first=True, most=1)
    if not found:
        raise NoSuchOrderError(given=id_)
    ordered = found[0]
    name = connection.scalar(select(sites.c.name).where(sites.c.id == site_id)) or ""
    named = (_of.site_id == site_id, _of.lane == lane, _of.site_seq == seq)
    row = connection.execute(rows_of(None).where(*named)).mappings().first()
    story = _story(connection, site_id, seq, lane, Wording(name, site_id, when))
    if row is None and not story:
        raise NoSuchOrderError(given=id_)
    if row is not None:
        document = document_of(row, now, unset)
    else:
        # The last event about the order is its outcome.
        order_events = story[-1]["kind"].removeprefix("order_")
        document = {
            "id": id_, "site": name, "kind": ordered.kind, "lane": lane,
            "state": cast("OrderState", order_events),
            "ordered_at": rfc3339(ordered.created_at),
        }  # fmt: skip
    if (
        document["state"] == "delivered"
        and lane == ACT
        and withheld.was_only_logged(connection, site_id, seq)
    ):
        document["only_logged"] = True
    return {**document, "order": ordered.data, "story": story}


def dead_letters(connection: Connection) -> DeadLetters:
    """The number of dead letters (at most `MAX_COUNTED`: `capped`), and the first few."""
    count, first = _first_of(connection, "dead")
    return {"dead": count, "capped": count >= MAX_COUNTED, "first": first}


def held(connection: Connection) -> OrdersHeld:
    """Count orders that the brake holds (up to `MAX_COUNTED`: `capped`), and list the first few."""
    count, first = _first_of(connection, "held")
    return {"braked": count, "capped": count >= MAX_COUNTED, "first": first}


def _first_of(connection: Connection, what: str) -> tuple[int, list[Order]]:
    counted, first = _statements(what)
    count = connection.scalar(counted) or 0
    named = connection.execute(first).mappings() if count else ()
    return count, [document_of(row, row["next_at"]) for row in named]


@cache
def _statements(what: str) -> tuple[Select[Any], Select[Any]]:
    """The queries for the number and the first few, built once: every queue page runs them."""
    where = {"dead": given_up, "held": and_(braked, _of.lane == ACT)}[what]
    some = select(_of.since).where(where).limit(literal_column(str(MAX_COUNTED))).subquery()
    first = rows_of(None).where(where).order_by(_of.since, _of.site_id).limit(MAX_NAMED)
    return select(func.count()).select_from(some), first


def late(connection: Connection, now: datetime) -> OrdersLate:
    """The number of orders to the live system that have waited for `LATE_AFTER`, and the first few.

    Only the first `MAX_COUNTED` due orders are read (`capped`: there may be more).
    """
    since = {"late_since": now - LATE_AFTER}
    found = connection.execute(_late_counted(), since).scalar_one()
    rows: Iterable[Any] = ()
    if found:
        rows = connection.execute(
            late_rows(None).order_by(*IN_ORDER).limit(MAX_NAMED), since
        ).mappings()
    return {
        "late": found,
        "capped": found >= MAX_COUNTED,
        "first": [document_of(row, now) for row in rows],
    }


@cache
def _late_counted() -> Select[Any]:
    some, is_late = _late()
    return select(func.count()).select_from(some).where(is_late)


@cache
def _late() -> tuple[Subquery, ColumnElement[bool]]:
    """The first due orders to the live system, and the condition on `late_since`."""
    due = select(_of.site_id, _of.lane, _of.site_seq, _of.n, _of.since).where(
        waiting, _of.lane == ACT
    )
    due = due.order_by(_of.next_at, _of.site_id, _of.site_seq)
    some = due.limit(literal_column(str(MAX_COUNTED))).subquery("some")
    return some, some.c.since <= bindparam("late_since", type_=UTCDateTime())


def late_rows(site: str | None) -> Select[Any]:
    """The rows of the late orders at `late_since`, among the first due."""
    some, is_late = _late()
    same = (some.c.site_id == _of.site_id, some.c.lane == _of.lane, some.c.n == _of.n)
    on = and_(*same, some.c.site_seq == _of.site_seq)
    return rows_of(site).join(some, on).where(is_late)


def rows_of(site: str | None) -> Select[Any]:
    """The rows of the orders not carried out, with what the document needs."""
    same = (orders.c.site_id == _of.site_id, orders.c.site_seq == _of.site_seq, orders.c.n == _of.n)
    found = (
        select(deliveries, sites.c.name, orders.c.created_at)
        .join(sites, sites.c.id == _of.site_id)
        .join(orders, and_(*same))
    )
    return found if site is None else found.where(sites.c.name == site)


def document_of(row: Any, now: datetime, unset: Mapping[str, str] = ALL_SET) -> Order:
    """The document of such a row."""
    state: OrderState
    in_hand = row["held_by"] is not None and now < row["next_at"]
    state = "in_hand" if in_hand else "waiting"
    if row["dead"]:
        state = "braked" if row["problem"] == BRAKED else "dead"
    found: Order = {
        "id": order_id(row["site_id"], row["site_seq"], row["lane"]),
        "site": row["name"],
        "kind": row["kind"],
        "lane": row["lane"],
        "state": state,
        "late": not row["dead"] and row["lane"] == ACT and row["since"] <= now - LATE_AFTER,
        "ordered_at": rfc3339(row["created_at"]),
        "attempts": row["attempts"],
        "tried_at": None if row["tried_at"] is None else rfc3339(row["tried_at"]),
        "next_at": None if row["dead"] else rfc3339(row["next_at"]),
        "adapter": row["adapter"],
        "problem": row["problem"],
        "detail": row["detail"],
    }
    # A daemon whose settings name a channel would have tried it by now, whatever these say.
    waits = state == "waiting" and not row["attempts"] and row["next_at"] <= now - LATE_AFTER
    setting = unset.get(row["lane"]) if waits else None
    return found if setting is None else {**found, "unset": setting}


def _story(
    connection: Connection, site_id: int, seq: int, lane: str, wording: Wording
) -> list[Line]:
    """The events about the order on record, in words."""
    of = entries.c
    named = (
        of.body.contains(f'"lane":"{lane}","order":"{order_id(site_id, seq)}"', autoescape=True),
        of.site_id == site_id,
        of.site_seq > seq,
    )
    told = select(of.body).where(*named).order_by(of.site_seq)
    bodies = [body for (body,) in whole.of_one_site(connection, told, site_id)]
    return timeline_lines(connection, wording, bodies)
