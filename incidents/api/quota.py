"""The quota: how many acts a token, or an account in its sessions, has done lately, and how many
it may."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock

from incidents.accounts.identity import Identity
from incidents.errors import IncidentsError

_MINUTE_S = 60.0


class TooManyActsError(IncidentsError):
    """{who} may do {limit} acts a minute: ask again in {wait_s} seconds"""


class Quota:
    """What those have done who come in at one server. Threads may share it.

    A quota fills up again steadily. Who has any left may go on, so a batch that is longer than the
    rest of it is done, and waited for before the next act.
    """

    def __init__(
        self, acts_per_minute: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._monotonic = acts_per_minute, monotonic
        self._lock = Lock()
        self._done: dict[str, tuple[float, float]] = {}

    def take(self, of: Identity, acts: int = 1) -> None:
        """Counts acts that are about to be done; any number is let through where the limit is 0.

        Raises:
            TooManyActsError: if the quota is used up; `wait_s` says for how long.
        """
        if not self._limit:
            return
        who = of.handle if of.token is None else f"token {of.token}"
        with self._lock:
            now = self._monotonic()
            done, at = self._done.get(who, (0.0, now))
            left = self._limit - max(0.0, done - (now - at) * self._limit / _MINUTE_S)
            if left < 1:
                wait_s = max(1, math.ceil((1 - left) * _MINUTE_S / self._limit))
                raise TooManyActsError(who=who, limit=f"{self._limit:,}", wait_s=wait_s)
            self._done[who] = (self._limit - left + acts, now)
