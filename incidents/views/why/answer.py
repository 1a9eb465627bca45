"""The explanation of a site: its rule, incidents and times in plain words, and prospects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents.contract import hints, next_steps
from incidents.contract.case_documents import site_document
from incidents.contract.documents import Hint
from incidents.contract.hints import do, look
from incidents.locale.words import TimeFormat, actual_state
from incidents.machine import commands as c
from incidents.machine.command import REACHED
from incidents.machine.incident import Incident
from incidents.machine.rules import unreachable_rules
from incidents.machine.state import can_move_incident
from incidents.views import masked, record_entries
from incidents.views.why import facts, prospects
from incidents.views.why import record as site_record
from incidents.views.why.record import MAX_TRIED, Record

if TYPE_CHECKING:
    from incidents.contract.documents.sites import Explanation, ExplanationParts


def grounds(record: Record) -> list[str]:
    """The state in one line, then urgent points, then the reasons."""
    parts = [
        facts.closure_lines(record),
        _suspended(record),
        _held(record),
        _active(record),
        facts.dispute_lines(record),
        _asked(record),
        _waiting(record),
        _moot(record),
    ]
    answer, *reasons = [line for part in parts for line in part]
    urgent = [*_overdue(record), *_in_force(record), *_to_be_closed(record)]
    return [answer, *urgent, *reasons]


def _overdue(record: Record) -> list[str]:
    since = record.overdue_since
    if since is None:
        return []
    return [record.say("overdue", since=since, ago=record.now - since)]


def _in_force(record: Record) -> list[str]:
    cause = record.not_in_force
    if cause is None:
        return []
    state = actual_state(record.case.state, record.case.in_force, record.wording.language)
    return [
        record.say(
            f"not_in_force.{cause}", told=state, order=record.braked, since=record.left_down_since
        )
    ]


# Suspended, held.


def _suspended(record: Record) -> list[str]:
    suspension = record.case.suspension
    if suspension is None or record.case.closed:
        return []
    until = suspension.until
    assert until is not None
    lines = [
        record.say("suspended", rule="unreachable", made_at=suspension.made_at, until=until),
        record.say("rests_on"),
        *facts.counted_lines(record, tuple(incident.n for incident in record.resting)),
        *facts.contact_lines(record, [incident.n for incident in record.resting]),
    ]
    if record.suspending is not None:
        event, _ = record.suspending
        assert event.reason is not None
        lines += [
            *facts.deadline_lines(record, event.reason),
            *facts.attempt_lines(record, event),
            facts.policy_line(record, event.policy),
        ]
    if record.may_end_down:
        lines.append(record.say("suspended.left_down"))
    return lines + _place_in_run(record)


def _held(record: Record) -> list[str]:
    hold = record.case.hold
    if hold is None:
        return []
    by = record.recorded_by("hold_set") or hold.by
    lines = [record.say("held", at=hold.at, by=by, reason=record.quoted(hold.reason))]
    # Of a suspended or closed site, its own lines say it.
    own = record.case.suspension is None and not record.case.closed
    return lines + _place_in_run(record) if own else lines


# Asked for.


def _to_be_closed(record: Record) -> list[str]:
    request = record.case.closure_request
    if request is None:
        return []
    own = {"by": request.by, "at": request.at, "rule": request.rule,
           "text": record.quoted(request.text)}  # fmt: skip
    by_two = record.policy.two_people_close
    asks = record.say(f"to_be_closed.{'by_two' if by_two else 'by_one'}", by=request.by)
    if request.incident is None:
        return [record.say("to_be_closed.false", field=request.field, **own), asks]
    incident = facts.incident_line(record, request.incident)
    return [record.say("to_be_closed.refusal", incident=incident, **own), asks]


def _asked(record: Record) -> list[str]:
    request = record.case.request
    if request is None:
        return []
    reason = record.quoted(request.reason)
    return [record.say("asked", by=request.by, at=request.at, reason=reason)]


# Active.


def _active(record: Record) -> list[str]:
    case, policy = record.case, record.policy
    if case.state != "active":
        return []
    lines = [record.say("active")]
    if case.epoch > 1:
        lines.append(record.say("reinstated", by=record.recorded_by("site_reinstated")))
    names = record.wording.incidents(sorted(incident.n for incident in record.recent))
    if names:
        within, count = policy.repeat_within, policy.repeat_count
        lines.append(record.say("recent", within=within, names=names, count=count))
    return lines + _place_in_run(record)


def _place_in_run(record: Record) -> list[str]:
    run, policy = record.run, record.policy
    if not run and policy.run_count > 1:
        return []
    return [record.wording.place_in_run(run, policy, record.case.state)]


def _waiting(record: Record) -> list[str]:
    """The running clocks, and the clocks that lapsed under a hold or after too few attempts."""
    lines, tried = [], record.policy.min_attempts
    for _, incident in sorted(record.case.incidents.items()):
        name = record.wording.name(incident.n)
        if record.case.clock_runs(incident):
            lines.append(record.say("waiting", incident=name, due=incident.contact_due))
            if record.run + 1 < record.policy.run_count and facts.miss_closes(record, incident):
                lines.append(record.wording.say("incident.closes"))
            if tried:
                made, code = unreachable_rules.attempts(incident), "attempts"
                if facts.is_down_then(record, incident):
                    code = "attempts.down"
                lines.append(record.say(code, made=made, least=tried))
        elif record.case.removal_runs(incident):
            lines.append(record.say("waiting_removal", incident=name, due=incident.removal_due))
        elif facts.was_spared(record, incident):
            made, due = unreachable_rules.attempts(incident), incident.contact_due
            code = "spared.held" if record.was_held(incident) else "spared"
            lines.append(record.say(code, incident=name, due=due, made=made, least=tried))
        elif facts.lapsed_alone(record, incident) and record.was_held(incident):
            lines.append(record.say("missed_held", incident=name, due=incident.contact_due))
    return lines


def _moot(record: Record) -> list[str]:
    if not record.moot:
        return []
    names = record.wording.incidents(record.moot[:MAX_TRIED])
    return [record.say("moot.more" if len(record.moot) > MAX_TRIED else "moot", names=names)]


def why(connection: Connection, name: str, when: TimeFormat) -> Explanation:
    """Explain the site's state now, from the record alone, with the zone and language of `when`.

    `text`: lines to read. `timeline`: the latest entries; `timeline_untold`: the number of earlier
    entries. `next`: the next due action, null if none. `would_change` and `hints`: what people can
    do to change the state. Overdue actions are only reported, because a view changes nothing.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    found = site_record.read(connection, name, when)
    next_due, changes = prospects.next_due(found), prospects.would_change(found)
    return {
        "site": record_entries.reveal_texts(connection, [site_document(found.case, found.run)])[0],
        "seq": found.case.seq,
        "text": [*grounds(found), *prospects.prospect_lines(found, next_due, changes)],
        "timeline": found.story,
        "timeline_untold": found.omitted,
        "next": next_due,
        "would_change": changes,
        "hints": fitting_hints(found),
    }


def parts(connection: Connection, name: str, when: TimeFormat) -> ExplanationParts:
    """The explanation of `why` in parts for a page, in the language of `when`.

    `proof`: the lines among the grounds that only a check of the decision needs.

    People's text is masked in the grounds (see `masked`), but not in the timeline. Raises
    UnknownSiteError.
    """
    found = site_record.read(connection, name, when)
    found = replace(found, texts={ref: masked.words(text) for ref, text in found.texts.items()})
    lines = grounds(found)
    proof: list[str] = [line for line in lines if isinstance(line, facts.Proof)]
    if found.closing is not None:
        proof.append(facts.policy_line(found, found.closing[0].policy))
    return {
        "grounds": [line for line in lines if not isinstance(line, facts.Proof)],
        "proof": proof,
        "timeline": found.story,
        "timeline_untold": found.omitted,
        "next": prospects.next_due(found),
        "would_change": prospects.would_change(found),
    }


def fitting_hints(record: Record) -> list[Hint]:
    """List the next possible steps for the site as a whole."""
    case, site = record.case, record.case.site
    found = []
    if record.overdue_since is not None:
        found.append(look("elapse"))
    if record.braked is not None:
        found.append(look(hints.RELEASE_ORDER, record.braked))
    if case.closure_request is not None:
        found += next_steps.to_closure(site)
    if case.disputed:
        found.append(do(c.Uphold, site))
    if case.closed:
        asked_by = None if case.request is None else case.request.by
        found += next_steps.to_reopen(site, held=case.held, asked_by=asked_by)
    if case.held:
        found.append(do(c.LiftHold, site))
    name, incidents = record.wording.name, sorted(case.incidents.items())
    waiting = [each for _, each in incidents if can_move_incident(each.state, "reach")]
    found += [_to_record_call(record, each) for each in waiting[:MAX_TRIED]]
    notified = [name(n) for n, each in incidents if each.state == "notified"]
    found += [do(c.StateRemoved, each) for each in notified[:MAX_TRIED]]
    return [*found, *_world_hints(record)]


def _to_record_call(record: Record, incident: Incident) -> Hint:
    """The hint to record a call that reached somebody, with its time if no clock runs."""
    at: dict[str, None] = {} if record.case.clock_runs(incident) else {"at": None}
    return do(c.RecordContact, record.wording.name(incident.n), outcome=REACHED, **at)


def _world_hints(record: Record) -> list[Hint]:
    """The steps that carry out the orders, or record the actual state."""
    site = record.case.site
    # `repair` leaves an order that somebody cancelled.
    repair = look("repair_cancelled" if record.is_cancelled else "repair", site)
    cause = record.not_in_force
    stays = record.may_end_down or cause in ("unknown", "left_down")
    hold = [do(c.SetHold, site)] if stays and not record.case.held else []
    match cause:
        case "waits":
            return [*hold, look("orders_of_site", site)]
        case "lost" | "believed" | "unknown":
            return [*hold, repair]
        case "left_down":
            return [*hold, repair, look("recover", reason=None)]
        case "left_closed":
            return next_steps.to_left_closed(site, suspended=record.case.state == "suspended")
    return hold
