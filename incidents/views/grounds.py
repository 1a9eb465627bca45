"""The grounds: why a site stands as it does, told from the record in plain words."""

from __future__ import annotations

from incidents.machine import rules
from incidents.machine.events import Reason
from incidents.machine.policy import write_duration
from incidents.views import facts
from incidents.views.record import MAX_TRIED, Record, signed
from incidents.words import RULES, TERMS, in_the_world, span


def grounds(record: Record) -> list[str]:
    """How the site stands and why; what is overdue comes first."""
    parts = [
        _overdue(record),
        _in_force(record),
        _closed(record),
        _suspended(record),
        _held(record),
        _to_be_closed(record),
        _disputed(record),
        _asked(record),
        _active(record),
        _waiting(record),
        _moot(record),
    ]
    return [line for part in parts for line in part]


def _overdue(record: Record) -> list[str]:
    since = record.overdue_since
    if since is None:
        return []
    return [
        (
            f"OVERDUE: nobody has enforced what fell due at {record.when(since)}, "
            f"{span(record.now - since)} ago (incidents daemon --once does it)."
        )
    ]


def _in_force(record: Record) -> list[str]:
    told = in_the_world({"state": record.case.state, "in_force": record.case.in_force})
    if not told:
        return []
    site = record.case.site
    # Of what was only logged, or done by hand in the world, no order is left.
    where = f"list --site {site}" if record.has_orders else f"reconcile {site} --repair"
    return [f"NOT IN FORCE: {told} (incidents acts {where})."]


# Closed.


def _closed(record: Record) -> list[str]:
    closure = record.case.closure
    if closure is None:
        return []
    site, at = record.case.site, record.when(closure.at)
    lines = [f"{site} was closed at {at} by {RULES[closure.rule]}: {_RULE_SAYS[closure.rule]}."]
    if record.closing is not None:
        event, login = record.closing
        assert event.reason is not None
        by = signed(event.by, login)
        tell = {
            "repeat": _window,
            "unreachable_run": _run,
            "refusal": _refusal,
        }.get(closure.rule)
        if tell is None:
            lines.append(
                f"{event.asked_by or by} stated that the filed {event.field} is false; established"
                f" by: {record.said(event.evidence)}."
            )
        else:
            lines += tell(record, event.reason)
        if event.asked_by is not None:
            lines.append(f"{event.asked_by} asked for it, and {by} confirmed it.")
        lines.append(
            f"Decided at {record.when(event.recorded_at)}, recorded by {by}, under the policy"
            f" {event.policy}."
        )
    return [*lines, f"Its terms: {TERMS}."]


_RULE_SAYS = {
    "repeat": "too many violations within its span of time",
    "unreachable_run": "the responsible person was not reached time after time",
    "false_info": "the filed details are false",
    "refusal": "the customer was told and did not delete",
}


def _window(record: Record, reason: Reason) -> list[str]:
    """R1: the incidents counted, and the span that they have against the policy's."""
    assert reason.since is not None
    assert reason.until is not None
    assert reason.within is not None
    apart = reason.until - reason.since
    return [
        (
            f"{reason.counted} violations were counted, and {reason.needed} within"
            f" {write_duration(reason.within)} close a site:"
        ),
        *facts.counted(record, reason.incidents),
        (
            f"Compared: from {record.when(reason.since)} to {record.when(reason.until)} is"
            f" {write_duration(apart)}, at most {write_duration(reason.within)}, both ends"
            f" included. {record.teller.name(reason.incidents[-1])} completed the window."
        ),
    ]


def _run(record: Record, reason: Reason) -> list[str]:
    """R3: the cases in a row, the last of which closed the site in place of a suspension."""
    lines = [f"This was case {reason.counted} of {reason.needed}:"]
    starters = {s.starter: s for s in record.case.suspensions.values() if not s.struck}
    for place, n in enumerate(reason.incidents, start=1):
        case = starters.get(n)
        made = "; struck since" if case is None else f"; acted on at {record.when(case.made_at)}"
        due = reason.deadline if n == reason.incidents[-1] else case and case.due
        told = f"nobody was reached by {record.when(due)}{made}" if due else "its case was struck"
        lines.append(f"  case {place}: {facts.incident(record, n)}; {told}")
    return [*lines, *facts.deadline(record, reason)]


def _refusal(record: Record, reason: Reason) -> list[str]:
    """R5: that the customer was told, and that they do not delete."""
    n = reason.incidents[0]
    lines = [f"  {facts.incident(record, n)}", *facts.contacts(record, [n], only_telling=True)]
    if reason.deadline is not None:
        lines.append(f"Not deleted by the deadline, {record.when(reason.deadline)}.")
        return [*lines, *facts.deadline(record, reason)]
    by = record.recorded_by("incident_refused", n)
    return [*lines, f"That they do not delete was {_recorded(record)} by {by}."]


def _recorded(record: Record) -> str:
    """By the second of two people it is confirmed, as the first has said it."""
    two = record.closing is not None and record.closing[0].asked_by is not None
    return "confirmed" if two else "recorded"


# Suspended, held.


def _suspended(record: Record) -> list[str]:
    suspension = record.case.suspension
    if suspension is None or record.case.closed:
        return []
    site, until = record.case.site, suspension.until
    assert until is not None
    lines = [
        (
            f"{site} is suspended by {RULES['unreachable']}: the responsible person was not reached"
            f" in time. Suspended at {record.when(suspension.made_at)}, until"
            f" {record.when.until(until)}."
        ),
        "It rests on:",
        *facts.counted(record, tuple(incident.n for incident in record.resting)),
        *facts.contacts(record, [incident.n for incident in record.resting]),
    ]
    if record.suspending is not None:
        event, _ = record.suspending
        assert event.reason is not None
        lines += [
            *facts.deadline(record, event.reason),
            f"Decided under the policy {event.policy}.",
        ]
    return [*lines, _place_in_run(record)]


def _held(record: Record) -> list[str]:
    hold = record.case.hold
    if hold is None:
        return []
    by = record.recorded_by("hold_set") or hold.by
    return [
        (
            f"{record.case.site} is held by order since {record.when(hold.at)}, recorded by {by}:"
            f" {record.said(hold.reason)}. No timer, no late truth and no reinstatement opens it."
        )
    ]


# Disputed, asked for.


def _to_be_closed(record: Record) -> list[str]:
    request = record.case.closure_request
    if request is None:
        return []
    of = f"the filed {request.field} is false"
    if request.incident is not None:
        of = f"{facts.incident(record, request.incident)}; told, and not deleted"
    said = f" In their words: {record.said(request.text)}." if request.text else ""
    return [
        (
            f"NOT CLOSED YET: {request.by} asked at {record.when(request.at)} that it be closed by"
            f" {RULES[request.rule]}: {of}.{said} Another person than {request.by} has to confirm"
            " it, as the policy says."
        )
    ]


def _disputed(record: Record) -> list[str]:
    closure = record.case.closure
    if closure is None:
        return []
    met = rules.still_met(record.case, closure)
    if record.case.disputed:
        return [
            (
                f"The closure is disputed: {met} of the {closure.needed} that the rule needs still"
                " hold. No machine undoes a closure: a person upholds it or asks to reinstate."
            )
        ]
    if closure.upheld_at is not None and met is not None and met < closure.needed:
        by = record.recorded_by("closure_upheld")
        return [
            (
                f"{met} of the {closure.needed} that the rule needs still hold; {by} upheld"
                " the closure all the same."
            )
        ]
    return []


def _asked(record: Record) -> list[str]:
    request = record.case.request
    if request is None:
        return []
    return [
        (
            f"{request.by} asked at {record.when(request.at)} that it be opened again:"
            f" {record.said(request.reason)}. Another person than {request.by} has to answer."
        )
    ]


# Active.


def _active(record: Record) -> list[str]:
    case, policy = record.case, record.policy
    if case.state != "active":
        return []
    lines = [f"{case.site} is active: no rule holds it down."]
    reinstated = record.recorded_by("site_reinstated")
    if case.epoch > 1:
        lines.append(f"It was reinstated by {reinstated}; all counts started afresh then.")
    names = record.teller.incidents(sorted(incident.n for incident in record.recent))
    if names:
        lines.append(
            f"Violations in the last {write_duration(policy.repeat_within)} that count: {names};"
            f" {policy.repeat_count} close the site (R1)."
        )
    return [*lines, _place_in_run(record)] if case.run else lines


def _place_in_run(record: Record) -> str:
    case, policy = record.case, record.policy
    told = f"Run of {case.run}: {policy.run_count} in a row without reaching anybody close it (R3)."
    if case.state == "active" and case.run + 1 >= policy.run_count:
        told += " The next miss closes the site."
    return told


def _waiting(record: Record) -> list[str]:
    """The clocks that run, and what is not settled though no clock runs for it."""
    lines = []
    for _, incident in sorted(record.case.incidents.items()):
        name = record.teller.name(incident.n)
        if record.case.clock_runs(incident):
            assert incident.contact_due is not None
            due = record.when.until(incident.contact_due)
            lines.append(f"{name} is open: reach the responsible person by {due}.")
        elif record.case.removal_runs(incident):
            assert incident.removal_due is not None
            due = record.when.until(incident.removal_due)
            lines.append(f"{name} is notified: the content must be gone by {due} (R5).")
    return lines


def _moot(record: Record) -> list[str]:
    if not record.moot:
        return []
    names = record.teller.incidents(record.moot[:MAX_TRIED])
    more = " and more" if len(record.moot) > MAX_TRIED else ""
    return [f"Moot, since found on the closed site: {names}{more}. They count for nothing."]
