"""The hand: moves the simulated clock of a run, faster than real time, and leaps over waits."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

from tests.acceptance.daemons import Timeline

RATE = 5
"""The seconds that pass on it in one real second, while nothing is being measured."""

_MOST_S = 0.1


class Hand:
    """Moves a clock that other processes live by; it goes on only while `tick` is called.

    A lease of 25 seconds lasts for five real ones, a retry waits for 0.4 s at first. `monotonic`
    is left alone: how long an attempt takes is real.
    """

    def __init__(self, folder: Path) -> None:
        self._timeline = Timeline(folder)
        self._ticked = time.monotonic()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that lives by it."""
        return {**self._timeline.environment, "INCIDENTS_CLOCK": "own"}

    def now(self) -> datetime:
        """The time it shows."""
        return self._timeline.now()

    def tick(self, rate: float) -> None:
        """Let it be that much faster for the time that has passed since the last tick.

        Whoever was kept from ticking gets no leap for it.
        """
        passed_s = min(time.monotonic() - self._ticked, _MOST_S)
        self._ticked = time.monotonic()
        if rate > 1:
            self._timeline.move(timedelta(seconds=(rate - 1) * passed_s))

    def leap_to(self, moment: datetime) -> None:
        """Skip what lies before that moment."""
        if moment > self.now():
            self._timeline.move_to(moment)
