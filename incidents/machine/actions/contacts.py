"""Actions on contacts (R2), and actions that undo a wrong contact, incident or statement."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from incidents.machine import commands
from incidents.machine import decider as checks
from incidents.machine import events as e
from incidents.machine.command import REACHED
from incidents.machine.decider import Decider, complete_rechecks, open_task, recount
from incidents.machine.handlers import Handlers
from incidents.machine.incident import Contact, Incident
from incidents.machine.refusal import RefusedError
from incidents.machine.state import can_move_incident, move_incident
from incidents.values.ids import contact_id

decisions = Handlers[Decider]()


@decisions.on(commands.RecordContact)
def record_contact(decider: Decider, command: commands.RecordContact) -> None:
    """Record a contact about one incident, or one call about all that need contact (R2)."""
    if command.incident is None:
        _record_for_site(decider, command)
        return
    incident = checks.known_incident(decider, command.incident)
    at = checks.time_of(decider, command.at)
    if incident.state == "voided":
        checks.refuse_state(decider, incident, "contact", ["not voided"])
    checks.not_before(incident, at)
    _record(decider, incident, command, at, whole_site=False)


@decisions.on(commands.VoidContact)
def void_contact(decider: Decider, command: commands.VoidContact) -> None:
    """Void a wrong contact record; if that contact had stopped a clock, a new clock starts (R2)."""
    incident = checks.known_incident(decider, command.incident)
    contact = next((c for c in incident.contacts if c.n == command.contact), None)
    if contact is None:
        raise RefusedError(
            "unknown_contact", incident=decider.name(incident.n), contact=command.contact
        )
    if not contact.stands:
        named = contact_id(decider.case.site_id, incident.n, contact.n)
        raise RefusedError("already_voided", contact=named)
    others = tuple(each for each in incident.contacts if each is not contact)
    left = replace(incident, contacts=others)
    state_to = move_incident(incident.state, "void_contact", left)
    fresh = _fresh_hour(decider, incident, state_to, shortens=command.shortens)
    decider.add(
        e.ContactVoided,
        incident=incident.n,
        state_from=incident.state,
        state_to=state_to,
        contact=contact.n,
        text=command.reason,
        fresh_hour=fresh is not None,
        contact_due=fresh,
        removal_due=_later_removal_due(decider, incident, contact)
        if state_to == "notified"
        else None,
    )
    recount(decider, incident.n)
    _show_supervisor(decider, incident)


@decisions.on(commands.VoidIncident)
def void_incident(decider: Decider, command: commands.VoidIncident) -> None:
    """Void an incident: it no longer counts, and everything based on it is recalculated."""
    incident = checks.known_incident(decider, command.incident)
    checks.state_allows(decider, incident, "void", "void")
    decider.add(
        e.IncidentVoided,
        incident=incident.n,
        state_from=incident.state,
        state_to=move_incident(incident.state, "void"),
        text=command.reason,
    )
    recount(decider, incident.n)
    complete_rechecks(decider)


def _last_contact(decider: Decider, incident: Incident) -> dict[str, str]:
    """The incident's last contact that can be voided, as a fact."""
    standing = [each.n for each in incident.contacts if each.stands]
    if not standing or not can_move_incident(incident.state, "void_contact"):
        return {}
    return {"contact": contact_id(decider.case.site_id, incident.n, standing[-1])}


@decisions.on(commands.TakeBack)
def take_back(decider: Decider, command: commands.TakeBack) -> None:
    """Withdraw a recorded removal or refusal: the incident gets the state that its facts imply."""
    incident = checks.known_incident(decider, command.incident)
    if not can_move_incident(incident.state, "take_back"):
        raise RefusedError(
            "nothing_to_take_back", incident=decider.name(incident.n), state=incident.state,
            **_only_requested(decider, incident), **_last_contact(decider, incident),
        )  # fmt: skip
    state_to = move_incident(incident.state, "take_back", incident)
    fresh = _fresh_hour(decider, incident, state_to, shortens=command.shortens)
    decider.add(
        e.StatementTakenBack,
        incident=incident.n,
        state_from=incident.state,
        state_to=state_to,
        text=command.reason,
        fresh_hour=fresh is not None,
        contact_due=fresh,
        removal_due=_fresh_removal_due(decider, incident, shortens=command.shortens)
        if state_to == "notified"
        else None,
    )
    recount(decider, incident.n)
    _show_supervisor(decider, incident)


def _only_requested(decider: Decider, incident: Incident) -> dict[str, str]:
    """The closure request for the incident's refusal: it can be declined, not taken back."""
    request, site = decider.case.closure_request, decider.case.site
    if request is None or request.incident != incident.n:
        return {}
    return {"asked_by": request.by, "site": site}


def _record_for_site(decider: Decider, command: commands.RecordContact) -> None:
    at = checks.time_of(decider, command.at)
    waiting = [i for i in decider.case.incidents.values() if can_move_incident(i.state, "reach")]
    covered = [incident for incident in waiting if incident.occurred_at <= at]
    if not covered:
        raise RefusedError("nobody_to_tell", site=decider.case.site, at=at)
    rest = [decider.name(incident.n) for incident in waiting if incident.occurred_at > at]
    for incident in sorted(covered, key=lambda incident: incident.n):
        _record(decider, incident, command, at, whole_site=True)
    if rest:
        decider.remark("not_covered", incidents=tuple(rest))


def _record(
    decider: Decider,
    incident: Incident,
    command: commands.RecordContact,
    at: datetime,
    *,
    whole_site: bool,
) -> None:
    case = decider.case
    reached = command.outcome == REACHED
    state_to = move_incident(incident.state, "reach") if reached else incident.state
    decider.add(
        e.ContactRecorded,
        at=at,
        incident=incident.n,
        state_from=incident.state,
        state_to=state_to,
        contact=len(incident.contacts) + 1,
        outcome=command.outcome,
        stopped_clock=reached and case.clock_runs(incident),
        whole_site=whole_site,
        removal_due=removal_deadline(decider, incident) if state_to != incident.state else None,
        note=command.note,
    )
    after = case.incidents[incident.n]
    if after.reached_in_time or case.closed:
        recount(decider, incident.n)
    due = case.contact_due(incident)
    if state_to != incident.state == "unreached" and command.at is None and due is not None:
        decider.remark("too_late", incident=decider.name(incident.n), due=due)


def removal_deadline(decider: Decider, incident: Incident) -> datetime | None:
    """The deadline after which a notified incident counts as refused (R5).

    None if the policy sets none, for a closed site, and for an incident from before its
    reinstatement.
    """
    within = decider.policy.removal_within
    if within is None or decider.case.closed or incident.epoch != decider.case.epoch:
        return None
    return decider.now + within


def _fresh_hour(
    decider: Decider, incident: Incident, state_to: str, *, shortens: bool
) -> datetime | None:
    """A new contact deadline for an incident that is open again; None if no clock can run.

    The desk's mistake must not shorten the customer's time: unless the command `shortens` it, the
    new deadline is never earlier than the previous one.
    """
    case = decider.case
    if state_to != "open" or incident.state == "open":
        return None
    if case.closed or incident.epoch != case.epoch:
        return None
    fresh = decider.now + decider.policy.unreachable_within
    return fresh if shortens else _later(fresh, incident.contact_due)


def _fresh_removal_due(decider: Decider, incident: Incident, *, shortens: bool) -> datetime | None:
    """A new removal deadline (R5), counted from now; None if the policy sets none."""
    fresh = removal_deadline(decider, incident)
    return fresh if shortens or fresh is None else _later(fresh, incident.removal_due)


def _later(fresh: datetime, due: datetime | None) -> datetime:
    return fresh if due is None else max(fresh, due)


def _later_removal_due(decider: Decider, incident: Incident, voided: Contact) -> datetime | None:
    """A later removal deadline (R5) after the contact that started it was voided.

    The deadline is then counted from the recording of the next contact that reached somebody; None
    if it does not change.
    """
    within = decider.policy.removal_within
    if (
        incident.removal_due is None
        or within is None
        or removal_deadline(decider, incident) is None
    ):
        return None
    telling = [contact for contact in incident.contacts if contact.tells]
    if len(telling) < 2 or telling[0] != voided:
        return None
    left = telling[1].recorded_at + within
    return left if left > incident.removal_due else None


def _show_supervisor(decider: Decider, before: Incident) -> None:
    """Open a review task for a supervisor after the second correction of an incident (R2)."""
    if decider.case.incidents[before.n].corrections > max(before.corrections, 1):
        open_task(decider, "review", (before.n,))
