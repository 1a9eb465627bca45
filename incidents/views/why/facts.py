"""The facts behind a decision, one line each: incidents, contacts, deadlines and closures.

Lines of a closure (R1, R3 to R5) also give their current validity.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from incidents.locale.words import plural_id
from incidents.machine.case import Closure, Suspension
from incidents.machine.events import Reason
from incidents.machine.incident import Incident
from incidents.machine.rules import closure_grounds, guards, unreachable_rules
from incidents.machine.site_events import SiteClosed, SiteSuspended
from incidents.values.ids import contact_id
from incidents.views.why.record import Record, signed

_MICROSECOND = timedelta(microseconds=1)


class Proof(str):
    """A line for who checks the decision: the exact times, the policy's digest."""

    __slots__ = ()


def counted_lines(record: Record, numbers: tuple[int, ...]) -> list[str]:
    """A line for each of the incidents."""
    return [f"  {incident_line(record, n)}" for n in sorted(numbers)]


def incident_line(record: Record, n: int) -> str:
    """`12-1: happened …, recorded … by …, now removed`."""
    name, incident = record.wording.name(n), record.case.incidents.get(n)
    if incident is None:
        return name
    return record.say(
        "incident.at" if incident.urls else "incident", name=name,
        occurred_at=incident.occurred_at, recorded_at=incident.recorded_at,
        by=record.recorded_by("incident_logged", n) or incident.by, state=incident.state,
        url=next(iter(incident.urls), None),
    )  # fmt: skip


def contact_lines(record: Record, numbers: list[int], *, only_telling: bool = False) -> list[str]:
    """A line for each contact about the incidents; `only_telling`: only informing contacts."""
    lines = []
    for n in numbers:
        for contact in record.case.incidents[n].contacts:
            if contact.tells or not only_telling:
                line = record.say(
                    "contact" if contact.stands else "contact.voided",
                    name=contact_id(record.case.site_id, n, contact.n), outcome=contact.outcome,
                    at=contact.occurred_at, by=contact.by,
                )  # fmt: skip
                lines.append(f"  {line}")
    return lines


def deadline_lines(record: Record, reason: Reason) -> list[str]:
    """The deadline and the time of the decision."""
    due, decided = reason.deadline, reason.decided_at
    if due is None or decided is None:
        return []
    late = decided - due
    if late >= timedelta(seconds=1):
        return [record.say("deadline", due=due, decided=decided, late=late)]
    exact = record.say("microseconds", n=late // _MICROSECOND)
    return [Proof(record.say("deadline.exact", due=due, decided=decided, late=exact))]


def policy_line(record: Record, policy: str) -> str:
    """The policy under which the decision was taken."""
    return Proof(record.say("decided_under", policy=policy))


def attempt_lines(record: Record, event: SiteSuspended | SiteClosed) -> list[str]:
    """The attempts on which a miss was based, if the active policy decided it."""
    reason, least = event.reason, record.policy.min_attempts
    missed = (
        record.case.incidents.get(reason.incidents[-1]) if reason and reason.incidents else None
    )
    if not least or missed is None or event.policy != record.policy.digest:
        return []
    return [record.say("attempts_made", made=unreachable_rules.attempts(missed), least=least)]


def closure_lines(record: Record) -> list[str]:
    """The rule that closed the site, the facts of the decision, and who made it."""
    closure = record.case.closure
    if closure is None:
        return []
    how = record.say(f"place_in_run.{'total' if closure.total else 'consecutive'}")
    counted = len(closure.incidents)
    code = f"closed.{closure.rule}"
    if closure.rule == "unreachable_run":
        code = plural_id(code, counted)
    lines = [record.say(code, counted=counted, within=closure.within, how=how)]
    if record.closing is not None:
        event, login = record.closing
        assert event.reason is not None
        by = signed(event.by, login, record.wording.language)
        tell = {
            "repeat": _window,
            "unreachable_run": _run,
            "refusal": _refusal,
        }.get(closure.rule)
        if tell is None:
            evidence, stated_by = record.quoted(event.evidence), event.asked_by or by
            lines.append(
                record.say("stated_false", by=stated_by, field=event.field, evidence=evidence)
            )
        else:
            lines += tell(record, event.reason)
            lines += attempt_lines(record, event) if closure.rule == "unreachable_run" else []
        if event.asked_by is not None:
            lines.append(record.say("confirmed", asked_by=event.asked_by, by=by))
        lines.append(record.say("decided", at=event.recorded_at, by=by, policy=event.policy))
    return [*lines, record.say("terms", at=closure.at)]


def dispute_lines(record: Record) -> list[str]:
    """Lines about a rule that a correction leaves unmet, upheld or not; empty for a met rule."""
    closure = record.case.closure
    if closure is None:
        return []
    met = closure_grounds.still_met(record.case, closure)
    # The two conditions of R5 are named, not counted.
    of_rule = ".refusal" if closure.rule == "refusal" else ""
    if record.case.disputed:
        disputed = record.say(f"disputed{of_rule}", met=met, needed=closure.needed)
        return [disputed, *_still(record, closure), *_gone(record, closure)]
    if closure.upheld_at is not None and met is not None and met < closure.needed:
        by = record.recorded_by("closure_upheld")
        upheld = record.say(f"upheld{of_rule}", met=met, needed=closure.needed, by=by)
        return [upheld, *_still(record, closure), *_gone(record, closure)]
    return []


def lapsed_alone(record: Record, incident: Incident) -> bool:
    """Whether its clock lapsed without a suspension: too few attempts (R2), or a hold."""
    if record.case.closed or incident.state != "unreached" or incident.suspension is not None:
        return False
    return incident.epoch == record.case.epoch and incident.contact_due is not None


def was_spared(record: Record, incident: Incident) -> bool:
    """Whether the incident's clock lapsed without a suspension, after too few attempts (R2)."""
    return lapsed_alone(record, incident) and not guards.unreachable(
        record.case, incident, record.policy
    )


def miss_closes(record: Record, incident: Incident) -> bool:
    """Whether a miss of the running clock closes the site (R3): judged at its own deadline."""
    total = record.policy.run == "total"
    before = unreachable_rules.cases_up_to(record.case, incident.place, total=total)
    is_last = len(before) + 1 >= record.policy.run_count
    return is_last and not is_down_then(record, incident)


def is_down_then(record: Record, incident: Incident) -> bool:
    """Whether the site is down and still will be at the incident's contact deadline."""
    case, due = record.case, incident.contact_due
    if case.state == "active":
        return False
    until = None if case.held else case.suspended_until
    return until is None or due is None or until >= due


def _still(record: Record, closure: Closure) -> list[str]:
    """The grounds of R1 or R3 that still hold, by name."""
    found = closure_grounds.still_grounds(record.case, closure)
    # A case in whose place the run broke is there, but counts no more.
    if not found or len(found) != closure_grounds.still_met(record.case, closure):
        return []
    return [record.say("grounds_hold", names=record.wording.incidents(list(found)))]


def _gone(record: Record, closure: Closure) -> list[str]:
    """The conditions of R5 that are no longer met."""
    if closure.rule != "refusal":
        return []
    case, refused = record.case, closure.incidents[0]
    informed = closure_grounds.was_told(case, closure)
    refuses = closure_grounds.refuses(case, closure)
    name, state = record.wording.name(refused), case.incidents[refused].state
    if state == "voided":
        return [record.say("gone.voided", incident=name)]
    lines = [] if informed else [record.say("gone.told", incident=name)]
    return lines if refuses else [*lines, record.say("gone.refused", incident=name, state=state)]


def _window(record: Record, reason: Reason) -> list[str]:
    """R1: the incidents counted, and their span compared with the policy's window."""
    assert reason.since is not None
    assert reason.until is not None
    assert reason.within is not None
    return [
        record.say("window", counted=reason.counted, needed=reason.needed, within=reason.within),
        *counted_lines(record, reason.incidents),
        record.say(
            "window_compared", since=reason.since, until=reason.until,
            apart=reason.until - reason.since, within=reason.within,
            completing=record.wording.name(reason.incidents[-1]),
        ),
    ]  # fmt: skip


def _run(record: Record, reason: Reason) -> list[str]:
    """R3: the cases in a row; the last case closed the site instead of suspending it."""
    beyond = (reason.counted or 0) > (reason.needed or 0)
    code = "run.beyond" if beyond else "run"
    lines = [record.say(code, counted=reason.counted, needed=reason.needed)]
    starters = {s.starter: s for s in record.case.suspensions.values() if not s.struck}
    for place, n in enumerate(reason.incidents, start=1):
        case = starters.get(n)
        due = None if case is None else case.due
        if n == reason.incidents[-1]:
            due = reason.deadline
        fate = _of_run(record, case, due)
        incident = incident_line(record, n)
        lines.append(f"  {record.say('run_case', place=place, incident=incident, told=fate)}")
        lines += _joined(record, case, n)
    return [*lines, *deadline_lines(record, reason), *_broken(record, reason)]


def _joined(record: Record, case: Suspension | None, starter: int) -> list[str]:
    """The incidents that a case is based on, besides the incident that started it (R2)."""
    found = [
        incident.n
        for incident in record.case.incidents.values()
        if case is not None and incident.suspension == case.n and incident.n != starter
    ]
    if not found:
        return []
    names = record.wording.incidents(sorted(found))
    return [f"    {record.say('run_case.joined', names=names)}"]


def _broken(record: Record, reason: Reason) -> list[str]:
    """The contacts in time, found later, between the first and the last case that counted."""
    closure, incidents = record.case.closure, record.case.incidents
    first, last = incidents.get(reason.incidents[0]), incidents.get(reason.incidents[-1])
    if closure is None or closure.total or first is None or last is None:
        return []
    reached = [
        incident
        for incident in unreachable_rules.of_run(record.case)
        if incident.reached_in_time and first.place <= incident.place <= last.place
    ]
    return [
        record.say("run_broken", incident=record.wording.name(incident.n), due=incident.contact_due)
        for incident in reached
    ]


def _of_run(record: Record, case: Suspension | None, due: datetime | None) -> str:
    """What happened later to a case of the run; without a `case` it was struck."""
    if due is None:
        return record.say("run_case.struck")
    if case is None:
        return record.say("run_case.struck_since", due=due)
    return record.say("run_case.acted", due=due, made_at=case.made_at)


def _refusal(record: Record, reason: Reason) -> list[str]:
    """R5: the customer was informed, and refuses to delete the content."""
    n = reason.incidents[0]
    lines = [f"  {incident_line(record, n)}", *contact_lines(record, [n], only_telling=True)]
    if reason.deadline is not None:
        lines.append(record.say("not_deleted", deadline=reason.deadline))
        return [*lines, *deadline_lines(record, reason)]
    if reason.since is not None:
        lines.append(record.say("refused_since", since=reason.since))
    by = record.recorded_by("incident_refused", n)
    two = record.closing is not None and record.closing[0].asked_by is not None
    return [*lines, record.say("refusal_confirmed" if two else "refusal_recorded", by=by)]
