"""The command of an action, derived from the action's first event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from incidents.contract.action import fields_of
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.case import Case
from incidents.machine.command import OUTCOMES, Choice

ELAPSE = c.Elapse()
"""The clock's command. There is only this object, so that callers can compare by identity."""


def command_of(event: e.Event, case: Case) -> c.Command | None:
    """Return the command on `case` whose first event is `event`; None if there is no such command.

    The command may differ from the original one if the result is the same: somebody who settles
    each task of a closed site and then opens the site has the result of one `approve`.
    """
    build = _UNLIKE.get(type(event))
    return _as_recorded(event) if build is None else build(event, case)


def _as_recorded(event: e.Event) -> c.Command | None:
    """Return the command that the event names, from its fields; None for an unknown code."""
    if event.command is None:
        return None
    given: dict[str, Any] = {"by": event.by}
    for field in fields_of(event.command):
        name = _CALLED.get(field.name, field.name)
        if not hasattr(event, name):
            # As when it is left out.
            continue
        found = getattr(event, name)
        if isinstance(field.fact, Choice) and found not in (None, *field.fact.codes):
            return None
        given[field.name] = found
    return event.command(**given)


_CALLED = {"at": "occurred_at", "reason": "text"}
"""The names that command fields have in events, if the names differ."""


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
    """Whether a correction in the event shortens a period, as only older programs did."""
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
    """Return the statement for R4; a closure by another rule follows from an earlier command."""
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
    # Item by item, a hand-over of all that the person held on the site has the same result.
    return c.HandOver(by=event.by, to=event.holder, item=event.item)


_UNLIKE: dict[type[e.Event], Callable[[Any, Case], c.Command | None]] = {
    e.IncidentLogged: _logged,
    e.ContactRecorded: _contact,
    e.ContactVoided: lambda event, case: c.VoidContact(
        by=event.by,
        incident=event.incident,
        contact=event.contact,
        reason=event.text,
        shortens=_shortens(event, case),
    ),
    e.IncidentRefused: _refused,
    e.StatementTakenBack: lambda event, case: c.TakeBack(
        by=event.by, incident=event.incident, reason=event.text, shortens=_shortens(event, case)
    ),
    e.ClockLapsed: lambda _, __: ELAPSE,
    e.SuspensionEnded: lambda _, __: ELAPSE,
    e.SiteClosed: _closed,
    e.ClosureAsked: _closure_asked,
    # The repeated order has a command of its own.
    e.HoldSet: lambda event, _: c.SetHold(by=event.by, reason=event.text, alone=True),
    e.ItemClaimed: _claimed,
    e.StateSeen: lambda event, case: c.RecordState(
        by=event.by,
        adapter=event.adapter,
        seen=event.seen,
        in_force=case.in_force,
        last_act=case.last_act,
    ),
    # An older record has no cancellation beside it, and nothing in the entry tells how old it is:
    # that of a newer one is asked for by itself.
    e.OrderRepeated: lambda event, _: c.RepeatOrder(by=event.by, alone=True, tells=event.tells),
}
"""The commands that depend on more than the event's fields. For all other events, `Event.command`
names the command."""
