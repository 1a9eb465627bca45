"""The event: what all kinds have in common; and the events of one incident.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentLogged(IncidentEvent):
    """A violation is on record, with its contact deadline (R2); on a closed site as moot."""

    kind = "incident_logged"
    contact_due: datetime | None
    urls: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    category: str | None = None
    note: str | None = None
    recurs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentImported(IncidentEvent):
    """A past incident is on record; it counts in no rule."""

    kind = "incident_imported"
    urls: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
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
class NoteAdded(Event):
    """Somebody has written something about an incident, for the desk or for the customer."""

    kind = "note_added"
    incident: int
    audience: str
    text: str


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
    """A contact record was wrong; `fresh_hour` if the incident has a new contact deadline.

    `removal_due` is a later one (R5) of an incident that another call has told of, where this one
    had set it.
    """

    kind = "contact_voided"
    contact: int
    text: str
    fresh_hour: bool = False
    contact_due: datetime | None = None
    removal_due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRemoved(IncidentEvent):
    """The content is gone."""

    kind = "incident_removed"
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRefused(IncidentEvent):
    """The customer does not delete (R5), by somebody's word or by a lapsed removal deadline.

    `asked_by` is the first of the two people, where the policy asks for two.
    """

    kind = "incident_refused"
    note: str | None = None
    asked_by: str | None = None


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
class IncidentReported(Event):
    """It was reported to the police, under the receipt `note` (domain.md, section 4)."""

    kind = "incident_reported"
    incident: int
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalSaid(Event):
    """The customer says that the content is gone; the desk has not looked."""

    kind = "removal_said"
    incident: int
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksRevoked(Event):
    """No link to the customer's page of it holds that was given out before."""

    kind = "links_revoked"
    incident: int
