"""The effects of events on a site: its details, suspensions, closure, hold, tasks and claims."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from incidents.machine import events as e
from incidents.machine.case import (
    Case,
    Claim,
    Closure,
    ClosureRequest,
    Hold,
    Request,
    Suspension,
    Task,
)
from incidents.machine.handlers import Handlers
from incidents.machine.incident import Incident
from incidents.machine.state import checked_site
from incidents.values.ids import CLOSURE, DISPUTED, REINSTATEMENT

changes = Handlers[Case]()


@changes.on(e.SiteAdded)
def _site_added(case: Case, event: e.SiteAdded) -> None:
    case.created_at = event.recorded_at
    case.phone, case.email, case.person = event.phone, event.email, event.person


@changes.on(e.SiteEdited)
def _site_edited(case: Case, event: e.SiteEdited) -> None:
    case.phone = event.phone or case.phone
    case.email = event.email or case.email
    case.person = event.person or case.person


@changes.on(e.SiteSuspended)
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


@changes.on(e.SuspensionEnded)
def _suspension_ended(case: Case, event: e.SuspensionEnded) -> None:
    case.state = checked_site("end_suspension", event.site_from, event.site_to)
    _end(case, event.recorded_at)


@changes.on(e.SuspensionStruck)
def _suspension_struck(case: Case, event: e.SuspensionStruck) -> None:
    case.state = checked_site("strike", event.site_from, event.site_to)
    if event.ended:
        _end(case, event.recorded_at)
    _strike(case, event.suspension, struck=True)


@changes.on(e.SuspensionRestored)
def _suspension_restored(case: Case, event: e.SuspensionRestored) -> None:
    _strike(case, event.suspension, struck=False)


def _end(case: Case, now: datetime) -> None:
    suspension = case.suspension
    if suspension is not None:
        case.suspensions[suspension.n] = replace(suspension, ended_at=now)
        case.running = None


def _strike(case: Case, n: int, *, struck: bool) -> None:
    case.suspensions[n] = replace(case.suspensions[n], struck=struck)


@changes.on(e.SiteClosed)
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
        said_at=reason.since if reason.rule == "refusal" else None,
    )


_CLOSED_BY = {
    "repeat": "log",
    "unreachable_run": "lapse",
    "false_info": "state_false",
    "refusal": "refuse",
}


@changes.on(e.ClosureAsked)
def _closure_asked(case: Case, event: e.ClosureAsked) -> None:
    case.closure_request = ClosureRequest(
        by=event.by,
        at=event.recorded_at,
        said_at=event.occurred_at,
        incident=event.incident,
        field=event.field,
        text=event.text,
    )


@changes.on(e.ClosureDeclined)
def _closure_declined(case: Case, _: e.ClosureDeclined) -> None:
    _drop_closure_request(case)


def drop_lapsed_request(case: Case) -> None:
    """Drop a closure request once the site is closed or the customer no longer counts as refusing.

    The cause can be a removal, or a voided incident or contact.
    """
    request = case.closure_request
    if request is None:
        return
    # What is no part of this slice of the history has not moved.
    refused = case.incidents.get(request.incident or 0)
    if case.closed or (refused is not None and not _may_still_refuse(refused, request.said_at)):
        _drop_closure_request(case)


def _may_still_refuse(incident: Incident, said_at: datetime) -> bool:
    """Whether the incident is notified, and the customer was told no later than they refused."""
    told = (contact.occurred_at for contact in incident.contacts if contact.tells)
    return incident.state == "notified" and any(at <= said_at for at in told)


def _drop_closure_request(case: Case) -> None:
    case.closure_request = None
    case.claims.pop(CLOSURE, None)


@changes.on(e.ClosureDisputed)
def _closure_disputed(case: Case, _: e.ClosureDisputed) -> None:
    case.disputed = True


@changes.on(e.DisputeSettled)
def _dispute_settled(case: Case, event: e.DisputeSettled) -> None:
    _settle(case)
    # Met again in full, the closure needs no upholding: the next doubt is a new one.
    if case.closure is not None and not event.upheld:
        case.closure = replace(case.closure, upheld_at=None)


@changes.on(e.ClosureUpheld)
def _closure_upheld(case: Case, event: e.ClosureUpheld) -> None:
    assert case.closure is not None
    case.closure = replace(case.closure, upheld_at=event.counted)
    _settle(case)


def _settle(case: Case) -> None:
    case.disputed = False
    case.claims.pop(DISPUTED, None)


@changes.on(e.HoldSet)
def _hold_set(case: Case, event: e.HoldSet) -> None:
    case.state = checked_site("hold", event.site_from, event.site_to)
    case.hold = Hold(by=event.by, at=event.recorded_at, reason=event.text)


@changes.on(e.HoldLifted)
def _hold_lifted(case: Case, event: e.HoldLifted) -> None:
    case.state = checked_site("lift_hold", event.site_from, event.site_to)
    case.hold = None


@changes.on(e.ReinstatementAsked)
def _reinstatement_asked(case: Case, event: e.ReinstatementAsked) -> None:
    case.request = Request(by=event.by, at=event.recorded_at, reason=event.text)


@changes.on(e.ReinstatementDeclined)
def _reinstatement_declined(case: Case, _: e.ReinstatementDeclined) -> None:
    _answer(case)


@changes.on(e.SiteReinstated)
def _site_reinstated(case: Case, event: e.SiteReinstated) -> None:
    case.state = checked_site("reinstate", event.site_from, event.site_to)
    case.epoch += 1
    case.closure = None
    _settle(case)
    _answer(case)


def _answer(case: Case) -> None:
    case.request = None
    case.claims.pop(REINSTATEMENT, None)


@changes.on(e.TaskOpened)
def _task_opened(case: Case, event: e.TaskOpened) -> None:
    case.last_task = event.task
    case.tasks[event.task] = Task(
        n=event.task,
        kind=event.task_kind,
        epoch=case.epoch,
        incidents=event.incidents,
        opened_at=event.recorded_at,
        about=event.about,
    )


@changes.on(e.TaskCompleted)
def _task_completed(case: Case, event: e.TaskCompleted) -> None:
    case.tasks[event.task] = replace(
        case.tasks[event.task],
        done_at=event.recorded_at,
        outcome=event.outcome,
        note=event.note,
        by=event.by,
    )
    case.claims.pop(f"t{event.task}", None)


@changes.on(e.ItemClaimed)
def _item_claimed(case: Case, event: e.ItemClaimed) -> None:
    case.claims[event.item] = Claim(by=event.holder, at=event.recorded_at)


@changes.on(e.ItemReleased)
def _item_released(case: Case, event: e.ItemReleased) -> None:
    case.claims.pop(event.item, None)
