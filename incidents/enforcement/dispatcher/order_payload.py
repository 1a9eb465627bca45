"""The payload of an order for its adapter, and whether the order is still worth sending.

What changes the world does so in the epoch that runs: its numbers are above all that were there
before. What tells somebody of something bears those of the epoch in which that was recorded: a
letter that is tried again is the same letter, and another one never has the number of one that went
out for an entry that is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from incidents.clock import read_rfc3339
from incidents.enforcement.dispatcher.waiting import is_given_up
from incidents.enforcement.port import Order
from incidents.machine import commands as c
from incidents.machine.actions.orders import REOPEN, is_lifted
from incidents.machine.case import UNKNOWN, Delivery
from incidents.machine.command import DOWN, LIFTED
from incidents.machine.orders import ACT
from incidents.store.entries import GivenOrder
from incidents.store.leases import Claimed
from incidents.values.ids import ORDERS_EACH, order_id
from incidents.views.left_down import resumptions


class Epochs(NamedTuple):
    """The epoch that runs, and of each that has begun the time (UTC) of what it holds, which is
    later than that, and its number, the first one first."""

    runs: int = 0
    begun: tuple[tuple[datetime, int], ...] = ()

    def of(self, lane: str, ordered_at: datetime) -> int:
        """That of an order in that lane which was recorded at that time (UTC)."""
        if lane == ACT:
            return self.runs
        return next((epoch for since, epoch in reversed(self.begun) if ordered_at > since), 0)


def read(connection: Connection) -> Epochs:
    """As the record has them."""
    begun = tuple((each.since, each.epoch) for each in resumptions(connection))
    return Epochs(begun[-1][1], begun) if begun else Epochs()


NEWS_FOR = timedelta(days=1)
"""So long after a decision somebody who has not heard of it is told of it."""


def order_of(claimed: Claimed, epochs: Epochs) -> Order:
    """The order as its adapter is given it."""
    epoch = epochs.of(claimed.lane, claimed.ordered_at)
    return replace(as_given(claimed, claimed.lane, epoch), attempt=claimed.attempt)


def as_given(ordered: GivenOrder | Claimed, lane: str, epoch: int) -> Order:
    """An order as the first attempt in that lane is given it, in that epoch of the history."""
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


def is_old_news(claimed: Claimed, now: datetime, give_up_after: timedelta) -> bool:
    """Whether it is too late to tell anybody, and nobody has tried to: it was ordered a day ago.

    Else the day on which mail is set up would be the day on which a year of news is sent. What a
    person has let go is to be told, however long they took.
    """
    late = is_given_up(claimed.ordered_at, now, min(give_up_after, NEWS_FOR))
    return claimed.lane != ACT and claimed.attempt == 1 and late and not claimed.again


def is_over(claimed: Claimed, now: datetime) -> bool:
    """Whether what it was to begin is to have ended by `now`, and nobody has tried to begin it."""
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
    """What to cancel of each site, whose next order `heads` has and `chains` all of them in order.

    The orders to take a site down that are followed by one to open it; and that one too, if none of
    them was tried. What is braked stands before its site's next order.
    """
    found: dict[int, list[tuple[int, c.Command]]] = {}
    waiting: dict[int, list[Delivery]] = {}
    for site_id, delivery in chains:
        head = heads[site_id]
        if delivery.order == head.seq:
            # To be claimed is not to be tried.
            delivery = replace(delivery, attempts=head.attempt - 1)  # noqa: PLW2901 - as it was
        waiting.setdefault(site_id, []).append(delivery)
    for site_id, acts in waiting.items():
        head = heads[site_id]
        if head.kind in DOWN or any(each.braked for each in acts):
            cancelling = _cancelling(site_id, acts, head)
            if cancelling:
                found[site_id] = cancelling
    return found


def _cancelling(site_id: int, acts: list[Delivery], head: Claimed) -> list[tuple[int, c.Command]]:
    left, in_force = list(acts), head.in_force
    found: list[tuple[int, c.Command]] = []
    for delivery in acts:
        if not delivery.braked and (delivery.order < head.seq or delivery.dead):
            continue
        if not is_lifted(delivery, left, in_force):
            break
        left.remove(delivery)
        if delivery.attempts:
            in_force = UNKNOWN
        command = c.CancelOrder(by=c.COURIER, order=delivery.order, lane=delivery.lane, why=LIFTED)
        found.append((site_id, command))
        if delivery.kind == REOPEN:
            break
    return found
