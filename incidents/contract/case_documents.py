"""The documents of a case: site, incident, event and order as values for JSON.

The command line, the API, the outbox and stored answers show these documents. Text that people
wrote is given as references to sealed values.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from incidents.clock import rfc3339
from incidents.machine.case import Case
from incidents.machine.events import Event, Reason
from incidents.machine.incident import Contact, Evidence, Incident, Note
from incidents.machine.orders import Order
from incidents.machine.rules import deadlines
from incidents.values.ids import contact_id, incident_id, item_id, order_id, task_id
from incidents.values.web_address import as_written

if TYPE_CHECKING:
    from incidents.contract.documents.actions import Event as EventDocument
    from incidents.contract.documents.actions import Reason as ReasonDocument
    from incidents.contract.documents.sites import Contact as ContactDocument
    from incidents.contract.documents.sites import Evidence as EvidenceDocument
    from incidents.contract.documents.sites import Incident as IncidentDocument
    from incidents.contract.documents.sites import IncidentState, InForce, Site, SiteState
    from incidents.contract.documents.sites import Note as NoteDocument


def site_document(case: Case, run: int) -> Site:
    """The document of a site; `run` is the number of misses under the active policy (R3).

    `asked_by`: the person who requested the closure of an open site, or the reinstatement of a
    closed one, and waits for a second person.
    """
    waiting = case.closure_request or case.request
    return {
        "id": case.site_id,
        "site": case.site,
        "state": cast("SiteState", case.state),
        "in_force": cast("InForce", case.in_force),
        "rule": case.rule,
        "suspended_until": _time(case.suspended_until),
        "run": run,
        "disputed": case.disputed,
        "held": case.held,
        "closed_at": _time(case.closed_at),
        "next_due": _time(deadlines.next_due(case)),
        "phone": case.phone,
        "email": case.email,
        "person": case.person,
        "asked_by": None if waiting is None else waiting.by,
    }


def incident_document(case: Case, incident: Incident) -> IncidentDocument:
    """The document of an incident.

    `contact_due` is null if the incident is older than the last reinstatement of its site.
    `urls_written` are the addresses as reported; the list is empty if all of them equal `urls`.
    """
    site_id = case.site_id
    return {
        "id": incident_id(site_id, incident.n),
        "site": case.site,
        "state": cast("IncidentState", incident.state),
        "occurred_at": rfc3339(incident.occurred_at),
        "recorded_at": rfc3339(incident.recorded_at),
        "contact_due": _time(case.contact_due(incident)),
        "removal_due": _time(incident.removal_due),
        "reported_at": _time(incident.reported_at),
        "removal_said_at": _time(incident.removal_said_at),
        "links_revoked": incident.links_revoked or 0,
        "by": incident.by,
        "category": incident.category,
        "note": incident.note,
        "urls": list(incident.urls),
        "urls_written": as_written(incident.urls, incident.written) if incident.written else [],
        "recurs": None if incident.recurs is None else incident_id(site_id, incident.recurs),
        "corrections": incident.corrections,
        "contacts": [_contact(site_id, incident, contact) for contact in incident.contacts],
        "evidence": [_evidence(evidence) for evidence in incident.evidence],
        "notes": [_note(note) for note in incident.notes],
    }


def event_document(site_id: int, event: Event, seq: int) -> EventDocument:
    """The document of an event, with the fields of its kind and the common ones.

    `seq` is the number of the event among the events of the site.
    """
    reason = event.reason
    common: EventDocument = {
        "seq": seq,
        "kind": event.kind,
        "occurred_at": rfc3339(event.occurred_at),
        "recorded_at": rfc3339(event.recorded_at),
        "by": event.by,
        "rule": None if reason is None else reason.rule,
        "reason": None if reason is None else _reason(site_id, reason),
        "policy": event.policy,
        "run": event.run,
    }
    own = {name: _named(site_id, event, name) for name in _own(event)}
    # The type lists the fields that all kinds have; it is open for those of one kind.
    return cast("EventDocument", {**common, **own})


def order_document(case: Case, order: Order) -> dict[str, str]:
    """The document of an order: names and references, but no text that people wrote."""
    id_ = case.site_id
    fields = {
        "site": case.site,
        "site_id": str(id_),
        "rule": order.rule,
        "incident": None if order.incident is None else incident_id(id_, order.incident),
        "suspension": None if order.suspension is None else str(order.suspension),
        "task": None if order.task is None else task_id(id_, order.task),
        "until": None if order.until is None else rfc3339(order.until),
    }
    return {name: value for name, value in fields.items() if value is not None}


def plain(value: Any) -> Any:
    """A value in JSON form: times in RFC 3339, durations in whole seconds."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, timedelta):
        return value // timedelta(seconds=1)
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value


def _contact(site_id: int, incident: Incident, contact: Contact) -> ContactDocument:
    due = incident.contact_due
    return {
        "id": contact_id(site_id, incident.n, contact.n),
        "outcome": contact.outcome,
        "occurred_at": rfc3339(contact.occurred_at),
        "recorded_at": rfc3339(contact.recorded_at),
        "by": contact.by,
        "voided": not contact.stands,
        "in_time": contact.tells and due is not None and contact.occurred_at <= due,
        "note": contact.note,
    }


def _evidence(evidence: Evidence) -> EvidenceDocument:
    return {
        "digest": evidence.digest,
        "size": evidence.size,
        "name": evidence.name,
        "recorded_at": rfc3339(evidence.recorded_at),
        "by": evidence.by,
    }


def _note(note: Note) -> NoteDocument:
    return {
        "audience": note.audience,
        "text": note.text,
        "recorded_at": rfc3339(note.recorded_at),
        "by": note.by,
    }


def _reason(site_id: int, reason: Reason) -> ReasonDocument:
    return {
        "rule": reason.rule,
        "incidents": [incident_id(site_id, n) for n in reason.incidents],
        "counted": reason.counted,
        "needed": reason.needed,
        "since": _time(reason.since),
        "until": _time(reason.until),
        "within_s": plain(reason.within),
        "deadline": _time(reason.deadline),
        "decided_at": _time(reason.decided_at),
    }


def _named(site_id: int, event: Event, name: str) -> Any:
    value = getattr(event, name)
    if value is None:
        return None
    if name in ("incident", "recurs"):
        return incident_id(site_id, value)
    if name == "incidents":
        return [incident_id(site_id, n) for n in value]
    if name == "contact" and isinstance(value, int):
        return contact_id(site_id, event.incident, value)  # type: ignore[attr-defined]  # has one
    if name == "task":
        return task_id(site_id, value)
    if name == "order":
        return order_id(site_id, value)
    if name == "details":
        return dict(value)
    if name == "item":
        return item_id(site_id, value)
    return plain(value)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _own(event: Event) -> list[str]:
    return [field.name for field in fields(event) if field.name not in _COMMON]


_COMMON = frozenset(field.name for field in fields(Event))
