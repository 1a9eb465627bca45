"""The precedence of the deadlines: other duties pause between transactions while many wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from incidents.daemon.shared_status import SharedStatus

SHARE, MOST_S = 5, 1.0
"""While deadlines wait, a duty works one part in so many of the time; and its longest pause."""


class Precedence:
    """The pauses of one duty, for its own thread.

    Processes of their own are not enough: they share the database's server, or its one write lock,
    with the deadlines.
    """

    def __init__(
        self,
        shared: SharedStatus,
        stop: Event,
        *,
        share: int = SHARE,
        most_s: float = MOST_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared, self._stop, self._monotonic = shared, stop, monotonic
        self._share, self._most_s = share, most_s
        self._since = monotonic()

    def give(self) -> None:
        """Pause, if deadlines wait, in proportion to the time since the last pause."""
        if self._shared.is_overdue:
            worked_s = self._monotonic() - self._since
            self._stop.wait(min(worked_s * (self._share - 1), self._most_s))
        self._since = self._monotonic()

    def stopped(self) -> bool:
        """Whether to stop; a duty asks between two transactions, so here it pauses, too."""
        self.give()
        return self._stop.is_set()
