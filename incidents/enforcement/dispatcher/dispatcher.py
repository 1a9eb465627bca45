"""The dispatcher: which adapter carries out what, how many at once, and what waits.

An adapter that answers slowly must not have all hands, and one that is quick needs them. What comes
again too early is let go once more, and that costs the database as much as an attempt. So whoever
let them go takes them by their numbers as soon as a hand is free; by the clock they are anybody's
later, one lot after the other.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Engine

from incidents import clock
from incidents.desk import Desk
from incidents.enforcement.attempts import log_error
from incidents.enforcement.dispatcher.continuity import Continuity
from incidents.enforcement.dispatcher.waiting import Brake, Compare
from incidents.enforcement.port import Adapter, Order, Outcome
from incidents.store.leases import Claimed, Key

UNHEARD_FOR = timedelta(days=3)
"""News that nobody has looked at for so long has nobody who would tell it."""

Choose = Callable[[Order], Adapter]
"""Who carries an order out."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an attempt; no outcome: it was not made."""

    claimed: Claimed
    adapter: str
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """What a dispatcher stands on: the desk, who carries out what in each lane, and its own name.

    A lane that nobody is named for is left to others; one of `unheard`, which by the settings has
    nobody here, until `UNHEARD_FOR` shows that there are none: it then goes on record that nobody
    was told.

    `give_up_after` is how long an order is tried; `workers` attempts are made at once, for each
    adapter. `brake` says how many sites may be taken down at once; None: any number. `clock` gives
    the machine's time (UTC), for a database that has none. `seconds` is a clock that nobody sets:
    how long an attempt was in line. `continuity` keeps what was there when an order went out, and
    nothing is taken in hand on a server that nobody has looked at; `compare` compares sites with
    the world before anything is delivered to them after a loss. `observed` is told what came of
    each attempt, when it is recorded.
    """

    engine: Engine
    desk: Desk
    lanes: Mapping[str, Choose]
    name: str
    give_up_after: timedelta
    workers: int = 16
    unheard: Collection[str] = ()
    brake: Brake | None = None
    continuity: Continuity | None = None
    compare: Compare | None = None
    login: str | None = None
    chance: Callable[[], float] = random.random
    clock: Callable[[], datetime] = clock.now
    seconds: Callable[[], float] = time.monotonic
    observed: Callable[[Done, datetime], object] = lambda *_: None


_SHARE = 4


class ConcurrencyLimit:
    """So many of all adapters; `seconds` is a clock that nobody sets, with any beginning."""

    def __init__(self, most: int, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds = most, seconds
        self._full: Counter[str] = Counter()
        self._taken: dict[Key, tuple[float, str, str]] = {}
        self._finished: dict[int, Counter[str]] = {}

    @property
    def total(self) -> int:
        """All that is in hand."""
        return len(self._taken)

    @property
    def are_free(self) -> bool:
        """Whether it is worth a transaction to take more in hand."""
        return self.total <= self._most // 2

    def room(self) -> int:
        """How many to take in hand: those that are turned away again cost the database as much."""
        bit = self._most // _SHARE
        quick = self.pace() + bit - self.total
        return min(self._most - self.total, max(quick, bit))

    def has_one_for(self, adapter: str) -> bool:
        """Whether an adapter may have one more in hand."""
        return self._full[adapter] < self.share(adapter)

    def free_for(self, adapter: str) -> int:
        """How many more an adapter may have in hand: none until a transaction for them is worth it.

        Meanwhile it is busy with the others.
        """
        free = self.share(adapter) - self._full[adapter]
        return free if free >= self._most // _SHARE // _SHARE else 0

    def share(self, adapter: str) -> int:
        """How much an adapter may have in hand: what it has finished lately, and a bit of all."""
        return self._most // _SHARE + self.pace(adapter)

    def pace(self, adapter: str | None = None) -> int:
        """How many attempts an adapter, or all, have finished in this second and the one before."""
        second = int(self._seconds())
        lately = [self._finished[each] for each in (second - 1, second) if each in self._finished]
        return sum(each.total() if adapter is None else each[adapter] for each in lately)

    def take(self, claimed: Claimed, order: Order, adapter: str, began: float) -> None:
        """One more, whose lease began at that time (of `seconds`)."""
        self._taken[claimed.key] = began, adapter, order.id
        self._full[adapter] += 1

    def free(self, done: Done) -> None:
        """One is finished; of one that had been given up nothing is changed."""
        found = self._taken.pop(done.claimed.key, None)
        if found is None:
            return
        self._full[found[1]] -= 1
        # What only waited in line behind a slow attempt says nothing of how fast it answers.
        if done.outcome is not None:
            second = int(self._seconds())
            if second not in self._finished:
                before = self._finished.get(second - 1, Counter())
                self._finished = {second - 1: before, second: Counter()}
            self._finished[second][found[1]] += 1

    def free_hung(self, lease: timedelta) -> None:
        """Gives up on attempts whose lease has ended, since nobody knows whether they ever end."""
        ended = self._seconds() - lease.total_seconds()
        for key, (began, adapter, order) in list(self._taken.items()):
            if began > ended:
                # They stand in the order in which they were taken.
                return
            del self._taken[key]
            self._full[adapter] -= 1
            log_error("an attempt does not end", order=order)


_SOON_S, _APART_S, _LATEST_S = 0.1, 0.25, 25.0


class Backlog:
    """Who waits until the `limit` allows another attempt; `seconds` is a clock that nobody sets."""

    def __init__(
        self, limit: ConcurrencyLimit, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._seconds = limit, seconds
        # Of each adapter, by the number of the site, of the order, and the lane.
        self._waiting: dict[str, dict[tuple[int, int, str], Key]] = {}
        self._ends: dict[str, float] = {}

    def turn_away(self, adapter: str, keys: Collection[Key]) -> timedelta:
        """These wait from now on; after how long anybody may take them.

        In a second it may be as many as the adapter may have in hand, and nobody waits for more
        than 25 seconds.
        """
        for key in keys:
            self.add(adapter, key)
        now = self._seconds()
        turn = max(self._ends.get(adapter, now), now + _SOON_S)
        lasts = max(len(keys) / self._limit.share(adapter), _APART_S)
        self._ends[adapter] = min(turn + lasts, now + _LATEST_S)
        return timedelta(seconds=turn - now)

    def add(self, adapter: str, key: Key) -> None:
        """One more waits."""
        self._waiting.setdefault(adapter, {})[key[:3]] = key

    def leave(self, adapter: str, key: Key) -> None:
        """One that may have waited is in hand."""
        self._waiting.get(adapter, {}).pop(key[:3], None)

    def next(self, most: int) -> list[Key]:
        """Those that find a hand now, at most so many: they wait no longer."""
        found = [
            (adapter, key)
            for adapter, keys in self._waiting.items()
            for key in islice(keys.values(), self._limit.free_for(adapter))
        ][:most]
        for adapter, key in found:
            self.leave(adapter, key)
        return [key for _, key in found]
