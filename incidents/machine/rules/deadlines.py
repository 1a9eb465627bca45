"""The deadlines of a site: everything that can still fall due on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from incidents.machine.case import Case

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
