"""Closing a site on a person's statement (R4, R5), and the actions that follow a closure.

The policy decides whether one or two people must agree to close a site. A closure can then be
upheld, or the site reinstated.
"""

from __future__ import annotations

from datetime import datetime

from incidents.machine import commands
from incidents.machine import decider as checks
from incidents.machine import events as e
from incidents.machine.case import ClosureRequest, Request
from incidents.machine.decider import Decider, open_calls_to_customer, open_task
from incidents.machine.events import Reason
from incidents.machine.handlers import Handlers
from incidents.machine.refusal import RefusedError
from incidents.machine.rules import closure_grounds
from incidents.machine.state import move_incident, move_site
from incidents.values.incident_states import GONE

decisions = Handlers[Decider]()


@decisions.on(commands.StateFalse)
def state_false(decider: Decider, command: commands.StateFalse) -> None:
    """Record that a filed detail is false (R4).

    This closes the site or, if the policy requires two people, requests its closure.
    """
    checks.site_is_open(decider, "false-info")
    if not decider.policy.two_people_close:
        _close_by_false_info(decider, command.field, command.evidence)
        return
    _ask_closure(decider)
    decider.add(e.ClosureAsked, field=command.field, text=command.evidence)


@decisions.on(commands.StateRefused)
def state_refused(decider: Decider, command: commands.StateRefused) -> None:
    """Record that a customer who was told refuses to delete (R5).

    This closes the site or, if the policy requires two people, requests its closure.
    """
    at = _refusal_at(decider, command)
    if not decider.policy.two_people_close:
        _close_by_refusal(decider, command.incident, at, command.note)
        return
    _ask_closure(decider)
    decider.add(e.ClosureAsked, at=at, incident=command.incident, text=command.note)


@decisions.on(commands.ConfirmClosure)
def confirm_closure(decider: Decider, command: commands.ConfirmClosure) -> None:
    """Close the site, as another person has requested.

    The reason for the request still holds, because a request without a reason is dropped (see
    `site_changes`).
    """
    checks.site_is_open(decider, "confirm-closure")
    request = _closure_request(decider)
    checks.another_person(request.by, command.by)
    if request.incident is not None:
        _close_by_refusal(
            decider, request.incident, request.said_at, request.text, asked_by=request.by
        )
        return
    assert request.field is not None
    assert request.text is not None
    _close_by_false_info(decider, request.field, request.text, asked_by=request.by)


@decisions.on(commands.DeclineClosure)
def decline_closure(decider: Decider, command: commands.DeclineClosure) -> None:
    """Decline another person's closure request, or withdraw your own."""
    _closure_request(decider)
    decider.add(e.ClosureDeclined, text=command.reason)


@decisions.on(commands.AskReinstatement)
def ask_reinstatement(decider: Decider, command: commands.AskReinstatement) -> None:
    """Request that a closed site be opened again; another person decides."""
    case = decider.case
    if not case.closed:
        raise RefusedError("site_not_closed", site=case.site, state=case.state)
    if case.held:
        raise RefusedError("held", site=case.site)
    if case.request is not None:
        raise RefusedError("already_requested", site=case.site, by=case.request.by)
    decider.add(e.ReinstatementAsked, text=command.reason)


@decisions.on(commands.Approve)
def approve_reinstatement(decider: Decider, command: commands.Approve) -> None:
    """Reinstate the site: all counts start from zero, and a task lists the unsettled incidents."""
    case = decider.case
    if case.held:
        raise RefusedError("held", site=case.site)
    request = _request_of_another(decider, command.by)
    for task in list(case.tasks.values()):
        if task.kind in ("tell", "recheck") and task.done_at is None:
            decider.add(e.TaskCompleted, task=task.n, outcome="superseded")
    decider.add(
        e.SiteReinstated,
        site_from=case.state,
        site_to=move_site(case.state, "reinstate", case),
        asked_by=request.by,
    )
    unsettled = (i.n for i in case.incidents.values() if i.state not in GONE)
    open_task(decider, "recheck", tuple(sorted(unsettled)))


@decisions.on(commands.Decline)
def decline_reinstatement(decider: Decider, command: commands.Decline) -> None:
    """Decline the reinstatement; the site stays closed."""
    _request_of_another(decider, command.by)
    decider.add(e.ReinstatementDeclined, text=command.reason)


@decisions.on(commands.Uphold)
def uphold_closure(decider: Decider, command: commands.Uphold) -> None:
    """Uphold a disputed closure, with the count of grounds that still hold."""
    case = decider.case
    if case.closure is None or not case.disputed:
        raise RefusedError("not_disputed", site=case.site)
    decider.add(
        e.ClosureUpheld, counted=closure_grounds.still_met(case, case.closure), text=command.reason
    )  # fmt: skip
    tasks = open_calls_to_customer(decider)
    if tasks:
        decider.remark("tell_again", tasks=tasks)


def refusal_reason(
    decider: Decider,
    incident: int,
    *,
    deadline: datetime | None = None,
    said_at: datetime | None = None,
) -> Reason:
    """The reason for a closure under R5: the customer was told, and refused.

    Its `since` is the time of the refusal if that was before the decision. If the removal deadline
    lapsed, `since` is when the customer's time to delete began; a contact after that does not count
    for this deadline.
    """
    return Reason(
        rule="refusal",
        incidents=(incident,),
        counted=2,
        needed=2,
        since=None if said_at is None or said_at >= decider.now else said_at,
        deadline=deadline,
        decided_at=decider.now,
    )


def _refusal_at(decider: Decider, command: commands.StateRefused) -> datetime:
    """The checked time of the refusal; refuse unless the customer was told before that time."""
    incident = checks.known_incident(decider, command.incident)
    at = checks.time_of(decider, command.at)
    checks.site_is_open(decider, "refused")
    checks.state_allows(decider, incident, "refuse", "refused")
    checks.not_before(incident, at)
    told_at = min(contact.occurred_at for contact in incident.contacts if contact.tells)
    if at < told_at:
        raise RefusedError("before_told", at=at, told_at=told_at)
    return at


def _ask_closure(decider: Decider) -> None:
    """Refuse a second closure request: the person who confirms must know which one they confirm."""
    case = decider.case
    if case.closure_request is not None:
        raise RefusedError("closure_asked", site=case.site, by=case.closure_request.by)
    decider.remark("waits_for_second", site=case.site)


def _closure_request(decider: Decider) -> ClosureRequest:
    request = decider.case.closure_request
    if request is None:
        raise RefusedError("no_closure_asked", site=decider.case.site)
    return request


def _request_of_another(decider: Decider, person: str) -> Request:
    request = decider.case.request
    if request is None:
        raise RefusedError("no_request", site=decider.case.site)
    checks.another_person(request.by, person)
    return request


def _close_by_false_info(
    decider: Decider, field: str, evidence: str, *, asked_by: str | None = None
) -> None:
    state = decider.case.state
    decider.add(
        e.SiteClosed,
        site_from=state,
        site_to=move_site(state, "state_false"),
        field=field,
        evidence=evidence,
        asked_by=asked_by,
        reason=Reason(rule="false_info", decided_at=decider.now),
    )


def _close_by_refusal(
    decider: Decider, n: int, at: datetime, note: str | None, *, asked_by: str | None = None
) -> None:
    incident, state = decider.case.incidents[n], decider.case.state
    reason = refusal_reason(decider, n, said_at=at)
    decider.add(
        e.IncidentRefused,
        at=at,
        incident=n,
        state_from=incident.state,
        state_to=move_incident(incident.state, "refuse"),
        note=note,
        asked_by=asked_by,
        reason=reason,
    )
    decider.add(
        e.SiteClosed,
        site_from=state,
        site_to=move_site(state, "refuse"),
        asked_by=asked_by,
        reason=reason,
    )
