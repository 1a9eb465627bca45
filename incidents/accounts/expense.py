"""The expense: how much processor time each account has lately asked for, and when it is enough."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from incidents.errors import IncidentsError

BUDGET_S, WITHIN_S = 30.0, 60.0
"""An account has so many seconds of a processor within so many seconds."""
Spent = Callable[[float], object]
"""What hears of seconds of a processor that were used."""
IN_HAND_S = 5
"""So long somebody waits who asks while something else of theirs is worked out."""


class OverspentError(IncidentsError):
    """{by} has something else worked out just now, or has had more than {budget_s} seconds of the
    server's processor within a minute: ask again in {wait_s} seconds"""


class Expenses:
    """What the accounts of one process have spent. Threads may share it.

    A budget fills up again steadily. Who has any left may begin, so one long piece of work is done
    to its end, and waited for before the next one.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        self._monotonic, self._spent = monotonic, spent
        self._lock = Lock()
        self._in_hand: set[str] = set()
        self._owed: dict[str, tuple[float, float]] = {}

    @contextmanager
    def of(self, by: str) -> Iterator[Spent]:
        """While it lasts this thread works for that account, at one thing at a time; what is given
        is called with the seconds that another process works for it.

        Raises:
            OverspentError: if it has too much already; `wait_s` says for how long.
        """
        with self._lock:
            wait_s = IN_HAND_S if by in self._in_hand else math.ceil(self._too_much_s(by))
            if wait_s > 0:
                raise OverspentError(by=by, budget_s=f"{BUDGET_S:.0f}", wait_s=wait_s)
            self._in_hand.add(by)
        elsewhere: list[float] = []
        began = self._spent()
        try:
            yield elsewhere.append
        finally:
            with self._lock:
                self._in_hand.discard(by)
                now = self._monotonic()
                spent = self._spent() - began + sum(elsewhere)
                self._owed[by] = (self._owed_s(by, now) + spent, now)

    def _too_much_s(self, by: str) -> float:
        """For how long the account owes more than its budget."""
        owed = self._owed_s(by, self._monotonic())
        return max(0.0, owed - BUDGET_S) * WITHIN_S / BUDGET_S

    def _owed_s(self, by: str, now: float) -> float:
        owed, at = self._owed.get(by, (0.0, now))
        return max(0.0, owed - (now - at) * BUDGET_S / WITHIN_S)
