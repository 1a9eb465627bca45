"""The documents about orders: the state of each, and the actual state of sites."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Open
from incidents.contract.documents.sites import Line

OrderState = Literal[
    "dead", "braked", "waiting", "in_hand", "delivered", "failed", "cancelled", "retried"
]


class Order(Open):
    """An order to an adapter, and its state; orders that are settled have fewer fields.

    `late`: the order was due at least five minutes ago. `only_logged`: the adapter changed nothing
    in the live system. `unset`: the setting that names no channel, so the order has waited for five
    minutes.
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
    """The number of late orders, at most 1,000 (`capped`), and the first few."""

    late: int
    capped: bool
    first: list[Order]


class OrdersHeld(TypedDict):
    """The number of orders held by the brake, at most 1,000 (`capped`), and the first few."""

    braked: int
    capped: bool
    first: list[Order]


class OnlyLogged(TypedDict):
    """The latest order to take a site down that had no effect, because no adapter is set."""

    id: str
    site: str
    kind: str
    lane: str
    ordered_at: str


class DeadLetters(TypedDict):
    """The number of dead letters, at most 1,000 (`capped`), and the first few."""

    dead: int
    capped: bool
    first: list[Order]


class OrdersNotDone(DeadLetters):
    """The problems with orders that the desk must know about, besides its queue."""

    late: OrdersLate
    held: OrdersHeld
    only_logged: NotRequired[OnlyLogged]


class Orders(TypedDict):
    """Orders not carried out, dead letters first; `next` is the cursor of the following page."""

    items: list[Order]
    next: str | None


class OrderInFull(Order):
    """An order, its content, and its outcome."""

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
    """The ordered, the recorded and the actual state of a site."""

    site: str
    ordered: str
    on_record: str
    really: str | None
    adapter: str
    verdict: ComparisonVerdict


class Reconciled(TypedDict):
    """The sites that were checked.

    `left`: the number of sites that were not checked, because one request has a limit.
    """

    items: list[Comparison]
    left: int
