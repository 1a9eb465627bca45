"""The queue: the due orders that wait for one adapter, the most urgent first."""

from __future__ import annotations

from bisect import bisect_left, insort
from datetime import datetime

from incidents.machine.command import DOWN
from incidents.store.due_orders import Due, Place

HOLD, TAKE_DOWN, OTHER, TAKE_DOWN_AGAIN, OTHER_AGAIN = range(5)
"""How urgent an order is: of a site that is held, to take a site down, or any other; and the same
of a site that fails again and again, so that it does not keep others waiting."""

_FAILS_AGAIN = 2
"""From so many attempts on a site fails again and again: one may have been a dispatcher's."""

LENGTH = 2_000
"""The most orders that are kept for one adapter; the others are read again when these are gone."""


def urgency(kind: str, *, held: bool, attempts: int) -> int:
    """How urgent an order is after so many attempts; the least number is the most urgent."""
    if held:
        return HOLD
    tried = attempts >= _FAILS_AGAIN
    if kind in DOWN:
        return TAKE_DOWN_AGAIN if tried else TAKE_DOWN
    return OTHER_AGAIN if tried else OTHER


_Rank = tuple[int, bool, datetime, int, Place]


class Queue:
    """The most urgent orders of one lane for one adapter; at most one of each site.

    `missed`: the place of the first order for which there was no room, if there was one. `salt`:
    see `Queues`.
    """

    def __init__(self, salt: int = 0) -> None:
        self._salt = salt
        self._ranks: list[_Rank] = []
        self._by_site: dict[int, Due] = {}
        self.missed: Place | None = None

    def __len__(self) -> int:
        return len(self._ranks)

    @property
    def has_room(self) -> bool:
        """Whether the queue is short enough to be filled again."""
        return len(self) <= LENGTH // 2

    @property
    def is_urgent(self) -> bool:
        """Whether an order of a held site waits."""
        return bool(self._ranks) and self._ranks[0][0] == HOLD

    def offer(self, due: Due) -> None:
        """Add an order, or what has become of it since it was added."""
        known = self._by_site.get(due.site_id)
        if known == due:
            return
        if known is not None:
            self._remove(known)
        self._by_site[due.site_id] = due
        insort(self._ranks, self._rank(due))
        if len(self) > LENGTH:
            place = self._ranks[-1][-1]
            self._remove(self._by_site[place[1]])
            self.missed = place if self.missed is None else min(self.missed, place)

    def take(self, most: int) -> list[Due]:
        """Remove and return the most urgent orders, at most `most`."""
        found = [self._by_site.pop(rank[-1][1]) for rank in self._ranks[:most]]
        del self._ranks[:most]
        return found

    def clear(self, salt: int) -> list[int]:
        """Remove all orders, take another salt, and return the sites' numbers."""
        found = list(self._by_site)
        self._salt, self._ranks, self._by_site = salt, [], {}
        return found

    def _rank(self, due: Due) -> _Rank:
        second = due.next_at.replace(microsecond=0)
        urgent = urgency(due.kind, held=due.held, attempts=due.attempts)
        return urgent, due.attempts > 0, second, due.site_id ^ self._salt, due.place

    def _remove(self, due: Due) -> None:
        del self._ranks[bisect_left(self._ranks, self._rank(due))]
        del self._by_site[due.site_id]
