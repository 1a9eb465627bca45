"""The events of a site: its details, suspensions, closure, hold, tasks and claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.machine import commands as c
from incidents.machine.event import Event, SiteEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAdded(Event):
    """The site was added."""

    kind = "site_added"
    command = c.AddSite
    site: str
    phone: str | None
    email: str | None
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEdited(Event):
    """The contact details changed; omitted details stay the same."""

    kind = "site_edited"
    command = c.EditSite
    phone: str | None
    email: str | None
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSuspended(SiteEvent):
    """The site was suspended (R2) until `until`, counted from the time of the decision."""

    kind = "site_suspended"
    suspension: int
    incident: int
    due: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionEnded(SiteEvent):
    """The suspension ended; a held site stays down."""

    kind = "suspension_ended"
    suspension: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionStruck(SiteEvent):
    """After a correction, no ground of the suspension holds; a running suspension ended."""

    kind = "suspension_struck"
    suspension: int
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionRestored(Event):
    """After a correction, a case that had been struck counts again, without a new suspension."""

    kind = "suspension_restored"
    suspension: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteClosed(SiteEvent):
    """The site was closed, by the rule in `reason`. No after-sales service, no refund.

    For R3, `suspension` is the number of the case that closed the site, `incident` the one that
    started it, and `due` its deadline; `total`: all standing cases counted, not only consecutive
    ones. For R4 and R5, `asked_by` is the person who requested the closure, if the policy requires
    two people.
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
    """One person requested the closure: for `incident` (R5), or for a false `field` (R4)."""

    kind = "closure_asked"
    incident: int | None = None
    field: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureDeclined(Event):
    """The closure request was declined."""

    kind = "closure_declined"
    command = c.DeclineClosure
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureDisputed(Event):
    """After a correction, the closure's rule is no longer met: only `counted` of `needed`."""

    kind = "closure_disputed"
    counted: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeSettled(Event):
    """The dispute about a closure ended, because its rule is met again.

    `upheld`: the rule is met only with the count that a supervisor had upheld.
    """

    kind = "dispute_settled"
    upheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureUpheld(Event):
    """A supervisor upheld the disputed closure; `counted`: the grounds that still hold."""

    kind = "closure_upheld"
    command = c.Uphold
    counted: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSet(SiteEvent):
    """The site was held by order of an authority."""

    kind = "hold_set"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLifted(SiteEvent):
    """The hold was lifted; the site opens unless it is closed or a suspension runs."""

    kind = "hold_lifted"
    command = c.LiftHold
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinstatementAsked(Event):
    """One person requested the reinstatement of a closed site."""

    kind = "reinstatement_asked"
    command = c.AskReinstatement
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinstatementDeclined(Event):
    """Another person declined the reinstatement."""

    kind = "reinstatement_declined"
    command = c.Decline
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReinstated(SiteEvent):
    """The site was reinstated: a second person approved it, and all counts restart from zero.

    `asked_by`: the person who requested the reinstatement.
    """

    kind = "site_reinstated"
    command = c.Approve
    asked_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOpened(Event):
    """A task was opened; for a task about a filing, `about` has the codes of its subject."""

    kind = "task_opened"
    task: int
    task_kind: str
    incidents: tuple[int, ...] = ()
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompleted(Event):
    """A task was completed, with its outcome."""

    kind = "task_completed"
    command = c.CompleteTask
    task: int
    outcome: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemClaimed(Event):
    """`holder` claimed an item of the queue, or was assigned it."""

    kind = "item_claimed"
    item: str
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReleased(Event):
    """An item of the queue was released."""

    kind = "item_released"
    command = c.ReleaseItem
    item: str
