"""The histogram: how long things took, counted by bounds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate


class Histogram:
    """Counts values, in seconds; each bound is the highest value of its bucket (`le`)."""

    def __init__(self, *bounds_s: float) -> None:
        self.bounds_s = bounds_s
        self.sum_s = 0.0
        self._counts = [0] * (len(bounds_s) + 1)

    def observe(self, value_s: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self.bounds_s, value_s)] += 1
        self.sum_s += value_s

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Each bound and how many values were at or below it; the last bound is infinite."""
        return zip((*self.bounds_s, float("inf")), accumulate(self._counts), strict=True)

    def copy(self) -> Histogram:
        """The same counts, which stay as they are."""
        found = Histogram(*self.bounds_s)
        found.sum_s, found._counts = self.sum_s, [*self._counts]
        return found
