"""The attempts: work that must come to an end in time, each on a thread that can be left behind.

A library that waits for the world cannot be interrupted. Its attempt is given up, and it is told
so before it changes anything more: what is late must not be done after a later order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Generic, TypeVar

Result = TypeVar("Result")


class LateError(Exception):
    """The time of the attempt is up."""


class Attempts(Generic[Result]):
    """Runs one piece of work at a time for each caller, and at most `most` in all.

    `late` is the result of work that has not ended in time, `full` of work that was not begun
    because too much is still under way.
    """

    def __init__(self, *, limit_s: float, most: int, late: Result, full: Result) -> None:
        self._limit_s = limit_s
        self._free = threading.BoundedSemaphore(most)
        self._late = late
        self._full = full

    def run(self, work: Callable[[float], Result]) -> Result:
        """The result of the work, which is given the moment (monotonic, in seconds) of its end.

        Whatever it raises is raised here, LateError excepted.
        """
        if not self._free.acquire(blocking=False):
            return self._full
        until = monotonic() + self._limit_s
        ended: SimpleQueue[Result | BaseException] = SimpleQueue()
        threading.Thread(
            target=self._work, args=(work, until, ended), name="attempt", daemon=True
        ).start()
        try:
            result = ended.get(timeout=self._limit_s)
        except Empty:
            return self._late
        if isinstance(result, LateError):
            return self._late
        if isinstance(result, BaseException):
            raise result
        return result

    def _work(
        self,
        work: Callable[[float], Result],
        until: float,
        ended: SimpleQueue[Result | BaseException],
    ) -> None:
        result: Result | BaseException
        try:
            result = work(until)
        except BaseException as error:  # noqa: BLE001  # raised where it is waited for
            result = error
        # Free the place first: whoever gets the result may start the next attempt at once.
        self._free.release()
        ended.put(result)


def check(until: float) -> None:
    """Before each change of the world: whether there is still time for it.

    Raises:
        LateError: if there is not.
    """
    if monotonic() > until:
        raise LateError
