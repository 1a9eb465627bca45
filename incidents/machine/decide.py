"""The decision: a case, a command, the policy and the clock go in; events or a refusal come out.

Everything due is processed first: contact clocks (R2, R3) and removal deadlines (R5) lapse, and
suspensions end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidents.machine import commands
from incidents.machine import events as e
from incidents.machine.actions import closures, contacts, incidents, orders, sites
from incidents.machine.case import Case, Suspension
from incidents.machine.decider import Decider, open_recheck
from incidents.machine.events import Reason
from incidents.machine.handlers import merge
from incidents.machine.incident import Incident
from incidents.machine.policy import Policy
from incidents.machine.refusal import Refusal, RefusedError, Remark
from incidents.machine.rules import deadlines, guards, unreachable_rules
from incidents.machine.state import move_incident, move_site


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome of a command.

    `case` is the case afterwards. The first `due` of the `events` had fallen due before the
    command; they remain even if there is a `refusal`. `incident` is the incident that the action is
    about; `touched` are all incidents that it changed.
    """

    case: Case
    events: tuple[e.Event, ...]
    due: int
    refusal: Refusal | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def touched(self) -> tuple[int, ...]:
        """The incidents in the action's own events, in order, without those in due events."""
        found = (getattr(event, "incident", None) for event in self.events[self.due :])
        return tuple(dict.fromkeys(n for n in found if n is not None))

    @property
    def incident(self) -> int | None:
        """The incident of the action's first event."""
        return next(iter(self.touched), None)


def decide(case: Case, command: commands.Command, policy: Policy, now: datetime) -> Decision:
    """Decide `command` on `case` at `now` (aware, UTC), after processing what is due (D.1).

    If `now` is earlier than the site's last entry, that entry's time is used. The given `case` is
    not changed.
    """
    now = now if case.last_entry_at is None else max(now, case.last_entry_at)
    decider = Decider(case.copy(), policy, now, commands.CLOCK, policy.digest)
    elapse(decider)
    due = len(decider.events)
    refusal = None
    if not isinstance(command, commands.Elapse):
        decider.by = command.by
        run = decider.case.run
        try:
            DECISIONS[type(command)](decider, command)
        except RefusedError as refused:
            refusal = refused.refusal
        _warn_of_next_miss(decider, run)
    return Decision(
        case=decider.case,
        events=tuple(decider.events),
        due=due,
        refusal=refusal,
        remarks=tuple(decider.remarks),
    )


def _warn_of_next_miss(decider: Decider, before: int) -> None:
    """Warn that the next miss closes the site (R3) if no queue item could show this warning."""
    case = decider.case
    if case.state == "active" and before < case.run >= decider.policy.run_count - 1:
        attempts = decider.policy.min_attempts
        tried = {"attempts": attempts} if attempts else {}
        decider.remark("next_miss_closes", site=case.site, run=case.run, **tried)


DECISIONS = merge(
    closures.decisions,
    contacts.decisions,
    incidents.decisions,
    orders.decisions,
    sites.decisions,
)


def elapse(decider: Decider) -> None:
    """Process everything that fell due strictly before the decider's `now`, by due time.

    One sorted pass is enough: processing an item can end other pending items, but starts none that
    is due before `now`, because a suspension counts from the time of the decision.
    """
    for when, what, n in sorted(
        due for due in deadlines.pending(decider.case) if due[0] < decider.now
    ):
        if decider.case.closed:
            return
        if what == deadlines.SUSPENSION_END:
            _end_suspension(decider, when, n)
        elif what == deadlines.REMOVAL_CLOCK:
            _lapse_removal(decider, when, n)
        else:
            _lapse_contact(decider, when, decider.case.incidents[n])


def _lapse_contact(decider: Decider, due: datetime, incident: Incident) -> None:
    case, policy = decider.case, decider.policy
    missed = _missed(decider, incident)
    site_to = move_site(case.state, "lapse", case, incident, policy)
    if site_to == case.state:
        _lapse_beside(decider, due, incident, missed)
        return
    suspension = case.last_suspension + 1
    _lapse(decider, due, incident, missed, suspension=suspension)
    started = {"site_from": case.state, "site_to": site_to, "suspension": suspension,
               "incident": incident.n, "due": due}  # fmt: skip
    if site_to == "closed":
        total = policy.run == "total"
        reason = _third_miss(
            decider, incident, unreachable_rules.cases_up_to(case, incident.place, total=total)
        )
        decider.add(e.SiteClosed, at=due, total=total, reason=reason, **started)
    else:
        until = decider.now + policy.suspend_for
        decider.add(e.SiteSuspended, at=due, until=until, reason=missed, **started)


def _lapse_beside(decider: Decider, due: datetime, incident: Incident, missed: Reason) -> None:
    """Lapse a clock without effect on the site: it is down, or too few attempts were made."""
    case, policy = decider.case, decider.policy
    if guards.unreachable(case, incident, policy):
        _lapse(decider, due, incident, missed, suspension=case.running)
        return
    _lapse(decider, due, incident, missed, suspension=None)
    decider.add(
        e.AlarmRaised, at=due, incident=incident.n, attempts=unreachable_rules.attempts(incident),
        needed=policy.min_attempts,
    )  # fmt: skip


def _lapse(
    decider: Decider, due: datetime, incident: Incident, missed: Reason, *, suspension: int | None
) -> None:
    decider.add(
        e.ClockLapsed,
        at=due,
        incident=incident.n,
        state_from=incident.state,
        state_to=move_incident(incident.state, "lapse"),
        suspension=suspension,
        reason=missed,
    )


def _missed(decider: Decider, incident: Incident) -> Reason:
    """The reason for R2: nobody was reached by the contact deadline."""
    return Reason(
        rule="unreachable",
        incidents=(incident.n,),
        deadline=incident.contact_due,
        decided_at=decider.now,
    )


def _third_miss(decider: Decider, incident: Incident, before: list[Suspension]) -> Reason:
    """The reason for a closure under R3: this case and earlier standing ones complete the run."""
    return Reason(
        rule="unreachable_run",
        incidents=(*(case.starter for case in before), incident.n),
        counted=len(before) + 1,
        needed=decider.policy.run_count,
        deadline=incident.contact_due,
        decided_at=decider.now,
    )


def _lapse_removal(decider: Decider, due: datetime, n: int) -> None:
    incident = decider.case.incidents[n]
    reason = closures.refusal_reason(
        decider, n, deadline=due, said_at=_told_by(decider, incident, due)
    )
    decider.add(
        e.IncidentRefused,
        at=due,
        incident=n,
        state_from=incident.state,
        state_to=move_incident(incident.state, "refuse"),
        reason=reason,
    )
    decider.add(
        e.SiteClosed,
        at=due,
        site_from=decider.case.state,
        site_to=move_site(decider.case.state, "refuse"),
        reason=reason,
    )


def _told_by(decider: Decider, incident: Incident, due: datetime) -> datetime:
    """The time when the customer's time to delete began.

    It began when the first contact that reached somebody was recorded, or later, if a removal or
    refusal was withdrawn. A contact after this time left the customer less time than the policy
    gives.
    """
    first = min(contact.recorded_at for contact in incident.contacts if contact.tells)
    within = decider.policy.removal_within
    return first if within is None else max(first, due - within)


def _end_suspension(decider: Decider, due: datetime, n: int) -> None:
    case = decider.case
    decider.add(
        e.SuspensionEnded,
        at=due,
        site_from=case.state,
        site_to=move_site(case.state, "end_suspension", case),
        suspension=n,
        reason=Reason(rule="unreachable", deadline=due, decided_at=decider.now),
    )
    open_recheck(decider, n)
