"""The line: orders that were let go untried, those of each adapter in turn, until it has a hand.

What comes again too early is let go once more, and that costs the database as much as an attempt.
So whoever let them go takes them by their numbers as soon as a hand is free; by the clock they are
anybody's later, one lot after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import timedelta
from itertools import islice

from incidents.acts.hands import Hands
from incidents.store.leases import Key

_SOON_S, _APART_S, _LATEST_S = 0.1, 0.25, 25.0

_Order = tuple[int, int, str]
"""The number of the site, of the order, and the lane."""


class Line:
    """Who waits for which of the `hands`; `seconds` is a clock that nobody sets."""

    def __init__(self, hands: Hands, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._hands, self._seconds = hands, seconds
        self._waiting: dict[str, dict[_Order, Key]] = {}
        self._ends: dict[str, float] = {}

    def turn_away(self, adapter: str, keys: Collection[Key]) -> timedelta:
        """These wait from now on; after how long anybody may take them.

        In a second it may be as many as the adapter may have in hand, and nobody waits for more
        than 25 seconds.
        """
        for key in keys:
            self.add(adapter, key)
        now = self._seconds()
        turn = max(self._ends.get(adapter, now), now + _SOON_S)
        lasts = max(len(keys) / self._hands.share(adapter), _APART_S)
        self._ends[adapter] = min(turn + lasts, now + _LATEST_S)
        return timedelta(seconds=turn - now)

    def add(self, adapter: str, key: Key) -> None:
        """One more waits."""
        self._waiting.setdefault(adapter, {})[key[:3]] = key

    def leave(self, adapter: str, key: Key) -> None:
        """One that may have waited is in hand."""
        self._waiting.get(adapter, {}).pop(key[:3], None)

    def next(self, most: int) -> list[Key]:
        """Those that find a hand now, at most so many: they wait no longer."""
        found = [
            (adapter, key)
            for adapter, keys in self._waiting.items()
            for key in islice(keys.values(), self._hands.free_for(adapter))
        ][:most]
        for adapter, key in found:
            self.leave(adapter, key)
        return [key for _, key in found]
