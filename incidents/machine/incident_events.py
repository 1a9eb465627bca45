"""The events of one incident: logging, contacts, corrections, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.machine import incident_commands as c
from incidents.machine.event import Event, IncidentEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentLogged(IncidentEvent):
    """A violation was logged, with its contact deadline (R2); on a closed site it is moot."""

    kind = "incident_logged"
    contact_due: datetime | None
    urls: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    category: str | None = None
    note: str | None = None
    recurs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentImported(IncidentEvent):
    """A past incident was imported; it counts in no rule."""

    kind = "incident_imported"
    command = c.ImportIncident
    urls: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    category: str | None = None
    note: str | None = None
    contact: str | None = None
    contact_at: datetime | None = None
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceAttached(Event):
    """A file was attached to an incident."""

    kind = "evidence_attached"
    command = c.Attach
    incident: int
    digest: str
    size: int
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded(Event):
    """A note about an incident was added, for the desk or for the customer."""

    kind = "note_added"
    command = c.AddNote
    incident: int
    audience: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecorded(IncidentEvent):
    """A contact was recorded (R2); `stopped_clock`: it stopped the incident's clock."""

    kind = "contact_recorded"
    contact: int
    outcome: str
    stopped_clock: bool = False
    whole_site: bool = False
    removal_due: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactVoided(IncidentEvent):
    """A contact record was voided; `fresh_hour`: the incident has a new contact deadline.

    `removal_due` is the new, later removal deadline (R5), if the voided contact had set the
    deadline and the customer was reached by another contact.
    """

    kind = "contact_voided"
    contact: int
    text: str
    fresh_hour: bool = False
    contact_due: datetime | None = None
    removal_due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRemoved(IncidentEvent):
    """The content was removed."""

    kind = "incident_removed"
    command = c.StateRemoved
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRefused(IncidentEvent):
    """The customer refused to delete (R5), on a person's statement or because a deadline lapsed.

    `asked_by`: the person who requested the closure, if the policy requires two people.
    """

    kind = "incident_refused"
    note: str | None = None
    asked_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentVoided(IncidentEvent):
    """The incident was voided."""

    kind = "incident_voided"
    command = c.VoidIncident
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementTakenBack(IncidentEvent):
    """The last recorded removal or refusal was withdrawn."""

    kind = "statement_taken_back"
    text: str
    fresh_hour: bool = False
    contact_due: datetime | None = None
    removal_due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLapsed(IncidentEvent):
    """Nobody was reached by the deadline (R2); `suspension`: the case that this starts or joins."""

    kind = "clock_lapsed"
    suspension: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(Event):
    """A clock lapsed after too few attempts: the desk is alerted, no suspension follows (R2)."""

    kind = "alarm_raised"
    incident: int
    attempts: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReported(Event):
    """The incident was reported to the police; `note` is the receipt (L.1)."""

    kind = "incident_reported"
    command = c.StateReported
    incident: int
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalSaid(Event):
    """The customer reported a removal, which the desk has not checked."""

    kind = "removal_said"
    command = c.SayRemoved
    incident: int
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksRevoked(Event):
    """All links to the incident's customer page that had been issued were revoked."""

    kind = "links_revoked"
    command = c.RevokeLinks
    incident: int
