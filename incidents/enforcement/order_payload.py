"""The payload of an order for its adapter, and the check that the order is still current.

Its number begins with an epoch: see `epochs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from incidents.clock import read_rfc3339
from incidents.enforcement.epochs import Epochs
from incidents.enforcement.port import Order
from incidents.enforcement.waiting import is_given_up
from incidents.machine import commands as c
from incidents.machine.actions.orders import REOPEN, is_lifted
from incidents.machine.case import UNKNOWN, Delivery
from incidents.machine.command import DOWN, LIFTED
from incidents.machine.orders import ACT
from incidents.store.entries import GivenOrder
from incidents.store.leases import Claimed
from incidents.values.ids import ORDERS_EACH, order_id

NOTICE_EXPIRES_AFTER = timedelta(days=1)
"""The time after a decision for which a notice of it is still sent."""


def order_of(claimed: Claimed, epochs: Epochs) -> Order:
    """The order, whose epoch is known, in the form that its adapter receives."""
    epoch = epochs.of(claimed.lane, claimed.ordered_at)
    assert epoch is not None, "others are left out"
    return replace(as_first_attempt(claimed, claimed.lane, epoch), attempt=claimed.attempt)


def as_first_attempt(ordered: GivenOrder | Claimed, lane: str, epoch: int) -> Order:
    """An order in the form of its first attempt in that lane, in that epoch."""
    data = ordered.data
    until = data.get("until")
    seq = epoch * ORDERS_EACH + ordered.seq
    return Order(
        id=order_id(ordered.site_id, seq, lane),
        kind=ordered.kind,
        lane=lane,
        site=ordered.site,
        site_id=ordered.site_id,
        seq=seq,
        ordered_at=ordered.ordered_at,
        rule=data.get("rule"),
        incident=data.get("incident"),
        suspension=data.get("suspension"),
        task=data.get("task"),
        until=None if until is None else read_rfc3339(until),
    )


def is_expired(claimed: Claimed, now: datetime, give_up_after: timedelta) -> bool:
    """Whether a notice is too late to send: never tried, and ordered more than a day ago.

    Otherwise a year of old notices would be sent on the day when mail is configured. An order that
    a person released is sent, however late.
    """
    late = is_given_up(claimed.ordered_at, now, min(give_up_after, NOTICE_EXPIRES_AFTER))
    return claimed.lane != ACT and claimed.attempt == 1 and late and not claimed.again


def is_suspension_over(claimed: Claimed, now: datetime) -> bool:
    """Whether the suspension that a never-tried order would start is over by `now` (UTC)."""
    until = claimed.data.get("until")
    return (
        claimed.lane == ACT
        and claimed.attempt == 1
        and until is not None
        and read_rfc3339(until) < now
    )


def lifted(
    heads: Mapping[int, Claimed], chains: Iterable[tuple[int, Delivery]]
) -> dict[int, list[tuple[int, c.Command]]]:
    """The commands to cancel the orders of each site that are no longer needed.

    `heads`: the next order of each site; `chains`: all of its orders, in sequence. An order to take
    a site down is cancelled if an order to open it follows; the order to open it too, if neither
    was tried. Braked orders come before their site's next order.
    """
    found: dict[int, list[tuple[int, c.Command]]] = {}
    waiting: dict[int, list[Delivery]] = {}
    for site_id, delivery in chains:
        head = heads[site_id]
        if delivery.order == head.seq:
            # A claimed order has not been tried yet.
            delivery = replace(delivery, attempts=head.attempt - 1)  # noqa: PLW2901 - as it was
        waiting.setdefault(site_id, []).append(delivery)
    for site_id, chain in waiting.items():
        head = heads[site_id]
        if head.kind in DOWN or any(each.braked for each in chain):
            cancelling = _cancelling(site_id, chain, head)
            if cancelling:
                found[site_id] = cancelling
    return found


def _cancelling(site_id: int, chain: list[Delivery], head: Claimed) -> list[tuple[int, c.Command]]:
    left, in_force = list(chain), head.in_force
    found: list[tuple[int, c.Command]] = []
    for delivery in chain:
        if not delivery.braked and (delivery.order < head.seq or delivery.dead):
            continue
        if not is_lifted(delivery, left, in_force):
            break
        left.remove(delivery)
        if delivery.attempts:
            in_force = UNKNOWN
        command = c.CancelOrder(
            by=c.DISPATCHER, order=delivery.order, lane=delivery.lane, why=LIFTED
        )
        found.append((site_id, command))
        if delivery.kind == REOPEN:
            break
    return found
