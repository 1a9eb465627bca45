"""The errand: an order in hand, as its adapter is given it, and whether it is still worth going."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from incidents.acts import schedule
from incidents.acts.epochs import Epochs
from incidents.acts.port import Order
from incidents.clock import read_rfc3339
from incidents.machine.ids import ORDERS_EACH, order_id
from incidents.machine.orders import ACT
from incidents.store.leases import Claimed

NEWS_FOR = timedelta(days=1)
"""So long after a decision somebody who has not heard of it is told of it."""


class Ordered(Protocol):
    """An order as it is on record, in hand or not."""

    @property
    def site_id(self) -> int:
        """Its site's."""

    @property
    def site(self) -> str:
        """Its site's name."""

    @property
    def seq(self) -> int:
        """The number of the event that it follows from."""

    @property
    def kind(self) -> str:
        """Of `machine.orders`."""

    @property
    def data(self) -> dict[str, Any]:
        """Its document."""

    @property
    def ordered_at(self) -> datetime:
        """When, in UTC."""


def order_of(claimed: Claimed, epochs: Epochs) -> Order:
    """The order as its adapter is given it."""
    epoch = epochs.of(claimed.lane, claimed.ordered_at)
    return replace(as_given(claimed, claimed.lane, epoch), attempt=claimed.attempt)


def as_given(ordered: Ordered, lane: str, epoch: int) -> Order:
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
    late = schedule.is_given_up(claimed.ordered_at, now, min(give_up_after, NEWS_FOR))
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
