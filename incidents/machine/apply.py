"""How an event changes a case: the only way that one ever changes, live and in a replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from incidents.machine import events as e
from incidents.machine.case import (
    REACHED,
    Case,
    Claim,
    Closure,
    Contact,
    Evidence,
    Hold,
    Incident,
    Request,
    Suspension,
    Task,
)
from incidents.machine.ids import DISPUTED, REINSTATEMENT
from incidents.machine.state import checked_incident, checked_site

IMPORTED = 0
"""The epoch of an incident that was imported: before all that the desk has lived through."""

_LEFT_THE_QUEUE = frozenset({"removed", "refused", "voided"})
_HANDLERS: dict[type[e.Event], Callable[[Case, Any], None]] = {}

E = TypeVar("E", bound=e.Event)
Handler = Callable[[Case, E], None]


def apply(case: Case, event: e.Event) -> None:
    """Change `case` as `event` says.

    Raises:
        ImpossibleMoveError: the event records a move that the tables of `state` do not have.
    """
    _HANDLERS[type(event)](case, event)
    if event.run is not None:
        case.run = event.run
    case.last_entry_at = event.recorded_at
    case.seq += 1


def _on(kind: type[E]) -> Callable[[Handler[E]], Handler[E]]:
    def register(handler: Handler[E]) -> Handler[E]:
        _HANDLERS[kind] = handler
        return handler

    return register


# The site's details.


@_on(e.SiteAdded)
def _site_added(case: Case, event: e.SiteAdded) -> None:
    case.created_at = event.recorded_at
    case.phone, case.email, case.person = event.phone, event.email, event.person


@_on(e.SiteEdited)
def _site_edited(case: Case, event: e.SiteEdited) -> None:
    case.phone = event.phone or case.phone
    case.email = event.email or case.email
    case.person = event.person or case.person


# Incidents.


@_on(e.IncidentLogged)
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
    )


@_on(e.IncidentImported)
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
        contacts=contacts,
    )


@_on(e.EvidenceAttached)
def _evidence_attached(case: Case, event: e.EvidenceAttached) -> None:
    evidence = Evidence(
        digest=event.digest, size=event.size, name=event.name,
        recorded_at=event.recorded_at, by=event.by,
    )  # fmt: skip
    incident = case.incidents[event.incident]
    case.incidents[incident.n] = replace(incident, evidence=(*incident.evidence, evidence))


@_on(e.ContactRecorded)
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


@_on(e.ContactVoided)
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
            contact_due=_deadline(incident, event.state_to, moved, event.contact_due),
            removal_due=None if moved else incident.removal_due,
            corrections=incident.corrections + (wrong.outcome == REACHED),
        ),
    )


@_on(e.IncidentRemoved)
def _incident_removed(case: Case, event: e.IncidentRemoved) -> None:
    _move(case, "remove", event)


@_on(e.IncidentRefused)
def _incident_refused(case: Case, event: e.IncidentRefused) -> None:
    _move(case, "refuse", event)


@_on(e.IncidentVoided)
def _incident_voided(case: Case, event: e.IncidentVoided) -> None:
    _move(case, "void", event)


@_on(e.StatementTakenBack)
def _statement_taken_back(case: Case, event: e.StatementTakenBack) -> None:
    incident = case.incidents[event.incident]
    _put(
        case,
        replace(
            incident,
            state=checked_incident("take_back", event.state_from, event.state_to),
            contact_due=_deadline(incident, event.state_to, True, event.contact_due),
            removal_due=event.removal_due,
            corrections=incident.corrections + 1,
        ),
    )


@_on(e.ClockLapsed)
def _clock_lapsed(case: Case, event: e.ClockLapsed) -> None:
    incident = case.incidents[event.incident]
    case.incidents[incident.n] = replace(
        incident,
        state=checked_incident("lapse", event.state_from, event.state_to),
        lapsed_at=event.recorded_at,
        suspension=event.suspension,
    )


@_on(e.AlarmRaised)
def _alarm_raised(case: Case, event: e.AlarmRaised) -> None:
    """An alarm is heard, and leaves the case as it is."""


def _move(case: Case, trigger: str, event: e.IncidentEvent) -> None:
    incident = case.incidents[event.incident]
    state = checked_incident(trigger, event.state_from, event.state_to)
    _put(case, replace(incident, state=state))


def _put(case: Case, incident: Incident) -> None:
    """Store the incident with what follows from its contacts; its claim ends when it leaves."""
    due = incident.contact_due
    in_time = due is not None and any(c.tells and c.occurred_at <= due for c in incident.contacts)
    if in_time != incident.reached_in_time:
        incident = replace(incident, reached_in_time=in_time)
    case.incidents[incident.n] = incident
    if incident.state in _LEFT_THE_QUEUE:
        case.claims.pop(str(incident.n), None)


def _deadline(
    incident: Incident, state: str, moved: bool, fresh: datetime | None
) -> datetime | None:
    """An incident that is open again has the fresh hour, or no clock; else its deadline stays."""
    return fresh if moved and state == "open" else incident.contact_due


# Suspensions.


@_on(e.SiteSuspended)
def _site_suspended(case: Case, event: e.SiteSuspended) -> None:
    case.state = checked_site("lapse", event.site_from, event.site_to)
    case.last_suspension = case.running = event.suspension
    case.suspensions[event.suspension] = Suspension(
        n=event.suspension,
        epoch=case.epoch,
        starter=event.incident,
        due=event.due,
        made_at=event.recorded_at,
        until=event.until,
    )


@_on(e.SuspensionEnded)
def _suspension_ended(case: Case, event: e.SuspensionEnded) -> None:
    case.state = checked_site("end_suspension", event.site_from, event.site_to)
    _end(case, event.recorded_at)


@_on(e.SuspensionStruck)
def _suspension_struck(case: Case, event: e.SuspensionStruck) -> None:
    case.state = checked_site("strike", event.site_from, event.site_to)
    if event.ended:
        _end(case, event.recorded_at)
    _strike(case, event.suspension, struck=True)


@_on(e.SuspensionRestored)
def _suspension_restored(case: Case, event: e.SuspensionRestored) -> None:
    _strike(case, event.suspension, struck=False)


def _end(case: Case, now: datetime) -> None:
    suspension = case.suspension
    if suspension is not None:
        case.suspensions[suspension.n] = replace(suspension, ended_at=now)
        case.running = None


def _strike(case: Case, n: int, *, struck: bool) -> None:
    case.suspensions[n] = replace(case.suspensions[n], struck=struck)


# Closures, disputes, holds, reinstatement.


@_on(e.SiteClosed)
def _site_closed(case: Case, event: e.SiteClosed) -> None:
    reason = event.reason
    assert reason is not None
    case.state = checked_site(_CLOSED_BY[reason.rule], event.site_from, event.site_to)
    _end(case, event.recorded_at)
    if event.suspension is not None:
        assert event.incident is not None
        assert event.due is not None
        case.last_suspension = event.suspension
        case.suspensions[event.suspension] = Suspension(
            n=event.suspension,
            epoch=case.epoch,
            starter=event.incident,
            due=event.due,
            made_at=event.recorded_at,
            ended_at=event.recorded_at,
            closed=True,
        )
    case.closure = Closure(
        rule=reason.rule,
        at=event.recorded_at,
        incidents=reason.incidents,
        needed=reason.needed or 1,
        policy=event.policy,
        within=reason.within,
        suspension=event.suspension,
        total=event.total,
    )


_CLOSED_BY = {
    "repeat": "log",
    "unreachable_run": "lapse",
    "false_info": "state_false",
    "refusal": "refuse",
}


@_on(e.ClosureDisputed)
def _closure_disputed(case: Case, _: e.ClosureDisputed) -> None:
    case.disputed = True


@_on(e.DisputeSettled)
def _dispute_settled(case: Case, _: e.DisputeSettled) -> None:
    _settle(case)


@_on(e.ClosureUpheld)
def _closure_upheld(case: Case, event: e.ClosureUpheld) -> None:
    assert case.closure is not None
    case.closure = replace(case.closure, upheld_at=event.counted)
    _settle(case)


def _settle(case: Case) -> None:
    case.disputed = False
    case.claims.pop(DISPUTED, None)


@_on(e.HoldSet)
def _hold_set(case: Case, event: e.HoldSet) -> None:
    case.state = checked_site("hold", event.site_from, event.site_to)
    case.hold = Hold(by=event.by, at=event.recorded_at, reason=event.text)


@_on(e.HoldLifted)
def _hold_lifted(case: Case, event: e.HoldLifted) -> None:
    case.state = checked_site("lift_hold", event.site_from, event.site_to)
    case.hold = None


@_on(e.ReinstatementAsked)
def _reinstatement_asked(case: Case, event: e.ReinstatementAsked) -> None:
    case.request = Request(by=event.by, at=event.recorded_at, reason=event.text)


@_on(e.ReinstatementDeclined)
def _reinstatement_declined(case: Case, _: e.ReinstatementDeclined) -> None:
    _answer(case)


@_on(e.SiteReinstated)
def _site_reinstated(case: Case, event: e.SiteReinstated) -> None:
    case.state = checked_site("reinstate", event.site_from, event.site_to)
    case.epoch += 1
    case.closure = None
    _settle(case)
    _answer(case)


def _answer(case: Case) -> None:
    case.request = None
    case.claims.pop(REINSTATEMENT, None)


# Tasks and claims.


@_on(e.TaskOpened)
def _task_opened(case: Case, event: e.TaskOpened) -> None:
    case.last_task = event.task
    case.tasks[event.task] = Task(
        n=event.task,
        kind=event.task_kind,
        epoch=case.epoch,
        incidents=event.incidents,
        opened_at=event.recorded_at,
    )


@_on(e.TaskCompleted)
def _task_completed(case: Case, event: e.TaskCompleted) -> None:
    case.tasks[event.task] = replace(
        case.tasks[event.task],
        done_at=event.recorded_at,
        outcome=event.outcome,
        note=event.note,
        by=event.by,
    )
    case.claims.pop(f"t{event.task}", None)


@_on(e.ItemClaimed)
def _item_claimed(case: Case, event: e.ItemClaimed) -> None:
    case.claims[event.item] = Claim(by=event.holder, at=event.recorded_at)


@_on(e.ItemReleased)
def _item_released(case: Case, event: e.ItemReleased) -> None:
    case.claims.pop(event.item, None)
