"""The events: what happened to a case, in the past tense; each becomes one audit entry.

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
class IncidentEvent(Event):
    """An event of one incident, which moves its state or leaves it."""

    incident: int
    state_from: str
    state_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentLogged(IncidentEvent):
    """A violation is on record, with its contact deadline (R2); on a closed site as moot."""

    kind = "incident_logged"
    contact_due: datetime | None
    urls: tuple[str, ...] = ()
    category: str | None = None
    note: str | None = None
    recurs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentImported(IncidentEvent):
    """A past incident is on record; it counts in no rule."""

    kind = "incident_imported"
    urls: tuple[str, ...] = ()
    category: str | None = None
    note: str | None = None
    contact: str | None = None
    contact_at: datetime | None = None
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceAttached(Event):
    """A file is on record for an incident."""

    kind = "evidence_attached"
    incident: int
    digest: str
    size: int
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecorded(IncidentEvent):
    """A contact is on record (R2); `stopped_clock` if it was what stopped the incident's clock."""

    kind = "contact_recorded"
    contact: int
    outcome: str
    stopped_clock: bool = False
    whole_site: bool = False
    removal_due: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactVoided(IncidentEvent):
    """A contact record was wrong; `fresh_hour` if the incident has a new contact deadline."""

    kind = "contact_voided"
    contact: int
    text: str
    fresh_hour: bool = False
    contact_due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRemoved(IncidentEvent):
    """The content is gone."""

    kind = "incident_removed"
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRefused(IncidentEvent):
    """The customer does not delete (R5), by somebody's word or by a lapsed removal deadline."""

    kind = "incident_refused"
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentVoided(IncidentEvent):
    """The incident was none."""

    kind = "incident_voided"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementTakenBack(IncidentEvent):
    """The last `removed` or `refused` was said of the wrong incident."""

    kind = "statement_taken_back"
    text: str
    fresh_hour: bool = False
    contact_due: datetime | None = None
    removal_due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLapsed(IncidentEvent):
    """Nobody was reached by the deadline (R2); `suspension` is the case that it starts or joins."""

    kind = "clock_lapsed"
    suspension: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(Event):
    """The clock lapsed with too few attempts: the desk is alarmed, the site is left alone (R2)."""

    kind = "alarm_raised"
    incident: int
    attempts: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEvent(Event):
    """An event that moves the site's state or leaves it."""

    site_from: str
    site_to: str


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
    `total` if the policy counts all standing cases.
    """

    kind = "site_closed"
    total: bool = False
    suspension: int | None = None
    incident: int | None = None
    due: datetime | None = None
    field: str | None = None
    evidence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureDisputed(Event):
    """Late truth leaves the closure's rule unmet: `counted` of `needed`."""

    kind = "closure_disputed"
    counted: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeSettled(Event):
    """The closure's rule is met again."""

    kind = "dispute_settled"


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
    """The desk has something to do for the site."""

    kind = "task_opened"
    task: int
    task_kind: str
    incidents: tuple[int, ...] = ()


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


KINDS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        SiteAdded, SiteEdited, IncidentLogged, IncidentImported, EvidenceAttached,
        ContactRecorded, ContactVoided, IncidentRemoved, IncidentRefused, IncidentVoided,
        StatementTakenBack, ClockLapsed, AlarmRaised, SiteSuspended, SuspensionEnded,
        SuspensionStruck, SuspensionRestored, SiteClosed, ClosureDisputed, DisputeSettled,
        ClosureUpheld, HoldSet, HoldLifted, ReinstatementAsked, ReinstatementDeclined,
        SiteReinstated, TaskOpened, TaskCompleted, ItemClaimed, ItemReleased,
    )
}  # fmt: skip
"""Each kind of event by the word that stands for it in an entry."""
