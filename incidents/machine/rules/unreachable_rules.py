"""The rules on nobody reachable (R2), and on its repetition (R3): attempts, cases, runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from incidents.machine.case import Case, Suspension
from incidents.machine.incident import Incident
from incidents.machine.policy import Policy

Place = tuple[datetime, int]


def attempts(incident: Incident) -> int:
    """The number of valid contact attempts by the incident's deadline.

    If the clock has lapsed, count the contacts that were valid on record at that time. Later
    entries change nothing.
    """
    due, lapsed = incident.contact_due, incident.lapsed_at
    assert due is not None, "an incident without a clock has no deadline"
    tried = [each for each in incident.contacts if each.occurred_at <= due]
    if lapsed is None:
        return sum(1 for each in tried if each.stands)
    return sum(
        1
        for each in tried
        if each.recorded_at < lapsed and (each.voided_at is None or each.voided_at >= lapsed)
    )


def cases_up_to(case: Case, place: Place, *, total: bool) -> list[Suspension]:
    """The consecutive standing cases up to and including the deadline `place` (R3).

    If somebody was reached about an incident with a later deadline, this does not break the run
    here. With `total`, reaching somebody never breaks the run.
    """
    since = None if total else _last_reached(case, before=place)
    row = (standing for standing in _standing_after(case, since) if standing.place <= place)
    return sorted(row, key=lambda suspension: suspension.place)


def run(case: Case, policy: Policy) -> int:
    """The number of standing cases since somebody was last reached in time (R3)."""
    since = None if policy.run == "total" else _last_reached(case)
    return len(_standing_after(case, since))


def of_run(case: Case) -> Iterator[Incident]:
    """The incidents relevant for the run (R3): not voided, with a clock since the reinstatement."""
    return (
        incident
        for incident in case.incidents.values()
        if incident.epoch == case.epoch
        and incident.contact_due is not None
        and incident.state != "voided"
    )


def _last_reached(case: Case, before: Place | None = None) -> Place | None:
    places = (incident.place for incident in of_run(case) if incident.reached_in_time)
    return max((p for p in places if before is None or p < before), default=None)


def _standing_after(case: Case, since: Place | None) -> list[Suspension]:
    return [
        suspension
        for suspension in case.suspensions.values()
        if suspension.epoch == case.epoch
        and not suspension.struck
        and (since is None or suspension.place > since)
    ]
