"""The tally: what came of the attempts of this process to carry orders out."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from incidents.acts.port import Delivered
from incidents.metrics.histogram import Histogram
from incidents.metrics.labels import LANES, NONE, OTHER, OUTCOMES, within
from incidents.metrics.samples import Samples

if TYPE_CHECKING:
    from incidents.acts.courier import Done

DELIVERY_S = (
    0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0, 259_200.0,
)  # fmt: skip
MOST_ADAPTERS = 50
"""So many have a label of their own: they stand in the settings, but for those of others."""


class Tally:
    """Counted by the threads that carry orders out, and told by others."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._adapters: set[tuple[str, str]] = set()
        self._attempts: Counter[tuple[str, str, str]] = Counter()
        self._deliveries = {lane: Histogram(*DELIVERY_S) for lane in LANES}

    def observe(self, done: Done, now: datetime) -> None:
        """One attempt, the outcome of which was settled at `now` (UTC); none if none was made."""
        if done.outcome is None:
            return
        lane, outcome = done.claimed.lane, within(type(done.outcome).__name__.lower(), OUTCOMES)
        with self._lock:
            self._attempts[*self._labels(lane, done.adapter), outcome] += 1
            if isinstance(done.outcome, Delivered) and lane in self._deliveries:
                took = now - done.claimed.ordered_at
                self._deliveries[lane].observe(took.total_seconds())

    def tell(self, into: Samples) -> None:
        """What was counted so far; of each adapter every outcome."""
        with self._lock:
            for labels in (
                (*adapter, outcome) for adapter in self._adapters for outcome in OUTCOMES
            ):
                into.put("incidents_order_attempts_total", self._attempts[labels], *labels)
            for lane, taken in self._deliveries.items():
                into.put("incidents_order_delivery_seconds", taken.copy(), lane)

    def _labels(self, lane: str, adapter: str) -> tuple[str, str]:
        found = within(lane, LANES), adapter or NONE
        if found not in self._adapters and len(self._adapters) >= MOST_ADAPTERS:
            found = found[0], OTHER
        self._adapters.add(found)
        return found
