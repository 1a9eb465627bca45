"""The event: what all kinds have in common; and the events of tasks, claims, filings and orders.

Every event has both times (UTC), the person, the digest of the policy that it was decided under,
and the run as derived after it when that has changed. A state that moved stands as from and to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a rule acted: the incidents it counted and the times and numbers it compared."""

    rule: str
    incidents: tuple[int, ...] = ()
    counted: int | None = None
    needed: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    within: timedelta | None = None
    deadline: datetime | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events have."""

    kind: ClassVar[str]

    occurred_at: datetime
    recorded_at: datetime
    by: str
    policy: str
    reason: Reason | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent(Event):
    """An event of one incident, which moves its state or leaves it."""

    incident: int
    state_from: str
    state_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEvent(Event):
    """An event that moves the site's state or leaves it."""

    site_from: str
    site_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOpened(Event):
    """The desk has something to do for the site; `about` says what of its filing, as codes."""

    kind = "task_opened"
    task: int
    task_kind: str
    incidents: tuple[int, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompleted(Event):
    """It is done, with its outcome."""

    kind = "task_completed"
    task: int
    outcome: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemClaimed(Event):
    """`holder` works on an item of the queue."""

    kind = "item_claimed"
    item: str
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReleased(Event):
    """Nobody works on it any more."""

    kind = "item_released"
    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingChanged(Event):
    """Details have changed: each a key and its text; an empty text has taken it away."""

    kind = "filing_changed"
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingReminded(Event):
    """The desk is reminded of a term, whose last day is `due_on`, on a day of its own zone."""

    kind = "filing_reminded"
    term: str
    due_on: str
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspicionRaised(Event):
    """A check takes a detail for false; it closes nothing, and somebody looks (R4)."""

    kind = "suspicion_raised"
    field: str
    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FooterSeen(Event):
    """The foot of the site's page lacks something, or no longer does."""

    kind = "footer_seen"
    problems: tuple[str, ...] = ()


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
