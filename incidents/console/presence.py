"""The presence: who looks at which item of the queue now, kept in memory by all servers' copies."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from incidents.system.shared import SharedValue

STAYS_S = 75.0
"""How long somebody counts as looking; an open page asks for its item anew each minute."""


class Presence:
    """Who looks at what: for each item the people, with when they were last seen there."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen = SharedValue[dict[str, dict[str, float]]]({})

    def note(self, item: str, handle: str) -> list[str]:
        """Note that this person looks at the item, and at no other; return who else does."""
        now = self._clock()
        with self._seen.changing() as seen:
            for people in seen.values():
                people.pop(handle, None)
            seen.setdefault(item, {})[handle] = now
            for gone in [each for each, people in seen.items() if not _fresh(people, now)]:
                del seen[gone]
            return sorted(_fresh(seen[item], now) - {handle})

    def now(self) -> Mapping[str, frozenset[str]]:
        """Return who looks at each item."""
        now = self._clock()
        found = {item: _fresh(people, now) for item, people in self._seen.get().items()}
        return {item: people for item, people in found.items() if people}


def _fresh(people: Mapping[str, float], now: float) -> frozenset[str]:
    return frozenset(who for who, at in people.items() if 0 <= now - at < STAYS_S)
