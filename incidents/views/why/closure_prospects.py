"""The prospects of a closure: a recount may dispute it, and only people undo it."""

from __future__ import annotations

from collections.abc import Iterator

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.case import Closure
from incidents.machine.decide import Decision
from incidents.machine.incident import Incident
from incidents.machine.rules import closure_grounds, unreachable_rules
from incidents.values.ids import contact_id
from incidents.views.why import trial
from incidents.views.why.record import MAX_TRIED, Record


def of_closure(record: Record) -> list[str]:
    """The corrections that would dispute the closure, or that it no longer depends on any."""
    closure = record.case.closure
    assert closure is not None
    if closure.rule == "false_info":
        return [record.say("false_info_stays")]
    counted = _counted(record, closure)
    tried = [incident for incident in counted if incident.state != "voided"][:MAX_TRIED]
    then = record.say(
        "disputes.unmet" if closure_grounds.is_met(record.case, closure) else "disputes.fewer"
    )
    lines = [
        record.say(f"disputes.{act}{'.any' if len(names) > 1 else ''}", names=names, then=then)
        for act, names in _corrections(record, closure.rule, tried)
        if names
    ]
    if record.case.disputed:
        lines.append(record.say("uphold"))
    elif not lines and tried:
        names = record.wording.incidents([incident.n for incident in tried])
        lines.append(record.say("stays_met", names=names))
    return lines


def _counted(record: Record, closure: Closure) -> list[Incident]:
    """The incidents that the closure is based on; for R1 also now, as another window may hold.

    For a run (R3), these are all incidents between its first and its last case, because a contact
    in time about any of them ends the run.
    """
    numbers = {*closure.incidents}
    if closure.rule == "repeat":
        numbers.update(closure_grounds.still_grounds(record.case, closure))
    numbers = numbers & record.case.incidents.keys()
    found = sorted((record.case.incidents[n] for n in numbers), key=lambda incident: incident.n)
    if closure.rule != "unreachable_run" or not found:
        return found
    places = [incident.place for incident in found]
    first, last = min(places), max(places)
    run = (each for each in unreachable_rules.of_run(record.case) if first <= each.place <= last)
    return sorted(run, key=lambda incident: incident.n)


def _corrections(
    record: Record, rule: str, incidents: list[Incident]
) -> Iterator[tuple[str, list[str]]]:
    """Each kind of correction, with the incidents for which it would dispute the closure."""
    name = record.wording.name
    yield "void", [name(i.n) for i in incidents if _disputes(trial.void(record, i))]
    if rule == "unreachable_run":
        late = [name(i.n) for i in incidents if _disputes(trial.contact_in_time(record, i))]
        yield "contact", late
    if rule == "refusal":
        taken = [
            name(i.n)
            for i in incidents
            if _disputes(trial.attempt(record, c.TakeBack, incident=i.n, reason="tried out"))
        ]
        yield "take_back", taken
        contacts = [
            contact_id(record.case.site_id, i.n, contact.n)
            for i in incidents
            for contact in i.contacts
            if _disputes(trial.void_contact(record, i.n, contact.n))
        ]
        yield "void_contact", contacts


def _disputes(decision: Decision | None) -> bool:
    return any(isinstance(event, e.ClosureDisputed) for event in trial.own_events(decision))


def of_reinstatement(record: Record) -> list[str]:
    """What opens a closed site again."""
    if record.case.held:
        return [record.say("reinstate.held")]
    return [record.say("reinstate" if record.case.request is None else "reinstate.asked")]
