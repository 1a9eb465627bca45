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
    """It was reported to the police, under the receipt `note` (L.1)."""

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
