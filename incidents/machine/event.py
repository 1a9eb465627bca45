"""The event: what all kinds have in common; and the events of tasks, claims and filings.

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
