"""The rehearsal: the program under a manually set clock, for demonstrations and tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents import clock


@dataclass
class Rehearsal:
    """The clock of a rehearsal; `now` is aware, in UTC."""

    now: datetime

    def later(self, **by: float) -> None:
        """Advance the clock, with the arguments of timedelta: `later(hours=12, seconds=1)`."""
        self.now += timedelta(**by)


@contextmanager
def rehearsal(begin: datetime) -> Iterator[Rehearsal]:
    """Run this process from `begin` (aware) on, at a time that only `later` advances."""
    own = Rehearsal(clock.in_utc(begin))
    before = clock.source
    clock.source = lambda: own.now
    try:
        yield own
    finally:
        clock.source = before
