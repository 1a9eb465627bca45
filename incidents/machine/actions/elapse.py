"""What time does to a case: clocks (R2, R3) and removal deadlines (R5) lapse, suspensions end."""

from __future__ import annotations

from datetime import datetime

from incidents.machine import events as e
from incidents.machine import rules
from incidents.machine.actions.closing import refusal_reason
from incidents.machine.case import Suspension
from incidents.machine.draft import Draft
from incidents.machine.events import Reason
from incidents.machine.incident import Incident
from incidents.machine.recount import open_recheck
from incidents.machine.state import move_incident, move_site


def elapse(draft: Draft) -> None:
    """Do all that fell due strictly before the draft's `now`, in the order of the due times.

    One sorted pass: what is done starts nothing that is due before `now` (a suspension lasts from
    when it is really made), it can only end what is still pending.
    """
    for when, what, n in sorted(due for due in rules.pending(draft.case) if due[0] < draft.now):
        if draft.case.closed:
            return
        if what == rules.SUSPENSION_END:
            _end_suspension(draft, when, n)
        elif what == rules.REMOVAL_CLOCK:
            _lapse_removal(draft, when, n)
        else:
            _lapse_contact(draft, when, draft.case.incidents[n])


def _lapse_contact(draft: Draft, due: datetime, incident: Incident) -> None:
    case, policy = draft.case, draft.policy
    missed = _missed(draft, incident)
    attempts = sum(1 for c in incident.contacts if c.stands and c.occurred_at <= due)
    if attempts < policy.min_attempts:
        _lapse(draft, due, incident, missed, suspension=None)
        draft.add(
            e.AlarmRaised, at=due, incident=incident.n, attempts=attempts,
            needed=policy.min_attempts,
        )  # fmt: skip
        return
    total = policy.run == "total"
    before = rules.cases_up_to(case, incident.place, total=total)
    completes_run = len(before) + 1 >= policy.run_count
    site_to = move_site(case.state, "lapse", unreachable_run=completes_run, unreachable=True)
    if site_to == case.state:
        _lapse(draft, due, incident, missed, suspension=case.running)
        return
    suspension = case.last_suspension + 1
    _lapse(draft, due, incident, missed, suspension=suspension)
    started = {"site_from": case.state, "site_to": site_to, "suspension": suspension,
               "incident": incident.n, "due": due}  # fmt: skip
    if completes_run:
        reason = _third_miss(draft, incident, before)
        draft.add(e.SiteClosed, at=due, total=total, reason=reason, **started)
    else:
        until = draft.now + policy.suspend_for
        draft.add(e.SiteSuspended, at=due, until=until, reason=missed, **started)


def _lapse(
    draft: Draft, due: datetime, incident: Incident, missed: Reason, *, suspension: int | None
) -> None:
    draft.add(
        e.ClockLapsed,
        at=due,
        incident=incident.n,
        state_from=incident.state,
        state_to=move_incident(incident.state, "lapse"),
        suspension=suspension,
        reason=missed,
    )


def _missed(draft: Draft, incident: Incident) -> Reason:
    """Why R2 acts: nobody was reached by the deadline."""
    return Reason(
        rule="unreachable",
        incidents=(incident.n,),
        deadline=incident.contact_due,
        decided_at=draft.now,
    )


def _third_miss(draft: Draft, incident: Incident, before: list[Suspension]) -> Reason:
    """Why R3 closes: this case and the standing ones before it make the run."""
    return Reason(
        rule="unreachable_run",
        incidents=(*(case.starter for case in before), incident.n),
        counted=len(before) + 1,
        needed=draft.policy.run_count,
        deadline=incident.contact_due,
        decided_at=draft.now,
    )


def _lapse_removal(draft: Draft, due: datetime, n: int) -> None:
    incident = draft.case.incidents[n]
    reason = refusal_reason(draft, n, deadline=due, said_at=_told_by(draft, incident, due))
    draft.add(
        e.IncidentRefused,
        at=due,
        incident=n,
        state_from=incident.state,
        state_to=move_incident(incident.state, "refuse"),
        reason=reason,
    )
    draft.add(
        e.SiteClosed,
        at=due,
        site_from=draft.case.state,
        site_to=move_site(draft.case.state, "refuse", refusal=True),
        reason=reason,
    )


def _told_by(draft: Draft, incident: Incident, due: datetime) -> datetime:
    """When their time to delete began, at the latest: whoever was told after that had less.

    It runs from the first call that is on record, or from a statement that was taken back since.
    """
    first = min(contact.recorded_at for contact in incident.contacts if contact.tells)
    within = draft.policy.removal_within
    return first if within is None else max(first, due - within)


def _end_suspension(draft: Draft, due: datetime, n: int) -> None:
    case = draft.case
    draft.add(
        e.SuspensionEnded,
        at=due,
        site_from=case.state,
        site_to=move_site(case.state, "end_suspension", held=case.held),
        suspension=n,
        reason=Reason(rule="unreachable", deadline=due, decided_at=draft.now),
    )
    open_recheck(draft, n)
