"""How events change incidents: their state, their contacts, their deadlines."""

from __future__ import annotations

from dataclasses import replace

from incidents.machine import events as e
from incidents.machine.case import Case
from incidents.machine.command import REACHED
from incidents.machine.handlers import Handlers
from incidents.machine.incident import Contact, Evidence, Incident, Note
from incidents.machine.state import checked_incident

IMPORTED = 0
"""The epoch of imported incidents, earlier than all others."""

changes = Handlers[Case]()
_LEFT_THE_QUEUE = frozenset({"removed", "refused", "voided"})


@changes.on(e.IncidentLogged)
def _incident_logged(case: Case, event: e.IncidentLogged) -> None:
    case.last_incident = event.incident
    case.incidents[event.incident] = Incident(
        n=event.incident,
        state=checked_incident("log", event.state_from, event.state_to),
        epoch=case.epoch,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        by=event.by,
        contact_due=event.contact_due,
        recurs=event.recurs,
        category=event.category,
        note=event.note,
        urls=event.urls,
        written=event.written,
    )


@changes.on(e.IncidentImported)
def _incident_imported(case: Case, event: e.IncidentImported) -> None:
    case.last_incident = event.incident
    contacts: tuple[Contact, ...] = ()
    if event.contact is not None:
        at = event.contact_at or event.occurred_at
        contacts = (
            Contact(
                n=1, outcome=event.contact, occurred_at=at, recorded_at=event.recorded_at,
                by=event.by,
            ),
        )  # fmt: skip
    case.incidents[event.incident] = Incident(
        n=event.incident,
        state=checked_incident("import", event.state_from, event.state_to),
        epoch=IMPORTED,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        by=event.by,
        category=event.category,
        note=event.note,
        urls=event.urls,
        written=event.written,
        contacts=contacts,
    )


@changes.on(e.EvidenceAttached)
def _evidence_attached(case: Case, event: e.EvidenceAttached) -> None:
    evidence = Evidence(
        digest=event.digest, size=event.size, name=event.name,
        recorded_at=event.recorded_at, by=event.by,
    )  # fmt: skip
    incident = case.incidents[event.incident]
    case.incidents[incident.n] = replace(incident, evidence=(*incident.evidence, evidence))


@changes.on(e.NoteAdded)
def _note_added(case: Case, event: e.NoteAdded) -> None:
    note = Note(
        audience=event.audience, text=event.text, recorded_at=event.recorded_at, by=event.by
    )  # fmt: skip
    incident = case.incidents[event.incident]
    case.incidents[incident.n] = replace(incident, notes=(*incident.notes, note))


@changes.on(e.ContactRecorded)
def _contact_recorded(case: Case, event: e.ContactRecorded) -> None:
    contact = Contact(
        n=event.contact,
        outcome=event.outcome,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        by=event.by,
        stopped_clock=event.stopped_clock,
        note=event.note,
    )
    incident = case.incidents[event.incident]
    moved = event.state_from != event.state_to
    _put(
        case,
        replace(
            incident,
            state=checked_incident("reach", event.state_from, event.state_to),
            contacts=(*incident.contacts, contact),
            removal_due=event.removal_due if moved else incident.removal_due,
        ),
    )


@changes.on(e.ContactVoided)
def _contact_voided(case: Case, event: e.ContactVoided) -> None:
    incident = case.incidents[event.incident]
    contacts = tuple(
        replace(contact, voided_at=event.recorded_at) if contact.n == event.contact else contact
        for contact in incident.contacts
    )
    wrong = next(contact for contact in contacts if contact.n == event.contact)
    moved = event.state_from != event.state_to
    _put(
        case,
        replace(
            incident,
            state=checked_incident("void_contact", event.state_from, event.state_to),
            contacts=contacts,
            # Without a fresh hour it has its own: a call in time that is recorded late is in time.
            contact_due=event.contact_due or incident.contact_due,
            removal_due=None if moved else event.removal_due or incident.removal_due,
            corrections=incident.corrections + (wrong.outcome == REACHED),
        ),
    )


@changes.on(e.IncidentRemoved)
def _incident_removed(case: Case, event: e.IncidentRemoved) -> None:
    _move(case, "remove", event)


@changes.on(e.IncidentRefused)
def _incident_refused(case: Case, event: e.IncidentRefused) -> None:
    _move(case, "refuse", event)


@changes.on(e.IncidentVoided)
def _incident_voided(case: Case, event: e.IncidentVoided) -> None:
    _move(case, "void", event)


@changes.on(e.StatementTakenBack)
def _statement_taken_back(case: Case, event: e.StatementTakenBack) -> None:
    incident = case.incidents[event.incident]
    _put(
        case,
        replace(
            incident,
            state=checked_incident("take_back", event.state_from, event.state_to),
            contact_due=event.contact_due or incident.contact_due,
            removal_due=event.removal_due,
            corrections=incident.corrections + 1,
        ),
    )


@changes.on(e.ClockLapsed)
def _clock_lapsed(case: Case, event: e.ClockLapsed) -> None:
    incident = case.incidents[event.incident]
    case.incidents[incident.n] = replace(
        incident,
        state=checked_incident("lapse", event.state_from, event.state_to),
        lapsed_at=event.recorded_at,
        suspension=event.suspension,
    )


@changes.on(e.IncidentReported)
def _incident_reported(case: Case, event: e.IncidentReported) -> None:
    incident = case.incidents[event.incident]
    case.incidents[incident.n] = replace(incident, reported_at=event.occurred_at)


@changes.on(e.RemovalSaid)
def _removal_said(case: Case, event: e.RemovalSaid) -> None:
    incident = case.incidents[event.incident]
    case.incidents[incident.n] = replace(incident, removal_said_at=event.recorded_at)


@changes.on(e.LinksRevoked)
def _links_revoked(case: Case, event: e.LinksRevoked) -> None:
    incident = case.incidents[event.incident]
    times = (incident.links_revoked or 0) + 1
    case.incidents[incident.n] = replace(incident, links_revoked=times)


@changes.on(e.AlarmRaised)
def _alarm_raised(case: Case, event: e.AlarmRaised) -> None:
    """Change nothing: an alarm has no effect on the case."""


def _move(case: Case, trigger: str, event: e.IncidentEvent) -> None:
    incident = case.incidents[event.incident]
    state = checked_incident(trigger, event.state_from, event.state_to)
    _put(case, replace(incident, state=state))


def _put(case: Case, incident: Incident) -> None:
    """Store the incident with the results of its contacts; release it if it leaves the queue."""
    due = incident.contact_due
    in_time = due is not None and any(c.tells and c.occurred_at <= due for c in incident.contacts)
    if in_time != incident.reached_in_time:
        incident = replace(incident, reached_in_time=in_time)
    case.incidents[incident.n] = incident
    if incident.state in _LEFT_THE_QUEUE:
        case.claims.pop(str(incident.n), None)
