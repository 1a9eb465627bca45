"""Predicates that evaluate the rules (R1 … R5) and disputes on a case, and guards for state tables.

The tables of `state` refer to these guards by name.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from incidents.machine.case import Case, Closure, Suspension
from incidents.machine.command import REACHED
from incidents.machine.incident import Incident
from incidents.machine.incident_commands import ImportIncident
from incidents.machine.policy import Policy

Place = tuple[datetime, int]

CONTACT_CLOCK, REMOVAL_CLOCK, SUSPENSION_END = 0, 1, 2
"""The kinds of items that can fall due, in the order in which simultaneous items are processed."""

Due = tuple[datetime, int, int]
"""The due time, the kind (one of the three above), and the number of the incident or suspension."""


def pending(case: Case) -> Iterator[Due]:
    """List everything that can still fall due on the site; nothing for a closed site."""
    for incident in case.incidents.values():
        if case.clock_runs(incident):
            assert incident.contact_due is not None
            yield incident.contact_due, CONTACT_CLOCK, incident.n
        elif case.removal_runs(incident):
            assert incident.removal_due is not None
            yield incident.removal_due, REMOVAL_CLOCK, incident.n
    suspension = case.suspension
    if suspension is not None:
        assert suspension.until is not None
        yield suspension.until, SUSPENSION_END, suspension.n


def next_due(case: Case) -> datetime | None:
    """The earliest due time on the site; the clock must act after it."""
    return min((when for when, _, _ in pending(case)), default=None)


def counts(case: Case, incident: Incident) -> bool:
    """Whether R1 counts the incident: not voided, not moot, recorded since the reinstatement."""
    return incident.epoch == case.epoch and incident.state not in ("voided", "moot")


def window_with(case: Case, incident: Incident, policy: Policy) -> tuple[Incident, ...]:
    """The first group of incidents that contains `incident` and meets R1; empty if there is none.

    A group has the policy's number of incidents, within the policy's time span, both ends included.
    """
    counted = [i for i in case.incidents.values() if counts(case, i)]
    count = policy.repeat_count
    if len(counted) < count:
        return ()
    ordered = _by_time(counted)
    here = ordered.index(incident)
    for start in range(max(0, here - count + 1), here + 1):
        window = ordered[start : start + count]
        if len(window) == count and _span(window) <= policy.repeat_within:
            return tuple(window)
    return ()


def completes_window(case: Case, incident: Incident, policy: Policy) -> bool:
    """Whether the incident completes a window that closes a site (R1)."""
    return bool(window_with(case, incident, policy))


def counted_times(case: Case) -> list[datetime]:
    """The times, in order (UTC), of the incidents that R1 counts."""
    return sorted(i.occurred_at for i in case.incidents.values() if counts(case, i))


def counted_with(times: Sequence[datetime], here: datetime, within: timedelta) -> int:
    """The number of `times` in the fullest window that contains `here`, one of these times (R1)."""
    first, after = bisect_left(times, here - within), bisect_right(times, here)
    return max(bisect_right(times, times[n] + within) - n for n in range(first, after))


def place_of_next(times: Sequence[datetime], policy: Policy, now: datetime) -> int:
    """The place, from 1, of one more violation at `now` among those that R1 counts together.

    `times`: those of the incidents that R1 counts, in order. All times are in UTC.
    """
    return len(times) - bisect_left(times, now - policy.repeat_within) + 1


def next_closes_until(times: Sequence[datetime], policy: Policy, now: datetime) -> datetime | None:
    """The last moment at which one more violation closes the site (R1); None if none would.

    `times`: as in `place_of_next`.
    """
    closes = place_of_next(times, policy, now) >= policy.repeat_count
    return times[1 - policy.repeat_count] + policy.repeat_within if closes else None


def fullest_window(incidents: Iterable[Incident], within: timedelta) -> int:
    """The number of incidents in the fullest window of that length."""
    times = sorted(incident.occurred_at for incident in incidents)
    ends = (bisect_right(times, first + within) for first in times)
    return max((end - start for start, end in enumerate(ends)), default=0)


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


def unreachable(_case: Case, incident: Incident, policy: Policy) -> bool:
    """Whether the policy's minimum number of attempts was made by the contact deadline (R2)."""
    return policy.min_attempts == 0 or attempts(incident) >= policy.min_attempts


def completes_run(case: Case, incident: Incident, policy: Policy) -> bool:
    """Whether the incident's missed deadline completes the run that closes a site (R3)."""
    if not unreachable(case, incident, policy):
        return False
    before = cases_up_to(case, incident.place, total=policy.run == "total")
    return len(before) + 1 >= policy.run_count


def held(case: Case) -> bool:
    """Whether an authority's order keeps the site down."""
    return case.held


def suspension_runs(case: Case) -> bool:
    """Whether a suspension is still running (R2)."""
    return case.suspension is not None


def site_closed(case: Case) -> bool:
    """Whether the site is closed: new incidents on it are then moot."""
    return case.closed


def told(incident: Incident) -> bool:
    """Whether the customer was reached by a contact that has not been voided (R2)."""
    return any(contact.tells for contact in incident.contacts)


def lapsed(incident: Incident) -> bool:
    """Whether the incident's contact clock has lapsed (R2)."""
    return incident.lapsed_at is not None


def known_removed(past: ImportIncident) -> bool:
    """Whether the time when a past incident's content was removed is known."""
    return past.removed_at is not None


def known_told(past: ImportIncident) -> bool:
    """Whether it is known that the customer was reached about a past incident."""
    return past.contact == REACHED


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


def still_met(case: Case, closure: Closure) -> int | None:
    """The count that the closure's rule still reaches; None for R4, a person's statement.

    R1: the fullest window around the incident that completed it. R3: the position, in the run, of
    the case that closed the site; if somebody was in fact reached in time about that incident, less
    than the needed count. R5: the number of its two conditions that hold: the customer was told
    before or when they refused, and the refusal stands.
    """
    if closure.rule == "repeat":
        assert closure.within is not None
        return fullest_window(_around(case, closure, closure.within), closure.within)
    if closure.rule == "unreachable_run":
        assert closure.suspension is not None
        closing = case.suspensions[closure.suspension]
        standing = len(cases_up_to(case, closing.place, total=closure.total))
        broken = not closure.total and _is_reached_in_time(case, closing.starter)
        return min(standing, closure.needed - 1) if broken else standing
    if closure.rule == "refusal":
        return int(was_told(case, closure)) + int(refuses(case, closure))
    return None


def still_grounds(case: Case, closure: Closure) -> tuple[int, ...]:
    """The incidents that `still_met` counts: of R1's fullest window, or those of R3's cases."""
    if closure.rule == "repeat":
        assert closure.within is not None
        ordered = _by_time(_around(case, closure, closure.within))
        times = [incident.occurred_at for incident in ordered]
        windows = (
            ordered[start : bisect_right(times, first + closure.within)]
            for start, first in enumerate(times)
        )
        return tuple(sorted(incident.n for incident in max(windows, key=len, default=())))
    if closure.rule == "unreachable_run":
        assert closure.suspension is not None
        place = case.suspensions[closure.suspension].place
        row = cases_up_to(case, place, total=closure.total)
        return tuple(sorted(suspension.starter for suspension in row))
    return ()


def was_told(case: Case, closure: Closure) -> bool:
    """Whether the customer was told in time: the first condition of R5.

    In time means no later than the refusal or, for a lapsed removal deadline, than the start of the
    customer's time to delete.
    """
    refused = case.incidents[closure.incidents[0]]
    return refused.state != "voided" and any(
        contact.tells and contact.occurred_at <= (closure.said_at or closure.at)
        for contact in refused.contacts
    )


def refuses(case: Case, closure: Closure) -> bool:
    """Whether the refusal that closed the site is still on record: the second condition of R5."""
    return case.incidents[closure.incidents[0]].state == "refused"


def refused_by_deadline(case: Case, incident: Incident) -> bool:
    """Whether this incident's removal deadline closed the site, and not a person's statement.

    Due deadlines are processed first, so no person's statement can be recorded after one.
    """
    closure, due = case.closure, incident.removal_due
    if closure is None or due is None or incident.state != "refused":
        return False
    return closure.incidents == (incident.n,) and closure.at > due


def is_met(case: Case, closure: Closure) -> bool:
    """Whether the closure's rule is still met in full; always true for R4, a person's statement."""
    met = still_met(case, closure)
    return met is None or met >= closure.needed


def disputed(case: Case) -> bool:
    """Whether a correction leaves the closure's rule unmet, below the count last upheld."""
    if case.closure is None:
        return False
    met, upheld_at = still_met(case, case.closure), case.closure.upheld_at
    if met is None or met >= case.closure.needed:
        return False
    return upheld_at is None or met < upheld_at


def settled(case: Case, closure: Closure) -> bool:
    """Whether the closure is no longer disputed, or no longer needs to be upheld.

    A dispute ends when the rule is met again, or met with the count last upheld. The record that
    the closure was upheld is cleared when the rule is met in full, so that a later dispute is a new
    one.
    """
    if case.disputed:
        return not disputed(case)
    return closure.upheld_at is not None and is_met(case, closure)


def _around(case: Case, closure: Closure, within: timedelta) -> list[Incident]:
    completing = case.incidents[closure.incidents[-1]].occurred_at
    return [
        incident
        for incident in case.incidents.values()
        if counts(case, incident) and abs(incident.occurred_at - completing) <= within
    ]


def _is_reached_in_time(case: Case, n: int) -> bool:
    incident = case.incidents.get(n)
    return incident is not None and incident.reached_in_time and incident.state != "voided"


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


def _by_time(incidents: Iterable[Incident]) -> list[Incident]:
    return sorted(incidents, key=lambda incident: (incident.occurred_at, incident.n))


def _span(window: list[Incident]) -> timedelta:
    return window[-1].occurred_at - window[0].occurred_at
