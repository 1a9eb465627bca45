"""The turn: what takes seconds is done for one at a time, and others wait a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from incidents.errors import IncidentsError

PATIENCE_S = 5.0


class BusyError(IncidentsError):
    """something else of that kind is being worked out just now: ask again in a few seconds"""


class Turn:
    """One of them in a process; the desk works on the same machine."""

    def __init__(self) -> None:
        self._free = BoundedSemaphore(1)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """While it is somebody's; raises BusyError if nobody gives it up in time."""
        if not self._free.acquire(timeout=PATIENCE_S):
            raise BusyError
        try:
            yield
        finally:
            self._free.release()


SIMULATING, IMPORTING, BUNDLING, ERASING, TRYING = Turn(), Turn(), Turn(), Turn(), Turn()
