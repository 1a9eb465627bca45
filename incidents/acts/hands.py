"""The hands: what a courier has in hand, how fast each adapter finishes it, and how much is its.

One that answers slowly must not have all hands, and one that is quick needs them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from incidents.acts import crew as crews
from incidents.acts.courier import Done
from incidents.acts.port import Order
from incidents.store.leases import Claimed, Key

_SHARE = 4


class Hands:
    """So many of all adapters; `seconds` is a clock that nobody sets, with any beginning."""

    def __init__(self, most: int, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds = most, seconds
        self._full: Counter[str] = Counter()
        self._taken: dict[Key, tuple[float, str, str]] = {}
        self._finished: dict[int, Counter[str]] = {}

    @property
    def total(self) -> int:
        """All that is in hand."""
        return len(self._taken)

    @property
    def are_free(self) -> bool:
        """Whether it is worth a transaction to take more in hand."""
        return self.total <= self._most // 2

    def room(self) -> int:
        """How many to take in hand: those that are turned away again cost the database as much."""
        bit = self._most // _SHARE
        quick = self.pace() + bit - self.total
        return min(self._most - self.total, max(quick, bit))

    def has_one_for(self, adapter: str) -> bool:
        """Whether an adapter may have one more in hand."""
        return self._full[adapter] < self.share(adapter)

    def free_for(self, adapter: str) -> int:
        """How many more an adapter may have in hand: none until a transaction for them is worth it.

        Meanwhile it is busy with the others.
        """
        free = self.share(adapter) - self._full[adapter]
        return free if free >= self._most // _SHARE // _SHARE else 0

    def share(self, adapter: str) -> int:
        """How much an adapter may have in hand: what it has finished lately, and a bit of all."""
        return self._most // _SHARE + self.pace(adapter)

    def pace(self, adapter: str | None = None) -> int:
        """How many attempts an adapter, or all, have finished in this second and the one before."""
        second = int(self._seconds())
        lately = [self._finished[each] for each in (second - 1, second) if each in self._finished]
        return sum(each.total() if adapter is None else each[adapter] for each in lately)

    def take(self, claimed: Claimed, order: Order, adapter: str, began: float) -> None:
        """One more, whose lease began at that time (of `seconds`)."""
        self._taken[claimed.key] = began, adapter, order.id
        self._full[adapter] += 1

    def free(self, done: Done) -> None:
        """One is finished; of one that had been given up nothing is changed."""
        found = self._taken.pop(done.claimed.key, None)
        if found is None:
            return
        self._full[found[1]] -= 1
        # What only waited in line behind a slow attempt says nothing of how fast it answers.
        if done.outcome is not None:
            self._count(found[1])

    def free_hung(self, lease: timedelta) -> None:
        """Gives up on attempts whose lease has ended, since nobody knows whether they ever end."""
        ended = self._seconds() - lease.total_seconds()
        for key, (began, adapter, order) in list(self._taken.items()):
            if began > ended:
                # They stand in the order in which they were taken.
                return
            del self._taken[key]
            self._full[adapter] -= 1
            crews.cry("an attempt does not end", order=order)

    def _count(self, adapter: str) -> None:
        second = int(self._seconds())
        if second not in self._finished:
            before = self._finished.get(second - 1, Counter())
            self._finished = {second - 1: before, second: Counter()}
        self._finished[second][adapter] += 1
