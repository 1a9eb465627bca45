"""The events of an order: what became of it in the world, and what was seen there.

An order is named by `order`, the number of the event that it follows from, and the `lane` in which
it is carried out (see `orders`). `problem` and `why` are codes, never somebody's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.machine.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(Event):
    """What became of an order in one of its lanes; `order_kind` is `suspend`, `reopen` …"""

    order: int
    lane: str
    order_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDelivered(OrderEvent):
    """It is carried out, by the adapter of that name, in so many attempts.

    `enforced` is False where that adapter changes nothing in the world.
    """

    kind = "order_delivered"
    adapter: str
    attempts: int
    enforced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFailed(OrderEvent):
    """It is given up: a dead letter. Whether an attempt had an effect, nobody knows.

    With the problem `braked` it was not tried: too many sites were being taken down at once.
    """

    kind = "order_failed"
    adapter: str
    attempts: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OrderEvent):
    """It is not carried out any more; `tried` if an attempt may have had an effect.

    `why`: `lifted` (what it ordered was lifted since), `repeated` (a dead letter, of what is
    ordered once more), `overtaken` (a dead letter, of which something later was carried out),
    `superseded` (a hold keeps the site down: it was to open it, or was braked), `left_down`
    (a loss has left the site down, and a person decides about it), `expired`, `no_channel` and the
    like, or `by_hand`, with the person's reason as `text`.
    """

    kind = "order_cancelled"
    why: str
    tried: bool = False
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRetried(OrderEvent):
    """A dead letter is tried again."""

    kind = "order_retried"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSeen(Event):
    """The adapter was asked how the site really stands: `seen`."""

    kind = "state_seen"
    adapter: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRepeated(Event):
    """What is ordered is ordered once more, since something else is in force, or a hold keeps it
    so. `tells`: the customer is told as well, since a hold outlasts the suspension that was made.
    """

    kind = "order_repeated"
    order_kind: str
    until: datetime | None = None
    tells: bool = False
