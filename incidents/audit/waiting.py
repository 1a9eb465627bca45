"""What waits: which orders are not settled as the record has it, against the rows of the table."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from incidents.audit.finding import Finding, compare
from incidents.audit.rows import Row
from incidents.machine.case import Case
from incidents.store.tables import deliveries

_KEY = 4
_ONE = 1
# How often it was tried, and when it is tried again, is the business of whoever carries it out.
_OWN = 6


def findings(
    site: str, case: Case | None, cancelled: AbstractSet[int], found: Iterator[Row], dialect: str
) -> Iterator[Finding]:
    """What differs of what waits for a site, or is a dead letter. One without an entry has no
    `case`, and nothing waits for it.

    Inside one transaction a suspension and the reopening that takes it back order nothing, and so
    nothing waits of them: they are the numbers `cancelled` (see `outbox`).
    """
    own = list(found)
    by_key = {row[:_KEY]: row for row in own}
    unsettled = [] if case is None else list(case.deliveries.values())
    right = []
    for each in sorted(unsettled, key=lambda each: (each.lane, each.order)):
        if case is not None and each.order not in cancelled:
            key = (case.site_id, each.lane, each.order, _ONE)
            right.append((*key, each.kind, each.dead, *by_key.get(key, ())[_OWN:]))
    yield from compare(site, deliveries, iter(right), iter(own), dialect)
