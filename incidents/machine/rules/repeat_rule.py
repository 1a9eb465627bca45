"""The rule on repeated violations (R1): which incidents count, and the windows that they fill."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from incidents.machine.case import Case
from incidents.machine.incident import Incident
from incidents.machine.policy import Policy


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
    ordered = by_time(counted)
    here = ordered.index(incident)
    for start in range(max(0, here - count + 1), here + 1):
        window = ordered[start : start + count]
        if len(window) == count and _span(window) <= policy.repeat_within:
            return tuple(window)
    return ()


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


def by_time(incidents: Iterable[Incident]) -> list[Incident]:
    """The incidents in the order in which they occurred."""
    return sorted(incidents, key=lambda incident: (incident.occurred_at, incident.n))


def _span(window: list[Incident]) -> timedelta:
    return window[-1].occurred_at - window[0].occurred_at
