"""The corrections of what was just recorded: the form of each, and what it would do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import cast
from urllib.parse import quote

from incidents.console.flash import Correction
from incidents.console.rendering import Reader, joined
from incidents.console.request_context import RequestContext
from incidents.contract.action import name_of
from incidents.contract.case_documents import event_document
from incidents.contract.documents import Facts
from incidents.desk import Answer
from incidents.locale import event_sentence, refusals
from incidents.locale.words import Wording
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.case import Case
from incidents.machine.decide import Decision
from incidents.values import inputs
from incidents.values.ids import incident_id
from incidents.views import possible_actions

MOST = 3
"""The maximum number of records of one act that have a link each."""

_Command = c.VoidContact | c.TakeBack


def of_answer(here: RequestContext, answer: Answer) -> tuple[Correction, ...]:
    """Return the corrections of the calls and removals in the answer, with what each would do.

    A record that cannot be corrected, such as one that a colleague has just voided, has none.
    """
    records = {
        record: command
        for record, command in _commands(answer.document["events"], here.by)
        if here.identity.may(name_of(type(command)))
    }
    if not records:
        return ()
    if len(records) > MOST:
        path = f"/sites/{quote(answer.site)}#h-incidents"
        return (Correction(path, here.reader.say("back.all", n=len(records)), ""),)
    with here.reading() as connection:
        now = here.app.now(connection)
        tried = {
            record: possible_actions.tried(connection, answer.site, command, now)
            for record, command in records.items()
        }
    alone = len(records) == 1
    return tuple(
        _correction(here.reader, record, records[record], *would, alone=alone)
        for record, would in tried.items()
        if would[1].refusal is None
    )


def _commands(events: Iterable[Facts], by: str) -> Iterator[tuple[str, _Command]]:
    """The records of an act, by their ids, each with the command that corrects it."""
    for event in events:
        if event["kind"] == "contact_recorded":
            record = str(event["contact"])
            _, n, contact = inputs.contact(record)
            yield record, c.VoidContact(by=by, incident=n, contact=contact, reason="-")
        if event["kind"] == "incident_removed":
            record = str(event["incident"])
            _, n = inputs.incident(record)
            yield record, c.TakeBack(by=by, incident=n, reason="-")


def _correction(
    reader: Reader, record: str, command: _Command, case: Case, would: Decision, *, alone: bool
) -> Correction:
    incident = f"/incidents/{incident_id(case.site_id, command.incident)}"
    is_call = isinstance(command, c.VoidContact)
    code = "void" if is_call else "take_back"
    path = f"{incident}?void={record}#void-{record}" if is_call else f"{incident}#act-take-back"
    what = joined(reader.sentence(each, [case.site]) for each in _effects(reader, case, would))
    return Correction(
        path,
        reader.say(f"back.{code}" if alone else f"back.{code}.of", record=record),
        reader.say(f"back.{code}.effect", what=what or reader.say("back.nothing")),
    )


def _effects(reader: Reader, case: Case, would: Decision) -> Iterator[str]:
    """What a correction would do to the incident, to its deadlines, and to the site."""
    event, *others = would.events[would.due :]
    event = cast("e.ContactVoided | e.StatementTakenBack", event)
    before, after = case.incidents[event.incident], would.case.incidents[event.incident]
    if event.state_from != event.state_to:
        name = incident_id(case.site_id, event.incident)
        yield reader.say("back.state", incident=name, state=event.state_to)
    if event.fresh_hour:
        yield _deadline(reader, "clock", event, event.contact_due, before.contact_due)
    if would.case.removal_runs(after) and isinstance(event, e.StatementTakenBack):
        yield _deadline(reader, "removal", event, after.removal_due, before.removal_due)
    elif would.case.removal_runs(after) and after.removal_due != before.removal_due:
        yield reader.say("back.removal.later", due=after.removal_due)
    elif case.removal_runs(before) and not would.case.removal_runs(after):
        yield reader.say("back.removal.ends", due=before.removal_due)
    wording = Wording(site=case.site, site_id=case.site_id, when=reader.when)
    for other in others:
        yield event_sentence.sentence(wording, event_document(case.site_id, other, 0))
    for remark in would.remarks:
        yield refusals.remark(remark, reader.when, reader.spoken)


def _deadline(
    reader: Reader, code: str, event: e.Event, due: datetime | None, before: datetime | None
) -> str:
    """The deadline that starts with the correction, or the earlier one that goes on."""
    assert due is not None
    if due == before:
        return reader.say(f"back.{code}.again", due=due)
    # The form is sent some time later, so only the span is known now.
    return reader.say(f"back.{code}", span=due - event.recorded_at)
