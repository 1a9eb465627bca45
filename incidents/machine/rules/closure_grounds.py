"""The grounds of a closure: whether its rule is still met, after corrections, and so disputed."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta

from incidents.machine.case import Case, Closure
from incidents.machine.incident import Incident
from incidents.machine.rules.repeat_rule import by_time, counts, fullest_window
from incidents.machine.rules.unreachable_rules import cases_up_to


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
        ordered = by_time(_around(case, closure, closure.within))
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
