"""The command that was asked for, found from the first event of its act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.case import Case
from incidents.machine.command import AUDIENCES, OUTCOMES

ELAPSE = c.Elapse()
"""The command of the clock, one object, so that it can be recognised."""


def asked(event: e.Event, case: Case) -> c.Command | None:
    """The command on `case` whose first event is `event`; None if no command has it.

    It may be another command with the same result. A person who settles each task of a closed site
    by hand, and then opens it, has done what one `approve` does.
    """
    build = _BUILT_FROM.get(type(event))
    return None if build is None else build(event, case)


def _logged(event: e.IncidentLogged, _: Case) -> c.Command:
    if event.recurs is not None:
        # As of `again` below.
        return c.Recur(
            by=event.by, incident=event.recurs, at=event.occurred_at, note=event.note, again=True
        )
    return c.Log(
        by=event.by,
        at=event.occurred_at,
        urls=event.urls,
        written=event.written,
        category=event.category,
        note=event.note,
        # Whether it was said is not on record; where there was no need, it changes nothing.
        again=True,
    )


def _imported(event: e.IncidentImported, _: Case) -> c.Command | None:
    if event.contact is not None and event.contact not in OUTCOMES:
        return None
    return c.ImportIncident(
        by=event.by,
        at=event.occurred_at,
        urls=event.urls,
        written=event.written,
        category=event.category,
        note=event.note,
        contact=event.contact,
        contact_at=event.contact_at,
        removed_at=event.removed_at,
    )


def _noted(event: e.NoteAdded, _: Case) -> c.Command | None:
    if event.audience not in AUDIENCES:
        return None
    return c.AddNote(
        by=event.by, incident=event.incident, audience=event.audience, text=event.text
    )  # fmt: skip


def _contact(event: e.ContactRecorded, _: Case) -> c.Command | None:
    if event.outcome not in OUTCOMES:
        return None
    return c.RecordContact(
        by=event.by,
        incident=None if event.whole_site else event.incident,
        outcome=event.outcome,
        at=event.occurred_at,
        note=event.note,
    )


def _shortens(event: e.ContactVoided | e.StatementTakenBack, case: Case) -> bool:
    """Whether an older program recorded it, in which a correction could shorten a period."""
    incident = case.incidents.get(event.incident)
    if incident is None:
        return False
    times = ((event.contact_due, incident.contact_due), (event.removal_due, incident.removal_due))
    return any(now and was and now < was for now, was in times)


def _refused(event: e.IncidentRefused, _: Case) -> c.Command:
    if event.reason is not None and event.reason.deadline is not None:
        return ELAPSE
    if event.asked_by is not None:
        return c.ConfirmClosure(by=event.by)
    return c.StateRefused(
        by=event.by, incident=event.incident, at=event.occurred_at, note=event.note
    )


def _closed(event: e.SiteClosed, _: Case) -> c.Command | None:
    """The statement for R4; a closure by another rule follows from an earlier command."""
    if event.field is None or event.evidence is None:
        return None
    if event.asked_by is not None:
        return c.ConfirmClosure(by=event.by)
    return c.StateFalse(by=event.by, field=event.field, evidence=event.evidence)


def _closure_asked(event: e.ClosureAsked, _: Case) -> c.Command | None:
    if event.incident is not None:
        return c.StateRefused(
            by=event.by, incident=event.incident, at=event.occurred_at, note=event.text
        )
    if event.field is None or event.text is None:
        return None
    return c.StateFalse(by=event.by, field=event.field, evidence=event.text)


def _claimed(event: e.ItemClaimed, case: Case) -> c.Command:
    held = case.claims.get(event.item)
    if event.holder == event.by and (held is None or held.by != event.by):
        return c.ClaimItem(by=event.by, item=event.item)
    return c.HandOver(by=event.by, to=event.holder)


_BUILT_FROM: dict[type[e.Event], Callable[[Any, Case], c.Command | None]] = {
    e.SiteAdded: lambda event, _: c.AddSite(
        by=event.by, phone=event.phone, email=event.email, person=event.person
    ),
    e.SiteEdited: lambda event, _: c.EditSite(
        by=event.by, phone=event.phone, email=event.email, person=event.person
    ),
    e.IncidentLogged: _logged,
    e.IncidentImported: _imported,
    e.EvidenceAttached: lambda event, _: c.Attach(
        by=event.by, incident=event.incident, digest=event.digest, size=event.size, name=event.name
    ),
    e.NoteAdded: _noted,
    e.ContactRecorded: _contact,
    e.ContactVoided: lambda event, case: c.VoidContact(
        by=event.by,
        incident=event.incident,
        contact=event.contact,
        reason=event.text,
        shortens=_shortens(event, case),
    ),
    e.IncidentRemoved: lambda event, _: c.StateRemoved(
        by=event.by, incident=event.incident, at=event.occurred_at, note=event.note
    ),
    e.IncidentRefused: _refused,
    e.IncidentVoided: lambda event, _: c.VoidIncident(
        by=event.by, incident=event.incident, reason=event.text
    ),
    e.StatementTakenBack: lambda event, case: c.TakeBack(
        by=event.by, incident=event.incident, reason=event.text, shortens=_shortens(event, case)
    ),
    e.ClockLapsed: lambda _, __: ELAPSE,
    e.SuspensionEnded: lambda _, __: ELAPSE,
    e.SiteClosed: _closed,
    e.ClosureAsked: _closure_asked,
    e.ClosureDeclined: lambda event, _: c.DeclineClosure(by=event.by, reason=event.text),
    e.ClosureUpheld: lambda event, _: c.Uphold(by=event.by, reason=event.text),
    # What is ordered once more with it is asked for by itself.
    e.HoldSet: lambda event, _: c.SetHold(by=event.by, reason=event.text, alone=True),
    e.HoldLifted: lambda event, _: c.LiftHold(by=event.by, reason=event.text),
    e.ReinstatementAsked: lambda event, _: c.AskReinstatement(by=event.by, reason=event.text),
    e.ReinstatementDeclined: lambda event, _: c.Decline(by=event.by, reason=event.text),
    e.SiteReinstated: lambda event, _: c.Approve(by=event.by),
    e.TaskCompleted: lambda event, _: c.CompleteTask(
        by=event.by, task=event.task, outcome=event.outcome, note=event.note
    ),
    e.ItemClaimed: _claimed,
    e.ItemReleased: lambda event, _: c.ReleaseItem(by=event.by, item=event.item),
    e.IncidentReported: lambda event, _: c.StateReported(
        by=event.by, incident=event.incident, at=event.occurred_at, note=event.note
    ),
    e.RemovalSaid: lambda event, _: c.SayRemoved(
        by=event.by, incident=event.incident, note=event.note
    ),
    e.LinksRevoked: lambda event, _: c.RevokeLinks(by=event.by, incident=event.incident),
    e.OrderDelivered: lambda event, _: c.RecordDelivery(
        by=event.by,
        order=event.order,
        lane=event.lane,
        adapter=event.adapter,
        attempts=event.attempts,
        enforced=event.enforced,
    ),
    e.OrderFailed: lambda event, _: c.RecordFailure(
        by=event.by,
        order=event.order,
        lane=event.lane,
        adapter=event.adapter,
        attempts=event.attempts,
        problem=event.problem,
    ),
    e.OrderCancelled: lambda event, _: c.CancelOrder(
        by=event.by,
        order=event.order,
        lane=event.lane,
        why=event.why,
        tried=event.tried,
        reason=event.text,
    ),
    e.OrderRetried: lambda event, _: c.RetryOrder(by=event.by, order=event.order, lane=event.lane),
    e.StateSeen: lambda event, case: c.RecordState(
        by=event.by,
        adapter=event.adapter,
        seen=event.seen,
        in_force=case.in_force,
        last_act=case.last_act,
    ),
    e.FilingChanged: lambda event, _: c.ChangeFiling(by=event.by, details=event.details),
    e.FilingReminded: lambda event, _: c.Remind(by=event.by, on=event.on),
    e.SuspicionRaised: lambda event, _: c.RaiseSuspicion(
        by=event.by, field=event.field, finding=event.finding
    ),
    e.FooterSeen: lambda event, _: c.RecordFooter(by=event.by, problems=event.problems),
    # An older record has no cancellation beside it, and nothing in the entry tells how old it is:
    # that of a newer one is asked for by itself.
    e.OrderRepeated: lambda event, _: c.RepeatOrder(by=event.by, alone=True, tells=event.tells),
}
