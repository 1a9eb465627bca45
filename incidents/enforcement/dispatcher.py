"""The dispatcher: the adapter for each site, and the limit of parallel attempts of each adapter.

No adapter may have another's share: however many attempts of one hang, those of the others go on.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from incidents import clock
from incidents.desk import Desk
from incidents.enforcement.attempts import log_error
from incidents.enforcement.continuity import Continuity
from incidents.enforcement.port import Adapter, Order, Outcome
from incidents.enforcement.waiting import Brake, Compare
from incidents.store.leases import Claimed, Key

NO_CHANNEL_AFTER = timedelta(days=3)
"""The time after which a notice that no dispatcher has claimed counts as impossible to send."""

Choose = Callable[[str], Adapter]
"""A function that chooses the adapter for the orders of the site of that name."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of an attempt; `outcome` is None if the attempt was not made."""

    claimed: Claimed
    adapter: str
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """The parts of a dispatcher: the desk, the choice of adapters in each lane, and its own name.

    A lane without an adapter is left to other dispatchers. A lane in `without_channel`, for which
    the settings have no channel, is left to other dispatchers for `NO_CHANNEL_AFTER`; if none has
    claimed a notice by then, it is recorded that nobody was notified.

    `give_up_after`: how long an order is tried. `workers`: the maximum number of simultaneous
    attempts for each adapter. `brake`: the limit of sites taken down within a period; None for no
    limit. `clock`: the machine's clock (UTC), for a database without a clock. `seconds`: a
    monotonic clock, for the time that an attempt waited. `continuity`: marks the newest entry when
    an order goes out; orders are claimed only on a server that it has checked. `compare`: compares
    sites with their actual state after a loss, before their orders are delivered. `observed`:
    called with the result of each recorded attempt.
    """

    engine: Engine
    desk: Desk
    lanes: Mapping[str, Choose]
    name: str
    give_up_after: timedelta
    workers: int = 16
    without_channel: Collection[str] = ()
    brake: Brake | None = None
    continuity: Continuity | None = None
    compare: Compare | None = None
    login: str | None = None
    jitter: Callable[[], float] = random.random
    clock: Callable[[], datetime] = clock.now
    seconds: Callable[[], float] = time.monotonic
    observed: Callable[[AttemptResult, datetime], object] = lambda *_: None


_SHARE = 4


class ConcurrencyLimit:
    """The limit of simultaneous attempts, of each adapter; `seconds` is a monotonic clock."""

    def __init__(self, most: int, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds = most, seconds
        self._full: Counter[str] = Counter()
        self._taken: dict[Key, tuple[float, str, str]] = {}
        self._finished: dict[int, Counter[str]] = {}

    @property
    def total(self) -> int:
        """The number of running attempts."""
        return len(self._taken)

    def free_for(self, adapter: str) -> int:
        """The number of further attempts that an adapter can have."""
        return max(0, self.share(adapter) - self._full[adapter])

    def share(self, adapter: str) -> int:
        """An adapter's share of attempts: its recent throughput, plus a part of the limit."""
        return min(self._most, self._most // _SHARE + self.throughput(adapter))

    def throughput(self, adapter: str) -> int:
        """The number of an adapter's attempts finished in this second and the last."""
        second = int(self._seconds())
        lately = [self._finished[each] for each in (second - 1, second) if each in self._finished]
        return sum(each[adapter] for each in lately)

    def acquire(self, claimed: Claimed, order: Order, adapter: str, began: float) -> None:
        """Add an attempt, whose lease began at the time `began` of the monotonic clock."""
        self._taken[claimed.key] = began, adapter, order.id
        self._full[adapter] += 1

    def release(self, done: AttemptResult) -> None:
        """Remove a finished attempt; an attempt that was abandoned has no effect."""
        found = self._taken.pop(done.claimed.key, None)
        if found is None:
            return
        self._full[found[1]] -= 1
        # An attempt that waited behind a slow one says nothing about the adapter's speed.
        if done.outcome is not None:
            second = int(self._seconds())
            if second not in self._finished:
                before = self._finished.get(second - 1, Counter())
                self._finished = {second - 1: before, second: Counter()}
            self._finished[second][found[1]] += 1

    def drop_expired(self, lease: timedelta) -> None:
        """Abandon the attempts whose lease has ended, because they might never end."""
        ended = self._seconds() - lease.total_seconds()
        for key, (began, adapter, order) in list(self._taken.items()):
            if began > ended:
                # They are in order of addition.
                return
            del self._taken[key]
            self._full[adapter] -= 1
            log_error("an attempt outlasts its lease", order=order)
