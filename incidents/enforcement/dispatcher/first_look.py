"""The first look: after a loss a site is compared with the world before anything is delivered.

What is in force on record then was so before the loss. Once an order of the new epoch was carried
out, nobody could tell any more what had been down for a reason that is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet

from incidents.machine.in_force import DOWN
from incidents.machine.orders import ACT, NOTICE
from incidents.store.orders.leases import Claimed
from incidents.store.record.lineage import Standing

Compare = Callable[[Sequence[str]], AbstractSet[str]]
"""Compares sites, by their names, with the world, and puts on record how they are; returns those
that could be compared, without those whose adapter had a fault."""


class FirstLook:
    """Which sites it has looked at in the epoch that runs; `compare` looks."""

    def __init__(self, compare: Compare) -> None:
        self._compare = compare
        self._epoch = 0
        self._seen: set[int] = set()

    def to_wait(
        self, standing: Standing, claimed: Iterable[Claimed], undone: AbstractSet[tuple[int, int]]
    ) -> list[Claimed]:
        """Looks at the sites of those orders, unless the world is as the record says. Returns those
        that wait until their sites could be compared: all but what a hold or a closure orders. So
        do the letters of what is `undone`, which is given by sites and orders: they would say what
        may never be."""
        if standing.unproved_since is None:
            return []
        if standing.epoch != self._epoch:
            self._epoch, self._seen = standing.epoch, set()
        new = [
            each
            for each in claimed
            if each.site_id not in self._seen
            and (each.lane == ACT or (each.lane == NOTICE and (each.site_id, each.seq) in undone))
        ]
        if not new:
            return []
        seen = self._compare(sorted({each.site for each in new}))
        self._seen |= {each.site_id for each in new if each.site in seen}
        return [each for each in new if each.site not in seen and _waits(each)]


def _waits(claimed: Claimed) -> bool:
    """What the clock orders, and every opening, waits; a decision that a site stays down does not,
    since it stands whatever is lost."""
    return claimed.kind not in DOWN or (claimed.kind == "suspend" and "suspension" in claimed.data)
