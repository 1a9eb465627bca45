"""The events of a site: its details, suspensions, closure, hold, tasks and claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.machine.event import Event, SiteEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAdded(Event):
    """The site is in the register."""

    kind = "site_added"
    site: str
    phone: str | None
    email: str | None
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEdited(Event):
    """Whom to call has changed; None: this detail has not."""

    kind = "site_edited"
    phone: str | None
    email: str | None
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSuspended(SiteEvent):
    """R2: suspended until `until`, which counts from when it was really made."""

    kind = "site_suspended"
    suspension: int
    incident: int
    due: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionEnded(SiteEvent):
    """The hours are over; a site that is held stays down."""

    kind = "suspension_ended"
    suspension: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionStruck(SiteEvent):
    """Late truth: nothing that the suspension rests on still stands; if it ran, it has ended."""

    kind = "suspension_struck"
    suspension: int
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionRestored(Event):
    """A correction lets a struck case stand again, without a new suspension."""

    kind = "suspension_restored"
    suspension: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteClosed(SiteEvent):
    """The site is closed; `reason` holds the rule. No after-sales service, no refund.

    For R3 `suspension` numbers the case that closed it, started by `incident`, due at `due`;
    `total` if the policy counts all standing cases. For R4 and R5 `asked_by` is the first of the
    two people, where the policy asks for two.
    """

    kind = "site_closed"
    total: bool = False
    suspension: int | None = None
    incident: int | None = None
    due: datetime | None = None
    field: str | None = None
    evidence: str | None = None
    asked_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureAsked(Event):
    """One person asks that the site be closed: R5 of `incident`, or R4, since `field` is false."""

    kind = "closure_asked"
    incident: int | None = None
    field: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureDeclined(Event):
    """The closure that was asked for does not happen."""

    kind = "closure_declined"
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureDisputed(Event):
    """Late truth leaves the closure's rule unmet: `counted` of `needed`."""

    kind = "closure_disputed"
    counted: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeSettled(Event):
    """The closure's rule is met again, and no uphold is left; or `upheld`: it is met again only as
    far as it was upheld."""

    kind = "dispute_settled"
    upheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureUpheld(Event):
    """A supervisor let the disputed closure stand, with `counted` still met."""

    kind = "closure_upheld"
    counted: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSet(SiteEvent):
    """The site stays down by order."""

    kind = "hold_set"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLifted(SiteEvent):
    """The order is off; the site opens unless a suspension runs or it is closed."""

    kind = "hold_lifted"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinstatementAsked(Event):
    """One person asks that the site be opened."""

    kind = "reinstatement_asked"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinstatementDeclined(Event):
    """Another person declined."""

    kind = "reinstatement_declined"
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReinstated(SiteEvent):
    """Another person approved what `asked_by` asked: all counts start afresh."""

    kind = "site_reinstated"
    asked_by: str


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
