"""The deadline: when a request must be over as a whole, however little each step of it takes."""

from __future__ import annotations

from time import monotonic

from incidents.outbound.faults import TimedOutError


class Deadline:
    """So many seconds from now, for a request to `host`."""

    __slots__ = ("_host", "_until", "_within_s")

    def __init__(self, host: str, within_s: float) -> None:
        self._host = host
        self._within_s = within_s
        self._until = monotonic() + within_s

    def left_s(self) -> float:
        """The seconds that are left, more than 0.

        Raises:
            TimedOutError: if none are.
        """
        left = self._until - monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> TimedOutError:
        """The error of a request that was not over in time."""
        return TimedOutError(host=self._host, within_s=self._within_s)
