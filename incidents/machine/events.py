"""The events: what happened to a case, in the past tense; each becomes one audit entry.

The events of an incident and of a site have their own modules and are re-exported here; those of
orders and filings are defined here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.machine import commands as c
from incidents.machine.event import *  # noqa: F403 - handed on whole
from incidents.machine.event import Event, kinds
from incidents.machine.incident_events import *  # noqa: F403 - handed on whole
from incidents.machine.site_events import *  # noqa: F403 - handed on whole


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(Event):
    """The outcome of an order in one of its lanes; `order_kind` is `suspend`, `reopen` …"""

    order: int
    lane: str
    order_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDelivered(OrderEvent):
    """The named adapter carried out the order, in that number of attempts.

    `enforced` is False if the adapter changes nothing in the live system.
    """

    kind = "order_delivered"
    command = c.RecordDelivery
    adapter: str
    attempts: int
    enforced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFailed(OrderEvent):
    """The order was given up and is a dead letter; an attempt might have taken effect.

    With the problem `braked`, no attempt was made: too many sites were being taken down.
    """

    kind = "order_failed"
    command = c.RecordFailure
    adapter: str
    attempts: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OrderEvent):
    """The order was cancelled; `tried`: an attempt might have taken effect.

    `why`: `lifted` (the measure was lifted since), `repeated` (a dead letter whose order was
    repeated), `overtaken` (a dead letter; a later order was carried out), `superseded` (a hold
    keeps the site down, so an order to open the site, or a braked order, is not needed),
    `left_down` (a loss has left the site down, and a person decides about it), `expired`,
    `no_channel` and the like, or `by_hand`, with the person's reason as `text`.
    """

    kind = "order_cancelled"
    command = c.CancelOrder
    why: str
    tried: bool = False
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRetried(OrderEvent):
    """A dead letter was released for another attempt."""

    kind = "order_retried"
    command = c.RetryOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSeen(Event):
    """The adapter reported the site's actual state: `seen`."""

    kind = "state_seen"
    adapter: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRepeated(Event):
    """The current order was repeated: another state is in force, or a hold keeps the site down.

    `tells`: the customer is also told, because the hold outlasts the suspension.
    """

    kind = "order_repeated"
    order_kind: str
    until: datetime | None = None
    tells: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingChanged(Event):
    """Details of the filing changed: each is a key and its text; an empty text removes it."""

    kind = "filing_changed"
    command = c.ChangeFiling
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingReminded(Event):
    """The desk was reminded of a deadline; its last day, `due_on`, is in the desk's time zone."""

    kind = "filing_reminded"
    command = c.Remind
    term: str
    due_on: str
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspicionRaised(Event):
    """An automatic check found a detail that seems false; a person verifies it (R4)."""

    kind = "suspicion_raised"
    command = c.RaiseSuspicion
    field: str
    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FooterSeen(Event):
    """The problems of the site's footer changed."""

    kind = "footer_seen"
    command = c.RecordFooter
    problems: tuple[str, ...] = ()


KINDS = kinds(globals())
"""Each kind of event by its name in an entry."""
