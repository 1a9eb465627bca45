"""The prospects of a site: the next due action, and facts that would change its state.

The machine decides each possible action as a trial, and the decision is shown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from incidents.clock import rfc3339
from incidents.contract import effects
from incidents.contract.case_documents import event_document
from incidents.locale import event_sentence
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.decide import Decision, decide
from incidents.machine.incident import Incident
from incidents.machine.rules import deadlines, repeat_rule, unreachable_rules
from incidents.views.why import trial
from incidents.views.why.closure_prospects import of_closure, of_reinstatement
from incidents.views.why.record import MAX_TRIED, Record

if TYPE_CHECKING:
    from incidents.contract.documents import Facts
    from incidents.contract.documents.actions import Event
    from incidents.contract.documents.sites import Due


_JUST_AFTER = timedelta(microseconds=1)
_NOT_TOLD = frozenset({"clock_lapsed", "task_opened", "alarm_raised"})


def next_due(record: Record) -> Due | None:
    """Return the next due action and its time, as the machine would decide at that time."""
    due = deadlines.next_due(record.case)
    if due is None:
        return None
    decision = decide(record.case, c.Elapse(), record.policy, max(due + _JUST_AFTER, record.now))
    return {
        "due": rfc3339(due),
        "overdue": due < record.now,
        "what": record.say("next.comma").join(_sentences(record, decision)),
    }


def would_change(record: Record) -> list[str]:
    """The facts that people can still record and that would change the site's state.

    Overdue actions count as done.
    """
    if record.overdue_since is not None:
        elapsed = decide(record.case, c.Elapse(), record.policy, record.now)
        record = replace(record, case=elapsed.case)
    if record.case.closed:
        return [
            *of_closure(record),
            *_of_hold(record),
            *of_reinstatement(record),
        ]
    if record.case.state == "suspended":
        return [
            *_of_suspension(record), *_of_hold(record), *_of_clocks(record),
            *_of_removals(record), *_of_window(record), *_of_words(record),
        ]  # fmt: skip
    return [
        *_of_clocks(record), *_of_removals(record), *_of_counts(record), *_of_words(record)
    ]  # fmt: skip


def _of_words(record: Record) -> list[str]:
    """The effect of a person's statement (R4, R5), and the statements so far."""
    request, by_two = record.case.closure_request, record.policy.two_people_close
    if request is None:
        return [record.say("closes.two" if by_two else "closes")]
    declines = "declines.false" if request.incident is None else "declines"
    if deadlines.next_due(record.case) is not None:
        declines += ".due"
    answers = [record.say("confirms", by=request.by), record.say(declines)]
    # A request outlives the policy that asked for it; under another, a statement may suffice.
    return answers if by_two else [*answers, record.say("closes")]


def prospect_lines(record: Record, due: Due | None, changes: list[str]) -> list[str]:
    """The results of `next_due` and `would_change` as lines of text."""
    indented = [f"  {line}" for line in changes]
    return [_next_in_words(record, due), record.say("would_change"), *indented]


def _next_in_words(record: Record, due: Due | None) -> str:
    if due is None:
        held = record.braked is not None
        return record.say("next.braked" if held else "next.nothing", order=record.braked)
    if due["overdue"]:
        return record.say("next.overdue", what=due["what"])
    return record.say("next", due=due["due"], what=due["what"])


# A suspension (R2): a correction strikes it when none of its grounds still holds.


def _of_suspension(record: Record) -> list[str]:
    standing = [incident for incident in record.resting if incident.stands][:MAX_TRIED]
    if len(standing) > 1:
        names = record.wording.incidents([incident.n for incident in standing])
        return [record.say("rests_on_all", names=names)]
    lines = []
    for incident in standing:
        name = record.wording.name(incident.n)
        after = _after_strike(record, trial.contact_in_time(record, incident))
        if after is not None and incident.contact_due is not None:
            due = incident.contact_due
            lines.append(record.say("strikes.contact", incident=name, due=due, after=after))
        after = _after_strike(record, trial.void(record, incident))
        if after is not None:
            lines.append(record.say("strikes.void", incident=name, after=after))
    return lines


def _after_strike(record: Record, decision: Decision | None) -> str | None:
    struck = [x for x in trial.own_events(decision) if isinstance(x, e.SuspensionStruck)]
    if not struck or decision is None:
        return None
    if record.case.held:
        return record.say("strikes.held")
    return record.say("strikes.left_down" if record.stays_down else "strikes.opens")


# A hold, a statement, possible events of an active site.


def _of_hold(record: Record) -> list[str]:
    if not record.case.held:
        return []
    decision = trial.attempt(record, c.LiftHold, reason="tried out")
    if decision is None:
        return []
    if record.stays_closed:
        return [record.say("unhold.left_closed")]
    if decision.case.state == "active":
        return [record.say("unhold.opens")]
    return [record.say("unhold.closed" if decision.case.closed else "unhold.suspended")]


def _of_clocks(record: Record) -> list[str]:
    lines = []
    for incident in _running(record)[:MAX_TRIED]:
        code = "stops_clock.ends_run" if _ends_run(record, incident) else "stops_clock"
        name = record.wording.name(incident.n)
        lines.append(record.say(code, due=incident.contact_due, incident=name))
    return lines


def _running(record: Record) -> list[Incident]:
    incidents = sorted(record.case.incidents.items())
    return [incident for _, incident in incidents if record.case.clock_runs(incident)]


def _ends_run(record: Record, incident: Incident) -> bool:
    """Whether a contact now ends a run (R3)."""
    if not record.run or record.policy.run != "consecutive":
        return False
    decision = trial.attempt(record, c.RecordContact, incident=incident.n, outcome="reached")
    return decision is not None and not unreachable_rules.run(decision.case, record.policy)


def _of_removals(record: Record) -> list[str]:
    """The removal deadlines, which also close a suspended or held site (R5)."""
    return [
        record.say(
            "stops_removal", due=incident.removal_due, incident=record.wording.name(incident.n)
        )
        for _, incident in sorted(record.case.incidents.items())
        if record.case.removal_runs(incident)
    ][:MAX_TRIED]


def _of_window(record: Record) -> list[str]:
    """The prospect that one more violation closes the site, even a suspended or held one (R1)."""
    decision = trial.attempt(record, c.Log, again=True)
    if decision is None or not decision.case.closed:
        return []
    within, until = record.policy.repeat_within, None
    if record.policy.repeat_count > 1:
        until = repeat_rule.next_closes_until(
            repeat_rule.counted_times(record.case), record.policy, record.now
        )
    code = "one_more" if until is None else "one_more.until"
    return [record.say(code, within=within, until=until)]


def _of_counts(record: Record) -> list[str]:
    lines = _of_window(record)
    run, needed = record.run, record.policy.run_count
    if run + 1 >= needed:
        miss = record.wording.next_miss(record.policy)
        lines.append(record.say("next_miss", run=run, miss=miss))
    if run and record.policy.run == "consecutive" and not _running(record):
        lines.append(record.say("ends_run"))
    if run:
        lines += _of_cases(record)
    return lines


def _of_cases(record: Record) -> list[str]:
    """The corrections of past misses that lower the run (R3)."""
    tried = [i for _, i in sorted(record.case.incidents.items()) if i.suspension and i.stands]
    name, then, lines = record.wording.name, record.say("lowers_run"), []
    for act, attempt in (("contact", trial.contact_in_time), ("void", trial.void)):
        found = [name(i.n) for i in tried[-MAX_TRIED:] if _lowers(record, attempt(record, i))]
        code = f"disputes.{act}{'.any' if len(found) > 1 else ''}"
        lines += [record.say(code, names=found, then=then)] if found else []
    return lines


def _lowers(record: Record, decision: Decision | None) -> bool:
    return decision is not None and unreachable_rules.run(decision.case, record.policy) < record.run


def _sentences(record: Record, decision: Decision) -> list[str]:
    """The sentences about the effects of an elapsed time, the main events first."""
    documents = [
        event_document(record.case.site_id, event, record.case.seq + place)
        for place, event in enumerate(decision.events, start=1)
    ]
    if record.stays_down:
        in_force = record.case.in_force
        documents = [effects.of_left_down(each, in_force) for each in documents]
    return [_to_come(record, each) for each in _told_to_come(documents)]


def _to_come(record: Record, document: Event) -> str:
    what = event_sentence.sentence(record.wording, document, to_come=True)
    # Any other lapse is told by what it does to the site.
    return record.say("next.beside", what=what) if document["kind"] == "clock_lapsed" else what


def _told_to_come(documents: list[Event]) -> list[Event]:
    """The main events, and each lapse that nothing else tells of."""
    told = {
        document.get("incident")
        for document in cast("list[Facts]", documents)
        if document["kind"] in ("site_suspended", "site_closed", "alarm_raised")
    }
    return [
        document
        for document in documents
        if document["kind"] not in _NOT_TOLD
        or document["kind"] == "alarm_raised"
        or (document["kind"] == "clock_lapsed" and cast("Facts", document)["incident"] not in told)
    ]
