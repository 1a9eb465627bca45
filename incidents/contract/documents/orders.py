"""The documents about orders: how far each is carried out, and what is really in force."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Open
from incidents.contract.documents.sites import Line

OrderState = Literal[
    "dead", "braked", "waiting", "in_hand", "delivered", "failed", "cancelled", "retried"
]


class Order(Open):
    """An order into the world, and how it stands; of one that waits no more there is less to say.

    `late`: it is to happen in the world and has not for five minutes. `only_logged`: its adapter
    has done nothing in the world. `unset`: nobody has tried to tell of it for five
    minutes, and this setting, which would name a channel, names none here.
    """

    id: str
    site: str
    kind: str
    lane: str
    state: OrderState
    ordered_at: str
    late: NotRequired[bool]
    attempts: NotRequired[int]
    tried_at: NotRequired[str | None]
    next_at: NotRequired[str | None]
    adapter: NotRequired[str | None]
    problem: NotRequired[str | None]
    detail: NotRequired[str | None]
    only_logged: NotRequired[bool]
    unset: NotRequired[str]


class OrdersLate(TypedDict):
    """How many orders into the world are late, at most 1,000 (`capped`), and the first few."""

    late: int
    capped: bool
    first: list[Order]


class OrdersHeld(TypedDict):
    """How many orders into the world the brake holds, at most 1,000 (`capped`), and the first
    few."""

    braked: int
    capped: bool
    first: list[Order]


class OnlyLogged(TypedDict):
    """The last order that took no site down, since no adapter is set."""

    id: str
    site: str
    kind: str
    lane: str
    ordered_at: str


class DeadLetters(TypedDict):
    """How many orders are dead letters, at most 1,000 (`capped`), and the first few."""

    dead: int
    capped: bool
    first: list[Order]


class OrdersNotDone(DeadLetters):
    """What of the orders the desk is to know beside its queue."""

    late: OrdersLate
    held: OrdersHeld
    only_logged: NotRequired[OnlyLogged]


class Orders(TypedDict):
    """Orders that are not carried out, dead letters first."""

    items: list[Order]


class OrderInFull(Order):
    """An order, what it says, and what became of it."""

    order: dict[str, str]
    story: list[Line]


ComparisonVerdict = Literal[
    "agrees",
    "differs",
    "cannot_be_asked",
    "waits",
    "ordered_again",
    "changed_meanwhile",
    "cancelled",
    "left_down",
]


class Comparison(TypedDict):
    """A site as it is ordered, as it is on record, and as it really stands."""

    site: str
    ordered: str
    on_record: str
    really: str | None
    adapter: str
    verdict: ComparisonVerdict


class Reconciled(TypedDict):
    """What was compared; `left` sites were not looked at, being too many for one request."""

    items: list[Comparison]
    left: int
